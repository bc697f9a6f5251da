//! What a row says about the message that it keeps.

use super::*;

#[tokio::test]
async fn a_document_is_filed_with_all_that_it_says() {
    // GIVEN a document of a record that create-purchase refused
    let database = TestDatabase::create().await;
    let payment = Uuid::new_v4();
    let raw = event(payment);
    let document = DeadLetter {
        correlation_id: Some(payment.to_string()),
        event_id: Some("payment:x".to_owned()),
        ..dead_letter("m-1", &raw)
    };

    // WHEN it arrives
    let answer = file(&database, sqs_event(DEAD_LETTER_QUEUE, &[body(&document)])).await;

    // THEN its row holds every field
    assert_eq!(answer, all_filed());
    let rows = rows(&database).await;
    let row = &rows[0];
    assert_eq!(rows.len(), 1);
    for (column, expected) in [
        ("source", "purchase-confirmed"),
        ("message_id", "m-1"),
        ("function_name", "create-purchase"),
        ("event_type", "PURCHASE_CONFIRMED"),
        ("event_id", "payment:x"),
        ("failure_reason", "field `courseId` is missing"),
        ("error_code", "missing_field"),
        ("raw", raw.as_str()),
        ("status", "parked"),
    ] {
        assert_eq!(text(row, column).as_deref(), Some(expected), "{column}");
    }
    assert_eq!(row.get::<Uuid, _>("correlation_id"), payment);
    assert_eq!(
        (row.get::<i32, _>("attempts"), row.get::<bool, _>("permanent")),
        (3, true)
    );
    assert_eq!(row.get::<i32, _>("replay_count"), 0);
    assert_eq!(
        row.get::<DateTime<Utc>, _>("parked_at"),
        document.failure_timestamp
    );
    let filed: Value = row.get("document");
    assert_eq!(filed["functionVersion"], "7");
    assert_eq!(filed["originalEvent"]["paymentId"], payment.to_string());
    database.drop().await;
}

#[tokio::test]
async fn what_a_function_parks_is_what_is_filed() {
    // GIVEN a Kafka record parked by the real parking into a real queue
    let database = TestDatabase::create().await;
    let queue = TestQueue::create("allocate-trainer-dlq").await;
    let parking = Parking {
        client: queue.client.clone(),
        queue_url: queue.url.clone(),
        function_name: "allocate-trainer".to_owned(),
        function_version: "1".to_owned(),
    };
    let origin = Origin::Kafka {
        topic: "purchase-created".to_owned(),
        partition: Some(2),
        offset: Some(17),
        fingerprint: "0f".to_owned(),
    };
    let delivery = Delivery {
        payload: None,
        defect: None,
        attempt: 1,
        origin,
        replay: None,
    };
    parking
        .park(&delivery, None, &Failure::park("empty_body", "nothing"), 1, now())
        .await
        .unwrap();

    // WHEN its message arrives
    let answer = file(&database, queue.receive_event(10).await).await;

    // THEN it is filed under its topic, partition, offset and hash, without a body
    assert_eq!(answer, all_filed());
    let rows = rows(&database).await;
    assert_eq!(text(&rows[0], "source").as_deref(), Some("purchase-created"));
    assert_eq!(text(&rows[0], "message_id").as_deref(), Some("2-17-0f"));
    assert_eq!(text(&rows[0], "raw"), None);
    assert_eq!(rows[0].get::<Value, _>("document")["originalOffset"], 17);
    database.drop().await;
}

#[tokio::test]
async fn a_message_that_sqs_moved_is_filed_as_it_is_and_counted_once() {
    // GIVEN an event that crashed its function four times, and a document that its function has counted already
    let database = TestDatabase::create().await;
    let payment = Uuid::new_v4();
    let raw = event(payment);
    let mut arriving = sqs_event(DEAD_LETTER_QUEUE, &[raw.clone(), body(&dead_letter("m-2", &raw))]);
    arriving["Records"][0]["attributes"]["ApproximateReceiveCount"] = json!("5");
    let metrics = DebuggingRecorder::new();
    let snapshotter = metrics.snapshotter();
    let _metrics = metrics::set_default_local_recorder(&metrics);

    // WHEN both arrive, and arrive again
    assert_eq!(file(&database, arriving.clone()).await, all_filed());
    let first = counted(&snapshotter);
    assert_eq!(file(&database, arriving).await, all_filed());

    // THEN the moved one is filed with its reason, under its queue, and only it is counted, once
    let rows = rows(&database).await;
    assert_eq!(rows.len(), 2);
    let row = &rows[1];
    assert_eq!(text(row, "source").as_deref(), Some("purchase-confirmed"));
    assert_eq!(
        text(row, "message_id").as_deref(),
        Some("purchase-confirmed-dlq-0")
    );
    assert_eq!(text(row, "error_code").as_deref(), Some("moved_by_sqs"));
    assert!(
        text(row, "failure_reason")
            .unwrap()
            .contains("SQS moved it from purchase-confirmed")
    );
    assert_eq!(text(row, "function_name"), None);
    assert_eq!(text(row, "raw"), Some(raw));
    assert_eq!(text(row, "event_type").as_deref(), Some("PURCHASE_CONFIRMED"));
    assert_eq!(row.get::<Uuid, _>("correlation_id"), payment);
    assert_eq!(
        (row.get::<i32, _>("attempts"), row.get::<bool, _>("permanent")),
        (4, false)
    );
    assert_eq!(row.get::<DateTime<Utc>, _>("parked_at"), now());
    // A snapshot takes the counts with it: what is left is what the second delivery counted.
    assert_eq!((first, counted(&snapshotter)), (1, 0));
    database.drop().await;
}

#[tokio::test]
async fn the_queue_that_sqs_names_goes_before_the_derived_one() {
    let database = TestDatabase::create().await;
    let mut arriving = sqs_event(DEAD_LETTER_QUEUE, &[event(Uuid::new_v4())]);
    arriving["Records"][0]["attributes"]["DeadLetterQueueSourceArn"] =
        json!("arn:aws:sqs:us-east-1:000000000000:purchase-created-cache");
    file(&database, arriving).await;
    assert_eq!(
        text(&rows(&database).await[0], "source").as_deref(),
        Some("purchase-created-cache")
    );
    database.drop().await;
}

#[tokio::test]
async fn an_event_without_envelope_is_filed_under_the_identity_of_its_business_key() {
    let database = TestDatabase::create().await;
    let payment = Uuid::new_v4();
    let mut raw: Value = serde_json::from_str(&event(payment)).unwrap();
    raw.as_object_mut().unwrap().remove("_metadata");
    let bodies = [raw.to_string(), body(&dead_letter("m-2", &raw.to_string()))];
    assert_eq!(
        file(&database, sqs_event(DEAD_LETTER_QUEUE, &bodies)).await,
        all_filed()
    );
    let rows = rows(&database).await;
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert_eq!(
            text(&row, "event_id"),
            Some(format!("payment:{payment}:PURCHASE_CONFIRMED"))
        );
        assert_eq!(row.get::<Uuid, _>("correlation_id"), payment);
    }
    database.drop().await;
}
