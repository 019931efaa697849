//! Forms with a file: read into the same fields as any other form.

use std::convert::Infallible;

use lambda_http::Request;
use lambda_http::http::header::CONTENT_TYPE;

use crate::web::Fields;

/// What a form holds. A part that is no text in UTF-8 is none of its fields; neither is anything of a form that breaks off.
pub(super) async fn fields(request: &Request) -> Fields {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match content_type.map(multer::parse_boundary) {
        Some(Ok(boundary)) => Fields::of_parts(parts(request, boundary).await.unwrap_or_default()),
        _ => Fields::of_form(request),
    }
}

async fn parts(request: &Request, boundary: String) -> multer::Result<Vec<(String, String)>> {
    let body = request.body().to_vec();
    let stream = futures::stream::once(async { Ok::<_, Infallible>(body) });
    let mut form = multer::Multipart::new(stream, boundary);
    let mut parts = Vec::new();
    while let Some(part) = form.next_field().await? {
        let name = part.name().map(str::to_owned);
        let bytes = part.bytes().await?;
        if let (Some(name), Ok(text)) = (name, String::from_utf8(bytes.to_vec())) {
            parts.push((name, text));
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(body: &'static [u8]) -> Request {
        let mut request = Request::new(body.into());
        request.headers_mut().insert(CONTENT_TYPE, "multipart/form-data; boundary=x".parse().unwrap());
        request
    }

    #[tokio::test]
    async fn a_chosen_file_is_a_field_like_any_other() {
        let form = fields(&upload(
            b"--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nabc\r\n\
              --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"s.json\"\r\n\
              Content-Type: application/json\r\n\r\n{\"version\": 1}\r\n--x--\r\n",
        ))
        .await;
        assert_eq!((form.one("csrf"), form.one("file")), (Some("abc"), Some("{\"version\": 1}")));
    }

    #[tokio::test]
    async fn what_breaks_off_or_is_no_text_has_no_fields() {
        let broken = upload(b"--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nab");
        assert_eq!(fields(&broken).await.one("csrf"), None);
        let image = upload(
            b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n\xff\xd8\r\n--x--\r\n",
        );
        assert_eq!(fields(&image).await.one("file"), None);
    }
}
