//! With the keyboard alone.

use super::chromium::{Browser, Screen};
use super::scene::{JOB, Scene};

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
/// More stops than any page has before what is looked for.
const MOST_STOPS: usize = 60;

impl Browser {
    async fn key(&self, key: &str) {
        let here = self.page.active_element().await.expect("something has the focus");
        here.send_keys(key).await.expect("it takes keys");
    }

    /// What has the focus, in words.
    async fn focus(&self) -> String {
        let script = "const e = document.activeElement; return (e.id || '') + ' ' + (e.name || '') + ' ' + (e.tagName === 'SELECT' ? '' : e.innerText || '')";
        self.run(script)
            .await
            .as_str()
            .unwrap_or_default()
            .trim()
            .to_owned()
    }

    /// Goes on from stop to stop until the focus is on this; each stop must be seen.
    async fn tab_to(&self, text: &str) {
        for _ in 0..MOST_STOPS {
            self.key(TAB).await;
            let seen = self
                .run("return getComputedStyle(document.activeElement).outlineStyle")
                .await;
            assert_ne!(seen, "none", "the focus is not seen on {:?}", self.focus().await);
            if self.focus().await.contains(text) {
                return;
            }
        }
        panic!("the keyboard does not reach {text:?}:\n{}", self.text().await);
    }
}

#[tokio::test]
async fn with_the_keyboard_alone_one_logs_in_and_retries_a_failed_job() {
    let scene = Scene::open_outside(Screen::Desktop).await;
    let browser = &scene.browser;
    browser
        .open(&scene.address("/admin/login?next=/admin/health"))
        .await;
    browser.says("Log in as operator on call").await;
    browser.key(ENTER).await;
    browser.says("Paid, not fulfilled").await;
    browser.key(TAB).await;
    assert_eq!(
        browser.focus().await,
        "Skip to the page",
        "the first stop skips the menu"
    );
    browser.tab_to("Jobs").await;
    browser.key(ENTER).await;
    browser.says("Last error").await;
    browser.tab_to("finalize_order").await;
    browser.key(ENTER).await;
    browser.says("Retry this job").await;
    browser.tab_to("reason").await;
    browser.key("typed without a mouse").await;
    browser.tab_to("Retry this job").await;
    browser.keep("keyboard-focus").await;
    browser.key(ENTER).await;
    browser.says("The job is runnable").await;
    let retried = format!(
        "SELECT count(*) FROM audit_log WHERE action = 'job.retry' AND subject = 'job:{JOB}' AND reason = 'typed without a mouse'"
    );
    assert_eq!(scene.database.count(&retried).await, 1);
    scene.close().await;
}
