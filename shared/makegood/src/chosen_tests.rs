use super::*;
use proptest::prelude::*;
use serde_json::json;

const ZONES: [Tz; 6] = [
    Tz::UTC,
    Tz::Asia__Kolkata,
    Tz::Asia__Kathmandu,
    Tz::America__New_York,
    Tz::Europe__Berlin,
    Tz::Pacific__Auckland,
];
const SCHOOL: Tz = Tz::Asia__Kolkata;

fn written(text: &str) -> Option<String> {
    day(text, SCHOOL).map(|day| day.to_string())
}

/// A blank text is one too: no end.
fn is_an_end_by_schema(text: &str) -> bool {
    Regex::new(&end_pattern()).unwrap().is_match(text)
}

#[test]
fn a_day_is_read_in_the_forms_that_forms_send() {
    for (text, expected) in [
        ("2026-12-10", "2026-12-10"),
        (" 2026-12-10 ", "2026-12-10"),
        // what `new Date(…).toISOString()` makes of the eleventh at midnight in India
        ("2026-12-10T18:30:00.000Z", "2026-12-11"),
        ("2026-12-10T18:29:59Z", "2026-12-10"),
        ("2026-12-10T00:00:00+05:30", "2026-12-10"),
        ("2026-12-10T00:00:00-11:00", "2026-12-10"),
        // a local date and time is the school's
        ("2026-12-10T18:30", "2026-12-10"),
        ("2026-12-10 18:30:00", "2026-12-10"),
        ("2026-12-10T23:59:59.999", "2026-12-10"),
    ] {
        assert_eq!(written(text).as_deref(), Some(expected), "{text}");
        assert!(is_an_end_by_schema(text), "{text}");
    }
}

#[test]
fn a_day_that_may_be_two_is_none_and_so_is_any_other_text() {
    for text in [
        "10/12/2026",
        "12/10/2026",
        "10-12-2026",
        "10.12.2026",
        "2026/12/10",
        "2026-12",
        "2026-12-1",
        "2026-1-10",
        "2026-13-01",
        "2026-02-30",
        "20261210",
        "soon",
        "",
        "next monday",
        "999999999",
        "100000000000000",
        "17970000000.5",
        "-1797000000",
        "2026-12-10T18:30:00+5",
        "2026-12-1018:30",
        "2026-12-10T18:3",
        "2026-12-10T18:30:00[Asia/Kolkata]",
        "+12026-12-10",
        "-2026-12-10",
        "2026-12-10Tsoon",
        "2026-12-10T25:00:00Z",
        "२०२६-१२-१०",
        "नमस्ते दुनिया",
    ] {
        assert_eq!(written(text), None, "{text}");
        assert_eq!(end(text, SCHOOL), None, "{text}");
        assert_eq!(is_an_end_by_schema(text), text.is_empty(), "{text}");
    }
}

#[test]
fn an_instant_may_be_a_count_or_have_an_offset_without_a_colon() {
    let at = Some("2026-12-11T12:00:00Z".parse().unwrap());
    for text in [
        "1796990400",
        "1796990400000",
        " 1796990400 ",
        "2026-12-11T17:30:00+0530",
        "2026-12-11 17:30:00.000+0530",
        "2026-12-11T12:00:00-0000",
        "2026-12-11 17:30",
        "2026-12-11t17:30:00",
        // Java's toString leaves out seconds that are 0
        "2026-12-11T12:00Z",
        "2026-12-11T17:30+05:30[Asia/Kolkata]",
        // Temporal.ZonedDateTime
        "2026-12-11T17:30:00+05:30[Asia/Kolkata]",
        // timestamptz as text, of PostgreSQL
        "2026-12-11 12:00:00+00",
        "2026-12-11 17:30:00.000000+05:30",
        // Time#to_s, of Ruby
        "2026-12-11 17:30:00 +0530",
        "2026-12-11 12:00:00 UTC",
        // time.Time.String, of Go
        "2026-12-11 17:30:00 +0530 IST",
        "2026-12-11 12:00:00 +0000 UTC",
        // hours without a leading zero, or with a blank in its place
        "2026-12-11T12:00:00,000Z",
        "2026-12-11T04:00:00-08:00",
        "2026-12-11 4:00:00-0800",
        "2026-12-11  4:00:00-08",
        "2026-12-11T11:59:60Z",
    ] {
        assert_eq!(end(text, SCHOOL), at, "{text}");
        assert_eq!(day(text, SCHOOL), "2026-12-11".parse().ok(), "{text}");
    }
}

#[test]
fn a_day_ends_with_its_last_second_at_the_school_and_an_instant_at_itself() {
    let at = |text: &str| text.parse().ok();
    assert_eq!(end("2026-12-10", SCHOOL), at("2026-12-10T18:29:59Z"));
    assert_eq!(end("2026-12-10", Tz::UTC), at("2026-12-10T23:59:59Z"));
    assert_eq!(
        end("2026-12-10T12:00:00+05:30", SCHOOL),
        at("2026-12-10T06:30:00Z")
    );
    // an hour that the clock leaves out, and one that it has twice
    assert_eq!(
        day("2026-03-29T02:30", Tz::Europe__Berlin),
        "2026-03-29".parse().ok()
    );
    assert_eq!(
        end("2026-10-25T02:30", Tz::Europe__Berlin),
        at("2026-10-25T01:30:00Z")
    );
}

#[test]
fn a_time_is_written_in_one_form_however_it_was_typed() {
    for (text, expected) in [
        ("4:00 PM", "4:00 PM"),
        ("4 PM", "4:00 PM"),
        ("04:00 pm", "4:00 PM"),
        ("4PM", "4:00 PM"),
        ("16:00", "4:00 PM"),
        ("16:00:00", "4:00 PM"),
        ("4.00 p.m.", "4:00 PM"),
        ("12:15 am", "12:15 AM"),
        ("00:15", "12:15 AM"),
        ("12 pm", "12:00 PM"),
        ("5:30 PM - 6:10 PM", "5:30 PM"),
        ("05:30 PM – 06:10 PM (India)", "5:30 PM"),
    ] {
        assert_eq!(slot(text).map(write_slot).as_deref(), Some(expected), "{text}");
    }
    for text in [
        "evening",
        "",
        "4",
        "1600",
        "24:00",
        "13 PM",
        "0 AM",
        "4:60 PM",
        "4:00:00:00",
        "+4:00",
        "४ PM",
        "4 PM IST",
    ] {
        assert_eq!(slot(text), None, "{text}");
    }
}

#[test]
fn an_object_may_come_as_its_json_text() {
    let object_of = |value: Value| object(&value).map(Value::Object);
    let schedule = json!({"startDate": "2026-12-10"});
    assert_eq!(object_of(schedule.clone()), Some(schedule.clone()));
    assert_eq!(object_of(json!(schedule.to_string())), Some(schedule));
    for other in [
        json!("2026-12-10"),
        json!("[1]"),
        json!(7),
        json!(null),
        json!(""),
    ] {
        assert_eq!(object_of(other), None);
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = (day(&text, SCHOOL), end(&text, SCHOOL), slot(&text));
    }

    #[test]
    fn nearly_a_day_or_a_time_does_not_panic_either(text in "[0-9]{1,5}[-/.: T]{0,2}[0-9]{0,3}[-/.: T]{0,2}[0-9]{0,3}[ TZAPMapm.:+0-9-]{0,14}") {
        if let Some(day) = day(&text, SCHOOL) {
            // what is understood has the normal form, and that means itself
            prop_assert_eq!(super::day(&day.to_string(), SCHOOL), Some(day));
        }
        if let Some(time) = slot(&text) {
            prop_assert_eq!(slot(&write_slot(time)), Some(time));
        }
    }

    #[test]
    fn every_day_means_itself_in_every_zone(days in 0_i32..80_000, zone in prop::sample::select(ZONES.to_vec())) {
        let day = NaiveDate::from_num_days_from_ce_opt(700_000 + days).unwrap();
        prop_assert_eq!(super::day(&day.to_string(), zone), Some(day));
        let end = end(&day.to_string(), zone).unwrap();
        prop_assert_eq!(super::day(&end.to_rfc3339(), zone), Some(day));
    }

    #[test]
    fn every_instant_is_on_its_day_at_the_school(seconds in 0_i64..4_000_000_000) {
        let instant = DateTime::from_timestamp(seconds, 0).unwrap();
        let there = instant.with_timezone(&SCHOOL).date_naive();
        prop_assert_eq!(day(&instant.to_rfc3339(), SCHOOL), Some(there));
    }

    #[test]
    fn every_time_is_read_back_in_both_clocks(hour in 0_u32..24, minute in 0_u32..60) {
        let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
        prop_assert_eq!(slot(&write_slot(time)), Some(time));
        prop_assert_eq!(slot(&time.format("%H:%M").to_string()), Some(time));
        prop_assert_eq!(slot(&time.format("%H:%M:%S").to_string()), Some(time));
        prop_assert_eq!(slot(&time.format("%I:%M%p").to_string()), Some(time));
    }
}
