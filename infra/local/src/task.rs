//! Servers that live as long as the value that stands for them.

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A background task that ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Task(JoinHandle<()>);

impl Task {
    pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(future))
    }

    /// Serves a router until dropped.
    pub(crate) fn serve(listener: TcpListener, router: Router) -> Self {
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        Self::spawn(async move {
            // Accepting on a loopback listener does not end by itself; when the process runs out of sockets, axum waits.
            let _ = axum::serve(listener, service).await;
        })
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A listener on loopback; port 0 takes a free one.
pub(crate) async fn listen(port: u16) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
