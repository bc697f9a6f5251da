//! The open shop of a run.

use super::api::Api;
use super::browser::Browser;
use super::stories::Plan;
use crate::identity::Identity;
use reqwest::Url;
use sqlx::PgPool;
use std::time::{Duration, Instant};

/// A shop that is open.
#[derive(Debug)]
pub(super) struct Shop<'a> {
    pub(super) plan: &'a Plan,
    pub(super) pool: PgPool,
    pub(super) api: Api,
    pub(super) browser: Browser,
    pub(super) identity: Identity,
    pub(super) gateways_url: String,
    /// The page that buyers come back to; nothing serves it, since the buyers here are their own browsers.
    pub(super) home: Url,
    /// Where the shop's mailer hears of orders.
    pub(super) mailbox: String,
    pub(super) wanted: Wanted,
    pub(super) opened: Instant,
}

/// What is asked of the shop's half.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Buyers, besides the three of the last piece and the wrong amount.
    pub buyers: usize,
    /// How many of them act at once.
    pub at_once: usize,
    /// For how long nothing may move, and a page asks for its order.
    pub patience: Duration,
}

impl Shop<'_> {
    pub(super) fn say(&self, what: &str) {
        eprintln!("{:>4} s  {what}", self.opened.elapsed().as_secs());
    }
}
