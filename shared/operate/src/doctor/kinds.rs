//! Every way in which a guarantee can be broken, and what waits visibly: the catalogue of what `doctor` can find.

use super::Guarantee::{G1, G2, G3, G4, G5, G6, G7, G8, G9, G10, G11, G12};
use super::kind::{Kind, breach, notice};

const RECONCILE: &str = "invoke `sweep` with {\"sweep\": \"reconcile\"}, then `makegood trace <id>`";
const COMPARE: &str = "`makegood trace <purchase id>`; correct the row that is wrong, or end the purchase";
const TRACE: &str = "`makegood trace <id>` shows what happened; a person decides";

/// All kinds, in the order in which they are reported.
pub const KINDS: [Kind; 63] = [
    breach(
        G1,
        "payment-without-purchase",
        "paid over two minutes ago, and neither purchase nor case",
        RECONCILE,
    ),
    breach(
        G1,
        "payment-course-unreadable",
        "paid, and the course id of the payment is no UUID",
        "find out what was bought, fix `payments.metadata`, then invoke `sweep` with {\"sweep\": \"reconcile\"}",
    ),
    breach(
        G1,
        "two-active-purchases",
        "one student has several active purchases of one course",
        "deactivate the surplus rows, refund what they cost, then `makegood ensure-index unique_active_purchase`",
    ),
    notice(
        G1,
        "purchase-unpaid",
        "active, and its payment is on record as not succeeded",
        TRACE,
    ),
    notice(
        G1,
        "webhook-notes-trusted",
        "fulfilled in the last week on a provider's notes alone, which the buyer's browser wrote",
        "compare what was paid with what it costs; fill `course_prices`, then set TrustWebhookNotes to no",
    ),
    notice(
        G1,
        "single-operator",
        "one operator alone can send an edit that changes who, what or how much",
        "name a second operator, then deploy with SingleOperator=no",
    ),
    breach(
        G1,
        "purchase-payment-missing",
        "active, and its payment is not recorded",
        COMPARE,
    ),
    breach(
        G1,
        "purchase-student-differs",
        "active, and its payment is another student's",
        COMPARE,
    ),
    breach(
        G1,
        "purchase-course-differs",
        "active, and its payment was for another course",
        COMPARE,
    ),
    breach(
        G1,
        "purchase-amount-differs",
        "made for another amount than its payment says",
        COMPARE,
    ),
    breach(
        G1,
        "purchase-currency-differs",
        "made in another currency than its payment says",
        COMPARE,
    ),
    breach(
        G1,
        "purchase-tier-differs",
        "of another number of sessions than its payment says",
        COMPARE,
    ),
    breach(
        G2,
        "purchase-without-allocation",
        "bought over two minutes ago, and no allocation",
        RECONCILE,
    ),
    breach(
        G2,
        "two-allocations",
        "one student has several approved or active allocations for one course",
        "end the surplus one in the admin service, then `makegood ensure-index unique_active_allocation`",
    ),
    notice(
        G2,
        "allocation-pending",
        "no trainer is free",
        "free or add a trainer in the admin service; the sweep asks again",
    ),
    breach(
        G3,
        "sessions-missing",
        "fewer than three sessions ahead, though more were bought",
        "invoke `top-up-sessions`, then `makegood trace <allocation id>`",
    ),
    notice(
        G3,
        "sessions-below-seven",
        "three to six sessions ahead; the top-up refills below three",
        "nothing; `top-up-sessions` runs every six hours",
    ),
    breach(
        G3,
        "sessions-beyond-bought",
        "more sessions than were bought",
        TRACE,
    ),
    breach(
        G3,
        "session-on-closed-day",
        "a future session on a day without teaching or a blackout day",
        "invoke `top-up-sessions`; what stays was put there by a person: cancel it with the student, and the top-up fills the gap",
    ),
    breach(
        G3,
        "session-beyond-end",
        "a future session after the end of its purchase",
        "cancel the session and tell the student; renew the purchase, or correct its `expiry_date`, where the end is wrong",
    ),
    notice(
        G3,
        "session-of-left-trainer",
        "a future session of an allocation that was cancelled",
        "invoke `top-up-sessions` where another trainer is allocated, else find one; cancel the session where nothing is owed",
    ),
    breach(
        G4,
        "outbox-stuck",
        "an event has waited unpublished for over five minutes",
        "look at `last_error` in the trace; fix the queue, then invoke `sweep` with {\"sweep\": \"outbox\"}",
    ),
    breach(
        G4,
        "purchase-not-announced",
        "a purchase of the last week without PURCHASE_CREATED",
        RECONCILE,
    ),
    breach(
        G4,
        "allocation-not-announced",
        "an allocation of the last week without TRAINER_ALLOCATED",
        "`makegood trace <allocation id>`; reconcile publishes it again when it has no sessions",
    ),
    breach(
        G4,
        "order-not-announced",
        "an order of the last week without ORDER_CONFIRMED",
        "`makegood trace <order number>`; send the event with `makegood replay-event <file> --reason <why>`",
    ),
    breach(
        G4,
        "announced-but-missing",
        "an event names a row that is not there",
        TRACE,
    ),
    breach(
        G5,
        "order-missing",
        "the gateway called it paid over two minutes ago, and neither order nor case",
        RECONCILE,
    ),
    breach(G5, "two-orders", "one intent has several orders", TRACE),
    breach(
        G5,
        "checkout-with-two-orders",
        "intents that replaced each other have an order each",
        TRACE,
    ),
    notice(
        G5,
        "two-open-intents",
        "a buyer can pay one cart twice",
        "the buyer's next checkout ends the older one; see whether functions of an older version still run",
    ),
    breach(G5, "order-without-items", "an order without items", TRACE),
    breach(
        G5,
        "order-amount-differs",
        "an order's total is not what was paid, or not the sum of its items",
        TRACE,
    ),
    notice(
        G5,
        "order-below-price",
        "an order that was paid after its prices had ended, and that costs more now",
        "compare the dates of the payment and of the new price; stop the shipment and refund, or leave it",
    ),
    breach(
        G5,
        "order-unpaid",
        "an order whose intent the gateway never called paid",
        TRACE,
    ),
    notice(
        G5,
        "intent-undecided",
        "an hour past its end, and the gateway has given no final answer",
        "invoke `sweep` with {\"sweep\": \"reconcile\"}; if it stays, ask the gateway",
    ),
    breach(
        G6,
        "stock-negative",
        "less than nothing in stock or reserved",
        TRACE,
    ),
    breach(G6, "stock-oversold", "more pieces reserved than there are", TRACE),
    breach(
        G6,
        "reserved-differs",
        "the reserved quantity is not the sum of the active reservations",
        TRACE,
    ),
    breach(
        G6,
        "stock-differs",
        "in stock and sold are not what was stocked",
        TRACE,
    ),
    breach(
        G6,
        "sold-differs",
        "the stock taken for an order is not what its items say",
        TRACE,
    ),
    breach(
        G6,
        "reservation-overdue",
        "an unpaid reservation ended over two minutes ago and still holds stock",
        "invoke `sweep` with {\"sweep\": \"reservations\"}",
    ),
    breach(
        G6,
        "reservation-not-consumed",
        "the order is there, and its stock is still reserved",
        TRACE,
    ),
    breach(
        G7,
        "job-stuck",
        "processing, and its lease ran out over five minutes ago",
        "invoke `sweep` with {\"sweep\": \"stale-jobs\"}",
    ),
    breach(
        G7,
        "job-untaken",
        "due for over ten minutes, and no worker took it",
        "invoke `sweep` with {\"sweep\": \"stale-jobs\"}",
    ),
    breach(
        G7,
        "job-lease-left",
        "not processing, and still under a lease",
        "`makegood jobs show <id>`; report it with its log",
    ),
    notice(
        G7,
        "job-failed",
        "failed for good; a person decides",
        "`makegood jobs show <id>`, then retry or cancel it",
    ),
    notice(
        G8,
        "letter-parked",
        "could not be processed and waits for a person",
        "`makegood dead-letters show <id>`, then replay or discard it",
    ),
    breach(
        G8,
        "letter-replay-unfinished",
        "claimed for a replay over five minutes ago, and never sent",
        "`makegood dead-letters replay <id>`; a second sending is safe",
    ),
    breach(
        G9,
        "payment-made-several",
        "one payment made several purchases",
        TRACE,
    ),
    breach(
        G9,
        "two-sessions-a-day",
        "one allocation has several sessions on one day ahead",
        "cancel the surplus session",
    ),
    breach(
        G10,
        "index-missing",
        "a unique index is absent, invalid or something else",
        "`makegood ensure-index <name>` lists duplicates, or builds it",
    ),
    breach(
        G10,
        "constraint-missing",
        "a constraint of the schema is absent",
        "find out who dropped it; `makegood migrate` says what else is missing",
    ),
    notice(
        G10,
        "statistics-old",
        "more than a tenth of a table's rows changed since the planner's statistics were made",
        "`ANALYZE <table>`; then find out why autovacuum does not",
    ),
    breach(
        G11,
        "refunded-purchase-runs",
        "all of the money went back, and the purchase runs",
        "`makegood trace <purchase id>`; send the provider's refund message again, or end the purchase",
    ),
    breach(
        G11,
        "refund-not-applied",
        "all of the money went back, and the payment or intent counts as paid",
        "send the provider's refund message again, or record it again; it carries out what is missing",
    ),
    breach(
        G11,
        "refunded-order-runs",
        "all of the money went back, and the order is neither cancelled nor asked about",
        "`makegood trace <order number>`; record its refund again with `makegood refunds record`",
    ),
    breach(
        G11,
        "refunded-order-keeps-stock",
        "all of the money went back, and the goods of its cancelled order, or what was reserved, are not in the stock",
        "`makegood trace <id>`; record its refund again, or put the goods back by hand with their movement",
    ),
    breach(
        G11,
        "ended-purchase-has-trainer",
        "the money went back, and the student still has a trainer",
        "end the allocation in the admin service; cancel its sessions",
    ),
    notice(
        G11,
        "refund-of-unknown-payment",
        "a refund over an hour old of a payment that is not known here",
        "nothing, if it is another site's payment; else send its capture again",
    ),
    notice(
        G11,
        "dispute-open",
        "the buyer's bank asks for the money back",
        "answer at the provider before the deadline in its case",
    ),
    breach(
        G12,
        "statement-payment-unknown",
        "the provider took it over an hour ago, and it is neither paid here nor in a case",
        "invoke `sweep` with {\"sweep\": \"statement\"}; its log says why it can't be recorded",
    ),
    breach(
        G12,
        "statement-differs",
        "paid or given back on one side only, or with another amount, for over an hour, and no case says so",
        "invoke `sweep` with {\"sweep\": \"statement\"}, then `makegood cases list --kind statement_gap`",
    ),
    notice(
        G12,
        "statement-unread",
        "the provider's statement has not been read to its end for two days",
        "read the log of `sweep`; invoke it with {\"sweep\": \"statement\"}",
    ),
];

/// The kind of this code.
#[must_use]
pub fn kind(code: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.code == code)
}

#[cfg(test)]
#[path = "kinds_tests.rs"]
mod tests;
