//! A loopback proxy that can lose the reply to a request that took place: what a broken connection looks like to the SDK.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A running proxy.
pub(crate) struct Lossy {
    /// Where to send requests.
    pub(crate) url: String,
    lose: Arc<AtomicBool>,
    lost: Arc<AtomicU64>,
}

impl Lossy {
    /// A proxy in front of a loopback server.
    pub(crate) async fn in_front_of(url: &str) -> Self {
        let target = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (lose, lost) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let proxy = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            lose: lose.clone(),
            lost: lost.clone(),
        };
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(connection(client, target.clone(), lose.clone(), lost.clone()));
            }
        });
        proxy
    }

    /// The next reply is read from the server and never reaches the client.
    pub(crate) fn lose_the_next_reply(&self) {
        self.lose.store(true, Ordering::SeqCst);
    }

    /// How many replies were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::SeqCst)
    }
}

/// Copies bytes until a reply is to be lost: then the whole reply is awaited, so that the effect is certain, and the
/// connection closed.
async fn connection(mut client: TcpStream, target: String, lose: Arc<AtomicBool>, lost: Arc<AtomicU64>) {
    let mut server = TcpStream::connect(target).await.unwrap();
    let (mut from_client, mut from_server) = ([0; 16 * 1024], [0; 16 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => match read {
                Ok(0) | Err(_) => return,
                Ok(length) => server.write_all(&from_client[..length]).await.unwrap(),
            },
            read = server.read(&mut from_server) => match read {
                Ok(0) | Err(_) => return,
                Ok(_) if lose.swap(false, Ordering::SeqCst) => {
                    lost.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                Ok(length) => if client.write_all(&from_server[..length]).await.is_err() { return },
            },
        }
    }
}
