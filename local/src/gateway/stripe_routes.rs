//! Stripe's API, below `/stripe`: the lists and single objects that a server reads, with a secret key and the version it wants.

use super::behaviour::{Turn, act};
use super::gateways::Gateways;
use super::stripe::{Asked, Refused, StripeObject};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use std::sync::Arc;

/// The version whose objects this writes.
const VERSION: &str = "2025-03-31.basil";

type Pairs = Query<Vec<(String, String)>>;

/// All routes of Stripe's.
pub(super) fn routes() -> Router<Arc<Gateways>> {
    let kinds = [
        ("/v1/payment_intents", StripeObject::Intent),
        ("/v1/charges", StripeObject::Charge),
        ("/v1/refunds", StripeObject::Refund),
        ("/v1/disputes", StripeObject::Dispute),
        ("/v1/checkout/sessions", StripeObject::Session),
    ];
    kinds.into_iter().fold(Router::new(), |router, (path, kind)| {
        let list = move |State(gateways): State<Arc<Gateways>>, headers: HeaderMap, Query(query): Pairs| async move {
            list(&gateways, &headers, kind, query).await
        };
        let one = move |State(gateways): State<Arc<Gateways>>, headers: HeaderMap, Path(id): Path<String>, Query(query): Pairs| async move {
            one(&gateways, &headers, kind, &id, query).await
        };
        router.route(path, get(list)).route(&format!("{path}/{{id}}"), get(one))
    })
}

async fn list(
    gateways: &Gateways,
    headers: &HeaderMap,
    kind: StripeObject,
    query: Vec<(String, String)>,
) -> Response {
    let intent = query.iter().find(|(name, _)| name == "payment_intent");
    let name = match (kind, intent) {
        (_, Some((_, intent))) => intent.clone(),
        (kind, None) => format!("stripe {kind:?}"),
    };
    if let Err(refused) = heard(gateways, headers, &name).await {
        return refused;
    }
    match Asked::read(query).and_then(|asked| gateways.stripe_page(kind, &asked)) {
        Ok(page) => Json(page).into_response(),
        Err(Refused(parameter, code)) => refusal(StatusCode::BAD_REQUEST, code, Some(&parameter)),
    }
}

async fn one(
    gateways: &Gateways,
    headers: &HeaderMap,
    kind: StripeObject,
    id: &str,
    query: Vec<(String, String)>,
) -> Response {
    if let Err(refused) = heard(gateways, headers, id).await {
        return refused;
    }
    match Asked::read(query).map(|asked| gateways.stripe_one(kind, id, &asked)) {
        Ok(Some(object)) => Json(object).into_response(),
        Ok(None) => refusal(StatusCode::NOT_FOUND, "resource_missing", Some("id")),
        Err(Refused(parameter, code)) => refusal(StatusCode::BAD_REQUEST, code, Some(&parameter)),
    }
}

async fn heard(gateways: &Gateways, headers: &HeaderMap, name: &str) -> Result<(), Response> {
    let unauthorized = || refusal(StatusCode::UNAUTHORIZED, "api_key_invalid", None);
    match act(gateways.hear(name).await).await {
        Ok(Turn::Unavailable) => return Err(refusal(StatusCode::SERVICE_UNAVAILABLE, "api_error", None)),
        Ok(Turn::Refused) => return Err(unauthorized()),
        Ok(Turn::Right | Turn::As(_) | Turn::OnePaisaMore) => {}
        Err(fault) => return Err(fault),
    }
    let has = |name: &str, wanted: &str| {
        headers
            .get(name)
            .is_some_and(|value| value.as_bytes() == wanted.as_bytes())
    };
    let key = format!("Bearer {}", gateways.credentials.stripe_api_secret);
    if !has(header::AUTHORIZATION.as_str(), &key) {
        return Err(unauthorized());
    }
    if !has("Stripe-Version", VERSION) {
        return Err(refusal(StatusCode::BAD_REQUEST, "invalid_version", None));
    }
    Ok(())
}

fn refusal(status: StatusCode, code: &str, parameter: Option<&str>) -> Response {
    let error = json!({"error": {"type": "invalid_request_error", "code": code, "param": parameter}});
    (status, Json(error)).into_response()
}
