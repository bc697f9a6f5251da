//! Which gateway a payment is at, as the wire and the column `provider` have it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A payment gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Provider {
    /// eSewa ePay v2.
    #[serde(rename = "esewa")]
    Esewa,
    /// Khalti KPG-2.
    #[serde(rename = "khalti")]
    Khalti,
}

/// A text that names no gateway.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no payment provider; use \"esewa\" or \"khalti\"")]
pub struct UnknownProvider(pub String);

impl Provider {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Esewa, Self::Khalti];

    /// As the wire and the database have it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Esewa => "esewa",
            Self::Khalti => "khalti",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.wire_name())
    }
}

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.wire_name() == text)
            .ok_or_else(|| UnknownProvider(text.to_owned()))
    }
}
