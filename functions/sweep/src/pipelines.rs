//! Which pipelines there are in this stack.

use makegood::event::EventType;
use std::str::FromStr;

/// The types of event of the order pipeline; all others are of the course pipeline.
const OF_SHOP: [EventType; 2] = [EventType::OrderConfirmed, EventType::OrderRefunded];

/// What was deployed: `PIPELINES`, the template's parameter `Pipelines`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pipelines {
    /// From a payment to sessions.
    Course,
    /// From a checkout to an order.
    Shop,
    /// Each of them.
    Both,
}

impl Pipelines {
    /// What may be written for it.
    pub const EXPECTED: &'static str = "course, shop or both";

    /// Whether payments become purchases here.
    ///
    /// ```
    /// assert!(sweep::Pipelines::Both.has_course() && !sweep::Pipelines::Shop.has_course());
    /// ```
    #[must_use]
    pub fn has_course(self) -> bool {
        self != Self::Shop
    }

    /// Whether checkouts become orders here.
    ///
    /// ```
    /// assert!(sweep::Pipelines::Both.has_shop() && !sweep::Pipelines::Course.has_shop());
    /// ```
    #[must_use]
    pub fn has_shop(self) -> bool {
        self != Self::Course
    }

    /// The types of event that have a queue here, in pipeline order. A row of any other type stays in the outbox, with the reason.
    #[must_use]
    pub fn published(self) -> Vec<EventType> {
        let is_here = |event_type: &EventType| match OF_SHOP.contains(event_type) {
            true => self.has_shop(),
            false => self.has_course(),
        };
        EventType::ALL.into_iter().filter(is_here).collect()
    }
}

impl FromStr for Pipelines {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "course" => Ok(Self::Course),
            "shop" => Ok(Self::Shop),
            "both" => Ok(Self::Both),
            other => Err(format!("{other:?} is not {}", Self::EXPECTED)),
        }
    }
}
