//! The run against a school that keeps its promises, and against schools that break one each: a run that can't fail
//! would show nothing.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod api_proxy;
mod bazaar;
mod day;
mod login;
mod school;

use makegood::clock::Clock;
use makegood_local::gateway::Credentials;
use makegood_local::run::{Options, run};
use makegood_local::settings::{Outside, Settings};
use makegood_tests::database::TestDatabase;
use makegood_tests::setting;
use school::{Fault, School};
use std::path::Path;

/// A run's outside, on ports of its own.
async fn outside(state: &Path) -> Outside {
    Outside {
        admin_port: school::free_port().await,
        gateways_port: school::free_port().await,
        identity_port: school::free_port().await,
        api_port: school::free_port().await,
        credentials: Credentials::sandbox(),
        state: state.to_owned(),
    }
}

/// Runs twelve payments against a school with this fault; whether the run was content.
async fn content_with(fault: Fault) -> bool {
    let database = TestDatabase::create().await;
    let redis_url = setting("MAKEGOOD_TEST_REDIS_URL");
    let api_url = School::open(database.direct(), &redis_url, fault).await;
    let state = tempfile::tempdir().unwrap();
    let settings = Settings {
        api_url,
        database_url: database.direct_url(),
        redis_url,
        webhook_secret: school::WEBHOOK_SECRET.to_owned(),
        confirmation_secret: school::CONFIRMATION_SECRET.to_owned(),
        sweep_url: String::new(),
        order_confirmed_queue_url: String::new(),
        outside: outside(state.path()).await,
    };
    let options = Options {
        payments: 12,
        buyers: 0,
        keep: false,
        pending: fault == Fault::OneWaits,
        stories: false,
        at_once: 4,
        patience: 2,
    };
    let kept = run(&settings, &options, Clock::System).await.unwrap();
    database.drop().await;
    kept
}

#[tokio::test]
async fn a_run_is_content_with_a_school_that_keeps_its_promises() {
    assert!(content_with(Fault::None).await);
}

#[tokio::test]
async fn a_student_who_waits_for_a_trainer_is_no_broken_promise_where_that_was_asked_for() {
    assert!(content_with(Fault::OneWaits).await);
}

#[tokio::test]
async fn a_lost_purchase_is_noticed() {
    assert!(!content_with(Fault::LosesPurchase).await);
}

#[tokio::test]
async fn a_surplus_payment_without_a_case_is_noticed() {
    assert!(!content_with(Fault::ForgetsSurplus).await);
}

#[tokio::test]
async fn a_missing_allocation_is_noticed() {
    assert!(!content_with(Fault::ForgetsTrainer).await);
}

#[tokio::test]
async fn six_sessions_in_place_of_seven_are_noticed() {
    assert!(!content_with(Fault::SixSessions).await);
}

#[tokio::test]
async fn an_event_that_was_never_written_is_noticed() {
    assert!(!content_with(Fault::PublishesNothing).await);
}

#[tokio::test]
async fn an_event_of_what_never_happened_is_noticed() {
    assert!(!content_with(Fault::Invents).await);
}

#[tokio::test]
async fn a_page_that_stays_cached_is_noticed() {
    assert!(!content_with(Fault::KeepsPages).await);
}

#[tokio::test]
async fn a_forged_payment_that_is_believed_is_noticed() {
    assert!(!content_with(Fault::BelievesForgery).await);
}
