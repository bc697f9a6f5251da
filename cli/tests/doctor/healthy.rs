//! A healthy database has nothing to find, and a large one is read within ten seconds.

use crate::scene::Scene;
use std::time::{Duration, Instant};

/// What a reading of a million purchases may take (issue 4). Here it is a tenth as many; benches/doctor.sh has the million.
const LONGEST: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_hundred_thousand_healthy_purchases_are_read_within_seconds_and_nothing_is_found() {
    let scene = Scene::healthy(100_000).await;
    scene.database.run_sql("ANALYZE").await;
    let started = Instant::now();
    let examination = scene.examine().await;
    let took = started.elapsed();
    assert_eq!(examination.findings, []);
    assert!(took < LONGEST, "{took:?}");
    scene.drop().await;
}
