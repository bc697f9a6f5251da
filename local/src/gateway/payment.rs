//! The payments of the stub, and the amounts as its two gateways write them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// At which of the two a payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// eSewa.
    Esewa,
    /// Khalti.
    Khalti,
}

/// What became of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// The buyer has opened the page.
    Initiated,
    /// Begun, not decided.
    Pending,
    /// The gateway doesn't know itself (eSewa only; Khalti says Pending).
    Ambiguous,
    /// Paid.
    Completed,
    /// The buyer cancelled.
    Cancelled,
    /// The link ended unpaid. eSewa calls that NOT_FOUND.
    Expired,
    /// Paid, and all of it given back.
    Refunded,
    /// Paid, and a part given back.
    PartiallyRefunded,
}

/// One payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// `transaction_uuid` or `pidx`.
    pub id: String,
    /// Where.
    pub side: Side,
    /// In paisa.
    pub amount_minor: i64,
    /// What became of it.
    pub state: PaymentState,
    /// The gateway's own number, once it is paid.
    pub reference: Option<String>,
    /// The shop's number of it (Khalti).
    pub purchase_order_id: String,
    /// Where the buyer goes after paying.
    pub success_url: String,
    /// Where the buyer goes after cancelling.
    pub failure_url: String,
}

impl Payment {
    pub(super) fn move_to(&mut self, state: PaymentState) {
        self.state = state;
        let has_money = match state {
            PaymentState::Completed | PaymentState::Refunded | PaymentState::PartiallyRefunded => true,
            PaymentState::Initiated
            | PaymentState::Pending
            | PaymentState::Ambiguous
            | PaymentState::Cancelled
            | PaymentState::Expired => false,
        };
        if has_money && self.reference.is_none() {
            self.reference = Some(Uuid::new_v4().simple().to_string().to_uppercase().split_off(25));
        }
    }

    /// Can still be paid or cancelled on the page.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, PaymentState::Initiated | PaymentState::Pending)
    }
}

/// How eSewa writes the amount into its callback. All three are signed over the text without quotes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AmountStyle {
    /// `1000.0`
    #[default]
    Number,
    /// `"1,000.0"`
    SeparatedText,
    /// `1,000.0`, which is no JSON.
    SeparatedNumber,
}

impl AmountStyle {
    /// The text that is signed.
    pub(super) fn signed(self, amount_minor: i64) -> String {
        let plain = rupees(amount_minor);
        match self {
            Self::Number => plain,
            Self::SeparatedText | Self::SeparatedNumber => separated(&plain),
        }
    }

    /// The same as it stands in the JSON.
    pub(super) fn written(self, amount_minor: i64) -> String {
        let text = self.signed(amount_minor);
        match self {
            Self::SeparatedText => format!("\"{text}\""),
            Self::Number | Self::SeparatedNumber => text,
        }
    }
}

/// Rupees as eSewa's own numbers print: at least one decimal, `1000.0`, `1000.5`, `1000.05`.
pub(super) fn rupees(amount_minor: i64) -> String {
    let (whole, paisa) = (amount_minor / 100, amount_minor % 100);
    if paisa % 10 == 0 {
        format!("{whole}.{}", paisa / 10)
    } else {
        format!("{whole}.{paisa:02}")
    }
}

fn separated(plain: &str) -> String {
    let (whole, decimals) = plain.split_once('.').unwrap_or((plain, "0"));
    let groups: Vec<String> = whole
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect();
    format!("{}.{decimals}", groups.join(","))
}

/// What a shop writes in a form or a query, in paisa; none when it is no amount.
pub(super) fn paisa(text: &str) -> Option<i64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(decimals) || decimals.len() > 2 {
        return None;
    }
    whole
        .parse::<i64>()
        .ok()?
        .checked_mul(100)?
        .checked_add(format!("{decimals:0<2}").parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_esewa_writes_them() {
        for (minor, number, text) in [
            (100_000, "1000.0", "\"1,000.0\""),
            (100_050, "1000.5", "\"1,000.5\""),
            (100_005, "1000.05", "\"1,000.05\""),
            (123_456_789, "1234567.89", "\"1,234,567.89\""),
            (99_900, "999.0", "\"999.0\""),
        ] {
            assert_eq!(AmountStyle::Number.written(minor), number);
            assert_eq!(AmountStyle::SeparatedText.written(minor), text);
            assert_eq!(paisa(number), Some(minor));
        }
    }
}
