//! Whether anybody would hear of an alarm.

use super::Looked;
use crate::preflight::ask::Account;
use crate::preflight::call::TOPIC;
use crate::preflight::element::members;
use crate::preflight::plan::Plan;
use crate::preflight::row::Row;

const ABOUT: &str = "alarms";

/// Asks for the topic's subscriptions where one is given.
pub async fn look(account: &Account, plan: &Plan<'_>) -> Looked {
    let after = &plan.after;
    if !after.holds("Monitored")? {
        return Ok(vec![Row::risk(
            ABOUT,
            "Alarms is no: nothing rings when a buyer has paid and gets nothing",
            "give Alarms=yes",
        )]);
    }
    let email = after.given("AlarmEmail");
    if !email.is_empty() {
        let next = if plan.begins("MakesAlarmTopic")? {
            "confirm what SNS asks by mail; until then no alarm is sent"
        } else {
            ""
        };
        return Ok(vec![
            Row::fine(ABOUT, format!("they write to {email}")).then(next),
        ]);
    }
    let topic = after.given("AlarmTopicArn");
    if topic.is_empty() {
        return Ok(vec![Row::risk(
            ABOUT,
            "no alarm is sent",
            "give AlarmEmail or AlarmTopicArn",
        )]);
    }
    let region = topic.split(':').nth(3).unwrap_or_default();
    if region != account.region || topic.ends_with(".fifo") {
        let says = format!(
            "AlarmTopicArn {topic} can't be told by alarms of {}",
            account.region
        );
        return Ok(vec![Row::fails(
            ABOUT,
            says,
            "give a standard topic of the stack's region",
        )]);
    }
    let pages = match account.xml(&TOPIC, &[("TopicArn", topic)]).await {
        Ok(pages) => pages,
        Err(refusal) if refusal.is_absent() => {
            return Ok(vec![Row::fails(
                ABOUT,
                format!("there is no topic {topic}"),
                "make it, or give AlarmEmail",
            )]);
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let count = |key: &str| {
        let entries = members(&pages, "Attributes");
        entries
            .iter()
            .find(|entry| entry.text(&["key"]) == key)
            .and_then(|entry| entry.text(&["value"]).parse::<u64>().ok())
            .unwrap_or(0)
    };
    Ok(vec![of_subscriptions(
        topic,
        count("SubscriptionsConfirmed"),
        count("SubscriptionsPending"),
    )])
}

fn of_subscriptions(topic: &str, confirmed: u64, pending: u64) -> Row {
    match (confirmed, pending) {
        (0, 0) => Row::risk(
            ABOUT,
            format!("{topic} has no subscription: no alarm is sent"),
            "subscribe an address to it",
        ),
        (0, _) => Row::risk(
            ABOUT,
            format!("{topic} has {pending} unconfirmed subscriptions and no other: no alarm is sent"),
            "confirm what SNS asks by mail",
        ),
        _ => Row::fine(ABOUT, format!("{topic} tells {confirmed}")),
    }
}
