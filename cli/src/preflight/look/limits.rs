//! Quotas of the account for what is made.

use super::{Ended, Looked};
use crate::preflight::ask::Account;
use crate::preflight::call::{ADDRESSES, Call, QUOTA, RDS_LIMITS, VPCS};
use crate::preflight::element::members;
use crate::preflight::plan::Plan;
use crate::preflight::row::Row;
use serde_json::json;

const ABOUT: &str = "quotas";

/// Of a network made here, one network and one public address; of a database, a cluster and its instances.
pub async fn look(account: &Account, plan: &Plan<'_>) -> Looked {
    let mut rows = Vec::new();
    if plan.begins("MakesNetwork")? {
        rows.push(of_quota(account, "networks", "vpc", "L-F678F1CE", (&VPCS, "vpcSet")).await?);
        rows.push(
            of_quota(
                account,
                "public addresses",
                "ec2",
                "L-0263D0A3",
                (&ADDRESSES, "addressesSet"),
            )
            .await?,
        );
    }
    let (clusters, instances) = (
        plan.added("AWS::RDS::DBCluster")?,
        plan.added("AWS::RDS::DBInstance")?,
    );
    if clusters + instances > 0 {
        let pages = account.xml(&RDS_LIMITS, &[]).await?;
        for quota in members(&pages, "AccountQuotas") {
            let (what, added) = match quota.text(&["AccountQuotaName"]) {
                "DBClusters" => ("database clusters", clusters),
                "DBInstances" => ("database instances", instances),
                _ => continue,
            };
            let number = |name: &str| quota.text(&[name]).parse::<u64>().unwrap_or(0);
            rows.push(row(what, "rds", number("Used"), number("Max"), added));
        }
    }
    Ok(rows)
}

/// A quota against what the account has in the region. One that was never changed may be unknown to Service Quotas: it is five.
async fn of_quota(
    account: &Account,
    what: &str,
    service: &str,
    code: &str,
    used: (&Call, &str),
) -> Result<Row, Ended> {
    let most = match account
        .json(&QUOTA, &json!({ "ServiceCode": service, "QuotaCode": code }))
        .await
    {
        Ok(answer) => whole(&answer["Quota"]["Value"]).unwrap_or(5),
        Err(refusal) if refusal.is_absent() => 5,
        Err(refusal) => return Err(refusal.into()),
    };
    let pages = account.xml(used.0, &[]).await?;
    let used = members(&pages, used.1).len() as u64;
    Ok(row(what, service, used, most, 1))
}

/// Service Quotas writes whole numbers with a fraction (`5.0`).
fn whole(value: &serde_json::Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.to_string().split('.').next()?.parse().ok())
}

fn row(what: &str, service: &str, used: u64, most: u64, added: u64) -> Row {
    let says = format!("{what}: {used} of {most} are there, {added} more are made");
    if used + added <= most {
        Row::fine(ABOUT, says)
    } else {
        Row::fails(
            ABOUT,
            says,
            format!(
                "ask AWS for more (Service Quotas, {service}), give what you have, or remove what is not needed"
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::row::Verdict;

    #[test]
    fn the_last_one_fits_and_the_next_does_not() {
        assert_eq!(row("networks", "vpc", 4, 5, 1).verdict, Verdict::Fine);
        assert_eq!(row("networks", "vpc", 5, 5, 1).verdict, Verdict::Fails);
        assert_eq!(whole(&json!(5.0)), Some(5));
        assert_eq!(whole(&json!(20)), Some(20));
    }
}
