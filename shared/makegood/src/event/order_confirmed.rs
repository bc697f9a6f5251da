//! `ORDER_CONFIRMED`: the order row exists.

use super::{Envelope, EventError, EventType, Fields, MOST_WHOLE};
use crate::ids::{OrderId, UserId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// The order row exists, with its items.
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
