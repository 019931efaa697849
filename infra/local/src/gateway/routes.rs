//! Which route a request takes: the rules of an HTTP API.
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>)

use crate::template::Route;

/// All routes, the most specific first.
pub(super) struct Routes(Vec<Route>);

/// A route, and what its path parameters stand for.
pub(super) struct Match<'a> {
    pub(super) route: &'a Route,
    pub(super) parameters: Vec<(String, String)>,
}

impl Routes {
    pub(super) fn new(routes: &[Route]) -> Self {
        let mut routes = routes.to_vec();
        routes.sort_by_key(|route| (specificity(&route.path), route.method == "ANY"));
        Self(routes)
    }

    /// The route for a method and a path without its percent-encoding.
    pub(super) fn find(&self, method: &str, path: &str) -> Option<Match<'_>> {
        self.0.iter().filter(|route| route.method == method || route.method == "ANY").find_map(|route| {
            let parameters = parameters(&route.path, path)?;
            Some(Match { route, parameters })
        })
    }
}

/// Per segment: fixed text before a parameter, a parameter before the rest of a path.
fn specificity(path: &str) -> Vec<u8> {
    path.split('/')
        .map(|segment| match segment.strip_prefix('{') {
            None => 0,
            Some(name) if !name.ends_with("+}") => 1,
            Some(_) => 2,
        })
        .collect()
}

fn parameters(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut rest = path.strip_prefix('/')?;
    let mut segments = pattern.strip_prefix('/')?.split('/').peekable();
    while let Some(segment) = segments.next() {
        let name = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
        if let Some(greedy) = name.and_then(|name| name.strip_suffix('+')) {
            found.push((greedy.to_owned(), rest.to_owned()));
            return (!rest.is_empty()).then_some(found);
        }
        let last = segments.peek().is_none();
        let (value, after) = match (rest.split_once('/'), last) {
            (Some((value, after)), false) => (value, after),
            (None, true) => (rest, ""),
            _ => return None,
        };
        match name {
            Some(name) if !value.is_empty() => found.push((name.to_owned(), value.to_owned())),
            None if segment == value => {}
            _ => return None,
        }
        rest = after;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const KEYS: [&str; 6] = [
        "GET /console/{page+}",
        "ANY /options/{field}",
        "POST /options/{field}",
        "GET /console",
        "POST /options/terms",
        "GET /a/{b}/c/{d}",
    ];

    fn check(request: &str, expected: Option<(&str, &[(&str, &str)])>) {
        let routes = KEYS.map(|key| {
            let (method, path) = key.split_once(' ').unwrap();
            let (method, path) = (method.to_owned(), path.to_owned());
            Route { key: key.to_owned(), method, path, function: String::new(), timeout: Duration::ZERO }
        });
        let (method, path) = request.split_once(' ').unwrap();
        let routes = Routes::new(&routes);
        let found = routes.find(method, path);
        let expected = expected.map(|(key, parameters)| {
            let owned = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            (key, owned.collect::<Vec<_>>())
        });
        assert_eq!(
            found.as_ref().map(|found| (found.route.key.as_str(), found.parameters.clone())),
            expected,
            "{request}"
        );
    }

    #[test]
    fn the_most_specific_route_wins() {
        check("POST /options/terms", Some(("POST /options/terms", &[])));
        check("POST /options/item", Some(("POST /options/{field}", &[("field", "item")])));
        check("PUT /options/item", Some(("ANY /options/{field}", &[("field", "item")])));
        check("GET /console", Some(("GET /console", &[])));
        check("GET /console/activity/7", Some(("GET /console/{page+}", &[("page", "activity/7")])));
        check("GET /a/1/c/2", Some(("GET /a/{b}/c/{d}", &[("b", "1"), ("d", "2")])));
    }

    #[test]
    fn anything_else_has_no_route() {
        for request in [
            "GET /",
            "GET /console/",
            "POST /console",
            "POST /options",
            "POST /options/",
            "POST /options/a/b",
        ] {
            check(request, None);
        }
    }
}
