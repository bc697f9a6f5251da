//! A run whose time is up, and one that waits for locks of others.

use super::*;

#[tokio::test]
async fn a_run_out_of_time_says_where_and_goes_on_there() {
    let school = School::at(THURSDAY_EVENING).await;
    plant(&school, 3_500, 2).await;
    // GIVEN no time at all: nothing is begun
    let start = Input {
        resume_after: Some(AllocationId(id(500))),
    };
    let none = top_up(&school)
        .run(start, Deadline::after(Duration::ZERO))
        .await
        .unwrap();
    assert_eq!(
        none,
        Report {
            resume_after: start.resume_after,
            ..Report::default()
        }
    );
    // WHEN runs with hardly any time follow each other
    let (mut input, mut runs, mut sessions) = (start, 0, 0);
    loop {
        let report = top_up(&school)
            .run(input, Deadline::after(Duration::from_millis(2_020)))
            .await
            .unwrap();
        (runs, sessions) = (runs + 1, sessions + report.sessions);
        if report.finished {
            break;
        }
        assert!(report.resume_after >= input.resume_after, "no run falls back");
        input.resume_after = report.resume_after;
    }
    // THEN it took some, all after the start are full, and nothing before it was touched
    assert!(runs > 1, "one run did it all");
    assert_eq!((sessions, school.database.count(NOT_SEVEN).await), (15_000, 500));
    // WHEN the next schedule begins at the beginning
    assert_eq!(run(&school).await.sessions, 2_500);
    assert_eq!(school.database.count(NOT_SEVEN).await, 0);
    end(school).await;
}

#[tokio::test]
async fn a_run_that_waits_for_a_lock_in_vain_stops_in_time() {
    // GIVEN another transaction holds an allocation of the second page
    let school = School::at(THURSDAY_EVENING).await;
    plant(&school, 1_200, 0).await;
    let pool = school.database.direct();
    let mut holder = pool.begin().await.unwrap();
    let lock = format!(
        "SELECT 1 FROM trainer_allocations WHERE id = '{}' FOR UPDATE",
        id(1_100)
    );
    sqlx::query(sqlx::AssertSqlSafe(lock))
        .execute(&mut *holder)
        .await
        .unwrap();
    // WHEN a run meets it
    let report = top_up(&school)
        .run(Input::default(), Deadline::after(Duration::from_secs(4)))
        .await
        .unwrap();
    // THEN the first page stays, the second is for the next run, and holds no other up
    assert_eq!(
        (report.finished, report.allocations, report.resume_after),
        (false, 1_000, Some(AllocationId(id(1_000))))
    );
    holder.rollback().await.unwrap();
    assert_eq!(run(&school).await.sessions, 1_400);
    assert_eq!(school.database.count(NOT_SEVEN).await, 0);
    end_after_lock_waits(school).await;
}

#[tokio::test]
async fn one_locked_allocation_holds_up_no_other() {
    // GIVEN another transaction holds one of eight allocations
    let school = School::at(THURSDAY_EVENING).await;
    plant(&school, 8, 0).await;
    let pool = school.database.direct();
    let mut holder = pool.begin().await.unwrap();
    let lock = format!(
        "SELECT 1 FROM trainer_allocations WHERE id = '{}' FOR UPDATE",
        id(5)
    );
    sqlx::query(sqlx::AssertSqlSafe(lock))
        .execute(&mut *holder)
        .await
        .unwrap();
    // WHEN a run meets it THEN the other seven have their sessions, and it is counted
    let report = run(&school).await;
    assert_eq!((report.allocations, report.failed, report.finished), (7, 1, true));
    // AND the next run, without the lock, fills it
    holder.rollback().await.unwrap();
    assert_eq!(run(&school).await.allocations, 1);
    assert_eq!(school.database.count(NOT_SEVEN).await, 0);
    end_after_lock_waits(school).await;
}

/// As [`end`]; the server noted the waits that ended, and nothing else.
async fn end_after_lock_waits(school: School) {
    assert!(
        !school.database.ended_lock_waits().is_empty(),
        "no statement waited"
    );
    assert_eq!(school.database.server_errors(), Vec::<String>::new());
    school.database.drop().await;
}
