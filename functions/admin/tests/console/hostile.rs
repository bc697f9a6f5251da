//! Whatever others wrote is shown as text: a student named `<script>`, an order id with quotes, a reason full of markup.

use crate::stage::{PAGES, SESSION, Stage, get, with_cookie};
use serde_json::json;

/// Markup for a text, an attribute in either quotes, a text area, and a style sheet, and what turns the text after it around.
const HOSTILE: &str = concat!(
    r#"</textarea></pre><script>alert("x")</script>'"><img src=x onerror=alert(1)>&amp;{{7*7}}"#,
    "\u{202e}"
);
const ID: &str = "00000000-0000-0000-0000-0000000000ff";

fn assert_is_text(address: &str, body: &str) {
    for markup in ["<script", "<img", "onerror=alert(1)>&{", "</textarea></pre>"] {
        assert!(!body.contains(markup), "{address} has {markup}:\n{body}");
    }
    assert!(!body.contains('\u{202e}'), "{address} is turned around:\n{body}");
}

async fn with_hostile_rows() -> Stage {
    let stage = Stage::open().await;
    let mut connection = stage.database.direct().acquire().await.unwrap();
    let details = json!({"studentName": HOSTILE, "assignee": HOSTILE, "notes": [{"at": HOSTILE, "by": HOSTILE, "text": HOSTILE}]});
    for statement in [
        "INSERT INTO job_queue (id, job_type, payload, status, last_error, locked_by, idempotency_key)
         VALUES ($2::uuid, $1, jsonb_build_object('payment_intent_id', $1::text, 'x', $3::jsonb), 'failed', $1, $1, $1)",
        "INSERT INTO dead_letters (id, source, message_id, function_name, event_type, event_id, failure_reason, error_code, raw, document, correlation_id)
         VALUES ($2::uuid, $1, $1, $1, $1, $1, $1, $1, $1, $3::jsonb, $2::uuid)",
        "INSERT INTO payment_cases (id, kind, subject, payment_intent_id, amount_cents, currency, details, status, resolved_at, resolved_by, note)
         VALUES ($2::uuid, 'refund_due', $1, $1, 1, left($1, 3), $3::jsonb, 'resolved', now(), $1, $1)",
        "INSERT INTO payment_cases (kind, subject, details) SELECT 'unfulfillable', $1, $3::jsonb WHERE $2::uuid IS NOT NULL",
        "INSERT INTO audit_log (actor, action, subject, reason, details) SELECT $1, $1, 'job:' || $1, $1, $3::jsonb WHERE $2::uuid IS NOT NULL",
        "INSERT INTO sweep_runs (sweep, started_at, millis, done) SELECT $1, now(), 5, $3::jsonb WHERE $2::uuid IS NOT NULL",
        "INSERT INTO sweep_runs (sweep, started_at, millis, error) SELECT $1, now(), 5, $1 WHERE $2::uuid IS NOT NULL AND $3::jsonb IS NOT NULL",
        "INSERT INTO payments (id, student_id, amount_cents, status, provider, provider_payment_id, metadata, confirmed_at)
         VALUES ($2::uuid, $2::uuid, 100, 'succeeded', $1, $1, $3::jsonb || jsonb_build_object('courseId', $1::text), now())",
        "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items, shipping_address)
         VALUES ($1, $2::uuid, 'esewa', $1, 100, '[]', $3::jsonb)",
        "INSERT INTO refunds (id, provider, provider_refund_id, provider_payment_id, payment_intent_id, amount_minor, currency, status, reason, told_at)
         SELECT $2::uuid, $1, $1, $1, $1, 1, left($1, 3), 'failed', $1, now() WHERE $3::jsonb IS NOT NULL",
        "INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, last_error) VALUES ($1, $1, $1, $3::jsonb, $2::uuid, $1)",
    ] {
        sqlx::query(sqlx::AssertSqlSafe(statement.to_owned()))
            .bind(HOSTILE)
            .bind(ID)
            .bind(&details)
            .execute(&mut *connection)
            .await
            .unwrap_or_else(|error| panic!("{error}: {statement}"));
    }
    stage
}

#[tokio::test]
async fn what_others_wrote_is_shown_as_text_on_every_page() {
    let stage = with_hostile_rows().await;
    let encoded = reqwest::Url::parse_with_params("http://x/", [("q", HOSTILE)]).unwrap();
    let query = encoded.query().unwrap().to_owned();
    let intent = reqwest::Url::parse("http://x/admin/timeline/intent/").map(|mut url| {
        url.path_segments_mut().unwrap().pop_if_empty().push(HOSTILE);
        url.path().to_owned()
    });
    let mut shown = 0;
    let more = [
        format!("/admin/jobs/{ID}"),
        format!("/admin/cases/{ID}"),
        format!("/admin/refunds/{ID}"),
        format!("/admin/dead-letters/{ID}"),
        format!("/admin/timeline/payment/{ID}"),
        intent.unwrap(),
        format!("/admin/search?{query}"),
        format!(
            "/admin/jobs?intent={}&status=failed",
            query.trim_start_matches("q=")
        ),
        format!("/admin/dead-letters?source={}", query.trim_start_matches("q=")),
        format!(
            "/admin/dead-letters/replay?error={}",
            query.trim_start_matches("q=")
        ),
        format!("/admin/audit?actor={}", query.trim_start_matches("q=")),
    ];
    for address in PAGES.into_iter().map(str::to_owned).chain(more) {
        let answer = stage.page(&address).await;
        assert!(
            [200, 303].contains(&answer.status),
            "{address}: {} {}",
            answer.status,
            answer.body
        );
        assert_is_text(&address, &answer.body);
        shown += usize::from(answer.body.contains("&lt;script&gt;"));
    }
    assert!(
        shown >= 12,
        "hostile text was shown on {shown} pages only, so the others prove nothing"
    );
    stage.close().await;
}

#[tokio::test]
async fn the_largest_and_deepest_dead_letter_can_be_opened_and_stays_as_it_is() {
    let stage = Stage::open().await;
    let deep = format!("{}{}1{}", "[".repeat(100), "1,".repeat(500_000), "]".repeat(100));
    let turning = format!("{{\"name\": \"{}\u{202e}\"}}", "&".repeat(1_000_000));
    for (id, raw) in [(1, &deep), (2, &turning)] {
        let id = uuid::Uuid::from_u128(id);
        let mut connection = stage.database.direct().acquire().await.unwrap();
        sqlx::query("INSERT INTO dead_letters (id, source, message_id, failure_reason, raw) VALUES ($1, 'jobs', $2, 'x', $3)")
            .bind(id)
            .bind(id.to_string())
            .bind(raw)
            .execute(&mut *connection)
            .await
            .unwrap();
        drop(connection);
        let page = format!("/admin/dead-letters/{id}");
        let answer = stage.page(&page).await;
        let size = serde_json::to_string(&answer.body).unwrap().len();
        assert!(
            answer.status == 200 && size < 6_000_000,
            "{} {size}",
            answer.status
        );
        let (_, typed) = answer.body.split_once("wrap=\"soft\">\n").expect("a text area");
        let typed = typed.split("</textarea>").next().unwrap();
        let typed = typed
            .replace("&quot;", "\"")
            .replace("&amp;", "&")
            .replace("&#x202e;", "\u{202e}");
        let said = stage
            .post(&page, &format!("{page}/dry-run"), &[("body", &typed)])
            .await;
        assert!(
            said.body.contains("The dead letter as it is would stay"),
            "it counts as edited: {id}"
        );
    }
    stage.close().await;
}

#[tokio::test]
async fn an_operators_own_name_is_text_too() {
    let stage = Stage::open().await;
    let mut claims = stage.claims();
    claims["name"] = json!(HOSTILE);
    let token = stage.issuer.mint(&claims);
    let answer = stage
        .send(with_cookie(get("/admin/jobs"), &format!("{SESSION}={token}")))
        .await;
    assert_eq!(answer.status, 200);
    assert_is_text("/admin/jobs", &answer.body);
    claims["cognito:groups"] = json!([]);
    let token = stage.issuer.mint(&claims);
    let answer = stage
        .send(with_cookie(get("/admin/jobs"), &format!("{SESSION}={token}")))
        .await;
    assert_eq!(answer.status, 403);
    assert_is_text("the refusal", &answer.body);
    stage.close().await;
}
