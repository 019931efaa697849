//! The longest a text may be, from what an XSD says about an element: Intuit states lengths in prose, not as facets.
//!
//! The prose comes in parts by product (`Product: QBO`, `QBW` and `QBD` are the desktop, `ALL` both). Of several lengths
//! for QuickBooks Online the largest counts: they are for different entities which share the element.

/// The most characters the prose allows in QuickBooks Online; `None` when it says nothing about that.
pub(super) fn longest(prose: &str) -> Option<usize> {
    prose.split("Product:").filter(|part| !is_desktop(part)).filter_map(stated).max()
}

fn is_desktop(part: &str) -> bool {
    let part = part.trim_start();
    ["QBW", "QBD"].iter().any(|product| part.starts_with(product)) && !head(part).contains("QBO")
}

/// The products a part is about: what stands before its description.
fn head(part: &str) -> &str {
    part.split("Description:").next().unwrap_or_default()
}

fn stated(part: &str) -> Option<usize> {
    if let Some((_, lengths)) = part.split_once("Length Restriction:") {
        return number(lengths.split_once("QBO:")?.1);
    }
    let lower = part.to_lowercase();
    let mut sentences = lower.match_indices("length").map(|(at, _)| &part[at..]).filter_map(after_the_word);
    let first = sentences.next()?;
    Some(sentences.fold(first, usize::max))
}

/// The length in `length: 17 characters (plain) or 170 characters` or `length for Shade is 23 characters`.
fn after_the_word(text: &str) -> Option<usize> {
    let words: Vec<_> =
        text.split([' ', '\n', '\t', '\r', '[', ':']).filter(|word| !word.is_empty()).collect();
    let sentence = words.iter().take(WORDS_OF_A_SENTENCE);
    let followers = words.iter().skip(1);
    sentence
        .zip(followers)
        .filter(|(word, next)| word.eq_ignore_ascii_case("length") || next.starts_with("characters"))
        .filter_map(|(word, next)| number(word).or_else(|| number(next)))
        .max()
}

/// A longer way from the word to a number than Intuit's longest sentence with two lengths takes.
const WORDS_OF_A_SENTENCE: usize = 9;

fn number(text: &str) -> Option<usize> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::longest;

    #[test]
    fn the_online_product_counts_and_the_desktop_does_not() {
        let prose = "Product: QBW\n Description: The colour.[br /]Max. length: 12 characters.\n \
                     Product: QBO\n Description: The colour.[br /]Max. length: 340 characters.";
        assert_eq!(longest(prose), Some(340));
        assert_eq!(longest("Product: QBW Description: The hue. Max. length: 77 characters."), None);
    }

    #[test]
    fn a_length_is_found_in_each_way_intuit_words_it() {
        let cases = [
            ("The maximum length for Shade is 23 characters. Max. length is 13 characters for a Tint.", 23),
            ("Max. length: 17 characters (plain) or 170 characters (with its family).", 170),
            ("Length Restriction: QBO: 88 characters QBW: 22 characters", 88),
            ("Product: QBO Description: Given for every vase. Max Length: 6", 6),
        ];
        for (prose, expected) in cases {
            assert_eq!(longest(prose), Some(expected), "{prose}");
        }
        assert_eq!(longest("The number of days after which 20 characters are lost"), None);
    }
}
