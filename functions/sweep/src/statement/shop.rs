//! Payments that a merchant's file told of (`makegood statement import`): the gateway itself is asked about each that is not paid here, and its
//! word is carried out as after a buyer's return. What was never begun here is a case.

use super::page;
use super::stop::LEFT_FOR_A_PAGE;
use crate::context::Sweep;
use makegood::delivery::Deadline;
use makegood::gateway::{Gateways, Provider};
use makegood::statement::{self, Entry, Judged, Ours, judge_payment};
use makegood::verification::{Outcome, Payment, Unanswered, Verifier};
use serde::Serialize;
use std::collections::HashMap;
use std::time::Duration;

/// How many are looked at in a step.
const MOST: i64 = 100;
/// A gateway that gave no answer so often in a row is left alone until the next run.
const FAILURES_IN_A_ROW: u32 = 3;

/// What a run did about imported payments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Imported {
    /// Asked about at their gateway.
    pub asked: u64,
    /// Verified now: they become orders.
    pub verified: u64,
    /// Cases opened.
    pub cases: u64,
}

pub(super) async fn settle(sweep: &Sweep, deadline: Deadline) -> Result<Imported, sqlx::Error> {
    let mut done = Imported::default();
    let Some(gateways) = &sweep.gateways else {
        return Ok(done);
    };
    for provider in Provider::ALL {
        settle_of(sweep, gateways, provider, deadline, &mut done).await?;
    }
    Ok(done)
}

async fn settle_of(
    sweep: &Sweep,
    gateways: &Gateways,
    provider: Provider,
    deadline: Deadline,
    done: &mut Imported,
) -> Result<(), sqlx::Error> {
    let (name, mut after, mut failures) = (provider.wire_name(), String::new(), 0);
    loop {
        let entries = {
            let mut connection = sweep.publisher.database.acquire().await?;
            statement::imported(&mut connection, name, &after, MOST).await?
        };
        let Some(last) = entries.last() else {
            return Ok(());
        };
        after.clone_from(&last.id);
        let ours = of(sweep, name, &entries).await?;
        let mut settled = Vec::new();
        for entry in entries {
            if deadline.remaining() <= LEFT_FOR_A_PAGE || failures >= FAILURES_IN_A_ROW {
                break;
            }
            if ours.contains_key(&entry.id) {
                match ask(sweep, gateways, provider, &entry.id, done).await? {
                    Asked::Answered => failures = 0,
                    Asked::Undecided => continue,
                    Asked::Silent => {
                        failures += 1;
                        continue;
                    }
                }
            }
            settled.push(entry);
        }
        let ours = of(sweep, name, &settled).await?;
        let judged = settled.into_iter().map(|entry| judged(sweep, entry, &ours));
        done.cases += page::keep(sweep, name, judged.collect()).await?;
        if deadline.remaining() <= LEFT_FOR_A_PAGE || failures >= FAILURES_IN_A_ROW {
            return Ok(());
        }
    }
}

async fn of(sweep: &Sweep, provider: &str, entries: &[Entry]) -> Result<HashMap<String, Ours>, sqlx::Error> {
    let ids: Vec<String> = entries.iter().map(|entry| entry.id.clone()).collect();
    let mut connection = sweep.publisher.database.acquire().await?;
    statement::of_intents(&mut connection, provider, &ids).await
}

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// The gateway's word is carried out.
    Answered,
    /// It was asked a moment ago, or has not decided; the next run asks again.
    Undecided,
    /// It gave no answer.
    Silent,
}

async fn ask(
    sweep: &Sweep,
    gateways: &Gateways,
    provider: Provider,
    id: &str,
    done: &mut Imported,
) -> Result<Asked, sqlx::Error> {
    let verifier = Verifier {
        database: sweep.publisher.database.clone(),
        gateways: gateways.clone(),
        waker: sweep.waker.clone(),
        clock: sweep.clock,
    };
    let payment = Payment {
        provider,
        external_transaction_id: id.to_owned(),
    };
    let outcome = verifier.verify(&payment, Duration::ZERO).await?;
    done.asked += 1;
    done.verified += u64::from(matches!(
        outcome,
        Outcome::Final {
            already_verified: false,
            ..
        }
    ));
    Ok(match outcome {
        Outcome::Undecided {
            unanswered: Some(Unanswered::Gateway),
            ..
        } => Asked::Silent,
        Outcome::Undecided { .. } => Asked::Undecided,
        Outcome::Unknown | Outcome::Final { .. } | Outcome::Lapsed { .. } => Asked::Answered,
    })
}

fn judged(sweep: &Sweep, entry: Entry, ours: &HashMap<String, Ours>) -> Judged {
    let ours = ours.get(&entry.id);
    Judged {
        outcome: judge_payment(&entry, ours, sweep.clock.now()),
        subject: ours.map(|ours| ours.subject.clone()),
        acted: None,
        entry,
    }
}
