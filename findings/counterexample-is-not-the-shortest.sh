#!/usr/bin/env bash
# stateright's breadth-first search reports a long run where its documentation promises the shortest.
#
# Version    crates.io stateright 0.31.0 (Rust 1.95)
# Guess      `spawn_bfs()` with one thread gives a shortest counterexample: "will find the shortest Path to each discovery if checking is
#            single threaded"
# Seen       the first find is a shortest one, and each later state that breaks the same `always` property takes its place, until the
#            block of 1,500 states is done. Three steps break the promise below; the path that is reported has ten.
#            (`eventually` and `sometimes` too keep the last find, not the first.)
# So         a counterexample is cut off at the first state that breaks the property, or one explains steps that had no part in it.
# Tried      2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cargo init --quiet --vcs none --name shortest
cargo add --quiet stateright@=0.31.0 --no-default-features
cat >src/main.rs <<'RS'
use stateright::{Checker, HasDiscoveries, Model, Property};

#[derive(Clone)]
struct Counter;

impl Model for Counter {
    type State = u32;
    type Action = u32;

    fn init_states(&self) -> Vec<u32> {
        vec![0]
    }

    fn actions(&self, count: &u32, actions: &mut Vec<u32>) {
        if *count < 10 {
            actions.push(1);
        }
    }

    fn next_state(&self, count: &u32, step: u32) -> Option<u32> {
        Some(count + step)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("stays below three", |_, count| *count < 3),
            Property::always("stays below a hundred", |_, count| *count < 100),
        ]
    }
}

fn main() {
    let checker = Counter
        .checker()
        .threads(1)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let path = checker.discovery("stays below three").expect("three steps break it");
    println!("{} steps", path.into_actions().len());
}
RS
seen=$(cargo run --quiet)
echo "$seen"
[[ "$seen" == "10 steps" ]] || { echo "The behaviour has changed." >&2; exit 1; }
