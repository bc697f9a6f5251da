//! Who has claimed a row: sends to each queue, then marks the row or notes what failed.

use super::{Action, Guard, Lease, Outbox, QUEUES, REPEATER, Row, State};

/// What a publisher knows of one queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sent {
    /// It was not to be sent there.
    Skipped,
    NotYet,
    Took,
    Failed,
}

/// A publication under way.
pub(crate) type Sending = [Sent; QUEUES];

/// Where a publisher is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Publisher {
    /// Has nothing in hand.
    Idle,
    /// Only without [`Guard::ClaimLocksItsRows`]: has chosen the row, and has not claimed it yet.
    Chose,
    /// Has claimed the row.
    Sending(Sending),
}

/// How a send ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Answer {
    Took,
    Refused,
    LostOnTheWayBack,
    Empty,
    EffectIsLost,
}

/// What a publisher does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Step {
    Choose,
    Claim,
    PublishAgain,
    Send(usize, Answer),
    Mark,
    Crash,
}

/// The sends that may come next.
pub(super) fn sends(state: &State, sending: &Sending, mut can: impl FnMut(usize, Answer)) {
    let left = &state.left;
    for queue in (0..QUEUES).filter(|queue| sending[*queue] == Sent::NotYet) {
        can(queue, Answer::Took);
        for (answer, budget) in [
            (Answer::Refused, left.refused),
            (Answer::LostOnTheWayBack, left.lost_answers),
            (Answer::Empty, left.empty_answers),
            (Answer::EffectIsLost, left.lost_effects),
        ] {
            if budget > 0 {
                can(queue, answer);
            }
        }
    }
}

/// Whether every queue was tried.
pub(super) fn is_sent(sending: &Sending) -> bool {
    !sending.contains(&Sent::NotYet)
}

/// What is to be sent for a row with this progress.
pub(super) fn fresh(outbox: &Outbox, state: &mut State, took: [bool; QUEUES]) -> Sending {
    let sending = took.map(|took| {
        if took && outbox.has(Guard::ProgressIsRemembered) {
            Sent::Skipped
        } else {
            Sent::NotYet
        }
    });
    let in_vain = |queue: usize| sending[queue] == Sent::NotYet && state.noted[queue];
    state.sent_in_vain |= (0..QUEUES).any(in_vain);
    if !outbox.has(Guard::MarkWaitsForTheAnswers) {
        state.row = Row::Published;
    }
    sending
}

/// Sends to one queue.
pub(super) fn send(outbox: &Outbox, state: &mut State, sending: &mut Sending, queue: usize, answer: Answer) {
    let left = &mut state.left;
    match answer {
        Answer::Took => {}
        Answer::Refused => left.refused -= 1,
        Answer::LostOnTheWayBack => left.lost_answers -= 1,
        Answer::Empty => left.empty_answers -= 1,
        Answer::EffectIsLost => left.lost_effects -= 1,
    }
    let empty_is_success = !outbox.has(Guard::AnswerMustNameTheEvent);
    sending[queue] = match answer {
        Answer::Took | Answer::EffectIsLost => Sent::Took,
        Answer::Empty if empty_is_success => Sent::Took,
        Answer::Refused | Answer::LostOnTheWayBack | Answer::Empty => Sent::Failed,
    };
    if !matches!(answer, Answer::Refused | Answer::Empty) {
        state.taken[queue] = (state.taken[queue] + 1).min(2);
    }
    let makes_effect = matches!(answer, Answer::Took | Answer::LostOnTheWayBack);
    if makes_effect && (state.effects[queue] == 0 || !outbox.has(Guard::ConsumersAreIdempotent)) {
        state.effects[queue] = (state.effects[queue] + 1).min(2);
    }
}

/// Marks the row as published, or notes what went and lets the lease run out. Only a row that waits is touched.
pub(super) fn mark(outbox: &Outbox, state: &mut State, sending: &Sending) {
    let Row::Waiting { lease, took, .. } = state.row else {
        return;
    };
    let mut now = sending.map(|sent| sent == Sent::Took);
    if outbox.has(Guard::ProgressIsRemembered) && outbox.has(Guard::ProgressIsAdded) {
        now = either(now, took);
    }
    let is_published = if outbox.has(Guard::MarkNeedsEveryQueue) {
        now.iter().all(|took| *took)
    } else {
        now.iter().any(|took| *took)
    };
    if is_published {
        state.row = Row::Published;
        return;
    }
    // Without memory no publisher can know of it: that it costs copies is the promise that such a row does not make.
    state.noted = either(state.noted, now);
    if !outbox.has(Guard::ProgressIsRemembered) {
        now = [false; QUEUES];
    }
    state.row = Row::Waiting {
        lease,
        due: false,
        took: now,
    };
}

fn either(some: [bool; QUEUES], others: [bool; QUEUES]) -> [bool; QUEUES] {
    std::array::from_fn(|queue| some[queue] || others[queue])
}

pub(super) fn steps(outbox: &Outbox, state: &State, index: usize, actions: &mut Vec<Action>) {
    let mut can = |step| actions.push(Action::Publisher(index, step));
    match &state.publishers[index] {
        Publisher::Idle if index == REPEATER => {
            if outbox.reconciles
                && outbox.has(Guard::LostEffectsAreLookedFor)
                && is_lost(state)
                && state.repeats_left > 0
            {
                can(Step::PublishAgain);
            }
        }
        Publisher::Idle if !outbox.has(Guard::OutboxIsSwept) || !is_claimable(outbox, state) => {}
        Publisher::Idle if outbox.has(Guard::ClaimLocksItsRows) => can(Step::Claim),
        Publisher::Idle => can(Step::Choose),
        Publisher::Chose => can(Step::Claim),
        Publisher::Sending(sending) => {
            sends(state, sending, |queue, answer| can(Step::Send(queue, answer)));
            if is_sent(sending) {
                can(Step::Mark);
            }
            if state.left.crashes > 0 {
                can(Step::Crash);
            }
        }
    }
}

fn is_claimable(outbox: &Outbox, state: &State) -> bool {
    match state.row {
        Row::Waiting { lease, due, .. } => {
            due && (lease == Lease::Over || !outbox.has(Guard::ClaimRespectsTheLease))
        }
        Row::Absent | Row::Published | Row::Deleted => false,
    }
}

/// An effect is missing, and no publisher has the event.
fn is_lost(state: &State) -> bool {
    let is_free = match state.row {
        Row::Waiting { lease, .. } => lease == Lease::Over,
        Row::Published | Row::Deleted => true,
        Row::Absent => false,
    };
    is_free && state.effects.contains(&0)
}

pub(super) fn take(outbox: &Outbox, state: &mut State, index: usize, step: Step) {
    let next = match (step, state.publishers[index]) {
        (Step::Choose, _) => Publisher::Chose,
        (Step::Claim, _) => claim(outbox, state, index),
        (Step::PublishAgain, _) => publish_again(outbox, state, index),
        (Step::Send(queue, answer), Publisher::Sending(mut sending)) => {
            send(outbox, state, &mut sending, queue, answer);
            Publisher::Sending(sending)
        }
        (Step::Mark, Publisher::Sending(sending)) => {
            mark(outbox, state, &sending);
            left_alone(state, Lease::Publisher(index));
            Publisher::Idle
        }
        (Step::Crash, _) => {
            state.left.crashes -= 1;
            left_alone(state, Lease::Publisher(index));
            Publisher::Idle
        }
        (_, publisher) => publisher,
    };
    state.publishers[index] = next;
}

/// Its holder works on it no more; the lease goes on until its time has passed.
pub(super) fn left_alone(state: &mut State, holder: Lease) {
    if let Row::Waiting { lease, .. } = &mut state.row
        && *lease == holder
    {
        *lease = Lease::Dead;
    }
}

fn claim(outbox: &Outbox, state: &mut State, index: usize) -> Publisher {
    let Row::Waiting { lease, took, .. } = &mut state.row else {
        return Publisher::Idle;
    };
    *lease = Lease::Publisher(index);
    let took = *took;
    Publisher::Sending(fresh(outbox, state, took))
}

fn publish_again(outbox: &Outbox, state: &mut State, index: usize) -> Publisher {
    state.repeats_left -= 1;
    let took = match state.row {
        Row::Waiting { took, .. } if !outbox.has(Guard::AgainForgetsProgress) => took,
        Row::Published if !outbox.has(Guard::AgainForgetsProgress) => [true; QUEUES],
        _ => [false; QUEUES],
    };
    state.noted = [false; QUEUES];
    state.row = Row::Waiting {
        lease: Lease::Publisher(index),
        due: true,
        took,
    };
    Publisher::Sending(fresh(outbox, state, took))
}
