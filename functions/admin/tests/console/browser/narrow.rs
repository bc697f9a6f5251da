//! On a phone of 360 px, with the longest values.

use super::chromium::Screen;
use super::scene::{CASE, DEAD_LETTER, JOB, PAYMENT, Scene};
use crate::stage::PAGES;

const LONG: &str = "a_word_that_is_far_too_long_for_any_phone_and_has_no_place_where_it_could_be_broken_into_two_lines_of_text";

#[tokio::test]
async fn at_360_px_no_page_scrolls_sideways() {
    let scene = Scene::open(Screen::Phone).await;
    scene
        .database
        .run_sql(&format!(
            "UPDATE job_queue SET last_error = '{LONG}', idempotency_key = '{LONG}', payload = payload || '{{\"x\": \"{LONG}\"}}';
             UPDATE dead_letters SET failure_reason = failure_reason || ' {LONG}', event_id = '{LONG}';
             UPDATE payment_cases SET subject = '{LONG}', details = details || '{{\"assignee\": \"{LONG}\"}}';
             INSERT INTO audit_log (actor, action, subject, reason) VALUES ('{LONG}', '{LONG}', 'job:{LONG}', '{LONG}');
             INSERT INTO sweep_runs (sweep, started_at, millis, error) VALUES ('reconcile', now(), 5, '{LONG}')"
        ))
        .await;
    let more = [
        format!("/admin/jobs/{JOB}"),
        format!("/admin/cases/{CASE}"),
        format!("/admin/dead-letters/{DEAD_LETTER}"),
        format!("/admin/timeline/payment/{PAYMENT}"),
        format!("/admin/search?q={LONG}"),
        "/admin/health?range=week".to_owned(),
    ];
    for address in PAGES.into_iter().map(str::to_owned).chain(more) {
        scene.browser.open(&scene.address(&address)).await;
        let widths = scene
            .browser
            .run("return [window.innerWidth, document.documentElement.scrollWidth]")
            .await;
        let name = address
            .split('?')
            .next()
            .unwrap_or_default()
            .trim_start_matches("/admin/")
            .split('/')
            .next()
            .unwrap_or_default();
        let is_one = address.matches('/').count() > 2;
        scene
            .browser
            .keep(&format!("phone-{name}{}", if is_one { "-one" } else { "" }))
            .await;
        assert_eq!(widths[0], 360, "{address}");
        assert!(
            widths[1].as_i64() <= Some(360),
            "{address} is {} px wide",
            widths[1]
        );
    }
    scene.close().await;
}
