//! The promises of a run, each a line: kept, or broken by so many rows.

use crate::outcome::Answers;
use crate::traffic::Traffic;
use crate::watch::Subject;
use anyhow::Result;
use sqlx::PgPool;

/// One promise and how many rows break it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Promise {
    /// In words.
    pub(crate) text: String,
    /// Zero when it is kept.
    pub(crate) breaches: i64,
}

impl Promise {
    pub(crate) fn new(text: impl Into<String>, breaches: i64) -> Self {
        Self {
            text: text.into(),
            breaches,
        }
    }

    /// Whether it holds.
    pub(crate) fn is_kept(&self) -> bool {
        self.breaches == 0
    }

    /// As a line for a person.
    pub(crate) fn line(&self) -> String {
        if self.is_kept() {
            return format!("✓ {}", self.text);
        }
        format!("✗ {}: broken {} times", self.text, self.breaches)
    }
}

/// Asks the database about this run's rows.
pub(crate) async fn ask(pool: &PgPool, subject: &Subject, strangers: &[uuid::Uuid]) -> Result<Vec<Promise>> {
    let broken = sqlx::query_file!("src/sql/guarantees.sql", &subject.students, &subject.references);
    let broken = broken.fetch_one(pool).await?;
    let stored = sqlx::query_scalar!(
        r#"SELECT (SELECT count(*) FROM payments WHERE student_id = ANY($1))
                + (SELECT count(*) FROM student_course_purchases WHERE student_id = ANY($1)) AS "stored!""#,
        strangers,
    );
    Ok(vec![
        Promise::new(
            "G1  every payment has exactly one active purchase, or an open case",
            broken.unfulfilled,
        ),
        Promise::new(
            "G2  every purchase has exactly one allocation",
            broken.unallocated,
        ),
        Promise::new(
            "G3  every allocation has its next seven sessions, or all that were bought",
            broken.unscheduled,
        ),
        Promise::new(
            "G4  every change was published, and sent or in the sweep's hands",
            broken.unpublished,
        ),
        Promise::new("G4  nothing was published that did not happen", broken.invented),
        Promise::new(
            "    nothing forged or malformed was recorded",
            stored.fetch_one(pool).await?,
        ),
    ])
}

/// Whether every message was answered as it must be.
pub(crate) fn answered(answers: &Answers, traffic: &Traffic) -> Promise {
    let deliveries = traffic.payments() + traffic.repeats();
    // A delivery whose answer was lost is recorded all the same, and its repeat is then called a duplicate.
    let missing = deliveries.abs_diff(answers.recorded + answers.duplicates);
    let doubled = answers.recorded.saturating_sub(traffic.payments());
    let refused = 2_usize.abs_diff(answers.unauthorized + answers.held);
    let wrong = (missing + doubled + refused).max(answers.unexpected.len());
    Promise::new(
        "    every message was answered as it must be",
        i64::try_from(wrong).unwrap_or(i64::MAX),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn answers_are_as_they_must_be_only_when_all_are() {
        let traffic = Traffic::plan(Uuid::from_u128(1), 40);
        let good = Answers {
            recorded: 40,
            duplicates: 5,
            unauthorized: 1,
            held: 1,
            ..Answers::default()
        };
        assert!(answered(&good, &traffic).is_kept());
        for bad in [
            Answers {
                recorded: 41,
                duplicates: 4,
                ..good.clone()
            },
            Answers {
                recorded: 39,
                ..good.clone()
            },
            Answers {
                unauthorized: 0,
                ..good.clone()
            },
            Answers {
                unexpected: vec!["x".to_owned()],
                ..good.clone()
            },
        ] {
            assert!(!answered(&bad, &traffic).is_kept(), "{bad:?}");
        }
    }

    #[test]
    fn a_broken_promise_says_how_often() {
        assert_eq!(Promise::new("G1", 3).line(), "✗ G1: broken 3 times");
        assert_eq!(Promise::new("G1", 0).line(), "✓ G1");
    }
}
