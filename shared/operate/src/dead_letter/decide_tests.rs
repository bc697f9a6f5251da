use super::*;
use makegood::config::Environment;
use serde_json::json;

const EVENT: &str = r#"{"type":"PURCHASE_CREATED","purchaseId":"11111111-1111-4111-8111-111111111111",
    "studentId":"22222222-2222-4222-8222-222222222222","courseId":"33333333-3333-4333-8333-333333333333",
    "purchaseTier":30,"metadata":{}}"#;

fn destinations() -> Destinations {
    Destinations::read(&Environment::of(&[
        (
            "QUEUE_URL_PURCHASE_CREATED",
            "https://q/1/created-allocation,https://q/1/created-cache",
        ),
        ("QUEUE_URL_TRAINER_ALLOCATED", "https://q/1/allocated"),
        ("JOBS_QUEUE_URL", "https://q/1/jobs"),
    ]))
}

fn dead_letter(source: &str, raw: &str) -> Candidate {
    Candidate {
        id: Uuid::from_u128(7),
        source: source.to_owned(),
        raw: Some(raw.to_owned()),
        raw_encoding: None,
        is_from_kafka: false,
        replay_count: 0,
        parked_at: DateTime::UNIX_EPOCH,
    }
}

fn decided(dead_letter: &Candidate) -> Result<Ready, Refusal> {
    decide(dead_letter, None, &destinations(), false)
}

fn edited(source: &str, body: &str) -> Result<Ready, Refusal> {
    let edit = Edit {
        body: body.to_owned(),
    };
    decide(&dead_letter(source, EVENT), Some(&edit), &destinations(), false)
}

#[test]
fn a_dead_letter_goes_back_to_its_own_queue_as_the_next_generation() {
    let ready = decided(&dead_letter("created-cache", EVENT)).unwrap();
    assert_eq!(ready.destination.url, "https://q/1/created-cache");
    assert_eq!((ready.body.as_str(), ready.generation), (EVENT, 1));
}

#[test]
fn a_fifth_return_is_refused_unless_the_operator_insists() {
    let mut round = dead_letter("created-cache", EVENT);
    round.replay_count = MOST_GENERATIONS - 1;
    assert_eq!(decided(&round).unwrap().generation, MOST_GENERATIONS);
    round.replay_count = MOST_GENERATIONS;
    assert_eq!(
        decided(&round),
        Err(Refusal::Loop {
            generation: MOST_GENERATIONS
        })
    );
    assert!(decide(&round, None, &destinations(), true).is_ok());
}

#[test]
fn an_edited_payload_that_its_function_would_refuse_is_refused_with_the_fields_name() {
    let cases = [
        (EVENT.replace("studentId", "student"), "`studentId` is missing"),
        (EVENT.replace("30", "\"many\""), "`purchaseTier` is"),
        (EVENT.replace("PURCHASE_CREATED", "NO_SUCH"), "`type` is"),
        ("{".to_owned(), "not JSON"),
        (String::new(), "empty"),
    ];
    for (body, expected) in cases {
        let reason = edited("created-allocation", &body).unwrap_err().to_string();
        assert!(reason.contains(expected), "{reason}");
    }
    let other = edited("allocated", EVENT).unwrap_err();
    assert_eq!(other.code(), "wrong_type");
    assert!(
        other
            .to_string()
            .contains("`type` is PURCHASE_CREATED; allocated carries TRAINER_ALLOCATED")
    );
}

#[test]
fn a_wake_up_goes_back_to_the_jobs_queue_only_with_a_jobs_id() {
    let wake_up = json!({"jobId": Uuid::from_u128(9)}).to_string();
    assert_eq!(
        decided(&dead_letter("jobs", &wake_up)).unwrap().destination.queue,
        "jobs"
    );
    assert_eq!(decided(&dead_letter("jobs", "{}")), Err(Refusal::NoJobId));
    assert_eq!(decided(&dead_letter("jobs", EVENT)), Err(Refusal::NoJobId));
}

#[test]
fn what_has_no_queue_of_its_own_is_refused() {
    let kafka = Candidate {
        is_from_kafka: true,
        ..dead_letter("created-cache", EVENT)
    };
    assert_eq!(decided(&kafka).unwrap_err().code(), "from_kafka");
    let unknown = decided(&dead_letter("purchase-created", EVENT)).unwrap_err();
    assert_eq!(unknown.code(), "no_destination");
}

#[test]
fn a_body_that_cannot_be_sent_is_refused() {
    let tombstone = Candidate {
        raw: None,
        ..dead_letter("created-cache", "")
    };
    assert_eq!(decided(&tombstone), Err(Refusal::NoBody));
    let packed = Candidate {
        raw_encoding: Some("gzip+base64".to_owned()),
        ..dead_letter("created-cache", "bm8=")
    };
    assert_eq!(decided(&packed).unwrap_err().code(), "unreadable_body");
    let with_nul = Candidate {
        raw_encoding: Some("json-string".to_owned()),
        ..dead_letter("created-cache", "\"a\\u0000b\"")
    };
    assert_eq!(decided(&with_nul), Err(Refusal::Unsendable { code_point: 0 }));
    let long = edited("created-cache", &"x".repeat(LONGEST_PAYLOAD + 1));
    assert_eq!(long.unwrap_err().code(), "payload_too_large");
}
