//! All environments of all functions, and what Lambda and API Gateway do around them.

mod api;
pub mod function;
mod poller;
mod slot;

pub use api::{Api, ApiAnswer, Request};
pub use poller::poll;
pub use slot::{Slot, signal};

use function::{FUNCTIONS, Function};
use makegood_tests::environment::{Outcome, Variables};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Every slot of every function.
#[derive(Debug)]
pub struct Environments {
    slots: Vec<Arc<Slot>>,
    /// Chances in a thousand that an invocation has only two to four seconds.
    shortened: AtomicU64,
    rng: Mutex<StdRng>,
}

impl Environments {
    /// Empty slots for all functions; `variables` says what each is told.
    pub fn of(variables: impl Fn(&Function) -> Variables, seed: u64, logs: Option<&Path>) -> Self {
        let mut slots = Vec::new();
        for function in &FUNCTIONS {
            let told = variables(function);
            for place in 0..function.environments {
                let key = format!("{}{place}", function.name.replace('-', "").to_uppercase());
                let log = logs.map(|folder| folder.join(format!("{}-{place}.log", function.name)));
                slots.push(Arc::new(Slot::of(function, &key, &told, log)));
            }
        }
        Self {
            slots,
            shortened: AtomicU64::new(0),
            rng: Mutex::new(StdRng::seed_from_u64(seed)),
        }
    }

    /// All slots of this function.
    pub fn of_function(&self, name: &str) -> impl Iterator<Item = &Arc<Slot>> {
        self.slots.iter().filter(move |slot| slot.function.name == name)
    }

    /// Every slot.
    #[must_use]
    pub fn all(&self) -> &[Arc<Slot>] {
        &self.slots
    }

    /// A slot with a process, rather one at work than an idle one.
    #[must_use]
    pub fn pick(&self, rng: &mut StdRng) -> Option<Arc<Slot>> {
        let running: Vec<&Arc<Slot>> = self
            .slots
            .iter()
            .filter(|slot| slot.process_id().is_some())
            .collect();
        let busy: Vec<&Arc<Slot>> = running.iter().copied().filter(|slot| slot.is_busy()).collect();
        let rather = if busy.is_empty() || rng.random_ratio(1, 4) {
            &running
        } else {
            &busy
        };
        rather.choose(rng).map(|slot| Arc::clone(slot))
    }

    /// The slot whose environments have this access key.
    #[must_use]
    pub fn of_key(&self, key: &str) -> Option<&Arc<Slot>> {
        self.slots.iter().find(|slot| slot.key == key)
    }

    /// From now on so many invocations in a thousand have only two to four seconds.
    pub fn shorten_deadlines(&self, per_mille: u64) {
        self.shortened.store(per_mille, Ordering::Relaxed);
    }

    /// Invokes a slot with the time that its function has, or with less.
    pub async fn invoke(&self, slot: &Slot, event: Value) -> Outcome {
        let allowed = self.allowed(slot.function);
        slot.invoke(event, allowed).await
    }

    /// Ends every environment, each after the invocation that is under way.
    pub async fn retire(&self) {
        futures::future::join_all(self.slots.iter().map(|slot| slot.retire())).await;
    }

    /// How many environments were started in all.
    #[must_use]
    pub fn started(&self) -> u64 {
        self.slots.iter().map(|slot| slot.started()).sum()
    }

    fn allowed(&self, function: &Function) -> Duration {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        if rng.random_range(0..1_000) >= self.shortened.load(Ordering::Relaxed) {
            return function.timeout();
        }
        Duration::from_millis(rng.random_range(2_000..4_000)).min(function.timeout())
    }
}
