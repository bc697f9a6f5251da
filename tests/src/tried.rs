//! What a run tried with what, and how it went: rows of `docs/compatibility.md`, which `docs/compatibility.py --write` puts there.

use crate::setting;
use chrono::Utc;
use serde_json::json;
use std::path::PathBuf;

/// Notes one row, of this name, of a part's table: its cells with their columns' names, in their order. The day is added.
pub fn note(part: &str, name: &str, cells: &[(&str, &str)]) {
    let mut cells: Vec<_> = cells.iter().map(|cell| json!(cell)).collect();
    cells.push(json!(["date", Utc::now().format("%Y-%m-%d").to_string()]));
    let folder = PathBuf::from(setting("MAKEGOOD_STATE"))
        .join("compatibility")
        .join(part);
    std::fs::create_dir_all(&folder).expect("the folder is there or can be made");
    let text = format!("{:#}\n", json!({"cells": cells}));
    std::fs::write(folder.join(format!("{name}.json")), text).expect("the row is written");
}
