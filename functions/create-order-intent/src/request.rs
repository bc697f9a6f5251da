//! What one request asks for, and what becomes of one that was asked before. Pure.

use crate::checkout::Checkout;
use chrono::{DateTime, TimeDelta, Utc};
use makegood::gateway::{OpenedPayment, Provider};
use makegood::ids::UserId;
use serde_json::{Value, json};

/// How much longer than the gateway's link intent and reservation last: who pays in the last second must find the goods.
pub const GRACE: TimeDelta = TimeDelta::minutes(5);

/// A link that lasts no longer than this is as good as gone: no buyer pays in that time.
const TOO_SHORT_TO_PAY: TimeDelta = TimeDelta::minutes(1);

/// A checkout that a buyer asks for.
#[derive(Debug, Clone)]
pub struct CheckoutRequest {
    /// Who.
    pub buyer: UserId,
    /// The subject of their token, where it is not their id itself.
    pub subject: Option<String>,
    /// The `Idempotency-Key`, if there is one.
    pub key: Option<String>,
    /// The prefix of the address that the request came from.
    pub client: Option<String>,
    /// How to pay, and where to send the goods.
    pub checkout: Checkout,
}

/// An intent as its row has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// Its id.
    pub id: String,
    /// The gateway, as the column has it.
    pub provider: String,
    /// What is to be paid, in paisa.
    pub amount_minor: i64,
    /// The column `status`.
    pub status: String,
    /// Where the buyer is sent; none until the gateway has opened the payment.
    pub payment_url: Option<String>,
    /// What is posted there.
    pub form_fields: Option<Value>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// [`Checkout::fingerprint`] of what it was made for.
    pub fingerprint: Option<String>,
    /// The first intent of its checkout, where one replaced another in it.
    pub checkout: Option<String>,
    /// The intent that took its place.
    pub replaced_by: Option<String>,
}

/// Where an intent that was made before stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It was made for something else: the key is used twice.
    KeyReused,
    /// It came to nothing, or to an order; the buyer must not be sent to a link that is dead or paid.
    Ended,
    /// Reserved, and the gateway has not opened the payment yet: whoever did so is still at it, or died.
    Unopened,
    /// The buyer can be sent to the gateway.
    Opened,
    /// Paid, or the gateway says that the money may be on its way: nothing is handed out to pay it with again.
    Paid,
}

impl Intent {
    /// Where it stands for a request for `fingerprint`; `link_lives` says whether there is time left to pay.
    #[must_use]
    pub fn state(&self, fingerprint: &str, link_lives: bool) -> KeyState {
        if self.fingerprint.as_deref() != Some(fingerprint) {
            return KeyState::KeyReused;
        }
        match self.status.as_str() {
            "processing" => KeyState::Paid,
            "pending" if !link_lives => KeyState::Ended,
            "pending" if self.payment_url.is_none() => KeyState::Unopened,
            "pending" => KeyState::Opened,
            _ => KeyState::Ended,
        }
    }

    /// The same, once the gateway has opened its payment.
    pub(crate) fn opened(self, opened: &OpenedPayment) -> Self {
        Self {
            payment_url: Some(opened.payment_url.clone()),
            form_fields: Some(json!(opened.form_fields)),
            expires_at: Some(opened.expires_at + GRACE),
            ..self
        }
    }

    /// Whether there is time left to pay at the gateway; one that is not opened yet will get a link of its own.
    #[must_use]
    pub fn link_lives(&self, now: DateTime<Utc>) -> bool {
        self.expires_at
            .is_none_or(|end| end - GRACE > now + TOO_SHORT_TO_PAY)
    }
}

/// `pi_{provider}_{millis}_{8 hex}`.
#[must_use]
pub fn intent_id(provider: Provider, now: DateTime<Utc>, random: u32) -> String {
    format!("pi_{provider}_{}_{random:08x}", now.timestamp_millis())
}

/// The least that the gateway takes, in paisa: Khalti says ten rupees. An order of nothing goes through without it.
#[must_use]
pub const fn least_amount_minor(provider: Provider) -> i64 {
    match provider {
        Provider::Esewa => 1,
        Provider::Khalti => 1_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent(status: &str, payment_url: Option<&str>) -> Intent {
        Intent {
            id: "pi".to_owned(),
            provider: "esewa".to_owned(),
            amount_minor: 1,
            status: status.to_owned(),
            payment_url: payment_url.map(str::to_owned),
            form_fields: None,
            expires_at: None,
            fingerprint: Some("same".to_owned()),
            checkout: None,
            replaced_by: None,
        }
    }

    #[test]
    fn a_link_that_ends_within_a_minute_is_over_and_whoever_paid_is_not_told_so() {
        let noon: DateTime<Utc> = "2026-01-09T12:00:00Z".parse().unwrap();
        for (seconds, lives) in [(361, true), (360, false), (-1, false)] {
            let pending = Intent {
                expires_at: Some(noon + TimeDelta::seconds(seconds)),
                ..intent("pending", Some("https://gateway"))
            };
            assert_eq!(pending.link_lives(noon), lives, "{seconds}");
        }
        assert_eq!(intent("pending", None).state("same", false), KeyState::Ended);
        let paid = intent("processing", Some("https://gateway"));
        assert_eq!(paid.state("same", false), KeyState::Paid);
    }

    #[test]
    fn an_intent_asked_for_again_stands_where_its_row_says() {
        let url = Some("https://gateway");
        for (status, payment_url, state) in [
            ("pending", None, KeyState::Unopened),
            ("pending", url, KeyState::Opened),
            ("processing", url, KeyState::Paid),
            ("processing", None, KeyState::Paid),
            ("succeeded", url, KeyState::Ended),
            ("failed", url, KeyState::Ended),
            ("failed", None, KeyState::Ended),
            ("cancelled", url, KeyState::Ended),
            ("expired", url, KeyState::Ended),
        ] {
            assert_eq!(intent(status, payment_url).state("same", true), state, "{status}");
            let state = intent(status, payment_url).state("other", true);
            assert_eq!(state, KeyState::KeyReused);
        }
    }

    #[test]
    fn ids_have_the_form_that_others_rely_on() {
        let now = DateTime::from_timestamp_millis(1_767_817_344_753).unwrap();
        assert_eq!(
            intent_id(Provider::Esewa, now, 0xbeef),
            "pi_esewa_1767817344753_0000beef"
        );
    }
}
