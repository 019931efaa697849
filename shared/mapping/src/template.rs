//! A text with places for what stands on the record: `Thank you for {dealname}`.

use std::collections::BTreeMap;

use crate::text::{cut, is_whole, writable_lines};

/// A text whose places are names of HubSpot properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(String);

/// The longest template.
const LIMIT: usize = 1000;

/// A piece of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Place(&'a str),
}

impl Template {
    /// The template a text is: each brace belongs to a place, and each place names a property. None when it is none.
    pub fn read(text: &str) -> Option<Self> {
        let fits = !text.trim().is_empty() && text.chars().count() <= LIMIT;
        (fits && pieces(text).is_some()).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The properties it names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let pieces = pieces(&self.0).unwrap_or_default().into_iter();
        pieces.filter_map(|piece| match piece {
            Piece::Place(name) => Some(name),
            Piece::Text(_) => None,
        })
    }

    /// Whether it, or what it is filled with, has characters that QuickBooks refuses: they are left out.
    pub fn loses_characters(&self, properties: &BTreeMap<String, String>) -> bool {
        let given = self.names().filter_map(|name| properties.get(name)).map(String::as_str);
        !given.chain([self.as_str()]).all(|text| is_whole(text, usize::MAX))
    }

    /// The text with its places filled, blank where the record has nothing, and cut to `limit`; none when nothing is left.
    pub fn fill(&self, properties: &BTreeMap<String, String>, limit: usize) -> Option<String> {
        let filled: String = pieces(&self.0)?
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Place(name) => properties.get(name).map_or("", String::as_str),
            })
            .collect();
        let text = writable_lines(&filled)?;
        Some(cut(&text, limit).to_owned()).filter(|text| !text.is_empty())
    }
}

/// Whether HubSpot could have a property of this name.
pub fn is_property_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=100).contains(&name.len()) && name.bytes().all(fits)
}

fn pieces(text: &str) -> Option<Vec<Piece<'_>>> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        if before.contains('}') || !is_property_name(name) {
            return None;
        }
        pieces.extend([Piece::Text(before), Piece::Place(name)]);
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    (!rest.contains('}')).then_some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_a_text_with_names_in_braces() {
        for text in ["Thank you", "{dealname}", "For {dealname}: {po_number}."] {
            assert_eq!(Template::read(text).unwrap().as_str(), text);
        }
        for text in
            ["", " ", "{", "}", "{}", "{Deal name}", "{dealname", "dealname}", "{a{b}}", &"x".repeat(1001)]
        {
            assert_eq!(Template::read(text), None, "{text}");
        }
        let template = Template::read("For {dealname}: {po_number}.").unwrap();
        assert_eq!(template.names().collect::<Vec<_>>(), ["dealname", "po_number"]);
    }

    #[test]
    fn places_are_filled_once_and_the_text_fits() {
        let properties = [("dealname", "Harbour {po_number} 🎁"), ("po_number", "7\n8")];
        let properties = properties.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let filled = |text: &str, limit| Template::read(text).unwrap().fill(&properties, limit);
        assert_eq!(
            filled("For {dealname}: {po_number}.", 100).as_deref(),
            Some("For Harbour {po_number} : 7\n8.")
        );
        assert_eq!(filled("{nothing}", 100), None);
        assert_eq!(filled("For {nothing}!", 100).as_deref(), Some("For !"));
        assert_eq!(filled("Thank you", 5).as_deref(), Some("Thank"));
    }
}
