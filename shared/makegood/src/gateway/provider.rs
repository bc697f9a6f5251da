//! Which gateway a payment is at, as the wire and the column `provider` have it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A payment gateway.
///
/// ```
/// use makegood::gateway::Provider;
///
/// assert_eq!("khalti".parse(), Ok(Provider::Khalti));
/// assert_eq!(Provider::ALL.map(|provider| provider.to_string()), ["esewa", "khalti"]);
/// ```
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
///
/// ```
/// use makegood::gateway::Provider;
///
/// let error = "paypal".parse::<Provider>().unwrap_err();
/// assert_eq!(error.to_string(), "\"paypal\" is no payment provider; use \"esewa\" or \"khalti\"");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no payment provider; use \"esewa\" or \"khalti\"")]
pub struct UnknownProvider(pub String);

impl Provider {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Esewa, Self::Khalti];

    /// As the wire and the database have it.
    ///
    /// ```
    /// use makegood::gateway::Provider;
    ///
    /// assert_eq!(Provider::Esewa.wire_name(), "esewa");
    /// ```
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
