//! Why a gateway could not be asked. None of these says anything about the payment, so none is ever recorded as final.

/// Why there is no answer.
///
/// ```
/// use makegood::gateway::GatewayError;
///
/// let error = GatewayError::Unavailable { status: 503 };
/// assert_eq!(error.to_string(), "the gateway is unavailable (HTTP 503); ask again later");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// Nothing came within the time.
    #[error("the gateway did not answer in time; ask again later")]
    TimedOut,
    /// No connection, or one that broke.
    #[error("the gateway can't be reached: {0}; ask again later")]
    Broken(String),
    /// It is not well, or too busy: 408, 425, 429, 5xx, or eSewa's `{"code": 0}`.
    #[error("the gateway is unavailable (HTTP {status}); ask again later")]
    Unavailable {
        /// The HTTP status.
        status: u16,
    },
    /// It does not take the request: a wrong key, a wrong field, an amount below its least.
    #[error("the gateway refused the request (HTTP {status}): {reason}; check its key and its settings")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said, shortened.
        reason: String,
    },
    /// Something that is not in the protocol; perhaps something else answered.
    #[error("the gateway's answer (HTTP {status}) can't be read: {reason}; ask again later")]
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        reason: String,
    },
}

impl GatewayError {
    /// A stable name, for logs and answers.
    ///
    /// ```
    /// use makegood::gateway::GatewayError;
    ///
    /// assert_eq!(GatewayError::TimedOut.code(), "gateway_timeout");
    /// assert_eq!(GatewayError::Refused { status: 401, reason: "Invalid token".to_owned() }.code(), "gateway_refused");
    /// ```
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TimedOut => "gateway_timeout",
            Self::Broken(_) => "gateway_unreachable",
            Self::Unavailable { .. } => "gateway_unavailable",
            Self::Refused { .. } => "gateway_refused",
            Self::Unreadable { .. } => "gateway_unreadable",
        }
    }

    /// Whether the next request may well be answered, since the error is about what was asked: an answer that can't be read, or a
    /// refusal other than of the key (401, 403). Nothing in time, no connection, a server in trouble and a wrong key stop all requests.
    ///
    /// ```
    /// use makegood::gateway::GatewayError;
    ///
    /// assert!(GatewayError::Refused { status: 400, reason: "unknown field".to_owned() }.concerns_one_request());
    /// assert!(!GatewayError::Refused { status: 401, reason: "Invalid token".to_owned() }.concerns_one_request());
    /// ```
    #[must_use]
    pub const fn concerns_one_request(&self) -> bool {
        match self {
            Self::TimedOut | Self::Broken(_) | Self::Unavailable { .. } => false,
            Self::Refused { status, .. } => !matches!(*status, 401 | 403),
            Self::Unreadable { .. } => true,
        }
    }
}
