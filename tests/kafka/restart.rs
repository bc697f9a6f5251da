//! Our producer and a broker that is no part of librdkafka: one that falls silent and goes on, and one that forgot everything.

use crate::order::{row_for, transport_to};
use makegood::outbox::Transport;
use makegood_tests::kafka_clients::read;
use makegood_tests::kafka_server::KafkaServer;
use makegood_tests::tried::note;
use std::collections::BTreeSet;

const TOPIC: &str = "purchase-created";

/// Sends the event of this number, and gives back what the broker had against it.
async fn send(transport: &Transport, number: i64) -> Result<(), String> {
    transport.send(&[row_for(TOPIC, number, "a")]).await.remove(0)
}

/// The event ids on the topic, of which there are at least so many.
async fn event_ids(server: &KafkaServer, least: usize) -> BTreeSet<String> {
    let (records, _) = read(&server.address(), TOPIC, least).await;
    let headers = records.into_iter().flat_map(|record| record.headers);
    let ids = headers.filter(|(name, _)| name == "eventId");
    ids.map(|(_, id)| String::from_utf8(id.expect("an event id")).expect("text"))
        .collect()
}

fn number_of(transport: &Transport) -> String {
    let text = format!("{transport:?}");
    let (_, number) = text
        .split_once("producer ")
        .expect("it says which producer it is");
    number.chars().take_while(char::is_ascii_digit).collect()
}

async fn note_row(name: &str, what: &str, seen: &str) {
    let version = KafkaServer::version().await;
    let cells = [
        ("broker", version.as_str()),
        ("what was tried", what),
        ("seen", seen),
    ];
    note("brokers", name, &cells);
}

#[tokio::test]
async fn a_producer_whose_broker_was_silent_is_fenced_by_it_and_another_goes_on() {
    // GIVEN a producer that sends, and a broker that then does not answer for longer than a send may take
    let server = KafkaServer::start(&[TOPIC], 1).await;
    let transport = transport_to(server.address()).await;
    assert_eq!(send(&transport, 1).await, Ok(()));
    server.fall_silent().await;
    let unanswered = send(&transport, 2).await.expect_err("it is not acknowledged");
    assert_eq!(
        number_of(&transport),
        "1",
        "silence is no reason to replace it: {unanswered}"
    );

    // WHEN it goes on THEN it refuses the producer at once, as one of an older epoch, and another takes its place
    server.go_on().await;
    let fenced = send(&transport, 3).await.expect_err("it is fenced");
    assert_eq!(number_of(&transport), "2", "{fenced}");
    for number in 2..=5 {
        assert_eq!(send(&transport, number).await, Ok(()), "event {number}");
    }

    // AND every event lies there; the one that was not answered may lie there twice
    let ids = event_ids(&server, 5).await;
    assert_eq!(ids, (1..=5).map(|number| format!("event-{number}")).collect());
    let seen = format!("the next send is refused (\"{fenced}\"); a new producer sends on, no event is lost");
    note_row(
        "tansu-silent",
        "silent for longer than a send may take, then goes on",
        &seen,
    )
    .await;
}

#[tokio::test]
async fn a_producer_whose_broker_forgot_it_is_replaced_and_the_next_events_go_out() {
    // GIVEN a producer that sends, and a broker that is killed and begins anew without its memory
    let mut server = KafkaServer::start(&[TOPIC], 1).await;
    let transport = transport_to(server.address()).await;
    assert_eq!(send(&transport, 1).await, Ok(()));
    server.begin_anew().await;

    // WHEN the next event is sent THEN the broker never takes it from this producer, which after three times is replaced
    let mut in_vain = Vec::new();
    while let Err(reason) = send(&transport, 2).await {
        in_vain.push(reason);
        assert!(
            in_vain.len() <= 3,
            "no other producer takes its place: {in_vain:?}"
        );
    }
    assert_eq!(number_of(&transport), "2", "{in_vain:?}");

    // AND what is sent from then on is acknowledged
    for number in 3..=4 {
        assert_eq!(send(&transport, number).await, Ok(()), "event {number}");
    }
    let ids = event_ids(&server, 3).await;
    assert_eq!(ids, (2..=4).map(|number| format!("event-{number}")).collect());
    let seen = format!(
        "{} sends fail, the first with \"{}\"; a new producer sends on",
        in_vain.len(),
        in_vain[0]
    );
    note_row(
        "tansu-killed",
        "killed, and begins anew without its memory",
        &seen,
    )
    .await;
}
