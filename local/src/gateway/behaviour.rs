//! What the stub does with a server's question, where it was told beforehand.

use super::payment::PaymentState;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::Duration;

/// What becomes of one question of a server: status, initiate or lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// The right answer.
    Behave,
    /// The right answer, this many milliseconds late.
    Slow(u64),
    /// No answer, ever.
    Hang,
    /// HTTP 500 with a page.
    ServerError,
    /// HTTP 429.
    RateLimited,
    /// The gateway's own way to say that it is not available: eSewa's `{"code": 0}`, Khalti's 503.
    Unavailable,
    /// HTTP 401, as with a wrong key.
    Refuse,
    /// HTTP 200 with a page instead of JSON.
    Garbage,
    /// The connection breaks before the answer is complete.
    DropConnection,
    /// As if the payment were in this state.
    Answer(PaymentState),
    /// Paid, one paisa more than it is.
    WrongAmount,
}

/// The behaviours to come, in order: those for one payment before those for any.
#[derive(Debug, Default)]
pub(super) struct Script {
    any: VecDeque<Behaviour>,
    by_payment: BTreeMap<String, VecDeque<Behaviour>>,
}

impl Script {
    pub(super) fn extend(&mut self, payment: Option<&str>, next: impl IntoIterator<Item = Behaviour>) {
        match payment {
            Some(id) => self.by_payment.entry(id.to_owned()).or_default().extend(next),
            None => self.any.extend(next),
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn next(&mut self, payment: &str) -> Behaviour {
        let own = self.by_payment.get_mut(payment).and_then(VecDeque::pop_front);
        own.or_else(|| self.any.pop_front()).unwrap_or(Behaviour::Behave)
    }
}

/// What is left to the gateway after the faults that both share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// The right answer.
    Right,
    /// As if the payment were in this state.
    As(PaymentState),
    /// Paid, one paisa more.
    OnePaisaMore,
    /// In its own words: not available.
    Unavailable,
    /// In its own words: not with that key.
    Refused,
}

/// Acts out what has nothing to do with either protocol.
pub(super) async fn act(behaviour: Behaviour) -> Result<Turn, Response> {
    match behaviour {
        Behaviour::Behave => Ok(Turn::Right),
        Behaviour::Slow(millis) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            Ok(Turn::Right)
        }
        Behaviour::Hang => std::future::pending().await,
        Behaviour::ServerError => {
            Err((StatusCode::INTERNAL_SERVER_ERROR, "<h1>Server Error</h1>").into_response())
        }
        Behaviour::RateLimited => Err((StatusCode::TOO_MANY_REQUESTS, "slow down").into_response()),
        Behaviour::Garbage => Err("<html><body>Welcome</body></html>".into_response()),
        Behaviour::DropConnection => Err(broken()),
        Behaviour::Unavailable => Ok(Turn::Unavailable),
        Behaviour::Refuse => Ok(Turn::Refused),
        Behaviour::Answer(state) => Ok(Turn::As(state)),
        Behaviour::WrongAmount => Ok(Turn::OnePaisaMore),
    }
}

/// An answer that breaks off: its body fails, and the server closes the connection.
fn broken() -> Response {
    let failing = stream::once(async { Err::<Bytes, io::Error>(io::ErrorKind::ConnectionReset.into()) });
    Response::new(Body::from_stream(failing))
}
