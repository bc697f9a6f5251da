//! The authorization code flow with PKCE: `/authorize`, where a person presses a button, and `/token`, where the console
//! takes the token.

use super::asked::Asked;
use super::codes::Grant;
use super::{Identity, page, token};
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// `GET /authorize`: one button.
pub(super) async fn show(Query(asked): Query<Asked>) -> Response {
    match asked.check() {
        Ok(_) => page::log_in(&asked).into_response(),
        Err(problem) => (StatusCode::BAD_REQUEST, page::refusal(problem)).into_response(),
    }
}

/// `POST /authorize`: the button was pressed; back to the client with a code.
pub(super) async fn grant(State(identity): State<Arc<Identity>>, Form(asked): Form<Asked>) -> Response {
    let mut back = match asked.check() {
        Ok(back) => back,
        Err(problem) => return (StatusCode::BAD_REQUEST, page::refusal(problem)).into_response(),
    };
    let grant = Grant {
        client_id: asked.client_id,
        redirect_uri: asked.redirect_uri,
        challenge: asked.code_challenge,
        nonce: Some(asked.nonce).filter(|nonce| !nonce.is_empty()),
    };
    let code = identity.codes.give(grant, identity.clock.now());
    back.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("iss", &identity.issuer);
    if !asked.state.is_empty() {
        back.query_pairs_mut().append_pair("state", &asked.state);
    }
    Redirect::to(back.as_str()).into_response()
}

#[derive(Debug, Deserialize)]
pub(super) struct Exchange {
    grant_type: String,
    code: String,
    redirect_uri: String,
    #[serde(default)]
    client_id: String,
    code_verifier: String,
}

/// `POST /token`: a code for a token. A client secret is not looked at; the verifier is what proves the client.
pub(super) async fn exchange(
    State(identity): State<Arc<Identity>>,
    headers: HeaderMap,
    Form(asked): Form<Exchange>,
) -> Response {
    if asked.grant_type != "authorization_code" {
        return refuse("unsupported_grant_type");
    }
    let client = Some(asked.client_id)
        .filter(|client| !client.is_empty())
        .or_else(|| client_of(&headers))
        .unwrap_or_default();
    let place = (client.as_str(), asked.redirect_uri.as_str());
    let now = identity.clock.now();
    let Some(grant) = identity.codes.take(&asked.code, place, &asked.code_verifier, now) else {
        return refuse("invalid_grant");
    };
    let mut claims = token::operator(&grant.client_id);
    claims["nonce"] = json!(grant.nonce);
    let token = identity.mint(&claims);
    let answer = json!({"access_token": token, "id_token": token, "token_type": "Bearer",
                        "expires_in": token::LASTS.num_seconds(), "scope": "openid"});
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

/// The user name of basic authentication.
fn client_of(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let pair = STANDARD.decode(text.strip_prefix("Basic ")?).ok()?;
    let pair = String::from_utf8(pair).ok()?;
    pair.split_once(':').map(|(client, _)| client.to_owned())
}

fn refuse(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response()
}
