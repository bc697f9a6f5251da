//! Two stacks, two consoles in two tabs: each page says whose it is.

use crate::stage::{PAGES, Stage};

/// The value of the attribute `data-hue`.
fn hue(page: &str) -> Option<&str> {
    page.split("data-hue=\"").nth(1)?.split('"').next()
}

#[tokio::test]
async fn every_page_says_which_stack_it_is_of_in_words_and_in_a_colour() {
    let mut hues = Vec::new();
    for name in ["makegood-prod", "makegood-dev"] {
        let namespace = format!("Makegood/{name}");
        let stage = Stage::open_with(&[("METRICS_NAMESPACE", namespace.as_str())]).await;
        for address in PAGES {
            let shown = stage.page(address).await;
            let page = &shown.body;
            assert!(
                page.contains(&format!(" · {name} · Makegood</title>")),
                "{address}: {page}"
            );
            assert!(
                page.contains(&format!("</span>{name}</span>")),
                "{address}: {page}"
            );
            hues.push(hue(page).expect("a colour").to_owned());
        }
        stage.close().await;
    }
    hues.dedup();
    assert_eq!(hues.len(), 2, "one colour a stack: {hues:?}");
}

#[tokio::test]
async fn a_console_without_a_stack_names_none() {
    let stage = Stage::open().await;
    let shown = stage.page("/admin/health").await;
    assert!(shown.body.contains("<title>Health · Makegood</title>"));
    assert_eq!(hue(&shown.body), None);
    stage.close().await;
}
