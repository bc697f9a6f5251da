//! What the catalogue says about an index: whether one is there that does what its spec asks, whatever its
//! name.
//!
//! A name in `pg_indexes` proves nothing: a failed concurrent build leaves an index there that enforces
//! nothing.

use super::IndexSpec;
use crate::db::Connection;
use serde::Serialize;
use std::collections::BTreeSet;

/// The answer to "is this index there, and does it work?".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum IndexState {
    /// None on the right columns, none of that name. Also when the table itself is missing.
    Absent,
    /// One is there, right, valid and ready.
    Valid {
        /// Its name, which need not be ours.
        name: String,
    },
    /// One of our names, rightly defined, but left behind unfinished (or being built right now).
    Invalid {
        /// Its name.
        name: String,
    },
    /// The name is taken by an index that does something else.
    WrongDefinition {
        /// Its name.
        name: String,
        /// What it is, as `pg_get_indexdef` prints it.
        definition: String,
    },
}

impl IndexState {
    /// Whether `ON CONFLICT` can rely on it, and the constraint holds.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        matches!(self, Self::Valid { .. })
    }
}

/// An index that has a name of ours but another definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedIndex {
    /// Its name.
    pub name: String,
    /// What it is, as `pg_get_indexdef` prints it.
    pub definition: String,
}

/// One row of the catalogue, and what it has to do with a spec.
struct CatalogueRow {
    name: String,
    definition: String,
    right: bool,
    usable: bool,
}

/// What the catalogue says about `spec`. Reads only; right through a pooler.
///
/// # Errors
/// When the catalogue can't be read.
pub async fn index_state(conn: &mut Connection, spec: &IndexSpec) -> Result<IndexState, sqlx::Error> {
    let rows = read_catalogue(conn, spec, spec.table, spec.name).await?;
    Ok(decide(&rows, spec.name, &spec.own_names()))
}

/// The same about a partition of the spec's table, where the index that we build has this name.
pub(super) async fn state_of_partition(
    conn: &mut Connection,
    spec: &IndexSpec,
    partition: &str,
    name: &str,
) -> Result<IndexState, sqlx::Error> {
    let rows = read_catalogue(conn, spec, partition, name).await?;
    Ok(decide(&rows, name, &[name.to_owned()]))
}

/// The indexes that have one of our names and another definition.
pub(super) async fn wrongly_defined(
    conn: &mut Connection,
    spec: &IndexSpec,
) -> Result<Vec<NamedIndex>, sqlx::Error> {
    let own_names = spec.own_names();
    let rows = read_catalogue(conn, spec, spec.table, spec.name).await?;
    let wrong = rows
        .into_iter()
        .filter(|row| !row.right && own_names.contains(&row.name));
    Ok(wrong
        .map(|row| NamedIndex {
            name: row.name,
            definition: row.definition,
        })
        .collect())
}

/// `name` is the one that we build under first, `own_names` all of ours.
fn decide(rows: &[CatalogueRow], name: &str, own_names: &[String]) -> IndexState {
    if let Some(row) = rows.iter().find(|row| row.right && row.usable) {
        return IndexState::Valid {
            name: row.name.clone(),
        };
    }
    // Unfinished ones of other names are left alone: a `…_ccnew` belongs to another session's REINDEX CONCURRENTLY.
    if let Some(row) = rows.iter().find(|row| row.right && own_names.contains(&row.name)) {
        return IndexState::Invalid {
            name: row.name.clone(),
        };
    }
    match rows.iter().find(|row| row.name == name) {
        Some(row) => IndexState::WrongDefinition {
            name: row.name.clone(),
            definition: row.definition.clone(),
        },
        None => IndexState::Absent,
    }
}

async fn read_catalogue(
    conn: &mut Connection,
    spec: &IndexSpec,
    table: &str,
    name: &str,
) -> Result<Vec<CatalogueRow>, sqlx::Error> {
    let rows = sqlx::query_file!("src/schema/index.sql", table, name)
        .fetch_all(conn)
        .await?;
    let rows = rows.into_iter().map(|row| CatalogueRow {
        right: row.distinct_nulls
            && row.is_unique == spec.unique
            && row.immediate
            && same_columns(&row.columns, spec)
            && same_predicate(row.predicate.as_deref(), spec),
        usable: row.usable,
        name: row.name,
        definition: row.definition,
    });
    Ok(rows.collect())
}

/// For a unique index the order of the columns changes neither what it forbids nor whether it is inferred.
fn same_columns(columns: &[Option<String>], spec: &IndexSpec) -> bool {
    let Some(columns) = columns.iter().map(Option::as_deref).collect::<Option<Vec<_>>>() else {
        return false; // an expression
    };
    let as_set = |columns: &[&str]| {
        columns
            .iter()
            .map(|column| (*column).to_owned())
            .collect::<BTreeSet<_>>()
    };
    columns == spec.columns
        || (spec.unique && columns.len() == spec.columns.len() && as_set(&columns) == as_set(spec.columns))
}

fn same_predicate(printed: Option<&str>, spec: &IndexSpec) -> bool {
    match printed {
        None => spec.predicate.is_none(),
        Some(printed) => spec.printed_predicates.contains(&printed),
    }
}

#[cfg(test)]
mod tests {
    use super::super::UNIQUE_ACTIVE_PURCHASE;
    use super::*;

    fn row(name: &str, right: bool, usable: bool) -> CatalogueRow {
        CatalogueRow {
            name: name.to_owned(),
            definition: "…".to_owned(),
            right,
            usable,
        }
    }

    fn decided(rows: &[CatalogueRow]) -> IndexState {
        let spec = UNIQUE_ACTIVE_PURCHASE;
        decide(rows, spec.name, &spec.own_names())
    }

    #[test]
    fn a_right_index_serves_under_any_name_and_before_a_broken_one() {
        let rows = [
            row("unique_active_purchase", true, false),
            row("of_the_school", true, true),
        ];
        let state = decided(&rows);
        assert_eq!(
            state,
            IndexState::Valid {
                name: "of_the_school".to_owned()
            }
        );
    }

    #[test]
    fn an_unfinished_index_of_another_name_is_left_alone() {
        let rows = [row("unique_active_purchase_ccnew", true, false)];
        assert_eq!(decided(&rows), IndexState::Absent);
    }

    #[test]
    fn an_unfinished_index_of_our_second_name_is_ours_to_fix() {
        let rows = [
            row("unique_active_purchase", false, true),
            row("unique_active_purchase_makegood", true, false),
        ];
        let state = decided(&rows);
        assert_eq!(
            state,
            IndexState::Invalid {
                name: "unique_active_purchase_makegood".to_owned()
            }
        );
    }

    #[test]
    fn columns_are_compared_as_a_set_for_a_unique_index_and_expressions_never_match() {
        let columns = |names: &[&str]| {
            names
                .iter()
                .map(|name| Some((*name).to_owned()))
                .collect::<Vec<_>>()
        };
        assert!(same_columns(
            &columns(&["course_id", "student_id"]),
            &UNIQUE_ACTIVE_PURCHASE
        ));
        assert!(!same_columns(&columns(&["student_id"]), &UNIQUE_ACTIVE_PURCHASE));
        assert!(!same_columns(
            &columns(&["student_id", "student_id"]),
            &UNIQUE_ACTIVE_PURCHASE
        ));
        assert!(!same_columns(
            &[None, Some("course_id".to_owned())],
            &UNIQUE_ACTIVE_PURCHASE
        ));
    }

    #[test]
    fn is_true_is_not_the_predicate() {
        assert!(same_predicate(
            Some("(is_active = true)"),
            &UNIQUE_ACTIVE_PURCHASE
        ));
        assert!(!same_predicate(
            Some("(is_active IS TRUE)"),
            &UNIQUE_ACTIVE_PURCHASE
        ));
        assert!(!same_predicate(None, &UNIQUE_ACTIVE_PURCHASE));
    }
}
