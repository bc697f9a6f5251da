//! The routes of `/_control`.

use super::control::{Control, Report};
use super::gateways::Gateways;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use std::sync::Arc;

pub(super) async fn report(State(gateways): State<Arc<Gateways>>) -> Json<Report> {
    Json(gateways.report())
}

pub(super) async fn control(
    State(gateways): State<Arc<Gateways>>,
    Json(control): Json<Control>,
) -> Result<Json<Report>, (StatusCode, String)> {
    gateways
        .apply(control)
        .map_err(|unknown| (StatusCode::NOT_FOUND, unknown.to_string()))?;
    Ok(Json(gateways.report()))
}
