//! A payment service's own confirmation: the fields of `PURCHASE_CONFIRMED`, without its envelope.
//! `{paymentId, studentId, courseId, amountCents, currency?, provider?, providerPaymentId?, metadata?}`.

use makegood::event::Metadata;
use makegood::ids::{CourseId, PaymentId, StudentId};
use makegood::payment::fields::{Object, checked_metadata, read_object};
use makegood::payment::{ConfirmedPayment, Refusal, Refused, Sender, StrandedPayment};

/// The header with the signature over `{timestamp}.{body}`.
pub const SIGNATURE_HEADER: &str = "X-Makegood-Signature";
/// The header with the seconds since the epoch at which it was signed.
pub const TIMESTAMP_HEADER: &str = "X-Makegood-Timestamp";

/// Reads a confirmation whose signature was verified. Unknown fields are ignored, so that a whole `PURCHASE_CONFIRMED`
/// event may be sent as it is.
///
/// # Errors
/// [`Refused`] naming the field; with the payment, when its id can be read.
pub fn read(body: &[u8]) -> Result<ConfirmedPayment, Refused> {
    let fields = read_object(body)?;
    let top = Object::new("", &fields);
    let payment_id = PaymentId(top.uuid("paymentId")?);
    read_payment(&top, payment_id).map_err(|refusal| Refused {
        refusal,
        stranded: Some(Box::new(stranded(&top, payment_id))),
    })
}

fn read_payment(top: &Object<'_>, payment_id: PaymentId) -> Result<ConfirmedPayment, Refusal> {
    let metadata = Metadata::read(top.get("metadata"))
        .map_err(|_| Refusal::wrong("metadata", "an object, or a JSON string that holds one"))?;
    Ok(ConfirmedPayment {
        own_id: payment_id,
        hinted_id: None,
        student_id: StudentId(top.uuid("studentId")?),
        course_id: CourseId(top.uuid("courseId")?),
        amount_minor: top.amount_minor("amountCents")?,
        currency: top.currency()?,
        provider: top.optional_text("provider")?,
        provider_payment_id: top.optional_text("providerPaymentId")?,
        payment_method: None,
        metadata: checked_metadata("metadata", metadata)?,
        sender: Sender::PaymentService,
        order_id: None,
        order_asks: None,
        offer_on: None,
        paid_at: None,
        is_given_back: false,
    })
}

fn stranded(top: &Object<'_>, payment_id: PaymentId) -> StrandedPayment {
    let provider_payment_id = top.optional_text("providerPaymentId").unwrap_or_default();
    StrandedPayment {
        subject: provider_payment_id
            .clone()
            .unwrap_or_else(|| payment_id.to_string()),
        payment_id,
        provider_payment_id,
        provider: top.optional_text("provider").unwrap_or_default(),
        amount_minor: top.amount_minor("amountCents").ok(),
        currency: top.currency().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ID: &str = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";

    fn body() -> Value {
        json!({"paymentId": ID, "studentId": ID, "courseId": ID, "amountCents": 499_900, "unknown": 1,
               "metadata": {"purchaseTier": 10}})
    }

    fn read_changed(field: &str, value: Value) -> Result<ConfirmedPayment, Refused> {
        let mut body = body();
        body[field] = value;
        read(body.to_string().as_bytes())
    }

    #[test]
    fn only_the_four_business_fields_are_needed() {
        let payment = read(body().to_string().as_bytes()).unwrap();
        assert_eq!(
            (payment.own_id.to_string().as_str(), payment.currency.as_str()),
            (ID, "INR")
        );
        assert_eq!(payment.provider_payment_id, None);
        let without = read_changed("metadata", Value::Null).unwrap();
        assert_eq!(without.metadata.purchase_tier(), Ok(30));
    }

    #[test]
    fn metadata_may_be_a_json_string() {
        let payment = read_changed("metadata", json!("{\"purchaseTier\":20}")).unwrap();
        assert_eq!(payment.metadata.purchase_tier(), Ok(20));
    }

    #[test]
    fn each_bad_field_is_named() {
        for (field, value, named) in [
            ("paymentId", json!("pay-1"), "paymentId"),
            ("studentId", Value::Null, "studentId"),
            ("courseId", json!(7), "courseId"),
            ("amountCents", json!(1.5), "amountCents"),
            ("currency", json!("rupees"), "currency"),
            ("providerPaymentId", json!({}), "providerPaymentId"),
            ("metadata", json!([1]), "metadata"),
            ("metadata", json!({"sessionCount": 501}), "metadata.sessionCount"),
            ("metadata", json!({"note": "x".repeat(70_000)}), "metadata"),
        ] {
            let refused = read_changed(field, value).unwrap_err();
            assert_eq!(refused.refusal.field(), Some(named));
            assert_eq!(refused.stranded.is_some(), named != "paymentId", "{named}");
        }
    }
}
