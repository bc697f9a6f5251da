//! What the admin service's answers mean. Pure: a status and a body in, a closed enumeration out.

use makegood::ids::{AllocationId, TrainerId};
use serde_json::Value;
use uuid::Uuid;

/// The longest part of the service's own words that is repeated.
const LONGEST_QUOTE: usize = 160;

/// An allocation with its trainer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The allocation.
    pub allocation: AllocationId,
    /// Who teaches.
    pub trainer: TrainerId,
}

/// What the admin service said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200 or 201: here is the trainer.
    Allocated(Grant),
    /// 202: no trainer is free; the request stands under this id.
    Pending(AllocationId),
    /// 409: there is an allocation already; with it, when the body carries it.
    Exists(Option<Grant>),
    /// Another 4xx: the same request will never be accepted.
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the service said, shortened.
        reason: String,
    },
    /// 408, 425 or 429: later.
    TooBusy {
        /// The HTTP status.
        status: u16,
    },
    /// 5xx: the service is not well.
    Failing {
        /// The HTTP status.
        status: u16,
    },
    /// No JSON object, or a status that no service of the protocol gives: a balancer, a firewall or a page of an outage answered in
    /// the service's place. It says nothing about the request.
    Foreign {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        reason: String,
    },
    /// The service's JSON, and not what the protocol says.
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        reason: String,
    },
}

/// Reads the answer to a request for a trainer.
#[must_use]
pub fn classify(status: u16, body: &[u8]) -> Answer {
    match status {
        200..=202 => match object(body) {
            Ok(body) if body.get("success") == Some(&Value::Bool(false)) => {
                unreadable(status, "it says success: false".to_owned())
            }
            Ok(body) => match allocation(body.get("data").unwrap_or(&Value::Null)) {
                Ok(Allocation::Granted(grant)) => Answer::Allocated(grant),
                Ok(Allocation::Pending(id)) => Answer::Pending(id),
                Ok(Allocation::Over) => {
                    unreadable(status, "data.status is that of an ended allocation".to_owned())
                }
                Err(reason) => unreadable(status, reason),
            },
            Err(reason) => Answer::Foreign { status, reason },
        },
        409 => existing(body),
        408 | 425 | 429 => Answer::TooBusy { status },
        400..=499 if !body.is_empty() && object(body).is_err() => Answer::Foreign {
            status,
            reason: "a page, and not the service's JSON".to_owned(),
        },
        400..=499 => Answer::Refused {
            status,
            reason: quote(body),
        },
        500..=599 => Answer::Failing { status },
        _ => Answer::Foreign {
            status,
            reason: "the status is not in the protocol".to_owned(),
        },
    }
}

/// Reads the answer to a request for the allocations of a student and course: the one that stands, else the one that
/// waits.
#[must_use]
pub fn classify_listing(status: u16, body: &[u8]) -> Answer {
    if status != 200 {
        return match classify(status, body) {
            Answer::Allocated(_) | Answer::Pending(_) | Answer::Exists(_) => {
                unreadable(status, "a listing answers 200".to_owned())
            }
            other => other,
        };
    }
    let listed = match object(body) {
        Ok(body) => body
            .get("data")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default(),
        Err(reason) => return Answer::Foreign { status, reason },
    };
    let allocations: Vec<Allocation> = listed.iter().filter_map(|entry| allocation(entry).ok()).collect();
    let granted = allocations.iter().find_map(|found| match found {
        Allocation::Granted(grant) => Some(Answer::Allocated(*grant)),
        Allocation::Pending(_) | Allocation::Over => None,
    });
    let pending = allocations.iter().find_map(|found| match found {
        Allocation::Pending(id) => Some(Answer::Pending(*id)),
        Allocation::Granted(_) | Allocation::Over => None,
    });
    granted.or(pending).unwrap_or_else(|| {
        unreadable(
            status,
            "it answered that an allocation exists, and lists none".to_owned(),
        )
    })
}

/// One allocation as the service writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Allocation {
    Granted(Grant),
    Pending(AllocationId),
    /// Rejected, completed or cancelled.
    Over,
}

fn existing(body: &[u8]) -> Answer {
    let found = object(body)
        .ok()
        .and_then(|body| allocation(body.get("data")?).ok());
    match found {
        Some(Allocation::Granted(grant)) => Answer::Exists(Some(grant)),
        Some(Allocation::Pending(id)) => Answer::Pending(id),
        Some(Allocation::Over) | None => Answer::Exists(None),
    }
}

fn allocation(data: &Value) -> Result<Allocation, String> {
    let id = AllocationId(uuid(data, "id")?.ok_or("data.id is missing")?);
    match (
        data.get("status").and_then(Value::as_str),
        uuid(data, "trainerId")?,
    ) {
        (Some("rejected" | "completed" | "cancelled"), _) => Ok(Allocation::Over),
        (_, Some(trainer)) => Ok(Allocation::Granted(Grant {
            allocation: id,
            trainer: TrainerId(trainer),
        })),
        (Some("pending"), None) => Ok(Allocation::Pending(id)),
        (_, None) => Err("data.trainerId is null and data.status is not pending".to_owned()),
    }
}

fn uuid(data: &Value, field: &str) -> Result<Option<Uuid>, String> {
    match data.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_str().map(Uuid::parse_str) {
            Some(Ok(id)) => Ok(Some(id)),
            _ => Err(format!("data.{field} is no UUID")),
        },
    }
}

fn object(body: &[u8]) -> Result<Value, String> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(Value::Object(object)),
        Ok(_) => Err("the body is no JSON object".to_owned()),
        Err(error) => Err(format!("the body is no JSON: {error}")),
    }
}

fn unreadable(status: u16, reason: String) -> Answer {
    Answer::Unreadable { status, reason }
}

/// The service's `message` or `error`, as the person who repairs the request needs it.
fn quote(body: &[u8]) -> String {
    let words = object(body).ok().and_then(|body| {
        let words = body.get("message").or_else(|| body.get("error"))?;
        words.as_str().map(str::to_owned)
    });
    words
        .unwrap_or_else(|| "no message".to_owned())
        .chars()
        .take(LONGEST_QUOTE)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: Uuid = Uuid::from_u128(7);
    const TRAINER: Uuid = Uuid::from_u128(8);

    fn body(data: &Value) -> Vec<u8> {
        json!({"success": true, "message": "m", "data": data})
            .to_string()
            .into_bytes()
    }

    fn grant() -> Grant {
        Grant {
            allocation: AllocationId(ID),
            trainer: TrainerId(TRAINER),
        }
    }

    fn granted() -> Value {
        json!({"id": ID, "trainerId": TRAINER, "status": "approved"})
    }

    fn pending() -> Value {
        json!({"id": ID, "trainerId": null, "status": "pending"})
    }

    #[test]
    fn every_documented_answer_has_its_meaning() {
        assert_eq!(classify(201, &body(&granted())), Answer::Allocated(grant()));
        assert_eq!(classify(200, &body(&granted())), Answer::Allocated(grant()));
        assert_eq!(
            classify(202, &body(&pending())),
            Answer::Pending(AllocationId(ID))
        );
        assert_eq!(classify(409, &body(&granted())), Answer::Exists(Some(grant())));
        assert_eq!(
            classify(409, &body(&pending())),
            Answer::Pending(AllocationId(ID))
        );
        assert_eq!(classify(409, b"{\"success\":false}"), Answer::Exists(None));
        assert_eq!(classify(409, b"<html>"), Answer::Exists(None));
        assert_eq!(classify(429, b""), Answer::TooBusy { status: 429 });
        assert_eq!(classify(503, b"<html>"), Answer::Failing { status: 503 });
        let refused = classify(400, br#"{"success":false,"message":"timeSlot is unknown"}"#);
        assert_eq!(
            refused,
            Answer::Refused {
                status: 400,
                reason: "timeSlot is unknown".to_owned()
            }
        );
    }

    #[test]
    fn what_no_service_of_the_protocol_answers_says_nothing_about_the_request() {
        for (status, text) in [
            (201, "<html>welcome</html>"),
            (201, "[]"),
            (201, "\"ok\""),
            (200, ""),
            (204, ""),
            (302, ""),
            (403, "<html>blocked by the firewall</html>"),
            (404, "404 page not found"),
        ] {
            let answer = classify(status, text.as_bytes());
            assert!(
                matches!(answer, Answer::Foreign { .. }),
                "{status} {text}: {answer:?}"
            );
        }
        assert!(matches!(classify_listing(200, b"<html>"), Answer::Foreign { .. }));
        assert!(matches!(classify(404, b""), Answer::Refused { .. }));
    }

    #[test]
    fn garbage_is_never_taken_for_an_allocation() {
        for (status, text) in [
            (201, "{}".to_owned()),
            (
                201,
                json!({"data": {"id": "seven", "trainerId": TRAINER}}).to_string(),
            ),
            (
                201,
                json!({"data": {"id": ID, "trainerId": null, "status": "approved"}}).to_string(),
            ),
            (
                201,
                json!({"data": {"id": ID, "trainerId": TRAINER, "status": "rejected"}}).to_string(),
            ),
            (201, json!({"success": false, "data": granted()}).to_string()),
        ] {
            let answer = classify(status, text.as_bytes());
            assert!(
                matches!(answer, Answer::Unreadable { .. }),
                "{status} {text}: {answer:?}"
            );
        }
    }

    #[test]
    fn a_listing_gives_the_one_that_stands_before_the_one_that_waits() {
        let ended = json!({"id": ID, "trainerId": TRAINER, "status": "cancelled"});
        let listed = |entries: &[Value]| classify_listing(200, &body(&json!(entries)));
        assert_eq!(
            listed(&[ended.clone(), pending(), granted()]),
            Answer::Allocated(grant())
        );
        assert_eq!(
            listed(&[ended.clone(), pending()]),
            Answer::Pending(AllocationId(ID))
        );
        assert!(matches!(listed(&[ended]), Answer::Unreadable { .. }));
        assert!(matches!(
            classify_listing(201, &body(&granted())),
            Answer::Unreadable { .. }
        ));
        assert_eq!(classify_listing(500, b""), Answer::Failing { status: 500 });
    }
}
