//! Every page, full, hostile and empty, on a desktop and on a phone: nothing scrolls sideways, and a picture is kept to be looked at.

use super::chromium::Screen;
use super::crowd::{HOSTILE_DEAD_LETTER, LONG_CASE};
use super::scene::{DEAD_LETTER, INTENT, JOB, PAYMENT, STUDENT, Scene};

/// Where each page is, what its picture is called, and something that it must say.
fn full() -> Vec<(String, &'static str, &'static str)> {
    [
        ("/admin/health", "health", "needs you"),
        ("/admin/health?range=week", "health-week", "needs you"),
        ("/admin/doctor", "doctor", "breach"),
        (&format!("/admin/search?q={STUDENT}"), "search", "32 matches"),
        ("/admin/search?q=pay_unknown", "search-nothing", "Nothing knows"),
        (
            &format!("/admin/timeline/payment/{PAYMENT}"),
            "timeline",
            "no purchase yet",
        ),
        (
            &format!("/admin/timeline/intent/{INTENT}"),
            "timeline-order",
            "waits for you",
        ),
        ("/admin/jobs", "jobs", "Older"),
        ("/admin/jobs?status=failed", "jobs-failed", "vendor"),
        (&format!("/admin/jobs/{JOB}"), "job", "Retry this job"),
        ("/admin/dead-letters", "dead-letters", "Older"),
        (
            &format!("/admin/dead-letters/{DEAD_LETTER}"),
            "dead-letter",
            "Edit and send back",
        ),
        (
            &format!("/admin/dead-letters/{HOSTILE_DEAD_LETTER}"),
            "dead-letter-hostile",
            "<script>alert(1)</script>",
        ),
        ("/admin/dead-letters/replay", "dry-run", "would stay"),
        ("/admin/cases", "cases", "Older"),
        (&format!("/admin/cases/{LONG_CASE}"), "case", "Resolve this case"),
        ("/admin/sweeps", "sweeps", "silent"),
        ("/admin/audit", "audit", "Older"),
        ("/admin/runbook#job-stuck", "runbook", "job-stuck"),
        ("/admin/nowhere", "nowhere", "Nothing here"),
    ]
    .map(|(address, name, says)| (address.to_owned(), name, says))
    .into()
}

/// The same when nothing has happened: each page says so, and what comes next.
const EMPTY: [(&str, &str, &str); 9] = [
    ("/admin/health", "health", "Nothing needs you now"),
    ("/admin/doctor", "doctor", "Every guarantee holds"),
    ("/admin/search", "search", "Give a payment"),
    ("/admin/jobs", "jobs", "The first one comes with"),
    (
        "/admin/dead-letters?status=parked",
        "dead-letters",
        "nothing waits for you here",
    ),
    ("/admin/dead-letters/replay", "dry-run", "nothing would be sent"),
    (
        "/admin/cases?status=open",
        "cases",
        "nothing waits for your decision",
    ),
    ("/admin/statement", "statement", "No statement has been read"),
    ("/admin/audit", "audit", "Nothing has been changed by hand"),
];

async fn badge(scene: &Scene, prefix: &str, address: &str, name: &str, says: &str) {
    scene.browser.open(&scene.address(address)).await;
    scene.browser.says(says).await;
    scene.browser.keep(&format!("{prefix}-{name}")).await;
    let widths = scene
        .browser
        .run("return [window.innerWidth, document.documentElement.scrollWidth]")
        .await;
    assert!(
        widths[1].as_i64() <= widths[0].as_i64(),
        "{address} is {widths} px wide"
    );
}

async fn look_at_everything(screen: Screen, name: &str) {
    let scene = Scene::open(screen).await;
    scene.crowd().await;
    for (address, picture, says) in full() {
        badge(&scene, name, &address, picture, says).await;
    }
    scene.empty().await;
    for (address, picture, says) in EMPTY {
        badge(&scene, &format!("{name}-empty"), address, picture, says).await;
    }
    scene.close().await;
}

#[tokio::test]
async fn every_page_full_and_empty_on_a_desktop() {
    look_at_everything(Screen::Desktop, "desktop").await;
}

#[tokio::test]
async fn every_page_full_and_empty_on_a_phone_of_360_px() {
    look_at_everything(Screen::Phone, "phone").await;
}
