//! Proxies that know when somebody waits for what is behind them.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use local::Info;
use local::lambda::Span;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The variables that name the upstreams of a function, and where they are.
type Upstream = (&'static str, fn(&Info) -> &str);

const UPSTREAMS: [Upstream; 4] = [
    ("HUBSPOT_API_URL", |info| &info.hubspot_url),
    ("QUICKBOOKS_API_URL", |info| &info.quickbooks_url),
    ("AWS_ENDPOINT_URL_DYNAMODB", |info| &info.dynamodb_url),
    ("AWS_ENDPOINT_URL_SECRETS_MANAGER", |info| &info.secretsmanager_url),
];

/// One proxy per upstream.
pub(super) struct Proxies {
    proxies: Vec<(Upstream, Proxy)>,
    waits: Waits,
}

/// Requests that were answered: from the first byte of one to the last of its answer so far.
type Waits = Arc<Mutex<Vec<Span>>>;

impl Proxies {
    /// Opens them; what is behind them is named later, for it is told their addresses when it starts.
    pub(super) async fn open() -> io::Result<Self> {
        let waits = Waits::default();
        let mut proxies = Vec::new();
        for upstream in UPSTREAMS {
            proxies.push((upstream, Proxy::open(waits.clone()).await?));
        }
        Ok(Self { proxies, waits })
    }

    /// The environment that sends a function through the proxies.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let variable = |((name, _), proxy): &(Upstream, Proxy)| {
            ((*name).to_owned(), format!("http://{}", proxy.address))
        };
        self.proxies.iter().map(variable).collect()
    }

    /// Says what is behind them.
    pub(super) fn lead_to(&self, info: &Info) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        for ((_, url), proxy) in &self.proxies {
            let address = url(info).strip_prefix("http://").ok_or("an upstream is not plain http")?;
            let address = address.parse()?;
            proxy.target.get_or_init(|| address);
        }
        Ok(())
    }

    /// Forgets what was waited for so far.
    pub(super) fn forget(&self) {
        lock(&self.waits).clear();
    }

    /// How much of a span at least one request was out.
    pub(super) fn waited(&self, span: Span) -> Duration {
        covered(span, lock(&self.waits).clone())
    }
}

/// The part of `span` that the others cover together.
fn covered(span: Span, mut others: Vec<Span>) -> Duration {
    others.sort_unstable_by_key(|other| other.began);
    let mut covered = Duration::ZERO;
    let mut upto = span.began;
    for other in others {
        let (began, ended) = (other.began.max(upto), other.ended.min(span.ended));
        covered += ended.saturating_duration_since(began);
        upto = upto.max(ended);
    }
    covered
}

/// Passes bytes on, both ways; it ends when dropped.
struct Proxy {
    address: SocketAddr,
    target: Arc<OnceLock<SocketAddr>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    async fn open(waits: Waits) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let target = Arc::new(OnceLock::new());
        let accepting = tokio::spawn(accept(listener, target.clone(), waits));
        Ok(Self { address, target, accepting })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, target: Arc<OnceLock<SocketAddr>>, waits: Waits) {
    let mut relays = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        // Nobody calls before the target is known: the functions are started after it.
        let Some(target) = target.get().copied() else { continue };
        relays.spawn(relay(client, target, waits.clone()));
        while relays.try_join_next().is_some() {}
    }
}

/// Whoever speaks after the other has spoken begins something: the client a request, the server its answer.
async fn relay(mut client: TcpStream, target: SocketAddr, waits: Waits) -> io::Result<()> {
    let mut server = TcpStream::connect(target).await?;
    // Else small packets wait for each other, and would be counted.
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut request, mut answer) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let (mut began, mut answering) = (Instant::now(), true);
    loop {
        tokio::select! {
            read = client.read(&mut request) => {
                let length = read?;
                if length == 0 {
                    return Ok(());
                }
                if answering {
                    (began, answering) = (Instant::now(), false);
                }
                server.write_all(&request[..length]).await?;
            }
            read = server.read(&mut answer) => {
                let length = read?;
                if length == 0 {
                    return Ok(());
                }
                answering = true;
                // Noted before it is passed on, so that it is known when the function has its answer.
                lock(&waits).push(Span { began, ended: Instant::now() });
                client.write_all(&answer[..length]).await?;
            }
        }
    }
}

fn lock(waits: &Waits) -> std::sync::MutexGuard<'_, Vec<Span>> {
    waits.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_waits_count_once_and_only_within_the_span() {
        let zero = Instant::now();
        let at = |millis| zero + Duration::from_millis(millis);
        let span = |began, ended| Span { began: at(began), ended: at(ended) };
        let check = |others: &[Span], millis| {
            assert_eq!(covered(span(100, 200), others.to_vec()), Duration::from_millis(millis), "{others:?}");
        };
        check(&[], 0);
        check(&[span(110, 120), span(150, 160)], 20);
        check(&[span(150, 160), span(110, 155)], 50);
        check(&[span(110, 180), span(120, 130)], 70);
        check(&[span(50, 110), span(190, 900)], 20);
        check(&[span(10, 20), span(300, 400)], 0);
    }

    #[tokio::test]
    async fn a_request_is_out_until_the_last_byte_of_its_answer() {
        let server = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let waits = Waits::default();
        let proxy = Proxy::open(waits.clone()).await.unwrap();
        proxy.target.set(server.local_addr().unwrap()).unwrap();
        let mut client = TcpStream::connect(proxy.address).await.unwrap();
        let (mut upstream, _) = server.accept().await.unwrap();
        let mut buffer = [0; 16];
        for _ in 0..2 {
            client.write_all(b"ask").await.unwrap();
            let length = upstream.read(&mut buffer).await.unwrap();
            upstream.write_all(&buffer[..length]).await.unwrap();
            assert_eq!(client.read(&mut buffer).await.unwrap(), 3);
        }
        let waits = lock(&waits);
        assert_eq!(waits.len(), 2);
        assert!(waits[0].ended <= waits[1].began);
    }
}
