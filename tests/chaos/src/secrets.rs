//! The secrets of a run: what Secrets Manager holds, what the database takes, and what senders sign with. Each is rotated under
//! load, step by step as its owners do it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use makegood_tests::environment::Variables;
use makegood_tests::secrets::Secrets;
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who the functions log in as.
pub const ROLE: &str = "makegood_app";

/// Who signs what it sends to `receive-payment`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// Razorpay, its webhooks.
    Razorpay,
    /// The payment service, its confirmations.
    PaymentService,
}

impl Sender {
    const ALL: [Self; 2] = [Self::Razorpay, Self::PaymentService];

    /// What the function reads the secret by.
    const fn variable(self) -> &'static str {
        match self {
            Self::Razorpay => "RAZORPAY_WEBHOOK_SECRET_ARN",
            Self::PaymentService => "CONFIRMATION_SECRET_ARN",
        }
    }

    const fn arn(self) -> &'static str {
        match self {
            Self::Razorpay => "arn:aws:secretsmanager:us-east-1:000000000000:secret:webhook-AbCdEf",
            Self::PaymentService => {
                "arn:aws:secretsmanager:us-east-1:000000000000:secret:confirmation-AbCdEf"
            }
        }
    }

    /// Its secret of this number.
    fn secret(self, number: u32) -> String {
        match self {
            Self::Razorpay => format!("webhook-secret-{number}-of-the-chaos-run-alone"),
            Self::PaymentService => format!("confirmation-secret-{number}-of-the-chaos-run-alone"),
        }
    }
}

/// All secrets of a run.
#[derive(Debug)]
pub struct RunSecrets {
    manager: Secrets,
    numbers: Mutex<Numbers>,
}

/// Each secret is the one before with the next number.
#[derive(Debug, Default)]
struct Numbers {
    password: u32,
    newest_signing: u32,
    /// Held by whoever has sent something that it signed and has no answer yet.
    signed_with: Arc<u32>,
}

/// What a sender signs with, for as long as what it signed is under way.
#[derive(Debug)]
pub struct Signing {
    /// The secret.
    pub secret: String,
    _number: Arc<u32>,
}

impl RunSecrets {
    /// Starts Secrets Manager with the first secret of each kind, and with who has signed the database's certificate.
    pub async fn start(authority: &str) -> Self {
        let secrets = Self {
            manager: Secrets::holding(ROLE, &password(0), authority).await,
            numbers: Mutex::default(),
        };
        secrets.drop_old_signing_secrets();
        secrets
    }

    /// What the functions are told: where the secrets are, and where the database is that the login is for.
    #[must_use]
    pub fn variables(&self, database: &str) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("DATABASE_SECRET_ARN", Secrets::ARN.to_owned()),
            ("DATABASE_PROXY_ENDPOINT", database.to_owned()),
            ("DATABASE_NAME", "makegood".to_owned()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.manager.url().to_owned()),
        ];
        variables.extend(Sender::ALL.map(|sender| (sender.variable(), sender.arn().to_owned())));
        variables
    }

    /// Has these variables' secrets from now on, and names them by their ARN: a function on AWS takes none as text.
    pub fn keep(&self, variables: &mut Variables) {
        let plain: Vec<String> = variables
            .keys()
            .filter(|name| name.ends_with("_SECRET"))
            .cloned()
            .collect();
        for name in plain {
            let arn = format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}-AbCdEf");
            if let Some(text) = variables.remove(&name) {
                self.manager.put_text(&arn, &text);
            }
            variables.insert(format!("{name}_ARN"), arn);
        }
    }

    /// The password of the functions' role, as it is to be.
    #[must_use]
    pub fn password(&self) -> String {
        password(self.numbers().password)
    }

    /// Chooses another password, which no function has yet.
    pub fn choose_password(&self) {
        self.numbers().password += 1;
    }

    /// Secrets Manager has the chosen password from now on.
    pub fn hold_password(&self) {
        self.manager.put(ROLE, &self.password());
    }

    /// What this sender signs with.
    #[must_use]
    pub fn signing(&self, sender: Sender) -> Signing {
        let number = Arc::clone(&self.numbers().signed_with);
        Signing {
            secret: sender.secret(*number),
            _number: number,
        }
    }

    /// Secrets Manager has another signing secret beside the one in use, for each sender.
    pub fn add_signing_secrets(&self) {
        let mut numbers = self.numbers();
        numbers.newest_signing += 1;
        for sender in Sender::ALL {
            let (new, old) = (
                sender.secret(numbers.newest_signing),
                sender.secret(*numbers.signed_with),
            );
            self.manager.put_text(sender.arn(), &format!("{new}\n{old}\n"));
        }
    }

    /// Senders sign with the newest secret from now on. What is given back says whether something is still under way that was
    /// signed with the one before.
    pub fn sign_with_newest(&self) -> impl Fn() -> bool {
        let mut numbers = self.numbers();
        let newest = Arc::new(numbers.newest_signing);
        let old = Arc::downgrade(&std::mem::replace(&mut numbers.signed_with, newest));
        move || old.strong_count() > 0
    }

    /// Secrets Manager has only that signing secret which is in use.
    pub fn drop_old_signing_secrets(&self) {
        let numbers = self.numbers();
        for sender in Sender::ALL {
            self.manager
                .put_text(sender.arn(), &sender.secret(*numbers.signed_with));
        }
    }

    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn password(number: u32) -> String {
    format!("password-{number}-of-the-chaos-run")
}

/// What Postgres and PgBouncer keep of a password (RFC 5802). Whoever logs in must compute as many rounds as it says; the usual
/// 4096 take unoptimized functions on a busy machine longer than a link may take.
#[must_use]
pub fn verifier(password: &str) -> String {
    const ROUNDS: u32 = 16;
    const SALT: &[u8] = b"of the chaos run";
    let mut salted = hmac(password.as_bytes(), &[SALT, &1_u32.to_be_bytes()].concat());
    let mut round = salted;
    for _ in 1..ROUNDS {
        round = hmac(password.as_bytes(), &round);
        for (byte, more) in salted.iter_mut().zip(round) {
            *byte ^= more;
        }
    }
    let stored = Sha256::digest(hmac(&salted, b"Client Key"));
    let server = hmac(&salted, b"Server Key");
    let encode = |bytes: &[u8]| STANDARD.encode(bytes);
    let (salt, stored, server) = (encode(SALT), encode(&stored), encode(&server));
    format!("SCRAM-SHA-256${ROUNDS}:{salt}${stored}:{server}")
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_has_the_form_that_postgres_takes_for_one() {
        let verifier = verifier("pencil");
        let (head, keys) = verifier.rsplit_once('$').unwrap();
        assert_eq!(head, "SCRAM-SHA-256$16:b2YgdGhlIGNoYW9zIHJ1bg==");
        let (stored, server) = keys.split_once(':').unwrap();
        assert_eq!((stored.len(), server.len()), (44, 44));
    }

    #[tokio::test]
    async fn senders_follow_when_they_are_told_and_the_old_secret_is_known_to_be_under_way() {
        let secrets = RunSecrets::start("").await;
        let held = || secrets.manager.text(Sender::Razorpay.arn());
        let old = secrets.signing(Sender::Razorpay);
        assert_eq!(held(), old.secret);
        secrets.add_signing_secrets();
        assert_eq!(secrets.signing(Sender::Razorpay).secret, old.secret);
        let is_old_under_way = secrets.sign_with_newest();
        let new = secrets.signing(Sender::Razorpay);
        assert_eq!(held(), format!("{}\n{}\n", new.secret, old.secret));
        assert!(is_old_under_way());
        drop(old);
        assert!(!is_old_under_way());
        secrets.drop_old_signing_secrets();
        assert_eq!(held(), new.secret);
    }
}
