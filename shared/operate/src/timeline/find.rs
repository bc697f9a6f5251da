//! From whatever id a person has to what it is about.

use super::subject::Subject;
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use makegood::ids::indexable;
use serde::Serialize;
use uuid::Uuid;

/// The most matches that are answered, newest first: a student may have paid often.
pub const MATCHES: usize = 50;

/// What the id turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// `payments.id`.
    Payment,
    /// `payments.provider_payment_id`.
    ProviderPayment,
    /// A student.
    Student,
    /// A purchase.
    Purchase,
    /// An allocation, or one of its sessions.
    Allocation,
    /// A payment intent (`pi_…`).
    Intent,
    /// The gateway's own id of an intent.
    ExternalTransaction,
    /// A buyer of the shop.
    User,
    /// An order's id.
    Order,
    /// An order's number.
    OrderNumber,
    /// A job.
    Job,
    /// An event's id.
    Event,
    /// A correlation id that only events know.
    Correlation,
    /// A dead letter.
    DeadLetter,
    /// A payment case.
    Case,
    /// The provider's id of a refund.
    Refund,
    /// The provider's id of a dispute.
    Dispute,
}

/// Something that the id is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Match {
    /// What to show.
    pub subject: Subject,
    /// What the id turned out to be.
    pub found_by: FoundBy,
    /// When it began, for telling several apart.
    pub at: Option<DateTime<Utc>>,
    /// A line for a list, such as `succeeded · INR 4,999.00`. No personal data.
    pub summary: String,
}

/// Event ids of ours hold the id of what they are about, so that an event is found even when it is long gone from the outbox.
const EVENT_PREFIXES: [&str; 8] = [
    "payment:",
    "purchase-created-",
    "trainer-allocated-",
    "sessions-generated-",
    "order-confirmed-",
    "purchase-ended-",
    "sessions-rescheduled-",
    "order-refunded-",
];
/// The length of a UUID's text.
const UUID_LENGTH: usize = 36;

/// An id as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    id: Option<Uuid>,
    text: String,
    /// The UUID was found inside an event id.
    is_event: bool,
}

impl Asked {
    fn read(text: &str) -> Self {
        let text = text.trim();
        if let Ok(id) = Uuid::try_parse(text) {
            return Self {
                id: Some(id),
                text: id.to_string(),
                is_event: false,
            };
        }
        let inside = EVENT_PREFIXES
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix)?.get(..UUID_LENGTH)?.parse().ok());
        Self {
            id: inside,
            text: indexable(text).into_owned(),
            is_event: inside.is_some(),
        }
    }
}

/// Everything that this id may be about, each subject once, newest first, at most [`MATCHES`]; empty when nothing knows it.
/// Spaces around the id are ignored, and the case of a UUID's and an order number's dead letters.
///
/// # Errors
/// Those of the database.
pub async fn find(connection: &mut Connection, id: &str) -> Result<Vec<Match>, sqlx::Error> {
    let asked = Asked::read(id);
    let most = i64::try_from(MATCHES).unwrap_or(i64::MAX);
    let rows = sqlx::query_file!("src/timeline/sql/find.sql", asked.id, asked.text, most)
        .fetch_all(connection)
        .await?;
    let matches = rows.into_iter().filter_map(|row| {
        Some(Match {
            subject: subject(&row.kind, row.id)?,
            found_by: if asked.is_event {
                FoundBy::Event
            } else {
                found_by(&row.found_by)?
            },
            at: row.at,
            summary: row.summary,
        })
    });
    Ok(matches.collect())
}

fn subject(kind: &str, id: String) -> Option<Subject> {
    let uuid = || id.parse().ok();
    Some(match kind {
        "payment" => Subject::Payment(uuid()?),
        "purchase" => Subject::Purchase(uuid()?),
        "allocation" => Subject::Allocation(uuid()?),
        "intent" => Subject::Intent(id),
        "job" => Subject::Job(uuid()?),
        "dead_letter" => Subject::DeadLetter(uuid()?),
        _ => return None,
    })
}

fn found_by(name: &str) -> Option<FoundBy> {
    Some(match name {
        "payment" => FoundBy::Payment,
        "provider_payment" => FoundBy::ProviderPayment,
        "student" => FoundBy::Student,
        "purchase" => FoundBy::Purchase,
        "allocation" => FoundBy::Allocation,
        "intent" => FoundBy::Intent,
        "external_transaction" => FoundBy::ExternalTransaction,
        "user" => FoundBy::User,
        "order" => FoundBy::Order,
        "order_number" => FoundBy::OrderNumber,
        "job" => FoundBy::Job,
        "event" => FoundBy::Event,
        "correlation" => FoundBy::Correlation,
        "dead_letter" => FoundBy::DeadLetter,
        "case" => FoundBy::Case,
        "refund" => FoundBy::Refund,
        "dispute" => FoundBy::Dispute,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0192f0c1-7e1d-7c3a-9a51-2f6f0d1c9b11";

    #[test]
    fn spaces_and_the_case_of_a_uuid_do_not_matter() {
        let asked = Asked::read(&format!("  {} ", ID.to_uppercase()));
        assert_eq!((asked.id, asked.text.as_str()), (ID.parse().ok(), ID));
    }

    #[test]
    fn an_event_of_ours_leads_to_what_it_is_about() {
        for event in [
            format!("payment:{ID}:PURCHASE_CONFIRMED"),
            format!("purchase-created-{ID}"),
            format!("sessions-generated-{ID}-2026-01-12-2026-01-20"),
        ] {
            let asked = Asked::read(&event);
            assert_eq!((asked.id, asked.is_event), (ID.parse().ok(), true), "{event}");
        }
    }

    #[test]
    fn any_other_text_stays_itself() {
        for text in [
            "pi_esewa_1759659959001_abcdef01",
            "ORD-20251005-00009",
            "payment:नमस्ते",
        ] {
            let asked = Asked::read(text);
            assert_eq!((asked.id, asked.text.as_str()), (None, text));
        }
    }
}
