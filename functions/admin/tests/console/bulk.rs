//! Many dead letters at once: a dry run first, then steps that go on where the one before ended, on real queues.

use crate::stage::{Answer, SESSION, Stage, get, post, with_cookie};
use makegood::delivery::Deadline;
use makegood_tests::queues::TestQueue;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

const DEAD_LETTERS: usize = 250;

async fn with_dead_letters() -> (Stage, TestQueue) {
    let queue = TestQueue::create("purchase-confirmed").await;
    let stage = Stage::open_with(&[("QUEUE_URL_PURCHASE_CONFIRMED", &queue.url)]).await;
    let source = queue.url.rsplit('/').next().expect("a name");
    let body = |id: Uuid| json!({"type": "PURCHASE_CONFIRMED", "timestamp": 1_767_817_344_753_u64, "userId": id, "role": "student", "paymentId": id, "studentId": id, "courseId": id, "amountCents": 100});
    let bodies: Vec<String> = (1..=DEAD_LETTERS)
        .map(|n| body(Uuid::from_u128(n as u128)).to_string())
        .collect();
    let mut connection = stage.database.direct().acquire().await.unwrap();
    sqlx::query(
        "INSERT INTO dead_letters (source, message_id, failure_reason, error_code, raw, parked_at)
         SELECT $1, 'm-' || n, 'the database was away', 'database_unavailable', body, now() - n * interval '1 second'
         FROM unnest($2::text[]) WITH ORDINALITY AS b (body, n)
         UNION ALL SELECT $1, 'broken', 'no JSON', 'database_unavailable', '{broken', now() - interval '1 hour'
         UNION ALL SELECT $1, 'other', 'other', 'other_code', '{}', now()",
    )
    .bind(source)
    .bind(&bodies)
    .execute(&mut *connection)
    .await
    .unwrap();
    (stage, queue)
}

/// The unseen fields of the page's form to this address.
fn form(answer: &Answer, action: &str) -> Vec<(String, String)> {
    let (_, rest) = answer
        .body
        .split_once(&format!("action=\"{action}\""))
        .unwrap_or_else(|| panic!("no form: {}", answer.body));
    let form = rest.split("</form>").next().expect("a form");
    let inputs = form.split("<input type=\"hidden\" name=\"").skip(1);
    inputs
        .map(|input| {
            let (name, rest) = input.split_once("\" value=\"").expect("a value");
            (
                name.to_owned(),
                rest.split('"').next().expect("its end").replace("&amp;", "&"),
            )
        })
        .collect()
}

async fn send(stage: &Stage, cookie: &str, fields: &[(String, String)]) -> Answer {
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let event = with_cookie(post("/admin/dead-letters/replay", &fields), cookie);
    // No time: a step ends after its first hundred.
    let answer = stage
        .admin
        .handle(event, Deadline::after(Duration::ZERO))
        .await
        .expect("an answer");
    Answer::of(&answer)
}

#[tokio::test]
async fn many_dead_letters_go_back_in_steps_each_once_after_a_dry_run() {
    let (stage, queue) = with_dead_letters().await;
    let cookie = format!("{SESSION}={}", stage.operator());
    let plan = stage
        .send(with_cookie(
            get("/admin/dead-letters/replay?error=database_unavailable"),
            &cookie,
        ))
        .await;
    assert!(
        plan.body.contains("Replay 250 dead letters") && plan.body.contains("would stay"),
        "{}",
        plan.body
    );
    assert_eq!(
        stage
            .database
            .count("SELECT count(*) FROM dead_letters WHERE status = 'parked'")
            .await,
        252,
        "a dry run changes nothing"
    );
    let mut fields = form(&plan, "/admin/dead-letters/replay");
    fields.push(("reason".to_owned(), "the database is back".to_owned()));
    fields.push(("typed".to_owned(), "250".to_owned()));
    let mut steps = 0;
    let ended = loop {
        let answer = send(&stage, &cookie, &fields).await;
        steps += 1;
        if answer.status == 303 {
            break answer;
        }
        assert!(answer.body.contains("Replay under way"), "{}", answer.body);
        let so_far = format!(
            "<progress class=\"run\" max=\"251\" value=\"{}\"",
            (steps * 100).min(251)
        );
        assert!(answer.body.contains(&so_far), "{}", answer.body);
        fields = form(&answer, "/admin/dead-letters/replay");
    };
    // A hundred twice, fifty and the broken one, then the look that finds no more.
    assert_eq!((steps, ended.header("location")), (4, "/admin/dead-letters"));
    let list = with_cookie(
        with_cookie(get("/admin/dead-letters"), &cookie),
        &ended.cookie("__Host-makegood-said"),
    );
    assert!(
        stage
            .send(list)
            .await
            .body
            .contains("250 dead letters are in their queues again, 1 were left")
    );
    assert_eq!(
        stage
            .database
            .count("SELECT count(*) FROM dead_letters WHERE status = 'replayed' AND replay_count = 1")
            .await,
        250
    );
    assert_eq!(stage.database.count("SELECT count(*) FROM audit_log WHERE reason = 'the database is back' AND action = 'dead_letter.replay'").await, 250);
    assert_eq!(queue.drain().await.len(), DEAD_LETTERS);
    stage.close().await;
}

#[tokio::test]
async fn more_than_a_hundred_go_only_when_their_number_is_typed_as_the_dry_run_shows_it() {
    let (stage, queue) = with_dead_letters().await;
    let cookie = format!("{SESSION}={}", stage.operator());
    let all = "/admin/dead-letters/replay?error=database_unavailable";
    let plan = stage.send(with_cookie(get(all), &cookie)).await;
    assert!(
        plan.body.contains("Type 250, the number of dead letters"),
        "{}",
        plan.body
    );
    let mut shown = form(&plan, "/admin/dead-letters/replay");
    shown.push(("reason".to_owned(), "the database is back".to_owned()));
    let with = |name: &str, value: Option<&str>| {
        let mut fields = shown.clone();
        fields.retain(|(field, _)| field != name);
        fields.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        fields
    };
    // WHEN the number is missing or another, or the page says nothing of it
    for (fields, typed) in [
        (with("typed", None), ""),
        (with("typed", Some("25")), "25"),
        (with("typed", Some("251")), "251"),
        (with("planned", None), ""),
    ] {
        let answer = send(&stage, &cookie, &fields).await;
        // THEN nothing is sent, the field says so, and the reason is still there
        assert_eq!(answer.status, 400, "{fields:?}: {}", answer.body);
        for part in [
            "id=\"wrong-typed\"",
            "which is 250 now",
            "value=\"the database is back\"",
            &format!(
                "name=\"typed\" required inputmode=\"numeric\" maxlength=\"20\" autocomplete=\"off\" value=\"{typed}\""
            ),
        ] {
            assert!(answer.body.contains(part), "{part}: {}", answer.body);
        }
    }
    let untouched = "SELECT count(*) FROM dead_letters WHERE status = 'parked' AND claimed_until IS NULL";
    assert_eq!(stage.database.count(untouched).await, 252);
    assert_eq!(stage.database.count("SELECT count(*) FROM audit_log").await, 0);
    // AND as it is shown, they go
    let begun = send(&stage, &cookie, &with("typed", Some("250"))).await;
    assert!(begun.body.contains("Replay under way"), "{}", begun.body);
    // AND a hundred need no number
    stage
        .database
        .run_sql(
            "UPDATE dead_letters SET error_code = 'few' WHERE id IN
             (SELECT id FROM dead_letters WHERE status = 'parked' AND error_code = 'database_unavailable' AND raw <> '{broken' LIMIT 100)",
        )
        .await;
    let few = stage
        .send(with_cookie(get("/admin/dead-letters/replay?error=few"), &cookie))
        .await;
    assert!(!few.body.contains("id=\"typed\""), "{}", few.body);
    let mut fields = form(&few, "/admin/dead-letters/replay");
    fields.push(("reason".to_owned(), "the database is back".to_owned()));
    let begun = send(&stage, &cookie, &fields).await;
    assert!(begun.body.contains("Replay under way"), "{}", begun.body);
    // The one that is no JSON was among the first hundred.
    assert_eq!(queue.drain().await.len(), 199);
    stage.close().await;
}
