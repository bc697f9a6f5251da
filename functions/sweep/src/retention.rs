//! For how long what is personal is kept, as the environment says (docs/privacy.md).

use makegood::config::Environment;

/// For how many days each kind is kept after its end; 0 keeps it for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The bodies of dead letters, after their replay or discard (`DEAD_LETTER_BODY_DAYS`).
    pub dead_letter_body_days: u16,
    /// The addresses of checkouts that came to nothing (`ABANDONED_CHECKOUT_DAYS`).
    pub abandoned_checkout_days: u16,
    /// The addresses of closed orders, after the order was made (`CLOSED_ORDER_ADDRESS_DAYS`).
    pub closed_order_address_days: u16,
    /// What gateways answered (`GATEWAY_RESPONSE_DAYS`).
    pub gateway_response_days: u16,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            dead_letter_body_days: 30,
            abandoned_checkout_days: 30,
            closed_order_address_days: 0,
            gateway_response_days: 180,
        }
    }
}

impl Retention {
    /// As the environment says.
    pub fn read(environment: &mut Environment) -> Self {
        let default = Self::default();
        let mut days = |variable, default| {
            environment.parsed(variable, default, "a whole number of days, 0 to keep it for good")
        };
        Self {
            dead_letter_body_days: days("DEAD_LETTER_BODY_DAYS", default.dead_letter_body_days),
            abandoned_checkout_days: days("ABANDONED_CHECKOUT_DAYS", default.abandoned_checkout_days),
            closed_order_address_days: days("CLOSED_ORDER_ADDRESS_DAYS", default.closed_order_address_days),
            gateway_response_days: days("GATEWAY_RESPONSE_DAYS", default.gateway_response_days),
        }
    }
}
