//! What would be made: each thing that can be wrong with the account, alone.

use crate::account::{Account, SCHOOL};

#[tokio::test]
async fn a_stack_that_can_t_be_updated_is_named_with_the_command_that_helps() {
    for (state, advice) in [
        (
            "ROLLBACK_COMPLETE",
            "aws cloudformation delete-stack --stack-name makegood-prod",
        ),
        ("ROLLBACK_FAILED", "aws cloudformation delete-stack"),
        ("DELETE_FAILED", "aws cloudformation delete-stack"),
        (
            "UPDATE_ROLLBACK_FAILED",
            "aws cloudformation continue-update-rollback --stack-name makegood-prod",
        ),
        ("UPDATE_IN_PROGRESS", "wait until it has ended"),
    ] {
        let said = Account::healthy().with_stack(state, &[]).told(&SCHOOL).await;
        said.only(
            "fails",
            &format!("stack: makegood-prod is in the state {state} → "),
        );
        assert!(
            said.code == 1 && said.rows("fails")[0].contains(advice),
            "{state}: {said:?}"
        );
    }
}

#[tokio::test]
async fn what_is_not_given_keeps_its_value_in_a_stack_that_is_there() {
    let present = [
        ("Pipelines", "course"),
        ("AdminServiceUrl", "https://admin.example.com"),
        (
            "RazorpayWebhookSecretArn",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:webhook-AbCdEf",
        ),
        ("RedisUrl", "****"),
        (
            "ConfirmationSecretArn",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:confirmation-AbCdEf",
        ),
        ("Scale", "full"),
        ("AnOlderParameter", "1"),
    ];
    // 427 of its own and 100 that must stay: what it gives back counts.
    let account = Account::healthy().with_stack("UPDATE_COMPLETE", &present).with(
        "GetAccountSettings",
        "\"UnreservedConcurrentExecutions\": 1000",
        "\"UnreservedConcurrentExecutions\": 100",
    );
    let said = account.told(&["ProtectDatabase=yes"]).await;
    assert_eq!((said.code, said.rows("fails")), (0, vec![]), "{said:?}");
    let costs = said.rows("costs").join("\n");
    assert!(
        costs.contains("Aurora instances, at their least: 2") && costs.contains("$0.00 of it new"),
        "{costs}"
    );
    assert!(
        !said
            .asked
            .iter()
            .any(|(_, operation)| operation == "DescribeAddresses"),
        "no network is added: {said:?}"
    );
}

#[tokio::test]
async fn a_new_accounts_executions_are_too_few_and_the_table_s_advice_is_given() {
    let few = |free: &str| {
        Account::healthy()
            .with(
                "GetAccountSettings",
                "\"ConcurrentExecutions\": 1000",
                "\"ConcurrentExecutions\": 10",
            )
            .with(
                "GetAccountSettings",
                "\"UnreservedConcurrentExecutions\": 1000",
                &format!("\"UnreservedConcurrentExecutions\": {free}"),
            )
    };
    let said = few("10").told(&SCHOOL).await;
    said.only("fails", "executions: the account may run 10 functions at once");
    assert!(
        said.rows("fails")[0].contains("give ReserveConcurrency=no or Scale=small, or ask AWS for 147"),
        "{said:?}"
    );
    let said = few("10")
        .told(&[&SCHOOL[..], &["ReserveConcurrency=no"]].concat())
        .await;
    assert_eq!(said.code, 0, "{said:?}");
    said.only("risk", "with ReserveConcurrency=no all functions share them");
}

#[tokio::test]
async fn quotas_zones_and_versions_of_what_is_made() {
    let network = "<item><vpcId>vpc-2</vpcId></item>".repeat(4);
    for (account, said) in [
        (
            Account::healthy().with("DescribeVpcs", "</vpcSet>", &format!("{network}</vpcSet>")),
            "quotas: networks: 5 of 5 are there",
        ),
        (
            Account::healthy().with("GetServiceQuota", "5.0", "1.0"),
            "of 1 are there, 1 more are made",
        ),
        (
            Account::healthy().with("DescribeAccountAttributes", "<Used>2</Used>", "<Used>40</Used>"),
            "quotas: database clusters: 40 of 40",
        ),
        (
            Account::healthy().with("DescribeOrderableDBInstanceOptions", "us-east-1a", "us-east-1d"),
            "zones: the network would lie in us-east-1a, us-east-1b; the database can't be made in us-east-1a → give ZoneA=us-east-1b ZoneB=us-east-1c",
        ),
        (
            Account::healthy().with(
                "DescribeAvailabilityZones",
                "1a</zoneName><zoneState>available",
                "1a</zoneName><zoneState>constrained",
            ),
            "the database can't be made in us-east-1a",
        ),
        (
            Account::healthy().with("DescribeDBEngineVersions", "16.15", "16.14"),
            "database: Aurora PostgreSQL 16.15 is not offered in us-east-1 → give DatabaseVersion=16.14",
        ),
    ] {
        fails_with(account, said).await;
    }
}

#[tokio::test]
async fn names_and_secrets_that_are_taken_or_going() {
    for (account, said) in [
        (
            Account::healthy().with(
                "DescribeDBClusters",
                "<DBClusterIdentifier>shared",
                "<DBClusterIdentifier>makegood-prod",
            ),
            "names: a database named makegood-prod is there already",
        ),
        (
            Account::healthy().with("DescribeServerlessCaches", "sessions", "makegood-prod"),
            "names: a cache named makegood-prod is there already",
        ),
        (
            Account::healthy().with(
                "DescribeLogGroups",
                "makegood-prod-copy-migrate",
                "makegood-prod-migrate",
            ),
            "names: the log group /aws/lambda/makegood-prod-migrate is there already",
        ),
        (
            Account::healthy().with(
                "ListQueues",
                "makegood-prod-copy-jobs",
                "makegood-prod-purchase-confirmed",
            ),
            "names: the queue makegood-prod-purchase-confirmed is there already",
        ),
        (
            Account::healthy().with(
                "DescribeSecret",
                "\"Name\"",
                "\"DeletedDate\": 1732000000.0, \"Name\"",
            ),
            "the secret is being deleted",
        ),
    ] {
        fails_with(account, said).await;
    }
}

/// Two secrets or two quotas can be wrong in the same way.
async fn fails_with(account: Account, said: &str) {
    let told = account.told(&SCHOOL).await;
    let fails = told.rows("fails");
    assert!(
        told.code == 1 && !fails.is_empty() && fails.iter().all(|row| row.contains(said)),
        "{said}: {told:?}"
    );
}

#[tokio::test]
async fn zones_are_those_that_cloudformation_would_name() {
    let default = Account::healthy().with("DescribeSubnets", "us-east-1a", "us-east-1c");
    let said = default.told(&SCHOOL).await;
    assert!(
        said.rows("fine")
            .iter()
            .any(|row| row.contains("zones: us-east-1b, us-east-1c have")),
        "{said:?}"
    );
    let given = Account::healthy()
        .told(&[&SCHOOL[..], &["ZoneA=us-east-1a", "ZoneB=us-east-1f"]].concat())
        .await;
    given.only(
        "fails",
        "the network would lie in us-east-1a, us-east-1f; the database can't be made in us-east-1f",
    );
}

#[tokio::test]
async fn every_page_of_a_list_is_read() {
    // The last page has the zone that the network would take first; without it, the deployment would seem to fail.
    let healthy = include_str!("answers/DescribeOrderableDBInstanceOptions.xml");
    let first = healthy.replace("us-east-1a", "us-east-1c").replace(
        "</OrderableDBInstanceOptions>",
        "</OrderableDBInstanceOptions><Marker>2</Marker>",
    );
    let said = Account::healthy()
        .answering("DescribeOrderableDBInstanceOptions", 200, &first)
        .answering_next("DescribeOrderableDBInstanceOptions", healthy)
        .answering("DescribeLogGroups", 200, r#"{"logGroups": [], "nextToken": "2"}"#)
        .answering_next(
            "DescribeLogGroups",
            r#"{"logGroups": [{"logGroupName": "/aws/lambda/makegood-prod-migrate"}]}"#,
        )
        .told(&SCHOOL)
        .await;
    said.only(
        "fails",
        "names: the log group /aws/lambda/makegood-prod-migrate is there already",
    );
}

#[tokio::test]
async fn a_list_without_an_end_is_not_read_for_ever() {
    let answer = "<DescribeOrderableDBInstanceOptionsResponse><DescribeOrderableDBInstanceOptionsResult><OrderableDBInstanceOptions/>\
                  <Marker>same</Marker></DescribeOrderableDBInstanceOptionsResult></DescribeOrderableDBInstanceOptionsResponse>";
    for (operation, answer, permission) in [
        (
            "DescribeOrderableDBInstanceOptions",
            answer,
            "rds:DescribeOrderableDBInstanceOptions",
        ),
        (
            "DescribeLogGroups",
            r#"{"logGroups": [], "nextToken": "same"}"#,
            "logs:DescribeLogGroups",
        ),
    ] {
        let said = Account::healthy()
            .answering(operation, 200, answer)
            .told(&SCHOOL)
            .await;
        said.only("unasked", &format!("{permission} has no end of pages"));
        let times = said.asked.iter().filter(|(_, asked)| asked == operation).count();
        assert_eq!(times, 100, "{operation}");
    }
}

#[tokio::test]
async fn what_the_credentials_may_not_ask_is_a_row_with_the_permission() {
    let xml = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>";
    let json = r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}"#;
    let rest = r#"{"Message":"User is not authorized to perform: lambda:GetAccountSettings"}"#;
    for (operation, status, answer, permission) in [
        (
            "DescribeAvailabilityZones",
            403,
            xml,
            "ec2:DescribeAvailabilityZones",
        ),
        ("DescribeLogGroups", 400, json, "logs:DescribeLogGroups"),
        ("GetAccountSettings", 403, rest, "lambda:GetAccountSettings"),
    ] {
        let said = Account::healthy()
            .answering(operation, status, answer)
            .told(&SCHOOL)
            .await;
        said.only(
            "unasked",
            &format!(
                "these credentials may not ask it: {permission} is missing → let these credentials read it"
            ),
        );
        assert_eq!(said.code, 1, "{said:?}");
    }
}

#[tokio::test]
async fn believing_a_webhooks_notes_is_a_risk() {
    let said = Account::healthy()
        .told(&[&SCHOOL[..], &["TrustWebhookNotes=yes"]].concat())
        .await;
    said.only("risk", "money: TrustWebhookNotes is yes");
    assert_eq!(said.code, 0, "a risk is no failure: {said:?}");
}

#[tokio::test]
async fn alarms_that_reach_no_subscriber_are_a_risk() {
    let topic = "AlarmTopicArn=arn:aws:sns:us-east-1:123456789012:alarms";
    let none = Account::healthy().told(&SCHOOL[..4]).await;
    none.only("risk", "alarms: no alarm is sent");
    let confirmed = Account::healthy().told(&[&SCHOOL[..4], &[topic]].concat()).await;
    assert!(
        confirmed.rows("risk").is_empty() && confirmed.code == 0,
        "{confirmed:?}"
    );
    let pending = Account::healthy()
        .with("GetTopicAttributes", "<value>2</value>", "<value>0</value>")
        .with(
            "GetTopicAttributes",
            "SubscriptionsPending</key><value>0",
            "SubscriptionsPending</key><value>1",
        )
        .told(&[&SCHOOL[..4], &[topic]].concat())
        .await;
    pending.only("risk", "has 1 unconfirmed subscriptions and no other");
    let elsewhere = Account::healthy()
        .told(&[&SCHOOL[..4], &[&topic.replace("us-east-1", "eu-west-1")]].concat())
        .await;
    elsewhere.only("fails", "can't be told by alarms of us-east-1");
    let off = Account::healthy()
        .told(&[&SCHOOL[..4], &["Alarms=no"]].concat())
        .await;
    off.only("risk", "alarms: Alarms is no");
}

#[tokio::test]
async fn half_a_set_of_parameters_fails_in_the_templates_words() {
    let said = Account::healthy()
        .told(&[&SCHOOL[..], &["VpcId=vpc-1a2b3c4d", "Sclae=full"]].concat())
        .await;
    let fails = said.rows("fails").join("\n");
    assert!(
        fails.contains("parameters: VpcId and VpcSecurityGroupIds need VpcSubnetIds"),
        "{fails}"
    );
    assert!(fails.contains("Sclae is no parameter of the template"), "{fails}");
    let bad_name = Account::healthy()
        .tell(
            &[
                &[
                    "--json",
                    "preflight",
                    "--stack-name",
                    "Makegood_Prod",
                    "--parameter-overrides",
                ],
                &SCHOOL[..],
            ]
            .concat(),
        )
        .await;
    bad_name.only(
        "fails",
        "names: the stack's name \"Makegood_Prod\" can't be the name of a database",
    );
}

#[tokio::test]
async fn a_region_whose_certificates_are_not_known_is_named() {
    let arguments = [
        "--json",
        "preflight",
        "--stack-name",
        "makegood-prod",
        "--region",
        "il-central-1",
        "--parameter-overrides",
    ];
    let said = Account::healthy().tell(&[&arguments[..], &SCHOOL].concat()).await;
    let fails = said.rows("fails").join("\n");
    assert!(
        fails.contains("database: the certificates of RDS in il-central-1 are not known"),
        "{fails}"
    );
    let known = Account::healthy().told(&SCHOOL).await;
    assert!(known.rows("fails").is_empty(), "{known:?}");
}
