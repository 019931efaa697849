//! A browser, as far as these flows need one: it keeps the cookies of one site, follows redirects one by one, and sends the
//! forms it is shown. It holds every answer of ours against what must be true of all of them.

use std::collections::BTreeMap;

use local::stack::Stack;
use reqwest::{Method, Url};

/// One person's browser.
pub(crate) struct Browser {
    http: reqwest::Client,
    /// The site whose cookies are kept: no other gets them.
    site: Url,
    cookies: BTreeMap<String, String>,
    /// Headers of every request to the site, such as the language.
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// What the browser shows.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) url: Url,
    /// Where a redirect leads.
    pub(crate) location: Option<Url>,
    pub(crate) text: String,
}

impl Browser {
    pub(crate) fn new(stack: &Stack) -> Self {
        let builder = reqwest::Client::builder().no_proxy().tls_certs_only([]).pool_max_idle_per_host(0);
        let http = builder.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let site = Url::parse(&stack.info.public_base_url).unwrap();
        Self { http, site, cookies: BTreeMap::new(), headers: Vec::new() }
    }

    /// The page, a path of our own site or a whole address, without going on.
    pub(crate) async fn open(&mut self, address: &str) -> Page {
        let url = self.site.join(address).unwrap();
        self.send(Method::GET, url, None).await
    }

    /// The page at which the browser ends up.
    pub(crate) async fn go(&mut self, address: &str) -> Page {
        let page = self.open(address).await;
        self.follow(page).await
    }

    pub(crate) async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..10 {
            let Some(location) = page.location.take() else { return page };
            page = self.send(Method::GET, location, None).await;
        }
        panic!("redirected again and again: {page:?}");
    }

    /// Sends a form by POST, without going on.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let url = self.site.join(path).unwrap();
        self.send(Method::POST, url, Some(fields)).await
    }

    /// Sends the first form of the page by the button with this name and value, and goes on from there.
    pub(crate) async fn submit(&mut self, page: &Page, action: &str, button: (&str, &str)) -> Page {
        let mut fields = page.fields_of(action);
        if !button.0.is_empty() {
            fields.push((button.0.to_owned(), button.1.to_owned()));
        }
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let url = page.url.join(action).unwrap();
        let page = self.send(Method::POST, url, Some(&fields)).await;
        self.follow(page).await
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn forget(&mut self, name: &str) {
        self.cookies.remove(name);
    }

    async fn send(&mut self, method: Method, url: Url, form: Option<&[(&str, &str)]>) -> Page {
        let ours = url.origin() == self.site.origin();
        let mut request = self.http.request(method.clone(), url.clone());
        if ours {
            let cookies: Vec<_> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", cookies.join("; "));
            for (name, value) in &self.headers {
                request = request.header(*name, value);
            }
        }
        if let Some(form) = form {
            request = request.form(form);
            let says_origin = self.headers.iter().any(|(name, _)| *name == "origin");
            if ours && !says_origin {
                request = request.header("origin", self.site.origin().ascii_serialization());
            }
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{method} {url}: {error}"));
        let headers = answer.headers().clone();
        if ours && url.path() != "/console" {
            check_headers(&url, &headers);
        }
        for cookie in headers.get_all("set-cookie") {
            self.keep(cookie.to_str().unwrap());
        }
        let location = headers.get("location").map(|value| url.join(value.to_str().unwrap()).unwrap());
        let status = answer.status().as_u16();
        Page { status, url, location, text: answer.text().await.unwrap() }
    }

    /// A cookie is ours alone, or the test fails.
    fn keep(&mut self, cookie: &str) {
        let mut parts = cookie.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let attributes: Vec<_> = parts.collect();
        assert!(name.starts_with("__Host-"), "{cookie}");
        for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
            assert!(attributes.contains(&attribute), "{attribute} is missing: {cookie}");
        }
        assert!(!attributes.iter().any(|attribute| attribute.starts_with("Domain")), "{cookie}");
        match attributes.contains(&"Max-Age=0") {
            true => self.cookies.remove(name),
            false => self.cookies.insert(name.to_owned(), value.to_owned()),
        };
    }
}

/// What stands on every answer of ours.
fn check_headers(url: &Url, headers: &reqwest::header::HeaderMap) {
    let header = |name: &str| {
        let value = headers.get(name).unwrap_or_else(|| panic!("{url} has no {name}"));
        value.to_str().unwrap().to_owned()
    };
    let policy = header("content-security-policy");
    for rule in [
        "default-src 'none'",
        "style-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(rule), "{url}: {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{url}: {policy}");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("referrer-policy"), "same-origin");
    assert!(header("strict-transport-security").starts_with("max-age=31536000"));
}

impl Page {
    pub(crate) fn shows(&self, text: &str) -> bool {
        self.text.contains(text)
    }

    /// The hidden fields of the form that goes to this path.
    pub(crate) fn fields_of(&self, action: &str) -> Vec<(String, String)> {
        let form = self.text.split("<form ").find(|form| form.contains(&format!("action=\"{action}\"")));
        let form = form.unwrap_or_else(|| panic!("no form goes to {action}: {}", self.text));
        let form = form.split("</form>").next().unwrap();
        let attribute = |tag: &str, name: &str| {
            let value = tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?;
            Some(
                value.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\""),
            )
        };
        form.split("<input")
            .skip(1)
            .map(|tag| tag.split('>').next().unwrap())
            .filter(|tag| tag.contains("type=\"hidden\""))
            .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)))
            .collect()
    }

    /// The address of the link with this text.
    pub(crate) fn link(&self, text: &str) -> Url {
        let before = self.text.split(&format!(">{text}</a>")).next().unwrap();
        let href = before.rsplit("href=\"").next().and_then(|rest| rest.split('"').next());
        self.url.join(&href.unwrap().replace("&amp;", "&")).unwrap()
    }

    /// A word of the address it was shown at.
    pub(crate) fn told(&self) -> String {
        let pairs: BTreeMap<_, _> = self.url.query_pairs().into_owned().collect();
        pairs.get("told").cloned().unwrap_or_default()
    }
}
