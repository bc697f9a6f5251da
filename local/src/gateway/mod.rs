//! The gateways' stub: eSewa and Khalti as they document themselves, over a real socket, with a page to pay, cancel or
//! walk away, and misbehaviour on demand; Razorpay's orders and lists, and Stripe's lists.

mod behaviour;
mod control;
mod control_routes;
mod credentials;
mod esewa;
mod esewa_callback;
mod esewa_form;
mod gateways;
mod khalti;
mod page;
mod payment;
mod razorpay;
mod razorpay_lists;
mod statement;
mod stripe;
mod stripe_routes;

pub use behaviour::Behaviour;
pub use control::{Control, Report};
pub use credentials::Credentials;
pub use gateways::{Gateways, UnknownPayment};
pub use payment::{AmountStyle, Payment, PaymentState, Side};
pub use statement::Listed;
pub use stripe::StripeObject;

use axum::Router;
use axum::routing::{get, post};
use std::io;
use std::ops::Deref;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A stub on a port of its own, gone when this is dropped. What it can be told to do is [`Gateways`]'s.
#[derive(Debug)]
pub struct GatewayStub {
    /// `ESEWA_BASE_URL` as well as the beginning of [`Self::khalti_base_url`]; without a slash at its end.
    pub base_url: String,
    gateways: Arc<Gateways>,
    task: JoinHandle<io::Result<()>>,
}

impl GatewayStub {
    /// `KHALTI_BASE_URL`.
    #[must_use]
    pub fn khalti_base_url(&self) -> String {
        format!("{}/api/v2", self.base_url)
    }

    /// What a function's environment needs to have this for its gateways; the buyer comes back to `return_url`.
    #[must_use]
    pub fn variables(&self, return_url: &str) -> Vec<(&'static str, String)> {
        let Credentials {
            esewa_product_code,
            esewa_secret,
            khalti_secret,
            ..
        } = self.gateways.credentials.clone();
        vec![
            ("STAGE", "sandbox".to_owned()),
            ("ESEWA_BASE_URL", self.base_url.clone()),
            ("ESEWA_PRODUCT_CODE", esewa_product_code),
            ("ESEWA_SECRET", esewa_secret),
            ("KHALTI_BASE_URL", self.khalti_base_url()),
            ("KHALTI_SECRET", khalti_secret),
            ("PAYMENT_RETURN_URL", return_url.to_owned()),
        ]
    }

    /// What a function's environment needs to ask this for Razorpay's orders.
    #[must_use]
    pub fn razorpay_variables(&self) -> [(&'static str, String); 3] {
        [
            ("STAGE", "sandbox".to_owned()),
            ("RAZORPAY_BASE_URL", self.base_url.clone()),
            (
                "RAZORPAY_API_SECRET",
                self.gateways.credentials.razorpay_api_secret.clone(),
            ),
        ]
    }
}

impl GatewayStub {
    /// What a function's environment needs to read Stripe's lists of this.
    #[must_use]
    pub fn stripe_variables(&self) -> [(&'static str, String); 3] {
        [
            ("STAGE", "sandbox".to_owned()),
            ("STRIPE_BASE_URL", format!("{}/stripe", self.base_url)),
            (
                "STRIPE_API_SECRET",
                self.gateways.credentials.stripe_api_secret.clone(),
            ),
        ]
    }
}

impl Deref for GatewayStub {
    type Target = Gateways;

    fn deref(&self) -> &Gateways {
        &self.gateways
    }
}

impl Drop for GatewayStub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves on a free port of this machine, with [`Credentials::sandbox`].
///
/// # Errors
/// Those of the socket.
pub async fn spawn() -> io::Result<GatewayStub> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base_url = format!("http://{}", listener.local_addr()?);
    let gateways = Arc::new(Gateways::at(&base_url, Credentials::sandbox()));
    let task = tokio::spawn(serve(listener, gateways.clone()));
    Ok(GatewayStub {
        base_url,
        gateways,
        task,
    })
}

/// Serves on this listener until the process ends. The gateways must have been told the address that buyers see.
///
/// # Errors
/// Those of the socket.
pub async fn serve(listener: TcpListener, gateways: Arc<Gateways>) -> io::Result<()> {
    axum::serve(listener, router(gateways)).await
}

fn router(gateways: Arc<Gateways>) -> Router {
    Router::new()
        .route("/api/epay/main/v2/form", post(esewa_form::open))
        .route("/api/epay/transaction/status/", get(esewa::status))
        .route("/api/v2/epayment/initiate/", post(khalti::initiate))
        .route("/api/v2/epayment/lookup/", post(khalti::lookup))
        .route("/v1/orders", post(razorpay::create))
        .route("/v1/orders/{id}", get(razorpay::fetch))
        .route("/v1/payments", get(razorpay_lists::payments))
        .route("/v1/payments/{id}", get(razorpay_lists::payment))
        .route("/v1/refunds", get(razorpay_lists::refunds))
        .route("/v1/settlements", get(razorpay_lists::settlements))
        .route("/v1/settlements/recon/combined", get(razorpay_lists::settled))
        .nest("/stripe", stripe_routes::routes())
        .route("/pay/{payment}", get(page::show))
        .route("/pay/{payment}/{choice}", post(page::choose))
        .route(
            "/_control",
            get(control_routes::report).post(control_routes::control),
        )
        .with_state(gateways)
}
