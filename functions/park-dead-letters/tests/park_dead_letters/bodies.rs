//! Bodies that are hard to keep, and come back byte for byte.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

#[tokio::test]
async fn what_is_not_json_or_says_nothing_of_itself_is_filed_all_the_same() {
    let database = TestDatabase::create().await;
    let bodies = ["{cut o", "", "[1]", "\"text\"", "{\"type\":5}", "\\u0000 \\ud800"].map(str::to_owned);
    assert_eq!(
        file(&database, sqs_event(DEAD_LETTER_QUEUE, &bodies)).await,
        all_filed()
    );
    let rows = rows(&database).await;
    let kept: Vec<String> = rows.iter().map(|row| text(row, "raw").unwrap()).collect();
    assert_eq!(kept, bodies);
    assert!(
        rows.iter()
            .all(|row| text(row, "event_type").is_none() && text(row, "event_id").is_none())
    );
    database.drop().await;
}

#[tokio::test]
async fn a_body_with_nul_is_filed_and_reads_back_byte_for_byte() {
    // GIVEN NUL in a raw body, inside an event's texts, in a moved message, and in the document's own texts
    let database = TestDatabase::create().await;
    let plain = "a\0b\\u0000";
    let inside = "{\"type\":\"PURCHASE_CONFIRMED\",\"na\\u0000me\":\"x\\u0000y\"}";
    let named = DeadLetter {
        failure_reason: "bad \0 value".to_owned(),
        ..dead_letter("m\0-3", inside)
    };
    let bodies = [
        body(&dead_letter("m-1", plain)),
        body(&dead_letter("m-2", inside)),
        body(&named),
        "moved\0by SQS".to_owned(),
    ];

    // WHEN they arrive with one that is fine
    let mut all = bodies.to_vec();
    all.push(body(&dead_letter("m-4", "{}")));
    assert_eq!(
        file(&database, sqs_event(DEAD_LETTER_QUEUE, &all)).await,
        all_filed()
    );

    // THEN all are rows; a body that Postgres can't hold is a JSON string that says so
    let rows = rows(&database).await;
    assert_eq!(rows.len(), 5);
    let of = |code: &str| {
        rows.iter()
            .find(|row| text(row, "message_id").as_deref() == Some(code))
            .unwrap()
    };
    for (message_id, expected) in [("m-1", plain), ("purchase-confirmed-dlq-3", "moved\0by SQS")] {
        let row = of(message_id);
        let back: String = serde_json::from_str(&text(row, "raw").unwrap()).unwrap();
        assert_eq!(back, expected);
        assert_eq!(row.get::<Value, _>("document")["rawEncoding"], "json-string");
        assert!(text(row, "failure_reason").unwrap().contains("U+0000"));
    }
    assert_eq!(text(of("m-2"), "raw").as_deref(), Some(inside));
    assert_eq!(
        of("m-2").get::<Value, _>("document")["originalEvent"]["na␀me"],
        "x␀y"
    );
    assert_eq!(text(of("m␀-3"), "failure_reason").as_deref(), Some("bad ␀ value"));
    assert_eq!(text(of("m-4"), "raw").as_deref(), Some("{}"));
    database.drop().await;
}

#[tokio::test]
async fn a_body_of_one_mebibyte_is_filed_unpacked() {
    // GIVEN a body that had to be compressed to fit its document into a message
    let database = TestDatabase::create().await;
    let queue = TestQueue::create("create-purchase-dlq").await;
    let payment = Uuid::new_v4();
    let mut raw: Value = serde_json::from_str(&event(payment)).unwrap();
    raw["padding"] = json!("\"".repeat(523_000));
    let raw = raw.to_string();
    let parking = Parking {
        client: queue.client.clone(),
        queue_url: queue.url.clone(),
        function_name: "create-purchase".to_owned(),
        function_version: "1".to_owned(),
    };
    let origin = Origin::Sqs {
        message_id: "m-1".to_owned(),
        receipt_handle: String::new(),
        queue_arn: "arn:aws:sqs:us-east-1:000000000000:purchase-confirmed".to_owned(),
    };
    let delivery = Delivery {
        payload: Some(raw.clone()),
        defect: None,
        attempt: 1,
        origin,
        replay: None,
    };
    parking
        .park(
            &delivery,
            None,
            &Failure::park("payload_too_large", "large"),
            1,
            now(),
        )
        .await
        .unwrap();
    let arriving = queue.receive_event(10).await;
    assert!(
        arriving["Records"][0]["body"]
            .as_str()
            .unwrap()
            .contains("gzip+base64")
    );

    // WHEN it arrives
    assert_eq!(file(&database, arriving).await, all_filed());

    // THEN the body is there, plain, once, with what it says about itself
    let rows = rows(&database).await;
    assert_eq!(text(&rows[0], "raw"), Some(raw));
    assert_eq!(rows[0].get::<Uuid, _>("correlation_id"), payment);
    let document: Value = rows[0].get("document");
    assert_eq!(
        (&document["raw"], document.get("rawEncoding")),
        (&Value::Null, None)
    );
    database.drop().await;
}

#[tokio::test]
async fn a_packing_that_cannot_be_undone_is_kept_as_it_came() {
    let database = TestDatabase::create().await;
    let broken = DeadLetter {
        raw_encoding: Some("gzip+base64".to_owned()),
        ..dead_letter("m-1", "bm8gZ3ppcA==")
    };
    assert_eq!(
        file(&database, sqs_event(DEAD_LETTER_QUEUE, &[body(&broken)])).await,
        all_filed()
    );
    let rows = rows(&database).await;
    assert_eq!(text(&rows[0], "raw").as_deref(), Some("bm8gZ3ppcA=="));
    assert_eq!(rows[0].get::<Value, _>("document")["rawEncoding"], "gzip+base64");
    database.drop().await;
}

#[tokio::test]
async fn names_too_long_for_an_index_and_times_that_no_column_holds_are_filed() {
    // GIVEN two dead letters whose names differ at their ends only, and two from before and after every calendar
    let database = TestDatabase::create().await;
    let long = (0..400)
        .map(|_| Uuid::new_v4().simple().to_string())
        .collect::<String>();
    let of_source = |end: &str| DeadLetter {
        original_source: format!("{long}{end}"),
        event_id: Some(format!("{long}{end}")),
        ..dead_letter(&format!("{long}{end}"), "{}")
    };
    let at = |time: DateTime<Utc>| DeadLetter {
        failure_timestamp: time,
        ..dead_letter(&time.to_string(), "{}")
    };
    let bodies = [
        body(&of_source("1")),
        body(&of_source("2")),
        body(&at(DateTime::<Utc>::MIN_UTC)),
        body(&at(DateTime::<Utc>::MAX_UTC)),
        // The first again.
        body(&of_source("1")),
    ];

    // WHEN they arrive THEN each is one row, and a time that can't be is that of its filing
    assert_eq!(
        file(&database, sqs_event(DEAD_LETTER_QUEUE, &bodies)).await,
        all_filed()
    );
    let rows = rows(&database).await;
    assert_eq!(rows.len(), 4);
    let filed_now = rows
        .iter()
        .filter(|row| row.get::<DateTime<Utc>, _>("parked_at") == now());
    assert_eq!(filed_now.count(), 2);
    database.drop().await;
}

#[tokio::test]
async fn a_small_message_that_unpacks_to_a_large_one_is_kept_packed() {
    // GIVEN a message of some kilobytes that would be a row of twenty megabytes
    let database = TestDatabase::create().await;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b' '; 20_000_000]).unwrap();
    let packed = STANDARD.encode(encoder.finish().unwrap());
    assert!(packed.len() < 30_000);
    let bomb = DeadLetter {
        raw_encoding: Some("gzip+base64".to_owned()),
        ..dead_letter("m-1", &packed)
    };

    // WHEN it arrives THEN it is filed as it came, and says how it is packed
    assert_eq!(
        file(&database, sqs_event(DEAD_LETTER_QUEUE, &[body(&bomb)])).await,
        all_filed()
    );
    let rows = rows(&database).await;
    assert_eq!(text(&rows[0], "raw"), Some(packed));
    assert_eq!(rows[0].get::<Value, _>("document")["rawEncoding"], "gzip+base64");
    database.drop().await;
}
