//! Log lines: one JSON object a line, each key once. A key that several write is that of the innermost: the event's over
//! its span's, a span's over its parent's; and no field overwrites the four of ours.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Number, Value};
use std::error::Error;
use std::fmt::{self, Debug};
use std::io::{self, Write};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Writes the lines to standard output.
#[derive(Debug)]
pub(super) struct JsonLines {
    function: &'static str,
}

impl JsonLines {
    /// Lines of this function.
    pub(super) fn of(function: &'static str) -> Self {
        Self { function }
    }

    fn line(&self, at: DateTime<Utc>, level: &str, fields: Map<String, Value>) -> String {
        let mut line = fields;
        let timestamp = at.to_rfc3339_opts(SecondsFormat::Micros, true);
        for (key, text) in [
            ("timestamp", timestamp.as_str()),
            ("level", level),
            ("function", self.function),
        ] {
            line.insert(key.to_owned(), Value::from(text));
        }
        Value::Object(line).to_string()
    }
}

/// What was recorded of a span or an event.
#[derive(Debug, Default, Clone)]
struct Fields(Map<String, Value>);

impl<S> Layer<S> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.0.extend(of_span.0.clone());
            }
        }
        event.record(&mut fields);
        let line = self.line(Utc::now(), event.metadata().level().as_str(), fields.0);
        // Where standard output takes nothing, there is no other place to write to.
        let _ = io::stdout().write_all(format!("{line}\n").as_bytes());
    }
}

impl Fields {
    fn keep(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.keep(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.keep(field, Number::from_f64(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.keep(field, DisplayOf(value).to_string());
    }
}

/// An error with its causes, in one line.
struct DisplayOf<'a>(&'a (dyn Error + 'static));

impl fmt::Display for DisplayOf<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(inner) = cause {
            write!(formatter, ": {inner}")?;
            cause = inner.source();
        }
        Ok(())
    }
}
