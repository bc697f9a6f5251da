//! `docs/gateways.md` has a row for each event of Razorpay's, and says of it what the reader does with a body of that event.

use chrono::DateTime;
use makegood::payment::razorpay::events::{EVENTS, Treatment};
use makegood::payment::razorpay::{self, Webhook};
use makegood::payment::returned::Returned;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// (event, what it is read as) of each row.
fn rows() -> Vec<(String, String)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/gateways.md");
    let page = fs::read_to_string(page).expect("docs/gateways.md");
    let cells = |line: &str| {
        line.split('|')
            .map(|cell| cell.trim().to_owned())
            .collect::<Vec<_>>()
    };
    let rows = page.lines().filter(|line| line.starts_with("| `"));
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
    match razorpay::read(body.to_string().as_bytes(), DateTime::UNIX_EPOCH) {
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
    let rows = rows();
    assert!(rows.len() > 60, "{} rows", rows.len());
    for (event, said) in &rows {
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
    let code: BTreeMap<_, _> = EVENTS
        .iter()
        .map(|(event, treatment)| (*event, word(*treatment)))
        .collect();
    assert_eq!(
        page, code,
        "docs/gateways.md and payment/razorpay/events.rs have the same events"
    );
}
