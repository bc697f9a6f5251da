//! The style sheet and the icon, under names that change with their content, so that a browser never shows an old one.

use crate::http::Answer;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::LazyLock;

const STYLE: &str = include_str!("../../assets/style.css");
const ICON: &str = include_str!("../../assets/icon.svg");
const DIGITS: usize = 8;

static STYLE_NAME: LazyLock<String> = LazyLock::new(|| named(STYLE, "css"));
static ICON_NAME: LazyLock<String> = LazyLock::new(|| named(ICON, "svg"));

fn named(content: &str, ending: &str) -> String {
    let digest = Sha256::digest(content);
    let mut name = String::new();
    for byte in digest.iter().take(DIGITS) {
        let _ = write!(name, "{byte:02x}");
    }
    format!("{name}.{ending}")
}

/// The style sheet's address.
pub fn style() -> String {
    format!("/admin/assets/{}", *STYLE_NAME)
}

/// The icon's address.
pub fn icon() -> String {
    format!("/admin/assets/{}", *ICON_NAME)
}

/// The file of this name; none when there is no such.
pub fn answer(name: &str) -> Option<Answer> {
    if name == *STYLE_NAME {
        return Some(Answer::asset("text/css; charset=utf-8", STYLE));
    }
    (name == *ICON_NAME).then(|| Answer::asset("image/svg+xml", ICON))
}
