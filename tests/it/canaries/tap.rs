//! A loopback proxy that writes down what passes: the proof that a canary went through the code.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A running tap; what is behind it is named once it is known.
pub(crate) struct Tap {
    /// What is behind it, by its name.
    pub(crate) of: &'static str,
    /// Where to send requests.
    pub(crate) url: String,
    target: Arc<OnceLock<String>>,
    passed: Arc<Mutex<Vec<Connection>>>,
}

/// The bytes of one connection.
#[derive(Default)]
struct Connection {
    there: Vec<u8>,
    back: Vec<u8>,
}

/// Which way bytes went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

impl Tap {
    pub(crate) async fn open(of: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let tap = Self { of, url, target: Arc::default(), passed: Arc::default() };
        let (target, passed) = (tap.target.clone(), tap.passed.clone());
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let address = target.get().expect("whoever opens a tap says where it leads").clone();
                tokio::spawn(pass(client, address, passed.clone()));
            }
        });
        tap
    }

    pub(crate) fn lead_to(&self, url: &str) {
        self.target.get_or_init(|| url.trim_start_matches("http://").to_owned());
    }

    /// Everything that functions sent there.
    pub(crate) fn sent(&self) -> Vec<u8> {
        self.bytes(|connection| &connection.there)
    }

    /// Everything that came back.
    pub(crate) fn answered(&self) -> Vec<u8> {
        self.bytes(|connection| &connection.back)
    }

    fn bytes(&self, way: impl Fn(&Connection) -> &Vec<u8>) -> Vec<u8> {
        let passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.iter().map(way).fold(Vec::new(), |all, some| [all, some.clone()].concat())
    }
}

async fn pass(mut client: TcpStream, target: String, passed: Arc<Mutex<Vec<Connection>>>) {
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    let number = {
        let mut passed = passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.push(Connection::default());
        passed.len() - 1
    };
    let keep = |way, bytes: &[u8]| {
        let connection = &mut passed.lock().unwrap_or_else(PoisonError::into_inner)[number];
        let kept = if way == Way::There { &mut connection.there } else { &mut connection.back };
        kept.extend_from_slice(bytes);
    };
    let (mut from_client, mut from_server) = ([0; 16 * 1024], [0; 16 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => match read {
                Ok(0) | Err(_) => return,
                Ok(length) => {
                    keep(Way::There, &from_client[..length]);
                    if server.write_all(&from_client[..length]).await.is_err() { return }
                }
            },
            read = server.read(&mut from_server) => match read {
                Ok(0) | Err(_) => return,
                Ok(length) => {
                    keep(Way::Back, &from_server[..length]);
                    if client.write_all(&from_server[..length]).await.is_err() { return }
                }
            },
        }
    }
}
