//! The timeline of a payment that others share: its parts, its lines, and whose line it is.

use crate::scene::{Scene, json};
use crate::trace::id;

const SHARED: &str = "
    INSERT INTO payments (id, student_id, amount_cents, currency, status, provider, metadata, confirmed_at)
    SELECT md5(name)::uuid, md5('sita')::uuid, 499900, 'INR', 'succeeded', 'razorpay',
           jsonb_build_object('courseId', md5(name)::uuid), now()
    FROM (VALUES ('whole'), ('line')) p (name);
    INSERT INTO payment_lines (line_id, payment_id) VALUES (md5('line')::uuid, md5('whole')::uuid);
    INSERT INTO payment_parts (provider_payment_id, payment_id, order_id, amount_minor, currency)
    VALUES ('pay_a', md5('whole')::uuid, 'order_1', 200000, 'INR'), ('pay_b', md5('whole')::uuid, 'order_1', 299900, 'INR')";

/// What is said of parts and lines, with the id that it names.
fn said(scene: &Scene, id: &str) -> Vec<String> {
    let told = json(&scene.makegood(&["--json", "trace", id]));
    let entries = told[0]["entries"]
        .as_array()
        .or_else(|| told["entries"].as_array());
    let entries = entries.unwrap_or_else(|| panic!("{told:#}"));
    let shared = |what: &str| {
        ["part received", "this payment pays for", "paid for by another"]
            .iter()
            .any(|start| what.starts_with(start))
    };
    entries
        .iter()
        .filter(|entry| shared(entry["what"].as_str().unwrap()))
        .map(|entry| format!("{} {}", entry["what"].as_str().unwrap(), entry["ids"]))
        .collect()
}

#[tokio::test]
async fn a_payment_names_its_parts_and_lines_and_a_line_its_payment() {
    let scene = Scene::empty().await;
    scene.database.run_sql(SHARED).await;
    let ids = [
        id(&scene, "whole").await.to_string(),
        id(&scene, "line").await.to_string(),
    ];
    let whole = said(&scene, &ids[0]);
    assert_eq!(whole.len(), 3, "{whole:?}");
    for (at, texts) in [
        ["INR 2,000.00", "pay_a"],
        ["INR 2,999.00", "pay_b"],
        ["one more student or course", &ids[1]],
    ]
    .iter()
    .enumerate()
    {
        assert!(texts.iter().all(|text| whole[at].contains(text)), "{whole:?}");
    }
    let line = said(&scene, &ids[1]);
    assert!(line.len() == 1 && line[0].contains(&ids[0]), "{line:?}");
    scene.drop().await;
}

#[tokio::test]
async fn amounts_are_told_with_the_digits_of_their_currency() {
    let scene = Scene::empty().await;
    for (name, amount, currency, expected) in [
        ("yen", 5_000, "JPY", "JPY 5,000"),
        ("dinars", 12_345, "KWD", "KWD 12.345"),
        ("rupees", 499_900, "NPR", "NPR 4,999.00"),
    ] {
        let paid = format!(
            "INSERT INTO payments (id, student_id, amount_cents, currency, status, metadata, confirmed_at)
             VALUES (md5('{name}')::uuid, md5('sita')::uuid, {amount}, '{currency}', 'succeeded', jsonb_build_object('courseId', md5('{name}')::uuid), now())"
        );
        scene.database.run_sql(&paid).await;
        let id = id(&scene, name).await.to_string();
        let output = scene.makegood(&["trace", &id]);
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.contains(expected), "{expected}: {told}");
    }
    scene.drop().await;
}
