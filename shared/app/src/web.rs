//! What a browser and we say to each other: pages with their security headers, redirects, cookies, forms, and the language
//! a person reads.
//!
//! Scripts run nowhere, nothing is framed or kept by a cache, and a form goes back to where it came from.

use std::time::Duration;

use lambda_http::http::StatusCode;
use lambda_http::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HeaderName, HeaderValue,
    LOCATION, ORIGIN, REFERRER_POLICY, SET_COOKIE, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt, Response};
use maud::Markup;
use reqwest::Url;

use crate::config::Config;

/// What goes back to the browser.
pub(crate) type Reply = Response<String>;

/// With every answer. A form may go to ourselves only, also by a redirect. The referrer is kept among our own pages, for
/// without it browsers tell no origin when they send a form.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; \
         base-uri 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "same-origin"),
    (CACHE_CONTROL, "no-store"),
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// An answer of this type and text, with all headers.
pub(crate) fn answer(status: u16, content_type: &'static str, body: String) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}

/// A page.
pub(crate) fn page(status: u16, page: Markup) -> Reply {
    answer(status, "text/html; charset=utf-8", page.into_string())
}

/// A stylesheet: the same for everybody, so it may be kept for a while.
pub(crate) fn stylesheet(css: &'static str) -> Reply {
    let mut reply = answer(200, "text/css; charset=utf-8", css.to_owned());
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    reply
}

/// Sends the browser on, with GET.
pub(crate) fn redirect(location: &str) -> Reply {
    let mut reply = answer(302, "text/plain; charset=utf-8", String::new());
    // Whatever cannot stand in a header has no business in an address.
    if let Ok(location) = HeaderValue::from_str(location) {
        reply.headers_mut().insert(LOCATION, location);
    }
    reply
}

/// Sends the browser on after a form, with GET.
pub(crate) fn see_other(location: &str) -> Reply {
    let mut reply = redirect(location);
    *reply.status_mut() = StatusCode::SEE_OTHER;
    reply
}

/// A path of ours with a query, in which everything is escaped.
pub(crate) fn path(path: &str, query: &[(&str, &str)]) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{path}?{query}")
}

/// The same answer with a cookie that only we read, only over TLS, and that no other site's form brings along. The prefix
/// keeps other hosts of the domain from setting it.
pub(crate) fn with_cookie(mut reply: Reply, name: Cookie, value: &str, max_age: Option<Duration>) -> Reply {
    let age = max_age.map(|age| format!("; Max-Age={}", age.as_secs())).unwrap_or_default();
    let cookie = format!("{}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{age}", name.0);
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        reply.headers_mut().append(SET_COOKIE, cookie);
    }
    reply
}

/// The same answer without the cookie from now on.
pub(crate) fn without_cookie(reply: Reply, name: Cookie) -> Reply {
    with_cookie(reply, name, "", Some(Duration::ZERO))
}

/// A cookie by its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookie(pub(crate) &'static str);

/// What the browser keeps under this name.
pub(crate) fn cookie(request: &Request, name: Cookie) -> Option<&str> {
    let lines = request.headers().get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name.0).map(|(_, value)| value)
}

/// The route that API Gateway found for a request, such as `GET /connect/hubspot`.
pub(crate) fn route(request: &Request) -> &str {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.route_key.as_deref().unwrap_or_default(),
        _ => "",
    }
}

/// What stands in a query or a form.
#[derive(Clone, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Those of the address.
    pub(crate) fn of_query(request: &Request) -> Self {
        Self::read(request.uri().query().unwrap_or_default().as_bytes())
    }

    /// Those of a form that was sent. Anything but a form has none.
    pub(crate) fn of_form(request: &Request) -> Self {
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_form = content_type
            .and_then(|given| given.split(';').next())
            .is_some_and(|given| given.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
        if is_form { Self::read(request.body().as_ref()) } else { Self::default() }
    }

    /// Those of a form that was sent in parts, each with its name.
    pub(crate) fn of_parts(parts: Vec<(String, String)>) -> Self {
        Self(parts)
    }

    fn read(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The value of a field that stands there exactly once.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        let only = values.next()?;
        values.next().is_none().then_some(only.1.as_str())
    }

    /// Whether the field stands there at all.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }
}

/// Whether a form comes from a page of ours, as far as the browser tells; one that tells nothing has the token of the
/// session to show.
pub(crate) fn is_from_our_page(config: &Config, request: &Request) -> bool {
    let header =
        |name: HeaderName| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    let ours = Url::parse(&config.public_base_url).map(|url| url.origin().ascii_serialization()).ok();
    let site_fits = header(SEC_FETCH_SITE).is_none_or(|site| matches!(site, "same-origin" | "none"));
    site_fits && header(ORIGIN).is_none_or(|origin| ours.as_deref() == Some(origin))
}

/// What a person reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// Also for whoever reads neither.
    English,
    /// French.
    French,
}

impl Language {
    /// The language that the browser likes best of those we have.
    pub(crate) fn of(request: &Request) -> Self {
        let header = request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self::liked_best(header.unwrap_or_default())
    }

    fn liked_best(accepted: &str) -> Self {
        let mut best = (0, Self::English);
        for range in accepted.split(',') {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let language =
                match tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase().as_str() {
                    "fr" => Self::French,
                    "en" | "*" => Self::English,
                    _ => continue,
                };
            let liking = thousandths(parameters);
            if liking > best.0 {
                best = (liking, language);
            }
        }
        best.1
    }

    /// Its code, for `lang` of a page.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// The text in this language.
    pub(crate) fn of_both<'a>(self, english: &'a str, french: &'a str) -> &'a str {
        match self {
            Self::English => english,
            Self::French => french,
        }
    }
}

/// The weight `q=0.8` as 800; 1000 without one.
fn thousandths(parameters: &str) -> u32 {
    let Some(weight) = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("q=")) else {
        return 1000;
    };
    let (whole, part) = weight.trim().split_once('.').unwrap_or((weight.trim(), ""));
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    match (whole, part.parse::<u32>()) {
        ("0", Ok(part)) => part,
        ("1", _) => 1000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&'static str, &str)]) -> Request {
        let mut request = Request::default();
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        request
    }

    #[test]
    fn the_language_liked_best_is_spoken_and_english_to_everybody_else() {
        for (accepted, expected) in [
            ("", Language::English),
            ("fr", Language::French),
            ("fr-CA, en;q=0.8", Language::French),
            ("de, en;q=0.5, fr;q=0.7", Language::French),
            ("en-GB,en;q=0.9,fr;q=0.8", Language::English),
            ("fr;q=0", Language::English),
            ("ja", Language::English),
            ("FR;q=x, *", Language::English),
        ] {
            assert_eq!(Language::liked_best(accepted), expected, "{accepted}");
        }
    }

    #[test]
    fn a_field_that_stands_twice_is_no_field() {
        let fields = Fields::read(b"code=a%20b&state=1&state=2&empty=");
        assert_eq!(fields.one("code"), Some("a b"));
        assert_eq!(fields.one("empty"), Some(""));
        assert_eq!((fields.one("state"), fields.has("state"), fields.has("error")), (None, true, false));
    }

    #[test]
    fn cookies_are_found_among_others() {
        let request = request(&[("cookie", "a=1; __Host-b=2;c=3")]);
        assert_eq!(cookie(&request, Cookie("__Host-b")), Some("2"));
        assert_eq!(cookie(&request, Cookie("c")), Some("3"));
        assert_eq!(cookie(&request, Cookie("b")), None);
    }

    #[test]
    fn only_forms_have_fields() {
        let mut form = request(&[("content-type", "application/x-www-form-urlencoded; charset=utf-8")]);
        *form.body_mut() = "csrf=1".into();
        assert_eq!(Fields::of_form(&form).one("csrf"), Some("1"));
        let mut other = request(&[("content-type", "text/plain")]);
        *other.body_mut() = "csrf=1".into();
        assert_eq!(Fields::of_form(&other).one("csrf"), None);
    }

    #[test]
    fn a_cookie_is_for_us_alone() {
        let reply =
            with_cookie(see_other("/console"), Cookie("__Host-x"), "v", Some(Duration::from_secs(600)));
        assert_eq!(reply.status(), 303);
        let set = reply.headers()["set-cookie"].to_str().unwrap();
        assert_eq!(set, "__Host-x=v; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600");
    }

    #[test]
    fn what_stands_in_a_path_is_escaped() {
        assert_eq!(path("/console", &[("next", "/a?b=c&d")]), "/console?next=%2Fa%3Fb%3Dc%26d");
        assert_eq!(path("/console", &[]), "/console");
    }
}
