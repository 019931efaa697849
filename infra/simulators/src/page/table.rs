//! Tables, and going through long ones.

use std::ops::Range;

use maud::{Markup, html};
use serde::Deserialize;

/// A column: its name and whether it holds numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    name: &'static str,
    is_number: bool,
}

/// A column of texts.
pub(crate) const fn text(name: &'static str) -> Column {
    Column { name, is_number: false }
}

/// A column of numbers, which stand to the right.
pub(crate) const fn number(name: &'static str) -> Column {
    Column { name, is_number: true }
}

/// A table; the first cell of a row names the row. Without rows a sentence says so.
pub(crate) fn table(caption: &str, columns: &[Column], rows: &[Vec<Markup>]) -> Markup {
    if rows.is_empty() {
        return html! { p.empty { (caption) ": none." } };
    }
    html! {
        // Wide tables scroll by themselves; who has no pointer must be able to reach them.
        div.scroll role="region" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) }
                thead { tr { @for column in columns { th scope="col" class=[class(column)] { (column.name) } } } }
                tbody { @for row in rows { tr { (cells(columns, row)) } } }
            }
        }
    }
}

fn cells(columns: &[Column], row: &[Markup]) -> Markup {
    html! {
        @for (index, (column, cell)) in columns.iter().zip(row).enumerate() {
            @if index == 0 { th scope="row" class=[class(column)] { (cell) } }
            @else { td class=[class(column)] { (cell) } }
        }
    }
}

fn class(column: &Column) -> Option<&'static str> {
    column.is_number.then_some("number")
}

/// What the address of a page asks for.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Visit {
    /// Which of the page's lists; the first one unless named.
    #[serde(default)]
    pub(crate) show: String,
    /// Which page of it, from 1.
    page: Option<usize>,
}

/// Where in a list of so many rows a page stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paging {
    page: usize,
    total: usize,
}

/// Rows on a page.
const PAGE_ROWS: usize = 100;

impl Paging {
    /// The page asked for, or the nearest there is.
    pub(crate) fn new(visit: &Visit, total: usize) -> Paging {
        let last = total.div_ceil(PAGE_ROWS).max(1);
        Paging { page: visit.page.unwrap_or(1).clamp(1, last), total }
    }

    /// The rows on it, counted from 0.
    pub(crate) fn rows(self) -> Range<usize> {
        let start = (self.page - 1) * PAGE_ROWS;
        start..(start + PAGE_ROWS).min(self.total)
    }

    /// Links to the pages around it; nothing when there is only one. `show` is the list meant, empty for the only one.
    pub(crate) fn links(self, show: &str) -> Markup {
        let last = self.total.div_ceil(PAGE_ROWS);
        if last < 2 {
            return Markup::default();
        }
        let address = |page: usize| match show {
            "" => format!("?page={page}"),
            show => format!("?show={show}&page={page}"),
        };
        let Range { start, end } = self.rows();
        html! {
            nav aria-label="Pages" {
                p.pages {
                    @if self.page > 1 {
                        a href=(address(1)) { "First" } a href=(address(self.page - 1)) rel="prev" { "Previous" }
                    }
                    span { (start + 1) "–" (end) " of " (self.total) }
                    @if self.page < last {
                        a href=(address(self.page + 1)) rel="next" { "Next" } a href=(address(last)) { "Last" }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(page: Option<usize>, total: usize) -> Range<usize> {
        Paging::new(&Visit { page, ..Visit::default() }, total).rows()
    }

    #[test]
    fn a_page_has_a_hundred_rows_and_one_that_is_not_there_is_the_nearest() {
        assert_eq!(rows(None, 250), 0..100);
        assert_eq!(rows(Some(3), 250), 200..250);
        assert_eq!(rows(Some(9), 250), 200..250);
        assert_eq!(rows(Some(0), 250), 0..100);
        assert_eq!(rows(Some(2), 0), 0..0);
    }
}
