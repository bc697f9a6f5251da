//! Nothing private is in the repository: no credential, account, person's address or private host.

use regex::Regex;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is looked for: a name, a pattern, and what a hit may be without being private.
struct Rule {
    name: &'static str,
    pattern: &'static str,
    allowed: &'static [&'static str],
}

/// The first group of a pattern is the hit, else the whole match.
const RULES: [Rule; 8] = [
    Rule {
        name: "an AWS access key",
        pattern: r"\b((?:AKIA|ASIA|AGPA|AROA)[0-9A-Z]{16})\b",
        allowed: &[],
    },
    Rule {
        name: "a private key",
        pattern: r"-----BEGIN [A-Z ]*PRIVATE KEY",
        allowed: &[],
    },
    Rule {
        name: "a signed token",
        pattern: r"\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{20,}",
        allowed: &[],
    },
    Rule {
        name: "a token of a code host or chat",
        pattern: r"\b(gh[pousr]_[A-Za-z0-9]{30,}|glpat-[A-Za-z0-9_-]{20,}|xox[abpr]-[A-Za-z0-9-]{20,}|sk_live_[A-Za-z0-9]{16,}|rzp_live_[A-Za-z0-9]{10,})",
        allowed: &[],
    },
    Rule {
        name: "an account id",
        // Twelve digits on their own, or between the colons of an ARN. A UUID's last part has a hyphen before it, a telephone
        // number a plus.
        pattern: r"(?:^|[^0-9A-Za-z._+-])([0-9]{12})(?:$|[^0-9A-Za-z._-])",
        // What Lambda's emulators and AWS's own documentation use.
        allowed: &["000000000000", "123456789012"],
    },
    Rule {
        name: "an e-mail address",
        pattern: r"([A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})\b",
        allowed: &[
            "@example.com",
            "@example.org",
            "@example.test",
            "@example.invalid",
        ],
    },
    Rule {
        name: "a private host",
        pattern: r"\b((?:[a-z0-9-]+\.)+(?:internal|intranet|corp|lan|home\.arpa)|[a-z0-9-]+\.[a-z0-9]{8,}\.[a-z0-9-]+\.(?:rds|cache|docdb|kafka)\.amazonaws\.com|[a-z0-9]{10}\.execute-api\.[a-z0-9-]+\.amazonaws\.com)\b",
        allowed: &[],
    },
    Rule {
        name: "a written-out secret",
        pattern: r#"(?i)(?:secret|passw(?:or)?d|token|api_?key)["']?\s*[:=]\s*["']([A-Za-z0-9+/=_.-]{24,})["']"#,
        allowed: &[],
    },
];

/// What looks private and is not: published by its owner for everybody's tests, or made up for ours.
const KNOWN: [(&str, &str); 1] = [(
    "sample-confirmation-secret-of-40-bytes-00",
    "what the samples under events/ are signed with",
)];

/// The root of the workspace.
fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the tests lie in the workspace").to_owned()
}

/// Every file that git knows or would take.
fn files(root: &Path) -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .expect("git lists the files");
    assert!(listed.status.success(), "git ls-files failed");
    let names = String::from_utf8(listed.stdout).expect("names in UTF-8");
    names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .collect()
}

/// One line for each thing in a text that should not be there.
fn findings(file: &str, text: &str, rules: &[(Regex, &Rule)]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (number, line) in text.lines().enumerate() {
        for (pattern, rule) in rules {
            for captures in pattern.captures_iter(line) {
                let hit = captures
                    .get(1)
                    .or_else(|| captures.get(0))
                    .map_or("", |hit| hit.as_str());
                let allowed = rule.allowed.iter().any(|allowed| hit.ends_with(allowed));
                let known = KNOWN.iter().any(|(known, _)| *known == hit);
                if !allowed && !known {
                    found.insert(format!("{file}:{}: {}: {hit}", number + 1, rule.name));
                }
            }
        }
    }
    found
}

fn rules() -> Vec<(Regex, &'static Rule)> {
    RULES
        .iter()
        .map(|rule| (Regex::new(rule.pattern).expect("a pattern"), rule))
        .collect()
}

#[test]
fn no_secret_account_address_or_private_host_is_in_the_repository() {
    let (root, rules) = (root(), rules());
    let mut found = BTreeSet::new();
    let files = files(&root);
    assert!(files.len() > 100, "git lists only {} files", files.len());
    for file in files {
        let name = file.to_string_lossy().into_owned();
        // A picture has no lines, and a deleted file nothing to read.
        if let Ok(text) = std::fs::read_to_string(root.join(&file)) {
            found.extend(findings(&name, &text, &rules));
        }
    }
    let found: Vec<String> = found.into_iter().collect();
    assert!(
        found.is_empty(),
        "take these out, or say in KNOWN why they are not private:\n{}",
        found.join("\n")
    );
}

#[test]
fn each_rule_finds_what_it_is_for_and_leaves_the_harmless_alone() {
    let rules = rules();
    // Put together here, so that this file is clean itself.
    let private = [
        format!("key = AKIA{}", "ABCDEFGH12345678"),
        format!("-----BEGIN RSA {} KEY-----", "PRIVATE"),
        format!("eyJ{0}.eyJ{0}.{0}{0}", "hbGciOiJIUzI1NiJ9abc"),
        format!("ghp_{}", "a1B2".repeat(9)),
        format!("arn:aws:sqs:eu-west-1:{}:jobs", "98765432".to_owned() + "1098"),
        format!("mail asha@{}.com", "company"),
        format!("db.{}.internal", "prod"),
        format!("password: \"{}\"", "Zm9vYmFy".repeat(4)),
    ];
    for (line, (_, rule)) in private.iter().zip(&rules) {
        let found = findings("a file", line, &rules);
        assert!(
            found.iter().any(|hit| hit.contains(rule.name)),
            "{} is not found in {line:?}: {found:?}",
            rule.name
        );
    }
    for harmless in [
        "arn:aws:sqs:us-east-1:000000000000:jobs",
        "b8a1f0d2-1f6e-4b4d-8f1b-123456789999",
        "\"timestamp\": 1767817344753",
        "buyer@example.com",
        "postgres://makegood@127.0.0.1:5432/postgres",
        "b-1.makegood.example.kafka.us-east-1.amazonaws.com:9098",
        "RAZORPAY_WEBHOOK_SECRET=local-webhook-secret",
    ] {
        assert_eq!(findings("a file", harmless, &rules), BTreeSet::new());
    }
}
