//! The certificate of a domain of the stack's own.

use super::Looked;
use crate::preflight::ask::Account;
use crate::preflight::call::CERTIFICATE;
use crate::preflight::plan::Plan;
use crate::preflight::row::Row;
use serde_json::json;

const ABOUT: &str = "domain";

/// Asks for the certificate's state and names.
pub async fn look(account: &Account, plan: &Plan<'_>) -> Looked {
    let (domain, arn) = (
        plan.after.given("DomainName"),
        plan.after.given("DomainCertificateArn"),
    );
    if domain.is_empty() || arn.is_empty() {
        return Ok(vec![]);
    }
    let region = arn.split(':').nth(3).unwrap_or_default();
    if region != account.region {
        let says = format!(
            "DomainCertificateArn is in {region}; the domain of an API takes one of {}",
            account.region
        );
        return Ok(vec![Row::fails(
            ABOUT,
            says,
            "ask ACM for one in the stack's region",
        )]);
    }
    let answer = match account
        .json(&CERTIFICATE, &json!({ "CertificateArn": arn }))
        .await
    {
        Ok(answer) => answer,
        Err(refusal) if refusal.is_absent() => {
            return Ok(vec![Row::fails(
                ABOUT,
                format!("there is no certificate {arn}"),
                "ask ACM for one, or correct the ARN",
            )]);
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let certificate = &answer["Certificate"];
    let names = certificate["SubjectAlternativeNames"]
        .as_array()
        .into_iter()
        .flatten()
        .chain([&certificate["DomainName"]]);
    let names: Vec<&str> = names.filter_map(|name| name.as_str()).collect();
    let state = certificate["Status"].as_str().unwrap_or_default();
    Ok(vec![if state != "ISSUED" {
        Row::fails(
            ABOUT,
            format!("the certificate is in the state {state}"),
            "prove the domain to ACM (its DNS record), and wait for ISSUED",
        )
    } else if names.iter().any(|name| covers(name, domain)) {
        Row::fine(ABOUT, format!("the certificate is issued for {domain}"))
    } else {
        Row::fails(
            ABOUT,
            format!("the certificate is for {}, not for {domain}", names.join(", ")),
            "give one for DomainName",
        )
    }])
}

/// A wildcard stands for exactly one label.
fn covers(name: &str, domain: &str) -> bool {
    let rest = |domain: &str| domain.split_once('.').map(|(_, rest)| rest.to_owned());
    name.eq_ignore_ascii_case(domain)
        || name
            .strip_prefix("*.")
            .is_some_and(|suffix| rest(domain).is_some_and(|rest| rest.eq_ignore_ascii_case(suffix)))
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        assert!(covers("pay.example.com", "PAY.example.com") && covers("*.example.com", "pay.example.com"));
        assert!(!covers("*.example.com", "example.com") && !covers("*.example.com", "a.pay.example.com"));
    }
}
