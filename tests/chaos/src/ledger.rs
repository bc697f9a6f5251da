//! The driver's own record of what was paid, what was acknowledged, and what buyers were shown. What is lost or doubled is
//! counted from it, not from the database alone.

use crate::fault::Fault;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What is known of one payment for a course.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaymentRecord {
    /// Whether it was answered with 2xx, or its event taken by the queue: from then on it is ours to make good.
    pub is_acknowledged: bool,
    /// Its id, as the answer had it.
    pub payment_id: Option<String>,
    /// The answer said that a person decides.
    pub is_held: bool,
    /// How often it was sent.
    pub sent: u64,
}

/// What is known of one checkout.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckoutRecord {
    /// The checkout, once it was answered.
    pub intent: Option<String>,
    /// What the gateway knows it by.
    pub external: Option<String>,
    /// The buyer was refused: there is not enough in stock, or the like.
    pub refusal: Option<String>,
    /// The gateway has the money.
    pub is_paid: bool,
    /// Every order number that `order-status` ever showed for it.
    pub shown: BTreeSet<String>,
}

/// What faults there were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultRecord {
    /// How often.
    pub times: u64,
    /// Why it could not be brought about, the last time that it could not.
    pub failed: Option<String>,
    /// From its end to the next acknowledged payment, the longest of all times.
    pub served_again: Duration,
}

/// Everything that the driver wrote down.
#[derive(Debug)]
pub struct Ledger {
    payments: Mutex<Vec<PaymentRecord>>,
    checkouts: Mutex<Vec<CheckoutRecord>>,
    faults: Mutex<BTreeMap<Fault, FaultRecord>>,
    /// Answers by function and status.
    answers: Mutex<BTreeMap<(&'static str, u64), u64>>,
    acknowledged: watch::Sender<usize>,
}

impl Ledger {
    /// An empty one for so many payments and checkouts.
    #[must_use]
    pub fn of(payments: usize, checkouts: usize) -> Self {
        Self {
            payments: Mutex::new(vec![PaymentRecord::default(); payments]),
            checkouts: Mutex::new(vec![CheckoutRecord::default(); checkouts]),
            faults: Mutex::default(),
            answers: Mutex::default(),
            acknowledged: watch::channel(0).0,
        }
    }

    /// A payment was sent once more.
    pub fn note_sent(&self, place: usize) {
        if let Some(record) = lock(&self.payments).get_mut(place) {
            record.sent += 1;
        }
    }

    /// A function acknowledged a payment with this body.
    pub fn note_acknowledged(&self, place: usize, body: &Value) {
        self.note_taken(place, body);
        self.acknowledged.send_modify(|number| *number += 1);
    }

    /// A payment is ours to make good, with what was said about it: a function acknowledged it, or a queue took its event.
    pub fn note_taken(&self, place: usize, body: &Value) {
        if let Some(record) = lock(&self.payments).get_mut(place) {
            record.is_acknowledged = true;
            record.is_held |= body["status"] == "held";
            if let Some(id) = body["paymentId"].as_str() {
                record.payment_id = Some(id.to_owned());
            }
        }
    }

    /// Changes what is known of a checkout.
    pub fn note_checkout(&self, place: usize, change: impl FnOnce(&mut CheckoutRecord)) {
        if let Some(record) = lock(&self.checkouts).get_mut(place) {
            change(record);
        }
    }

    /// A function answered a caller.
    pub fn note_answer(&self, function: &'static str, status: u64) {
        *lock(&self.answers).entry((function, status)).or_default() += 1;
    }

    /// Changes what is known of a fault.
    pub fn note_fault(&self, fault: Fault, change: impl FnOnce(&mut FaultRecord)) {
        change(lock(&self.faults).entry(fault).or_default());
    }

    /// Waits for the next payment that a function acknowledges.
    pub async fn next_acknowledged(&self) {
        let mut acknowledged = self.acknowledged.subscribe();
        // The sender lives as long as this.
        let _ = acknowledged.changed().await;
    }

    /// All payments, in the order of the plan.
    #[must_use]
    pub fn payments(&self) -> Vec<PaymentRecord> {
        lock(&self.payments).clone()
    }

    /// All checkouts, in the order of the plan.
    #[must_use]
    pub fn checkouts(&self) -> Vec<CheckoutRecord> {
        lock(&self.checkouts).clone()
    }

    /// One checkout.
    #[must_use]
    pub fn checkout(&self, place: usize) -> Option<CheckoutRecord> {
        lock(&self.checkouts).get(place).cloned()
    }

    /// All faults.
    #[must_use]
    pub fn faults(&self) -> BTreeMap<Fault, FaultRecord> {
        lock(&self.faults).clone()
    }

    /// All answers.
    #[must_use]
    pub fn answers(&self) -> BTreeMap<(&'static str, u64), u64> {
        lock(&self.answers).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
