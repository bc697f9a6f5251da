//! `ORDER_REFUNDED`: all of an order's money went back before it was shipped, and the order is cancelled.

use super::{Envelope, EventError, EventType, Fields, MOST_WHOLE};
use crate::ids::{OrderId, RefundId, UserId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// All of an order's money went back before it was shipped: the order is cancelled, and its goods are back in the stock.
///
/// ```
/// use makegood::event::Event;
/// # let body = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/order-refunded.json"));
///
/// let Event::OrderRefunded(refunded) = Event::parse(body)? else {
///     panic!("its `type` says ORDER_REFUNDED");
/// };
/// assert_eq!((refunded.amount_cents, refunded.currency.as_str()), (249_900, "NPR"));
/// # Ok::<(), makegood::event::EventError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "type", rename = "ORDER_REFUNDED")]
pub struct OrderRefunded {
    /// The refund with which all of the money was back.
    pub refund_id: RefundId,
    /// The order.
    pub order_id: OrderId,
    /// The number that people read.
    #[schemars(length(min = 1))]
    pub order_number: String,
    /// The intent that was paid.
    #[schemars(length(min = 1))]
    pub payment_intent_id: String,
    /// The buyer.
    pub user_id: UserId,
    /// What went back in all, in minor units.
    #[schemars(range(min = 0, max = MOST_WHOLE))]
    pub amount_cents: i64,
    /// ISO 4217.
    #[schemars(length(min = 1))]
    pub currency: String,
    /// Identity and correlation.
    #[serde(rename = "_metadata")]
    pub envelope: Envelope,
}

impl OrderRefunded {
    /// The deterministic id of this fact: one refund is the last of its order.
    ///
    /// ```
    /// use makegood::event::OrderRefunded;
    /// use makegood::ids::RefundId;
    /// use uuid::Uuid;
    ///
    /// let id = OrderRefunded::event_id(RefundId(Uuid::nil()));
    /// assert_eq!(id, "order-refunded-00000000-0000-0000-0000-000000000000");
    /// ```
    #[must_use]
    pub fn event_id(refund_id: RefundId) -> String {
        format!("order-refunded-{refund_id}")
    }

    pub(super) fn read(fields: &Fields) -> Result<Self, EventError> {
        let refund_id = RefundId(fields.uuid("refundId")?);
        let payment_intent_id = fields.text("paymentIntentId", "an intent's id")?.to_owned();
        Ok(Self {
            refund_id,
            order_id: OrderId(fields.uuid("orderId")?),
            order_number: fields.text("orderNumber", "an order number")?.to_owned(),
            user_id: UserId(fields.uuid("userId")?),
            amount_cents: fields.integer("amountCents", 0, "a whole number of minor units, 0 or more")?,
            currency: fields.text("currency", "an ISO 4217 code")?.to_owned(),
            envelope: Envelope::read(
                fields.get("_metadata"),
                &Self::event_id(refund_id),
                &payment_intent_id,
            ),
            payment_intent_id,
        })
    }

    /// The wire form; reading it gives the same event.
    ///
    /// ```
    /// use makegood::event::Event;
    /// # let body = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/order-refunded.json"));
    ///
    /// let Event::OrderRefunded(refunded) = Event::parse(body)? else {
    ///     panic!("its `type` says ORDER_REFUNDED");
    /// };
    /// let again = Event::parse(&refunded.to_json().to_string())?;
    /// assert_eq!(again, Event::OrderRefunded(refunded));
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "type": EventType::OrderRefunded.wire_name(),
            "timestamp": self.envelope.timestamp,
            "refundId": self.refund_id,
            "orderId": self.order_id,
            "orderNumber": self.order_number,
            "paymentIntentId": self.payment_intent_id,
            "userId": self.user_id,
            "amountCents": self.amount_cents,
            "currency": self.currency,
            "_metadata": self.envelope.to_json(),
        })
    }
}
