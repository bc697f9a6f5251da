//! The invocation that makes the change: writes the event with it, commits, publishes. Its own message is delivered again until
//! it is done.

use super::publisher::{self, Answer, Sending};
use super::{Action, Change, Guard, Lease, Outbox, QUEUES, Row, State};

/// Where the writer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Writer {
    /// Its message waits.
    Waiting,
    /// Change and event are written, not committed.
    InTransaction,
    /// Only without [`Guard::EventIsWrittenWithTheChange`].
    CommittedTheChangeAlone,
    /// Committed.
    Publishing(Sending),
    /// Its message is acknowledged.
    Done,
}

/// What the writer does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Step {
    Write,
    SendEarly,
    Commit,
    RollBack,
    WriteTheEvent,
    Send(usize, Answer),
    Mark,
    Crash,
}

pub(super) fn steps(outbox: &Outbox, state: &State, actions: &mut Vec<Action>) {
    let mut can = |step| actions.push(Action::Writer(step));
    match &state.writer {
        Writer::Waiting => can(Step::Write),
        Writer::InTransaction => {
            can(Step::Commit);
            can(Step::RollBack);
            if !outbox.has(Guard::SendingWaitsForTheCommit) && state.taken == [0; QUEUES] {
                can(Step::SendEarly);
            }
        }
        Writer::CommittedTheChangeAlone => can(Step::WriteTheEvent),
        Writer::Publishing(sending) => {
            publisher::sends(state, sending, |queue, answer| can(Step::Send(queue, answer)));
            if publisher::is_sent(sending) {
                can(Step::Mark);
            }
        }
        Writer::Done => {}
    }
    if !matches!(state.writer, Writer::Waiting | Writer::Done) && state.left.crashes > 0 {
        actions.push(Action::Writer(Step::Crash));
    }
}

pub(super) fn take(outbox: &Outbox, state: &mut State, step: Step) {
    let next = match (step, state.writer) {
        (Step::Write, _) => Writer::InTransaction,
        (Step::SendEarly, _) => {
            let mut sending = publisher::fresh(outbox, state, [false; QUEUES]);
            for queue in 0..QUEUES {
                publisher::send(outbox, state, &mut sending, queue, Answer::Took);
            }
            Writer::InTransaction
        }
        (Step::Commit, _) => {
            state.change = Change::Committed;
            if outbox.has(Guard::EventIsWrittenWithTheChange) {
                write_event(outbox, state)
            } else {
                Writer::CommittedTheChangeAlone
            }
        }
        (Step::RollBack, _) => {
            state.change = Change::RolledBack;
            Writer::Done
        }
        (Step::WriteTheEvent, _) => write_event(outbox, state),
        (Step::Send(queue, answer), Writer::Publishing(mut sending)) => {
            publisher::send(outbox, state, &mut sending, queue, answer);
            Writer::Publishing(sending)
        }
        (Step::Mark, Writer::Publishing(sending)) => {
            publisher::mark(outbox, state, &sending);
            publisher::left_alone(state, Lease::Writer);
            Writer::Done
        }
        (Step::Crash, writer) => crash(state, writer),
        (_, writer) => writer,
    };
    state.writer = next;
}

fn write_event(outbox: &Outbox, state: &mut State) -> Writer {
    state.row = Row::Waiting {
        lease: Lease::Writer,
        due: true,
        took: [false; QUEUES],
    };
    Writer::Publishing(publisher::fresh(outbox, state, [false; QUEUES]))
}

/// Before the commit the message comes again and everything starts anew. After it the delivery finds the change there.
fn crash(state: &mut State, writer: Writer) -> Writer {
    state.left.crashes -= 1;
    publisher::left_alone(state, Lease::Writer);
    if writer == Writer::InTransaction {
        Writer::Waiting
    } else {
        Writer::Done
    }
}
