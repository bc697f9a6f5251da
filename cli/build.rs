//! Tells `makegood --version` the commit that it is built of. A tree without git, such as an unpacked archive, has none.

use std::process::Command;

fn said_by_git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn main() {
    // What names the commit: HEAD, or the branch that it stands on, alone or among those that git has packed.
    let head = said_by_git(&["symbolic-ref", "--quiet", "HEAD"]);
    for name in ["HEAD", "packed-refs"].into_iter().chain(head.as_deref()) {
        if let Some(path) = said_by_git(&["rev-parse", "--git-path", name]) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let release = env!("CARGO_PKG_VERSION");
    let version = said_by_git(&["rev-parse", "--short=12", "HEAD"])
        .map_or_else(|| release.to_owned(), |commit| format!("{release} ({commit})"));
    println!("cargo::rustc-env=MAKEGOOD_VERSION={version}");
}
