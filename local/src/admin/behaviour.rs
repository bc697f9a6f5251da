//! What the stub does with a request, where it was told beforehand.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What becomes of one request for a trainer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// 201 with a trainer, even when none is free.
    Created,
    /// 202 without a trainer, even when one is free.
    Pending,
    /// 409 with the allocation in the body; made for another client's request when there is none.
    Exists,
    /// 409 with nothing in the body.
    ExistsWithoutData,
    /// 409 with nothing in the body, about an allocation that it does not list either.
    ExistsElsewhere,
    /// 400.
    BadRequest,
    /// 429.
    RateLimited,
    /// 500.
    ServerError,
    /// No answer, ever.
    Hang,
    /// The connection breaks before the answer is complete.
    DropConnection,
    /// The allocation is made, and the connection breaks all the same.
    AllocateAndDrop,
    /// 201 with a page instead of JSON.
    Garbage,
    /// 201 with JSON that is not in the protocol.
    Nonsense,
}

/// The behaviours to come, in order.
#[derive(Debug, Default)]
pub(super) struct Script(VecDeque<Behaviour>);

impl Script {
    pub(super) fn extend(&mut self, next: impl IntoIterator<Item = Behaviour>) {
        self.0.extend(next);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn next(&mut self) -> Option<Behaviour> {
        self.0.pop_front()
    }
}
