//! Many environments, everything delivered three times in any order.

use crate::school::{Payment, School, close, deliver_to, purchase_ids};
use create_purchase::CreatePurchase;
use makegood::delivery::Consumer;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

pub const PAYMENTS: usize = 1_000;
const DELIVERIES_EACH: usize = 3;
const ENVIRONMENTS: usize = 8;
const BATCH: usize = 25;
/// After how many finished batches of the storm something happens to the index.
const MIDDLE: usize = PAYMENTS * DELIVERIES_EACH / BATCH / 3;

/// Delivers [`PAYMENTS`] events three times each, shuffled, from eight environments at once; what is returned is
/// delivered again. In the middle, `meanwhile` runs beside it.
pub async fn storm(school: &School, seed: u64, meanwhile: impl Future<Output = ()>) {
    let mut bodies: Vec<String> = (0..PAYMENTS * DELIVERIES_EACH)
        .map(|index| Payment::number((index % PAYMENTS) as u128).confirmed())
        .collect();
    school.record(&bodies[..PAYMENTS]).await;
    bodies.shuffle(&mut StdRng::seed_from_u64(seed));
    let finished = Arc::new(AtomicUsize::new(0));
    let middle = Arc::new(Notify::new());
    let share = bodies.len().div_ceil(ENVIRONMENTS);
    let mut environments = Vec::new();
    for bodies in bodies.chunks(share) {
        let environment = school.environment().await;
        let (bodies, finished, middle) = (bodies.to_vec(), finished.clone(), middle.clone());
        environments.push(tokio::spawn(async move {
            for batch in bodies.chunks(BATCH) {
                deliver_until_done(&environment, batch).await;
                if finished.fetch_add(1, Ordering::SeqCst) + 1 == MIDDLE {
                    middle.notify_one();
                }
            }
            close(&environment).await;
        }));
    }
    let at_the_middle = async {
        middle.notified().await;
        meanwhile.await;
    };
    let all = async {
        for environment in environments {
            environment.await.expect("no environment panics");
        }
    };
    tokio::join!(all, at_the_middle);
}

/// Delivers a batch again as long as records of it are returned, as its queue would.
async fn deliver_until_done(environment: &Consumer<CreatePurchase>, batch: &[String]) {
    const DELIVERIES: usize = 10;
    for _ in 0..DELIVERIES {
        if deliver_to(environment, batch).await == 0 {
            return;
        }
    }
    panic!("after {DELIVERIES} deliveries a batch is not done");
}

/// 1,000 purchases, 1,000 events.
pub async fn assert_each_payment_fulfilled_once(school: &School) {
    assert_eq!(school.purchases().await, PAYMENTS as i64);
    let published = school.published().await;
    assert_eq!(published.len(), PAYMENTS, "each purchase is published");
    assert!(
        published.values().all(|times| *times == 1),
        "no purchase is published twice"
    );
    assert_eq!(purchase_ids(school).await, published.into_keys().collect());
    assert_eq!(
        school
            .database
            .count("SELECT count(*) FROM processed_events")
            .await,
        PAYMENTS as i64
    );
    assert_eq!(
        school.database.count("SELECT count(*) FROM payment_cases").await,
        0
    );
    assert!(school.dead_letters.drain().await.is_empty(), "nothing is parked");
    school.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_events_delivered_three_times_make_a_thousand_purchases() {
    let school = School::open().await;

    storm(&school, 1, async {}).await;

    assert_each_payment_fulfilled_once(&school).await;
    assert_eq!(school.counter("PurchasesCreated"), PAYMENTS as u64);
    assert_eq!(
        school.counter("DuplicateEvents"),
        (PAYMENTS * (DELIVERIES_EACH - 1)) as u64
    );
    assert_eq!(school.counter("FallbackUsed"), 0);
    assert_eq!(school.database.server_errors(), Vec::<String>::new());
    school.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_batches_of_the_same_payments_in_opposite_order_never_deadlock() {
    const ROUNDS: u128 = 20;
    const PAYMENTS_A_ROUND: u128 = 100;
    let school = School::open().await;
    let (first, second) = (school.environment().await, school.environment().await);

    for round in 0..ROUNDS {
        let numbers = round * PAYMENTS_A_ROUND..(round + 1) * PAYMENTS_A_ROUND;
        let forward: Vec<String> = numbers
            .clone()
            .map(|number| Payment::number(number).confirmed())
            .collect();
        let backward: Vec<String> = forward.iter().rev().cloned().collect();
        school.record(&forward).await;
        tokio::join!(
            deliver_until_done(&first, &forward),
            deliver_until_done(&second, &backward)
        );
    }

    assert_eq!(school.purchases().await, (ROUNDS * PAYMENTS_A_ROUND) as i64);
    assert_eq!(school.database.server_errors(), Vec::<String>::new());
    close(&first).await;
    close(&second).await;
    school.close().await;
}
