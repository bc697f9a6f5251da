//! Who issues tokens: asked from here, as API Gateway asks while the stack is made.

use super::Looked;
use crate::preflight::plan::Plan;
use crate::preflight::row::Row;
use reqwest::Client;
use serde_json::Value;
use std::time::Duration;

const ABOUT: &str = "tokens";
const LIMIT: Duration = Duration::from_secs(10);

/// Reads the discovery document of the buyers' issuer, and of the operators'.
pub async fn look(plan: &Plan<'_>) -> Looked {
    let mut rows = Vec::new();
    if plan.after.holds("HasShop")? {
        let wrong = unlike(plan.after.given("JwtIssuer")).await;
        rows.extend(wrong.map(|why| {
            Row::fails(
                ABOUT,
                format!("JwtIssuer: {why}; API Gateway reads it while the stack is made"),
                "let it answer, or correct JwtIssuer",
            )
        }));
    }
    if plan.after.holds("HasConsole")? {
        let wrong = unlike(plan.after.given("ConsoleIssuer")).await;
        rows.extend(wrong.map(|why| {
            Row::risk(
                ABOUT,
                format!("ConsoleIssuer: {why}, as asked from here"),
                "no operator could log in to the console; correct ConsoleIssuer",
            )
        }));
    }
    let is_asked = plan.after.holds("HasShop")? || plan.after.holds("HasConsole")?;
    if rows.is_empty() && is_asked {
        rows.push(Row::fine(ABOUT, "the issuers answer with their own names"));
    }
    Ok(rows)
}

/// Why this is no issuer.
async fn unlike(issuer: &str) -> Option<String> {
    let url = format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    );
    let asked = async {
        let client = Client::builder().timeout(LIMIT).build()?;
        client
            .get(&url)
            .send()
            .await?
            .error_for_status()?
            .json::<Value>()
            .await
    };
    match asked.await {
        Ok(document) if document["issuer"] != issuer => Some(format!(
            "{url} names the issuer {}, not {issuer:?}",
            document["issuer"]
        )),
        Ok(document) if !document["jwks_uri"].is_string() => Some(format!("{url} names no keys (jwks_uri)")),
        Ok(_) => None,
        Err(error) => Some(format!("{url} can't be read: {}", error.without_url())),
    }
}
