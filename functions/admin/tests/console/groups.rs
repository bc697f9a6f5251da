//! Dead letters in groups: each group's number is that of the list it leads to.

use crate::stage::Stage;
use regex::Regex;

/// Four groups of parked ones, and one that was replayed.
const ROWS: &str = "INSERT INTO dead_letters (source, message_id, function_name, error_code, event_id, event_type, failure_reason, raw, status, parked_at)
    SELECT 'queue', row_number() OVER ()::text, function_name, error_code, event_id, 'PURCHASE_CONFIRMED', 'seen reason', '{}', status,
           now() - row_number() OVER () * interval '1 minute'
    FROM (VALUES ('create-purchase', 'missing_field', 'event-1', 'parked'), ('create-purchase', 'missing_field', 'event-1', 'parked'),
                 ('create-purchase', 'missing_field', 'event-2', 'parked'), ('create-purchase', 'missing_field', 'event-3', 'replayed'),
                 ('allocate-trainer', 'missing_field', 'event-1', 'parked'), (NULL, 'missing_field', NULL, 'parked'),
                 (NULL, NULL, NULL, 'parked'), (NULL, NULL, ' event with blanks ', 'parked')) v (function_name, error_code, event_id, status)";

/// Each group's way to the list, and its number.
fn groups(page: &str) -> Vec<(String, usize)> {
    let row = Regex::new(
        r#"<div><a[^>]* href="(/admin/dead-letters\?[^"]*)">.*?</a>.*?data-label="Dead letters"><div>([\d,]+)</div>"#,
    )
    .expect("a pattern");
    let found = row.captures_iter(page).map(|found| {
        let number = found[2].parse().expect("a number");
        (found[1].replace("&amp;", "&"), number)
    });
    found.collect()
}

fn rows_of(list: &str) -> usize {
    list.matches("role=\"row\"").count().saturating_sub(1)
}

async fn assert_leads_to_its_rows(stage: &Stage, address: &str, expected: &[usize]) {
    let page = stage.page(address).await.body;
    let groups = groups(&page);
    let numbers: Vec<usize> = groups.iter().map(|(_, number)| *number).collect();
    assert_eq!(numbers, expected, "{page}");
    for (list, number) in groups {
        let answer = stage.page(&list).await;
        assert_eq!((answer.status, rows_of(&answer.body)), (200, number), "{list}");
    }
}

#[tokio::test]
async fn a_group_leads_to_exactly_its_dead_letters_by_error_and_by_event() {
    let stage = Stage::open().await;
    stage.database.run_sql(ROWS).await;
    let groups = "/admin/dead-letters/groups";
    // Three of one error, two without a code, and one each of two functions with the same code, one of which is none.
    assert_leads_to_its_rows(&stage, &format!("{groups}?status=parked"), &[3, 2, 1, 1]).await;
    assert_leads_to_its_rows(&stage, groups, &[4, 2, 1, 1]).await;
    assert_leads_to_its_rows(&stage, &format!("{groups}?status=replayed"), &[1]).await;
    // Three of one event, two without one, one. What a list can't be asked for has no link, and its example has.
    assert_leads_to_its_rows(&stage, &format!("{groups}?by=event&status=parked"), &[3, 2, 1]).await;
    let page = stage.page(&format!("{groups}?by=event&status=parked")).await.body;
    assert!(page.contains("allocate-trainer: missing_field"), "{page}");
    assert!(page.contains("> event with blanks <"), "{page}");
    stage.close().await;
}

#[tokio::test]
async fn a_replay_of_a_group_takes_its_dead_letters_and_no_other() {
    let stage = Stage::open().await;
    stage.database.run_sql(ROWS).await;
    let stay = Regex::new(r"would stay</span></div></td><td[^>]*><div>(\d+)</div>").expect("a pattern");
    for (filter, planned) in [
        ("event=event-1", 3),
        ("event=-", 2),
        ("function=-&error=-", 2),
        ("function=-&error=missing_field", 1),
        ("event=event-9", 0),
    ] {
        let list = stage
            .page(&format!("/admin/dead-letters?status=parked&{filter}"))
            .await
            .body;
        let plan = format!("/admin/dead-letters/replay?{filter}");
        if planned > 0 {
            assert!(list.contains(&plan.replace('&', "&amp;")), "{filter}: {list}");
        }
        let page = stage.page(&plan).await.body;
        let found: usize = stay
            .captures_iter(&page)
            .map(|found| found[1].parse::<usize>().expect("a number"))
            .sum();
        assert_eq!(found, planned, "{filter}: {page}");
    }
    stage.close().await;
}

#[tokio::test]
async fn of_very_many_the_newest_ten_thousand_are_counted_and_the_page_says_so() {
    let stage = Stage::open().await;
    stage
        .database
        .run_sql(
            "INSERT INTO dead_letters (source, message_id, function_name, error_code, event_id, failure_reason, parked_at)
             SELECT 'queue', n::text, 'create-purchase', 'missing_field', n::text, 'why', now() - n * interval '1 second'
             FROM generate_series(1, 10001) n",
        )
        .await;
    let page = stage.page("/admin/dead-letters/groups?status=parked").await.body;
    assert!(page.contains("The newest 10,000 are counted here"), "{page}");
    assert!(
        page.contains("<div>10,000</div>") && !page.contains("10,001"),
        "{page}"
    );
    let page = stage.page("/admin/dead-letters/groups?by=event").await.body;
    assert!(page.contains("9,900 smaller ones are not"), "{page}");
    stage.close().await;
}
