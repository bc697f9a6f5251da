//! One change and its event: written together, sent to two queues, marked, swept up after a crash, sent again on request.
//!
//! As in `shared/makegood/src/outbox`. Consumers are part of it only so far: an effect for each queue, made once.

mod model;
mod publisher;
mod writer;

use crate::guards::Without;
use publisher::Publisher;
use writer::Writer;

/// How many queues subscribe to the event.
const QUEUES: usize = 2;
/// Two sweeps at once, and the one who publishes again.
const PUBLISHERS: usize = 3;
/// Which of them publishes again.
const REPEATER: usize = 2;

/// What keeps the promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Guard {
    /// `enqueue`: the event is written in the transaction of the change.
    EventIsWrittenWithTheChange,
    /// The event is sent only when that transaction is committed.
    SendingWaitsForTheCommit,
    /// `mark_published_if_waiting` comes after the sending.
    MarkWaitsForTheAnswers,
    /// `publish`: only what every queue took is marked.
    MarkNeedsEveryQueue,
    /// `send_batch`: an answer that names nothing is no success.
    AnswerMustNameTheEvent,
    /// `claim`: `claimed_until < now()`; a live lease is left alone.
    ClaimRespectsTheLease,
    /// `claim`: a lease ends by itself.
    LeaseEndsByItself,
    /// `claim`: the candidates are locked while they are chosen (`FOR UPDATE SKIP LOCKED`).
    ClaimLocksItsRows,
    /// The `outbox` sweep runs at all.
    OutboxIsSwept,
    /// `retire`: only what is published.
    OnlyPublishedRowsAreDeleted,
    /// Each queue's consumer makes an effect once.
    ConsumersAreIdempotent,
    /// The row remembers which queues took the event. Without it the whole row is sent again, which is allowed and costs copies.
    ProgressIsRemembered,
    /// Progress is added to the row's, not put in its place.
    ProgressIsAdded,
    /// `publish_again`: what is published again starts with no progress.
    AgainForgetsProgress,
    /// `reconcile` runs at all.
    LostEffectsAreLookedFor,
}

/// How often things may go wrong in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    /// Environments that die.
    pub(crate) crashes: u8,
    /// Sends that a queue refuses.
    pub(crate) refused: u8,
    /// Sends that a queue takes without saying so.
    pub(crate) lost_answers: u8,
    /// Answers that name nothing, and nothing was taken.
    pub(crate) empty_answers: u8,
    /// Leases that run out while their holder still works.
    pub(crate) slow: u8,
    /// Events that a queue took and whose effect was never made.
    pub(crate) lost_effects: u8,
}

/// A model of the outbox, with these guards taken out.
#[derive(Debug, Clone)]
pub struct Outbox {
    without: Without<Guard>,
    budget: Budget,
    reconciles: bool,
    /// How often lost effects are looked for.
    repeats: u8,
}

impl Outbox {
    /// The outbox and its sweep.
    #[must_use]
    pub fn alone(without: &[Guard]) -> Self {
        Self {
            without: Without::these(without),
            budget: Budget {
                crashes: 2,
                refused: 1,
                lost_answers: 1,
                empty_answers: 1,
                slow: 1,
                lost_effects: 0,
            },
            reconciles: false,
            repeats: 0,
        }
    }

    /// With effects that get lost behind a queue, and with `reconcile`, which has such events published again.
    #[must_use]
    pub fn with_lost_effects(without: &[Guard]) -> Self {
        let outbox = Self::alone(without);
        Self {
            budget: Budget {
                crashes: 1,
                refused: 1,
                lost_answers: 0,
                empty_answers: 0,
                slow: 1,
                lost_effects: 1,
            },
            reconciles: true,
            repeats: 3,
            ..outbox
        }
    }

    fn has(&self, guard: Guard) -> bool {
        self.without.has(guard)
    }
}

/// What became of the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Change {
    Unwritten,
    Committed,
    RolledBack,
}

/// Who may publish the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Lease {
    /// No sender has it, or it has run out.
    Over,
    /// The writer has it.
    Writer,
    /// This publisher has it.
    Publisher(usize),
    /// Its holder died; time has not passed yet.
    Dead,
}

/// The committed row of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Row {
    Absent,
    Waiting {
        lease: Lease,
        /// The time of its next try has come.
        due: bool,
        took: [bool; QUEUES],
    },
    Published,
    Deleted,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub(crate) change: Change,
    pub(crate) row: Row,
    pub(crate) writer: Writer,
    pub(crate) publishers: [Publisher; PUBLISHERS],
    /// How often each queue took the event; two means more than once.
    pub(crate) taken: [u8; QUEUES],
    /// Effects at each queue's consumer.
    pub(crate) effects: [u8; QUEUES],
    /// A publisher has noted that the queue took it, since it was last to be published.
    pub(crate) noted: [bool; QUEUES],
    pub(crate) left: Budget,
    pub(crate) repeats_left: u8,
    /// A queue got the event again from a publisher that could have known that it took it.
    pub(crate) sent_in_vain: bool,
}

/// One step of one of them, or of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// `claimed_until` passes.
    LeaseRunsOut,
    /// The time of the next try comes.
    BackoffPasses,
    /// The sweep deletes the row.
    Delete,
    /// The writer's next step.
    Writer(writer::Step),
    /// A publisher's next step.
    Publisher(usize, publisher::Step),
}
