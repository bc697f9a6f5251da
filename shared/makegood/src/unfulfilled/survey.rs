//! One look at a kind, batch by batch: what is on the list, then the rows of a window.

use super::walk::{self, Place, STEP};
use super::{Kind, Rule, Unfulfilled, find, list};
use crate::db::Connection;
use chrono::{DateTime, Utc};
use std::collections::HashSet;

/// A look at one kind. Each batch is a few statements, so that its caller can stop between two when its time is up.
#[derive(Debug, Clone)]
pub struct Survey {
    kind: Kind,
    rule: Rule,
    from: Place,
    uses_list: bool,
    stage: Stage,
}

#[derive(Debug, Clone)]
enum Stage {
    Listed {
        after: String,
    },
    Walking {
        after: Place,
    },
    /// What lies in the future: its writer's clock or zone is wrong, and the row is as due as any.
    Ahead {
        after: Place,
    },
    Done,
}

/// What one batch found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Rows that were looked at.
    pub walked: i64,
    /// Those that are unfulfilled, each once in a survey.
    pub unfulfilled: Vec<Unfulfilled>,
    /// Ids on the list that are not unfulfilled any more.
    pub fulfilled: Vec<String>,
}

/// How many, and since when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// How many.
    pub count: i64,
    /// Since when the oldest of them waits; none when there is none.
    pub oldest: Option<DateTime<Utc>>,
}

impl Figures {
    /// With these as well.
    pub fn add(&mut self, found: &[Unfulfilled]) {
        self.count += i64::try_from(found.len()).unwrap_or(i64::MAX);
        let oldest = found.iter().map(Unfulfilled::since).min();
        self.oldest = self.oldest.into_iter().chain(oldest).min();
    }

    /// The age of the oldest, in seconds; zero when there is none.
    #[must_use]
    pub fn oldest_seconds(&self, now: DateTime<Utc>) -> i64 {
        self.oldest
            .map_or(0, |oldest| (now - oldest).num_seconds().max(0))
    }
}

impl Survey {
    /// What is on the list, and what was paid (bought, allocated, verified) from this moment on.
    #[must_use]
    pub fn of_window(kind: Kind, from: DateTime<Utc>, rule: Rule) -> Self {
        Self {
            kind,
            rule,
            from: Place::before(kind, from),
            uses_list: true,
            stage: Stage::Listed { after: String::new() },
        }
    }

    /// All history, without the list.
    #[must_use]
    pub fn of_all(kind: Kind, rule: Rule) -> Self {
        let from = Place::beginning(kind);
        Self {
            kind,
            rule,
            from: from.clone(),
            uses_list: false,
            stage: Stage::Walking { after: from },
        }
    }

    /// The next batch, which may be empty; none at the end.
    ///
    /// # Errors
    /// Those of the database. The batch is tried again by the next call.
    pub async fn next(&mut self, connection: &mut Connection) -> Result<Option<Batch>, sqlx::Error> {
        if let Stage::Listed { after } = &self.stage {
            let ids = list::listed(&mut *connection, self.kind, after, STEP).await?;
            match ids.last().cloned() {
                Some(last) => {
                    let batch = self.of_listed(connection, ids).await?;
                    self.stage = Stage::Listed { after: last };
                    return Ok(Some(batch));
                }
                None => {
                    self.stage = Stage::Walking {
                        after: self.from.clone(),
                    };
                }
            }
        }
        if let Stage::Walking { after } = &self.stage {
            let step = walk::step(&mut *connection, self.kind, after, self.rule.now, &self.rule).await?;
            if let Some(last) = step.last.clone() {
                let batch = self.of_walked(connection, step).await?;
                self.stage = Stage::Walking { after: last };
                return Ok(Some(batch));
            }
            self.stage = Stage::Ahead {
                after: Place::ahead(self.kind, self.rule.now),
            };
        }
        let Stage::Ahead { after } = &self.stage else {
            return Ok(None);
        };
        let step = walk::step(
            &mut *connection,
            self.kind,
            after,
            DateTime::<Utc>::MAX_UTC,
            &self.rule,
        )
        .await?;
        let Some(last) = step.last.clone() else {
            self.stage = Stage::Done;
            return Ok(None);
        };
        let batch = self.of_walked(connection, step).await?;
        self.stage = Stage::Ahead { after: last };
        Ok(Some(batch))
    }

    async fn of_walked(&self, connection: &mut Connection, step: walk::Step) -> Result<Batch, sqlx::Error> {
        let unfulfilled = find(&mut *connection, self.kind, &step.candidates, &self.rule).await?;
        let unfulfilled = self.without_listed(connection, unfulfilled).await?;
        Ok(Batch {
            walked: step.walked,
            unfulfilled,
            fulfilled: Vec::new(),
        })
    }

    /// Counts to the end.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn count(mut self, connection: &mut Connection) -> Result<Figures, sqlx::Error> {
        let mut figures = Figures::default();
        while let Some(batch) = self.next(&mut *connection).await? {
            figures.add(&batch.unfulfilled);
        }
        Ok(figures)
    }

    async fn of_listed(&self, connection: &mut Connection, ids: Vec<String>) -> Result<Batch, sqlx::Error> {
        let unfulfilled = find(connection, self.kind, &ids, &self.rule).await?;
        let still: HashSet<String> = unfulfilled.iter().map(Unfulfilled::id).collect();
        Ok(Batch {
            walked: i64::try_from(ids.len()).unwrap_or(i64::MAX),
            unfulfilled,
            fulfilled: ids.into_iter().filter(|id| !still.contains(id)).collect(),
        })
    }

    /// Those on the list were in a batch before.
    async fn without_listed(
        &self,
        connection: &mut Connection,
        found: Vec<Unfulfilled>,
    ) -> Result<Vec<Unfulfilled>, sqlx::Error> {
        if !self.uses_list || found.is_empty() {
            return Ok(found);
        }
        let ids: Vec<String> = found.iter().map(Unfulfilled::id).collect();
        let listed: HashSet<String> = list::which_are_listed(connection, self.kind, &ids)
            .await?
            .into_iter()
            .collect();
        Ok(found
            .into_iter()
            .filter(|row| !listed.contains(&row.id()))
            .collect())
    }
}
