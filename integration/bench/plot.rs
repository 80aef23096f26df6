//! The distribution of measures as pictures: a line of blocks each in the terminal, a curve each in an SVG.
//!
//! All of a plot's measures share one axis, which begins at zero. A run that failed is at no place of it: it is counted
//! behind the line, and the curve does not reach the top.

use std::fmt::Write as _;

use super::measure::Measure;

/// Heights of a column, the lowest first. What is there is seen, however little.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Columns of the terminal's lines: with names before them they fit into 120.
const COLUMNS: usize = 64;

/// The SVG's drawing area, and what is left around it for words, in pixels.
const AREA: (f64, f64) = (640.0, 320.0);
const LEFT: f64 = 56.0;
const TOP: f64 = 24.0;
const BELOW: f64 = 40.0;
/// A line of the legend.
const LINE: f64 = 18.0;

/// Told apart by people who see no red or no green, too (Okabe and Ito's palette).
const COLORS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

/// Measures that are drawn together: all are in one unit.
#[derive(Debug, Clone)]
pub(super) struct Plot<'a> {
    measures: Vec<&'a Measure>,
    /// The end of the axis.
    end: f64,
}

impl<'a> Plot<'a> {
    /// Those of `all` with these names, in their order; nothing if none of them has a sample.
    pub(super) fn of(names: &[String], all: &'a [Measure]) -> Option<Self> {
        let find = |name: &String| all.iter().find(|measure| &measure.name == name);
        let measures: Vec<&Measure> = names.iter().filter_map(find).collect();
        let samples = measures.iter().flat_map(|measure| &measure.samples);
        let most = samples.flatten().copied().reduce(f64::max)?;
        Some(Self {
            measures,
            end: round_up(most),
        })
    }

    /// Lines for a terminal.
    pub(super) fn text(&self) -> String {
        let width = self.measures.iter().map(|measure| measure.name.chars().count());
        let width = width.max().unwrap_or(0);
        let mut text = String::new();
        for measure in &self.measures {
            let failed = match measure.distribution().failed() {
                0 => String::new(),
                failed => format!("  {failed} failed"),
            };
            let columns = self.columns(measure);
            // Writing to a text does not fail.
            let _ = writeln!(text, "{:width$} |{columns}|{failed}", measure.name);
        }
        let unit = self.measures.first().map_or("", |measure| measure.unit.symbol());
        let end = format!("{} {unit}", self.end);
        let _ = write!(text, "{:width$}  0{end:>1$}", "", COLUMNS - 1);
        text
    }

    fn columns(&self, measure: &Measure) -> String {
        let mut counts = [0_usize; COLUMNS];
        for sample in measure.samples.iter().flatten() {
            if let Some(count) = counts.get_mut(self.column(*sample)) {
                *count += 1;
            }
        }
        let most = counts.iter().max().copied().unwrap_or(0).max(1);
        let height = |count: usize| match count {
            0 => ' ',
            count => BLOCKS[((count * BLOCKS.len()).div_ceil(most)).clamp(1, BLOCKS.len()) - 1],
        };
        counts.map(height).iter().collect()
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place among some dozens of columns"
    )]
    fn column(&self, sample: f64) -> usize {
        let place = (sample / self.end * COLUMNS as f64).floor().max(0.0) as usize;
        place.min(COLUMNS - 1)
    }

    /// A picture of its own: the share of all runs (upwards) that took so long at most (to the right).
    pub(super) fn svg(&self, title: &str) -> String {
        let (width, height) = AREA;
        #[expect(clippy::cast_precision_loss, reason = "four measures at most")]
        let legend = self.measures.len() as f64 * LINE;
        let all = (LEFT + width + 24.0, TOP + height + BELOW + legend);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <title>{}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
            all.0,
            all.1,
            escaped(title)
        );
        self.draw_axes(&mut svg);
        for (number, (measure, color)) in self.measures.iter().zip(COLORS.iter().cycle()).enumerate() {
            let points = self.curve(measure);
            #[expect(clippy::cast_precision_loss, reason = "four measures at most")]
            let y = TOP + height + BELOW + number as f64 * LINE;
            let _ = writeln!(
                svg,
                "<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" points=\"{points}\"/>\n\
                 <rect x=\"{LEFT}\" y=\"{}\" width=\"10\" height=\"10\" fill=\"{color}\"/>\n\
                 <text x=\"{}\" y=\"{}\">{}</text>",
                y - 2.0,
                LEFT + 16.0,
                y + 7.0,
                escaped(&described(measure))
            );
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn draw_axes(&self, svg: &mut String) {
        let (width, height) = AREA;
        let unit = self.measures.first().map_or("", |measure| measure.unit.symbol());
        for quarter in [0.0, 0.25, 0.5, 0.75, 1.0] {
            let (x, y) = (LEFT + width * quarter, TOP + height * (1.0 - quarter));
            let bottom = TOP + height;
            let _ = writeln!(
                svg,
                "<path stroke=\"#ddd\" d=\"M{x} {TOP}V{bottom}M{LEFT} {y}H{}\"/>\n\
                 <text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{} {unit}</text>\n\
                 <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{} %</text>",
                LEFT + width,
                bottom + 16.0,
                self.end * quarter,
                LEFT - 6.0,
                y + 4.0,
                quarter * 100.0
            );
        }
    }

    /// Up a step at each sample. Failed runs are among all, so that the curve ends below the top with them.
    fn curve(&self, measure: &Measure) -> String {
        let (width, height) = AREA;
        let found = measure.distribution();
        #[expect(clippy::cast_precision_loss, reason = "some thousands of samples")]
        let share = |count: usize| count as f64 / found.len().max(1) as f64;
        let mut samples: Vec<f64> = measure.samples.iter().flatten().copied().collect();
        samples.sort_by(f64::total_cmp);
        let mut points = format!("{LEFT:.1},{:.1}", TOP + height);
        for (before, sample) in samples.iter().enumerate() {
            let x = LEFT + sample / self.end * width;
            for count in [before, before + 1] {
                let _ = write!(points, " {x:.1},{:.1}", TOP + height * (1.0 - share(count)));
            }
        }
        points
    }
}

/// A name with its figures, for the legend.
fn described(measure: &Measure) -> String {
    let found = measure.distribution();
    let unit = measure.unit.symbol();
    let figure =
        |figure: Option<f64>| figure.map_or("failed".to_owned(), |figure| format!("{figure:.1} {unit}"));
    format!(
        "{}: p50 {}, p99 {}, max {} of {}",
        measure.name,
        figure(found.percentile(50)),
        figure(found.percentile(99)),
        figure(found.max()),
        found.len()
    )
}

/// The next of 1, 2, 4 and 8 times a power of ten, whose quarters a person can read.
fn round_up(most: f64) -> f64 {
    let power = 10_f64.powf(most.max(f64::MIN_POSITIVE).log10().floor());
    let steps = [1.0, 2.0, 4.0, 8.0, 10.0].map(|step| step * power);
    steps.into_iter().find(|step| *step >= most).unwrap_or(most)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests;
