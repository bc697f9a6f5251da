//! Razorpay's lists: payments, refunds, settlements and what they hold, the newest first, in pages.

use super::behaviour::{Turn, act};
use super::gateways::Gateways;
use super::razorpay::{has_key, refusal, unauthorized};
use super::statement::{Listed, Page};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::sync::Arc;

/// The longest page.
const LONGEST_PAGE: usize = 100;

/// `GET /v1/payments`.
pub(super) async fn payments(
    State(gateways): State<Arc<Gateways>>,
    headers: HeaderMap,
    Query(page): Query<Page>,
) -> Response {
    list(&gateways, &headers, Listed::Payment, "payments", &page).await
}

/// `GET /v1/refunds`.
pub(super) async fn refunds(
    State(gateways): State<Arc<Gateways>>,
    headers: HeaderMap,
    Query(page): Query<Page>,
) -> Response {
    list(&gateways, &headers, Listed::Refund, "refunds", &page).await
}

/// `GET /v1/settlements`.
pub(super) async fn settlements(
    State(gateways): State<Arc<Gateways>>,
    headers: HeaderMap,
    Query(page): Query<Page>,
) -> Response {
    list(&gateways, &headers, Listed::Settlement, "settlements", &page).await
}

/// `GET /v1/settlements/recon/combined`.
pub(super) async fn settled(
    State(gateways): State<Arc<Gateways>>,
    headers: HeaderMap,
    Query(page): Query<Page>,
) -> Response {
    list(&gateways, &headers, Listed::Settled, "settled", &page).await
}

/// `GET /v1/payments/{id}`.
pub(super) async fn payment(
    State(gateways): State<Arc<Gateways>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    if let Err(refused) = heard(&gateways, &headers, &id).await {
        return refused;
    }
    match gateways.listed_payment(&id) {
        Some(payment) => Json(payment).into_response(),
        None => refusal(StatusCode::BAD_REQUEST, "The id provided does not exist"),
    }
}

async fn list(gateways: &Gateways, headers: &HeaderMap, listed: Listed, name: &str, page: &Page) -> Response {
    if let Err(refused) = heard(gateways, headers, name).await {
        return refused;
    }
    if page
        .count
        .is_some_and(|count| !(1..=LONGEST_PAGE).contains(&count))
    {
        return refusal(StatusCode::BAD_REQUEST, "The count may not be greater than 100.");
    }
    let items = gateways.listed(listed, page);
    Json(json!({"entity": "collection", "count": items.len(), "items": items})).into_response()
}

async fn heard(gateways: &Gateways, headers: &HeaderMap, name: &str) -> Result<(), Response> {
    match act(gateways.hear(name).await).await {
        Ok(Turn::Unavailable) => return Err(refusal(StatusCode::BAD_GATEWAY, "We are facing some trouble")),
        Ok(Turn::Refused) => return Err(unauthorized()),
        Ok(Turn::Right | Turn::As(_) | Turn::OnePaisaMore) => {}
        Err(fault) => return Err(fault),
    }
    if has_key(gateways, headers) {
        Ok(())
    } else {
        Err(unauthorized())
    }
}
