//! The secrets that are given by their ARN. Their values are never read.

use super::Looked;
use crate::preflight::ask::Account;
use crate::preflight::call::SECRET;
use crate::preflight::plan::Plan;
use crate::preflight::row::Row;
use serde_json::{Value, json};

const ABOUT: &str = "secrets";

/// Describes each.
pub async fn look(account: &Account, plan: &Plan<'_>) -> Looked {
    let (mut rows, mut seen) = (Vec::new(), 0);
    for (parameter, arn) in plan.after.secrets()? {
        seen += 1;
        let region = arn.split(':').nth(3).unwrap_or_default();
        if !arn.starts_with("arn:") || region.is_empty() {
            rows.push(Row::fails(
                ABOUT,
                format!("{parameter} {arn:?} is no ARN"),
                "give the whole ARN: aws secretsmanager describe-secret",
            ));
            continue;
        }
        if region != account.region {
            let says = format!(
                "{parameter} is in {region}, and functions ask Secrets Manager in {}",
                account.region
            );
            rows.push(Row::fails(
                ABOUT,
                says,
                "replicate the secret to the stack's region, and give the ARN there",
            ));
            continue;
        }
        match account.json(&SECRET, &json!({ "SecretId": arn })).await {
            Ok(secret) => rows.extend(of_secret(parameter, &secret)),
            Err(refusal) if refusal.is_absent() => {
                rows.push(Row::fails(
                    ABOUT,
                    format!("{parameter}: there is no secret {arn}"),
                    "make it, or correct the ARN",
                ));
            }
            Err(refusal) => rows.push(Row::unasked(ABOUT, &refusal)),
        }
    }
    if rows.is_empty() && seen > 0 {
        rows.push(Row::fine(
            ABOUT,
            format!("the {seen} secrets that are given are there"),
        ));
    }
    Ok(rows)
}

fn of_secret(parameter: &str, secret: &Value) -> Option<Row> {
    if !secret["DeletedDate"].is_null() {
        let says = format!("{parameter}: the secret is being deleted");
        return Some(Row::fails(
            ABOUT,
            says,
            "aws secretsmanager restore-secret, or give another",
        ));
    }
    let key = secret["KmsKeyId"]
        .as_str()
        .filter(|key| !key.ends_with("alias/aws/secretsmanager"))?;
    Some(Row::risk(
        ABOUT,
        format!(
            "{parameter}: the secret is encrypted with the key {key}; the functions' roles name secrets only"
        ),
        "let the functions' roles decrypt in that key's policy (docs/deploy.md)",
    ))
}
