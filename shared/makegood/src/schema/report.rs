//! What was found and done about an index, in a form for programs and in sentences for people.

use super::{Duplicates, IndexSpec, NamedIndex};
use serde::Serialize;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexOutcome {
    /// A right and valid one was there.
    AlreadyValid,
    /// It was built.
    Built,
    /// An unfinished one was dropped, and it was built.
    Rebuilt,
    /// Duplicates forbid it. Nothing was built.
    Duplicates,
    /// The table is partitioned by other columns, so it can't be unique. One that is not serves searches.
    Partitioned,
}

/// What was found and done about one index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IndexReport {
    /// The index that was asked for.
    pub index: String,
    /// Its table.
    pub table: String,
    /// How it ended.
    pub outcome: IndexOutcome,
    /// The index that does the work now, which may have another name.
    pub serving: Option<String>,
    /// Unfinished ones that were dropped.
    pub dropped_invalid: Vec<String>,
    /// Indexes that have our name and do something else. They are left alone: someone made them, and may need
    /// them.
    pub wrongly_defined: Vec<NamedIndex>,
    /// The columns of the partition key, where they forbid it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub partitioned_by: Vec<String>,
    /// What forbids it.
    pub duplicates: Option<Duplicates>,
}

impl IndexReport {
    pub(super) fn of(spec: &IndexSpec) -> Self {
        Self {
            index: spec.name.to_owned(),
            table: spec.table.to_owned(),
            outcome: IndexOutcome::AlreadyValid,
            serving: None,
            dropped_invalid: Vec::new(),
            wrongly_defined: Vec::new(),
            partitioned_by: Vec::new(),
            duplicates: None,
        }
    }

    /// What a person should know and do, one sentence each; empty when all is well.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let forbidden = self.duplicates.iter().map(|duplicates| {
            format!(
                "{index} was not built: {groups} keys of {table} have more than one row ({rows} rows in all). Merge \
                 or deactivate the surplus rows, then run `makegood ensure-index {index}`",
                index = self.index,
                groups = duplicates.groups,
                table = self.table,
                rows = duplicates.rows
            )
        });
        let serving = self.serving.as_deref().unwrap_or("nothing");
        let wrong = self.wrongly_defined.iter().map(|wrong| {
            format!(
                "an index named {name} is something else ({definition}) and was left alone; {serving} serves in its \
                 place. When it is not needed: DROP INDEX CONCURRENTLY {name}",
                name = wrong.name,
                definition = wrong.definition
            )
        });
        let partitioned = (!self.partitioned_by.is_empty()).then(|| {
            format!(
                "{index} can't be built: {table} is partitioned by {keys}, which a unique index would have to name. {serving} serves \
                 searches. Makegood's own locks keep its rows single; those that other programs write are not compared",
                index = self.index,
                table = self.table,
                keys = self.keys(),
            )
        });
        forbidden.chain(wrong).chain(partitioned).collect()
    }

    fn keys(&self) -> String {
        let named = |key: &String| {
            if key.is_empty() {
                "an expression".to_owned()
            } else {
                key.clone()
            }
        };
        self.partitioned_by
            .iter()
            .map(named)
            .collect::<Vec<_>>()
            .join(", ")
    }
}
