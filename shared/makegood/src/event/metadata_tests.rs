//! What the free fields of a purchase mean.

use super::*;
use serde_json::json;

fn metadata(value: Value) -> Metadata {
    Metadata::read(Some(&value)).unwrap()
}

#[test]
fn metadata_may_be_a_json_string() {
    assert_eq!(metadata(json!("{\"purchaseTier\":10}")).purchase_tier(), Ok(10));
}

#[test]
fn a_text_that_holds_no_object_says_nothing_and_is_kept() {
    for text in ["not json", "[10]", "{\"purchaseTier\":10"] {
        let read = Metadata::of_event(Some(&json!(text))).unwrap();
        assert_eq!(read.purchase_tier(), Ok(30));
        assert_eq!(read.to_json(), json!({"unreadText": text}));
    }
    assert_eq!(
        Metadata::of_event(Some(&json!(" null "))),
        Ok(Metadata::default())
    );
    assert!(Metadata::of_event(Some(&json!([10]))).is_err());
}

#[test]
fn tier_falls_back_to_session_count_and_then_to_thirty() {
    assert_eq!(metadata(json!({"sessionCount": 20})).purchase_tier(), Ok(20));
    assert_eq!(
        metadata(json!({"purchaseTier": 10, "sessionCount": 20})).purchase_tier(),
        Ok(10)
    );
    assert_eq!(metadata(json!({})).purchase_tier(), Ok(30));
    assert_eq!(metadata(json!({"purchaseTier": "20"})).purchase_tier(), Ok(20));
}

#[test]
fn a_tier_that_is_not_sold_is_refused_by_name() {
    let refusal = metadata(json!({"purchaseTier": 501}))
        .purchase_tier()
        .unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "field `metadata.purchaseTier` is 501; it must be a number of sessions, 1 to 500"
    );
    for wrong in [
        json!(0),
        json!(-10),
        "7.5".parse().unwrap(),
        json!("ten"),
        json!(1e300),
    ] {
        let tier = metadata(json!({"purchaseTier": wrong})).purchase_tier();
        assert!(tier.is_err(), "{wrong}");
    }
    for sold in [1, 7, 15, 60, 500] {
        assert_eq!(metadata(json!({"purchaseTier": sold})).purchase_tier(), Ok(sold));
    }
}

#[test]
fn the_events_fields_win_over_the_payments() {
    let merged = metadata(json!({"timeSlot": "4:00 PM"}))
        .over(&metadata(json!({"timeSlot": "5:30 PM", "purchaseTier": 20})));
    assert_eq!(merged.time_slot().as_deref(), Some("4:00 PM"));
    assert_eq!(merged.purchase_tier(), Ok(20));
}

#[test]
fn days_and_times_are_written_in_one_form_and_what_is_not_understood_is_kept_and_named() {
    let sent = metadata(json!({
        "timeSlot": "16:00", "startDate": "", "schedule": "{\"startDate\": \"2026-12-10T18:30:00.000Z\", \"days\": 5}",
        "notUnderstood": {"forged": true}, "coupon": "A",
    }));
    let school = Tz::Asia__Kolkata;
    let expected = json!({
        "timeSlot": "4:00 PM", "startDate": "", "schedule": {"startDate": "2026-12-11", "days": 5}, "coupon": "A",
    });
    assert_eq!(sent.normalised(school).to_json(), expected);
    assert_eq!(sent.start_date(school), "2026-12-11".parse().ok());
    let unread = json!({"timeSlot": "evening", "schedule": {"startDate": "10/12/2026"}, "startDate": 7});
    let normalised = metadata(unread.clone()).normalised(school).to_json();
    assert_eq!(
        normalised["notUnderstood"],
        json!({"timeSlot": "evening", "schedule.startDate": "10/12/2026", "startDate": 7})
    );
    assert_eq!(normalised["schedule"], unread["schedule"]);
    assert_eq!(
        (
            metadata(unread).time_slot(),
            metadata(normalised).start_date(school)
        ),
        (None, None)
    );
    let text = metadata(json!({"schedule": "after the exams"}))
        .normalised(school)
        .to_json();
    assert_eq!(text["notUnderstood"], json!({"schedule": "after the exams"}));
}

#[test]
fn the_normal_form_means_itself() {
    for sent in [
        json!({"timeSlot": "5.30pm", "schedule": "{\"startDate\": \"2026-12-10\"}"}),
        json!({"timeSlot": "evening", "startDate": "10/12/2026"}),
        json!({}),
    ] {
        let once = metadata(sent).normalised(Tz::UTC);
        assert_eq!(once.normalised(Tz::UTC), once);
    }
}

#[test]
fn an_end_is_a_day_at_the_school_or_an_instant_and_nothing_where_a_form_left_it_empty() {
    let end = |value: Value| metadata(json!({"expiryDate": value})).expiry(Tz::Asia__Kolkata);
    assert_eq!(end(json!("2026-12-31")), Ok("2026-12-31T18:29:59Z".parse().ok()));
    assert_eq!(
        end(json!("2026-12-31T00:00:00Z")),
        Ok("2026-12-31T00:00:00Z".parse().ok())
    );
    assert_eq!(
        (end(json!("")), end(json!(" ")), end(json!(null))),
        (Ok(None), Ok(None), Ok(None))
    );
    assert!(end(json!("31/12/2026")).is_err());
    // Seconds or milliseconds since 1970, as a number or as text, are one instant.
    for since_1970 in [
        json!(1_797_000_000),
        json!(1_797_000_000_000_i64),
        json!(1_797_000_000.0),
        json!("1797000000"),
        json!("1797000000000"),
    ] {
        assert_eq!(
            end(since_1970.clone()),
            Ok(DateTime::from_timestamp(1_797_000_000, 0)),
            "{since_1970}"
        );
    }
    for wrong in [json!(1_797_000_000.5), json!(true), json!([]), json!({})] {
        assert!(end(wrong.clone()).is_err(), "{wrong}");
    }
}
