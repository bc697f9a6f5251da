//! Dead letters counted in groups.

use crate::operator::{Operator, purchase_created};
use serde_json::{Value, json};

async fn with_dead_letters() -> Operator {
    let operator = Operator::open().await;
    operator
        .sql(
            "INSERT INTO dead_letters (source, message_id, function_name, error_code, event_id, event_type, failure_reason, status, parked_at)
             VALUES ('q', '1', 'create-purchase', 'missing_field', 'event-1', 'PURCHASE_CONFIRMED', 'oldest', 'parked', '2026-01-01T00:00:00Z'),
                    ('q', '2', 'create-purchase', 'missing_field', 'event-1', 'PURCHASE_CONFIRMED', 'older', 'parked', '2026-01-02T00:00:00Z'),
                    ('q', '3', 'create-purchase', 'missing_field', 'event-2', 'PURCHASE_CONFIRMED', 'newest', 'parked', '2026-01-03T00:00:00Z'),
                    ('q', '4', 'allocate-trainer', 'admin_refused', 'event-1', 'PURCHASE_CONFIRMED', 'other', 'parked', '2026-01-04T00:00:00Z'),
                    ('q', '5', NULL, NULL, NULL, NULL, 'SQS moved it', 'replayed', '2026-01-05T00:00:00Z')",
        )
        .await;
    operator
}

async fn asked(operator: &Operator, arguments: &[&str]) -> Value {
    let arguments = [&["dead-letters", "groups", "--json"], arguments].concat();
    operator.run(&arguments).await.succeeded().json()
}

#[tokio::test]
async fn an_error_is_one_group_with_its_numbers_its_times_and_its_newest_example() {
    let operator = with_dead_letters().await;
    let groups = asked(&operator, &[]).await;
    assert_eq!(
        groups["lookedAt"], 4,
        "parked ones, unless others are asked for: {groups}"
    );
    let first = &groups["groups"][0];
    let newest = operator
        .row("SELECT id FROM dead_letters WHERE message_id = '3'")
        .await;
    assert_eq!(first["example"], newest["id"]);
    for (field, expected) in [
        ("functionName", json!("create-purchase")),
        ("errorCode", json!("missing_field")),
        ("deadLetters", json!(3)),
        ("events", json!(2)),
        ("firstParkedAt", json!("2026-01-01T00:00:00Z")),
        ("lastParkedAt", json!("2026-01-03T00:00:00Z")),
        ("failureReason", json!("newest")),
    ] {
        assert_eq!(first[field], expected, "{field}: {groups}");
    }
    assert_eq!(
        asked(&operator, &["--status", "all"]).await["groups"][1]["functionName"],
        Value::Null
    );
    assert_eq!(
        asked(&operator, &["--since", "2026-01-04T00:00:00Z"]).await["lookedAt"],
        1
    );
    assert_eq!(
        asked(&operator, &["--until", "2026-01-02T00:00:00Z"]).await["lookedAt"],
        1
    );
    let text = operator.run(&["dead-letters", "groups"]).await.succeeded().output;
    assert!(
        text.contains("missing_field") && text.contains("2026-01-01 00:00:00Z"),
        "{text}"
    );
    operator.close().await;
}

#[tokio::test]
async fn an_event_is_one_group_whose_dead_letters_the_list_finds_by_its_id() {
    let operator = with_dead_letters().await;
    let groups = asked(&operator, &["--by", "event"]).await;
    let first = &groups["groups"][0];
    assert_eq!(
        (&first["eventId"], &first["deadLetters"]),
        (&json!("event-1"), &json!(3)),
        "{groups}"
    );
    assert_eq!(
        first["errors"],
        json!([
            "allocate-trainer: admin_refused",
            "create-purchase: missing_field"
        ])
    );
    for (filter, found) in [
        (["--event-id", "event-1"], 3),
        (["--event-id", "event-2"], 1),
        (["--event-id", "-"], 1),
        (["--function", "-"], 1),
        (["--error-code", "-"], 1),
    ] {
        let arguments = [
            &["dead-letters", "list", "--json", "--status", "all"][..],
            &filter,
        ]
        .concat();
        let list = operator.run(&arguments).await.succeeded().json();
        assert_eq!(
            list["items"].as_array().map(Vec::len),
            Some(found),
            "{filter:?}: {list}"
        );
    }
    operator.close().await;
}

#[tokio::test]
async fn a_replay_of_one_group_sends_its_dead_letters_and_no_other() {
    let operator = Operator::open().await;
    for _ in 0..4 {
        operator
            .dead_letter("created-cache", &purchase_created().to_string())
            .await;
    }
    // GIVEN two of one event, one of another, and one of none that no function parked and that has no code
    operator
        .sql(
            "UPDATE dead_letters d SET event_id = n.event, function_name = n.function, error_code = n.code
             FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM dead_letters) o
             JOIN (VALUES (1, 'event-1', 'allocate-trainer', 'x'), (2, 'event-1', 'allocate-trainer', 'x'), (3, 'event-2', 'allocate-trainer', 'x'),
                          (4, NULL, NULL, NULL)) n (place, event, function, code) USING (place)
             WHERE d.id = o.id",
        )
        .await;
    let replay = async |filter: &[&str]| {
        let arguments = [&["dead-letters", "replay", "--yes", "--reason", "r"], filter].concat();
        operator.run(&arguments).await.succeeded();
        operator.queues.recorded().len()
    };
    // WHEN one group is replayed THEN it is sent, and nothing else
    assert_eq!(replay(&["--event-id", "event-1"]).await, 2);
    assert_eq!(
        replay(&["--function", "-", "--error-code", "-", "--event-id", "-"]).await,
        3
    );
    let left = operator
        .row("SELECT event_id FROM dead_letters WHERE status = 'parked'")
        .await;
    assert_eq!(left, json!({"event_id": "event-2"}));
    operator.close().await;
}
