//! A Postgres of one test's own, with TLS and passwords: logins there can be refused, and links cut.

use crate::setting;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use uuid::Uuid;

/// A running server with the schema in its database `makegood`. Dropping it ends it and removes it.
#[derive(Debug)]
pub struct OwnPostgres {
    name: String,
    port: u16,
    /// Of the PgBouncer in front of it, where there is one.
    pooler: Option<u16>,
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        script(&["stop", &self.name]);
    }
}

impl OwnPostgres {
    /// Starts one.
    #[must_use]
    pub fn start() -> Self {
        let server = Self {
            name: Uuid::new_v4().simple().to_string(),
            port: free_port(),
            pooler: None,
        };
        script(&["start", &server.name, &server.port.to_string()]);
        server
    }

    /// Starts one with a PgBouncer in front of it, to which the endpoint leads. It asks Postgres for the passwords.
    #[must_use]
    pub fn start_behind_pgbouncer() -> Self {
        let mut server = Self::start();
        let port = free_port();
        script(&[
            "pooler",
            &server.name,
            &port.to_string(),
            &server.port.to_string(),
        ]);
        server.pooler = Some(port);
        server
    }

    /// `host:port`, as in `DATABASE_PROXY_ENDPOINT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("127.0.0.1:{}", self.pooler.unwrap_or(self.port))
    }

    /// What its certificate, and its PgBouncer's, is signed with: itself. It names 127.0.0.1 and no other host.
    #[must_use]
    pub fn authority(&self) -> String {
        let home = format!("{}/own-postgres/{}", setting("MAKEGOOD_STATE"), self.name);
        std::fs::read_to_string(format!("{home}/ca.crt")).expect("the script wrote it")
    }

    /// The PgBouncer in front of it ends, and another begins: every link of its clients is cut.
    pub fn restart_pgbouncer(&self) {
        let pooler = self.pooler.expect("there is one").to_string();
        script(&["pooler", &self.name, &pooler, &self.port.to_string()]);
    }

    /// Types a command to the console of the PgBouncer in front of it, which is PgBouncer's database `pgbouncer`.
    pub async fn type_to_pgbouncer(&self, command: &str) {
        let url = format!("postgres://console:console@{}/pgbouncer", self.endpoint());
        let mut console = PgConnection::connect(&url).await.expect("PgBouncer answers");
        sqlx::raw_sql(AssertSqlSafe(command.to_owned()))
            .execute(&mut console)
            .await
            .expect("the command is carried out");
    }

    /// Runs SQL text as the superuser.
    pub async fn run_sql(&self, text: &str) {
        let mut connection = self.connect().await;
        sqlx::raw_sql(AssertSqlSafe(text.to_owned()))
            .execute(&mut connection)
            .await
            .expect("the SQL runs");
    }

    /// The first column of the first row, a bigint.
    pub async fn count(&self, query: &str) -> i64 {
        let mut connection = self.connect().await;
        sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
            .fetch_one(&mut connection)
            .await
            .expect("the query runs")
    }

    /// The role has this password from now on, whether it was there or not, and may do what a function does.
    pub async fn set_password(&self, role: &str, password: &str) {
        let text = format!(
            "DO $$ BEGIN CREATE ROLE {role} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role};
                         GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role};
             EXCEPTION WHEN duplicate_object THEN NULL; END $$;
             ALTER ROLE {role} PASSWORD '{password}'"
        );
        self.run_sql(&text).await;
    }

    /// Every link of this role is cut, as a proxy does it when the password changes.
    pub async fn cut_links_of(&self, role: &str) {
        let text =
            format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{role}'");
        self.run_sql(&text).await;
    }

    async fn connect(&self) -> PgConnection {
        let url = format!("postgres://makegood@127.0.0.1:{}/makegood", self.port);
        PgConnection::connect(&url).await.expect("Postgres answers")
    }
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("its address").port()
}

fn script(arguments: &[&str]) {
    let done = Command::new(format!("{}/own_postgres.sh", setting("STACK_DIR")))
        .args(arguments)
        .stdin(Stdio::null())
        .status()
        .expect("the script runs");
    assert!(done.success(), "own_postgres.sh {} failed", arguments.join(" "));
}
