//! A login that owns nothing and bypasses nothing, as other teams give one.

use crate::database::TestDatabase;

/// A role of one test's own.
#[derive(Debug)]
pub struct Reader<'a> {
    database: &'a TestDatabase,
    role: String,
}

impl<'a> Reader<'a> {
    /// Makes it and runs these statements, in which `ROLE` is its name.
    pub async fn create(database: &'a TestDatabase, grants: &str) -> Self {
        let role = format!("{}_reader", database.name());
        let sql = format!("CREATE ROLE {role} LOGIN; {}", grants.replace("ROLE", &role));
        database.run_sql(&sql).await;
        Self { database, role }
    }

    /// Straight to Postgres, as this role.
    #[must_use]
    pub fn url(&self) -> String {
        self.database
            .direct_url()
            .replace("postgres://makegood@", &format!("postgres://{}@", self.role))
    }

    /// Removes it with all that it was granted.
    pub async fn drop(self) {
        let role = &self.role;
        self.database
            .run_sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
            .await;
    }
}
