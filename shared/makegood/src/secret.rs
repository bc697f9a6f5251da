//! A secret that is read again when it does not fit any more, so that a rotation reaches an environment while it lives.
//!
//! What a signature or a login refuses may be made with the new text: then the secret is read again, once a minute at most, whatever the
//! number of refusals, so that a stranger's forged requests cost one call a minute. While a rotation lasts both texts must be valid; the
//! old one is used until the new one is there (docs/operations.md, *Rotating a secret*).

use crate::config::SecretSource;
use crate::db::secret_text;
use aws_config::SdkConfig;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long after one reading the next one may follow.
const EVERY: Duration = Duration::from_secs(60);
/// How old a secret may be that was not refused: a form signed with an old key is refused where we don't see it.
const OLDEST: Duration = Duration::from_secs(300);

/// Makes a value of a secret's text.
type Make<T> = Box<dyn Fn(&str) -> Result<T, String> + Send + Sync>;

/// What a secret's text makes, and where the text is.
pub struct Rotating<T> {
    current: RwLock<Arc<T>>,
    origin: Option<Origin<T>>,
    last: Mutex<Last>,
}

struct Origin<T> {
    name: &'static str,
    source: SecretSource,
    aws: SdkConfig,
    make: Make<T>,
}

struct Last {
    text: String,
    /// When a refusal had it read.
    renewed: Option<Instant>,
    /// When it was read, for whatever reason.
    read: Instant,
}

impl<T> fmt::Debug for Rotating<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Rotating(…)")
    }
}

impl<T> Rotating<T> {
    /// One that never changes: it was given in the environment, or by a test.
    #[must_use]
    pub fn fixed(value: T) -> Self {
        Self {
            current: RwLock::new(Arc::new(value)),
            origin: None,
            last: Mutex::new(Last {
                text: String::new(),
                renewed: None,
                read: Instant::now(),
            }),
        }
    }

    /// One whose text was read just now. `name` is its variable, for the log; `make` is what made `value` of `text`, and its error says
    /// what is wrong without the secret. A text that came from the environment is never read again.
    #[must_use]
    pub fn read_from(
        name: &'static str,
        source: &SecretSource,
        aws: &SdkConfig,
        (text, value): (String, T),
        make: impl Fn(&str) -> Result<T, String> + Send + Sync + 'static,
    ) -> Self {
        let origin = match source {
            SecretSource::Plain(_) => None,
            SecretSource::Arn(_) => Some(Origin {
                name,
                source: source.clone(),
                aws: aws.clone(),
                make: Box::new(make),
            }),
        };
        let last = Last {
            text,
            renewed: None,
            read: Instant::now(),
        };
        Self {
            current: RwLock::new(Arc::new(value)),
            origin,
            last: Mutex::new(last),
        }
    }

    /// What is used now.
    #[must_use]
    pub fn current(&self) -> Arc<T> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another one than `refused`, which fits no more: the one that another task has read meanwhile, or that is read now. None when it
    /// is the same still, can't be read or used, or was read for a refusal less than a minute ago.
    pub async fn renewed(&self, refused: &Arc<T>) -> Option<Arc<T>> {
        let origin = self.origin.as_ref()?;
        let mut last = self.last.lock().await;
        let current = self.current();
        if !Arc::ptr_eq(&current, refused) {
            return Some(current);
        }
        if last.renewed.is_some_and(|at| at.elapsed() < EVERY) {
            return None;
        }
        last.renewed = Some(Instant::now());
        self.read(origin, &mut last).await
    }

    /// What is used now, read again before when it is older than five minutes. It stays the old one while the new one can't be read.
    pub async fn fresh(&self) -> Arc<T> {
        let Some(origin) = self.origin.as_ref() else {
            return self.current();
        };
        // Who comes while another one reads goes on with the old one.
        if let Ok(mut last) = self.last.try_lock()
            && last.read.elapsed() > OLDEST
        {
            self.read(origin, &mut last).await;
        }
        self.current()
    }

    async fn read(&self, origin: &Origin<T>, last: &mut Last) -> Option<Arc<T>> {
        last.read = Instant::now();
        let secret = origin.name;
        let text = match secret_text(&origin.source, &origin.aws).await {
            Ok(text) => text,
            Err(error) => {
                tracing::warn!(secret, %error, "the secret could not be read again; the old one is used");
                return None;
            }
        };
        if text == last.text {
            return None;
        }
        match (origin.make)(&text) {
            Ok(value) => {
                let value = Arc::new(value);
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&value);
                last.text = text;
                tracing::info!(secret, "the secret was rotated; the new one is used from now on");
                Some(value)
            }
            Err(error) => {
                tracing::error!(
                    secret,
                    error,
                    "the secret was changed to one that can't be used; the old one is used"
                );
                None
            }
        }
    }
}
