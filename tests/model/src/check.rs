//! Runs the checker over a model and tells what it found.

use stateright::{Checker, Expectation, HasDiscoveries, Model};
use std::collections::HashMap;
use std::fmt::{self, Debug, Display};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

/// How many threads explore one model: as many as the smallest machine that runs the tests has cores.
const THREADS: usize = 2;

/// Everything about a model that was explored to its end.
#[derive(Debug)]
pub struct Explored {
    /// What the model is about.
    pub name: &'static str,
    /// Different states.
    pub states: usize,
    /// Steps between them.
    pub steps: usize,
    /// The longest way to a state that was found first.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// Promises that some run breaks, each with such a run.
    pub broken: Vec<Run>,
    /// What should be able to happen and never does: a model that can't get there proves nothing.
    pub unreached: Vec<&'static str>,
}

/// A run that ends where a promise is broken.
#[derive(Debug)]
pub struct Run {
    /// The promise.
    pub promise: &'static str,
    /// The steps, in order.
    pub steps: Vec<String>,
}

impl Display for Explored {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            states,
            steps,
            depth,
            ..
        } = self;
        let seconds = self.took.as_secs_f64();
        write!(
            formatter,
            "{name}: states explored {states}, steps {steps}, depth {depth}, {seconds:.1} s"
        )
    }
}

impl Display for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "breaks {:?}: {}", self.promise, self.steps.join(" · "))
    }
}

/// Explores every state of the model.
pub fn explore<M>(name: &'static str, model: M) -> Explored
where
    M: Model + Clone + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + 'static,
{
    let began = Instant::now();
    let properties = model.properties();
    let checker = model.checker().threads(THREADS).spawn_bfs().join();
    let mut discoveries = checker.discoveries();
    let mut broken = Vec::new();
    let mut unreached = Vec::new();
    for property in properties {
        let found = discoveries.remove(property.name);
        match (property.expectation, found) {
            (Expectation::Sometimes, None) => unreached.push(property.name),
            (Expectation::Always | Expectation::Eventually, Some(path)) => broken.push(Run {
                promise: property.name,
                steps: steps(path.into_actions()),
            }),
            _ => {}
        }
    }
    Explored {
        name,
        states: checker.unique_state_count(),
        steps: checker.state_count(),
        depth: checker.max_depth(),
        took: began.elapsed(),
        broken,
        unreached,
    }
}

/// A short run that breaks a promise; none when every promise holds.
pub fn counterexample<M>(model: M) -> Option<Run>
where
    M: Model + Clone + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + 'static,
{
    // One thread, so that every run of the test finds the same.
    let checker = model
        .clone()
        .checker()
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let mut discoveries = checker.discoveries();
    model
        .properties()
        .into_iter()
        .filter(|property| property.expectation != Expectation::Sometimes)
        .find_map(|property| {
            let path = discoveries.remove(property.name)?;
            // stateright 0.31 overwrites its first find with later ones, so that its path goes on behind the broken promise.
            let kept = path.clone().into_states().into_iter();
            let kept = kept
                .take_while(|state| (property.condition)(&model, state))
                .count();
            let mut steps = steps(path.into_actions());
            steps.truncate(kept);
            Some(Run {
                promise: property.name,
                steps,
            })
        })
}

/// Explores the model, prints how much that was, and asserts that it keeps its promises, that all it is about can happen, and that
/// every run ends.
pub fn assert_keeps_its_promises<M>(name: &'static str, model: M)
where
    M: Model + Clone + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + 'static,
{
    let explored = explore(name, model.clone());
    println!("{explored}");
    if !explored.broken.is_empty() {
        let run = counterexample(model.clone()).map(|run| run.to_string());
        assert!(explored.broken.is_empty(), "{name} {}", run.unwrap_or_default());
    }
    assert_eq!(
        explored.unreached,
        Vec::<&str>::new(),
        "{name}: this should be able to happen"
    );
    assert!(every_run_ends(&model), "{name}: a run goes round in a circle");
}

/// Prints the run that a model without these guards allows, and asserts that it breaks this promise.
pub fn assert_breaks<M>(guards: &impl Debug, model: M, promise: &str)
where
    M: Model + Clone + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + 'static,
{
    let run = counterexample(model);
    let found = run.as_ref().map(|run| run.promise);
    if let Some(run) = &run {
        println!("without {guards:?} {run}");
    }
    assert_eq!(found, Some(promise), "without {guards:?}");
}

fn steps<A: Debug>(actions: Vec<A>) -> Vec<String> {
    actions.iter().map(|action| format!("{action:?}")).collect()
}

/// Whether every run comes to an end. What a model promises "at the end" is promised of every run only then: the checker
/// itself does not tell a run that goes round in a circle from two runs that meet.
pub fn every_run_ends<M>(model: &M) -> bool
where
    M: Model,
    M::State: Clone + Hash,
{
    let mut closed = HashMap::new();
    for state in model.init_states() {
        let mut under_way = vec![(fingerprint(&state), model.next_states(&state))];
        closed.insert(fingerprint(&state), false);
        while let Some((print, successors)) = under_way.last_mut() {
            let Some(next) = successors.pop() else {
                closed.insert(*print, true);
                under_way.pop();
                continue;
            };
            let print = fingerprint(&next);
            match closed.get(&print) {
                Some(true) => {}
                Some(false) => return false,
                None => {
                    closed.insert(print, false);
                    under_way.push((print, model.next_states(&next)));
                }
            }
        }
    }
    true
}

fn fingerprint(state: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}
