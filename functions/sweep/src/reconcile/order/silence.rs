//! How gateways are asked: how many questions at once, for how long, and which gateways are left alone until the next run, since they
//! failed too often in a row.

use makegood::gateway::Provider;
use makegood::verification::Unanswered;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many questions are under way at once.
pub(super) const AT_ONCE: usize = 8;
/// A question is begun only while this much time is left: a gateway's patience, and a little for what follows.
pub(super) const LEFT_FOR_A_QUESTION: Duration = Duration::from_secs(12);
/// A gateway that failed so often in a row is left alone until the next run. What one question only met is no failure of the gateway.
pub(super) const FAILURES_IN_A_ROW: usize = 8;

/// How often each gateway failed in a row.
#[derive(Debug, Default)]
pub(super) struct Silence(Mutex<BTreeMap<Provider, usize>>);

impl Silence {
    /// Notes what came of a question: none of `unanswered` is an answer.
    pub(super) fn note(&self, provider: Provider, unanswered: Option<Unanswered>) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let in_a_row = failures.entry(provider).or_default();
        match unanswered {
            Some(Unanswered::Gateway) => *in_a_row += 1,
            // It tells nothing about the gateway's health: a page of "closed for the night" is such an answer too.
            Some(Unanswered::Question) => {}
            None => *in_a_row = 0,
        }
    }

    pub(super) fn is_silent(&self, provider: Provider) -> bool {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures
            .get(&provider)
            .is_some_and(|failures| *failures >= FAILURES_IN_A_ROW)
    }

    /// The gateways that are left alone, as their column has them.
    pub(super) fn silent(&self) -> Vec<String> {
        let silent = Provider::ALL
            .into_iter()
            .filter(|provider| self.is_silent(*provider));
        silent.map(|provider| provider.wire_name().to_owned()).collect()
    }
}
