//! What a consumer refuses of a message that it can read, once it knows the rows that the message is about. Sent back, such a
//! message only fails and is parked again.

use super::Refusal;
use super::decide::{Candidate, Ready, decide};
use super::{Destinations, Edit};
use chrono::DateTime;
use makegood::db::Connection;
use makegood::event::{EventError, EventType, PurchaseConfirmed};
use makegood::purchase::{Difference, PaymentFacts, PurchaseRequest};
use std::collections::HashMap;
use uuid::Uuid;

/// One that may be sent, or why it may not.
pub(super) type Judged = Result<Ready, Refusal>;

/// What would be sent where, or why nothing is, for each of these in order: first as [`decide`] reads the message itself, then as
/// its consumer reads it together with its rows. Reads `payments`; locks nothing.
pub(super) async fn judge(
    connection: &mut Connection,
    found: &[Candidate],
    edit: Option<&Edit>,
    destinations: &Destinations,
    forced: bool,
) -> Result<Vec<Judged>, sqlx::Error> {
    let mut judged: Vec<Judged> = found
        .iter()
        .map(|candidate| decide(candidate, edit, destinations, forced))
        .collect();
    let ready: Vec<&Ready> = judged.iter().filter_map(|one| one.as_ref().ok()).collect();
    let mut refused = refused_by_consumer(connection, &ready).await?;
    for one in &mut judged {
        let refusal = one.as_ref().ok().and_then(|ready| refused.remove(&ready.id));
        if let Some(refusal) = refusal {
            *one = Err(refusal);
        }
    }
    Ok(judged)
}

async fn refused_by_consumer(
    connection: &mut Connection,
    ready: &[&Ready],
) -> Result<HashMap<Uuid, Refusal>, sqlx::Error> {
    let confirmed: Vec<(Uuid, PurchaseConfirmed)> = ready
        .iter()
        .filter(|ready| ready.destination.carries.contains(&EventType::PurchaseConfirmed))
        .filter_map(|ready| Some((ready.id, PurchaseConfirmed::parse(&ready.body).ok()?)))
        .collect();
    if confirmed.is_empty() {
        return Ok(HashMap::new());
    }
    let events: Vec<&PurchaseConfirmed> = confirmed.iter().map(|(_, event)| event).collect();
    let facts = PaymentFacts::load(connection, &events, chrono_tz::UTC).await?;
    // The instant only makes the id of a purchase, and none is made here.
    let refusal = |event| match PurchaseRequest::of(event, &facts, DateTime::UNIX_EPOCH) {
        Ok(request) => request.difference.and_then(refusal_of_row),
        Err(error) => Some(error),
    };
    Ok(confirmed
        .iter()
        .filter_map(|(id, event)| Some((*id, Refusal::Payload(refusal(event)?))))
        .collect())
}

/// What is never made for an event that differs from its payment's row. What may pass is worth sending.
fn refusal_of_row(difference: Difference) -> Option<EventError> {
    (!difference.may_pass()).then(|| EventError::Wrong {
        field: difference.field().to_owned(),
        found: "something else".to_owned(),
        expected: "what its payment's row says",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_differs_from_its_payments_row_for_good_is_refused_and_what_may_pass_is_sent() {
        for difference in Difference::ALL {
            let refusal = refusal_of_row(difference);
            assert_eq!(refusal.is_some(), !difference.may_pass(), "{difference:?}");
        }
        assert!(refusal_of_row(Difference::Student).is_some());
        assert!(refusal_of_row(Difference::NotRecorded).is_none());
    }
}
