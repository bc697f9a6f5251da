//! A merchant's key that is rotated while an environment lives: the gateway refuses the old one, and the new one is read.

use super::{RETURN_URL, asked, now, request};
use aws_config::SdkConfig;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use makegood::config::Environment;
use makegood::gateway::{
    ForgedCallback, Gateways, GatewaysConfig, Provider, RazorpayConfig, RazorpayList, Span,
};
use makegood_local::gateway::{GatewayStub, Side, spawn};
use makegood_tests::queues;
use makegood_tests::secrets::Secrets;

const OLD: &str = "the-key-of-before";

/// The gateways' stub, and what a function is told whose key of this variable is in Secrets Manager, as it was before the rotation.
struct Rotated {
    stub: GatewayStub,
    secrets: Secrets,
    aws: SdkConfig,
    variables: Vec<(String, String)>,
    /// What the gateway takes now.
    new: String,
}

impl Rotated {
    async fn of(variable: &str, old: &str) -> Self {
        let stub = spawn().await.expect("the gateways listen");
        let secrets = Secrets::holding("makegood", "hush", "").await;
        secrets.put_text(Secrets::ARN, old);
        let (mut variables, mut new) = (Vec::new(), String::new());
        for (name, value) in stub
            .variables(RETURN_URL)
            .into_iter()
            .chain(stub.razorpay_variables())
        {
            if name == variable {
                variables.push((format!("{name}_ARN"), Secrets::ARN.to_owned()));
                new = value;
            } else {
                variables.push((name.to_owned(), value));
            }
        }
        let aws = queues::aws_at(secrets.url()).await;
        Self {
            stub,
            secrets,
            aws,
            variables,
            new,
        }
    }

    fn environment(&self) -> Environment {
        let variables: Vec<(&str, &str)> = self
            .variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        Environment::of(&variables)
    }

    async fn gateways(&self) -> Gateways {
        let config = GatewaysConfig::read(&mut self.environment());
        config.open(&self.aws).await.expect("gateways")
    }

    fn rotate(&self) {
        self.secrets.put_text(Secrets::ARN, &self.new);
    }
}

#[tokio::test]
async fn khalti_is_asked_again_with_the_new_key_where_it_refuses_the_old_one() {
    let rotated = Rotated::of("KHALTI_SECRET", OLD).await;
    let gateways = rotated.gateways().await;
    rotated.stub.put(Side::Khalti, "px-1", 100_000);
    rotated.rotate();
    let opened = gateways
        .open_payment(Provider::Khalti, &request(100_000), now())
        .await;
    assert!(opened.is_ok(), "{opened:?}");
    assert!(gateways.ask(Provider::Khalti, &asked("px-1")).await.is_ok());
    assert_eq!(
        rotated.secrets.reads(),
        2,
        "at the start, and when it was refused"
    );
}

#[tokio::test]
async fn a_key_that_stays_refused_is_read_once_and_the_refusal_told() {
    let rotated = Rotated::of("KHALTI_SECRET", OLD).await;
    let gateways = rotated.gateways().await;
    for _ in 0..5 {
        let refused = gateways.ask(Provider::Khalti, &asked("px-1")).await.unwrap_err();
        assert_eq!(refused.code(), "gateway_refused");
    }
    assert_eq!(rotated.secrets.reads(), 2);
}

#[tokio::test]
async fn razorpay_is_asked_again_with_the_new_pair_where_it_refuses_the_old_one() {
    let rotated = Rotated::of("RAZORPAY_API_SECRET", "rzp_test_stub:before").await;
    let order = rotated.stub.put_order(499_900, "INR", serde_json::json!({}));
    let config = RazorpayConfig::read_if_any(&mut rotated.environment()).expect("a key");
    let razorpay = config.open(&rotated.aws).await.expect("Razorpay");
    rotated.rotate();
    let id = order["id"].as_str().expect("an id");
    assert_eq!(
        razorpay.order(id).await.map(|order| order.amount_minor),
        Ok(499_900)
    );
    let span = Span {
        from: now(),
        to: now(),
    };
    assert_eq!(
        razorpay.page(RazorpayList::Payments, span, 0).await,
        Ok(Vec::new())
    );
    assert_eq!(rotated.secrets.reads(), 2);
}

#[tokio::test]
async fn esewas_callback_is_believed_with_the_new_secret_and_with_the_one_beside_it() {
    let rotated = Rotated::of("ESEWA_SECRET", OLD).await;
    let gateways = rotated.gateways().await;
    rotated.stub.put(Side::Esewa, "pi-1", 100_000);
    rotated.stub.pay("pi-1").expect("known");
    let callback = rotated.stub.callback("pi-1").expect("eSewa's");
    assert_eq!(
        gateways.esewa.read_callback(&callback),
        Err(ForgedCallback::Mismatch)
    );
    rotated
        .secrets
        .put_text(Secrets::ARN, &format!("{OLD}\n{}", rotated.new));
    let read = gateways.esewa.read_callback_of_now(&callback).await;
    assert_eq!(
        read.map(|callback| callback.transaction_uuid),
        Ok("pi-1".to_owned())
    );
    // The first of both signs what we send.
    let signed = |gateways: &Gateways| gateways.esewa.form_fields("pi-1", 100)["signature"].clone();
    assert_eq!(
        signed(&gateways),
        signed(&Rotated::of("ESEWA_SECRET", OLD).await.gateways().await)
    );
    // What is no callback at all costs no reading.
    let nothing = STANDARD.encode("{}");
    assert!(gateways.esewa.read_callback_of_now(&nothing).await.is_err());
    assert_eq!(rotated.secrets.reads(), 2);
}
