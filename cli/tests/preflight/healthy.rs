//! Nothing is wrong: what is asked, what is said, and with which permissions.

use crate::account::{Account, DATABASE, NETWORK, SCHOOL, SHOP};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_first_deployment_that_would_succeed_says_what_it_costs() {
    let said = Account::healthy().told(&SCHOOL).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.rows("fails"), Vec::<String>::new());
    assert_eq!(said.rows("unasked"), Vec::<String>::new());
    let fine = said.rows("fine").join("\n");
    for expected in [
        "stack: makegood-prod is new in this account and region",
        "names: the names that it needs are free",
        "executions: the account may run 1000 functions at once, of which 1000 are not reserved by others; 47 are reserved",
        "quotas: networks: 1 of 5 are there, 1 more are made",
        "quotas: database instances: 3 of 40 are there, 1 more are made",
        "zones: us-east-1a, us-east-1b have what is made in them",
        "database: Aurora PostgreSQL 16.15 is offered in us-east-1",
        "secrets: the 2 secrets that are given are there",
        "alarms: they write to oncall@example.com → confirm what SNS asks by mail; until then no alarm is sent",
    ] {
        assert!(fine.contains(expected), "{expected}: {fine}");
    }
    let report = said.json();
    assert_eq!(
        (&report["account"], &report["region"]),
        (&"123456789012".into(), &"us-east-1".into())
    );
}

#[tokio::test]
async fn the_table_says_the_same_to_people() {
    let account = Account::healthy().with("DescribeStacks", "does not exist", "does not exist");
    let said = account
        .tell(
            &[
                &[
                    "preflight",
                    "--stack-name",
                    "makegood-prod",
                    "--parameter-overrides",
                ],
                &SCHOOL[..],
            ]
            .concat(),
        )
        .await;
    assert_eq!(said.code, 0, "{said:?}");
    for expected in [
        "makegood-prod in us-east-1, account 123456789012",
        "✓ fine",
        "$ costs",
        "0 would fail, 0 not asked, 0 risks. Nothing was changed.",
    ] {
        assert!(said.output.contains(expected), "{expected}: {}", said.output);
    }
}

/// The parts that cost something while the stack is idle, as docs/deploy.md has them.
#[tokio::test]
async fn the_costs_are_those_of_the_documents() {
    let documented = include_str!("../../../docs/deploy.md");
    for (scale, column) in [("Scale=small", 2), ("Scale=full", 3)] {
        let price = |part: &str| {
            let row = documented
                .lines()
                .find(|line| line.starts_with(&format!("| {part} |")))
                .unwrap();
            row.split('|').nth(column).unwrap().trim().to_owned()
        };
        let said = Account::healthy()
            .told(&[&SCHOOL[1..], &SHOP, &["JwtIssuer=https://127.0.0.1:1", scale]].concat())
            .await;
        let costs = said.rows("costs").join("\n");
        for (part, documented) in [
            ("Aurora instances, at their least", "Aurora, at its least"),
            (
                "RDS Proxy, eight units at the least",
                "RDS Proxy, eight units at the least",
            ),
            (
                "ElastiCache Serverless, 0.1 GB at the least",
                "ElastiCache Serverless, 0.1 GB at the least",
            ),
            ("alarms", "alarms"),
        ] {
            let price = price(documented);
            let is_told = costs
                .lines()
                .any(|line| line.contains(part) && line.contains(&format!("${price} a month")));
            assert_eq!(is_told, price != "0.00", "{scale} {part} {price}: {costs}");
        }
    }
}

/// Every question of every way to deploy: signed for the service that answers it, and in the printed policy.
#[tokio::test]
async fn the_policy_allows_every_question_and_nothing_more() {
    let brokers = [
        "Transport=kafka",
        "MskClusterArn=arn:aws:kafka:us-east-1:123456789012:cluster/events/abcd1234-5",
        "KafkaBrokers=b-1.events.example.com:9098",
    ];
    let topic = "AlarmTopicArn=arn:aws:sns:us-east-1:123456789012:alarms";
    let cluster = [
        "DatabaseClusterId=shared",
        "DatabaseSecurityGroupId=sg-1",
        "VpcEndpoints=yes",
        topic,
    ];
    let given = [&SCHOOL[..4], &NETWORK, &DATABASE, &brokers, &cluster].concat();
    let mut asked: BTreeSet<(String, String)> = BTreeSet::new();
    asked.extend(
        Account::healthy()
            .told(&[&SCHOOL[..], &["Scale=full"]].concat())
            .await
            .asked,
    );
    let said = Account::healthy().told(&given).await;
    assert_eq!((said.code, said.rows("fails")), (0, vec![]), "{said:?}");
    asked.extend(said.asked);
    for (service, operation) in &asked {
        assert!(!service.is_empty(), "{operation} is not signed");
    }
    let asked: BTreeSet<String> = asked
        .into_iter()
        .map(|(service, operation)| format!("{service}:{operation}"))
        .collect();

    let policy = Account::healthy()
        .tell(
            &[
                &[
                    "preflight",
                    "--stack-name",
                    "makegood-prod",
                    "--policy",
                    "--parameter-overrides",
                ],
                &given[..],
            ]
            .concat(),
        )
        .await;
    assert_eq!((policy.code, policy.asked.len()), (0, 0), "{policy:?}");
    let statements = policy.json()["Statement"].clone();
    let allowed: BTreeSet<String> = statements
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|statement| statement["Action"].as_array().unwrap())
        .map(|action| action.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(asked, allowed);
    let of_secrets = statements
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["Action"][0] == "secretsmanager:DescribeSecret")
        .unwrap();
    assert_eq!(of_secrets["Resource"].as_array().unwrap().len(), 3);
}
