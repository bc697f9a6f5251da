//! `docs/gateways.md` has a row for each event of Razorpay's and of Stripe's, and says of it what the reader does with a body of that event.

use chrono::DateTime;
use makegood::config::Place;
use makegood::payment::razorpay::events::{EVENTS, Treatment};
use makegood::payment::razorpay::{self, Webhook};
use makegood::payment::returned::Returned;
use makegood::payment::stripe;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// (event, what it is read as) of each row, of Razorpay's table or of Stripe's.
fn rows(is_stripe: bool) -> Vec<(String, String)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/gateways.md");
    let page = fs::read_to_string(page).expect("docs/gateways.md");
    let (razorpay, stripe) = page.split_once("\n## Stripe\n").expect("a section of Stripe's");
    let section = if is_stripe { stripe } else { razorpay };
    let cells = |line: &str| {
        line.split('|')
            .map(|cell| cell.trim().to_owned())
            .collect::<Vec<_>>()
    };
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(cells)
        .map(|cells| (cells[1].trim_matches('`').to_owned(), cells[3].clone()))
        .collect()
}

/// What the reader makes of an event that carries all that any event carries.
fn read_as(event: &str) -> &'static str {
    let money =
        |id: &str| json!({"entity": {"id": id, "payment_id": "pay_1", "amount": 499_900, "currency": "INR"}});
    let body = json!({"event": event, "created_at": 1_767_817_344, "payload": {
        "payment": {"entity": {"id": "pay_1", "amount": 499_900, "currency": "INR", "status": "captured", "notes": []}},
        "refund": money("rfnd_1"), "dispute": money("disp_1"), "payment_link": money("plink_1"), "payout": money("pout_1"),
        "settlement": money("setl_1"), "transfer": money("trf_1"), "transaction": money("txn_1"),
    }});
    made_of(
        event,
        razorpay::read(body.to_string().as_bytes(), DateTime::UNIX_EPOCH),
    )
}

/// As `read_as`, for Stripe.
fn stripe_reads_as(event: &str) -> &'static str {
    let object = json!({"id": "obj_1", "object": "any", "payment_intent": "pi_1", "charge": "ch_1", "amount": 499_900,
        "amount_total": 499_900, "amount_received": 499_900, "amount_refunded": 100, "currency": "inr", "metadata": {},
        "payment_status": "paid", "status": "succeeded"});
    let body = json!({"type": event, "livemode": true, "created": 1_767_817_344, "data": {"object": object}});
    made_of(
        event,
        stripe::read(body.to_string().as_bytes(), Place::Live, DateTime::UNIX_EPOCH),
    )
}

fn made_of(event: &str, read: Result<Webhook, makegood::payment::Refused>) -> &'static str {
    match read {
        Ok(Webhook::Captured(_) | Webhook::Unnamed(_)) => "capture",
        Ok(Webhook::Returned(returned)) => match *returned {
            Returned::Refund(_) => "refund",
            Returned::Dispute(_) => "dispute",
        },
        Ok(Webhook::Ignored(ignored)) => {
            assert!(!ignored.is_unknown_money, "{event} has its row, and is no news");
            assert_eq!(ignored.counted, event, "it is counted by its name");
            "left alone"
        }
        Err(refused) => panic!("{event}: {refused:?}"),
    }
}

#[test]
fn the_page_says_of_each_event_what_the_reader_does_with_it() {
    compare(&rows(false), read_as, EVENTS);
    compare(&rows(true), stripe_reads_as, stripe::events::EVENTS);
}

fn compare(rows: &[(String, String)], read_as: fn(&str) -> &'static str, events: &[(&str, Treatment)]) {
    assert!(rows.len() > 60, "{} rows", rows.len());
    for (event, said) in rows {
        assert_eq!(said, read_as(event), "docs/gateways.md, the row of {event}");
    }
    let page: BTreeMap<_, _> = rows
        .iter()
        .map(|(event, said)| (event.as_str(), said.as_str()))
        .collect();
    assert_eq!(page.len(), rows.len(), "an event has two rows");
    let word = |treatment: Treatment| match treatment {
        Treatment::Capture => "capture",
        Treatment::Refund => "refund",
        Treatment::Dispute => "dispute",
        Treatment::LeftAlone => "left alone",
    };
    let code: BTreeMap<_, _> = events
        .iter()
        .map(|(event, treatment)| (*event, word(*treatment)))
        .collect();
    assert_eq!(
        page, code,
        "docs/gateways.md and the events.rs of the provider have the same events"
    );
}
