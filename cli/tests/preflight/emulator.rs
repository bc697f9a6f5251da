//! Against an emulator: the answers are not ours.

use crate::account::{Said, run};
use serde_json::{Value, json};

fn endpoint() -> String {
    std::env::var("AWS_ENDPOINT_URL").expect("the local stack runs (local/stack/start.sh)")
}

/// A signature that the emulator reads only the service from.
async fn ask(service: &str, form: &[(&str, &str)]) -> String {
    let scope = format!(
        "AWS4-HMAC-SHA256 Credential=000000000000/20261129/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    );
    let body: String = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let client = reqwest::Client::new();
    let request = client
        .post(endpoint())
        .header("authorization", scope)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{form:?}: {status} {text}");
    text
}

async fn make_secret(name: &str) -> String {
    let scope = "AWS4-HMAC-SHA256 Credential=000000000000/20261129/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0";
    let answer = reqwest::Client::new()
        .post(endpoint())
        .header("authorization", scope)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", "secretsmanager.CreateSecret")
        .body(json!({ "Name": name, "SecretString": "only described", "ClientRequestToken": uuid::Uuid::new_v4() }).to_string())
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    answer["ARN"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned()
}

async fn make_network() -> (String, Vec<String>) {
    let made = ask(
        "ec2",
        &[
            ("Action", "CreateVpc"),
            ("CidrBlock", "10.9.0.0/16"),
            ("Version", "2016-11-15"),
        ],
    )
    .await;
    let vpc = between(&made, "vpcId").to_owned();
    let mut subnets = Vec::new();
    for (zone, block) in [("us-east-1a", "10.9.1.0/24"), ("us-east-1b", "10.9.2.0/24")] {
        let form = [
            ("Action", "CreateSubnet"),
            ("VpcId", &vpc),
            ("CidrBlock", block),
            ("AvailabilityZone", zone),
            ("Version", "2016-11-15"),
        ];
        subnets.push(between(&ask("ec2", &form).await, "subnetId").to_owned());
    }
    (vpc, subnets)
}

fn between<'a>(text: &'a str, tag: &str) -> &'a str {
    text.split_once(&format!("<{tag}>"))
        .and_then(|(_, rest)| rest.split_once(&format!("</{tag}>")))
        .map_or("", |(value, _)| value)
}

async fn told(parameters: &[String]) -> Said {
    let parameters: Vec<&str> = parameters.iter().map(String::as_str).collect();
    let name = format!("try-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
    run(
        &endpoint(),
        &[
            &[
                "--json",
                "preflight",
                "--stack-name",
                &name,
                "--parameter-overrides",
            ],
            &parameters[..],
        ]
        .concat(),
    )
    .await
}

/// A network, secrets and a topic that are really there, and then the same with one of each taken away.
#[tokio::test]
async fn an_emulators_answers_are_understood() {
    let (vpc, subnets) = make_network().await;
    let run = uuid::Uuid::new_v4().simple().to_string();
    let topic = between(
        &ask(
            "sns",
            &[
                ("Action", "CreateTopic"),
                ("Name", &format!("alarms-{run}")),
                ("Version", "2010-03-31"),
            ],
        )
        .await,
        "TopicArn",
    )
    .to_owned();
    let secrets = [
        make_secret(&format!("webhook-{run}")).await,
        make_secret(&format!("confirmation-{run}")).await,
    ];
    let given = vec![
        "Pipelines=course".to_owned(),
        "AdminServiceUrl=https://admin.example.com".to_owned(),
        format!("RazorpayWebhookSecretArn={}", secrets[0]),
        format!("ConfirmationSecretArn={}", secrets[1]),
        format!("AlarmTopicArn={topic}"),
        format!("VpcId={vpc}"),
        format!("VpcSubnetIds={}", subnets.join(",")),
        "DatabaseVersion=16.6".to_owned(),
    ];
    let said = told(&given).await;
    let fine = said.rows("fine").join("\n");
    for expected in [
        "is new in this account",
        "the names that it needs are free",
        "the 2 secrets that are given are there",
    ] {
        assert!(fine.contains(expected), "{expected}: {said:?}");
    }
    // Its new networks have no way out, and its topic has no subscriber.
    let fails = said.rows("fails").join("\n");
    assert!(
        fails.contains(&format!("network: {} have no way out", subnets.join(", "))),
        "{said:?}"
    );
    said.only("risk", &format!("alarms: {topic} has no subscription"));

    let absent: Vec<String> = given
        .iter()
        .map(|parameter| parameter.replace(&run, "gone").replace(&vpc, "vpc-00000000"))
        .collect();
    let fails = told(&absent).await.rows("fails").join("\n");
    for expected in [
        "there is no network vpc-00000000",
        "RazorpayWebhookSecretArn: there is no secret",
        "there is no topic",
    ] {
        assert!(fails.contains(expected), "{expected}: {fails}");
    }
}
