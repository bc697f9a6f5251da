//! What Stripe has of an account: PaymentIntents, charges, refunds, disputes and Checkout Sessions, and a page of a list of them, the newest
//! first, after an object.

use serde_json::{Value, json};
use std::cmp::Reverse;

/// How many objects a page has where the request does not say.
const USUAL_PAGE: usize = 10;
/// The longest page.
const LONGEST_PAGE: usize = 100;

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StripeObject {
    /// `GET /v1/payment_intents/{id}`; its charge is in `latest_charge`, by its id.
    Intent,
    /// `GET /v1/charges`; its PaymentIntent is in `payment_intent`, by its id, and its balance transaction is whole.
    Charge,
    /// `GET /v1/refunds`.
    Refund,
    /// `GET /v1/disputes`.
    Dispute,
    /// `GET /v1/checkout/sessions`.
    Session,
}

/// What Stripe knows.
#[derive(Debug, Default)]
pub(super) struct Account {
    objects: [Vec<Value>; 5],
    /// Charges that come in between two pages, one each.
    pub(super) arrivals: Vec<Value>,
}

/// What a list is asked by.
#[derive(Debug, Default)]
pub(super) struct Asked {
    limit: Option<usize>,
    after: Option<String>,
    from: Option<i64>,
    to: Option<i64>,
    intent: Option<String>,
    expand: Vec<String>,
}

/// Why Stripe refuses a request: the parameter and the code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String, pub(super) &'static str);

impl Asked {
    pub(super) fn read(query: Vec<(String, String)>) -> Result<Self, Refused> {
        let mut asked = Self::default();
        for (name, value) in query {
            let number = || {
                value
                    .parse::<i64>()
                    .map_err(|_| Refused(name.clone(), "parameter_invalid_integer"))
            };
            match name.as_str() {
                "limit" => asked.limit = usize::try_from(number()?).ok(),
                "created[gte]" => asked.from = Some(number()?),
                "created[lte]" => asked.to = Some(number()?),
                "starting_after" => asked.after = Some(value),
                "payment_intent" => asked.intent = Some(value),
                "expand[]" => asked.expand.push(value),
                _ => return Err(Refused(name, "parameter_unknown")),
            }
        }
        if asked
            .limit
            .is_some_and(|limit| !(1..=LONGEST_PAGE).contains(&limit))
        {
            return Err(Refused("limit".to_owned(), "parameter_invalid_integer"));
        }
        Ok(asked)
    }

    fn asks_for(&self, object: &Value) -> bool {
        let at = seconds(object);
        self.from.is_none_or(|from| at >= from)
            && self.to.is_none_or(|to| at <= to)
            && self
                .intent
                .as_ref()
                .is_none_or(|intent| object["payment_intent"] == **intent)
    }

    fn expands(&self, path: &str) -> bool {
        let is_below = |asked: &String| {
            let rest = asked.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.expand.iter().any(is_below)
    }
}

impl Account {
    pub(super) fn of(&mut self, kind: StripeObject) -> &mut Vec<Value> {
        let [intents, charges, refunds, disputes, sessions] = &mut self.objects;
        match kind {
            StripeObject::Intent => intents,
            StripeObject::Charge => charges,
            StripeObject::Refund => refunds,
            StripeObject::Dispute => disputes,
            StripeObject::Session => sessions,
        }
    }

    pub(super) fn put(&mut self, kind: StripeObject, object: Value) {
        let list = self.of(kind);
        list.retain(|other| other["id"] != object["id"]);
        list.push(object);
    }

    fn find(&mut self, kind: StripeObject, id: &Value) -> Option<Value> {
        self.of(kind).iter().find(|object| object["id"] == *id).cloned()
    }

    pub(super) fn page(&mut self, kind: StripeObject, asked: &Asked) -> Result<Value, Refused> {
        let mut found: Vec<Value> = self.of(kind).clone();
        found.retain(|object| asked.asks_for(object));
        found.reverse();
        found.sort_by_key(|object| Reverse(seconds(object)));
        let begin = match &asked.after {
            None => 0,
            Some(id) => {
                let place = found.iter().position(|object| object["id"] == **id);
                place.ok_or_else(|| Refused("starting_after".to_owned(), "resource_missing"))? + 1
            }
        };
        let limit = asked.limit.unwrap_or(USUAL_PAGE);
        let has_more = found.len() > begin + limit;
        let page = found.into_iter().skip(begin).take(limit);
        let data: Vec<Value> = page
            .map(|object| self.written(kind, object, asked, "data."))
            .collect();
        if kind == StripeObject::Charge && !self.arrivals.is_empty() {
            let arrival = self.arrivals.remove(0);
            self.put(kind, arrival);
        }
        Ok(json!({"object": "list", "has_more": has_more, "data": data}))
    }

    pub(super) fn one(&mut self, kind: StripeObject, id: &str, asked: &Asked) -> Option<Value> {
        let object = self.find(kind, &json!(id))?;
        Some(self.written(kind, object, asked, ""))
    }

    /// The object with what was asked to be expanded, and ids in place of the rest.
    fn written(&mut self, kind: StripeObject, mut object: Value, asked: &Asked, path: &str) -> Value {
        let below = |field: &str| format!("{path}{field}");
        match kind {
            StripeObject::Charge => {
                if asked.expands(&below("payment_intent"))
                    && let Some(intent) = self.find(StripeObject::Intent, &object["payment_intent"])
                {
                    object["payment_intent"] = intent;
                }
                if !asked.expands(&below("balance_transaction")) {
                    object["balance_transaction"] = object["balance_transaction"]["id"].take();
                }
            }
            StripeObject::Intent => {
                if asked.expands(&below("latest_charge"))
                    && let Some(charge) = self.find(StripeObject::Charge, &object["latest_charge"])
                {
                    let inner = below("latest_charge.");
                    object["latest_charge"] = self.written(StripeObject::Charge, charge, asked, &inner);
                }
            }
            StripeObject::Refund | StripeObject::Dispute | StripeObject::Session => {}
        }
        object
    }
}

fn seconds(object: &Value) -> i64 {
    object["created"].as_i64().unwrap_or(0)
}
