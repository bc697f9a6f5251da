//! Whether who confirms is another person than who proposed. Pure.

use super::ProposedEdit;
use crate::audit::{Act, Caller};

/// Why a person is no second operator for an edit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSecond {
    /// The same name, AWS caller or login.
    #[error("{by} proposed it; another operator must confirm it")]
    Same {
        /// Who.
        by: String,
    },
    /// One of them is known by a login and the other by an AWS caller, which can't be compared.
    #[error("it was proposed {proposed}; confirm it there, so that it is certain that two persons agreed")]
    Elsewhere {
        /// Where.
        proposed: &'static str,
    },
    /// Neither a login nor an AWS caller.
    #[error(
        "who you are is not known, only what you typed; use a profile of AWS that may call sts:GetCallerIdentity, or the console"
    )]
    Unknown,
}

/// Whether the person of this act may confirm the edit: known by more than a typed name, and another one in name and in what is not typed.
///
/// # Errors
/// Says why not.
pub fn is_second(edit: &ProposedEdit, act: &Act) -> Result<(), NotSecond> {
    let confirming = act.caller.as_ref().ok_or(NotSecond::Unknown)?;
    let is_login = |caller: &str| caller.starts_with(Caller::LOGIN);
    if is_login(&edit.caller) != is_login(confirming.as_str()) {
        return Err(NotSecond::Elsewhere {
            proposed: if is_login(&edit.caller) {
                "in the console"
            } else {
                "on the command line"
            },
        });
    }
    let is_same_name = act.actor.as_str().to_lowercase() == edit.proposed_by.to_lowercase();
    if is_same_name || edit.caller == confirming.as_str() {
        return Err(NotSecond::Same {
            by: edit.proposed_by.clone(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::EditStatus;
    use chrono::DateTime;
    use uuid::Uuid;

    fn proposed(by: &str, caller: &str) -> ProposedEdit {
        ProposedEdit {
            id: Uuid::nil(),
            subject: "event:e".to_owned(),
            body: None,
            replaces: None,
            changes: Vec::new(),
            forced: false,
            status: EditStatus::Pending,
            proposed_by: by.to_owned(),
            caller: caller.to_owned(),
            reason: "why".to_owned(),
            proposed_at: DateTime::UNIX_EPOCH,
            decided_by: None,
            decided_at: None,
        }
    }

    fn act(by: &str, caller: Option<Caller>) -> Act {
        let act = Act::new(by, "why").unwrap();
        Act { caller, ..act }
    }

    #[test]
    fn only_another_name_with_another_caller_of_the_same_sort_is_a_second_operator() {
        let (asha, ravi) = (Caller::aws("arn:asha"), Caller::aws("arn:ravi"));
        let edit = proposed("asha", asha.as_str());
        assert_eq!(is_second(&edit, &act("ravi", Some(ravi.clone()))), Ok(()));
        let same = Err(NotSecond::Same {
            by: "asha".to_owned(),
        });
        assert_eq!(
            is_second(&edit, &act("ravi", Some(asha))),
            same,
            "another name typed"
        );
        assert_eq!(
            is_second(&edit, &act(" ASHA ", Some(ravi))),
            same,
            "the same name"
        );
        assert_eq!(is_second(&edit, &act("ravi", None)), Err(NotSecond::Unknown));
        let login = act("ravi", Some(Caller::login("ravi's id")));
        assert!(matches!(
            is_second(&edit, &login),
            Err(NotSecond::Elsewhere { .. })
        ));
        let in_console = proposed("asha", Caller::login("asha's id").as_str());
        assert_eq!(is_second(&in_console, &login), Ok(()));
    }
}
