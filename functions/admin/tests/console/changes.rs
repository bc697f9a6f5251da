//! What an operator changes, and the record of it. (Dead letters and sweeps are in the browser's tests, with real queues.)

use crate::stage::Stage;

const JOB: &str = "00000000-0000-0000-0000-00000000000a";
const CASE: &str = "00000000-0000-0000-0000-00000000000c";
const DEAD_LETTER: &str = "00000000-0000-0000-0000-00000000000d";

async fn with_rows() -> Stage {
    let stage = Stage::open().await;
    stage
        .database
        .run_sql(&format!(
            "INSERT INTO job_queue (id, job_type, payload) VALUES ('{JOB}', 'process_refund', '{{}}');
             INSERT INTO payment_cases (id, kind, subject, amount_cents, currency)
             VALUES ('{CASE}', 'surplus_payment', 'payment:1', 499900, 'INR');
             INSERT INTO dead_letters (id, source, message_id, failure_reason, error_code, raw)
             VALUES ('{DEAD_LETTER}', 'purchase-confirmed', 'm-1', 'courseId is missing', 'bad_field', '{{\"type\": \"PURCHASE_CONFIRMED\"}}')"
        ))
        .await;
    stage
}

/// The one entry of the audit log, as `actor|action|subject|reason`.
async fn record(stage: &Stage, action: &str) -> String {
    let query = format!(
        "SELECT actor || '|' || action || '|' || subject || '|' || reason FROM audit_log WHERE action = '{action}'"
    );
    let mut connection = stage.database.direct().acquire().await.unwrap();
    sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .fetch_one(&mut *connection)
        .await
        .expect("one record")
}

const WHO: &str = "Operator on call (operator-on-call)";

#[tokio::test]
async fn a_change_leads_back_to_its_page_which_says_it_once_and_it_is_on_the_record() {
    let stage = with_rows().await;
    let page = format!("/admin/jobs/{JOB}");
    let answer = stage
        .post(
            &page,
            &format!("{page}/cancel"),
            &[("reason", "refunded by hand")],
        )
        .await;
    assert_eq!((answer.status, answer.header("location")), (303, page.as_str()));
    let said = answer.cookie("__Host-makegood-said");
    let next = stage.send(crate::stage::with_cookie(
        crate::stage::with_cookie(
            crate::stage::get(&page),
            &format!("{}={}", crate::stage::SESSION, stage.operator()),
        ),
        &said,
    ));
    let next = next.await;
    assert!(next.body.contains("The job is cancelled."), "{}", next.body);
    assert!(
        next.cookies
            .iter()
            .any(|cookie| cookie.starts_with("__Host-makegood-said=;")),
        "it is said once"
    );
    assert_eq!(
        record(&stage, "job.cancel").await,
        format!("{WHO}|job.cancel|job:{JOB}|refunded by hand")
    );
    assert_eq!(
        stage
            .database
            .count("SELECT count(*) FROM job_queue WHERE status = 'cancelled'")
            .await,
        1
    );
    // A forged cookie says nothing.
    let forged = said.replacen('.', "A.", 1);
    let event = crate::stage::with_cookie(
        crate::stage::get(&page),
        &format!("{}={}", crate::stage::SESSION, stage.operator()),
    );
    assert!(
        !stage
            .send(crate::stage::with_cookie(event, &forged))
            .await
            .body
            .contains("The job is cancelled.")
    );
    stage.close().await;
}

#[tokio::test]
async fn a_case_is_assigned_noted_on_and_resolved_once() {
    let stage = with_rows().await;
    let page = format!("/admin/cases/{CASE}");
    let fields = [("assignee", "Asha"), ("reason", "she knows the gateway")];
    assert_eq!(
        stage.post(&page, &format!("{page}/assign"), &fields).await.status,
        303
    );
    assert_eq!(
        stage
            .post(&page, &format!("{page}/note"), &[("reason", "rang the bank")])
            .await
            .status,
        303
    );
    assert_eq!(
        stage
            .post(
                &page,
                &format!("{page}/resolve"),
                &[("reason", "refunded, ref 42")]
            )
            .await
            .status,
        303
    );
    let shown = stage.page(&page).await.body;
    for text in [
        "INR 4,999.00",
        "Asha",
        "rang the bank",
        "refunded, ref 42",
        "resolved",
    ] {
        assert!(shown.contains(text), "{text}");
    }
    assert_eq!(
        record(&stage, "case.resolve").await,
        format!("{WHO}|case.resolve|case:{CASE}|refunded, ref 42")
    );
    let again = stage
        .post(&page, &format!("{page}/resolve"), &[("reason", "again")])
        .await;
    assert_eq!(again.status, 303);
    assert_eq!(
        stage
            .database
            .count("SELECT count(*) FROM audit_log WHERE action = 'case.resolve'")
            .await,
        1
    );
    stage.close().await;
}

#[tokio::test]
async fn an_edited_dead_letter_that_would_fail_again_is_refused_by_its_field_and_shown_as_typed() {
    let stage = with_rows().await;
    let page = format!("/admin/dead-letters/{DEAD_LETTER}");
    let typed = "{\"type\": \"PURCHASE_CONFIRMED\", \"courseId\": \"typed by hand\"}";
    let fields = [("body", typed), ("reason", "the course's id was missing")];
    let answer = stage.post(&page, &format!("{page}/replay"), &fields).await;
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert!(
        answer.body.contains("typed by hand") && answer.body.contains("the course&#39;s id was missing")
            || answer.body.contains("the course's id was missing"),
        "{}",
        answer.body
    );
    assert_eq!(
        stage
            .database
            .count("SELECT count(*) FROM dead_letters WHERE status = 'parked' AND replay_count = 0")
            .await,
        1
    );
    let discarded = stage
        .post(
            &page,
            &format!("{page}/discard"),
            &[("reason", "a test's dead letter")],
        )
        .await;
    assert_eq!(discarded.status, 303);
    assert_eq!(
        record(&stage, "dead_letter.discard").await,
        format!("{WHO}|dead_letter.discard|dead_letter:{DEAD_LETTER}|a test's dead letter")
    );
    // AND the discard can be taken back, on the record too
    let restored = stage
        .post(&page, &format!("{page}/restore"), &[("reason", "it was no test")])
        .await;
    assert_eq!(restored.status, 303);
    assert_eq!(
        record(&stage, "dead_letter.restore").await,
        format!("{WHO}|dead_letter.restore|dead_letter:{DEAD_LETTER}|it was no test")
    );
    let shown = stage.page(&page).await.body;
    assert!(
        shown.contains("Replay this dead letter") && !shown.contains("Restore this dead letter"),
        "{shown}"
    );
    stage.close().await;
}

#[tokio::test]
async fn without_the_database_a_page_says_so_and_the_runbook_is_there_all_the_same() {
    let stage = Stage::open().await;
    let away = [("DATABASE_URL", "postgres://makegood@127.0.0.1:9/none")];
    let admin = crate::stage::open_admin(&stage.database, &stage.issuer.url, &away).await;
    for (address, status, says) in [
        ("/admin/jobs", 503, "The database failed"),
        ("/admin/runbook", 200, "Paid and not fulfilled"),
    ] {
        let cookie = format!("{}={}", crate::stage::SESSION, stage.operator());
        let event = crate::stage::with_cookie(crate::stage::get(address), &cookie);
        let deadline = makegood::delivery::Deadline::after(std::time::Duration::from_secs(25));
        let answer = crate::stage::Answer::of(&admin.handle(event, deadline).await.expect("an HTTP request"));
        assert!(
            answer.status == status && answer.body.contains(says),
            "{address}: {} {}",
            answer.status,
            answer.body
        );
    }
    stage.close().await;
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let stage = Stage::open().await;
    for address in [
        "/admin/jobs/7",
        &format!("/admin/jobs/{JOB}"),
        &format!("/admin/cases/{CASE}"),
        &format!("/admin/dead-letters/{DEAD_LETTER}"),
        "/admin/timeline/payment/x",
        "/admin/timeline/other/1",
        "/admin/assets/style.css",
    ] {
        assert_eq!(stage.page(address).await.status, 404, "{address}");
    }
    stage.close().await;
}
