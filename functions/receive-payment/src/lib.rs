//! The `receive-payment` function: verifies who speaks, records the payment with the event that publishes it, and answers
//! in under 100 ms.

mod columns;
pub mod confirmation;
mod message;
mod respond;
pub mod signature;
mod stripe_header;

pub use columns::COLUMNS;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use makegood::case::CaseKind;
use makegood::clock::Clock;
use makegood::config::Place;
use makegood::http::{Answer, Request, RequestError};
use makegood::outbox::{OutboxRow, Publisher};
use makegood::payment::razorpay;
use makegood::payment::record::{self, Receipt, SetAside};
use makegood::payment::returned::{self, Returned};
use makegood::payment::stripe;
use makegood::payment::webhook::Ignored;
use makegood::payment::{Books, ConfirmedPayment, PartialRefund, RecordError, Refused, UnnamedPayment};
use makegood::secret::Rotating;
use makegood::telemetry;
use message::{Message, Speaker};
use serde_json::Value;
use signature::{Forged, Keys};
use std::time::{Duration, Instant};

/// The function's name, the dimension of its metrics.
pub const NAME: &str = "receive-payment";
/// Within which an answer is promised, less what API Gateway and the runtime take.
pub const ANSWER_WITHIN: Duration = Duration::from_millis(90);
/// How long the database may take before the sender is asked to come again: Razorpay hangs up after five seconds, Stripe later.
const RECORD_WITHIN: Duration = Duration::from_secs(3);
/// The longest body that is read, in bytes; a payment has about two thousand.
const LONGEST_BODY: usize = 262_144;
/// Who is setting up the notes asks for 400 in place of 200 where a payment is held: by this header, or by `?strict=yes`.
const STRICT_HEADER: &str = "X-Makegood-Strict";

/// The function with all that it needs.
#[derive(Debug)]
pub struct ReceivePayment {
    /// The database and the queues.
    pub publisher: Publisher,
    /// What Razorpay signs with; [`Keys::none`] where it is not configured.
    pub razorpay: Rotating<Keys>,
    /// What Stripe signs with; [`Keys::none`] where it is not configured.
    pub stripe: Rotating<Keys>,
    /// Whether real money is taken (`STAGE`): events of Stripe's other mode are none of ours.
    pub place: Place,
    /// What the payment service signs with.
    pub confirmation: Rotating<Keys>,
    /// The time.
    pub clock: Clock,
    /// Whether what a provider's notes say is believed where nothing confirms it (`TRUST_WEBHOOK_NOTES`).
    pub trusts_notes: bool,
    /// What a refund of a part comes to (`PARTIAL_REFUND`).
    pub partial_refund: PartialRefund,
    /// The school's, which its sessions are planned in.
    pub timezone: Tz,
    /// Until when the event is published by this invocation; after that the sweep does it.
    pub answer_within: Duration,
}

impl ReceivePayment {
    /// Handles one HTTP request, and gives back the HTTP response.
    ///
    /// # Errors
    /// When the event is no HTTP request at all.
    pub async fn handle(&self, event: Value) -> Result<Value, RequestError> {
        let started = Instant::now();
        let request = Request::decode(event)?;
        let answer = self.answer(&request, started).await;
        telemetry::stage_finished(started.elapsed());
        Ok(answer.to_http_api())
    }

    async fn answer(&self, request: &Request, started: Instant) -> Answer {
        let spoken = Speaker::of(&request.path).filter(|speaker| self.hears(*speaker));
        let Some(speaker) = spoken else {
            return Answer::not_found(&self.routes());
        };
        if request.method != "POST" {
            return Answer::method_not_allowed("POST");
        }
        let Some(body) = request.body.as_deref() else {
            return Answer::undecodable();
        };
        if body.len() > LONGEST_BODY {
            return Answer::too_large(LONGEST_BODY);
        }
        let now = self.clock.now();
        if let Err(forged) = self.verify(speaker, request, body, now).await {
            metrics::counter!("SignaturesRefused").increment(1);
            tracing::warn!(
                function = NAME,
                path = request.path,
                code = forged.code(),
                "request not believed"
            );
            return respond::forged(forged);
        }
        // Nothing above this line looks into the body.
        let answer = match message::read(speaker, body, self.place, now) {
            Ok(Message::Payment(payment)) => self.record(&payment, now, started).await,
            Ok(Message::Unnamed(unnamed)) => self.record_unnamed(speaker, *unnamed, now, started).await,
            Ok(Message::Returned(returned)) => self.record_returned(&returned, now, started).await,
            Ok(Message::Ignored(ignored)) => {
                count(&ignored);
                respond::ignored(&ignored)
            }
            Err(refused) => self.refuse(refused).await,
        };
        let is_strict = [request.header(STRICT_HEADER), request.parameter("strict")].contains(&Some("yes"));
        if is_strict {
            respond::strictly(answer)
        } else {
            answer
        }
    }

    /// Once more with the newest secret where the signature does not fit: the sender may sign with it already.
    async fn verify(
        &self,
        speaker: Speaker,
        request: &Request,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), Forged> {
        let secret = self.secret(speaker);
        let keys = secret.current();
        match verify_with(&keys, speaker, request, body, now) {
            Err(Forged::Mismatch) => match secret.renewed(&keys).await {
                Some(keys) => verify_with(&keys, speaker, request, body, now),
                None => Err(Forged::Mismatch),
            },
            verified => verified,
        }
    }

    const fn secret(&self, speaker: Speaker) -> &Rotating<Keys> {
        match speaker {
            Speaker::Razorpay => &self.razorpay,
            Speaker::Stripe => &self.stripe,
            Speaker::PaymentService => &self.confirmation,
        }
    }

    /// Whether this sender is configured. One that is not has no address here.
    fn hears(&self, speaker: Speaker) -> bool {
        !self.secret(speaker).current().is_none()
    }

    fn routes(&self) -> String {
        let heard = Speaker::ALL.into_iter().filter(|speaker| self.hears(*speaker));
        let routes: Vec<String> = heard.map(|speaker| format!("POST {}", speaker.path())).collect();
        routes.join(" and ")
    }

    async fn record(&self, payment: &ConfirmedPayment, now: DateTime<Utc>, started: Instant) -> Answer {
        let recording = record::record(self.books(now), payment);
        match tokio::time::timeout(RECORD_WITHIN, recording).await {
            Ok(Ok(done)) => self.recorded(done, started).await,
            Ok(Err(error)) => self.not_recorded(payment, error).await,
            Err(_) => unavailable("the database did not answer in time"),
        }
    }

    /// A payment whose notes don't say what it bought: a begun row may. Where none does and nothing in the notes is ours, it is
    /// another site's payment of the same merchant.
    async fn record_unnamed(
        &self,
        speaker: Speaker,
        unnamed: UnnamedPayment,
        now: DateTime<Utc>,
        started: Instant,
    ) -> Answer {
        let recording = record::record_unnamed(self.books(now), &unnamed);
        match tokio::time::timeout(RECORD_WITHIN, recording).await {
            Ok(Ok(Some(done))) => self.recorded(done, started).await,
            Ok(Ok(None)) => {
                let Some(refusal) = unnamed.refusal else {
                    metrics::counter!("PaymentsNotOurs").increment(1);
                    let subject = unnamed.payment.subject();
                    tracing::info!(function = NAME, subject, "payment is not ours");
                    return respond::not_ours(speaker.capture());
                };
                let stranded = Some(Box::new(unnamed.payment.stranded()));
                self.refuse(Refused { refusal, stranded }).await
            }
            Ok(Err(error)) => self.not_recorded(&unnamed.payment, error).await,
            Err(_) => unavailable("the database did not answer in time"),
        }
    }

    /// Money that goes back, or may.
    async fn record_returned(&self, returned: &Returned, now: DateTime<Utc>, started: Instant) -> Answer {
        let recording = returned::record(self.books(now), returned);
        match tokio::time::timeout(RECORD_WITHIN, recording).await {
            Ok(Ok(noted)) => {
                returned::count(returned, &noted);
                let answer = respond::returned(returned, &noted);
                self.publish(noted.published, started).await;
                answer
            }
            Ok(Err(RecordError::Refused(refusal))) => respond::refused(&refusal),
            Ok(Err(error)) => unavailable(&error.to_string()),
            Err(_) => unavailable("the database did not answer in time"),
        }
    }

    const fn books(&self, now: DateTime<Utc>) -> Books<'_> {
        Books {
            database: &self.publisher.database,
            trusts_notes: self.trusts_notes,
            partial_refund: self.partial_refund,
            timezone: self.timezone,
            now,
        }
    }

    async fn recorded(&self, (receipt, rows): (Receipt, Vec<OutboxRow>), started: Instant) -> Answer {
        note(&receipt);
        self.publish(rows, started).await;
        respond::receipt(&receipt)
    }

    async fn not_recorded(&self, payment: &ConfirmedPayment, error: RecordError) -> Answer {
        match error {
            RecordError::Refused(refusal) => {
                let stranded = Some(Box::new(payment.stranded()));
                self.refuse(Refused { refusal, stranded }).await
            }
            RecordError::Database(_) | RecordError::LostRace => unavailable(&error.to_string()),
        }
    }

    /// The sender waits for this answer, and a payment provider that waits too long calls the webhook broken. A slow queue
    /// must not do that to it: the event is committed, its row is leased for 30 seconds, and the sweep sends what did not
    /// go out. What is under way when the answer is due goes on beside it, as far as the environment is let run; cut off
    /// half-way, it may be sent twice, which every consumer bears.
    async fn publish(&self, rows: Vec<OutboxRow>, started: Instant) {
        if rows.is_empty() {
            return;
        }
        let publisher = self.publisher.clone();
        let events = rows.len();
        let publishing = tokio::spawn(async move { publisher.publish(&rows).await });
        let left = self.answer_within.saturating_sub(started.elapsed());
        if tokio::time::timeout(left, publishing).await.is_err() {
            tracing::info!(function = NAME, events, "still publishing when the answer is due");
        }
    }

    /// The money of a signed message has moved even where the message can't be used: a person must see it.
    async fn refuse(&self, refused: Refused) -> Answer {
        let Refused { refusal, stranded } = refused;
        let subject = stranded.as_ref().map_or("", |stranded| stranded.subject.as_str());
        tracing::warn!(function = NAME, subject, code = refusal.code(), reason = %refusal, "payment message refused");
        let Some(stranded) = &stranded else {
            return respond::refused(&refusal);
        };
        let setting_aside = record::set_aside(&self.publisher.database, stranded, &refusal);
        match tokio::time::timeout(RECORD_WITHIN, setting_aside).await {
            Ok(Ok(SetAside::Filed { duplicate })) => respond::filed(stranded, &refusal, duplicate),
            Ok(Ok(SetAside::Known(receipt))) => {
                note(&receipt);
                respond::receipt(&receipt)
            }
            Ok(Err(error)) => unavailable(&error.to_string()),
            Err(_) => unavailable("the database did not answer in time"),
        }
    }
}

fn verify_with(
    keys: &Keys,
    speaker: Speaker,
    request: &Request,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Forged> {
    match speaker {
        Speaker::Razorpay => {
            let header = razorpay::SIGNATURE_HEADER;
            keys.verify_body(header, request.header(header), body)
        }
        Speaker::Stripe => stripe_header::verify(keys, request.header(stripe::SIGNATURE_HEADER), body, now),
        Speaker::PaymentService => keys.verify_timed(
            request.header(confirmation::SIGNATURE_HEADER),
            request.header(confirmation::TIMESTAMP_HEADER),
            body,
            now,
        ),
    }
}

/// By name, of which there are as many as the provider documents, and one for all others.
fn count(ignored: &Ignored) {
    let Ignored {
        event,
        counted,
        is_unknown_money,
        reason,
    } = ignored;
    metrics::counter!("EventsIgnored", "Event" => *counted).increment(1);
    if let Some(reason) = reason {
        tracing::warn!(
            function = NAME,
            event_type = event,
            reason,
            "event is not for this stack"
        );
    } else if *is_unknown_money {
        metrics::counter!("UnknownMoneyEvents").increment(1);
        tracing::error!(
            function = NAME,
            event_type = event,
            "an event that names an amount is not known here; nothing was read from it"
        );
    } else {
        tracing::info!(function = NAME, event_type = event, "event is none of ours");
    }
}

fn note(receipt: &Receipt) {
    if receipt.duplicate {
        metrics::counter!("DuplicateEvents").increment(1);
    }
    match receipt.case() {
        Some(CaseKind::AmountMismatch) if !receipt.duplicate => {
            metrics::counter!("AmountMismatches").increment(1);
        }
        Some(CaseKind::UnpricedPayment) if !receipt.duplicate => {
            metrics::counter!("UnpricedPayments").increment(1);
        }
        _ => (),
    }
    tracing::info!(
        function = NAME,
        correlation_id = %receipt.payment_id,
        event_id = makegood::event::PurchaseConfirmed::event_id(receipt.payment_id),
        status = ?receipt.status,
        duplicate = receipt.duplicate,
        "payment message done"
    );
}

fn unavailable(reason: &str) -> Answer {
    tracing::error!(
        function = NAME,
        reason,
        "payment not recorded; the sender is asked to come again"
    );
    Answer::unavailable("the payment can't be recorded now; send it again")
}
