//! `makegood refunds record`.

use crate::act::ActArguments;
use crate::database;
use crate::exit::{BadInput, FOUND};
use crate::output::Output;
use anyhow::anyhow;
use makegood::clock::Clock;
use makegood::db::Connection;
use makegood::outbox::OutboxRow;
use makegood::payment::books::Books;
use makegood::payment::returned;
use makegood::refund::{self, PartialRefund, Settled, Settling};
use operate::refund::{Of, Recorded, ToldRefund, record};
use serde::Serialize;
use std::process::ExitCode;
use uuid::Uuid;

/// Who publishes what a refund ends.
const SOURCE: &str = "makegood";

/// Record money that was given back where the provider sends no message: eSewa, Khalti, or a bank.
///
/// Nothing is moved at the provider: give the money back there first. What follows is carried out at once, as if the provider had said
/// so: all of it back ends the purchase, or cancels an order that is not shipped and puts its goods back into the stock; one that is
/// shipped is a case. Recording the same refund again is safe, and carries out what is missing.
///
/// Examples:
///   makegood refunds record --order ORD-20261121-7Q4K2M00 --amount 2499.00 --reference 4711 --reason "damaged"
///   makegood refunds record --payment 7b0c6b0e-… --amount 500.00 --reference rfnd_FS8TWyPrCsa0OB --reason "agreed"
///
/// Exit code: 0 recorded, also when it was before; 1 refused: it does not fit what is known; 2 wrong usage; 3 it could not look or act.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, group = clap::ArgGroup::new("of").required(true).args(["intent", "order", "payment"]))]
pub struct RecordArguments {
    /// Of this payment intent.
    #[arg(long, value_name = "ID")]
    intent: Option<String>,
    /// Of this order, by its number or id.
    #[arg(long, value_name = "NUMBER")]
    order: Option<String>,
    /// Of this payment for a course.
    #[arg(long, value_name = "ID")]
    payment: Option<Uuid>,
    /// How much went back, in the payment's currency, such as 1500.00.
    #[arg(long, value_name = "AMOUNT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    amount: String,
    /// The provider's id of the refund; the same one is the same refund.
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reference: String,
    /// What a refund of a part comes to: `keep` leaves what was bought, `case` asks a person as well, `prorate` takes
    /// the sessions of a course that the part had paid for.
    #[arg(long, default_value = "keep", env = "PARTIAL_REFUND", value_parser = ["keep", "case", "prorate"])]
    partial: String,
    #[command(flatten)]
    act: ActArguments,
}

impl RecordArguments {
    fn of(&self) -> anyhow::Result<Of> {
        match (&self.intent, &self.order, self.payment) {
            (Some(id), _, _) => Ok(Of::Intent(id.trim().to_owned())),
            (_, Some(id), _) => Ok(Of::Order(id.trim().to_owned())),
            (_, _, Some(id)) => Ok(Of::Payment(id)),
            (None, None, None) => Err(BadInput::of(anyhow!("give --intent, --order or --payment")).into()),
        }
    }
}

/// What it came to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// The row of `refunds`.
    refund_id: Uuid,
    /// The payment or intent.
    of: String,
    /// Whether it was not known before.
    is_new: bool,
    /// What followed, in words.
    outcome: &'static str,
}

/// Records a refund.
///
/// # Errors
/// Those of the environment and the database.
pub async fn run(arguments: &RecordArguments, output: Output, clock: Clock) -> anyhow::Result<ExitCode> {
    let act = arguments.act.act().await?;
    let partial_refund: PartialRefund = arguments.partial.parse().map_err(BadInput::of)?;
    let told = ToldRefund {
        of: arguments.of()?,
        reference: arguments.reference.trim(),
        amount: &arguments.amount,
    };
    let (database, timezone) = database::open_with_timezone().await?;
    let books = Books {
        database: &database,
        trusts_notes: false,
        partial_refund,
        timezone,
        now: clock.now(),
    };
    let mut transaction = database.begin().await?;
    let recorded = match record(&mut transaction, &told, &act, books.now).await? {
        Ok(recorded) => recorded,
        Err(refusal) => {
            output.refused(&refusal.to_string());
            return Ok(ExitCode::from(FOUND));
        }
    };
    let (outcome, published) = carry_out(&mut transaction, &recorded, books).await?;
    transaction.commit().await?;
    let answer = Answer {
        refund_id: recorded.id,
        of: recorded.target.id(),
        is_new: recorded.is_new,
        outcome,
    };
    output.answer(&answer, &lines(&answer, published.len()))?;
    Ok(ExitCode::SUCCESS)
}

/// The events that this writes are published by the sweep `outbox`, within a minute.
async fn carry_out(
    transaction: &mut Connection,
    recorded: &Recorded,
    books: Books<'_>,
) -> anyhow::Result<(&'static str, Vec<OutboxRow>)> {
    if let Some(payment) = recorded.target.payment {
        let settled = returned::settle_noted(transaction, books, payment).await?;
        let outcome = match (settled.is_given_back, settled.published.is_empty()) {
            (true, false) => "all of it is back: the purchase has ended now",
            (true, true) => "all of it is back: no purchase of it runs, or a case asks which",
            (false, _) => "a part of it is back",
        };
        return Ok((outcome, settled.published));
    }
    let settling = Settling {
        partial_refund: books.partial_refund,
        now: books.now,
        source: SOURCE,
    };
    let settled = refund::settle(transaction, &recorded.target.id(), &settling).await?;
    Ok(match settled {
        Settled::Nothing => ("nothing of it is back", Vec::new()),
        Settled::Part => ("a part of it is back", Vec::new()),
        Settled::NoOrder => ("all of it is back: no order will be made", Vec::new()),
        Settled::Cancelled(published) if published.is_empty() => {
            ("all of it is back: the order was cancelled before", published)
        }
        Settled::Cancelled(published) => (
            "all of it is back: the order is cancelled now, and its goods are in the stock",
            published,
        ),
        Settled::PersonAsked => (
            "all of it is back, and the goods are not here: a case asks what becomes of them",
            Vec::new(),
        ),
    })
}

fn lines(answer: &Answer, events: usize) -> Vec<String> {
    let known = if answer.is_new { "recorded" } else { "known before" };
    let event = (events > 0).then(|| "its event is published within a minute".to_owned());
    [
        format!("refund {} of {}: {known}", answer.refund_id, answer.of),
        answer.outcome.to_owned(),
    ]
    .into_iter()
    .chain(event)
    .collect()
}
