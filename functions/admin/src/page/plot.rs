//! Plots as inline SVG of whole numbers. The shapes stretch with the page; words and figures beside them are HTML, so that
//! they stay readable. Every figure can also be read in a table.

use super::parts::moment;
use super::text::clock_time;
use crate::visit::Visit;
use chrono::{DateTime, Utc};
use maud::{Markup, html};

/// The width of a bucket, and the height of the plot, in units of the picture.
const STEP: i64 = 10;
const HEIGHT: i64 = 100;
/// Room above the highest value.
const HEADROOM: i64 = 6;

/// One line or row of bars.
#[derive(Debug)]
pub struct Line<'a> {
    /// In words.
    pub name: &'a str,
    /// A value for each bucket; none where there is none, which is not zero.
    pub values: Vec<Option<i64>>,
}

/// A plot to draw.
#[derive(Debug)]
pub struct Plot<'a> {
    /// What it shows.
    pub title: &'a str,
    /// Where each bucket begins.
    pub at: Vec<DateTime<Utc>>,
    /// One row of bars, or one or two lines.
    pub lines: Vec<Line<'a>>,
    /// How a value is written.
    pub write: fn(i64) -> String,
}

impl Plot<'_> {
    fn highest(&self) -> Option<i64> {
        self.lines
            .iter()
            .flat_map(|line| &line.values)
            .flatten()
            .copied()
            .max()
    }

    /// As bars: how many in each bucket.
    pub fn bars(&self, visit: &Visit<'_>) -> Markup {
        let top = self.highest().unwrap_or(0).max(1);
        let shapes = html! {
            @for line in &self.lines {
                @for (index, value) in (0_i64..).zip(&line.values) {
                    @if let Some(value) = value.filter(|value| *value > 0) {
                        rect.bar x=(index * STEP + 1) width=(STEP - 2) y=(HEIGHT - height(value, top)) height=(height(value, top)) {}
                    }
                }
            }
        };
        self.figure(visit, &shapes)
    }

    /// As lines: the first drawn through, the second dashed.
    pub fn lines(&self, visit: &Visit<'_>) -> Markup {
        let top = self.highest().unwrap_or(0).max(1);
        let shapes = html! {
            @for (index, line) in self.lines.iter().enumerate() {
                path.line data-line=(index) d=(path(&line.values, top)) {}
            }
        };
        self.figure(visit, &shapes)
    }

    fn figure(&self, visit: &Visit<'_>, shapes: &Markup) -> Markup {
        let width = i64::try_from(self.at.len()).unwrap_or(1).max(1) * STEP;
        let latest = |line: &Line<'_>| line.values.iter().rev().flatten().next().copied();
        html! {
            figure.plot {
                figcaption {
                    strong { (self.title) }
                    @for (index, line) in self.lines.iter().enumerate() {
                        span.key {
                            @if self.lines.len() > 1 {
                                svg.swatch viewBox="0 0 20 4" aria-hidden="true" { path.line data-line=(index) d="M0 2H20" {} }
                                (line.name) " "
                            }
                            @match latest(line) { Some(value) => { "last " (( self.write)(value)) } None => { "nothing yet" } }
                        }
                    }
                }
                div.canvas {
                    @if let Some(highest) = self.highest() {
                        @if highest > 0 { span.top aria-hidden="true" { ((self.write)(highest)) } }
                        span.zero aria-hidden="true" { "0" }
                    }
                    svg viewBox=(format!("0 0 {width} {HEIGHT}")) preserveAspectRatio="none" role="img" aria-label=(self.summary()) {
                        path.grid d=(format!("M0 {HEADROOM}H{width}M0 {}H{width}", HEIGHT / 2)) {}
                        (shapes)
                        path.base d=(format!("M0 {HEIGHT}H{width}")) {}
                    }
                    (self.ends(visit))
                }
                (self.table(visit))
            }
        }
    }

    fn ends(&self, visit: &Visit<'_>) -> Markup {
        let short = |at: &DateTime<Utc>| {
            let text = clock_time(*at, visit.now, visit.admin.timezone);
            // Seconds say nothing here.
            text.rsplit_once(':')
                .map(|(minutes, _)| minutes.to_owned())
                .unwrap_or(text)
        };
        html! {
            div.ends aria-hidden="true" {
                @if let Some(first) = self.at.first() { span { (short(first)) } }
                @if let Some(middle) = self.at.get(self.at.len() / 2) { span { (short(middle)) } }
                span { "now" }
            }
        }
    }

    fn summary(&self) -> String {
        let lines = self.lines.iter().map(|line| {
            let values = line.values.iter().flatten();
            match (values.clone().min(), values.clone().max()) {
                (Some(least), Some(most)) => format!(
                    "{} between {} and {}",
                    line.name,
                    (self.write)(*least),
                    (self.write)(*most)
                ),
                _ => format!("{}: nothing yet", line.name),
            }
        });
        format!("{}. {}", self.title, lines.collect::<Vec<_>>().join("; "))
    }

    fn table(&self, visit: &Visit<'_>) -> Markup {
        let worth = |index: &usize| {
            self.lines.iter().any(|line| {
                line.values
                    .get(*index)
                    .is_some_and(|value| value.is_some_and(|value| value != 0))
            })
        };
        let rows: Vec<usize> = (0..self.at.len()).rev().filter(worth).collect();
        html! {
            @if !rows.is_empty() {
                details.figures {
                    summary { "Figures" }
                    table {
                        thead { tr { th scope="col" { "From" } @for line in &self.lines { th scope="col" { (line.name) } } } }
                        tbody {
                            @for index in rows {
                                tr {
                                    td { @if let Some(at) = self.at.get(index) { (moment(visit, *at)) } }
                                    @for line in &self.lines {
                                        td { @if let Some(Some(value)) = line.values.get(index) { ((self.write)(*value)) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn height(value: i64, top: i64) -> i64 {
    // What is not nothing is seen.
    (value.saturating_mul(HEIGHT - HEADROOM) / top).max(1)
}

/// Through the middle of each bucket; broken where there is no value, and a dot's length where one stands alone.
fn path(values: &[Option<i64>], top: i64) -> String {
    let mut drawn = String::new();
    let mut is_down = false;
    for (index, value) in (0_i64..).zip(values) {
        let Some(value) = value else {
            is_down = false;
            continue;
        };
        let y = HEIGHT - value.max(&0).saturating_mul(HEIGHT - HEADROOM) / top;
        let x = index * STEP;
        let command = if is_down { 'L' } else { 'M' };
        drawn.push_str(&format!("{command}{x} {y}H{}", x + STEP));
        is_down = true;
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_where_nothing_was_sampled() {
        assert_eq!(
            path(&[Some(0), Some(2), None, Some(1)], 2),
            "M0 100H10L10 6H20M30 53H40"
        );
    }

    #[test]
    fn a_single_one_among_thousands_is_still_seen() {
        assert_eq!(height(1, 1_000_000), 1);
        assert_eq!(height(i64::MAX / 200, i64::MAX / 200), HEIGHT - HEADROOM);
    }
}
