//! What can't be looked at: wrong usage, and an account that is away.

use crate::account::{Account, SCHOOL, run};

#[tokio::test]
async fn wrong_usage_names_what_is_wrong_and_sends_no_request() {
    for (arguments, said) in [
        (
            vec!["preflight"],
            "no stack is named; give --config-env, or --stack-name",
        ),
        (
            vec!["preflight", "--config-env", "staging"],
            "it has no environment staging; it has default, dev, local, prod",
        ),
        (
            vec![
                "preflight",
                "--config-env",
                "prod",
                "--config-file",
                "absent.toml",
            ],
            "absent.toml: it can't be read; give --config-file",
        ),
        (
            vec!["preflight", "--stack-name", "a", "--template-file", "absent.yaml"],
            "absent.yaml: it can't be read; give --template-file",
        ),
        (
            vec![
                "preflight",
                "--stack-name",
                "a",
                "--template-file",
                "docs/asyncapi.json",
            ],
            "docs/asyncapi.json: it is no template",
        ),
        (
            vec!["preflight", "--stack-name", "a", "--parameter-overrides", "Shop"],
            "\"Shop\" is no parameter; write Name=value",
        ),
    ] {
        let told = Account::healthy().tell(&arguments).await;
        assert!(
            told.code == 2 && told.errors.contains(said) && told.asked.is_empty(),
            "{said}: {told:?}"
        );
    }
}

#[tokio::test]
async fn an_account_that_is_away_is_said_so() {
    let arguments = [
        &[
            "preflight",
            "--stack-name",
            "makegood-prod",
            "--parameter-overrides",
        ],
        &SCHOOL[..],
    ]
    .concat();
    let unknown = run("http://127.0.0.1:9", &arguments).await;
    assert!(
        unknown.code == 3
            && unknown
                .errors
                .contains("who asks is not known: sts:GetCallerIdentity: "),
        "{unknown:?}"
    );
    let expired = "<ErrorResponse><Error><Code>ExpiredToken</Code><Message>The security token is expired</Message></Error></ErrorResponse>";
    let told = Account::healthy()
        .answering("GetCallerIdentity", 403, expired)
        .tell(&arguments)
        .await;
    assert!(
        told.code == 3
            && told
                .errors
                .contains("ExpiredToken: The security token is expired"),
        "{told:?}"
    );
}

#[tokio::test]
async fn the_environment_of_samconfig_is_taken_and_what_is_typed_replaces_its_parameters() {
    let of_file = Account::healthy()
        .tell(&["--json", "preflight", "--config-env", "prod"])
        .await;
    assert_eq!(of_file.json()["stack"], "makegood-prod");
    assert!(
        of_file
            .rows("fails")
            .iter()
            .any(|row| row.contains("A course needs AdminServiceUrl; for a shop alone give Pipelines=shop.")),
        "{of_file:?}"
    );
    let typed = Account::healthy()
        .tell(
            &[
                &[
                    "--json",
                    "preflight",
                    "--config-env",
                    "prod",
                    "--parameter-overrides",
                ],
                &SCHOOL[..],
            ]
            .concat(),
        )
        .await;
    assert_eq!((typed.code, typed.rows("fails")), (0, vec![]), "{typed:?}");
}
