//! What the schedule, or a person, hands to the function.

use makegood::ids::AllocationId;
use makegood::runtime::Coded;
use serde_json::Value;
use uuid::Uuid;

/// Where to begin. A schedule's own event, with whatever fields, means at the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Input {
    /// The `resume_after` of an earlier answer.
    pub resume_after: Option<AllocationId>,
}

/// Why an input can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`resume_after` is {0}; it must be the resume_after of an earlier answer, or be left out")]
pub struct InputError(String);

impl Coded for InputError {
    fn code(&self) -> &'static str {
        "input_unreadable"
    }
}

impl Input {
    /// Reads the invocation's event; unknown fields are ignored.
    ///
    /// # Errors
    /// When `resume_after` is there and no UUID: beginning elsewhere than asked would hide the mistake.
    pub fn read(event: &Value) -> Result<Self, InputError> {
        match event.get("resume_after") {
            None | Some(Value::Null) => Ok(Self::default()),
            Some(value) => {
                let id = value.as_str().and_then(|text| Uuid::parse_str(text).ok());
                let id = id.ok_or_else(|| InputError(value.to_string()))?;
                Ok(Self {
                    resume_after: Some(AllocationId(id)),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schedules_event_begins_at_the_beginning() {
        for event in [
            json!({}),
            json!(null),
            json!({"resume_after": null}),
            json!({"source": "aws.scheduler"}),
        ] {
            assert_eq!(Input::read(&event), Ok(Input::default()), "{event}");
        }
    }

    #[test]
    fn a_run_goes_on_where_the_answer_said_and_refuses_what_is_no_place() {
        let id = Uuid::from_u128(7);
        let read = Input::read(&json!({"resume_after": id}));
        assert_eq!(
            read,
            Ok(Input {
                resume_after: Some(AllocationId(id))
            })
        );
        let refused = Input::read(&json!({"resume_after": 7})).unwrap_err();
        assert!(
            refused.to_string().starts_with("`resume_after` is 7;"),
            "{refused}"
        );
    }
}
