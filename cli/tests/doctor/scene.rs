//! A healthy database of a few purchases and two orders, to break in one way at a time.

use chrono::{TimeDelta, Utc};
use makegood::db::Database;
use makegood::school_days::TeachingDays;
use makegood_tests::database::TestDatabase;
use operate::doctor::{Guarantee, Report, Scope, check};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Output;

/// A database of its own, and the doctor's way to it.
pub struct Scene {
    pub database: TestDatabase,
    pub pooled: Database,
}

/// This many purchases with all that belongs to them, and a tenth as many orders.
pub fn healthy_rows(purchases: u32) -> String {
    format!(
        "SET seed.purchases = {purchases};\n{}",
        include_str!("../../../tests/fixtures/healthy.sql")
    )
}

impl Scene {
    pub async fn empty() -> Self {
        Self::over(TestDatabase::create().await)
    }

    pub fn over(database: TestDatabase) -> Self {
        let pooled = database.through_pooler(2);
        Self { database, pooled }
    }

    pub async fn healthy(purchases: u32) -> Self {
        let scene = Self::empty().await;
        scene.database.run_sql(&healthy_rows(purchases)).await;
        scene
    }

    pub async fn check(&self) -> Report {
        self.check_later(TimeDelta::zero()).await
    }

    /// As the doctor sees it this much later.
    pub async fn check_later(&self, later: TimeDelta) -> Report {
        self.check_only(BTreeSet::new(), later).await
    }

    /// The same for some guarantees; for all when there are none.
    pub async fn check_only(&self, only: BTreeSet<Guarantee>, later: TimeDelta) -> Report {
        let scope = Scope {
            only,
            now: Utc::now() + later,
            timezone: chrono_tz::Asia::Kolkata,
            teaching_days: TeachingDays::default(),
            single_operator: false,
        };
        check(&self.pooled, &scope).await.unwrap()
    }

    /// What the doctor finds, by code and number of rows.
    pub async fn found_later(&self, later: TimeDelta) -> Vec<(&'static str, i64)> {
        let report = self.check_later(later).await;
        let findings = report.findings.iter();
        findings.map(|finding| (finding.code, finding.count)).collect()
    }

    /// The command itself, over the pooler.
    pub fn makegood(&self, arguments: &[&str]) -> Output {
        self.makegood_teaching_on("", arguments)
    }

    /// The command with another way to the database.
    pub fn makegood_at(&self, url: &str, arguments: &[&str]) -> Output {
        self.command(arguments).env("DATABASE_URL", url).output().unwrap()
    }

    /// The same for a school that teaches on these days of the week.
    pub fn makegood_teaching_on(&self, weekdays: &str, arguments: &[&str]) -> Output {
        self.command(arguments)
            .env("BUSINESS_WEEKDAYS", weekdays)
            .output()
            .unwrap()
    }

    /// The command, ready to be started.
    pub fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_makegood"));
        command
            .args(arguments)
            .env("DATABASE_URL", self.database.pooler_url())
            .env("BUSINESS_TIMEZONE", "Asia/Kolkata");
        command
    }

    pub async fn drop(self) {
        self.pooled.close();
        self.database.drop().await;
    }
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}
