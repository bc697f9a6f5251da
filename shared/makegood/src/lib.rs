//! What two or more of Makegood's functions need: events, delivery, outbox, purchases, sessions, database.
//!
//! A *handler* knows AWS, a *stage* knows the order of things and is the only one to begin and commit,
//! *decisions* are pure, and *database functions* borrow a connection and never commit.
//!
//! An event of SQS or MSK becomes deliveries, record by record; what is wrong with one is its own failure:
//!
//! ```
//! use makegood::delivery::Trigger;
//! use serde_json::json;
//!
//! let event = json!({"Records": [{
//!     "messageId": "m-1", "receiptHandle": "r-1", "body": "{\"paymentId\": \"…\"}",
//!     "attributes": {"ApproximateReceiveCount": "2"},
//!     "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:purchase-confirmed",
//! }]});
//! let (trigger, deliveries) = Trigger::decode(event)?;
//! assert_eq!(trigger, Trigger::Sqs);
//! assert_eq!(deliveries[0].attempt, 2);
//! assert_eq!(deliveries[0].origin.source(), "purchase-confirmed");
//! # Ok::<(), makegood::delivery::DecodeError>(())
//! ```

pub mod blackout;
pub mod case;
pub mod cause;
pub mod chosen;
pub mod clash_rules;
pub mod clock;
pub mod config;
pub mod database;
pub mod db;
pub mod delivery;
pub mod disposition;
pub mod erased;
pub mod event;
#[cfg(feature = "gateway")]
pub mod gateway;
pub mod health;
pub mod http;
pub mod idempotency;
pub mod ids;
pub mod job;
pub mod limits;
pub mod message;
pub mod money;
pub mod outbox;
pub mod payment;
pub mod purchase;
pub mod queue;
pub mod refund;
pub mod replacement;
pub mod runtime;
pub mod schema;
pub mod school_days;
pub mod secret;
pub mod session;
pub mod statement;
pub mod stock;
pub mod telemetry;
pub mod throttle;
pub mod unfulfilled;
#[cfg(feature = "gateway")]
pub mod verification;
