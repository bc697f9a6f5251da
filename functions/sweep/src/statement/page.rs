//! A page of Razorpay's payments or refunds: compared with what is here, acted on, kept.

use super::act::{self, Acted};
use super::orders::{self, Questions};
use super::stop::Stopped;
use crate::context::Sweep;
use makegood::case::{self, CaseKind, NewCase};
use makegood::gateway::{Razorpay, RazorpayList, Span};
use makegood::payment::Refusal;
use makegood::payment::provider::{PROVIDER, is_id};
use makegood::payment::returned;
use makegood::statement::{self, Entry, Judged, Ours, Outcome, Reading, judge_payment, judge_refund};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// An entry as the provider writes it.
type Object = Map<String, Value>;

pub(super) async fn payments(
    sweep: &Sweep,
    questions: &mut Questions<'_>,
    reading: &mut Reading,
) -> Result<(), Stopped> {
    let Some((page, is_end)) = next(questions.razorpay, RazorpayList::Payments, reading).await? else {
        return Ok(());
    };
    compare_payments(sweep, questions, reading, &page).await?;
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
    let entries = readable(sweep, reading, &page, Entry::read_refund).await?;
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
    keep_read(sweep, reading, judged.collect(), &acted).await?;
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
    questions: &mut Questions<'_>,
    reading: &mut Reading,
    page: &[Object],
) -> Result<(), sqlx::Error> {
    let now = sweep.clock.now();
    let entries = readable(sweep, reading, page, Entry::read_payment).await?;
    let ids: Vec<String> = entries.iter().map(|(entry, _)| entry.id.clone()).collect();
    let mut ours = of_payments(sweep, &ids).await?;
    let asked = orders::asked_before(sweep, &ids).await?;
    let mut acted = HashMap::new();
    for (entry, payment) in &entries {
        let outcome = judge_payment(entry, ours.get(&entry.id), now);
        if matches!(outcome, Outcome::TheirsOnly | Outcome::RefundedThereOnly) {
            let may_ask = (!asked.contains(&entry.id)).then_some(&mut *questions);
            let done = act::record_payment(sweep, payment, may_ask).await?;
            acted.insert(entry.id.clone(), done);
        }
    }
    if !acted.is_empty() {
        ours = of_payments(sweep, &ids).await?;
    }
    let judged = entries.iter().map(|(entry, _)| {
        let acted = acted.get(&entry.id).copied();
        let ours = ours.get(&entry.id);
        let outcome = match acted {
            Some(Acted::NotOurs | Acted::OrderNotOurs) => Outcome::NotOurs,
            Some(Acted::NotAsked) => Outcome::TooYoung,
            _ => judge_payment(entry, ours, now),
        };
        Judged {
            outcome,
            acted: acted.and_then(Acted::wire_name),
            subject: ours.map(|ours| ours.subject.clone()),
            entry: entry.clone(),
        }
    });
    keep_read(sweep, reading, judged.collect(), &acted).await
}

async fn of_payments(sweep: &Sweep, ids: &[String]) -> Result<HashMap<String, Ours>, sqlx::Error> {
    let mut connection = sweep.publisher.database.acquire().await?;
    statement::of_payments(&mut connection, PROVIDER, ids).await
}

async fn of_refunds(sweep: &Sweep, ids: &[String]) -> Result<Vec<String>, sqlx::Error> {
    let mut connection = sweep.publisher.database.acquire().await?;
    statement::of_refunds(&mut connection, PROVIDER, ids).await
}

/// The entries that can be read, each as the provider writes it. One that can't be read is told, and is a case: its money may have moved.
async fn readable<'a>(
    sweep: &Sweep,
    reading: &mut Reading,
    page: &'a [Object],
    read: fn(&Object) -> Result<Entry, Refusal>,
) -> Result<Vec<(Entry, &'a Object)>, sqlx::Error> {
    let mut entries = Vec::with_capacity(page.len());
    for object in page {
        match read(object) {
            Ok(entry) => entries.push((entry, object)),
            Err(refusal) => reading.cases += tell_unreadable(sweep, object, &refusal).await?,
        }
    }
    Ok(entries)
}

/// How many cases were opened: none for an entry without an id, which only the log can tell of.
async fn tell_unreadable(sweep: &Sweep, object: &Object, refusal: &Refusal) -> Result<u64, sqlx::Error> {
    let id = object.get("id").and_then(Value::as_str).filter(|id| is_id(id));
    tracing::error!(function = Sweep::NAME, id, reason = %refusal, "an entry of the provider's statement can't be read");
    let Some(id) = id else {
        return Ok(0);
    };
    let unreadable = NewCase {
        kind: CaseKind::StatementGap,
        subject: id.to_owned(),
        payment_id: None,
        payment_intent_id: None,
        amount_minor: None,
        currency: None,
        details: json!({
            "source": Sweep::NAME,
            "provider": PROVIDER,
            "outcome": "unreadable",
            "reason": refusal.to_string(),
            "field": refusal.field(),
        }),
    };
    let mut connection = sweep.publisher.database.acquire().await?;
    Ok(u64::from(case::open(&mut connection, &unreadable).await?))
}

/// Keeps entries of this provider with their cases, in one transaction. Gives back how many cases were opened.
pub(super) async fn keep(sweep: &Sweep, provider: &str, judged: Vec<Judged>) -> Result<u64, sqlx::Error> {
    let mut transaction = sweep.publisher.database.begin().await?;
    let now = sweep.clock.now();
    let opened = statement::keep_with_cases(&mut transaction, provider, judged, Sweep::NAME, now).await?;
    transaction.commit().await?;
    Ok(opened)
}

/// Keeps what the provider's list had, and counts what was done about it.
async fn keep_read(
    sweep: &Sweep,
    reading: &mut Reading,
    judged: Vec<Judged>,
    acted: &HashMap<String, Acted>,
) -> Result<(), sqlx::Error> {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let of = |kind: Acted| number(acted.values().filter(|acted| **acted == kind).count());
    let gaps = judged.iter().filter(|judged| judged.outcome.is_gap()).count();
    reading.cases += keep(sweep, PROVIDER, judged).await? + of(Acted::Case);
    reading.recorded += of(Acted::Recorded);
    reading.differed += number(gaps) + of(Acted::Recorded);
    Ok(())
}
