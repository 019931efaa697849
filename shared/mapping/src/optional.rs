//! A quote's optional lines. HubSpot does not say which of them the buyer chose; the quote's amount does, when it is what one
//! choice comes to and no other. Where it is not, nobody is billed by a guess.
//!
//! On a deal the mark means nothing: its amount counts every line.

use crate::adjustment;
use crate::hubspot::{Enrolled, Record};
use crate::line::Figures;
use crate::problem::{LineLabel, Problem};
use crate::rate;
use crate::sale::LineReading;
use rust_decimal::Decimal;

/// Of so many optional lines every choice is tried; of more, only all of them and none.
const TRIED_IN_FULL: usize = 10;

/// The lines that were sold, and those that were not.
pub(crate) struct Chosen {
    pub(crate) lines: Vec<LineReading>,
    pub(crate) left_out: Vec<LineLabel>,
}

/// Leaves out what the buyer did not choose.
pub(crate) fn choose(
    enrolled: &Enrolled,
    lines: Vec<LineReading>,
    amount: Option<Decimal>,
    decimals: u32,
    problems: &mut Vec<Problem>,
) -> Chosen {
    // What costs nothing is nothing to choose, and a line without figures is told of anyway.
    let open: Vec<usize> = (0..lines.len())
        .filter(|at| lines[*at].optional && figures(&lines[*at]).is_some_and(|line| !line.amount.is_zero()))
        .collect();
    let unreadable = lines.iter().any(|line| line.figures.is_err());
    if matches!(enrolled.record, Record::Deal(_)) || open.is_empty() || unreadable {
        return Chosen { lines, left_out: Vec::new() };
    }
    let fits = |left_out: &Vec<usize>| {
        let sold = || lines.iter().enumerate().filter(|(at, _)| !left_out.contains(at)).map(|(_, line)| line);
        sold().next().is_some()
            && amount.is_some_and(|amount| comes_to(enrolled, sold(), decimals).contains(&amount))
    };
    let mut fitting = choices(&open).into_iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(left_out), None) => apart(lines, &left_out),
        _ => {
            let unclear = open.iter().map(|at| lines[*at].article.label()).collect();
            problems.push(Problem::OptionalUnclear { lines: unclear });
            Chosen { lines, left_out: Vec::new() }
        }
    }
}

/// Each choice, as the lines it leaves out.
fn choices(open: &[usize]) -> Vec<Vec<usize>> {
    if open.len() > TRIED_IN_FULL {
        return vec![Vec::new(), open.to_vec()];
    }
    let of =
        |choice: u32| (0_u32..).zip(open).filter(move |(bit, _)| choice >> bit & 1 == 1).map(|(_, at)| *at);
    (0..1_u32 << open.len()).map(|choice| of(choice).collect()).collect()
}

/// What lines come to with the quote's own discounts and fees, without tax and with it.
fn comes_to<'a>(
    enrolled: &Enrolled,
    lines: impl Iterator<Item = &'a LineReading>,
    decimals: u32,
) -> Vec<Decimal> {
    let (mut subtotal, mut tax) = (Decimal::ZERO, Some(Decimal::ZERO));
    for line in lines {
        let Some(figures) = figures(line) else { continue };
        subtotal += figures.amount;
        let of_line = line.tax.as_ref().ok().and_then(|tax| tax.on(figures.amount, decimals));
        tax = tax.zip(of_line).map(|(sum, tax)| sum + tax);
    }
    // What is wrong with them is told where they are read for good.
    let mut told = Vec::new();
    let standing = adjustment::apply(enrolled, Some(subtotal), decimals, &mut told).standing;
    let of_quote = rate::of_quote(enrolled, standing, decimals).amount();
    let with_tax =
        standing.zip(tax).zip(of_quote).map(|((standing, tax), of_quote)| standing + tax + of_quote);
    standing.into_iter().chain(with_tax).collect()
}

fn apart(lines: Vec<LineReading>, left_out: &[usize]) -> Chosen {
    let mut chosen = Chosen { lines: Vec::new(), left_out: Vec::new() };
    for (at, line) in lines.into_iter().enumerate() {
        match left_out.contains(&at) {
            true => chosen.left_out.push(line.article.label()),
            false => chosen.lines.push(line),
        }
    }
    chosen
}

fn figures(line: &LineReading) -> Option<&Figures> {
    line.figures.as_ref().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sale;
    use crate::testing::{adjusted, adjustment, deal, over, quote_with, taxed, widget_line};
    use serde_json::{Value, json};

    fn optional(name: &str, amount: &str) -> Value {
        let fields = json!({"name": name, "quantity": "1", "price": amount, "amount": amount, "hs_is_optional": "true"});
        over(widget_line(), fields)
    }

    /// A quote of the widget, 149.97, and these.
    fn quote(amount: Value, lines: &[Value]) -> Enrolled {
        let lines = [widget_line()].into_iter().chain(lines.iter().cloned());
        quote_with(json!({"hs_title": "Offer 7", "hs_quote_amount": amount}), deal(lines))
    }

    /// The lines left out, or those of which it is not clear.
    fn check(enrolled: &Enrolled, expected: Result<&[&str], &[&str]>) {
        let reading = sale::read(enrolled);
        let names = |labels: &[LineLabel]| labels.iter().map(ToString::to_string).collect::<Vec<_>>();
        let found = match reading.problems.as_slice() {
            [] => Ok(names(&reading.left_out)),
            [Problem::OptionalUnclear { lines }] => Err(names(lines)),
            other => panic!("{other:?}"),
        };
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(found, expected.map(owned).map_err(owned));
        assert_eq!(reading.lines.len() + reading.left_out.len(), enrolled.line_items.len());
    }

    #[test]
    fn the_amount_says_what_the_buyer_chose() {
        let options = [optional("Support", "20"), optional("Training", "35")];
        check(&quote(json!("204.97"), &options), Ok(&[]));
        check(&quote(json!("149.97"), &options), Ok(&["Support", "Training"]));
        check(&quote(json!("169.97"), &options), Ok(&["Training"]));
        check(&quote(json!("184.97"), &options), Ok(&["Support"]));
    }

    #[test]
    fn nobody_is_billed_by_a_guess() {
        let alike = [optional("Support", "20"), optional("Training", "20")];
        let both: &[&str] = &["Support", "Training"];
        check(&quote(json!("169.97"), &alike), Err(both));
        check(&quote(json!("200"), &alike), Err(both));
        check(&quote(json!(null), &alike), Err(both));
        check(&quote(json!("149.97"), &alike), Ok(both));
    }

    #[test]
    fn discounts_and_tax_are_reckoned_with() {
        let support = over(optional("Support", "20"), json!({"hs_tax_rate": "20"}));
        let discount = [adjustment("Spring", "PERCENT", "10")];
        let amount =
            |amount: &str| adjusted(quote(json!(amount), std::slice::from_ref(&support)), &discount, &[]);
        check(&amount("134.97"), Ok(&["Support"]));
        check(&amount("152.97"), Ok(&[]));
        check(&amount("156.97"), Ok(&[])); // with 4.00 of tax
    }

    #[test]
    fn the_amount_may_hold_the_quote_s_own_taxes() {
        let options = [optional("Support", "20"), optional("Training", "35")];
        let of = |amount: &str, taxes: &[Value]| taxed(quote(json!(amount), &options), taxes);
        let vat = [adjustment("VAT", "PERCENT", "20")];
        check(&of("203.96", &vat), Ok(&["Training"])); // with 33.99 of tax
        check(&of("184.97", &vat), Ok(&["Support"]));
        // What cannot be read is nothing to reckon with, and no problem where HubSpot does not decide.
        let unreadable = [adjustment("VAT", "PERCENT", "a fifth")];
        check(&of("184.97", &unreadable), Ok(&["Support"]));
        check(&of("203.96", &unreadable), Err(&["Support", "Training"]));
    }

    #[test]
    fn of_many_lines_all_or_none_were_chosen() {
        let many: Vec<Value> = (1..=11).map(|n| optional(&format!("Option {n}"), &n.to_string())).collect();
        let names: Vec<String> = (1..=11).map(|n| format!("Option {n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        check(&quote(json!("149.97"), &many), Ok(&names));
        check(&quote(json!("215.97"), &many), Ok(&[]));
        check(&quote(json!("150.97"), &many), Err(&names));
    }

    #[test]
    fn a_deal_counts_every_line_and_what_is_free_needs_no_choice() {
        check(&deal([widget_line(), optional("Support", "20")]), Ok(&[]));
        check(&quote(json!("149.97"), &[optional("Sticker", "0")]), Ok(&[]));
    }
}
