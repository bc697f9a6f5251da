//! The two tables of docs/privacy.md, as tests read them.

use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../docs/privacy.md");

/// A column that holds or may hold something personal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Personal {
    /// Its table.
    pub table: String,
    /// Its name.
    pub column: String,
    /// Whose data it is: `student`, `buyer`, `staff`, `vendor`, or several.
    pub whose: String,
}

/// The table `What is kept`: one of each column.
///
/// # Panics
/// When a row of the page has another shape.
#[must_use]
pub fn kept() -> Vec<Personal> {
    let mut found = Vec::new();
    for cells in rows("## What is kept") {
        let Some((table, columns)) = cells[0].split_once(':') else {
            continue;
        };
        for column in names(columns) {
            found.push(Personal {
                table: names(table).remove(0),
                column,
                whose: cells[1].clone(),
            });
        }
    }
    found
}

/// The table `What holds nothing personal`: table and column.
///
/// # Panics
/// When a row of the page has another shape.
#[must_use]
pub fn harmless() -> BTreeSet<(String, String)> {
    let rows = rows("## What holds nothing personal");
    let columns = |cells: Vec<String>| {
        let table = names(&cells[0]).remove(0);
        names(&cells[1])
            .into_iter()
            .map(move |column| (table.clone(), column))
            .collect::<Vec<_>>()
    };
    rows.into_iter().flat_map(columns).collect()
}

/// The rows of the first table under this heading, without its head.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let (_, section) = PAGE.split_once(heading).expect("the heading is there");
    let lines = section.lines().skip_while(|line| !line.starts_with('|'));
    lines
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            line.trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().to_owned())
                .collect()
        })
        .collect()
}

/// What stands between backticks.
fn names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
