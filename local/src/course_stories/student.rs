//! Who the students are, what becomes of each, and what is promised.

/// What a purchase has ahead when it is complete.
const SESSIONS: i64 = 7;

/// A student of these stories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Student {
    PaysTooLittle,
    IsRefunded,
    Renews,
    PaidByOrder,
    Untold,
    /// Half of an order, and then the other half.
    PaysInParts,
    /// One payment for two children.
    FirstChild,
    SecondChild,
    /// The payment service's library wrote the begun payment's metadata as a text inside jsonb.
    BegunAsText,
}

/// What has become of a student.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) running: i64,
    pub(super) refunded: i64,
    pub(super) expired: i64,
    pub(super) sessions: i64,
    pub(super) unpriced: i64,
}

impl Student {
    pub(super) const ALL: [Self; 9] = [
        Self::PaysTooLittle,
        Self::IsRefunded,
        Self::Renews,
        Self::PaidByOrder,
        Self::Untold,
        Self::PaysInParts,
        Self::FirstChild,
        Self::SecondChild,
        Self::BegunAsText,
    ];

    /// Before anything else happens: the first payment of each has gone as far as it can.
    pub(super) const fn first(self) -> State {
        match self {
            Self::PaysTooLittle | Self::PaidByOrder | Self::PaysInParts => ASKS,
            Self::Untold => state(0, 0, 0, 0, 0),
            Self::IsRefunded | Self::Renews | Self::FirstChild | Self::SecondChild | Self::BegunAsText => {
                HAS_IT
            }
        }
    }

    /// In the end.
    pub(super) const fn last(self) -> State {
        match self {
            Self::PaysTooLittle => ASKS,
            Self::IsRefunded => state(0, 1, 0, 0, 0),
            Self::Renews => state(1, 0, 1, SESSIONS, 0),
            Self::PaidByOrder
            | Self::Untold
            | Self::PaysInParts
            | Self::FirstChild
            | Self::SecondChild
            | Self::BegunAsText => HAS_IT,
        }
    }

    pub(super) const fn promise(self) -> &'static str {
        match self {
            Self::PaysTooLittle => "    who pays one paisa gets no course, and a case asks a person",
            Self::IsRefunded => "G11 who gets the money back has no course and no session ahead",
            Self::Renews => "    who pays again when the course is over has it anew",
            Self::Untold => {
                "G12 who paid and no webhook told of it has the course, by the provider's own list"
            }
            Self::PaidByOrder => "    what only Razorpay's order prices is fulfilled as the order says",
            Self::PaysInParts => {
                "    an order that is paid in two parts is fulfilled once, and its case is closed"
            }
            Self::FirstChild => "    one payment for two children buys the first one's course",
            Self::SecondChild => "    ... and the second one's",
            Self::BegunAsText => {
                "    a payment whose metadata is a text inside jsonb is read as what it says"
            }
        }
    }
}

/// One open case, and no course.
const ASKS: State = state(0, 0, 0, 0, 1);
/// The course with all of its sessions, and no case.
const HAS_IT: State = state(1, 0, 0, SESSIONS, 0);

const fn state(running: i64, refunded: i64, expired: i64, sessions: i64, unpriced: i64) -> State {
    State {
        running,
        refunded,
        expired,
        sessions,
        unpriced,
    }
}
