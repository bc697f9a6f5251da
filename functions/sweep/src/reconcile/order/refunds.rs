//! Asks the gateways whether they gave a payment back that is long fulfilled: neither eSewa nor Khalti sends a message about it. Each paid
//! payment is asked about a day after it was verified, and then ever less often, for as many days as the stack says (docs/decisions/0076).

use super::OrderReconciliation;
use super::silence::{AT_ONCE, LEFT_FOR_A_QUESTION, Silence};
use crate::context::Sweep;
use futures::StreamExt;
use makegood::db::Connection;
use makegood::delivery::Deadline;
use makegood::gateway::{AskedPayment, GatewayAnswer, Gateways, Provider};
use makegood::refund::{self, PartialRefund, Settled, Settling};
use makegood::verification::Unanswered;

/// How many payments one claim takes: few, since what is claimed and not asked waits for an hour.
const CHUNK: i64 = 16;
/// How many payments of a gateway one run asks about at most; the next run goes on.
const MOST_A_RUN: usize = 1_000;
/// How many days after it was verified a payment is asked about again, after the first question at the age of a day; and on the last day.
const AGAIN_AFTER_DAYS: [u16; 8] = [3, 7, 14, 30, 60, 90, 180, 365];

/// A paid payment.
struct Paid {
    id: i64,
    payment_intent_id: String,
    external_transaction_id: String,
    /// What was asked for; none when the intent is gone.
    asked_minor: Option<i64>,
}

/// What an answer came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    /// The money is there, or nothing new was said.
    Nothing,
    /// All of it is back.
    All,
    /// A part is back, and a person is asked how much.
    Part,
}

/// Asks gateway by gateway until nothing is due, the time is nearly up, or it answers no more.
pub(super) async fn ask(
    sweep: &Sweep,
    silence: &Silence,
    deadline: Deadline,
    done: &mut OrderReconciliation,
) -> Result<(), sqlx::Error> {
    let Some(gateways) = &sweep.gateways else {
        return Ok(());
    };
    if sweep.refund_question_days == 0 {
        return Ok(());
    }
    for provider in Provider::ALL {
        let mut asked = 0;
        while asked < MOST_A_RUN && is_time(deadline) && !silence.is_silent(provider) {
            let due = claim(sweep, provider).await?;
            if due.is_empty() {
                break;
            }
            asked += due.len();
            ask_chunk(sweep, gateways, silence, provider, due, deadline, done).await?;
        }
    }
    Ok(())
}

fn is_time(deadline: Deadline) -> bool {
    deadline.remaining() > LEFT_FOR_A_QUESTION
}

async fn claim(sweep: &Sweep, provider: Provider) -> Result<Vec<Paid>, sqlx::Error> {
    let mut connection = sweep.publisher.database.acquire().await?;
    sqlx::query_file_as!(
        Paid,
        "src/reconcile/order/due_refund_questions.sql",
        provider.wire_name(),
        CHUNK,
        i32::from(sweep.refund_question_days),
    )
    .fetch_all(&mut connection)
    .await
}

async fn ask_chunk(
    sweep: &Sweep,
    gateways: &Gateways,
    silence: &Silence,
    provider: Provider,
    due: Vec<Paid>,
    deadline: Deadline,
    done: &mut OrderReconciliation,
) -> Result<(), sqlx::Error> {
    let mut answers = futures::stream::iter(due)
        .map(|paid| async move {
            if silence.is_silent(provider) || !is_time(deadline) {
                return Ok(None);
            }
            ask_one(sweep, gateways, silence, provider, &paid).await
        })
        .buffer_unordered(AT_ONCE);
    let mut failed = None;
    while let Some(answered) = answers.next().await {
        match answered {
            Ok(Some(answered)) => done.count_refund(answered),
            Ok(None) => {}
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Asks about one; none when there was no answer: then its turn comes again when the claim's hour is over.
async fn ask_one(
    sweep: &Sweep,
    gateways: &Gateways,
    silence: &Silence,
    provider: Provider,
    paid: &Paid,
) -> Result<Option<Answered>, sqlx::Error> {
    let correlation_id = &paid.payment_intent_id;
    let asked = AskedPayment {
        external_transaction_id: &paid.external_transaction_id,
        amount_minor: paid.asked_minor.unwrap_or_default(),
    };
    let answer = match gateways.ask(provider, &asked).await {
        Ok(reply) => reply.answer,
        Err(error) => {
            silence.note(provider, Some(Unanswered::of(&error)));
            let code = error.code();
            tracing::warn!(correlation_id, %provider, code, %error, "could not be asked whether it gave the money back");
            return Ok(None);
        }
    };
    silence.note(provider, None);
    match answer {
        GatewayAnswer::Refunded { partially: false } => all_back(sweep, provider, paid).await.map(Some),
        GatewayAnswer::Refunded { partially: true } => part_back(sweep, provider, paid).await.map(Some),
        answer => {
            if !matches!(answer, GatewayAnswer::Paid { .. }) {
                let answer = answer.code();
                tracing::warn!(correlation_id, %provider, answer, "the gateway says something else of a payment that it had called paid");
            }
            let mut connection = sweep.publisher.database.acquire().await?;
            ask_later(&mut connection, paid, sweep.refund_question_days).await?;
            Ok(Some(Answered::Nothing))
        }
    }
}

/// All of it is back: noted, and what follows is carried out; it is asked about no more. What follows is published after the commit.
async fn all_back(sweep: &Sweep, provider: Provider, paid: &Paid) -> Result<Answered, sqlx::Error> {
    let correlation_id = &paid.payment_intent_id;
    let settling = Settling {
        // It counts for a part only, and all of it is back.
        partial_refund: PartialRefund::Keep,
        now: sweep.clock.now(),
        source: Sweep::NAME,
    };
    let mut transaction = sweep.publisher.database.begin().await?;
    let settled = refund::note_rest(&mut transaction, correlation_id, &settling).await?;
    ask_no_more(&mut transaction, paid).await?;
    transaction.commit().await?;
    match settled {
        Settled::PersonAsked => {
            tracing::error!(correlation_id, %provider, "the gateway gave the money back, and a case asks about the goods");
        }
        _ => tracing::warn!(correlation_id, %provider, "the gateway gave the money back"),
    }
    if let Settled::Cancelled(rows) = settled {
        sweep.publisher.publish(&rows).await;
    }
    Ok(Answered::All)
}

/// A part of it is back: a person looks how much, and the gateway is asked on, for the rest may follow.
async fn part_back(sweep: &Sweep, provider: Provider, paid: &Paid) -> Result<Answered, sqlx::Error> {
    let correlation_id = &paid.payment_intent_id;
    let mut transaction = sweep.publisher.database.begin().await?;
    let is_asked = refund::ask_for_part(&mut transaction, correlation_id).await?;
    ask_later(&mut transaction, paid, sweep.refund_question_days).await?;
    transaction.commit().await?;
    if !is_asked {
        return Ok(Answered::Nothing);
    }
    tracing::error!(correlation_id, %provider, "the gateway gave a part of the money back, and a case asks how much");
    Ok(Answered::Part)
}

/// The next day on which it is asked about, by its age; after the last one it is not asked about again.
async fn ask_later(connection: &mut Connection, paid: &Paid, days: u16) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE payment_gateway_verifications v
         SET refund_question_at = coalesce(
               (SELECT min(v.verified_at + make_interval(days => d)) FROM unnest($2::integer[]) d
                WHERE v.verified_at + make_interval(days => d) > now()), 'infinity')
         WHERE v.id = $1",
        paid.id,
        &again_after(days),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn ask_no_more(connection: &mut Connection, paid: &Paid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE payment_gateway_verifications SET refund_question_at = 'infinity' WHERE id = $1",
        paid.id
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Pure. The ages in days at which a payment is asked about again, the last of them the stack's.
fn again_after(days: u16) -> Vec<i32> {
    let before = AGAIN_AFTER_DAYS.into_iter().filter(|after| *after < days);
    before.chain([days]).map(i32::from).collect()
}

impl OrderReconciliation {
    const fn count_refund(&mut self, answered: Answered) {
        self.refund_questions += 1;
        match answered {
            Answered::Nothing => {}
            Answered::All => self.refunds_found += 1,
            Answered::Part => self.part_refunds_found += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_question_is_on_the_last_day() {
        assert_eq!(again_after(45), [3, 7, 14, 30, 45]);
        assert_eq!(again_after(30), [3, 7, 14, 30]);
        assert_eq!(again_after(1), [1]);
    }
}
