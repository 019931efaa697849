//! Text from people: brought onto one line, freed of what QuickBooks refuses, compared, cut to its field lengths.

use icu_normalizer::ComposingNormalizerBorrowed;

/// What ties characters into one emoji: it means nothing when one of them is gone.
const JOINERS: [char; 3] = ['\u{200D}', '\u{FE0E}', '\u{FE0F}'];

/// Marks that nobody sees: they come along when text is copied, and a person cannot tell texts apart by them. The joiners of
/// Arabic and Indic scripts are seen.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{61C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'
        | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// The text without the marks that nobody sees: for what is searched for.
pub(crate) fn seen(text: &str) -> String {
    text.chars().filter(|c| !is_unseen(*c)).collect()
}

/// The text on one line: every run of white space and control characters is one space, none at the ends.
pub(crate) fn single_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// On one line, as QuickBooks takes it: without the characters that need two UTF-16 units, emoji above all, which it
/// refuses (2040), and with each accent as part of its letter, as most systems write it. None when nothing is left.
pub(crate) fn writable_line(text: &str) -> Option<String> {
    Some(single_line(&writable(text))).filter(|text| !text.is_empty())
}

/// As QuickBooks takes it, lines staying lines and other control characters becoming spaces. None when nothing is left.
pub(crate) fn writable_lines(text: &str) -> Option<String> {
    let text = writable(text);
    let lines = text.lines().map(|line| line.replace(char::is_control, " "));
    let text = lines.collect::<Vec<_>>().join("\n").trim().to_owned();
    if text.is_empty() { None } else { Some(text) }
}

/// Whether all of a text can be written on one line, and fits. White space and control characters that become one space are no
/// loss: nobody reads them.
pub(crate) fn is_whole(text: &str, limit: usize) -> bool {
    !text.contains(is_refused) && writable_line(text).is_none_or(|line| length(&line) <= limit)
}

/// Whether QuickBooks refuses the character in any text.
pub(crate) fn is_refused(c: char) -> bool {
    c.len_utf16() > 1
}

/// Composed before what is refused is dropped, as some characters of one unit are the same as one of two; and after it, as accents
/// may stand behind another letter then.
fn writable(text: &str) -> String {
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    let text = nfc.normalize(text);
    let mut kept = String::with_capacity(text.len());
    let mut after_refused = false;
    for c in text.chars() {
        after_refused = is_refused(c) || (after_refused && JOINERS.contains(&c));
        if after_refused {
            kept.truncate(kept.trim_end_matches(JOINERS).len());
        } else {
            kept.push(c);
        }
    }
    nfc.normalize(&kept).into_owned()
}

/// A form in which texts are equal when a person would say so: on one line, without regard to case, and without what
/// could not be written to QuickBooks in the first place. QuickBooks' own comparison is described as blind to case but not always reported so (quickbooks.md §3.1), hence we compare again.
///
/// Upper case first, so that letters with two small forms (`σ` and `ς`, `ß` and `ss`) meet.
pub(crate) fn fold(text: &str) -> String {
    let text = writable_line(&seen(text)).unwrap_or_default();
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
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
        check("🚀 Widget 🚀", "widget");
        check("Ame\u{301}lie", "Am\u{e9}lie");
        check("\u{202B}דנה לוי\u{202C}", "דנה לוי");
        check("\u{F9AB}", "\u{5DBA}");
        check("Ana\u{200B} Tru\u{AD}jillo\u{FEFF}", "ana trujillo");
        assert_ne!(fold("نمی\u{200C}خواهم"), fold("نمیخواهم"));
        assert_ne!(fold("Müller"), fold("Muller"));
    }

    #[test]
    fn what_quickbooks_refuses_is_dropped() {
        let check = |text, expected: Option<&str>| assert_eq!(writable_line(text).as_deref(), expected);
        check("Widget 🚀 blue", Some("Widget blue"));
        check("👩🏽‍💻 Ana", Some("Ana"));
        check("❤️‍🔥", Some("❤"));
        check("Я ❤️ Widgets", Some("Я ❤️ Widgets"));
        check("नमस्‍ते", Some("नमस्‍ते")); // the joiner is part of the word
        check("🎁\u{FE0F}\u{7}🎁", None);
        check("Ame\u{301}lie", Some("Am\u{e9}lie"));
        check("\u{FACF}!", Some("!")); // the same as one of two units
        assert_eq!(writable_lines("🎁 Blue,\r\nwith a\u{7}bell 🔔\n").as_deref(), Some("Blue,\nwith a bell"));
        assert_eq!(writable_lines("🎁\n🔔"), None);
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
