//! `ORDER_CONFIRMED`: the order row exists.

use super::{Envelope, EventError, EventType, Fields, MOST_WHOLE};
use crate::ids::{OrderId, UserId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// The order row exists, with its items.
///
/// ```
/// use makegood::event::Event;
/// # let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
/// # let body = serde_json::json!({"type": "ORDER_CONFIRMED", "orderId": id, "orderNumber": "ORD-7", "userId": id,
/// #     "paymentIntentId": "pi_7", "totalCents": 100_050, "currency": "NPR", "itemCount": 2}).to_string();
///
/// let Event::OrderConfirmed(order) = Event::parse(&body)? else {
///     panic!("its `type` says ORDER_CONFIRMED");
/// };
/// assert_eq!((order.total_cents, order.currency.as_str()), (100_050, "NPR")); // Rs. 1,000.50
/// assert_eq!(order.envelope.correlation_id, order.payment_intent_id);
/// # Ok::<(), makegood::event::EventError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "type", rename = "ORDER_CONFIRMED")]
pub struct OrderConfirmed {
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
    /// The total in minor units.
    #[schemars(range(min = 0, max = MOST_WHOLE))]
    pub total_cents: i64,
    /// ISO 4217.
    #[schemars(length(min = 1))]
    pub currency: String,
    /// The number of lines.
    #[schemars(range(min = 1, max = MOST_WHOLE))]
    pub item_count: i64,
    /// Identity and correlation.
    #[serde(rename = "_metadata")]
    pub envelope: Envelope,
}

impl OrderConfirmed {
    /// The deterministic id of this fact.
    ///
    /// ```
    /// use makegood::event::OrderConfirmed;
    /// use makegood::ids::OrderId;
    /// use uuid::Uuid;
    ///
    /// let id = OrderConfirmed::event_id(OrderId(Uuid::nil()));
    /// assert_eq!(id, "order-confirmed-00000000-0000-0000-0000-000000000000");
    /// ```
    #[must_use]
    pub fn event_id(order_id: OrderId) -> String {
        format!("order-confirmed-{order_id}")
    }

    pub(super) fn read(fields: &Fields) -> Result<Self, EventError> {
        let order_id = OrderId(fields.uuid("orderId")?);
        let payment_intent_id = fields.text("paymentIntentId", "an intent's id")?.to_owned();
        Ok(Self {
            order_id,
            order_number: fields.text("orderNumber", "an order number")?.to_owned(),
            user_id: UserId(fields.uuid("userId")?),
            total_cents: fields.integer("totalCents", 0, "a whole number of minor units, 0 or more")?,
            currency: fields.text("currency", "an ISO 4217 code")?.to_owned(),
            item_count: fields.integer("itemCount", 1, "a whole number, 1 or more")?,
            envelope: Envelope::read(
                fields.get("_metadata"),
                &Self::event_id(order_id),
                &payment_intent_id,
            ),
            payment_intent_id,
        })
    }

    /// The wire form.
    ///
    /// ```
    /// use makegood::event::Event;
    /// # let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
    /// # let body = serde_json::json!({"type": "ORDER_CONFIRMED", "orderId": id, "orderNumber": "ORD-7", "userId": id,
    /// #     "paymentIntentId": "pi_7", "totalCents": 100_050, "currency": "NPR", "itemCount": 2}).to_string();
    ///
    /// let event = Event::parse(&body)?;
    /// let Event::OrderConfirmed(order) = &event else {
    ///     panic!("its `type` says ORDER_CONFIRMED");
    /// };
    /// assert_eq!(order.to_json()["orderNumber"], "ORD-7");
    /// assert_eq!(Event::parse(&order.to_json().to_string())?, event);
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "type": EventType::OrderConfirmed.wire_name(),
            "timestamp": self.envelope.timestamp,
            "orderId": self.order_id,
            "orderNumber": self.order_number,
            "paymentIntentId": self.payment_intent_id,
            "userId": self.user_id,
            "totalCents": self.total_cents,
            "currency": self.currency,
            "itemCount": self.item_count,
            "_metadata": self.envelope.to_json(),
        })
    }
}
