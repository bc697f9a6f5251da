//! G10: the unique indexes and the constraints that keep rows single and books honest.

use makegood::db::Connection;
use makegood::schema::{
    DuplicateGroup, IndexSpec, IndexState, UNIQUE_INDEXES, can_have, find_duplicates, index_state, tables,
};

/// The constraints of the schema that a guarantee rests on, by table. Those of the older tables are indexes.
const CONSTRAINTS: [(&str, &str); 14] = [
    ("outbox", "unique_outbox_event"),
    ("dead_letters", "unique_dead_letter_message"),
    ("payment_cases", "unique_payment_case"),
    ("cart_items", "unique_cart_item"),
    ("inventory", "inventory_never_oversold"),
    ("inventory", "inventory_reserved_not_negative"),
    ("payment_intents", "unique_intent_transaction"),
    ("payment_intents", "unique_intent_idempotency"),
    ("payment_gateway_verifications", "unique_verification"),
    ("job_queue", "unique_job_idempotency"),
    ("job_queue", "job_processing_under_lease"),
    ("orders", "unique_order_number"),
    ("orders", "unique_order_intent"),
    ("product_variants", "unique_sku"),
];

/// An index that does not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unenforced {
    /// Its name.
    pub(super) index: &'static str,
    /// Name, state, and the rows that forbid it, for a person.
    pub(super) line: String,
    /// Whether a person must act: a partitioned table that can't have it, and has no duplicates, is as good as it can be.
    pub(super) is_breach: bool,
}

/// The unique indexes that are not there or not valid, with the duplicates that forbid them. Reads a whole table for each of them,
/// and only the catalogue while all is well.
pub(super) async fn unenforced(connection: &mut Connection) -> Result<Vec<Unenforced>, sqlx::Error> {
    let mut found = Vec::new();
    for spec in &UNIQUE_INDEXES {
        let state = index_state(connection, spec).await?;
        if !state.is_valid() {
            found.push(unenforced_index(connection, spec, &state).await?);
        }
    }
    Ok(found)
}

async fn unenforced_index(
    connection: &mut Connection,
    spec: &'static IndexSpec,
    state: &IndexState,
) -> Result<Unenforced, sqlx::Error> {
    let state = match state {
        IndexState::Valid { .. } => "valid",
        IndexState::Absent => "absent",
        IndexState::Invalid { .. } => "invalid",
        IndexState::WrongDefinition { .. } => "something else",
    };
    let duplicates = find_duplicates(connection, spec).await?;
    let is_breach = duplicates.is_some() || can_have(connection, spec).await?;
    let rows = match duplicates {
        None => "no duplicates".to_owned(),
        Some(duplicates) => {
            let first = duplicates.listed.first().map(group).unwrap_or_default();
            format!("{} keys with several rows, such as {first}", duplicates.groups)
        }
    };
    Ok(Unenforced {
        index: spec.name,
        line: format!("{} ({state}; {rows})", spec.name),
        is_breach,
    })
}

fn group(group: &DuplicateGroup) -> String {
    format!("{}: {}", group.key.join(" "), group.ids.join(" "))
}

/// The constraints that are absent or not validated, as `table.name`.
pub(super) async fn missing(connection: &mut Connection) -> Result<Vec<String>, sqlx::Error> {
    let (tables, names): (Vec<String>, Vec<String>) = CONSTRAINTS
        .iter()
        .map(|(table, name)| ((*table).to_owned(), (*name).to_owned()))
        .unzip();
    sqlx::query_file_scalar!("src/doctor/constraints.sql", &tables, &names)
        .fetch_all(connection)
        .await
}

/// The tables whose statistics are older than a tenth of their rows, each as a line for a person.
pub(super) async fn old_statistics(connection: &mut Connection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_file_scalar!("src/doctor/statistics.sql", &tables())
        .fetch_all(connection)
        .await
}
