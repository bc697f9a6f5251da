//! What SQS acknowledged. A message counts as sent only when the answer names it (docs/decisions/0025).

use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchOutput;

/// Whether each of these entries, by the id that it was sent under, is in the queue; else why not. An entry that the answer
/// does not name is not: it is sent again, which every consumer bears, where a lost one is lost for good.
#[must_use]
pub fn verdicts(answer: &SendMessageBatchOutput, ids: &[String]) -> Vec<Result<(), String>> {
    ids.iter().map(|id| verdict(answer, id)).collect()
}

/// The codes with which SQS refuses what a message holds, whoever sends it how often.
const ABOUT_CONTENT: [&str; 4] = [
    "InvalidMessageContents",
    "InvalidParameterValue",
    "BatchRequestTooLong",
    "AWS.SimpleQueueService.BatchRequestTooLong",
];

/// Whether an error of this code is about what the message holds: sent again, it is refused again.
#[must_use]
pub fn is_about_content(code: &str) -> bool {
    ABOUT_CONTENT.contains(&code)
}

/// Whether this entry was refused for what it holds.
#[must_use]
pub fn refuses_content(answer: &SendMessageBatchOutput, id: &str) -> bool {
    let mut failed = answer.failed.iter().filter(|entry| entry.id == id);
    failed.any(|entry| entry.sender_fault && is_about_content(&entry.code))
}

fn verdict(answer: &SendMessageBatchOutput, id: &str) -> Result<(), String> {
    if let Some(failed) = answer.failed.iter().find(|entry| entry.id == id) {
        return Err(failed.message.clone().unwrap_or_else(|| failed.code.clone()));
    }
    let taken = answer.successful.iter().find(|entry| entry.id == id);
    match taken {
        Some(entry) if !entry.message_id.is_empty() => Ok(()),
        Some(_) => Err("SQS's answer names this message and gives it no id".to_owned()),
        None => Err("SQS's answer does not name this message".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchResultEntry};

    fn taken(id: &str, message_id: &str) -> SendMessageBatchResultEntry {
        let entry = SendMessageBatchResultEntry::builder()
            .id(id)
            .message_id(message_id);
        entry.md5_of_message_body("").build().unwrap()
    }

    #[test]
    fn only_what_the_answer_names_is_in_the_queue() {
        let refused = BatchResultErrorEntry::builder()
            .id("1")
            .code("InvalidMessageContents")
            .sender_fault(true)
            .build()
            .unwrap();
        let answer = SendMessageBatchOutput::builder()
            .successful(taken("0", "m-0"))
            .successful(taken("1", "m-1"))
            .successful(taken("2", ""))
            .successful(taken("9", "m-9"))
            .failed(refused)
            .build()
            .unwrap();
        let ids: Vec<String> = ["0", "1", "2", "3"].map(str::to_owned).into();
        let found = verdicts(&answer, &ids);
        assert_eq!(found[0], Ok(()));
        assert_eq!(
            found[1],
            Err("InvalidMessageContents".to_owned()),
            "a refusal outweighs"
        );
        assert!(refuses_content(&answer, "1") && !refuses_content(&answer, "0"));
        assert!(found[2].as_ref().unwrap_err().contains("gives it no id"));
        assert!(found[3].as_ref().unwrap_err().contains("does not name"));
    }
}
