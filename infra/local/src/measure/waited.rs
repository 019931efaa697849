//! How much of an invocation was waiting.

use std::time::Duration;

use local::lambda::Span;

/// The part of `span` that the others cover together.
pub(super) fn covered(span: Span, mut others: Vec<Span>) -> Duration {
    others.sort_unstable_by_key(|other| other.began);
    let mut covered = Duration::ZERO;
    let mut upto = span.began;
    for other in others {
        let (began, ended) = (other.began.max(upto), other.ended.min(span.ended));
        covered += ended.saturating_duration_since(began);
        upto = upto.max(ended);
    }
    covered
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn overlapping_waits_count_once_and_only_within_the_span() {
        let zero = Instant::now();
        let at = |millis| zero + Duration::from_millis(millis);
        let span = |began, ended| Span { began: at(began), ended: at(ended) };
        let check = |others: &[Span], millis| {
            assert_eq!(covered(span(100, 200), others.to_vec()), Duration::from_millis(millis), "{others:?}");
        };
        check(&[], 0);
        check(&[span(110, 120), span(150, 160)], 20);
        check(&[span(150, 160), span(110, 155)], 50);
        check(&[span(110, 180), span(120, 130)], 70);
        check(&[span(50, 110), span(190, 900)], 20);
        check(&[span(10, 20), span(300, 400)], 0);
    }
}
