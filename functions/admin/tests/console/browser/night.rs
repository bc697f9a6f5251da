//! At three in the morning a buyer paid and got nothing.

use super::chromium::Screen;
use super::scene::{CASE, COURSE, DEAD_LETTER, JOB, PAYMENT, Scene, body, name_of};
use serde_json::Value;

const GROUND: &str = "return getComputedStyle(document.body).backgroundColor";

#[tokio::test]
async fn the_person_on_call_finds_the_payment_repairs_everything_and_it_is_on_the_record() {
    let scene = Scene::open(Screen::Desktop).await;
    scene.browser.keep("health").await;
    find_the_payment(&scene).await;
    fix_the_dead_letter(&scene).await;
    retry_the_job(&scene).await;
    resolve_the_case(&scene).await;
    run_a_sweep(&scene).await;
    read_the_record(&scene).await;
    scene.close().await;
}

async fn find_the_payment(scene: &Scene) {
    scene.browser.fill("#q", &PAYMENT.to_string()).await;
    scene.browser.press("Find").await;
    scene.browser.says("no purchase").await;
    scene.browser.says("courseId must be a UUID").await;
    scene.browser.keep("timeline").await;
    scene.browser.press(&DEAD_LETTER.to_string()).await;
    scene.browser.says("Edit and send back").await;
    scene.browser.keep("dead-letter").await;
}

async fn fix_the_dead_letter(scene: &Scene) {
    scene.browser.press("Dry run").await;
    scene.browser.says("would stay").await;
    let fixed = body(&COURSE.to_string());
    scene.browser.fill("#body", &fixed).await;
    scene.browser.press("Dry run").await;
    scene.browser.says("The edited dead letter would go to").await;
    scene.browser.keep("dead-letter-dry-run").await;
    scene
        .browser
        .fill("#reason-replay", "the course's name stood where its id belongs")
        .await;
    scene.browser.press("Replay this dead letter").await;
    scene
        .browser
        .says(&format!(
            "The edited dead letter is in {} again.",
            name_of(&scene.confirmed)
        ))
        .await;
    scene.browser.keep("dead-letter-replayed").await;
    let sent = scene.confirmed.receive_event(1).await;
    assert_eq!(sent["Records"][0]["body"], fixed.as_str());
}

async fn retry_the_job(scene: &Scene) {
    scene
        .browser
        .open(&scene.address("/admin/jobs?status=failed"))
        .await;
    scene.browser.keep("jobs").await;
    scene.browser.press("finalize_order").await;
    scene.browser.says("variant 7 is not in the catalogue").await;
    scene.browser.keep("job").await;
    scene
        .browser
        .fill("input[name=reason]", "the variant is in the catalogue again")
        .await;
    scene.browser.press("Retry this job").await;
    scene.browser.says("a worker was woken").await;
    let wake_up = scene.jobs.receive_event(1).await;
    let wake_up: Value =
        serde_json::from_str(wake_up["Records"][0]["body"].as_str().expect("a body")).expect("JSON");
    assert_eq!(wake_up["jobId"], JOB.to_string());
}

async fn resolve_the_case(scene: &Scene) {
    scene
        .browser
        .open(&scene.address("/admin/cases?status=open"))
        .await;
    scene.browser.keep("cases").await;
    scene.browser.press("refund due").await;
    scene.browser.says("NPR 1,500.00").await;
    scene.browser.keep("case").await;
    let form = format!("form[action='/admin/cases/{CASE}/resolve'] ");
    scene
        .browser
        .fill(
            &format!("{form}input[name=reason]"),
            "refunded at Khalti, reference 42",
        )
        .await;
    scene.browser.press("Resolve this case").await;
    scene.browser.says("The case is resolved.").await;
}

async fn run_a_sweep(scene: &Scene) {
    scene.browser.open(&scene.address("/admin/sweeps")).await;
    scene.browser.keep("sweeps").await;
    scene
        .browser
        .fill("#reason-reconcile", "to see that nothing else is owed")
        .await;
    scene.browser.press("Run reconcile now").await;
    scene.browser.says("reconcile ran").await;
    let runs = scene
        .database
        .count("SELECT count(*) FROM sweep_runs WHERE sweep = 'reconcile'")
        .await;
    assert_eq!(runs, 1, "the sweep's own function ran");
}

async fn read_the_record(scene: &Scene) {
    scene.browser.press("Audit").await;
    for text in [
        "dead_letter.replay",
        "the course's name stood where its id belongs",
        "job.retry",
        "the variant is in the catalogue again",
        "case.resolve",
        "refunded at Khalti, reference 42",
        "sweep.run",
        "to see that nothing else is owed",
        "Operator on call (operator-on-call)",
    ] {
        scene.browser.says(text).await;
    }
    scene.browser.keep("audit").await;
    let light = scene.browser.run(GROUND).await;
    scene.browser.prefer_dark().await;
    assert_ne!(
        scene.browser.run(GROUND).await,
        light,
        "there is a dark page for who prefers it"
    );
    scene.browser.keep("audit-dark").await;
    scene
        .browser
        .open(&scene.address(&format!("/admin/timeline/payment/{PAYMENT}")))
        .await;
    scene.browser.keep("timeline-dark").await;
    scene.browser.open(&scene.address("/admin/health")).await;
    scene.browser.keep("health-dark").await;
    assert_eq!(scene.database.count("SELECT count(*) FROM audit_log").await, 4);
}
