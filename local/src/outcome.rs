//! How the messages were answered. Pure.

use crate::traffic::{Kind, Message};
use serde_json::Value;

/// How the messages were answered.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Answers {
    /// 200: a payment recorded.
    pub(crate) recorded: usize,
    /// 200: a repeat recognised.
    pub(crate) duplicates: usize,
    /// 401 to a forged message.
    pub(crate) unauthorized: usize,
    /// 200 `held` to a malformed one.
    pub(crate) held: usize,
    /// Deliveries that were answered "later", or not at all, and sent again.
    pub(crate) tried_again: usize,
    /// What should have been answered otherwise, in words.
    pub(crate) unexpected: Vec<String>,
}

impl Answers {
    /// Counts one answer against what the message is for.
    pub(crate) fn note(&mut self, message: &Message, status: u16, body: &Value) {
        let duplicate = body.get("duplicate").and_then(Value::as_bool).unwrap_or(false);
        match (message.kind, status) {
            (Kind::Payment | Kind::Surplus, 200) if duplicate => self.duplicates += 1,
            (Kind::Payment | Kind::Surplus, 200) => self.recorded += 1,
            (Kind::Forged, 401) => self.unauthorized += 1,
            (Kind::Malformed, 200) if body.get("status").is_some_and(|status| status == "held") => {
                self.held += 1
            }
            (kind, _) => {
                let body: String = body.to_string().chars().take(200).collect();
                self.unexpected.push(format!(
                    "{} ({kind:?}) was answered {status}: {body}",
                    message.reference
                ));
            }
        }
    }

    /// Both together.
    pub(crate) fn with(mut self, mut other: Self) -> Self {
        self.recorded += other.recorded;
        self.duplicates += other.duplicates;
        self.unauthorized += other.unauthorized;
        self.held += other.held;
        self.tried_again += other.tried_again;
        self.unexpected.append(&mut other.unexpected);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::Traffic;
    use serde_json::json;
    use uuid::Uuid;

    #[test]
    fn an_answer_that_does_not_fit_its_message_is_told() {
        let traffic = Traffic::plan(Uuid::from_u128(1), 3);
        let mut answers = Answers::default();
        for message in &traffic.messages {
            answers.note(message, 200, &json!({"duplicate": false}));
        }
        assert_eq!((answers.recorded, answers.unexpected.len()), (3, 2));
        assert!(
            answers.unexpected[0].contains("Forged"),
            "{:?}",
            answers.unexpected
        );
    }
}
