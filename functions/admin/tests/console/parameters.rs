//! What is not understood is refused by name, and selects and changes nothing: every parameter of every list and every field of
//! every change, in every wrong form.

use crate::stage::{Answer, SESSION, Stage, get, post, with_cookie, with_header};
use admin::LISTS;
use makegood_tests::queues::TestQueue;
use serde_json::json;

const DEAD_LETTER: &str = "00000000-0000-4000-8000-0000000000d1";
const JOB: &str = "00000000-0000-4000-8000-0000000000e1";
const CASE: &str = "00000000-0000-4000-8000-0000000000f1";
const REFUND: &str = "00000000-0000-4000-8000-0000000000a1";
const INTENT: &str = "pi_khalti_1_0000beef";

#[tokio::test]
async fn another_sites_link_starts_no_check_of_the_database() {
    let stage = Stage::open().await;
    let asked = |site: Option<&str>| {
        let event = with_cookie(
            get("/admin/doctor?only=G1"),
            &format!("{SESSION}={}", stage.operator()),
        );
        site.map_or(event.clone(), |site| with_header(event, "sec-fetch-site", site))
    };
    let checked = "Every guarantee holds";
    for site in [None, Some("none"), Some("same-origin"), Some("same-site")] {
        let answer = stage.send(asked(site)).await;
        assert!(answer.body.contains(checked), "{site:?}: {}", answer.body);
    }
    let answer = stage.send(asked(Some("cross-site"))).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.body.contains(checked), "{}", answer.body);
    // AND the page leads on, with what was asked for
    assert!(
        answer.body.contains("href=\"/admin/doctor?only=G1\""),
        "{}",
        answer.body
    );
    stage.close().await;
}

/// What each parameter is in right forms and in wrong ones. A new parameter has to be added here.
fn forms_of(list: &str, name: &str) -> (&'static [&'static str], &'static [&'static str]) {
    const PLACES: &[&str] = &[
        "2",
        "newest",
        "1767817344753123",
        "1767817344753123.1",
        "-1.00000000000000000000000000000001",
        "9223372036854775807.00000000000000000000000000000001",
        "1767817344753123.00000000-0000-0000-0000-000000000001",
    ];
    const NUMBERS: &[&str] = &["a", "1.5", "1e9", "99999999999999999999", "0x10"];
    const TEXTS: &[&str] = &["a%00b", "%FF", "a%0Ab", "a%1Bb"];
    match (list, name) {
        ("/admin/dead-letters" | "/admin/dead-letters/groups", "status") => (
            &["parked", "replayed"],
            &["prked", "PARKED", "parked,replayed", "all"],
        ),
        ("/admin/jobs", "status") => (&["failed"], &["fialed", "Failed", "done"]),
        ("/admin/refunds", "status") => (&["processed"], &["porcessed", "PROCESSED", "refunded"]),
        ("/admin/refunds", "of") => (&["rfnd_1"], TEXTS),
        ("/admin/edits", "status") => (&["confirmed"], &["confimred", "PENDING", "all"]),
        ("/admin/cases", "status") => (&["open"], &["opne", "OPEN", "closed"]),
        (_, "since") => (
            &["1h", "30d", "2026-01-01T00:00:00Z"],
            &[
                "2h ago",
                "yesterday",
                "2026-01-01",
                "1w",
                "-1h",
                "2026-13-01T00:00:00Z",
                "%2B200000-01-01T00:00:00Z",
            ],
        ),
        (_, "correlation") => (
            &[DEAD_LETTER],
            &[
                "00000000",
                "00000000-0000-4000-8000-0000000000d",
                "payment",
                "00000000-0000-4000-8000-0000000000dg",
            ],
        ),
        ("/admin/audit" | "/admin/outbox" | "/admin/sweeps", "after") => (&["7"], NUMBERS),
        (_, "after") => (&["1767817344753123.00000000000000000000000000000001"], PLACES),
        (_, "by") => (&["error", "event"], &["Event", "errors", "function"]),
        (_, "kind") => (&["refund_due"], &["refund", "REFUND_DUE"]),
        (_, "action") => (&["job.retry"], &["job.retries", "job"]),
        (_, "sweep") => (&["outbox"], &["inbox", "Outbox"]),
        (_, "range") => (&["day", "week"], &["month", "Week", "7d"]),
        (_, "only") => (&["G1"], &["G0", "G99", "1", "G1,G2"]),
        (_, "force") => (&["yes"], &["no", "1", "true", "YES"]),
        (_, "started") => (&[], &["now", "2026-01-01"]),
        (_, "cursor") => (&[], PLACES),
        (_, "sent" | "left" | "of" | "planned" | "typed") => {
            (&["3"], &["a", "-1", "1.5", "99999999999999999999"])
        }
        (_, "source" | "function" | "error" | "type" | "event" | "actor" | "subject" | "intent" | "q") => {
            (&["x"], TEXTS)
        }
        _ => panic!("{list} has a parameter {name} whose wrong forms are not here"),
    }
}

/// Every wrong way to ask this list: the query, and the name that the refusal must say.
fn wrong_queries(list: &str, names: &[&str]) -> Vec<(String, String)> {
    let mut wrong = Vec::new();
    for name in names {
        let (right, forms) = forms_of(list, name);
        let too_long = "x".repeat(201);
        let forms = forms.iter().copied().chain([too_long.as_str()]);
        wrong.extend(forms.map(|form| (format!("{name}={form}"), (*name).to_owned())));
        if let Some(first) = right.first() {
            wrong.push((format!("{name}={first}&{name}={first}"), (*name).to_owned()));
            wrong.push((format!("{name}=&{name}={first}"), (*name).to_owned()));
            // A mistyped name is as bad as a mistyped value.
            let mistyped = format!("{name}s");
            wrong.push((format!("{mistyped}={first}"), mistyped));
            let shouted = name.to_uppercase();
            wrong.push((format!("{shouted}={first}"), shouted));
        }
    }
    wrong.push(("limit=1".to_owned(), "limit".to_owned()));
    wrong
}

async fn with_rows() -> (Stage, TestQueue) {
    let queue = TestQueue::create("purchase-confirmed").await;
    let stage = Stage::open_with(&[("QUEUE_URL_PURCHASE_CONFIRMED", &queue.url)]).await;
    let source = queue.url.rsplit('/').next().expect("a name");
    let body = json!({"type": "PURCHASE_CONFIRMED", "timestamp": 1, "userId": DEAD_LETTER, "role": "student", "paymentId": DEAD_LETTER,
                      "studentId": DEAD_LETTER, "courseId": DEAD_LETTER, "amountCents": 100});
    stage
        .database
        .run_sql(&format!(
            "INSERT INTO dead_letters (id, source, message_id, failure_reason, error_code, raw, correlation_id, event_type)
             VALUES ('{DEAD_LETTER}', '{source}', 'seen-dead-letter', 'x', 'x', '{body}', '{DEAD_LETTER}', 'x');
             INSERT INTO job_queue (id, job_type, payload, status, attempts, last_error, failed_at)
             VALUES ('{JOB}', 'finalize_order', '{{\"payment_intent_id\": \"{INTENT}\"}}', 'failed', 3, 'x', now());
             INSERT INTO payment_cases (id, kind, subject) VALUES ('{CASE}', 'refund_due', 'x');
             INSERT INTO refunds (id, provider, provider_refund_id, amount_minor, currency, status, told_at)
             VALUES ('{REFUND}', 'khalti', 'seen-refund', 1, 'NPR', 'processed', now());
             INSERT INTO audit_log (actor, action, subject, reason) VALUES ('seen-actor', 'job.retry', 'job:{JOB}', 'x');
             INSERT INTO sweep_runs (sweep, started_at, millis, error) VALUES ('outbox', now(), 5, 'seen-error')"
        ))
        .await;
    (stage, queue)
}

/// What a list shows when it selects anything.
const SEEN: [&str; 7] = [
    DEAD_LETTER,
    JOB,
    CASE,
    "seen-actor",
    "seen-refund",
    "seen-error",
    "Replay all parked",
];

const CHANGED: &str = "SELECT (SELECT count(*) FROM dead_letters WHERE status <> 'parked' OR claimed_until IS NOT NULL)
    + (SELECT count(*) FROM job_queue WHERE status <> 'failed') + (SELECT count(*) FROM payment_cases WHERE status <> 'open' OR details <> '{}')
    + (SELECT count(*) - 1 FROM audit_log)";

async fn assert_nothing_came_of(what: &str, answer: &Answer, name: &str, stage: &Stage) {
    assert_eq!(answer.status, 400, "{what}: {}", answer.body);
    assert!(
        answer.body.contains(&format!("<code>{name}</code>")),
        "{what} does not name {name}: {}",
        answer.body
    );
    assert_eq!(stage.database.count(CHANGED).await, 0, "{what}");
}

#[tokio::test]
async fn a_list_that_is_asked_in_a_wrong_way_selects_nothing_and_says_beside_the_field_why() {
    let (stage, queue) = with_rows().await;
    for (list, names) in LISTS {
        for (query, name) in wrong_queries(list, names) {
            let what = format!("{list}?{query}");
            let answer = stage.page(&what).await;
            assert_nothing_came_of(&what, &answer, &name, &stage).await;
            for seen in SEEN {
                // The value that was typed stays in its field.
                assert!(
                    !answer.body.contains(seen) || query.contains(seen),
                    "{what} shows {seen}: {}",
                    answer.body
                );
            }
            let has_field = answer.body.contains(&format!("id=\"{name}\""));
            let is_beside = answer.body.contains(&format!("id=\"wrong-{name}\""));
            // The search's own field is in the head of every page, and says it above.
            assert!(is_beside == has_field || name == "q", "{what}: {}", answer.body);
        }
    }
    assert_eq!(queue.drain().await, Vec::<String>::new());
    stage.close().await;
}

#[tokio::test]
async fn each_parameter_in_its_right_forms_is_understood() {
    let (stage, _queue) = with_rows().await;
    for (list, names) in LISTS {
        for name in *names {
            for form in forms_of(list, name).0 {
                let address = format!("{list}?{name}={form}");
                let status = stage.page(&address).await.status;
                // A search that finds one thing leads there.
                assert!(matches!(status, 200 | 303), "{address}: {status}");
            }
        }
    }
    stage.close().await;
}

#[tokio::test]
async fn a_page_without_parameters_refuses_them_too() {
    let (stage, _queue) = with_rows().await;
    for page in [
        format!("/admin/jobs/{JOB}"),
        format!("/admin/cases/{CASE}"),
        format!("/admin/refunds/{REFUND}"),
        format!("/admin/dead-letters/{DEAD_LETTER}"),
        format!("/admin/timeline/job/{JOB}"),
        "/admin/runbook".to_owned(),
    ] {
        assert_eq!(stage.page(&page).await.status, 200, "{page}");
        let asked = format!("{page}?status=open");
        assert_nothing_came_of(&asked, &stage.page(&asked).await, "status", &stage).await;
    }
    stage.close().await;
}

#[tokio::test]
async fn a_change_with_a_field_that_is_not_understood_changes_nothing() {
    let (stage, queue) = with_rows().await;
    let cookie = format!("{SESSION}={}", stage.operator());
    let csrf = stage.send(with_cookie(get("/admin/jobs"), &cookie)).await.csrf();
    let right = [("csrf", csrf.as_str()), ("reason", "because")];
    let send = async |action: &str, fields: &[(&str, &str)]| {
        let fields = [&right[..], fields].concat();
        stage.send(with_cookie(post(action, &fields), &cookie)).await
    };
    // GIVEN every field of a bulk replay in every wrong form
    let bulk = [
        "source",
        "function",
        "error",
        "type",
        "event",
        "correlation",
        "since",
        "force",
        "started",
        "cursor",
        "sent",
        "left",
        "of",
        "planned",
        "typed",
    ];
    for (query, name) in wrong_queries("/admin/dead-letters/replay", &bulk) {
        let url = reqwest::Url::parse(&format!("http://form/?{query}")).expect("a query");
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let fields: Vec<_> = pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let answer = send("/admin/dead-letters/replay", &fields).await;
        assert_nothing_came_of(&query, &answer, &name, &stage).await;
    }
    // AND the status, which a replay does not know: it takes parked ones alone
    let answer = send("/admin/dead-letters/replay", &[("status", "replayed")]).await;
    assert_nothing_came_of("status", &answer, "status", &stage).await;
    // AND every other change with a field that it does not know, or twice, or wrong
    let one = format!("/admin/dead-letters/{DEAD_LETTER}");
    for (action, own) in [
        (format!("{one}/replay"), &[("body", "{}")][..]),
        (format!("{one}/dry-run"), &[("body", "{}")]),
        (format!("{one}/discard"), &[]),
        (format!("{one}/restore"), &[]),
        (format!("/admin/jobs/{JOB}/retry"), &[]),
        (format!("/admin/cases/{CASE}/assign"), &[("assignee", "binod")]),
        (format!("/admin/cases/{CASE}/note"), &[]),
        (format!("/admin/cases/{CASE}/resolve"), &[]),
        ("/admin/sweeps/outbox/run".to_owned(), &[]),
    ] {
        for (more, name) in [(("dry_run", "yes"), "dry_run"), (("reason", "another"), "reason")] {
            let answer = send(&action, &[own, &[more]].concat()).await;
            assert_nothing_came_of(&action, &answer, name, &stage).await;
        }
    }
    for action in ["replay", "dry-run"] {
        let action = format!("{one}/{action}");
        let answer = send(&action, &[("body", "{}"), ("force", "no")]).await;
        assert_nothing_came_of(&action, &answer, "force", &stage).await;
        let answer = send(&action, &[]).await;
        assert_nothing_came_of(&action, &answer, "body", &stage).await;
    }
    // THEN nothing was sent
    assert_eq!(queue.drain().await, Vec::<String>::new());
    stage.close().await;
}
