//! Looking for texts in what may hold none of them, in whatever disguise.

use std::fmt;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use local::stack::Stack;
use local::world;

/// What a stack's functions have told in their logs of the world that every stack knows.
pub(crate) fn told(stack: &Stack) -> Vec<Hit> {
    static FIXED: LazyLock<Search> = LazyLock::new(|| {
        let fixed = world::secrets().into_iter().chain(world::personal());
        Search::new(fixed.map(|(name, text)| Canary::whole(name, text)))
    });
    in_logs(stack, &FIXED)
}

/// What of a search stands in the logs of a stack's functions.
pub(crate) fn in_logs(stack: &Stack, search: &Search) -> Vec<Hit> {
    let logs = std::fs::read_dir(&stack.logs).unwrap().map(|entry| entry.unwrap().path());
    let told = |log: std::path::PathBuf| {
        let function = log.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        search.hits(&format!("the log of {function}"), &std::fs::read(&log).unwrap())
    };
    logs.flat_map(told).collect()
}

/// A text that is looked for. Nobody who prints it learns more than what it is.
#[derive(Clone)]
pub(crate) struct Canary {
    /// What it is.
    pub(crate) name: String,
    text: String,
    /// Whether a part of it is enough to tell it from everything else.
    is_random: bool,
}

/// Where a canary stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    /// What was searched.
    pub(crate) place: String,
    /// Which canary.
    pub(crate) canary: String,
    /// How it was written.
    pub(crate) encoding: &'static str,
    /// What stood before it.
    before: String,
}

/// A search for some canaries.
pub(crate) struct Search {
    canaries: Vec<Canary>,
    /// Of each pattern: whose it is, and how it is written.
    patterns: Vec<(usize, &'static str)>,
    automaton: AhoCorasick,
}

/// So many characters of a random text are enough; digits and the letters to `f` stand by the hundred in any log, as ids do.
const PART: usize = 8;
const PART_OF_HEX: usize = 12;

/// What is shorter is no disguise: it would be found in any log.
const SHORTEST_DISGUISE: usize = 6;

impl Canary {
    /// A text that is looked for as a whole: others may begin or end as it does.
    pub(crate) fn whole(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.to_owned(), is_random: false }
    }

    /// A text of chance, of which the first or last few characters are looked for too.
    pub(crate) fn random(name: &str, text: &str) -> Self {
        Self { is_random: true, ..Self::whole(name, text) }
    }

    fn patterns(&self) -> Vec<(&'static str, Vec<u8>)> {
        let mut patterns = vec![("raw", self.text.clone().into_bytes())];
        let disguises = disguises(&self.text).into_iter();
        patterns.extend(disguises.filter(|(_, disguise)| disguise.len() >= SHORTEST_DISGUISE));
        if self.is_random {
            patterns.extend(parts(&self.text));
        }
        patterns
    }
}

impl fmt::Debug for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The text in each way that it could be written by accident. Letters are searched for in either case, so hex is here once.
fn disguises(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let once = escaped(text);
    let twice = once.iter().flat_map(|once| escaped(once));
    let json = serde_json::Value::from(text).to_string();
    let json = json[1..json.len() - 1].to_owned();
    let units = || text.encode_utf16();
    let mut all = vec![
        ("hex", hex::encode(text).into_bytes()),
        ("JSON-escaped", only_ascii(&json).into_bytes()),
        ("JSON-escaped", json.into_bytes()),
        ("UTF-16, little end first", units().flat_map(u16::to_le_bytes).collect()),
        ("UTF-16, big end first", units().flat_map(u16::to_be_bytes).collect()),
        ("reversed", text.chars().rev().collect::<String>().into_bytes()),
    ];
    for (offset, name) in
        ["base64", "base64 after one byte", "base64 after two bytes"].into_iter().enumerate()
    {
        all.push((name, within_base64(text, offset, &BASE64_STANDARD)));
        all.push(("base64url", within_base64(text, offset, &BASE64_URL_SAFE)));
    }
    all.extend(twice.map(|text| ("URL-encoded twice", text.into_bytes())));
    all.extend(once.iter().map(|text| ("URL-encoded", text.clone().into_bytes())));
    all
}

/// As forms and as paths escape; both leave the letters and digits.
fn escaped(text: &str) -> [String; 2] {
    let form: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    [form.replace('+', "%20"), form]
}

/// The characters of a base64 text that depend on this text alone, when so many bytes stand before it.
fn within_base64(text: &str, offset: usize, engine: &impl Engine) -> Vec<u8> {
    let whole = engine.encode([&[0; 2][..offset], text.as_bytes()].concat());
    let (first, end) = ((offset * 8).div_ceil(6), (offset + text.len()) * 8 / 6);
    whole.as_bytes()[first..end].to_vec()
}

/// With `\u` for everything that is not ASCII, as some write JSON.
fn only_ascii(json: &str) -> String {
    let escape = |unit: u16| match u8::try_from(unit) {
        Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
        _ => format!("\\u{unit:04x}"),
    };
    json.encode_utf16().map(escape).collect()
}

fn parts(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let is_hex = text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let length = if is_hex { PART_OF_HEX } else { PART };
    let characters: Vec<_> = text.chars().collect();
    if characters.len() < length {
        return Vec::new();
    }
    let (first, last) = (&characters[..length], &characters[characters.len() - length..]);
    let part = |part: &[char]| part.iter().collect::<String>().into_bytes();
    vec![("its beginning", part(first)), ("its end", part(last))]
}

impl Search {
    pub(crate) fn new(canaries: impl IntoIterator<Item = Canary>) -> Self {
        let canaries: Vec<_> = canaries.into_iter().collect();
        let all = canaries.iter().enumerate();
        let all = all.flat_map(|(at, canary)| canary.patterns().into_iter().map(move |known| (at, known)));
        let (patterns, texts): (Vec<_>, Vec<_>) =
            all.map(|(at, (encoding, text))| ((at, encoding), text)).unzip();
        let mut builder = AhoCorasick::builder();
        // Of a beginning and the whole, the whole is told.
        let builder = builder.ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest);
        let automaton = builder.build(texts).unwrap();
        Self { canaries, patterns, automaton }
    }

    /// Each canary that stands there, once.
    pub(crate) fn hits(&self, place: &str, text: &[u8]) -> Vec<Hit> {
        let mut seen = vec![false; self.canaries.len()];
        let (mut hits, mut end) = (Vec::new(), 0);
        for found in self.automaton.find_iter(text) {
            let (canary, encoding) = self.patterns[found.pattern().as_usize()];
            // Not what was found before: it would be told whole.
            let before = &text[end.max(found.start().saturating_sub(80))..found.start()];
            end = found.end();
            if !std::mem::replace(&mut seen[canary], true) {
                hits.push(Hit {
                    place: place.to_owned(),
                    canary: self.canaries[canary].name.clone(),
                    encoding,
                    before: String::from_utf8_lossy(before).into_owned(),
                });
            }
        }
        hits
    }
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, canary, encoding, before } = self;
        write!(f, "{place} holds {canary}, {encoding}, after “{before}”")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With something in it for every way to escape.
    const TEXT: &str = "Kq7/Zw+9 é\"M&x2'Tb4v";

    fn encodings(text: &[u8]) -> Vec<&'static str> {
        let search = Search::new([Canary::random("the canary", TEXT)]);
        search.hits("a log", text).into_iter().map(|hit| hit.encoding).collect()
    }

    #[track_caller]
    fn check(expected: &str, written: impl AsRef<[u8]>) {
        let text = [b"{\"message\":\"before ", written.as_ref(), b" and after\"}"].concat();
        assert_eq!(encodings(&text), [expected]);
    }

    #[test]
    fn a_canary_is_found_in_each_of_the_twelve_encodings() {
        let base64 = |before: &str| BASE64_STANDARD.encode(format!("{before}{TEXT}and more"));
        check("raw", TEXT);
        check("base64", base64(""));
        check("base64 after one byte", base64("x"));
        check("base64 after two bytes", base64("yx"));
        check("base64", base64("Bearer: x"));
        check("hex", hex::encode(TEXT));
        check("hex", hex::encode_upper(TEXT));
        check("URL-encoded", "Kq7%2FZw%2B9+%C3%A9%22M%26x2%27Tb4v");
        check("URL-encoded", "kq7%2fzw%2b9%20%c3%a9%22m%26x2%27tb4v");
        check("URL-encoded twice", "Kq7%252FZw%252B9%2520%25C3%25A9%2522M%2526x2%2527Tb4v");
        check("JSON-escaped", r#"Kq7/Zw+9 é\"M&x2'Tb4v"#);
        check("JSON-escaped", r#"Kq7/Zw+9 \u00E9\"M&x2'Tb4v"#);
        check("UTF-16, little end first", TEXT.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
        check("UTF-16, big end first", TEXT.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>());
        check("reversed", TEXT.chars().rev().collect::<String>());
        check("its beginning", "Kq7/Zw+9 …");
        check("its end", "… M&x2'Tb4v");
    }

    #[test]
    fn where_the_two_alphabets_of_base64_differ_both_are_found() {
        let text = "??>>~~ÿÿ??>>~~";
        let search = Search::new([Canary::whole("the canary", text)]);
        for before in ["", "x", "xy"] {
            let whole = format!("{before}{text}");
            let (plain, url) = (BASE64_STANDARD.encode(&whole), BASE64_URL_SAFE.encode(&whole));
            assert_ne!(plain, url);
            assert!(search.hits("a log", plain.as_bytes())[0].encoding.starts_with("base64"), "{plain}");
            assert_eq!(search.hits("a log", url.as_bytes())[0].encoding, "base64url", "{url}");
        }
    }

    #[test]
    fn what_is_clean_has_no_hit() {
        let lines = [
            "{\"message\":\"QuickBooks answered\",\"status\":200,\"path\":\"/v3/company/9130350000000001/batch\"}",
            "Kq7/Zw+ 9é\"M",
            "eyJlbmMiOiJBMTI4Q0JDLUhTMjU2IiwiYWxnIjoiZGlyIn0..",
            "",
        ];
        for line in lines {
            assert!(encodings(line.as_bytes()).is_empty(), "{line}");
        }
    }

    #[test]
    fn a_hit_tells_what_it_is_and_where_and_not_the_text() {
        let search =
            Search::new([Canary::random("the client secret", TEXT), Canary::whole("a name", "Lindqvist")]);
        let log = format!("error=no answer from {TEXT}{TEXT}, says Lindqvist");
        let hits = search.hits("the log of invoice", log.as_bytes());
        assert_eq!(hits.len(), 2, "each once: {hits:?}");
        let told = hits[0].to_string();
        assert_eq!(told, "the log of invoice holds the client secret, raw, after “error=no answer from ”");
        assert_eq!(hits[1].to_string(), "the log of invoice holds a name, raw, after “, says ”");
    }

    #[test]
    fn of_a_text_that_is_not_random_no_part_is_enough() {
        let search = Search::new([Canary::whole("a key", "local-intuit-secret")]);
        assert!(search.hits("a log", b"client_id=local-intuit").is_empty());
        assert_eq!(search.hits("a log", b"x=LOCAL-INTUIT-SECRET").len(), 1);
    }
}
