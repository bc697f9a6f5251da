//! What the statement and our own rows say of the same payment, put together: a pure decision.
//!
//! | the provider | here | outcome | what follows |
//! |---|---|---|---|
//! | has not taken it yet, or took it just now | any | `too_young` | it is asked for again |
//! | took it | nothing, or a payment that is not paid | `theirs_only` | recorded as if its webhook had arrived, or a case |
//! | took it | another site's: nothing in it is ours | `not_ours` | |
//! | took it | another amount or currency | `amount_differs` | a case |
//! | took it | paid, the same | `matched` | |
//! | took it | a dispute is open | `in_dispute` | the dispute's own case |
//! | took it, nothing went back | given back | `refunded_here_only` | a case |
//! | took it, a bank asked for it back | given back | `matched` | |
//! | gave it back | not given back | `refunded_there_only` | recorded as if its webhook had arrived |
//! | does not know it | paid | `ours_only` | a case |

use super::{Entry, EntryState};
use chrono::{DateTime, TimeDelta, Utc};

/// How old an entry is before it is acted on: until then its own webhook is on its way.
pub const RIPE_AFTER: TimeDelta = TimeDelta::minutes(10);

/// What comparing one entry came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Both say the same.
    Matched,
    /// Paid here, and the provider does not know it.
    OursOnly,
    /// Taken there, and not paid here.
    TheirsOnly,
    /// Another amount or currency.
    AmountDiffers,
    /// Given back there and not here.
    RefundedThereOnly,
    /// Given back here and not there.
    RefundedHereOnly,
    /// The buyer's bank has not decided yet.
    InDispute,
    /// Too young to judge, or the money has not moved yet.
    TooYoung,
    /// Another site's payment of the same merchant.
    NotOurs,
    /// The money never moved.
    Failed,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Matched,
        Self::OursOnly,
        Self::TheirsOnly,
        Self::AmountDiffers,
        Self::RefundedThereOnly,
        Self::RefundedHereOnly,
        Self::InDispute,
        Self::TooYoung,
        Self::NotOurs,
        Self::Failed,
    ];

    /// As the column has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::OursOnly => "ours_only",
            Self::TheirsOnly => "theirs_only",
            Self::AmountDiffers => "amount_differs",
            Self::RefundedThereOnly => "refunded_there_only",
            Self::RefundedHereOnly => "refunded_here_only",
            Self::InDispute => "in_dispute",
            Self::TooYoung => "too_young",
            Self::NotOurs => "not_ours",
            Self::Failed => "failed",
        }
    }

    /// Whether money and books differ: goods, a case, or an act of the sweep must follow.
    #[must_use]
    pub const fn is_gap(self) -> bool {
        match self {
            Self::OursOnly
            | Self::TheirsOnly
            | Self::AmountDiffers
            | Self::RefundedThereOnly
            | Self::RefundedHereOnly => true,
            Self::Matched | Self::InDispute | Self::TooYoung | Self::NotOurs | Self::Failed => false,
        }
    }
}

/// What is here of a payment of the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours {
    /// Its row, an id as text.
    pub subject: String,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// As `payments.status` has it.
    pub status: String,
    /// What was given back, by our rows of its refunds.
    pub returned_minor: i64,
    /// Whether a dispute is open.
    pub is_disputed: bool,
}

/// Compares a payment of the statement with what is here of it.
#[must_use]
pub fn judge_payment(entry: &Entry, ours: Option<&Ours>, now: DateTime<Utc>) -> Outcome {
    match entry.state {
        EntryState::Waiting => return Outcome::TooYoung,
        EntryState::Failed => return Outcome::Failed,
        EntryState::Missing => return Outcome::OursOnly,
        EntryState::Moved => {}
    }
    let is_young = entry.occurred_at + RIPE_AFTER > now;
    let paid = ours.filter(|ours| matches!(ours.status.as_str(), "succeeded" | "refunded"));
    let Some(ours) = paid else {
        return if is_young {
            Outcome::TooYoung
        } else {
            Outcome::TheirsOnly
        };
    };
    if ours.is_disputed {
        return Outcome::InDispute;
    }
    if ours.amount_minor != entry.amount_minor || !ours.currency.eq_ignore_ascii_case(&entry.currency) {
        return Outcome::AmountDiffers;
    }
    let is_returned_here = ours.status == "refunded" || ours.returned_minor > 0;
    let (all, none) = (
        entry.returned_minor >= entry.amount_minor,
        entry.returned_minor == 0,
    );
    match (is_returned_here, none, all) {
        // A lost dispute is no refund there.
        (true, true, _) if entry.is_disputed => Outcome::Matched,
        (true, true, _) => Outcome::RefundedHereOnly,
        (false, false, true) if is_young => Outcome::TooYoung,
        (false, false, true) => Outcome::RefundedThereOnly,
        _ => Outcome::Matched,
    }
}

/// Compares a refund of the statement with ours: whether it is processed here.
#[must_use]
pub fn judge_refund(entry: &Entry, is_processed_here: bool, now: DateTime<Utc>) -> Outcome {
    match entry.state {
        EntryState::Waiting => Outcome::TooYoung,
        EntryState::Failed | EntryState::Missing if is_processed_here => Outcome::RefundedHereOnly,
        EntryState::Failed | EntryState::Missing => Outcome::Failed,
        EntryState::Moved if is_processed_here => Outcome::Matched,
        EntryState::Moved if entry.occurred_at + RIPE_AFTER > now => Outcome::TooYoung,
        EntryState::Moved => Outcome::RefundedThereOnly,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::EntryKind;

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
    }

    fn entry() -> Entry {
        Entry {
            kind: EntryKind::Payment,
            id: "pay_1".to_owned(),
            payment_id: "pay_1".to_owned(),
            amount_minor: 499_900,
            currency: "INR".to_owned(),
            fee_minor: None,
            tax_minor: None,
            returned_minor: 0,
            is_disputed: false,
            state: EntryState::Moved,
            occurred_at: now() - TimeDelta::hours(2),
        }
    }

    fn ours(status: &str) -> Ours {
        Ours {
            subject: "1".to_owned(),
            amount_minor: 499_900,
            currency: "INR".to_owned(),
            status: status.to_owned(),
            returned_minor: 0,
            is_disputed: false,
        }
    }

    fn judged(change: impl FnOnce(&mut Entry, &mut Ours)) -> Outcome {
        let (mut entry, mut ours) = (entry(), ours("succeeded"));
        change(&mut entry, &mut ours);
        judge_payment(&entry, Some(&ours), now())
    }

    #[test]
    fn a_gap_is_where_money_and_books_differ_and_nothing_else_is() {
        let gaps: Vec<&str> = Outcome::ALL
            .into_iter()
            .filter(|outcome| outcome.is_gap())
            .map(Outcome::wire_name)
            .collect();
        let expected = [
            "ours_only",
            "theirs_only",
            "amount_differs",
            "refunded_there_only",
            "refunded_here_only",
        ];
        assert_eq!(gaps, expected);
    }

    #[test]
    fn money_that_is_theirs_only_is_told_whatever_our_row_says_but_paid() {
        assert_eq!(judge_payment(&entry(), None, now()), Outcome::TheirsOnly);
        for status in ["initiated", "processing", "failed", "cancelled"] {
            assert_eq!(
                judged(|_, ours| ours.status = status.to_owned()),
                Outcome::TheirsOnly,
                "{status}"
            );
        }
        assert_eq!(judged(|_, _| ()), Outcome::Matched);
    }

    #[test]
    fn what_is_too_young_or_never_moved_is_no_gap() {
        let mut young = entry();
        young.occurred_at = now() - RIPE_AFTER + TimeDelta::seconds(1);
        assert_eq!(judge_payment(&young, None, now()), Outcome::TooYoung);
        young.occurred_at = now() - RIPE_AFTER;
        assert_eq!(judge_payment(&young, None, now()), Outcome::TheirsOnly);
        for (state, outcome) in [
            (EntryState::Waiting, Outcome::TooYoung),
            (EntryState::Failed, Outcome::Failed),
        ] {
            let entry = Entry { state, ..entry() };
            assert_eq!(judge_payment(&entry, None, now()), outcome);
        }
    }

    #[test]
    fn a_paisa_or_another_currency_is_a_difference_in_either_direction() {
        for difference in [-1, 1] {
            assert_eq!(
                judged(|entry, _| entry.amount_minor += difference),
                Outcome::AmountDiffers
            );
        }
        assert_eq!(
            judged(|entry, _| entry.currency = "USD".to_owned()),
            Outcome::AmountDiffers
        );
        assert_eq!(
            judged(|_, ours| ours.currency = "inr".to_owned()),
            Outcome::Matched
        );
    }

    #[test]
    fn what_went_back_on_one_side_only_is_told_with_its_side() {
        let all = 499_900;
        assert_eq!(
            judged(|entry, _| entry.returned_minor = all),
            Outcome::RefundedThereOnly
        );
        assert_eq!(
            judged(|_, ours| ours.returned_minor = 1),
            Outcome::RefundedHereOnly
        );
        assert_eq!(
            judged(|_, ours| ours.status = "refunded".to_owned()),
            Outcome::RefundedHereOnly
        );
        assert_eq!(
            judged(|entry, ours| (entry.returned_minor, ours.status) = (all, "refunded".to_owned())),
            Outcome::Matched
        );
        // What went back there a moment ago may be told yet.
        let a_moment_ago = now() - RIPE_AFTER + TimeDelta::seconds(1);
        assert_eq!(
            judged(|entry, _| (entry.returned_minor, entry.occurred_at) = (all, a_moment_ago)),
            Outcome::TooYoung
        );
        // A part is the refund's own entry to compare.
        assert_eq!(judged(|entry, _| entry.returned_minor = 1), Outcome::Matched);
        assert_eq!(
            judged(|entry, ours| (entry.returned_minor, ours.is_disputed) = (all, true)),
            Outcome::InDispute
        );
    }

    #[test]
    fn a_refund_is_the_same_on_both_sides_or_told_with_its_side() {
        let refund = |state| Entry {
            kind: EntryKind::Refund,
            state,
            ..entry()
        };
        for (state, is_processed_here, outcome) in [
            (EntryState::Moved, true, Outcome::Matched),
            (EntryState::Moved, false, Outcome::RefundedThereOnly),
            (EntryState::Failed, true, Outcome::RefundedHereOnly),
            (EntryState::Failed, false, Outcome::Failed),
            (EntryState::Waiting, true, Outcome::TooYoung),
        ] {
            assert_eq!(
                judge_refund(&refund(state), is_processed_here, now()),
                outcome,
                "{state:?}"
            );
        }
        let mut young = refund(EntryState::Moved);
        young.occurred_at = now() - RIPE_AFTER + TimeDelta::seconds(1);
        assert_eq!(judge_refund(&young, false, now()), Outcome::TooYoung);
        let ripe = Entry {
            occurred_at: now() - RIPE_AFTER,
            ..young
        };
        assert_eq!(judge_refund(&ripe, false, now()), Outcome::RefundedThereOnly);
    }

    #[test]
    fn every_outcome_has_a_name_of_its_own() {
        let mut names = Outcome::ALL.map(Outcome::wire_name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Outcome::ALL.len());
    }
}
