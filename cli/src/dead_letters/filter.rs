//! Which dead letters: the filters of `list` and `replay`.

use crate::act::Moment;
use chrono::{DateTime, Utc};
use clap::builder::NonEmptyStringValueParser;
use operate::dead_letter::{DeadLetterFilter, DeadLetterStatus};
use uuid::Uuid;

/// The filters; what is given must all hold.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct FilterArguments {
    /// From this queue or topic.
    #[arg(long, value_name = "QUEUE", value_parser = NonEmptyStringValueParser::new())]
    source: Option<String>,
    /// Parked by this function; `-` for those that no function parked.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    function: Option<String>,
    /// With this error code, such as `missing_field` or `moved_by_sqs`; `-` for those without.
    #[arg(long, value_name = "CODE", value_parser = NonEmptyStringValueParser::new())]
    error_code: Option<String>,
    /// Of this type of event, such as PURCHASE_CONFIRMED.
    #[arg(long, value_name = "TYPE", value_parser = NonEmptyStringValueParser::new())]
    event_type: Option<String>,
    /// Of this event, by its id; `-` for those whose event's id can't be read.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    event_id: Option<String>,
    /// Of this payment.
    #[arg(long, value_name = "UUID")]
    correlation_id: Option<Uuid>,
    /// Parked at or after this instant, or so long ago: 2026-11-21T03:00:00Z, 30m, 2h, 7d.
    #[arg(long, value_name = "WHEN")]
    since: Option<Moment>,
    /// Parked before this instant, or so long ago.
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,
}

impl FilterArguments {
    /// The filter for dead letters of this status, seen from now.
    #[must_use]
    pub fn filter(&self, status: Option<DeadLetterStatus>, now: DateTime<Utc>) -> DeadLetterFilter {
        DeadLetterFilter {
            status,
            source: self.source.clone(),
            function: self.function.clone(),
            error_code: self.error_code.clone(),
            event_type: self.event_type.clone(),
            event_id: self.event_id.clone(),
            correlation_id: self.correlation_id,
            since: self.since.map(|moment| moment.instant(now)),
            until: self.until.map(|moment| moment.instant(now)),
        }
    }
}
