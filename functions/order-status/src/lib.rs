//! The `order-status` function: what the buyer's page asks until the order is there. A request may be held, so that the
//! page needs few of them; while it is held, it costs a look every 200 ms and no connection in between.

pub mod checkout;
mod columns;
pub mod decide;
mod question;
mod respond;

pub use columns::COLUMNS;

use checkout::{Seen, read_checkout};
use makegood::db::{Database, classify};
use makegood::delivery::Deadline;
use makegood::http::{Answer, Request, RequestError};
use makegood::telemetry;
use makegood::throttle::{self, Throttle};
use question::Question;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// The function's name, the dimension of its metrics.
pub const NAME: &str = "order-status";
/// How often one buyer may ask unless `STATUS_REQUESTS_PER_MINUTE` says otherwise: a page asks twice a second at most.
pub const REQUESTS_PER_MINUTE: u32 = 240;
/// How long a held request sleeps between two looks.
pub const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The function with all that it needs.
#[derive(Debug)]
pub struct OrderStatus {
    /// The database.
    pub database: Database,
    /// How long a held request sleeps between two looks.
    pub look_every: Duration,
    /// How often one buyer may ask.
    pub throttle: Throttle,
}

impl OrderStatus {
    /// The function on this database, looking every [`LOOK_EVERY`], for everybody as often as they ask.
    #[must_use]
    pub fn of(database: Database) -> Self {
        Self {
            database,
            look_every: LOOK_EVERY,
            throttle: Throttle::of(NAME, 0),
        }
    }

    /// Handles one HTTP request, and gives back the HTTP response: at once, or when the order is there, or when the wait
    /// or the invocation's time is over.
    ///
    /// # Errors
    /// When the event is no HTTP request at all.
    pub async fn handle(&self, event: Value, deadline: Deadline) -> Result<Value, RequestError> {
        let started = Instant::now();
        let request = Request::decode(event)?;
        let answer = match Question::read(&request) {
            Ok(question) => self.answer_unless_too_often(&question, deadline).await,
            Err(answer) => answer,
        };
        telemetry::stage_finished(started.elapsed());
        Ok(answer.to_http_api())
    }

    async fn answer_unless_too_often(&self, question: &Question<'_>, deadline: Deadline) -> Answer {
        let buyer = question.buyer.to_string();
        match self.throttle.refuse(&self.database, Some(&buyer)).await {
            Some(left) => throttle::too_often(left),
            None => self.answer(question, deadline).await,
        }
    }

    async fn answer(&self, question: &Question<'_>, deadline: Deadline) -> Answer {
        let until = (Instant::now() + question.wait).min(deadline.instant());
        match self.wait(question, until).await {
            Ok(Some(seen)) => respond::seen(&seen),
            Ok(None) => respond::no_such_intent(),
            Err(error) => {
                let code = classify(&error).code();
                tracing::error!(
                    function = NAME,
                    correlation_id = question.payment_intent_id,
                    code,
                    %error,
                    "status not read; the page is asked to come again"
                );
                Answer::unavailable("the status can't be read now; ask again")
            }
        }
    }

    /// Looks until there is an order, nothing to wait for, or no time left.
    async fn wait(&self, question: &Question<'_>, until: Instant) -> Result<Option<Seen>, sqlx::Error> {
        loop {
            let seen = read_checkout(&self.database, question.buyer, question.payment_intent_id).await?;
            let worth_waiting = matches!(&seen, Some(Seen::NoOrder(state)) if state.may_end_soon());
            let next = Instant::now() + self.look_every;
            if !worth_waiting || next > until {
                return Ok(seen);
            }
            tokio::time::sleep_until(next).await;
        }
    }
}
