//! Erases a person: in the audit log first, then step by step, each in a transaction of its own. An erasure that stops half-way is run again.

use super::settle::{Moment, settle};
use super::steps::{Scope, Step};
use super::{Footprint, Open, Person, open};
use crate::audit::{self, Act, Action};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use makegood::db::{Connection, Database, Transaction};
use makegood::erased::pseudonym;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// So often all steps run: until nothing is found any more. What came in meanwhile is found by the next round.
const ROUNDS: usize = 5;

/// How to erase.
#[derive(Debug, Clone, Copy)]
pub struct Erasing<'a> {
    /// The database.
    pub database: &'a Database,
    /// Who does it, and why.
    pub act: &'a Act,
    /// Whether what is open is ended too.
    pub also_open: bool,
    /// The time.
    pub now: DateTime<Utc>,
    /// The school's.
    pub timezone: Tz,
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Erasure {
    /// As the audit log names the person.
    pub subject: String,
    /// How many rows changed, by table.
    pub rows: BTreeMap<&'static str, u64>,
    /// What was open.
    pub open: Vec<Open>,
    /// What must end by itself before the rest can go.
    pub left: Vec<Open>,
    /// Whether nothing is left for another run: nothing that must end, and no row that kept coming in.
    pub is_complete: bool,
    /// Whether the id itself stays, since a foreign key of another team's table holds it.
    pub keeps_id: bool,
}

/// What the next run has to do.
pub type Left = Vec<Open>;

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No person of this id is known.
    #[error("nothing is known of {0}; check the id (a student's with --student, a buyer's with --buyer)")]
    Unknown(Person),
    /// Something is open.
    #[error("{}", sentence(.0))]
    Open(Vec<Open>),
}

fn sentence(open: &[Open]) -> String {
    let lines: String = open.iter().map(|open| format!("\n  {open}")).collect();
    format!("this is open; let it end, or erase all the same with --also-open where that is said:{lines}")
}

/// Erases a person, or says why not. With `rehearse` everything is done in one transaction that is rolled back.
///
/// # Errors
/// Those of the database. What was erased until then stays so: run it again.
pub async fn erase(
    erasing: &Erasing<'_>,
    person: Person,
    rehearse: bool,
) -> Result<Result<Erasure, Refused>, sqlx::Error> {
    let run = match Run::begin(erasing, person).await? {
        Ok(run) => run,
        Err(refused) => return Ok(Err(refused)),
    };
    if rehearse {
        return run.rehearse().await.map(Ok);
    }
    run.remember().await?;
    run.finish().await.map(Ok)
}

/// An erasure that may go on.
struct Run<'a> {
    erasing: &'a Erasing<'a>,
    person: Person,
    open: Vec<Open>,
    keeps_id: bool,
}

impl<'a> Run<'a> {
    async fn begin(erasing: &'a Erasing<'a>, person: Person) -> Result<Result<Self, Refused>, sqlx::Error> {
        let mut run = Self {
            erasing,
            person,
            open: Vec::new(),
            keeps_id: false,
        };
        let mut connection = erasing.database.acquire().await?;
        let footprint = run.footprint(&mut connection).await?;
        if footprint.is_empty() && !is_remembered(&mut connection, person).await? {
            return Ok(Err(Refused::Unknown(person)));
        }
        run.open = run.list_open(&mut connection, &footprint).await?;
        let waits = run.open.iter().any(|open| open.kind.ends_by_itself());
        if waits || !run.open.is_empty() && !erasing.also_open {
            return Ok(Err(Refused::Open(run.open)));
        }
        run.keeps_id = keeps_id(&mut connection, person).await?;
        Ok(Ok(run))
    }

    async fn footprint(&self, connection: &mut Connection) -> Result<Footprint, sqlx::Error> {
        let ids = [self.person.id(), pseudonym(self.person.id())];
        Footprint::load(connection, self.person, &ids).await
    }

    async fn list_open(
        &self,
        connection: &mut Connection,
        footprint: &Footprint,
    ) -> Result<Vec<Open>, sqlx::Error> {
        let ids = [self.person.id(), pseudonym(self.person.id())];
        open::list(connection, self.person, &ids, footprint, self.moment().today()).await
    }

    const fn moment(&self) -> Moment {
        Moment {
            now: self.erasing.now,
            timezone: self.erasing.timezone,
        }
    }

    fn scope<'f>(&self, footprint: &'f Footprint) -> Scope<'f> {
        let id = self.person.id();
        Scope {
            person: self.person,
            name: if self.keeps_id { id } else { pseudonym(id) },
            also_open: self.erasing.also_open,
            footprint,
        }
    }

    /// The audit log's line, and the person by a hash: from here on nothing more is made for them.
    async fn remember(&self) -> Result<(), sqlx::Error> {
        let mut transaction = self.erasing.database.begin().await?;
        let details = json!({"alsoOpen": self.erasing.also_open, "open": self.open});
        audit::record(
            &mut transaction,
            self.erasing.act,
            Action::ErasePerson,
            &self.person.subject(),
            &details,
        )
        .await?;
        sqlx::query!(
            "INSERT INTO erased_people (pipeline, person, began_at) VALUES ($1, $2, $3)
             ON CONFLICT (pipeline, person) DO UPDATE SET done_at = NULL",
            self.person.pipeline(),
            pseudonym(self.person.id()),
            self.erasing.now,
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await
    }

    async fn finish(self) -> Result<Erasure, sqlx::Error> {
        let database = self.erasing.database;
        if self.erasing.also_open {
            let mut transaction = database.begin().await?;
            let footprint = self.footprint(&mut transaction).await?;
            settle(
                &mut transaction,
                self.scope(&footprint),
                &self.open,
                self.moment(),
            )
            .await?;
            transaction.commit().await?;
        }
        let mut rows = BTreeMap::new();
        let mut is_quiet = false;
        for _ in 0..ROUNDS {
            is_quiet = self.round(&mut rows).await? == 0;
            if is_quiet {
                break;
            }
        }
        let mut connection = database.acquire().await?;
        let footprint = self.footprint(&mut connection).await?;
        let mut left = self.list_open(&mut connection, &footprint).await?;
        left.retain(|open| open.kind.ends_by_itself());
        let is_complete = is_quiet && left.is_empty();
        if is_complete {
            self.note_done(&mut connection).await?;
        }
        Ok(self.erasure(rows, left, is_complete))
    }

    async fn round(&self, rows: &mut BTreeMap<&'static str, u64>) -> Result<u64, sqlx::Error> {
        let database = self.erasing.database;
        let footprint = {
            let mut connection = database.acquire().await?;
            self.footprint(&mut connection).await?
        };
        let mut changed = 0;
        for step in Step::ALL {
            let mut transaction = database.begin().await?;
            let done = step.run(&mut transaction, self.scope(&footprint)).await?;
            transaction.commit().await?;
            changed += done;
            count(rows, step, done);
        }
        Ok(changed)
    }

    async fn rehearse(self) -> Result<Erasure, sqlx::Error> {
        let mut transaction: Transaction = self.erasing.database.begin().await?;
        let footprint = self.footprint(&mut transaction).await?;
        if self.erasing.also_open {
            settle(
                &mut transaction,
                self.scope(&footprint),
                &self.open,
                self.moment(),
            )
            .await?;
        }
        let mut rows = BTreeMap::new();
        for step in Step::ALL {
            let done = step.run(&mut transaction, self.scope(&footprint)).await?;
            count(&mut rows, step, done);
        }
        transaction.rollback().await?;
        Ok(self.erasure(rows, Vec::new(), true))
    }

    async fn note_done(&self, connection: &mut Connection) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "UPDATE erased_people SET done_at = now() WHERE pipeline = $1 AND person = $2 AND done_at IS NULL",
            self.person.pipeline(),
            pseudonym(self.person.id()),
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    fn erasure(self, rows: BTreeMap<&'static str, u64>, left: Left, is_complete: bool) -> Erasure {
        Erasure {
            subject: self.person.subject(),
            rows,
            open: self.open,
            left,
            is_complete,
            keeps_id: self.keeps_id,
        }
    }
}

fn count(rows: &mut BTreeMap<&'static str, u64>, step: Step, done: u64) {
    if done > 0 {
        *rows.entry(step.name()).or_default() += done;
    }
}

async fn is_remembered(connection: &mut Connection, person: Person) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "SELECT person FROM erased_people WHERE pipeline = $1 AND person = $2",
        person.pipeline(),
        pseudonym(person.id())
    );
    Ok(found.fetch_optional(connection).await?.is_some())
}

async fn keeps_id(connection: &mut Connection, person: Person) -> Result<bool, sqlx::Error> {
    let is_student = matches!(person, Person::Student(_));
    let found = sqlx::query_file_scalar!("src/privacy/erase/keeps_ids.sql", is_student);
    found.fetch_one(connection).await
}
