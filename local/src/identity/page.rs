//! The login page: one button.

use super::asked::Asked;
use axum::response::Html;

const STYLE: &str = "
:root { color-scheme: light dark; --ink: light-dark(#1c2128, #e6e9ee); --soft: light-dark(#5b6572, #9aa4b2);
  --ground: light-dark(#f4f5f7, #14171c); --card: light-dark(#fff, #1d2129); --line: light-dark(#d9dde3, #333a45);
  --act: light-dark(#1b4f8f, #3b7dd8); }
* { box-sizing: border-box; } body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); }
main { width: 100%; max-width: 26rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.5rem; }
h1 { font-size: 1.25rem; margin: 0; } p { margin: .5rem 0 1.25rem; color: var(--soft); overflow-wrap: anywhere; }
button { width: 100%; font: inherit; padding: .75rem; border-radius: .5rem; cursor: pointer; border: 1px solid var(--act);
  background: var(--act); color: #fff; } button:focus-visible { outline: 3px solid var(--soft); outline-offset: 2px; }";

pub(super) fn log_in(asked: &Asked) -> Html<String> {
    let fields: String = [
        ("response_type", &asked.response_type),
        ("client_id", &asked.client_id),
        ("redirect_uri", &asked.redirect_uri),
        ("scope", &asked.scope),
        ("state", &asked.state),
        ("nonce", &asked.nonce),
        ("code_challenge", &asked.code_challenge),
        ("code_challenge_method", &asked.code_challenge_method),
    ]
    .into_iter()
    .map(|(name, value)| format!("<input type=hidden name={name} value=\"{}\">", escape(value)))
    .collect();
    html(&format!(
        "<h1>Log in</h1><p>A stub for the identity provider; it asks for no password. For {}.</p>\
         <form method=post action=\"/authorize\">{fields}<button autofocus>Log in as operator on call</button></form>",
        escape(&asked.client_id)
    ))
}

pub(super) fn refusal(problem: &str) -> Html<String> {
    html(&format!("<h1>Not like this</h1><p>{}</p>", escape(problem)))
}

fn html(body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width, initial-scale=1\">\
         <title>Log in · stub</title><style>{STYLE}</style><main>{body}</main></html>"
    ))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
