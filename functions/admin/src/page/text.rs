//! How values are written for a person. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use maud::PreEscaped;
use serde::de::IgnoredAny;

/// The time at the school: the day only where it is not today's, the year only where it is not this one's.
#[must_use]
pub fn clock_time(at: DateTime<Utc>, now: DateTime<Utc>, timezone: Tz) -> String {
    use chrono::Datelike;
    let (local, today) = (at.with_timezone(&timezone), now.with_timezone(&timezone));
    let format = if local.date_naive() == today.date_naive() {
        "%H:%M:%S"
    } else if local.year() == today.year() {
        "%-d %b %H:%M:%S"
    } else {
        "%-d %b %Y %H:%M"
    };
    local.format(format).to_string()
}

/// How long ago, or in how long, in its largest unit.
#[must_use]
pub fn age(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let between = now - at;
    if between < TimeDelta::zero() {
        format!("in {}", span(-between))
    } else {
        format!("{} ago", span(between))
    }
}

/// A length of time in its largest unit.
#[must_use]
pub fn span(length: TimeDelta) -> String {
    let seconds = length.num_seconds();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Milliseconds, as short as they are telling.
#[must_use]
pub fn millis(value: i64) -> String {
    match value {
        ..1_000 => format!("{value} ms"),
        1_000..60_000 => format!("{}.{} s", value / 1_000, value % 1_000 / 100),
        _ => span(TimeDelta::milliseconds(value)),
    }
}

/// A number with its thousands apart.
#[must_use]
pub fn count(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        text.push('−');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The same beginning with a capital.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default()
}

/// Whether this character turns the text after it around: what stands there would be read as something else.
fn turns_text(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A page in which such characters are seen, by their number, and turn nothing.
#[must_use]
pub fn show_turning(html: &str) -> String {
    let mut shown = String::with_capacity(html.len());
    for character in html.chars() {
        if turns_text(character) {
            shown.push_str(&format!("⟨U+{:04X}⟩", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// A text escaped so that [`show_turning`] leaves it: for fields, which must send back what they were given, and for
/// attributes.
#[must_use]
pub fn exact(text: &str) -> PreEscaped<String> {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            turning if turns_text(turning) => escaped.push_str(&format!("&#x{:x};", u32::from(turning))),
            other => escaped.push(other),
        }
    }
    PreEscaped(escaped)
}

/// The most bytes of JSON on several lines. An answer of Lambda has six million, and a body of 1 MiB can be so deep that its
/// indentation alone is a hundred times as long.
const LONGEST_INDENTED: usize = 2 * 1024 * 1024;

/// JSON on several lines, none of whose tokens is touched: numbers, order and escapes stay as they were sent. None when it
/// is no JSON, or too long that way.
#[must_use]
pub fn reindent(json: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(json).ok()?;
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut just_opened) = (0_usize, false);
    for (token, in_text) in characters(json) {
        let closes = !in_text && matches!(token, '}' | ']');
        if closes {
            depth = depth.saturating_sub(1);
        }
        if just_opened != closes {
            new_line(&mut out, depth);
        }
        just_opened = false;
        if out.len() > LONGEST_INDENTED {
            return None;
        }
        out.push(token);
        match token {
            _ if in_text => {}
            '{' | '[' => {
                depth += 1;
                just_opened = true;
            }
            ',' => new_line(&mut out, depth),
            ':' => out.push(' '),
            _ => {}
        }
    }
    Some(out)
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// Whether two JSON texts have the same tokens, whatever space is between them. Line ends of a browser's form are `\r\n`.
#[must_use]
pub fn is_same_json(one: &str, other: &str) -> bool {
    characters(one)
        .map(|(token, _)| token)
        .eq(characters(other).map(|(token, _)| token))
}

/// The characters without the space between tokens; each with whether it is part of a text.
fn characters(json: &str) -> impl Iterator<Item = (char, bool)> {
    let (mut in_text, mut escaped) = (false, false);
    json.chars().filter_map(move |character| {
        let was_in_text = in_text;
        if in_text {
            if escaped {
                escaped = false;
            } else if character == '\\' {
                escaped = true;
            } else if character == '"' {
                in_text = false;
            }
        } else if character == '"' {
            in_text = true;
        }
        let is_part = was_in_text || in_text;
        (is_part || !character.is_whitespace()).then_some((character, is_part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_the_schools_and_says_the_day_only_when_it_is_another() {
        let now: DateTime<Utc> = "2026-11-21T20:00:00Z".parse().unwrap();
        let at = |text: &str| clock_time(text.parse().unwrap(), now, Tz::Asia__Kolkata);
        assert_eq!(at("2026-11-21T19:00:00Z"), "00:30:00");
        assert_eq!(at("2026-11-21T18:00:00Z"), "21 Nov 23:30:00");
        assert_eq!(at("2025-01-01T00:00:00Z"), "1 Jan 2025 05:30");
    }

    #[test]
    fn numbers_are_short_and_exact() {
        assert_eq!(
            (count(0), count(999), count(1_234_567)),
            ("0".into(), "999".into(), "1,234,567".into())
        );
        assert_eq!(
            (millis(850), millis(1_650), millis(90_000)),
            ("850 ms".into(), "1.6 s".into(), "1 min".into())
        );
        assert_eq!(span(TimeDelta::hours(47)), "47 h");
    }

    #[test]
    fn what_would_turn_the_text_around_is_seen_and_a_field_keeps_it() {
        let hostile = "paid \u{202e}evil\u{2069} नमस्ते";
        assert_eq!(show_turning(hostile), "paid ⟨U+202E⟩evil⟨U+2069⟩ नमस्ते");
        let field = exact("<\u{202e}\"&>").into_string();
        assert_eq!(field, "&lt;&#x202e;&quot;&amp;&gt;");
        assert_eq!(show_turning(&field), field);
        assert_eq!(
            (sentence("état"), sentence("")),
            ("État".to_owned(), String::new())
        );
    }

    #[test]
    fn indenting_touches_no_token() {
        let json = r#"{"b":1.50,"a":["x, {y}\"",{}],"big":12345678901234567890123}"#;
        let pretty = reindent(json).unwrap();
        assert_eq!(pretty.lines().count(), 8, "{pretty}");
        assert!(
            pretty.contains("1.50")
                && pretty.contains("12345678901234567890123")
                && pretty.contains(r#""x, {y}\"""#)
        );
        assert!(is_same_json(json, &pretty.replace('\n', "\r\n")));
        assert!(!is_same_json(json, &pretty.replace("1.50", "1.5")));
        assert!(!is_same_json(r#""a b""#, r#""ab""#));
        assert_eq!(reindent("{broken"), None);
        let deep = format!("{}{}1{}", "[".repeat(100), "1,".repeat(400_000), "]".repeat(100));
        assert_eq!(reindent(&deep), None, "too long when indented");
    }
}
