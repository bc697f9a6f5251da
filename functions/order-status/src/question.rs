//! What the page asks: whose checkout, which one, and how long the request may be held.

use crate::respond;
use makegood::http::{Answer, Request};
use makegood::ids::UserId;
use std::time::Duration;

/// The longest that a request is held.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
const PATH: &str = "/orders/status";

/// One question, of a buyer who may ask.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) buyer: UserId,
    pub(crate) payment_intent_id: &'a str,
    pub(crate) wait: Duration,
}

impl<'a> Question<'a> {
    /// Reads it; else the answer that says what is wrong.
    pub(crate) fn read(request: &'a Request) -> Result<Self, Answer> {
        if request.path != PATH {
            return Err(Answer::not_found("GET /orders/status?payment_intent_id="));
        }
        if request.method != "GET" {
            return Err(Answer::method_not_allowed("GET"));
        }
        let buyer = request.buyer.ok_or_else(Answer::unknown_buyer)?;
        let payment_intent_id = intent_id(request.parameter("payment_intent_id")).ok_or_else(|| {
            respond::bad_parameter("payment_intent_id", "the id that the checkout answered with")
        })?;
        let wait = wait(request.parameter("wait"))
            .ok_or_else(|| respond::bad_parameter("wait", "a whole number of seconds, 0 to 5"))?;
        Ok(Self {
            buyer,
            payment_intent_id,
            wait,
        })
    }
}

/// The intent that is asked about; none when it is not named.
fn intent_id(text: Option<&str>) -> Option<&str> {
    const LONGEST: usize = 200;
    text.map(str::trim)
        .filter(|id| !id.is_empty() && id.len() <= LONGEST && !id.contains('\0'))
}

/// Whole seconds, cut at [`LONGEST_WAIT`], zero unless asked for. None when it is no such number.
fn wait(text: Option<&str>) -> Option<Duration> {
    let Some(text) = text else {
        return Some(Duration::ZERO);
    };
    let seconds: u64 = text.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_whole_seconds_and_never_over_five() {
        for (text, seconds) in [("0", 0), ("3", 3), ("5", 5), ("60", 5)] {
            assert_eq!(wait(Some(text)), Some(Duration::from_secs(seconds)));
        }
        assert_eq!(wait(None), Some(Duration::ZERO));
        for text in ["", "-1", "soon", "1.5"] {
            assert_eq!(wait(Some(text)), None, "{text:?}");
        }
    }

    #[test]
    fn an_intent_that_can_not_be_one_is_not_named() {
        for text in [None, Some(" "), Some("a\u{0}")] {
            assert_eq!(intent_id(text), None);
        }
    }
}
