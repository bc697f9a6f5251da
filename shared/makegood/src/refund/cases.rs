//! The cases that a refund of an intent opens: what a person needs to decide.

use super::store::{Books, OrderRow};
use crate::case::{CaseKind, NewCase};
use serde_json::json;

/// Why a person must say what money that went back ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// A part went back, and the stack wants to be asked.
    Part,
    /// A part went back, says the gateway, which does not say how much.
    UnrecordedPart,
    /// All of it went back, and the goods are with the buyer or on their way.
    Shipped,
    /// All of it went back, and the order was ended by another hand with its goods still out of the stock.
    Stock,
}

impl Question {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Part => "part",
            Self::UnrecordedPart => "unrecorded_part",
            Self::Shipped => "shipped",
            Self::Stock => "stock",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Part => "a part of the payment went back; the order goes on. Say whether it should",
            Self::UnrecordedPart => {
                "the gateway says that a part of the payment went back, and not how much; look there, and record it with \
                 `makegood refunds record`"
            }
            Self::Shipped => {
                "all of the money went back, and the order is on its way or delivered; get the goods back, or leave them"
            }
            Self::Stock => {
                "all of the money went back, and the order was ended by hand; see whether its goods are back in the stock"
            }
        }
    }
}

/// Money went back, and a person says what that ends.
pub(super) fn given_back(
    intent_id: &str,
    books: &Books,
    order: Option<&OrderRow>,
    question: Question,
) -> NewCase {
    NewCase {
        kind: CaseKind::GivenBack,
        subject: intent_id.to_owned(),
        payment_id: None,
        payment_intent_id: Some(intent_id.to_owned()),
        amount_minor: Some(books.given_back_minor()),
        currency: Some(books.currency.clone()),
        details: json!({
            "what": question.text(),
            "code": question.code(),
            "paidMinor": books.paid_minor,
            "givenBackMinor": books.given_back_minor(),
            "orderId": order.map(|order| order.id),
            "orderNumber": order.map(|order| order.order_number.as_str()),
            "orderStatus": order.map(|order| order.status.as_str()),
        }),
    }
}
