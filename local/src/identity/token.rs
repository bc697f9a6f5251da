//! The tokens: what a claim says that was not given.

use super::{CONSOLE_CLIENT_ID, Identity, OPERATOR_GROUP, SHOP_AUDIENCE};
use chrono::TimeDelta;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// How long a token lasts unless it says otherwise.
pub(super) const LASTS: TimeDelta = TimeDelta::hours(8);

/// Whose token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A buyer of the shop.
    Buyer(Uuid),
    /// The operator on call.
    Operator,
}

impl Identity {
    /// A token with these claims. What is not among them is added: `iss`, `iat`, `nbf`, `exp` (in eight hours) and `jti`; one
    /// that is given stays, and one that is null is left out.
    #[must_use]
    pub fn mint(&self, claims: &Value) -> String {
        self.mint_with_header(&json!({}), claims)
    }

    /// The same with more fields, or others, in its header.
    #[must_use]
    pub fn mint_with_header(&self, fields: &Value, claims: &Value) -> String {
        let now = self.clock.now();
        let mut all = Map::new();
        for (name, value) in [
            ("iss", json!(self.issuer)),
            ("iat", json!(now.timestamp())),
            ("nbf", json!(now.timestamp())),
            ("exp", json!((now + LASTS).timestamp())),
            ("jti", json!(Uuid::new_v4())),
        ] {
            all.insert(name.to_owned(), value);
        }
        all.extend(claims.as_object().cloned().unwrap_or_default());
        all.retain(|_, value| !value.is_null());
        self.key.sign_with_header(fields, &Value::Object(all))
    }

    /// The token of a buyer for the shop's API, or of the operator for the console.
    #[must_use]
    pub fn token(&self, who: Who) -> String {
        match who {
            Who::Buyer(user) => self
                .mint(&json!({"sub": user, "aud": SHOP_AUDIENCE, "token_use": "access", "scope": "openid"})),
            Who::Operator => self.mint(&operator(CONSOLE_CLIENT_ID)),
        }
    }
}

/// The claims of the operator on call, for this client.
pub(super) fn operator(client: &str) -> Value {
    json!({"sub": "operator-on-call", "aud": client, "name": "Operator on call", "token_use": "id",
           "cognito:username": "operator-on-call", "cognito:groups": [OPERATOR_GROUP]})
}

#[cfg(test)]
mod tests {
    use super::super::SigningKey;
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use makegood::clock::Clock;

    fn claims(token: &str) -> Value {
        let part = token.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    #[test]
    fn a_token_says_who_for_whom_and_until_when_unless_it_is_told_otherwise() {
        let now = chrono::DateTime::from_timestamp(1_767_817_344, 0).unwrap();
        let key = SigningKey::generate().unwrap();
        let identity = Identity::at("http://identity.test", key, Clock::Fixed(now));
        let buyer = Uuid::from_u128(7);
        let read = claims(&identity.token(Who::Buyer(buyer)));
        assert_eq!(
            (&read["sub"], &read["aud"], &read["iss"], &read["exp"]),
            (
                &json!(buyer),
                &json!(SHOP_AUDIENCE),
                &json!("http://identity.test"),
                &json!(1_767_817_344 + 8 * 3_600)
            )
        );
        let operator = claims(&identity.token(Who::Operator));
        assert_eq!(operator["cognito:groups"], json!([OPERATOR_GROUP]));
        let odd = claims(&identity.mint(&json!({"exp": 1, "iss": "another issuer", "nbf": null})));
        assert_eq!((&odd["exp"], &odd["iss"]), (&json!(1), &json!("another issuer")));
        assert!(odd.get("nbf").is_none() && odd.get("jti").is_some());
    }
}
