//! What happens to topics, their records and who reads them.

use crate::fault::Fault;
use crate::plan::PlannedFault;
use crate::topics::{TOPICS, Topics};
use crate::world::World;
use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use std::time::{Duration, Instant};

/// Poison comes at this pace.
const PACE: Duration = Duration::from_millis(250);
/// A topic is made anew so often in one fault.
const TIMES: u32 = 3;

/// Records that no function can make anything of: no JSON, JSON of no event, an event without what it needs, envelopes around
/// nothing, and tombstones.
const POISON: [Option<&str>; 11] = [
    None,
    Some(""),
    Some("null"),
    Some("<html>{mark}"),
    Some("{\"type\":\"PURCHASE_CONFIRMED\",\"paymentId\":7,\"mark\":\"{mark}\"}"),
    Some("{\"type\":\"{mark}"),
    Some("[\"{mark}\"]"),
    Some("\"{mark}\""),
    Some("{\"type\":\"UNKNOWN_TYPE\",\"_metadata\":{\"eventId\":\"{mark}\"}}"),
    Some(
        "{\"Type\":\"Notification\",\"Message\":\"no JSON {mark}\",\"TopicArn\":\"arn:aws:sns:us-east-1:0:t\"}",
    ),
    Some("{\"version\":\"0\",\"detail-type\":\"odd\",\"source\":\"{mark}\",\"detail\":[]}"),
];

pub(super) async fn bring(world: &World, planned: PlannedFault, rng: &mut StdRng) -> Result<()> {
    let topics = world.topics.as_ref().context("this run has no topics")?;
    match planned.fault {
        Fault::Rebalance => {
            topics.rebalance(true);
            tokio::time::sleep(planned.lasts).await;
            topics.rebalance(false);
        }
        Fault::Poison => poison(topics, planned, rng).await,
        Fault::RecreatedTopic => {
            for _ in 0..TIMES {
                if let Some(topic) = TOPICS.choose(rng) {
                    topics.make_anew(topic);
                }
                tokio::time::sleep(planned.lasts / TIMES).await;
            }
        }
        _ => {}
    }
    Ok(())
}

async fn poison(topics: &Topics, planned: PlannedFault, rng: &mut StdRng) {
    let until = Instant::now() + planned.lasts;
    while Instant::now() < until {
        for topic in TOPICS {
            if let Some(value) = POISON.choose(rng) {
                topics.put_poison(topic, *value).await;
            }
        }
        tokio::time::sleep(PACE).await;
    }
}
