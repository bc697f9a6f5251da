//! What eSewa sends back with the buyer, and how it is signed.

use super::credentials::Credentials;
use super::payment::{AmountStyle, Payment, PaymentState};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const CALLBACK_SIGNED: &str =
    "transaction_code,status,total_amount,transaction_uuid,product_code,signed_field_names";

/// Base64 of HMAC-SHA256.
pub(super) fn sign(credentials: &Credentials, message: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(credentials.esewa_secret.as_bytes()) else {
        return String::new();
    };
    mac.update(message.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The `data` that goes with the buyer: signed over the amount as it is written.
pub(super) fn callback(credentials: &Credentials, payment: &Payment, style: AmountStyle) -> String {
    let (code, status) = (
        payment.reference.as_deref().unwrap_or("0000000"),
        wire_name(payment.state),
    );
    let (id, product) = (payment.id.as_str(), credentials.esewa_product_code.as_str());
    let message = format!(
        "transaction_code={code},status={status},total_amount={},transaction_uuid={id},product_code={product},\
         signed_field_names={CALLBACK_SIGNED}",
        style.signed(payment.amount_minor)
    );
    // Written by hand: eSewa's amount is a literal that no serializer writes.
    STANDARD.encode(format!(
        "{{\"transaction_code\":\"{code}\",\"status\":\"{status}\",\"total_amount\":{},\"transaction_uuid\":\"{id}\",\
         \"product_code\":\"{product}\",\"signed_field_names\":\"{CALLBACK_SIGNED}\",\"signature\":\"{}\"}}",
        style.written(payment.amount_minor),
        sign(credentials, &message)
    ))
}

pub(super) const fn wire_name(state: PaymentState) -> &'static str {
    match state {
        PaymentState::Initiated | PaymentState::Pending => "PENDING",
        PaymentState::Ambiguous => "AMBIGUOUS",
        PaymentState::Completed => "COMPLETE",
        PaymentState::Cancelled => "CANCELED",
        PaymentState::Expired => "NOT_FOUND",
        PaymentState::Refunded => "FULL_REFUND",
        PaymentState::PartiallyRefunded => "PARTIAL_REFUND",
    }
}
