//! The list, walked: what is local is refused elsewhere, a sandbox's merchant outside a sandbox, and all else is taken.
//! The same list is held against the template by `tests/contract/template/local.py`.

use super::*;
use crate::config::Environment;

/// What a function on AWS is told of a place, a merchant or a secret that is not on the list.
fn good(kind: Kind) -> &'static str {
    match kind {
        Kind::Address => "https://pay.example.com/api",
        Kind::Secret | Kind::Merchant => "merchant-of-the-shop",
        Kind::Database => "postgres://makegood@127.0.0.1:5432/makegood",
        Kind::Cache => "rediss://cache.example.com:6379",
    }
}

/// What `finish` says where these are set, and nothing else.
fn said(variables: &[(&str, &str)]) -> String {
    Environment::of(variables)
        .finish()
        .map_or_else(|error| error.to_string(), |()| String::new())
}

const ON_LAMBDA: (&str, &str) = ("AWS_LAMBDA_FUNCTION_NAME", "verify-payment");
const HERE: (&str, &str) = ("DATABASE_URL", "postgres://makegood@127.0.0.1:5432/makegood");

/// The list, and beside each setting what it must not be outside this machine.
fn walk() -> impl Iterator<Item = (&'static Setting, Vec<&'static str>)> {
    SETTINGS
        .iter()
        .filter(|setting| !setting.variable.is_empty())
        .map(|setting| {
            let bad = match setting.kind {
                Kind::Address => vec!["http://pay.example.com", "https://me:hush@example.com"],
                Kind::Secret => vec!["hush"],
                Kind::Merchant => vec![],
                Kind::Database => vec![
                    "postgres://me:hush@example.com/makegood",
                    "postgres://127.0.0.1/makegood?host=db.example.com",
                    "postgres://127.0.0.1.example.com/makegood",
                ],
                Kind::Cache => vec!["rediss://me:hush@example.com", "redis://:hush@10.0.0.1:6379"],
            };
            (setting, bad)
        })
}

#[test]
fn what_is_local_is_refused_elsewhere_by_its_name_and_never_repeated() {
    for (setting, bad) in walk() {
        for value in bad {
            let message = said(&[ON_LAMBDA, (setting.variable, value)]);
            assert!(
                message.contains(setting.variable),
                "{} {value}: {message}",
                setting.parameter
            );
            assert!(!message.contains("hush"), "{value}: {message}");
        }
    }
}

#[test]
fn what_a_deployed_function_is_told_is_taken() {
    for (setting, _) in walk().filter(|(setting, _)| setting.kind != Kind::Secret) {
        assert_eq!(
            said(&[ON_LAMBDA, (setting.variable, good(setting.kind))]),
            "",
            "{}",
            setting.parameter
        );
    }
    for (setting, _) in walk().filter(|(setting, _)| setting.kind == Kind::Secret) {
        let arn = format!("{}_ARN", setting.variable);
        assert_eq!(
            said(&[ON_LAMBDA, (&arn, "arn:aws:secretsmanager:r:a:secret:s")]),
            ""
        );
    }
}

#[test]
fn a_secret_is_text_where_the_database_is_and_in_a_persons_own_program() {
    for (setting, _) in walk().filter(|(setting, _)| setting.kind == Kind::Secret) {
        for beside in [&[ON_LAMBDA, HERE][..], &[]] {
            let variables = [beside, &[(setting.variable, "hush")]].concat();
            assert_eq!(said(&variables), "", "{}", setting.parameter);
        }
    }
    for here in [
        "postgres://me:hush@localhost/m",
        "postgres://me:hush@[::1]:5432/m",
        "postgres:///m?host=/run/postgresql",
    ] {
        assert_eq!(said(&[ON_LAMBDA, ("DATABASE_URL", here)]), "", "{here}");
    }
    assert_eq!(said(&[("DATABASE_URL", "postgres://me:hush@example.com/m")]), "");
    assert_eq!(
        said(&[ON_LAMBDA, ("REDIS_URL", "redis://:hush@127.0.0.1:6379")]),
        ""
    );
}

#[test]
fn a_sandboxs_merchant_is_refused_where_real_money_is_taken() {
    let mut marks = 0;
    for (setting, _) in walk() {
        for mark in setting.sandbox {
            marks += 1;
            let value = match *mark {
                Mark::Is(value) => value.to_owned(),
                Mark::Begins(beginning) => format!("{beginning}0123"),
                Mark::Host(host) => format!("https://{host}/api/v2"),
            };
            for stage in [None, Some(("STAGE", "live"))] {
                let variables: Vec<_> = stage
                    .into_iter()
                    .chain([(setting.variable, value.as_str())])
                    .collect();
                let message = said(&variables);
                assert!(
                    message.contains(setting.variable) && message.contains("Stage=sandbox"),
                    "{value}: {message}"
                );
            }
            assert_eq!(
                said(&[("STAGE", "sandbox"), (setting.variable, &value)]),
                "",
                "{value}"
            );
        }
        // A merchant's own value is fine in a sandbox too.
        if setting.kind != Kind::Database {
            assert_eq!(
                said(&[("STAGE", "sandbox"), (setting.variable, good(setting.kind))]),
                ""
            );
        }
    }
    assert_eq!(marks, 14);
}

#[test]
fn only_this_machine_is_asked_without_tls() {
    for here in [
        "http://127.0.0.1:9",
        "http://127.8.9.1/x",
        "http://localhost:8080/api/v2",
        "http://console.localhost",
        "http://[::1]:1",
        "https://10.0.0.1",
        "https://epay.example.com/api",
    ] {
        assert!(address(here).is_some(), "{here}");
    }
    for elsewhere in [
        "http://epay.example.com",
        "http://10.0.0.1",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "http://[::ffff:10.0.0.1]",
        "ftp://127.0.0.1",
        "127.0.0.1:8080",
        "https://",
        "",
    ] {
        assert!(address(elsewhere).is_none(), "{elsewhere}");
    }
}
