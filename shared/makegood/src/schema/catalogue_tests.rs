//! The declared indexes.

use super::*;

#[test]
fn the_statement_repeats_the_predicate_and_builds_concurrently() {
    assert_eq!(
        UNIQUE_ACTIVE_PURCHASE.create_statement("unique_active_purchase"),
        "CREATE UNIQUE INDEX CONCURRENTLY unique_active_purchase \
         ON student_course_purchases (student_id, course_id) \
         WHERE is_active"
    );
}

#[test]
fn no_two_indexes_have_one_name() {
    let mut names: Vec<_> = MANAGED_INDEXES.iter().map(|spec| spec.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), MANAGED_INDEXES.len());
}

#[test]
fn every_constraint_is_among_the_managed_indexes() {
    assert!(
        UNIQUE_INDEXES
            .iter()
            .all(|spec| managed_index(spec.name) == Some(spec))
    );
}
