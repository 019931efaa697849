//! How a body is sent: padded, gzipped, in small pieces, cut off.

use std::io::Write;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::{Stream, StreamExt, stream};

use super::Dropped;
use super::fault::{Drip, Fault};

/// An answer whose body breaks at once: the server closes the connection before it has written a byte.
pub(super) fn dropped() -> Response {
    let mut response = Response::new(Body::from_stream(stream::once(async { breaks_off() })));
    response.extensions_mut().insert(Dropped);
    response
}

/// The answer as the fault wants it sent.
pub(super) async fn reshaped(fault: &Fault, response: Response) -> Response {
    if !fault.reshapes() {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return dropped() };
    let mut body = fault.pad_to_bytes.map_or(body.clone(), |bytes| padded(&body, bytes));
    if fault.gzip {
        body = gzipped(&body);
        head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let sent = fault.truncate_to.map_or(body.len(), |bytes| body.len().min(usize_from(bytes)));
    // A cut behind the end is one too: the body then lacks a byte it never had.
    let announced = body.len().max(sent + usize::from(fault.truncate_to.is_some()));
    head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(announced));
    let pieces = pieces(body.slice(..sent), fault.drip);
    let body = match fault.truncate_to {
        Some(_) => Body::from_stream(pieces.chain(stream::once(async {
            // The server sends what it has while it waits for more, and only then learns that no more comes.
            tokio::task::yield_now().await;
            breaks_off()
        }))),
        None => Body::from_stream(pieces),
    };
    Response::from_parts(head, body)
}

fn pieces(body: Bytes, drip: Option<Drip>) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    let piece_bytes = drip.map_or(body.len(), |drip| usize_from(drip.piece_bytes));
    let pause = drip.map(|drip| Duration::from_millis(drip.pause_ms));
    stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        let piece = rest.split_to(piece_bytes.min(rest.len()));
        Some((Ok(piece), rest))
    })
}

fn breaks_off() -> std::io::Result<Bytes> {
    Err(std::io::Error::other("broken off by a fault"))
}

/// Blanks behind JSON or XML change nothing but its length.
fn padded(body: &[u8], bytes: u32) -> Bytes {
    let mut padded = body.to_vec();
    padded.resize(body.len().max(usize_from(bytes)), b' ');
    padded.into()
}

fn gzipped(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    written.expect("memory takes every byte").into()
}

fn usize_from(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
