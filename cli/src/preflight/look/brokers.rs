//! The MSK cluster that is given.

use super::Looked;
use crate::preflight::ask::Account;
use crate::preflight::call::{BOOTSTRAP, BROKERS, SUBNETS};
use crate::preflight::element::members;
use crate::preflight::plan::Plan;
use crate::preflight::row::Row;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeSet;

const ABOUT: &str = "MSK";

/// Asks for its state, its login by IAM, its network, and the addresses that `KafkaBrokers` should have.
pub async fn look(account: &Account, plan: &Plan<'_>) -> Looked {
    let arn = plan.after.given("MskClusterArn");
    if arn.is_empty() {
        return Ok(vec![]);
    }
    let in_path = utf8_percent_encode(arn, NON_ALPHANUMERIC).to_string();
    let answer = match account
        .get(&BROKERS, &format!("/api/v2/clusters/{in_path}"))
        .await
    {
        Ok(answer) => answer,
        Err(refusal) if refusal.is_absent() => {
            return Ok(vec![Row::fails(
                ABOUT,
                format!("there is no cluster {arn}"),
                "give the ARN of a cluster in the stack's region",
            )]);
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let cluster = &answer["clusterInfo"];
    let kind = if cluster["serverless"].is_object() {
        "serverless"
    } else {
        "provisioned"
    };
    let of_kind = &cluster[kind];
    let mut rows = Vec::new();
    if cluster["state"] != "ACTIVE" {
        let state = cluster["state"].as_str().unwrap_or_default();
        rows.push(Row::fails(
            ABOUT,
            format!("the cluster is in the state {state}"),
            "wait until it is ACTIVE",
        ));
    }
    if of_kind["clientAuthentication"]["sasl"]["iam"]["enabled"] != true {
        rows.push(Row::fails(
            ABOUT,
            "the cluster takes no login by IAM, which functions and triggers use",
            "turn on IAM access control",
        ));
    }
    rows.extend(network(account, plan, of_kind).await?);
    rows.extend(addresses(account, plan, &in_path).await?);
    if rows.is_empty() {
        rows.push(Row::fine(
            ABOUT,
            "the cluster is active, in the network, and takes logins by IAM",
        ));
    }
    Ok(rows)
}

/// Functions publish from their network; the triggers' pollers are in the cluster's own.
async fn network(account: &Account, plan: &Plan<'_>, cluster: &serde_json::Value) -> Looked {
    let vpc = plan.after.given("VpcId");
    let own = cluster["vpcConfigs"][0]["subnetIds"][0]
        .as_str()
        .or_else(|| cluster["brokerNodeGroupInfo"]["clientSubnets"][0].as_str());
    let Some(subnet) = own.filter(|_| plan.after.holds("UseKafka").unwrap_or(false) && !vpc.is_empty())
    else {
        return Ok(vec![]);
    };
    let pages = account.xml(&SUBNETS, &[("SubnetId.1", subnet)]).await?;
    let of = members(&pages, "subnetSet")
        .first()
        .map_or("", |subnet| subnet.text(&["vpcId"]))
        .to_owned();
    let says = format!("the cluster is in the network {of}, not in {vpc}");
    let next = "nothing to do where the two are peered or MSK's multi-VPC connectivity is used; else give the cluster's network";
    Ok(if of == vpc {
        vec![]
    } else {
        vec![Row::risk(ABOUT, says, next)]
    })
}

async fn addresses(account: &Account, plan: &Plan<'_>, in_path: &str) -> Looked {
    let given: BTreeSet<&str> = plan.after.listed("KafkaBrokers").into_iter().collect();
    if given.is_empty() {
        return Ok(vec![]);
    }
    let answer = account
        .get(&BOOTSTRAP, &format!("/v1/clusters/{in_path}/bootstrap-brokers"))
        .await?;
    let by_iam = answer["bootstrapBrokerStringSaslIam"]
        .as_str()
        .unwrap_or_default();
    let known: BTreeSet<&str> = by_iam.split(',').map(str::trim).collect();
    let strange: Vec<&str> = given.difference(&known).copied().collect();
    let says = format!(
        "KafkaBrokers has {}, which the cluster does not name for logins by IAM",
        strange.join(", ")
    );
    Ok(if strange.is_empty() {
        vec![]
    } else {
        vec![Row::fails(ABOUT, says, format!("give KafkaBrokers={by_iam}"))]
    })
}
