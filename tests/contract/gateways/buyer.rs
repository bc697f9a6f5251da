//! A buyer with a browser: from the opened payment over the gateway's page back to the shop, or not back at all.

use super::{AMOUNT, RETURN_URL, asked, clients, now, request, scene};
use chrono::TimeDelta;
use makegood::gateway::{Gateways, OpenedPayment, Provider, Verdict};
use makegood_local::gateway::spawn;
use reqwest::{Client, Response, Url, redirect};
use std::collections::BTreeMap;

/// A browser that shows where it is sent instead of going there.
fn browser() -> Client {
    Client::builder()
        .redirect(redirect::Policy::none())
        .build()
        .expect("a client")
}

async fn post_form(address: &str, fields: &BTreeMap<String, String>) -> Response {
    let mut encoder = Url::parse("http://form.test/").expect("a URL");
    encoder.query_pairs_mut().extend_pairs(fields);
    let body = encoder.query().unwrap_or_default().to_owned();
    let request = browser()
        .post(address)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(body);
    request.send().await.expect("sent")
}

fn target(response: &Response) -> Url {
    let location = response
        .headers()
        .get("Location")
        .unwrap_or_else(|| panic!("no redirect: {response:?}"));
    response
        .url()
        .join(location.to_str().expect("text"))
        .expect("a URL")
}

fn query(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

/// Goes to the payment's page; gives back its address.
async fn arrive(opened: &OpenedPayment) -> Url {
    match &opened.form_fields {
        Some(fields) => target(&post_form(&opened.payment_url, fields).await),
        None => Url::parse(&opened.payment_url).expect("a URL"),
    }
}

async fn choose(page: &Url, choice: &str) -> Response {
    browser()
        .post(format!("{page}/{choice}"))
        .send()
        .await
        .expect("sent")
}

async fn opened(gateways: &Gateways, provider: Provider) -> OpenedPayment {
    gateways
        .open_payment(provider, &request(AMOUNT), now())
        .await
        .expect("open")
}

async fn verdict(gateways: &Gateways, provider: Provider, opened: &OpenedPayment) -> Verdict {
    let reply = gateways
        .ask(provider, &asked(&opened.external_transaction_id))
        .await;
    reply.expect("an answer").answer.verdict(false)
}

#[tokio::test]
async fn who_pays_at_esewa_comes_back_with_a_signed_callback_and_esewa_confirms_it() {
    let (_stub, gateways) = scene().await;
    let opened = opened(&gateways, Provider::Esewa).await;
    let page = arrive(&opened).await;
    let shown = browser()
        .get(page.clone())
        .send()
        .await
        .expect("sent")
        .text()
        .await
        .expect("text");
    for text in [
        "NPR 1000.0",
        "Pay",
        "Cancel",
        "Walk away",
        &opened.external_transaction_id,
    ] {
        assert!(shown.contains(text), "{text} is not on the page: {shown}");
    }
    let back = target(&choose(&page, "pay").await);
    assert!(back.as_str().starts_with(RETURN_URL), "{back}");
    let callback = gateways
        .esewa
        .read_callback(&query(&back)["data"])
        .expect("eSewa's signature");
    assert_eq!(callback.transaction_uuid, opened.external_transaction_id);
    assert_eq!(
        (callback.amount_minor, callback.status.as_str()),
        (AMOUNT, "COMPLETE")
    );
    assert_eq!(verdict(&gateways, Provider::Esewa, &opened).await, Verdict::Paid);
    assert_eq!(choose(&page, "pay").await.status(), 409, "it is not paid twice");
}

#[tokio::test]
async fn who_pays_at_khalti_comes_back_with_the_pidx_and_khalti_confirms_it() {
    let (_stub, gateways) = scene().await;
    let opened = opened(&gateways, Provider::Khalti).await;
    assert_eq!(opened.form_fields, None);
    let back = target(&choose(&arrive(&opened).await, "pay").await);
    let told = query(&back);
    assert_eq!(told["pidx"], opened.external_transaction_id);
    assert_eq!(
        (told["status"].as_str(), told["purchase_order_id"].as_str()),
        ("Completed", request(AMOUNT).payment_intent_id)
    );
    assert_eq!(verdict(&gateways, Provider::Khalti, &opened).await, Verdict::Paid);
}

#[tokio::test]
async fn who_cancels_comes_back_and_the_gateway_says_so() {
    let (_stub, gateways) = scene().await;
    for (provider, name, value) in [
        (Provider::Esewa, "transaction_uuid", ""),
        (Provider::Khalti, "status", "User canceled"),
    ] {
        let opened = opened(&gateways, provider).await;
        let back = query(&target(&choose(&arrive(&opened).await, "cancel").await));
        let expected = if value.is_empty() {
            &opened.external_transaction_id
        } else {
            value
        };
        assert_eq!(back[name], expected, "{provider} says which payment it was");
        assert_eq!(
            verdict(&gateways, provider, &opened).await,
            Verdict::Over,
            "{provider}"
        );
    }
}

#[tokio::test]
async fn who_closes_the_tab_after_paying_has_paid_and_who_walks_away_has_not() {
    let (_stub, gateways) = scene().await;
    for provider in Provider::ALL {
        let opened = opened(&gateways, provider).await;
        let page = arrive(&opened).await;
        assert_eq!(choose(&page, "leave").await.headers().get("Location"), None);
        assert_eq!(
            verdict(&gateways, provider, &opened).await,
            Verdict::Open,
            "{provider}"
        );
        assert_eq!(
            choose(&page, "pay-and-close").await.headers().get("Location"),
            None
        );
        assert_eq!(
            verdict(&gateways, provider, &opened).await,
            Verdict::Paid,
            "{provider}"
        );
    }
}

#[tokio::test]
async fn a_form_that_was_changed_on_the_way_opens_nothing() {
    let (stub, gateways) = scene().await;
    let opened = opened(&gateways, Provider::Esewa).await;
    let good = opened.form_fields.clone().expect("fields");
    for (name, value) in [
        ("total_amount", "1"),
        ("transaction_uuid", "another"),
        ("signature", "AAAA"),
        ("tax_amount", "1"),
    ] {
        let mut changed = good.clone();
        changed.insert(name.to_owned(), value.to_owned());
        if name == "total_amount" {
            changed.insert("amount".to_owned(), value.to_owned());
        }
        assert_eq!(
            post_form(&opened.payment_url, &changed).await.status(),
            400,
            "{name}"
        );
    }
    assert_eq!(stub.report().payments, []);
}

#[tokio::test]
async fn a_link_ends_when_khalti_says_and_at_esewa_after_half_an_hour_unless_configured() {
    let stub = spawn().await.expect("a free port");
    let gateways = clients(&stub, &[]).await;
    assert_eq!(
        opened(&gateways, Provider::Esewa).await.expires_at,
        now() + TimeDelta::minutes(30)
    );
    let configured = clients(&stub, &[("ESEWA_LINK_MINUTES", "7")]).await;
    assert_eq!(
        opened(&configured, Provider::Esewa).await.expires_at,
        now() + TimeDelta::minutes(7)
    );
    assert_eq!(configured.link_lifetime(Provider::Esewa), TimeDelta::minutes(7));
    // Khalti's end is an instant of its own clock, whatever we believe the time to be.
    let khalti = opened(&gateways, Provider::Khalti).await.expires_at;
    let apart = khalti - (chrono::Utc::now() + TimeDelta::minutes(60));
    assert!(apart.abs() < TimeDelta::seconds(30), "{khalti}");
}

#[tokio::test]
async fn the_same_intent_gets_the_same_form_and_an_id_that_esewa_takes() {
    let (_stub, gateways) = scene().await;
    let first = opened(&gateways, Provider::Esewa).await;
    assert_eq!(first, opened(&gateways, Provider::Esewa).await);
    assert_eq!(first.external_transaction_id, "pi-esewa-1767817344753-0a1b2c3d");
    assert_eq!(
        first.form_fields.expect("fields"),
        gateways
            .esewa
            .form_fields("pi-esewa-1767817344753-0a1b2c3d", AMOUNT)
    );
}
