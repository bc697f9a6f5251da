//! The identity provider's stub: OpenID Connect as API Gateway and the console need it. It knows no passwords: whoever
//! asks is a buyer or the operator on call. Never deployed.

mod asked;
mod codes;
mod key;
mod login;
mod page;
mod token;

pub use key::{KeyError, SigningKey};
pub use token::Who;

use axum::routing::{get, post};
use axum::{Json, Router};
use codes::Codes;
use makegood::clock::Clock;
use serde_json::{Value, json};
use std::io;
use std::ops::Deref;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The audience of buyers' tokens: the parameter `JwtAudience` of the local stack.
pub const SHOP_AUDIENCE: &str = "makegood-shop";
/// The console's client id, and so the audience of its tokens.
pub const CONSOLE_CLIENT_ID: &str = "makegood-console";
/// The group that may use the console.
pub const OPERATOR_GROUP: &str = "operators";

/// Who signs tokens, for whom, and the logins that are under way.
#[derive(Debug)]
pub struct Identity {
    /// The claim `iss`, and the base of all addresses; without a slash at its end.
    pub issuer: String,
    key: SigningKey,
    clock: Clock,
    codes: Codes,
}

impl Identity {
    /// A provider whose addresses begin with this one (no slash at its end).
    #[must_use]
    pub fn at(issuer: &str, key: SigningKey, clock: Clock) -> Self {
        Self {
            issuer: issuer.to_owned(),
            key,
            clock,
            codes: Codes::default(),
        }
    }

    /// `/.well-known/openid-configuration`.
    #[must_use]
    pub fn discovery(&self) -> Value {
        let issuer = &self.issuer;
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks.json"),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
            "scopes_supported": ["openid", "profile"],
            "claims_supported": ["sub", "aud", "iss", "exp", "iat", "nbf", "jti", "nonce", "name", "cognito:groups"],
        })
    }
}

/// A provider on a port of its own, gone when this is dropped. What it can do is [`Identity`]'s.
#[derive(Debug)]
pub struct Issuer {
    /// The claim `iss` of its tokens; without a slash at its end.
    pub url: String,
    identity: Arc<Identity>,
    task: JoinHandle<io::Result<()>>,
}

impl Issuer {
    /// Serves on a free port of this machine, with a new key.
    ///
    /// # Errors
    /// Those of the socket, or when no key can be made.
    pub async fn spawn() -> io::Result<Self> {
        Self::spawn_with(SigningKey::generate().map_err(io::Error::other)?, Clock::System).await
    }

    /// The same with this key and this clock.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn spawn_with(key: SigningKey, clock: Clock) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let identity = Arc::new(Identity::at(&url, key, clock));
        let task = tokio::spawn(serve(listener, identity.clone()));
        Ok(Self { url, identity, task })
    }
}

impl Deref for Issuer {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.identity
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves on this listener until the process ends. The identity must have been told the address that others see.
///
/// # Errors
/// Those of the socket.
pub async fn serve(listener: TcpListener, identity: Arc<Identity>) -> io::Result<()> {
    axum::serve(listener, router(identity)).await
}

fn router(identity: Arc<Identity>) -> Router {
    let (discovery, keys) = (identity.discovery(), identity.key.public_set());
    Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(|| async { Json(discovery) }),
        )
        .route("/jwks.json", get(|| async { Json(keys) }))
        .route("/authorize", get(login::show).post(login::grant))
        .route("/token", post(login::exchange))
        .with_state(identity)
}
