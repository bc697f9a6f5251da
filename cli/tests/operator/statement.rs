//! `makegood statement`: what the providers say, and what a merchant exports.

use crate::operator::Operator;
use serde_json::Value;
use std::io::Write;
use tempfile::NamedTempFile;

/// With the mark that Excel writes before UTF-8.
const HEAD: &str = "\u{feff}Pidx,Amount,Status,Created at,Fee\n";

fn file(lines: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    write!(file, "{HEAD}{lines}").unwrap();
    file
}

fn arguments<'a>(file: &'a NamedTempFile, more: &[&'a str]) -> Vec<&'a str> {
    let path = file.path().to_str().unwrap();
    let names = [
        "--id",
        "pidx",
        "--amount",
        "Amount",
        "--status",
        "Status",
        "--at",
        "Created at",
        "--fee",
        "Fee",
    ];
    [
        &[
            "--json",
            "statement",
            "import",
            path,
            "--provider",
            "khalti",
            "--reason",
            "October",
        ][..],
        &names,
        more,
    ]
    .concat()
}

#[tokio::test]
async fn a_file_is_compared_and_kept_once_and_a_dry_run_keeps_nothing() {
    let operator = Operator::open().await;
    // GIVEN one payment that is an order here, one that is not paid here, one that is pending
    operator
        .database
        .run_sql(
            "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items, status, expires_at)
             SELECT 'pi_' || n, gen_random_uuid(), 'khalti', 'px' || n, 150000, '[]', 'succeeded', now() FROM generate_series(1, 2) n;
             UPDATE payment_intents SET status = 'expired' WHERE payment_intent_id = 'pi_2';
             INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status, amount_verified)
             VALUES ('khalti', 'px1', 'pi_1', 'success', 150000)",
        )
        .await;
    let file = file(
        "px1,\"1,500.00\",Completed,2026-01-31 17:45:00,30\npx2,1500,Completed,2026-01-31 17:45:00,\npx3,Rs. 20,Pending,2026-01-31 17:45:00,\n",
    );
    let entries = "SELECT count(*) FROM statement_entries";
    // WHEN tried THEN it says what would come of it
    let dry = operator.run(&arguments(&file, &["--dry-run"])).await;
    let outcomes = serde_json::json!({"matched": 1, "theirs_only": 1, "too_young": 1});
    assert_eq!(
        (&dry.json()["outcomes"], &dry.json()["kept"]),
        (&outcomes, &Value::Bool(false)),
        "{dry:?}"
    );
    assert_eq!(operator.database.count(entries).await, 0);
    // WHEN taken in, twice
    for _ in 0..2 {
        let kept = operator.run(&arguments(&file, &[])).await;
        assert_eq!((kept.code, &kept.json()["outcomes"]), (0, &outcomes), "{kept:?}");
    }
    // THEN it is there once, with who and why
    assert_eq!(operator.database.count(entries).await, 3);
    let audit = "SELECT count(*) FROM audit_log WHERE action = 'statement.import' AND reason = 'October' AND subject = 'statement:khalti'";
    assert_eq!(operator.database.count(audit).await, 2);
    let fee = format!(
        "{entries} WHERE entry_id = 'px1' AND fee_cents = 3000 AND occurred_at = '2026-01-31T12:00:00Z'"
    );
    assert_eq!(operator.database.count(&fee).await, 1);
    // AND what nothing answers for is told, until the sweep has asked
    let checked = operator
        .run(&["--json", "statement", "check", "--since", "3650d"])
        .await;
    assert_eq!(checked.code, 1, "{checked:?}");
    let told = checked.json();
    assert_eq!(told["unanswered"][0]["entryId"], "px2");
    assert_eq!(told["totals"].as_array().map(Vec::len), Some(3));
    let shown = operator.run(&["statement", "show", "pi_1"]).await;
    assert!(shown.output.contains("NPR 1,500.00"), "{shown:?}");
    operator.database.drop().await;
}

#[tokio::test]
async fn one_line_that_can_not_be_read_keeps_the_whole_file_out_and_is_named() {
    let operator = Operator::open().await;
    for (lines, more, said) in [
        (
            "px1,10,Completed,2026-01-31,\npx2,ten,Completed,2026-01-31,\n",
            &[][..],
            "line 3: the amount \"ten\"",
        ),
        (
            "px1,10,Settled,2026-01-31,\n",
            &[],
            "line 2: the status \"Settled\"",
        ),
        ("px1,10,Completed\n", &[], "found record with 3 fields"),
        (
            "px1,10,Completed,2026-01-31,\n",
            &["--refunded", "Returned"],
            "no column \"Returned\"; it has: Pidx, Amount",
        ),
    ] {
        let file = file(lines);
        let refused = operator.run(&arguments(&file, more)).await;
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(
            refused.json()["error"].as_str().unwrap().contains(said),
            "{refused:?}"
        );
    }
    for table in ["statement_entries", "audit_log"] {
        assert_eq!(
            operator
                .database
                .count(&format!("SELECT count(*) FROM {table}"))
                .await,
            0,
            "{table}"
        );
    }
    // What a word means can be said.
    let file = file("px1,10,Settled,2026-01-31,\n");
    let kept = operator.run(&arguments(&file, &["--moved", "settled"])).await;
    assert_eq!(kept.json()["outcomes"]["theirs_only"], 1, "{kept:?}");
    operator.database.drop().await;
}
