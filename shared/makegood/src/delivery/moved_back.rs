//! A dead letter's document that a person moved back to a queue as it was, as "Start DLQ redrive" does: what is inside is the message.

use super::{DeadLetter, Delivery, ReplayMark, unpack_raw};
use std::borrow::Cow;

/// A function that does not open it parks it again, so there may be one in the other.
const DEEPEST: usize = 5;
/// Two fields of every document, by which others are told without reading them.
const FIELDS: [&str; 2] = ["\"originalSource\"", "\"failureReason\""];

/// The message inside a dead letter's document, however often it was parked; the body itself when it is none, or when its packing
/// is broken.
///
/// ```
/// use makegood::delivery::out_of_dead_letters;
/// use serde_json::json;
///
/// let document = json!({"originalSource": "purchase-confirmed", "messageId": "m-1", "failureReason": "7", "errorCode": "7",
///     "permanent": true, "failureTimestamp": "2026-11-29T06:00:00Z", "attempts": 1, "functionName": "f", "functionVersion": "7",
///     "raw": "{\"type\": 7}"});
/// assert_eq!(out_of_dead_letters(&document.to_string()), "{\"type\": 7}");
/// assert_eq!(out_of_dead_letters("any other text"), "any other text");
/// ```
#[must_use]
pub fn out_of_dead_letters(body: &str) -> Cow<'_, str> {
    opened(body).map_or(Cow::Borrowed(body), |(message, _)| Cow::Owned(message))
}

/// The delivery of what is inside, with the mark of the dead letter that it already was.
pub(super) fn moved_back(mut delivery: Delivery) -> Delivery {
    if let Some((message, mark)) = delivery.payload.as_deref().and_then(opened) {
        delivery.payload = Some(message);
        delivery.replay = delivery.replay.or(mark);
    }
    delivery
}

fn opened(body: &str) -> Option<(String, Option<ReplayMark>)> {
    let (mut message, mut mark) = one_opened(body)?;
    for _ in 1..DEEPEST {
        let Some((inner, older)) = one_opened(&message) else {
            break;
        };
        (message, mark) = (inner, mark.or(older));
    }
    Some((message, mark))
}

fn one_opened(body: &str) -> Option<(String, Option<ReplayMark>)> {
    if !FIELDS.iter().all(|field| body.contains(field)) {
        return None;
    }
    let document: DeadLetter = serde_json::from_str(body).ok()?;
    Some((unpack_raw(&document)?, document.replay_of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Origin;
    use crate::delivery::park::tests::dead_letter;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn document(raw: &str, packed: bool, mark: Option<ReplayMark>) -> String {
        let whole = dead_letter(raw.to_owned());
        let document = DeadLetter {
            original_event: whole.original_event.clone().filter(|_| !packed),
            raw: if packed {
                Some(super::super::park::pack(raw))
            } else {
                whole.raw.clone()
            },
            raw_encoding: packed.then(|| "gzip+base64".to_owned()),
            replay_of: mark,
            ..whole
        };
        serde_json::to_string(&document).unwrap()
    }

    fn delivery(body: String) -> Delivery {
        Delivery {
            payload: Some(body),
            defect: None,
            attempt: 1,
            origin: Origin::Sqs {
                message_id: "m-2".to_owned(),
                receipt_handle: String::new(),
                queue_arn: String::new(),
            },
            replay: None,
        }
    }

    proptest! {
        #[test]
        fn whatever_was_parked_up_to_five_times_comes_out_as_it_was(
            raw in "\\PC*", packed in proptest::collection::vec(any::<bool>(), 1..=5), is_marked in any::<bool>()
        ) {
            let mark = is_marked.then(|| ReplayMark { dead_letter_id: Uuid::from_u128(7), generation: 2 });
            let first = document(&raw, packed[0], mark);
            let body = packed[1..].iter().fold(first, |inner, packed| document(&inner, *packed, None));
            prop_assert_eq!(out_of_dead_letters(&body), raw.as_str());
            let delivery = moved_back(delivery(body));
            prop_assert_eq!((delivery.payload, delivery.replay), (Some(raw), mark));
        }

        #[test]
        fn any_other_text_stays_as_it_is(text in "\\PC*") {
            prop_assert_eq!(out_of_dead_letters(&text), text.as_str());
        }
    }

    #[test]
    fn what_lacks_a_field_of_a_document_or_can_not_be_unpacked_stays_as_it_is() {
        let whole: serde_json::Value = serde_json::from_str(&document("{}", false, None)).unwrap();
        let needed = [
            "originalSource",
            "messageId",
            "failureReason",
            "errorCode",
            "permanent",
            "failureTimestamp",
            "attempts",
            "functionName",
            "functionVersion",
            "raw",
        ];
        for field in needed {
            let mut without = whole.clone();
            without.as_object_mut().unwrap().remove(field);
            let body = without.to_string();
            assert_eq!(out_of_dead_letters(&body), body, "{field}");
        }
        let mut broken = whole;
        broken["rawEncoding"] = serde_json::json!("gzip+base64");
        let body = broken.to_string();
        assert_eq!(out_of_dead_letters(&body), body);
    }
}
