//! Proxies between a function and its upstreams: HubSpot, QuickBooks, DynamoDB and Secrets Manager.
//!
//! They know each request by its name, when it was out, and can stop everything at a chosen moment of a chosen request: then
//! nothing passes any more, either way, and whoever asked for it may kill the function before time goes on.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use crate::Info;
use crate::lambda::Span;
use crate::task::{self, Task};

/// An upstream: what it is called here, the variable that tells a function its address, and where it really is.
type Upstream = (&'static str, &'static str, fn(&Info) -> &str);

const UPSTREAMS: [Upstream; 4] = [
    ("HubSpot", "HUBSPOT_API_URL", |info| &info.hubspot_url),
    ("QuickBooks", "QUICKBOOKS_API_URL", |info| &info.quickbooks_url),
    ("DynamoDB", "AWS_ENDPOINT_URL_DYNAMODB", |info| &info.dynamodb_url),
    ("Secrets Manager", "AWS_ENDPOINT_URL_SECRETS_MANAGER", |info| &info.secretsmanager_url),
];

/// One proxy per upstream; they end when dropped.
pub struct Proxies {
    proxies: Vec<(Upstream, Proxy)>,
    traffic: Arc<Traffic>,
}

/// A request among those that went out since the last [`Proxies::forget`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    /// Upstream and operation: `DynamoDB UpdateItem`, `QuickBooks POST /v3/company/{id}/invoice`.
    pub what: String,
    /// The first with this name is 1.
    pub nth: usize,
}

/// A moment of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Its head has left the function, and nothing of it goes on.
    BeforeSending,
    /// All of it has left the function, and nothing of it goes on.
    AfterSending,
    /// The upstream has done it, and nothing of the reply goes back.
    AfterTheEffect,
    /// All of the reply has gone back, and the function does nothing more.
    AfterTheReply,
}

impl Moment {
    /// All of them, in order.
    pub const ALL: [Self; 4] =
        [Self::BeforeSending, Self::AfterSending, Self::AfterTheEffect, Self::AfterTheReply];
}

impl Proxies {
    /// Opens them; what is behind them is named later, for it is told their addresses when it starts.
    ///
    /// # Errors
    /// There is no port to listen on.
    pub async fn open() -> io::Result<Self> {
        let traffic = Arc::new(Traffic::default());
        let mut proxies = Vec::new();
        for upstream in UPSTREAMS {
            proxies.push((upstream, Proxy::open(upstream.0, traffic.clone()).await?));
        }
        Ok(Self { proxies, traffic })
    }

    /// The environment that sends a function through the proxies.
    pub fn variables(&self) -> Vec<(String, String)> {
        let variable = |((_, name, _), proxy): &(Upstream, Proxy)| {
            ((*name).to_owned(), format!("http://{}", proxy.address))
        };
        self.proxies.iter().map(variable).collect()
    }

    /// Says what is behind them.
    ///
    /// # Errors
    /// An upstream's address is not `http://` and a socket's.
    pub fn lead_to(&self, info: &Info) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        for ((_, _, url), proxy) in &self.proxies {
            let address = url(info).strip_prefix("http://").ok_or("an upstream is not plain http")?;
            let address = address.parse()?;
            proxy.target.get_or_init(|| address);
        }
        Ok(())
    }

    /// Forgets which requests went out so far.
    pub fn forget(&self) {
        *self.traffic.lock() = Seen::default();
    }

    /// The requests so far, in the order in which they went out.
    pub fn requests(&self) -> Vec<Request> {
        self.traffic.lock().requests.clone()
    }

    /// When answered requests were out: from the first byte of one to the last of its answer.
    pub fn waits(&self) -> Vec<Span> {
        self.traffic.lock().waits.clone()
    }

    /// Stops everything at this moment of this request, once; what is answered says when it came to that.
    pub fn stop_at(&self, request: Request, moment: Moment) -> oneshot::Receiver<()> {
        let (reached, told) = oneshot::channel();
        self.traffic.lock().stop = Some(Stop { request, moment, reached });
        told
    }

    /// Lets everything pass again, and no stop happen any more. A connection that was held up is closed, not caught up with.
    pub fn go_on(&self) {
        self.traffic.lock().stop = None;
        self.traffic.stopped.send_replace(false);
    }
}

/// What all proxies see and are told.
#[derive(Default)]
struct Traffic {
    seen: Mutex<Seen>,
    stopped: watch::Sender<bool>,
}

#[derive(Default)]
struct Seen {
    requests: Vec<Request>,
    counts: HashMap<String, usize>,
    waits: Vec<Span>,
    stop: Option<Stop>,
}

struct Stop {
    request: Request,
    moment: Moment,
    reached: oneshot::Sender<()>,
}

impl Traffic {
    fn begin(&self, what: String) -> Request {
        let mut seen = self.lock();
        let count = seen.counts.entry(what.clone()).or_default();
        *count += 1;
        let request = Request { what, nth: *count };
        seen.requests.push(request.clone());
        request
    }

    /// Stops everything if this is the moment to; whoever waits for it is told by whoever takes what is answered.
    fn stop_now(&self, request: &Request, moment: Moment) -> Option<oneshot::Sender<()>> {
        let stop = self.lock().stop.take_if(|stop| stop.request == *request && stop.moment == moment)?;
        self.stopped.send_replace(true);
        Some(stop.reached)
    }

    /// As [`Self::stop_now`], told at once.
    fn pause(&self, request: &Request, moment: Moment) {
        if let Some(reached) = self.stop_now(request, moment) {
            let _ = reached.send(());
        }
    }

    /// # Errors
    /// Everything stood still: what wanted to pass has not been let through, and is not any more.
    async fn pass(&self) -> io::Result<()> {
        let mut stopped = self.stopped.subscribe();
        if !*stopped.borrow_and_update() {
            return Ok(());
        }
        let _ = stopped.wait_for(|stopped| !stopped).await;
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Proxy {
    address: SocketAddr,
    target: Arc<OnceLock<SocketAddr>>,
    _accepting: Task,
}

impl Proxy {
    async fn open(name: &'static str, traffic: Arc<Traffic>) -> io::Result<Self> {
        let (listener, address) = task::listen(0).await?;
        let target = Arc::new(OnceLock::new());
        let accepting = Task::spawn(accept(listener, name, target.clone(), traffic));
        Ok(Self { address, target, _accepting: accepting })
    }
}

async fn accept(
    listener: TcpListener,
    name: &'static str,
    target: Arc<OnceLock<SocketAddr>>,
    traffic: Arc<Traffic>,
) {
    let mut relays = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        // Nobody calls before the target is known: the functions are started after it.
        let Some(target) = target.get().copied() else { continue };
        let traffic = traffic.clone();
        relays.spawn(async move { Relay::open(name, client, target, traffic).await?.run().await });
        while relays.try_join_next().is_some() {}
    }
}

/// A connection of a function, and ours to its upstream. HTTP/1.1, one request at a time.
struct Relay {
    name: &'static str,
    client: TcpStream,
    server: TcpStream,
    traffic: Arc<Traffic>,
}

impl Relay {
    async fn open(
        name: &'static str,
        client: TcpStream,
        target: SocketAddr,
        traffic: Arc<Traffic>,
    ) -> io::Result<Self> {
        let server = TcpStream::connect(target).await?;
        // Else small packets wait for each other, and would be counted.
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        Ok(Self { name, client, server, traffic })
    }

    /// Until one of the two closes, or everything was stopped meanwhile.
    async fn run(mut self) -> io::Result<()> {
        loop {
            let (request, began) = self.request().await?;
            self.reply(&request, began).await?;
        }
    }

    /// Reads a request and passes it on as a whole.
    async fn request(&mut self) -> io::Result<(Request, Instant)> {
        let mut bytes = Vec::new();
        // Between requests the server may close too.
        tokio::select! {
            read = self.client.read_buf(&mut bytes) => some(read?)?,
            () = spoke_or_closed(&self.server) => return Err(io::ErrorKind::ConnectionAborted.into()),
        }
        let began = Instant::now();
        while head(&bytes).is_none() {
            some(self.client.read_buf(&mut bytes).await?)?;
        }
        self.traffic.pass().await?;
        let request = self.traffic.begin(name_of(self.name, head(&bytes).unwrap_or_default()));
        self.traffic.pause(&request, Moment::BeforeSending);
        while !is_whole(&bytes) {
            some(self.client.read_buf(&mut bytes).await?)?;
        }
        self.traffic.pause(&request, Moment::AfterSending);
        self.traffic.pass().await?;
        self.server.write_all(&bytes).await?;
        Ok((request, began))
    }

    /// Passes a reply back as it comes.
    async fn reply(&mut self, request: &Request, began: Instant) -> io::Result<()> {
        let (mut reply, mut passed) = (Vec::new(), 0);
        while passed == 0 || !is_whole(&reply) {
            tokio::select! {
                read = self.server.read_buf(&mut reply) => some(read?)?,
                // It does not wait any more.
                () = spoke_or_closed(&self.client) => return Err(io::ErrorKind::ConnectionAborted.into()),
            }
            self.traffic.pause(request, Moment::AfterTheEffect);
            self.traffic.pass().await?;
            let last = is_whole(&reply);
            // Stopped before the function has it, so that it can do nothing with it; told afterwards.
            let reached = if last { self.traffic.stop_now(request, Moment::AfterTheReply) } else { None };
            if last {
                // Noted before it is passed on, so that it is known when the function has its answer.
                self.traffic.lock().waits.push(Span { began, ended: Instant::now() });
            }
            self.client.write_all(&reply[passed..]).await?;
            passed = reply.len();
            if let Some(reached) = reached {
                let _ = reached.send(());
            }
        }
        Ok(())
    }
}

/// Whoever does this out of turn is not there any more.
async fn spoke_or_closed(stream: &TcpStream) {
    let _ = stream.peek(&mut [0]).await;
}

/// # Errors
/// The other side has closed.
fn some(length: usize) -> io::Result<()> {
    if length == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

/// The head of a message without the blank line, once it is there.
fn head(message: &[u8]) -> Option<&str> {
    let end = message.windows(4).position(|four| four == b"\r\n\r\n")?;
    std::str::from_utf8(&message[..end]).ok()
}

/// Whether a request or a reply has all of its body (RFC 9112 §6.3). A reply that ends with its connection never has.
fn is_whole(message: &[u8]) -> bool {
    let Some(head) = head(message) else { return false };
    let body = &message[head.len() + 4..];
    if let Some(length) = header(head, "content-length") {
        return length.parse::<usize>().is_ok_and(|length| body.len() >= length);
    }
    if header(head, "transfer-encoding").is_some() {
        return body.ends_with(b"0\r\n\r\n");
    }
    let is_reply = head.starts_with("HTTP/");
    !is_reply || head.contains(" 204 ") || head.contains(" 304 ")
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    headers.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// What a request is called: AWS names its operations in a header, the vendors in method and path.
fn name_of(upstream: &str, head: &str) -> String {
    if let Some((_, operation)) = header(head, "x-amz-target").and_then(|target| target.split_once('.')) {
        return format!("{upstream} {operation}");
    }
    let mut line = head.split(' ');
    let method = line.next().unwrap_or_default();
    let target = line.next().unwrap_or_default();
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    // Ids are long; versions and type ids are not.
    let is_id = |part: &str| part.bytes().filter(u8::is_ascii_digit).count() > 6;
    let path: Vec<_> = path.split('/').map(|part| if is_id(part) { "{id}" } else { part }).collect();
    format!("{upstream} {method} {}", path.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASK: &[u8] = b"POST /v3/company/9130350000000001/invoice?requestid=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nask";
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    const INVOICE: &str = "QuickBooks POST /v3/company/{id}/invoice";

    /// An upstream that answers everything, and how often it did.
    struct Bench {
        traffic: Arc<Traffic>,
        proxy: Proxy,
        done: Arc<std::sync::atomic::AtomicUsize>,
    }

    async fn bench() -> Bench {
        let done = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let (server, address) = task::listen(0).await.unwrap();
        let counted = done.clone();
        tokio::spawn(async move {
            loop {
                let (mut connection, _) = server.accept().await.unwrap();
                let counted = counted.clone();
                tokio::spawn(async move {
                    let mut request = vec![0; ASK.len()];
                    while connection.read_exact(&mut request).await.is_ok() {
                        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        connection.write_all(ANSWER).await.unwrap();
                    }
                });
            }
        });
        let traffic = Arc::new(Traffic::default());
        let proxy = Proxy::open("QuickBooks", traffic.clone()).await.unwrap();
        proxy.target.set(address).unwrap();
        Bench { traffic, proxy, done }
    }

    impl Bench {
        fn proxies(&self) -> Proxies {
            Proxies { proxies: Vec::new(), traffic: self.traffic.clone() }
        }

        fn done(&self) -> usize {
            self.done.load(std::sync::atomic::Ordering::SeqCst)
        }
    }

    async fn ask(client: &mut TcpStream) -> io::Result<Vec<u8>> {
        client.write_all(ASK).await?;
        let mut answer = vec![0; ANSWER.len()];
        client.read_exact(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn a_request_is_known_by_name_and_number_and_is_out_until_its_answer() {
        let bench = bench().await;
        let mut client = TcpStream::connect(bench.proxy.address).await.unwrap();
        for _ in 0..2 {
            assert_eq!(ask(&mut client).await.unwrap(), ANSWER);
        }
        let request = |nth| Request { what: INVOICE.to_owned(), nth };
        assert_eq!(bench.proxies().requests(), [request(1), request(2)]);
        let waits = bench.proxies().waits();
        assert_eq!(waits.len(), 2);
        assert!(waits[0].ended <= waits[1].began);
    }

    #[tokio::test]
    async fn at_each_moment_everything_stops_and_what_was_held_up_is_lost() {
        for (moment, done, answered) in [
            (Moment::BeforeSending, 0, false),
            (Moment::AfterSending, 0, false),
            (Moment::AfterTheEffect, 1, false),
            (Moment::AfterTheReply, 1, true),
        ] {
            let bench = bench().await;
            let proxies = bench.proxies();
            let stopped = proxies.stop_at(Request { what: INVOICE.to_owned(), nth: 1 }, moment);
            let (mut first, mut second) = (
                TcpStream::connect(bench.proxy.address).await.unwrap(),
                TcpStream::connect(bench.proxy.address).await.unwrap(),
            );
            let asking = tokio::spawn(async move { ask(&mut first).await.is_ok() });
            stopped.await.unwrap();
            let held_up = tokio::spawn(async move { ask(&mut second).await.is_ok() });
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            assert_eq!((bench.done(), asking.is_finished()), (done, answered), "{moment:?}");
            proxies.go_on();
            assert_eq!((asking.await.unwrap(), held_up.await.unwrap()), (answered, false), "{moment:?}");
            assert_eq!(bench.done(), done, "{moment:?}");
            let mut third = TcpStream::connect(bench.proxy.address).await.unwrap();
            assert_eq!(ask(&mut third).await.unwrap(), ANSWER);
        }
    }

    #[test]
    fn requests_are_named_without_their_ids() {
        let hubspot = "POST /automation/actions/callbacks/2026-03/ap-1000001-900000000001-3-0/complete HTTP/1.1\r\nHost: x";
        let named = "HubSpot POST /automation/actions/callbacks/2026-03/{id}/complete";
        assert_eq!(name_of("HubSpot", hubspot), named);
        let aws = "POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.UpdateItem";
        assert_eq!(name_of("DynamoDB", aws), "DynamoDB UpdateItem");
    }

    #[test]
    fn the_end_of_a_message_is_known_in_each_of_its_forms() {
        let whole = |text: &str| is_whole(text.as_bytes());
        assert!(whole("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert!(!whole("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\na"));
        assert!(whole("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab"));
        assert!(whole("HTTP/1.1 204 No Content\r\n\r\n"));
        assert!(!whole("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n"));
        assert!(whole("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"));
        assert!(!whole("HTTP/1.1 200 OK\r\n\r\nuntil it closes"));
    }
}
