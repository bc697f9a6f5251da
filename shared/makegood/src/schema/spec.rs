//! What an index must be.

/// An index as it must be. Declared as constants only: its parts go into DDL unescaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexSpec {
    /// The name it gets when we build it. A right index under any other name serves as well.
    pub name: &'static str,
    /// Its table.
    pub table: &'static str,
    /// Its key columns. An expression stands as `pg_get_indexdef` prints it, parentheses included.
    pub columns: &'static [&'static str],
    /// Whether it forbids duplicates.
    pub unique: bool,
    /// Its predicate as we write it.
    pub predicate: Option<&'static str>,
    /// The predicates, as `pg_get_expr` prints them, that `ON CONFLICT … WHERE {predicate}` infers.
    pub(super) printed_predicates: &'static [&'static str],
}

impl IndexSpec {
    /// The name it is built under when [`IndexSpec::name`] is taken by an index of another definition, which
    /// is not ours to drop.
    #[must_use]
    pub fn second_name(&self) -> String {
        format!("{}_makegood", self.name)
    }

    /// Our own two names, in the order in which they are tried.
    #[must_use]
    pub fn own_names(&self) -> [String; 2] {
        [self.name.to_owned(), self.second_name()]
    }

    /// One on the same columns that forbids nothing, for a table that can't have this one.
    pub(super) fn for_searches_alone(&self) -> Self {
        let name = match self.name {
            "unique_active_purchase" => "idx_active_purchase",
            "unique_active_allocation" => "idx_active_allocation",
            "unique_session_slot" => "idx_session_slot",
            "unique_provider_payment" => "idx_provider_payment",
            "idx_processed_events_idempotency" => "idx_processed_events_once",
            name => name,
        };
        Self {
            name,
            unique: false,
            ..*self
        }
    }

    pub(super) fn create_statement(&self, name: &str) -> String {
        self.create_statement_on(name, self.table)
    }

    pub(super) fn create_statement_on(&self, name: &str, table: &str) -> String {
        self.statement("INDEX CONCURRENTLY", name, table)
    }

    pub(super) fn create_statement_at_once(&self, name: &str) -> String {
        self.statement("INDEX", name, self.table)
    }

    fn statement(&self, what: &str, name: &str, table: &str) -> String {
        let unique = if self.unique { "UNIQUE " } else { "" };
        let predicate = self
            .predicate
            .map(|predicate| format!(" WHERE {predicate}"))
            .unwrap_or_default();
        format!(
            "CREATE {unique}{what} {name} ON {table} ({}){predicate}",
            self.columns.join(", ")
        )
    }
}
