//! What a run does, from its seed alone: who pays what and when, and what goes wrong when. Pure.

use crate::fault::{Cell, Chosen, Fault};
use makegood::gateway::Provider;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use std::time::Duration;
use uuid::{Builder, Uuid};

/// Articles of the shop; the last few are scarce.
const ARTICLES: usize = 12;
const SCARCE: usize = 3;
const PLENTY: i32 = 1_000_000;
const SLOTS: [&str; 4] = ["9:00 AM", "4:00 PM", "5:30 PM", "7:00 PM"];
const TIERS: [u32; 3] = [10, 20, 30];
const DOORS: [Door; 6] = [
    Door::Webhook,
    Door::Webhook,
    Door::Webhook,
    Door::Confirmation,
    Door::Event,
    Door::Event,
];
/// One payment in this many is sent twice.
const REPEATED: u32 = 8;
/// Before the first fault something must have gone well.
const QUIET_START: Duration = Duration::from_secs(2);

/// How events travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Through queues.
    Sqs,
    /// Through topics; jobs and dead letters have queues all the same.
    Kafka,
}

/// What a run is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Everything follows from it.
    pub seed: u64,
    /// For how long payments come and faults happen.
    pub lasts: Duration,
    /// Payments for courses in ten seconds; checkouts are a third of it.
    pub payments_in_ten_seconds: u64,
    /// What may go wrong.
    pub faults: Chosen,
    /// How events travel meanwhile.
    pub transport: Transport,
}

/// The plan of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Payments for courses, in the order of their time.
    pub payments: Vec<PlannedPayment>,
    /// Checkouts, in the order of their time.
    pub checkouts: Vec<PlannedCheckout>,
    /// What the shop sells.
    pub articles: Vec<Article>,
    /// What goes wrong, in the order of time within each cell.
    pub faults: Vec<PlannedFault>,
}

/// The ways that a payment for a course comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Razorpay's webhook; acknowledged with 2xx.
    Webhook,
    /// The payment service's signed confirmation; acknowledged with 2xx.
    Confirmation,
    /// The payment service's own event, straight into the queue; acknowledged once the queue has it. There is no row of it that
    /// a sweep could find.
    Event,
}

/// A payment for a course. No two are of the same student.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedPayment {
    /// When it is first sent, from the start.
    pub at: Duration,
    /// Who learns.
    pub student: Uuid,
    /// What.
    pub course: Uuid,
    /// Its id at the payment service; Razorpay's webhooks name none.
    pub payment: Uuid,
    /// Its name at its provider.
    pub reference: String,
    /// Which way it comes.
    pub door: Door,
    /// Whether it is sent twice at once.
    pub is_repeated: bool,
    /// Sessions bought.
    pub tier: u32,
    /// When the sessions are to be.
    pub slot: &'static str,
}

/// A checkout in the shop. No two are of the same buyer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedCheckout {
    /// When the buyer checks out, from the start.
    pub at: Duration,
    /// Who.
    pub user: Uuid,
    /// Where they pay.
    pub provider: Provider,
    /// Articles by place, with how many pieces.
    pub basket: Vec<(usize, i32)>,
    /// Whether they close the tab once they have paid, so that only the sweep asks the gateway.
    pub closes_tab: bool,
    /// Whether they pay at all.
    pub pays: bool,
}

/// Something on sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// Its variant.
    pub variant: Uuid,
    /// Its product.
    pub product: Uuid,
    /// Whose it is.
    pub vendor: Uuid,
    /// Its name.
    pub sku: String,
    /// Paisa a piece.
    pub price_minor: i64,
    /// Pieces at the start.
    pub stock: i32,
}

/// One fault of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedFault {
    /// When it begins, from the start.
    pub at: Duration,
    /// How long it lasts.
    pub lasts: Duration,
    /// What it is.
    pub fault: Fault,
    /// What it draws its own chances from.
    pub seed: u64,
}

impl Plan {
    /// The plan of this seed.
    #[must_use]
    pub fn of(wanted: &Wanted) -> Self {
        // Each part draws from a stream of its own, so that one part's changes leave the others as they were.
        let stream = |number: u64| StdRng::seed_from_u64(wanted.seed.wrapping_mul(31).wrapping_add(number));
        let articles = articles(&mut stream(1), wanted);
        Self {
            payments: payments(&mut stream(2), wanted),
            checkouts: checkouts(&mut stream(3), wanted, articles.len()),
            articles,
            faults: Cell::ALL
                .into_iter()
                .zip(4..)
                .flat_map(|(cell, number)| faults_of(&mut stream(number), wanted, cell))
                .collect(),
        }
    }
}

fn payments(rng: &mut StdRng, wanted: &Wanted) -> Vec<PlannedPayment> {
    let number = wanted.lasts.as_secs() * wanted.payments_in_ten_seconds / 10;
    let courses: Vec<Uuid> = (0..4).map(|_| id(rng)).collect();
    let mut payments: Vec<PlannedPayment> = (0..number.max(1))
        .map(|place| PlannedPayment {
            at: moment(rng, wanted),
            student: id(rng),
            course: courses[rng.random_range(0..courses.len())],
            payment: id(rng),
            reference: format!("pay_{:x}x{place}", wanted.seed),
            door: DOORS[rng.random_range(0..DOORS.len())],
            is_repeated: rng.random_ratio(1, REPEATED),
            tier: TIERS[rng.random_range(0..TIERS.len())],
            slot: SLOTS[rng.random_range(0..SLOTS.len())],
        })
        .collect();
    payments.sort_by_key(|payment| payment.at);
    payments
}

fn checkouts(rng: &mut StdRng, wanted: &Wanted, articles: usize) -> Vec<PlannedCheckout> {
    let number = wanted.lasts.as_secs() * wanted.payments_in_ten_seconds / 30;
    let mut checkouts: Vec<PlannedCheckout> = (0..number.max(1))
        .map(|_| {
            let mut places: Vec<usize> = (0..articles).collect();
            places.shuffle(rng);
            let lines = rng.random_range(1..=3);
            PlannedCheckout {
                at: moment(rng, wanted),
                user: id(rng),
                provider: if rng.random_ratio(1, 2) {
                    Provider::Esewa
                } else {
                    Provider::Khalti
                },
                basket: places
                    .into_iter()
                    .take(lines)
                    .map(|place| (place, rng.random_range(1..=2)))
                    .collect(),
                closes_tab: rng.random_ratio(1, 4),
                pays: rng.random_ratio(9, 10),
            }
        })
        .collect();
    checkouts.sort_by_key(|checkout| checkout.at);
    checkouts
}

/// Of the scarce ones there are so few that some buyers must be refused.
fn articles(rng: &mut StdRng, wanted: &Wanted) -> Vec<Article> {
    let checkouts = wanted.lasts.as_secs() * wanted.payments_in_ten_seconds / 30;
    let scarce = i32::try_from(checkouts / 10).unwrap_or(PLENTY).max(3);
    (0..ARTICLES)
        .map(|place| Article {
            variant: id(rng),
            product: id(rng),
            vendor: id(rng),
            sku: format!("SKU-{place}"),
            price_minor: rng.random_range(50..500) * 1_000,
            stock: if place < ARTICLES - SCARCE { PLENTY } else { scarce },
        })
        .collect()
}

/// One fault of the cell after the other, each kind once before any comes again, with a pause between them.
fn faults_of(rng: &mut StdRng, wanted: &Wanted, cell: Cell) -> Vec<PlannedFault> {
    let of_cell = wanted
        .faults
        .0
        .iter()
        .copied()
        .filter(|fault| fault.cell() == cell);
    let mut kinds: Vec<Fault> = of_cell.collect();
    let mut planned = Vec::new();
    if kinds.is_empty() {
        return planned;
    }
    let mut at = QUIET_START;
    loop {
        kinds.shuffle(rng);
        for fault in kinds.clone() {
            let (least, most) = fault.lasts_millis();
            let lasts = Duration::from_millis(rng.random_range(least..=most));
            if at + lasts > wanted.lasts {
                return planned;
            }
            planned.push(PlannedFault {
                at,
                lasts,
                fault,
                seed: rng.random(),
            });
            at += lasts + Duration::from_millis(rng.random_range(500..2_500));
        }
    }
}

fn moment(rng: &mut StdRng, wanted: &Wanted) -> Duration {
    let most = u64::try_from(wanted.lasts.as_millis()).unwrap_or(u64::MAX).max(1);
    Duration::from_millis(rng.random_range(0..most))
}

fn id(rng: &mut StdRng) -> Uuid {
    Builder::from_random_bytes(rng.random()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(seed: u64) -> Wanted {
        Wanted {
            seed,
            lasts: Duration::from_secs(60),
            payments_in_ten_seconds: 40,
            faults: "all".parse().unwrap(),
            transport: Transport::Sqs,
        }
    }

    #[test]
    fn a_seed_always_gives_the_same_plan_and_another_seed_another() {
        assert_eq!(Plan::of(&wanted(7)), Plan::of(&wanted(7)));
        assert_ne!(Plan::of(&wanted(7)), Plan::of(&wanted(8)));
    }

    #[test]
    fn faults_of_one_cell_never_overlap_and_all_end_in_time() {
        let plan = Plan::of(&wanted(3));
        for cell in Cell::ALL {
            let faults: Vec<_> = plan
                .faults
                .iter()
                .filter(|planned| planned.fault.cell() == cell)
                .collect();
            assert!(!faults.is_empty(), "{cell:?}");
            assert!(
                faults
                    .windows(2)
                    .all(|pair| pair[0].at + pair[0].lasts < pair[1].at),
                "{cell:?}"
            );
            assert!(
                faults
                    .iter()
                    .all(|planned| planned.at + planned.lasts <= wanted(3).lasts)
            );
        }
    }

    #[test]
    fn choosing_fewer_faults_leaves_the_payments_as_they_were() {
        let few = Wanted {
            faults: "crash".parse().unwrap(),
            ..wanted(5)
        };
        assert_eq!(Plan::of(&few).payments, Plan::of(&wanted(5)).payments);
        assert!(
            Plan::of(&few)
                .faults
                .iter()
                .all(|planned| planned.fault == Fault::Crash)
        );
    }

    #[test]
    fn no_buyer_pays_twice() {
        let plan = Plan::of(&wanted(1));
        assert_eq!(plan.payments.len(), 240);
        let mut students: Vec<_> = plan.payments.iter().map(|payment| payment.student).collect();
        students.sort_unstable();
        students.dedup();
        assert_eq!(students.len(), 240);
    }
}
