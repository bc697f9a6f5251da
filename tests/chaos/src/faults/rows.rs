//! Another session's locks on the rows that the stages write.

use super::database::{part_of, run};
use crate::plan::PlannedFault;
use crate::world::World;
use anyhow::Result;
use futures::future::try_join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use std::time::Duration;

/// Each in a transaction of its own, which is rolled back.
const HELD: [&str; 6] = [
    "SELECT id FROM payments ORDER BY created_at DESC LIMIT 5 FOR UPDATE",
    "SELECT variant_id FROM inventory ORDER BY variant_id LIMIT 1 FOR UPDATE",
    "SELECT id FROM outbox ORDER BY id DESC LIMIT 5 FOR UPDATE",
    "SELECT id FROM job_queue ORDER BY created_at DESC LIMIT 3 FOR UPDATE",
    "SELECT id FROM trainer_allocations ORDER BY created_at DESC LIMIT 3 FOR UPDATE",
    "SELECT payment_intent_id FROM payment_intents ORDER BY created_at DESC LIMIT 3 FOR UPDATE",
];

pub(super) async fn hold(world: &World, planned: PlannedFault, rng: &mut StdRng) -> Result<()> {
    let mut texts: Vec<(String, Duration)> = HELD
        .iter()
        .map(|text| ((*text).to_owned(), part_of(planned, rng)))
        .collect();
    // An uncommitted purchase of a student who is about to pay, or has just paid.
    let payments: Vec<_> = world
        .outside
        .plan
        .payments
        .iter()
        .filter(|payment| payment.at >= planned.at)
        .take(12)
        .collect();
    for payment in payments.choose_multiple(rng, 3) {
        texts.push((
            format!(
                "INSERT INTO student_course_purchases (student_id, course_id, purchase_tier) VALUES ('{}', '{}', 30)
                 ON CONFLICT DO NOTHING",
                payment.student, payment.course
            ),
            part_of(planned, rng),
        ));
    }
    try_join_all(texts.iter().map(|(text, lasts)| hold_one(world, text, *lasts))).await?;
    Ok(())
}

async fn hold_one(world: &World, text: &str, lasts: Duration) -> Result<()> {
    let mut connection = world.servers.connect().await?;
    run(&mut connection, "BEGIN; SET LOCAL lock_timeout = '2s'").await?;
    // A lock that can't be had now is held by a function, which is as well.
    if run(&mut connection, text).await.is_ok() {
        tokio::time::sleep(lasts).await;
    }
    run(&mut connection, "ROLLBACK").await
}
