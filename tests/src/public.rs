//! The functions whose answer a client waits for over HTTP.

use crate::environment::Variables;
use crate::setting;

/// What each of them, the console's too, needs to start with this database; nothing else that is named here answers.
#[must_use]
pub fn variables(database_url: &str) -> Variables {
    let nowhere = "http://127.0.0.1:9";
    let mut variables: Variables = [
        ("DATABASE_URL", database_url),
        ("DATABASE_POOL_SIZE", "1"),
        ("QUEUE_URL_PURCHASE_CONFIRMED", "http://127.0.0.1:9/0/queue"),
        ("QUEUE_URL_PURCHASE_ENDED", "http://127.0.0.1:9/0/queue"),
        ("JOBS_QUEUE_URL", "http://127.0.0.1:9/0/jobs"),
        ("AWS_ENDPOINT_URL", nowhere),
        ("RAZORPAY_WEBHOOK_SECRET", "sample-razorpay-secret"),
        ("CONFIRMATION_SECRET", "sample-confirmation-secret-of-40-bytes-00"),
        ("STAGE", "sandbox"),
        ("ESEWA_BASE_URL", nowhere),
        ("KHALTI_BASE_URL", "http://127.0.0.1:9/api/v2"),
        ("PAYMENT_RETURN_URL", "http://127.0.0.1:9/shop"),
        ("OIDC_ISSUER", nowhere),
        ("OIDC_CLIENT_ID", "makegood-console"),
        ("CONSOLE_SECRET", "a secret of the tests, long enough"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for name in [
        "ESEWA_PRODUCT_CODE",
        "ESEWA_SECRET",
        "KHALTI_SECRET",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ] {
        variables.insert(name.to_owned(), setting(name));
    }
    variables
}
