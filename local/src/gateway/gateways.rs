//! What the stub knows and can be told: its payments, its merchant's keys, what to do next.

use super::behaviour::{Behaviour, Script};
use super::control::{Control, Report};
use super::credentials::Credentials;
use super::esewa_callback;
use super::payment::{AmountStyle, Payment, PaymentState, Side};
use super::statement::{Listed, Page, Statement};
use super::stripe::{Account, Asked, Refused, StripeObject};
use chrono::TimeDelta;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The stub knows no payment of this id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the gateway stub knows no payment {0:?}; open its page first, or put it there")]
pub struct UnknownPayment(pub String);

/// Both gateways' payments, and what they have been told to do next.
#[derive(Debug)]
pub struct Gateways {
    pub(super) base_url: String,
    pub(super) credentials: Credentials,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) payments: BTreeMap<String, Payment>,
    pub(super) script: Script,
    pub(super) latency: Duration,
    pub(super) amount_style: AmountStyle,
    pub(super) khalti_link: TimeDelta,
    pub(super) orders: BTreeMap<String, Value>,
    pub(super) statement: Statement,
    pub(super) account: Account,
    questions: BTreeMap<String, u64>,
}

impl Gateways {
    /// A gateways whose pages are at this address (no slash at its end).
    #[must_use]
    pub fn at(base_url: &str, credentials: Credentials) -> Self {
        let state = State {
            payments: BTreeMap::new(),
            script: Script::default(),
            latency: Duration::ZERO,
            amount_style: AmountStyle::default(),
            khalti_link: TimeDelta::minutes(60),
            orders: BTreeMap::new(),
            statement: Statement::default(),
            account: Account::default(),
            questions: BTreeMap::new(),
        };
        Self {
            base_url: base_url.to_owned(),
            credentials,
            state: Mutex::new(state),
        }
    }

    /// A payment whose page the buyer has opened, without the buyer: for intents that tests write themselves.
    pub fn put(&self, side: Side, id: &str, amount_minor: i64) {
        let nowhere = String::new;
        let payment = Payment {
            id: id.to_owned(),
            side,
            amount_minor,
            state: PaymentState::Initiated,
            reference: None,
            purchase_order_id: nowhere(),
            success_url: nowhere(),
            failure_url: nowhere(),
        };
        self.lock().payments.insert(payment.id.clone(), payment);
    }

    /// The buyer pays, however late, and closes the tab.
    ///
    /// # Errors
    /// When there is no such payment.
    pub fn pay(&self, id: &str) -> Result<(), UnknownPayment> {
        self.set(id, PaymentState::Completed)
    }

    /// The buyer cancels.
    ///
    /// # Errors
    /// When there is no such payment.
    pub fn cancel(&self, id: &str) -> Result<(), UnknownPayment> {
        self.set(id, PaymentState::Cancelled)
    }

    /// The link ends unpaid.
    ///
    /// # Errors
    /// When there is no such payment.
    pub fn expire(&self, id: &str) -> Result<(), UnknownPayment> {
        self.set(id, PaymentState::Expired)
    }

    /// The payment is in this state from now on.
    ///
    /// # Errors
    /// When there is no such payment.
    pub fn set(&self, id: &str, state: PaymentState) -> Result<(), UnknownPayment> {
        let mut gateways = self.lock();
        let payment = gateways
            .payments
            .get_mut(id)
            .ok_or_else(|| UnknownPayment(id.to_owned()))?;
        payment.move_to(state);
        Ok(())
    }

    /// What the next questions of servers are met with, one each, whichever payment they are about; then it behaves.
    pub fn script(&self, next: impl IntoIterator<Item = Behaviour>) {
        self.lock().script.extend(None, next);
    }

    /// The same for one payment's questions.
    pub fn script_for(&self, id: &str, next: impl IntoIterator<Item = Behaviour>) {
        self.lock().script.extend(Some(id), next);
    }

    /// It behaves from now on, whatever of a script is left.
    pub fn end_script(&self) {
        self.lock().script.clear();
    }

    /// How long each answer to a server takes.
    pub fn set_latency(&self, latency: Duration) {
        self.lock().latency = latency;
    }

    /// How eSewa writes amounts into its callbacks.
    pub fn set_amount_style(&self, style: AmountStyle) {
        self.lock().amount_style = style;
    }

    /// The `data` of eSewa's callback about this payment as it stands; none when it is not known or not eSewa's.
    #[must_use]
    pub fn callback(&self, id: &str) -> Option<String> {
        let gateways = self.lock();
        let payment = gateways
            .payments
            .get(id)
            .filter(|payment| payment.side == Side::Esewa)?;
        Some(esewa_callback::callback(
            &self.credentials,
            payment,
            gateways.amount_style,
        ))
    }

    /// One payment as it stands.
    #[must_use]
    pub fn payment(&self, id: &str) -> Option<Payment> {
        self.lock().payments.get(id).cloned()
    }

    /// How often servers asked about this payment.
    #[must_use]
    pub fn questions(&self, id: &str) -> u64 {
        self.lock().questions.get(id).copied().unwrap_or_default()
    }

    /// What it was asked, and its payments.
    #[must_use]
    pub fn report(&self) -> Report {
        let gateways = self.lock();
        Report {
            questions: gateways.questions.clone(),
            payments: gateways.payments.values().cloned().collect(),
        }
    }

    /// Does as it is told, or nothing at all.
    ///
    /// # Errors
    /// When it names a payment that is not known.
    pub fn apply(&self, control: Control) -> Result<(), UnknownPayment> {
        let mut gateways = self.lock();
        if let Some(unknown) = control.set.keys().find(|id| !gateways.payments.contains_key(*id)) {
            return Err(UnknownPayment(unknown.clone()));
        }
        for (id, state) in control.set {
            gateways
                .payments
                .entry(id)
                .and_modify(|payment| payment.move_to(state));
        }
        gateways.script.extend(control.payment.as_deref(), control.script);
        gateways.latency = control
            .latency_millis
            .map_or(gateways.latency, Duration::from_millis);
        gateways.amount_style = control.amount_style.unwrap_or(gateways.amount_style);
        gateways.khalti_link = control
            .khalti_link_seconds
            .map_or(gateways.khalti_link, |seconds| TimeDelta::seconds(seconds.into()));
        drop(gateways);
        for payment in control.razorpay_payments {
            self.put_listed(Listed::Payment, payment);
        }
        Ok(())
    }

    /// Razorpay has this from now on, as it writes it; one with the same id takes the place of the older one.
    pub fn put_listed(&self, listed: Listed, entry: Value) {
        self.lock().statement.put(listed, entry);
    }

    /// Razorpay does not have it any more.
    pub fn take_listed(&self, listed: Listed, id: &str) {
        self.lock().statement.take(listed, id);
    }

    /// These payments come in while the list is read: one after each page of payments.
    pub fn put_arrivals(&self, arrivals: impl IntoIterator<Item = Value>) {
        self.lock().statement.arrivals.extend(arrivals);
    }

    pub(super) fn listed(&self, listed: Listed, page: &Page) -> Vec<Value> {
        self.lock().statement.page(listed, page)
    }

    pub(super) fn listed_payment(&self, id: &str) -> Option<Value> {
        self.lock().statement.payment(id)
    }

    /// Stripe has this from now on, as it writes it; one with the same id takes the place of the older one.
    pub fn put_stripe(&self, kind: StripeObject, object: Value) {
        self.lock().account.put(kind, object);
    }

    /// Stripe does not have it any more.
    pub fn take_stripe(&self, kind: StripeObject, id: &str) {
        self.lock().account.of(kind).retain(|object| object["id"] != id);
    }

    /// These charges come in while the list is read: one after each page of charges.
    pub fn put_stripe_arrivals(&self, charges: impl IntoIterator<Item = Value>) {
        self.lock().account.arrivals.extend(charges);
    }

    pub(super) fn stripe_page(&self, kind: StripeObject, asked: &Asked) -> Result<Value, Refused> {
        self.lock().account.page(kind, asked)
    }

    pub(super) fn stripe_one(&self, kind: StripeObject, id: &str, asked: &Asked) -> Option<Value> {
        self.lock().account.one(kind, id, asked)
    }

    /// Counts a server's question, takes its time, and says what to do with it.
    pub(super) async fn hear(&self, id: &str) -> Behaviour {
        let (latency, behaviour) = {
            let mut gateways = self.lock();
            *gateways.questions.entry(id.to_owned()).or_default() += 1;
            (gateways.latency, gateways.script.next(id))
        };
        tokio::time::sleep(latency).await;
        behaviour
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
