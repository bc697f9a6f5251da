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

    pub(super) fn create_statement(&self, name: &str) -> String {
        let unique = if self.unique { "UNIQUE " } else { "" };
        let predicate = self
            .predicate
            .map(|predicate| format!(" WHERE {predicate}"))
            .unwrap_or_default();
        format!(
            "CREATE {unique}INDEX CONCURRENTLY {name} ON {} ({}){predicate}",
            self.table,
            self.columns.join(", ")
        )
    }
}
