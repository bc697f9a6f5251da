//! Rows of the older system, which this function finds and completes.

use crate::school::School;
use uuid::Uuid;

#[tokio::test]
async fn a_request_that_waits_under_another_id_is_promoted() {
    // GIVEN a row that waits under an id that the service does not know
    let school = School::open().await;
    let purchase = school.purchase().await;
    let waiting = school.allocation(&purchase, "pending", None).await;
    // WHEN a trainer is free
    assert_eq!(school.deliver(&[purchase]).await, Vec::<String>::new());
    // THEN that row is promoted, and remembers the service's id
    school.assert_allocated_once(&purchase).await;
    let given = school.service.report().allocations[0].id;
    let promoted = format!(
        "SELECT count(*) FROM trainer_allocations WHERE id = '{waiting}' AND metadata ->> 'adminAllocationId' = '{given}'"
    );
    assert_eq!(school.count(&promoted).await, 1);
    school.close().await;
}

#[tokio::test]
async fn among_older_duplicates_the_oldest_counts() {
    // GIVEN two allocations of one student and course, from when the index was missing
    let school = School::open().await;
    school
        .database
        .run_sql("DROP INDEX unique_active_allocation")
        .await;
    let purchase = school.purchase().await;
    let first = school
        .allocation(&purchase, "approved", Some(Uuid::new_v4()))
        .await;
    school
        .allocation(&purchase, "approved", Some(Uuid::new_v4()))
        .await;
    // WHEN the purchase is delivered
    assert_eq!(school.deliver(&[purchase]).await, Vec::<String>::new());
    // THEN no third is made, and the first is published
    assert_eq!(school.count("SELECT count(*) FROM trainer_allocations").await, 2);
    let bodies = school.published.drain().await;
    assert_eq!(bodies.len(), 1);
    assert!(bodies[0].contains(&first.to_string()));
    assert_eq!(school.service.report().calls, 0);
    school.close().await;
}
