//! The stack itself: whether it can be deployed to, and whether its names are free.

use super::Looked;
use crate::preflight::ask::{Account, MOST_PAGES, Refusal};
use crate::preflight::call::{CACHES, CLUSTERS, Call, LOG_GROUPS, PROXIES, QUEUES, STACKS};
use crate::preflight::element::members;
use crate::preflight::plan::Plan;
use crate::preflight::row::Row;
use crate::preflight::template::Values;
use serde_json::json;
use std::collections::BTreeSet;

/// The stack of this name.
#[derive(Debug)]
pub struct Present {
    /// Its parameters; nothing where there is no stack, or none that can be updated.
    pub parameters: Option<Values>,
    /// What its state means.
    pub row: Row,
}

/// Asks for the stack. Values that CloudFormation does not show are there as asterisks, so as given.
pub async fn present(account: &Account, stack_name: &str) -> Present {
    match account.xml(&STACKS, &[("StackName", stack_name)]).await {
        Ok(pages) => {
            let stacks = members(&pages, "Stacks");
            let state = stacks.first().map_or("", |stack| stack.text(&["StackStatus"]));
            let parameters = stacks
                .iter()
                .flat_map(|stack| stack.members("Parameters"))
                .map(|parameter| {
                    (
                        parameter.text(&["ParameterKey"]).to_owned(),
                        parameter.text(&["ParameterValue"]).to_owned(),
                    )
                });
            let is_new = matches!(
                state,
                "" | "REVIEW_IN_PROGRESS" | "ROLLBACK_COMPLETE" | "DELETE_COMPLETE"
            );
            Present {
                parameters: (!is_new).then(|| parameters.collect()),
                row: of_state(stack_name, state),
            }
        }
        Err(refusal) if refusal.is_absent() => Present {
            parameters: None,
            row: of_state(stack_name, ""),
        },
        Err(refusal) => Present {
            parameters: None,
            row: Row::unasked("stack", &refusal),
        },
    }
}

fn of_state(name: &str, state: &str) -> Row {
    let is = format!("{name} is in the state {state}");
    match state {
        "" | "REVIEW_IN_PROGRESS" | "DELETE_COMPLETE" => {
            Row::fine("stack", format!("{name} is new in this account and region"))
        }
        "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" | "DELETE_FAILED" => Row::fails(
            "stack",
            is,
            format!("it can't be updated; delete it: aws cloudformation delete-stack --stack-name {name}"),
        ),
        "UPDATE_ROLLBACK_FAILED" => Row::fails(
            "stack",
            is,
            format!("aws cloudformation continue-update-rollback --stack-name {name}"),
        ),
        busy if busy.ends_with("_IN_PROGRESS") => Row::fails("stack", is, "wait until it has ended"),
        _ => Row::fine("stack", is),
    }
}

/// Whether another stack or account, or an earlier stack of this name, holds a name that a first deployment needs.
pub async fn names(account: &Account, plan: &Plan<'_>) -> Looked {
    if plan.before.is_some() {
        return Ok(vec![]);
    }
    let mut taken: Vec<String> = Vec::new();
    taken.extend(logs(account, plan).await?);
    taken.extend(queues(account, plan).await?);
    if plan.after.holds("MakesDatabase")? {
        let clusters = account.xml(&CLUSTERS, &[]).await?;
        taken.extend(named(
            plan,
            "database",
            members(&clusters, "DBClusters")
                .iter()
                .map(|one| one.text(&["DBClusterIdentifier"])),
        ));
    }
    if plan.after.holds("MakesProxy")? {
        let proxies = account.xml(&PROXIES, &[]).await?;
        taken.extend(named(
            plan,
            "proxy",
            members(&proxies, "DBProxies")
                .iter()
                .map(|one| one.text(&["DBProxyName"])),
        ));
    }
    if plan.after.holds("MakesCache")? {
        let caches = account.xml(&CACHES, &[]).await?;
        taken.extend(named(
            plan,
            "cache",
            members(&caches, "ServerlessCaches")
                .iter()
                .map(|one| one.text(&["ServerlessCacheName"])),
        ));
    }
    if taken.is_empty() {
        return Ok(vec![Row::fine("names", "the names that it needs are free")]);
    }
    let next = "delete what an earlier stack has left, or take another stack name";
    Ok(taken
        .into_iter()
        .map(|taken| Row::fails("names", format!("{taken} is there already"), next))
        .collect())
}

fn named<'n>(plan: &Plan<'_>, what: &str, mut names: impl Iterator<Item = &'n str>) -> Option<String> {
    names
        .any(|name| name == plan.stack_name)
        .then(|| format!("a {what} named {}", plan.stack_name))
}

async fn logs(account: &Account, plan: &Plan<'_>) -> Result<Vec<String>, super::Ended> {
    let wanted: BTreeSet<String> = plan
        .after
        .names("AWS::Logs::LogGroup", "LogGroupName", plan.stack_name)?
        .into_iter()
        .collect();
    let prefix = format!("/aws/lambda/{}-", plan.stack_name);
    let there = listed(
        account,
        &LOG_GROUPS,
        "logGroupNamePrefix",
        &prefix,
        "logGroups",
        "nextToken",
    )
    .await?;
    let names = there.iter().filter_map(|group| group["logGroupName"].as_str());
    Ok(names
        .filter(|name| wanted.contains(*name))
        .map(|name| format!("the log group {name}"))
        .collect())
}

async fn queues(account: &Account, plan: &Plan<'_>) -> Result<Vec<String>, super::Ended> {
    let wanted: BTreeSet<String> = plan
        .after
        .names("AWS::SQS::Queue", "QueueName", plan.stack_name)?
        .into_iter()
        .collect();
    let prefix = format!("{}-", plan.stack_name);
    let there = listed(
        account,
        &QUEUES,
        "QueueNamePrefix",
        &prefix,
        "QueueUrls",
        "NextToken",
    )
    .await?;
    let names = there.iter().filter_map(|url| url.as_str()?.rsplit('/').next());
    Ok(names
        .filter(|name| wanted.contains(*name))
        .map(|name| format!("the queue {name}"))
        .collect())
}

/// All pages of a list in JSON. SQS gives pages only to who names their size, and at most 1,000 without.
async fn listed(
    account: &Account,
    call: &Call,
    filter: &str,
    prefix: &str,
    list: &str,
    page: &str,
) -> Result<Vec<serde_json::Value>, Refusal> {
    let (mut all, mut next) = (Vec::new(), json!(null));
    for _ in 0..MOST_PAGES {
        let mut body = json!({ filter: prefix });
        if next.is_string() {
            body[page] = next;
        }
        let mut answer = account.json(call, &body).await?;
        all.extend(answer[list].as_array().into_iter().flatten().cloned());
        next = answer[page].take();
        if !next.is_string() {
            return Ok(all);
        }
    }
    Err(Refusal::endless(call))
}
