//! What a person reads of a bench.

use super::measure::{Measure, Unit};
use crate::table::Table;

/// Columns of numbers are this wide, so that they stand below each other by their last digit.
const NUMBER: usize = 10;

/// A row for each measure: figures, goal, verdict, and the ratio to the reference.
pub(super) fn table(measures: &[Measure]) -> Table {
    let number = |heading: &str| format!("{heading:>NUMBER$}");
    let figures = ["P50", "P95", "P99", "MAX"].map(number);
    let [p50, p95, p99, max] = figures.each_ref().map(String::as_str);
    let mut table = Table::new(["MEASURE", "   N", p50, p95, p99, max, "GOAL", "VERDICT", "P50 IS"]);
    for measure in measures {
        let found = measure.distribution();
        let indent = if measure.part { "  " } else { "" };
        let figures = [
            found.percentile(50),
            found.percentile(95),
            found.percentile(99),
            found.max(),
        ];
        let [p50, p95, p99, max] = figures.map(|figure| format!("{:>NUMBER$}", shown(figure, measure.unit)));
        let ratio = measure.ratio(measures);
        let ratio = ratio.map(|ratio| compared(ratio, measure.reference.as_deref().unwrap_or_default()));
        table.row([
            &format!("{indent}{}", measure.name),
            &format!("{:>4}", found.len()),
            &p50,
            &p95,
            &p99,
            &max,
            measure.promise().as_deref().unwrap_or("-"),
            &measure
                .verdict()
                .map_or("-".to_owned(), |verdict| verdict.to_string()),
            ratio.as_deref().unwrap_or("-"),
        ]);
    }
    table
}

/// `failed`: the figure falls on a run that failed.
fn shown(figure: Option<f64>, unit: Unit) -> String {
    figure.map_or_else(
        || "failed".to_owned(),
        |figure| format!("{figure:.1} {}", unit.symbol()).trim_end().to_owned(),
    )
}

fn compared(ratio: f64, reference: &str) -> String {
    // Three digits mean something: 1.04, 12.3, 310.
    let digits = match ratio {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{ratio:.digits$} × {reference}")
}

#[cfg(test)]
mod tests;
