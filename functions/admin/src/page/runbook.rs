//! The runbook as it was when this function was built: one step away at night, and never of another version.

use super::frame::{self, page as framed};
use crate::http::Answer;
use crate::visit::Visit;
use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::collections::HashMap;
use std::sync::LazyLock;

const TEXT: &str = include_str!("../../../../docs/operations.md");

static RENDERED: LazyLock<Rendered> = LazyLock::new(|| render(TEXT));

/// The runbook, ready to be shown.
struct Rendered {
    html: String,
    sections: Vec<Section>,
}

/// A heading that one may jump to.
struct Section {
    level: HeadingLevel,
    anchor: String,
    words: String,
}

pub fn page(visit: &Visit<'_>) -> Answer {
    let body: Markup = html! {
        h1 { "Runbook" }
        nav.contents aria-label="Contents" {
            ul {
                @for Section { level, anchor, words } in &RENDERED.sections {
                    li.below[*level == HeadingLevel::H3] { a href=(format!("#{anchor}")) { (words) } }
                }
            }
        }
        article.runbook { (PreEscaped(RENDERED.html.as_str())) }
    };
    framed(visit, frame::Section::Runbook, "Runbook", &body)
}

/// HTML with the anchors that GitHub gives to headings. The text is our own; what it links to outside of itself is not
/// served here, so those links become their words. Its own title is left to the page.
fn render(text: &str) -> Rendered {
    let text = text.strip_prefix("# Operations\n").unwrap_or(text);
    let mut events: Vec<Event<'_>> = Parser::new_ext(text, Options::ENABLE_TABLES).collect();
    let sections = name_headings(&mut events);
    let mut outside = false;
    let kept = events.into_iter().filter(|event| match event {
        Event::Start(Tag::Link { dest_url, .. }) => {
            outside = !dest_url.starts_with('#');
            !outside
        }
        Event::End(TagEnd::Link) => !std::mem::take(&mut outside),
        _ => true,
    });
    let mut out = String::new();
    pulldown_cmark::html::push_html(&mut out, kept);
    Rendered { html: out, sections }
}

fn name_headings(events: &mut [Event<'_>]) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut seen: HashMap<String, u32> = HashMap::new();
    let starts: Vec<usize> = (0..events.len())
        .filter(|at| matches!(events.get(*at), Some(Event::Start(Tag::Heading { .. }))))
        .collect();
    for start in starts {
        let words: String = events
            .iter()
            .skip(start)
            .take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))))
            .filter_map(|event| match event {
                Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
                _ => None,
            })
            .collect();
        let anchor = anchor(&words);
        let times = seen.entry(anchor.clone()).or_default();
        let name = if *times == 0 {
            anchor
        } else {
            format!("{anchor}-{times}")
        };
        *times += 1;
        if let Some(Event::Start(Tag::Heading { id, level, .. })) = events.get_mut(start) {
            sections.push(Section {
                level: *level,
                anchor: name.clone(),
                words,
            });
            *id = Some(CowStr::from(name));
        }
    }
    sections
}

/// As GitHub makes it of a heading's words.
fn anchor(words: &str) -> String {
    let kept = words
        .trim()
        .chars()
        .filter(|character| character.is_alphanumeric() || matches!(character, ' ' | '-' | '_'));
    kept.map(|character| if character == ' ' { '-' } else { character })
        .collect::<String>()
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sections_that_pages_link_to_are_there() {
        for anchor in [
            "a-dead-letter-deadlettered--0",
            "a-job-failed-or-no-worker-takes-it",
            "a-payment-case",
            "alarm-sweep-silent",
        ] {
            let found = RENDERED
                .sections
                .iter()
                .filter(|section| section.anchor == anchor)
                .count();
            assert_eq!(found, 1, "{anchor}");
        }
    }

    #[test]
    fn headings_have_the_anchors_that_findings_link_to() {
        assert_eq!(
            anchor("A dead letter (`DeadLettered` > 0)"),
            "a-dead-letter-deadlettered--0"
        );
        let Rendered { html, sections } = render(
            "## job-stuck\n\ntext [elsewhere](decisions/0001.md) and [here](#job-stuck)\n\n## job-stuck\n",
        );
        let anchors: Vec<_> = sections.iter().map(|section| section.anchor.as_str()).collect();
        assert_eq!(anchors, ["job-stuck", "job-stuck-1"]);
        assert!(
            html.contains(r#"<h2 id="job-stuck">"#) && html.contains(r#"<h2 id="job-stuck-1">"#),
            "{html}"
        );
        assert!(
            !html.contains("decisions") && html.contains(r##"href="#job-stuck""##),
            "{html}"
        );
    }
}
