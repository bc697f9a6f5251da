//! A page of Razorpay's payments or refunds: compared with what is here, acted on, kept.

use super::Stopped;
use super::act::{self, Acted};
use crate::context::Sweep;
use makegood::case::{self, CaseKind, NewCase};
use makegood::gateway::{Razorpay, RazorpayList, Span};
use makegood::ids::PaymentId;
use makegood::payment::Refusal;
use makegood::payment::provider::PROVIDER;
use makegood::payment::returned;
use makegood::statement::{
    self, Entry, EntryKind, Judged, Ours, Outcome, Reading, judge_payment, judge_refund,
};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// An entry as the provider writes it.
type Object = Map<String, Value>;

pub(super) async fn payments(
    sweep: &Sweep,
    razorpay: &Razorpay,
    reading: &mut Reading,
) -> Result<(), Stopped> {
    let Some((page, is_end)) = next(razorpay, RazorpayList::Payments, reading).await? else {
        return Ok(());
    };
    compare_payments(sweep, reading, &page).await?;
    read_on(sweep, reading, &page, is_end);
    Ok(())
}

pub(super) async fn refunds(
    sweep: &Sweep,
    razorpay: &Razorpay,
    reading: &mut Reading,
) -> Result<(), Stopped> {
    let Some((page, is_end)) = next(razorpay, RazorpayList::Refunds, reading).await? else {
        return Ok(());
    };
    let now = sweep.clock.now();
    let entries = readable(&page, Entry::read_refund);
    let ids: Vec<String> = entries.iter().map(|(entry, _)| entry.id.clone()).collect();
    let mut processed = of_refunds(sweep, &ids).await?;
    let mut acted = HashMap::new();
    for (entry, refund) in &entries {
        let is_processed = processed.contains(&entry.id);
        if judge_refund(entry, is_processed, now) != Outcome::RefundedThereOnly {
            continue;
        }
        if let Ok(refund) = returned::read_listed(refund, now) {
            acted.insert(entry.id.clone(), act::record_refund(sweep, refund).await?);
        }
    }
    if !acted.is_empty() {
        processed = of_refunds(sweep, &ids).await?;
    }
    let judged = entries.iter().map(|(entry, _)| Judged {
        outcome: judge_refund(entry, processed.contains(&entry.id), now),
        acted: acted.get(&entry.id).and_then(|acted| acted.wire_name()),
        subject: None,
        entry: entry.clone(),
    });
    keep(sweep, reading, judged.collect(), &acted).await?;
    read_on(sweep, reading, &page, is_end);
    Ok(())
}

/// The next page of a list, without the entry that it overlaps with, and whether it is the last. None: the list moved, and is read anew.
pub(super) async fn next(
    razorpay: &Razorpay,
    list: RazorpayList,
    reading: &mut Reading,
) -> Result<Option<(Vec<Object>, bool)>, Stopped> {
    let span = Span {
        from: reading.from,
        to: reading.to,
    };
    let page = razorpay.page(list, span, reading.skip_to_last()).await?;
    let is_end = page.len() < Razorpay::PAGE;
    let id = |entry: &Object| entry.get("id").and_then(Value::as_str).map(str::to_owned);
    Ok(reading.unread(page, id).map(|page| (page, is_end)))
}

fn read_on(sweep: &Sweep, reading: &mut Reading, page: &[Object], is_end: bool) {
    let last = page
        .last()
        .and_then(|entry| entry.get("id")?.as_str())
        .map(str::to_owned);
    reading.advance(page.len(), last);
    if is_end {
        reading.end_list(sweep.clock.now());
    }
}

/// Compares payments with what is here, and acts. The provider's word of each is a whole payment, as its list has it.
pub(super) async fn compare_payments(
    sweep: &Sweep,
    reading: &mut Reading,
    page: &[Object],
) -> Result<(), sqlx::Error> {
    let now = sweep.clock.now();
    let entries = readable(page, Entry::read_payment);
    let ids: Vec<String> = entries.iter().map(|(entry, _)| entry.id.clone()).collect();
    let mut ours = of_payments(sweep, &ids).await?;
    let mut acted = HashMap::new();
    for (entry, payment) in &entries {
        let outcome = judge_payment(entry, ours.get(&entry.id), now);
        if matches!(outcome, Outcome::TheirsOnly | Outcome::RefundedThereOnly) {
            acted.insert(entry.id.clone(), act::record_payment(sweep, payment).await?);
        }
    }
    if !acted.is_empty() {
        ours = of_payments(sweep, &ids).await?;
    }
    let judged = entries.iter().map(|(entry, _)| {
        let acted = acted.get(&entry.id).copied();
        let ours = ours.get(&entry.id);
        let outcome = match acted {
            Some(Acted::NotOurs) => Outcome::NotOurs,
            _ => judge_payment(entry, ours, now),
        };
        Judged {
            outcome,
            acted: acted.and_then(Acted::wire_name),
            subject: ours.map(|ours| ours.subject.clone()),
            entry: entry.clone(),
        }
    });
    keep(sweep, reading, judged.collect(), &acted).await
}

async fn of_payments(sweep: &Sweep, ids: &[String]) -> Result<HashMap<String, Ours>, sqlx::Error> {
    let mut connection = sweep.publisher.database.acquire().await?;
    statement::of_payments(&mut connection, PROVIDER, ids).await
}

async fn of_refunds(sweep: &Sweep, ids: &[String]) -> Result<Vec<String>, sqlx::Error> {
    let mut connection = sweep.publisher.database.acquire().await?;
    statement::of_refunds(&mut connection, PROVIDER, ids).await
}

/// The entries that can be read, each as the provider writes it. One that can't be read is told.
fn readable(page: &[Object], read: fn(&Object) -> Result<Entry, Refusal>) -> Vec<(Entry, &Object)> {
    let entries = page.iter().filter_map(|object| match read(object) {
        Ok(entry) => Some((entry, object)),
        Err(refusal) => {
            let id = object.get("id").and_then(Value::as_str);
            tracing::error!(function = Sweep::NAME, id, reason = %refusal, "an entry of the provider's statement can't be read");
            None
        }
    });
    entries.collect()
}

/// Keeps entries, opens a case for each difference that nothing was done about, and closes the case of what is right by now.
pub(super) async fn keep(
    sweep: &Sweep,
    reading: &mut Reading,
    mut judged: Vec<Judged>,
    acted: &HashMap<String, Acted>,
) -> Result<(), sqlx::Error> {
    // A list that moved may have an entry twice.
    judged.sort_by(|one, other| one.entry.id.cmp(&other.entry.id));
    judged.dedup_by(|one, other| one.entry.id == other.entry.id);
    let now = sweep.clock.now();
    let mut transaction = sweep.publisher.database.begin().await?;
    for judged in &mut judged {
        if needs_case(judged.outcome) && case::open(&mut transaction, &gap(judged)).await? {
            judged.acted = Some("case");
            reading.cases += 1;
        }
    }
    // Whether a settlement adds up is seen once its lines are read.
    let right = judged
        .iter()
        .filter(|judged| !judged.outcome.is_gap() && judged.entry.kind != EntryKind::Settlement);
    let right: Vec<String> = right.map(|judged| judged.entry.id.clone()).collect();
    statement::close_cases(&mut transaction, &right, now).await?;
    statement::keep(&mut transaction, PROVIDER, &judged, now).await?;
    transaction.commit().await?;
    count(reading, &judged, acted);
    Ok(())
}

fn count(reading: &mut Reading, judged: &[Judged], acted: &HashMap<String, Acted>) {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let of = |kind: Acted| number(acted.values().filter(|acted| **acted == kind).count());
    let gaps = judged.iter().filter(|judged| judged.outcome.is_gap()).count();
    reading.recorded += of(Acted::Recorded);
    reading.cases += of(Acted::Case);
    reading.differed += number(gaps) + of(Acted::Recorded);
}

/// What the sweep can't make right by itself. What is theirs only was acted on; where that failed, the gauge counts it.
const fn needs_case(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::OursOnly | Outcome::AmountDiffers | Outcome::RefundedHereOnly
    )
}

fn gap(judged: &Judged) -> NewCase {
    let entry = &judged.entry;
    let reason = match judged.outcome {
        Outcome::OursOnly => "it is paid here, and the provider does not know it",
        Outcome::AmountDiffers => "the provider and Makegood have another amount or currency of it",
        _ => "it was given back here, and not at the provider",
    };
    let payment = judged.subject.as_deref().and_then(|id| id.parse().ok());
    NewCase {
        kind: CaseKind::StatementGap,
        subject: entry.id.clone(),
        payment_id: payment.map(PaymentId),
        payment_intent_id: None,
        amount_minor: Some(entry.amount_minor),
        currency: Some(entry.currency.clone()),
        details: json!({
            "source": Sweep::NAME,
            "provider": PROVIDER,
            "entry": entry.kind.wire_name(),
            "outcome": judged.outcome.wire_name(),
            "reason": reason,
            "occurredAt": entry.occurred_at,
        }),
    }
}
