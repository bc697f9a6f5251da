//! The catalogue: every code is its own, and every guarantee can be found broken.

use super::super::{Guarantee, Severity};
use super::*;
use std::collections::BTreeSet;

#[test]
fn every_code_is_its_own_and_fit_for_an_anchor() {
    let codes: BTreeSet<&str> = KINDS.iter().map(|kind| kind.code).collect();
    assert_eq!(codes.len(), KINDS.len());
    for code in codes {
        assert!(
            code.chars()
                .all(|character| character.is_ascii_lowercase() || character == '-'),
            "{code}"
        );
    }
}

#[test]
fn every_guarantee_can_be_found_broken() {
    let broken: BTreeSet<Guarantee> = KINDS
        .iter()
        .filter(|kind| kind.severity == Severity::Breach)
        .map(|kind| kind.guarantee)
        .collect();
    let expected = BTreeSet::from(Guarantee::ALL);
    assert_eq!(broken, expected);
}
