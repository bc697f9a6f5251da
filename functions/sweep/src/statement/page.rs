//! A page of a provider's payments or refunds: compared with what is here, acted on, kept.

use super::act::{self, Acted};
use super::orders::{self, Questions};
use super::source::{Object, Source};
use super::stop::Stopped;
use crate::context::Sweep;
use makegood::case::{self, CaseKind, NewCase};
use makegood::payment::Refusal;
use makegood::payment::provider::is_id;
use makegood::statement::{self, Entry, Judged, Ours, Outcome, Reading, judge_payment, judge_refund};
use serde_json::{Value, json};
use std::collections::HashMap;

pub(super) async fn payments(
    sweep: &Sweep,
    questions: &mut Questions<'_>,
    reading: &mut Reading,
) -> Result<(), Stopped> {
    let Some(page) = questions.source.payments(reading).await? else {
        return Ok(());
    };
    compare_payments(sweep, questions, reading, &page.entries).await?;
    page.read_on(sweep, reading);
    Ok(())
}

pub(super) async fn refunds(sweep: &Sweep, source: Source<'_>, reading: &mut Reading) -> Result<(), Stopped> {
    let Some(page) = source.refunds(reading).await? else {
        return Ok(());
    };
    let now = sweep.clock.now();
    let entries = readable(sweep, source, reading, &page.entries, |refund| {
        source.read_refund(refund).map(Some)
    })
    .await?;
    let ids: Vec<String> = entries.iter().map(|(entry, _)| entry.id.clone()).collect();
    let mut processed = of_refunds(sweep, source, &ids).await?;
    let mut acted = HashMap::new();
    for (entry, refund) in &entries {
        let is_told = match judge_refund(entry, processed.contains(&entry.id), now) {
            Outcome::RefundedThereOnly => true,
            Outcome::RefundedHereOnly => source.refunds_may_fail_late(),
            _ => false,
        };
        if let Ok(refund) = source.told_refund(sweep, refund)
            && is_told
        {
            acted.insert(entry.id.clone(), act::record_refund(sweep, refund).await?);
        }
    }
    if !acted.is_empty() {
        processed = of_refunds(sweep, source, &ids).await?;
    }
    let judged = entries.iter().map(|(entry, _)| Judged {
        outcome: judge_refund(entry, processed.contains(&entry.id), now),
        acted: acted.get(&entry.id).and_then(|acted| acted.wire_name()),
        subject: None,
        entry: entry.clone(),
    });
    keep_read(sweep, source, reading, judged.collect(), &acted).await?;
    page.read_on(sweep, reading);
    Ok(())
}

/// Compares payments with what is here, and acts. The provider's word of each is a whole payment, as its list has it.
pub(super) async fn compare_payments(
    sweep: &Sweep,
    questions: &mut Questions<'_>,
    reading: &mut Reading,
    page: &[Object],
) -> Result<(), sqlx::Error> {
    let (now, source) = (sweep.clock.now(), questions.source);
    let entries = readable(sweep, source, reading, page, |payment| {
        match source.not_for_us(payment)? {
            Some(reason) => {
                tracing::warn!(
                    function = Sweep::NAME,
                    reason,
                    "a payment of the provider's statement is left out"
                );
                Ok(None)
            }
            None => source.read_payment(payment).map(Some),
        }
    })
    .await?;
    let ids: Vec<String> = entries.iter().map(|(entry, _)| entry.id.clone()).collect();
    let mut ours = of_payments(sweep, source, &entries).await?;
    let asked = orders::asked_before(sweep, source.provider(), &ids).await?;
    let mut acted = HashMap::new();
    for (entry, payment) in &entries {
        let outcome = judge_payment(entry, ours.get(&entry.id), now);
        if matches!(outcome, Outcome::TheirsOnly | Outcome::RefundedThereOnly) {
            let may_ask = (!asked.contains(&entry.id)).then_some(&mut *questions);
            let done = act::record_payment(sweep, source, payment, may_ask).await?;
            acted.insert(entry.id.clone(), done);
        }
    }
    if !acted.is_empty() {
        ours = of_payments(sweep, source, &entries).await?;
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
    keep_read(sweep, source, reading, judged.collect(), &acted).await
}

/// What is here of these payments, by their own ids, under whichever name it is kept.
async fn of_payments(
    sweep: &Sweep,
    source: Source<'_>,
    entries: &[(Entry, &Object)],
) -> Result<HashMap<String, Ours>, sqlx::Error> {
    let names: Vec<(&str, Vec<String>)> = entries
        .iter()
        .map(|(entry, payment)| (entry.id.as_str(), source.other_names(payment)))
        .collect();
    let ids = names
        .iter()
        .flat_map(|(id, others)| std::iter::once((*id).to_owned()).chain(others.iter().cloned()));
    let ids: Vec<String> = ids.collect();
    let mut connection = sweep.publisher.database.acquire().await?;
    let mut ours = statement::of_payments(&mut connection, source.provider(), &ids).await?;
    for (id, others) in names {
        if !ours.contains_key(id)
            && let Some(found) = others.iter().find_map(|name| ours.remove(name))
        {
            ours.insert(id.to_owned(), found);
        }
    }
    Ok(ours)
}

async fn of_refunds(sweep: &Sweep, source: Source<'_>, ids: &[String]) -> Result<Vec<String>, sqlx::Error> {
    let mut connection = sweep.publisher.database.acquire().await?;
    statement::of_refunds(&mut connection, source.provider(), ids).await
}

/// The entries that can be read, each as the provider writes it, without those of which nothing is read. One that can't be read is told, and
/// is a case: its money may have moved.
async fn readable<'a>(
    sweep: &Sweep,
    source: Source<'_>,
    reading: &mut Reading,
    page: &'a [Object],
    read: impl Fn(&Object) -> Result<Option<Entry>, Refusal>,
) -> Result<Vec<(Entry, &'a Object)>, sqlx::Error> {
    let mut entries = Vec::with_capacity(page.len());
    for object in page {
        match read(object) {
            Ok(entry) => entries.extend(entry.map(|entry| (entry, object))),
            Err(refusal) => reading.cases += tell_unreadable(sweep, source, object, &refusal).await?,
        }
    }
    Ok(entries)
}

/// How many cases were opened: none for an entry without an id, which only the log can tell of.
pub(super) async fn tell_unreadable(
    sweep: &Sweep,
    source: Source<'_>,
    object: &Object,
    refusal: &Refusal,
) -> Result<u64, sqlx::Error> {
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
            "provider": source.provider(),
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
    source: Source<'_>,
    reading: &mut Reading,
    judged: Vec<Judged>,
    acted: &HashMap<String, Acted>,
) -> Result<(), sqlx::Error> {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let of = |kind: Acted| number(acted.values().filter(|acted| **acted == kind).count());
    let gaps = judged.iter().filter(|judged| judged.outcome.is_gap()).count();
    reading.cases += keep(sweep, source.provider(), judged).await? + of(Acted::Case);
    reading.recorded += of(Acted::Recorded);
    reading.differed += number(gaps) + of(Acted::Recorded);
    Ok(())
}
