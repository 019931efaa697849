//! The figures as a table, a line per function, ready for the README.

use std::time::Duration;

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use jiff::Timestamp;
use local::Profile;
use rust_decimal::Decimal;

use super::Took;

/// All that was measured of one function.
pub(super) struct Figures {
    pub(super) name: String,
    pub(super) bytes: usize,
    pub(super) zip_bytes: usize,
    pub(super) starts: Vec<Duration>,
    /// Empty where memory cannot be read.
    pub(super) memory_kib: Vec<u64>,
    pub(super) firsts: Vec<Took>,
    pub(super) warm: Vec<Took>,
}

/// No larger multiple of hello's start.
const START_BAR: Decimal = Decimal::from_parts(25, 0, 0, false, 1);
/// No larger zip, in megabytes of 10⁶ bytes.
const ZIP_BAR_MB: Decimal = Decimal::from_parts(36, 0, 0, false, 1);
/// No longer own time of a warm execution at the median, in milliseconds.
const OWN_BAR_MS: Decimal = Decimal::from_parts(3, 0, 0, false, 0);

/// The table, the machine it was measured on, and how each function stands to the bars.
pub(super) fn print(figures: &[Figures], baseline: &str, profile: Profile) -> String {
    let Some(hello) = figures.iter().find(|figures| figures.name == baseline) else { return String::new() };
    let header = [
        "",
        "size MB",
        "zip MB",
        "start ms",
        "memory MiB",
        "first ms",
        "own",
        "warm ms",
        "own p50",
        "own p99",
    ];
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(header.to_vec());
    let functions = || figures.iter().filter(|figures| figures.name != baseline);
    for figures in std::iter::once(hello).chain(functions()) {
        table.add_row(row(figures, hello));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let verdicts: Vec<_> = functions().flat_map(|figures| verdicts(figures, hello)).collect();
    format!("\n{}\n\n{table}\n\n{}", occasion(profile), verdicts.join("\n"))
}

fn occasion(profile: Profile) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let note = match profile {
        Profile::Release => "",
        Profile::Dev => "; DEBUG BUILDS, whose figures mean nothing",
    };
    let date = Timestamp::now().strftime("%Y-%m-%d");
    let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("{date}, {system} {processor}, {cores} cores{note}; in brackets: times hello's")
}

fn row(figures: &Figures, hello: &Figures) -> Vec<String> {
    let against = |of: fn(&Figures) -> Option<Decimal>| match (of(figures), of(hello)) {
        (Some(value), Some(base)) => format!("{} ({})", shown(value), ratio(value, base)),
        _ => "–".to_owned(),
    };
    let plain = |value: Option<Decimal>| value.map_or_else(|| "–".to_owned(), shown);
    vec![
        figures.name.clone(),
        against(Figures::size_mb),
        against(Figures::zip_mb),
        against(Figures::start_ms),
        against(Figures::memory_mib),
        plain(percentile(50, figures.firsts.iter().map(|took| took.total))),
        plain(percentile(50, figures.firsts.iter().map(|took| took.own))),
        plain(percentile(50, figures.warm.iter().map(|took| took.total))),
        plain(figures.own_ms()),
        plain(percentile(99, figures.warm.iter().map(|took| took.own))),
    ]
}

fn verdicts(figures: &Figures, hello: &Figures) -> Vec<String> {
    let start = figures.start_ms().zip(hello.start_ms()).map(|(start, base)| start / base);
    [
        ("start, times hello's", start, START_BAR),
        ("zip, MB", figures.zip_mb(), ZIP_BAR_MB),
        ("warm own time p50, ms", figures.own_ms(), OWN_BAR_MS),
    ]
    .into_iter()
    .filter_map(|(what, value, bar)| {
        let value = value?;
        let verdict = if value <= bar { "met" } else { "MISSED" };
        Some(format!("{:<10} {what:<22} {:>6} ≤ {bar}: {verdict}", figures.name, shown(value)))
    })
    .collect()
}

impl Figures {
    fn size_mb(&self) -> Option<Decimal> {
        Some(Decimal::from(self.bytes) / Decimal::from(1_000_000))
    }

    fn zip_mb(&self) -> Option<Decimal> {
        Some(Decimal::from(self.zip_bytes) / Decimal::from(1_000_000))
    }

    fn start_ms(&self) -> Option<Decimal> {
        percentile(50, self.starts.iter().copied())
    }

    fn memory_mib(&self) -> Option<Decimal> {
        let mut sorted = self.memory_kib.clone();
        sorted.sort_unstable();
        Some(Decimal::from(*sorted.get(sorted.len() / 2)?) / Decimal::from(1024))
    }

    fn own_ms(&self) -> Option<Decimal> {
        percentile(50, self.warm.iter().map(|took| took.own))
    }
}

/// In milliseconds.
fn percentile(percent: usize, durations: impl Iterator<Item = Duration>) -> Option<Decimal> {
    let mut sorted: Vec<_> = durations.collect();
    sorted.sort_unstable();
    let duration = sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)))?;
    Some(Decimal::from(duration.as_micros()) / Decimal::ONE_THOUSAND)
}

fn ratio(value: Decimal, base: Decimal) -> String {
    value.checked_div(base).map_or_else(|| "–".to_owned(), |ratio| format!("{}×", ratio.round_dp(1)))
}

fn shown(value: Decimal) -> String {
    format!("{:.2}", value.round_dp(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(name: &str, start_ms: u64, own_ms: u64) -> Figures {
        let own = Duration::from_millis(own_ms);
        Figures {
            name: name.to_owned(),
            bytes: 7_500_000,
            zip_bytes: 3_400_000,
            starts: vec![Duration::from_millis(start_ms)],
            memory_kib: Vec::new(),
            firsts: vec![Took { total: own * 2, own }],
            warm: vec![Took { total: own * 2, own }],
        }
    }

    #[test]
    fn the_verdicts_name_what_is_met_and_what_is_missed() {
        let hello = figures("hello", 2, 0);
        let verdicts = verdicts(&figures("invoice", 6, 2), &hello);
        assert_eq!(verdicts[0], "invoice    start, times hello's     3.00 ≤ 2.5: MISSED");
        assert!(verdicts[1].ends_with("3.40 ≤ 3.6: met"), "{}", verdicts[1]);
        assert!(verdicts[2].ends_with("2.00 ≤ 3: met"), "{}", verdicts[2]);
    }

    #[test]
    fn the_median_and_the_99th_percentile_are_values_that_occurred() {
        let millis = |percent| percentile(percent, (1..=200).map(Duration::from_millis)).unwrap().to_string();
        assert_eq!((millis(50).as_str(), millis(99).as_str()), ("101", "199"));
        assert_eq!(percentile(50, std::iter::empty()), None);
    }
}
