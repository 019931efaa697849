//! Text from people: brought onto one line, compared, cut to QuickBooks' field lengths.

/// The text on one line: every run of white space and control characters is one space, none at the ends.
pub(crate) fn single_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A form in which texts are equal when a person would say so: on one line, without regard to case. QuickBooks' own
/// comparison is described as blind to case but not always reported so (quickbooks.md §3.1), hence we compare again.
///
/// Upper case first, so that letters with two small forms (`σ` and `ς`, `ß` and `ss`) meet.
pub(crate) fn fold(text: &str) -> String {
    single_line(text).chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// The longest beginning of at most `limit` characters, without white space at its end. Counted in UTF-16 units, as
/// Intuit's servers would: never more than the limit by any other way of counting characters.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    let mut length = 0;
    let end = text.char_indices().find(|(_, c)| {
        length += c.len_utf16();
        length > limit
    });
    end.map_or(text, |(at, _)| text[..at].trim_end())
}

/// How long a text is by the count of [`cut`].
pub(crate) fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_equal_as_a_person_would_say() {
        let check = |a: &str, b: &str| assert_eq!(fold(a), fold(b));
        check("WID-1", " wid-1 ");
        check("Ana\tMaria  Trujillo", "ana maria trujillo");
        check("O'Brien & SØN", "o'brien & søn");
        check("ΣΊΣΥΦΟΣ", "σίσυφος");
        check("Straße", "STRASSE");
        assert_ne!(fold("Müller"), fold("Muller"));
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let check = |text, limit, expected| assert_eq!(cut(text, limit), expected);
        check("widget", 6, "widget");
        check("widget", 3, "wid");
        check("a widget", 2, "a");
        check("ååå", 2, "åå");
        check("😀😀", 3, "😀");
        check("", 0, "");
    }
}
