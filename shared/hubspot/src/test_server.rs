//! A small HTTP/1.1 server for this crate's tests: every request gets the bytes a closure makes of it, then the connection
//! is closed. It can say what a well-behaved server would not.

use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// `METHOD /path?query`.
    pub(crate) line: String,
    /// Lower-case names; one header per line.
    pub(crate) headers: String,
    pub(crate) body: String,
}

/// What is sent back: after `delay`, these bytes.
pub(crate) struct Answer {
    pub(crate) delay: Duration,
    pub(crate) bytes: Vec<u8>,
}

/// An answer with a status, headers and a JSON body.
pub(crate) fn answer(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Answer {
    let body = body.as_ref();
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n");
    Answer { delay: Duration::ZERO, bytes: [head.as_bytes(), body].concat() }
}

pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) async fn start(answers: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (seen, answers) = (Arc::<Mutex<Vec<Seen>>>::default(), Arc::new(answers));
        let log = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, answers) = (log.clone(), answers.clone());
                tokio::spawn(async move { serve(stream, &log, &*answers).await });
            }
        });
        Self { url, seen }
    }

    /// Every request so far, in order of arrival.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, log: &Mutex<Vec<Seen>>, answers: &(dyn Fn(&Seen) -> Answer + Sync)) {
    let Some(seen) = read(&mut stream).await else { return };
    log.lock().unwrap().push(seen.clone());
    let answer = answers(&seen);
    tokio::time::sleep(answer.delay).await;
    // The client may have gone: that is what some tests are about.
    let _ = stream.write_all(&answer.bytes).await;
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    loop {
        if let Some(seen) = parse(&bytes) {
            return Some(seen);
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn parse(bytes: &[u8]) -> Option<Seen> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let (line, headers) = head.split_once("\r\n")?;
    let headers = headers.to_ascii_lowercase();
    let length = headers.lines().find_map(|line| line.strip_prefix("content-length: "));
    let complete = body.len() >= length.map_or(0, |length| length.parse().unwrap());
    let line = line.trim_end_matches(" HTTP/1.1").to_owned();
    complete.then(|| Seen { line, headers, body: body.to_owned() })
}

/// Connections as the functions set them up.
pub(crate) fn http() -> reqwest::Client {
    let http = reqwest::Client::builder().connect_timeout(std::time::Duration::from_secs(1)).gzip(true);
    let http = http.redirect(reqwest::redirect::Policy::none()).no_proxy().retry(reqwest::retry::never());
    http.build().unwrap()
}
