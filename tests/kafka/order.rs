//! The transport itself: events of one correlation id keep their order, and a dead producer does not stay.

use makegood::ids::CorrelationId;
use makegood::outbox::{KafkaAuth, KafkaConfig, KafkaTransport, OutboxRow, Transport};
use makegood_tests::kafka_broker::{Broker, Recorded};
use makegood_tests::queues::aws;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

const TOPIC: &str = "purchase-created";

/// A row of the outbox for the topic of this file.
fn row(id: i64, correlation_id: &str) -> OutboxRow {
    row_for(TOPIC, id, correlation_id)
}

/// A row of the outbox, which goes out under this correlation id.
pub fn row_for(topic: &str, id: i64, correlation_id: &str) -> OutboxRow {
    let event_id = format!("event-{id}");
    let metadata =
        json!({"eventId": event_id, "correlationId": correlation_id, "source": "test", "version": "1.0.0"});
    OutboxRow {
        id,
        event_type: "PURCHASE_CREATED".to_owned(),
        topic: topic.to_owned(),
        correlation: CorrelationId::from_text(correlation_id),
        payload: json!({"number": id, "_metadata": metadata}),
        event_id,
    }
}

/// The event ids by key, in the order of their partition; panics when a key has two partitions.
fn by_key(records: &[Recorded]) -> BTreeMap<&str, Vec<&str>> {
    let mut partitions = BTreeMap::new();
    let mut ids: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for record in records {
        let key = record.key.as_deref().expect("a key");
        let partition = partitions.entry(key).or_insert(record.partition);
        assert_eq!(*partition, record.partition, "{key} lies on two partitions");
        ids.entry(key).or_default().push(&record.headers["eventId"]);
    }
    ids
}

/// Our own producer, for the brokers at this address.
pub async fn transport_to(address: String) -> Transport {
    let config = KafkaConfig {
        brokers: address,
        auth: KafkaAuth::Open,
    };
    Transport::Kafka(KafkaTransport::open(&config, &aws().await).unwrap())
}

async fn transport(broker: &Broker) -> Transport {
    transport_to(broker.address()).await
}

#[tokio::test]
async fn events_of_one_correlation_id_lie_on_one_partition_in_the_order_of_the_outbox() {
    // GIVEN the rows of twenty correlation ids, one of them no UUID, as a sweep claims them: in no order
    let keys: Vec<String> = (0..19)
        .map(|_| Uuid::new_v4().to_string())
        .chain(["pi_esewa_1".to_owned()])
        .collect();
    let mut rows: Vec<OutboxRow> = (0_i64..400)
        .map(|id| row(id, &keys[usize::try_from(id).unwrap() % keys.len()]))
        .collect();
    rows.shuffle(&mut StdRng::seed_from_u64(7));

    // WHEN they are sent to a topic of six partitions
    let broker = Broker::start(&[TOPIC], 6);
    assert_eq!(transport(&broker).await.send(&rows).await, vec![Ok(()); 400]);

    // THEN each key has one partition, and there its events lie as they were written
    let records = broker.everything_in(TOPIC);
    let found = by_key(&records);
    assert_eq!(found.len(), keys.len());
    for (number, key) in keys.iter().enumerate() {
        let expected: Vec<String> = (0..20)
            .map(|turn| format!("event-{}", number + turn * 20))
            .collect();
        assert_eq!(found[key.as_str()], expected, "{key}");
    }
    let used: std::collections::BTreeSet<i32> = records.iter().map(|record| record.partition).collect();
    assert!(used.len() > 1, "several partitions share the load");
}

#[tokio::test]
async fn a_producer_that_the_broker_disowned_is_replaced_and_the_next_events_go_out() {
    // GIVEN a producer that sends, until the broker tells it that it lost its place, which is fatal
    let broker = Broker::start(&[TOPIC], 1);
    let transport = transport(&broker).await;
    let rows = [row(1, "a"), row(2, "b"), row(3, "c")];
    assert_eq!(transport.send(&rows[..1]).await, [Ok(())]);
    broker.disown_the_producer();
    let failed = transport.send(&rows[1..2]).await;
    assert!(failed[0].is_err(), "the event is not acknowledged: {failed:?}");

    // WHEN the next events are sent by the same environment THEN the broker acknowledges them
    assert_eq!(transport.send(&rows[1..]).await, [Ok(()), Ok(())]);
    assert_eq!(broker.everything_in(TOPIC).len(), 3);
}

#[tokio::test]
async fn a_producer_that_the_broker_fenced_is_replaced_although_it_reports_no_fatal_error() {
    // GIVEN a producer that the broker takes for one of an older epoch
    let broker = Broker::start(&[TOPIC], 1);
    let transport = transport(&broker).await;
    let rows = [row(1, "a"), row(2, "b")];
    broker.fence_the_producer();
    let failed = transport.send(&rows[..1]).await;
    assert!(failed[0].is_err(), "the event is not acknowledged: {failed:?}");

    // THEN another takes its place, and the broker acknowledges what it sends
    assert!(format!("{transport:?}").contains("producer 2"), "{transport:?}");
    assert_eq!(transport.send(&rows).await, [Ok(()), Ok(())]);
    assert_eq!(broker.everything_in(TOPIC).len(), 2);
}

#[tokio::test]
async fn a_producer_that_sends_in_vain_three_times_is_replaced_whatever_it_says() {
    let broker = Broker::start(&[TOPIC], 1);
    let transport = transport(&broker).await;
    broker.refuse_records(100);
    for sends in 1..=3 {
        assert!(
            format!("{transport:?}").contains("producer 1"),
            "after {sends} sends: {transport:?}"
        );
        assert!(transport.send(&[row(sends, "a")]).await[0].is_err());
    }
    assert!(format!("{transport:?}").contains("producer 2"), "{transport:?}");
    broker.take_records_again();
    assert_eq!(transport.send(&[row(4, "a")]).await, [Ok(())]);
}
