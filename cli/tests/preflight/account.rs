//! An account that answers as the API references have it, and the command that asks it.

use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tokio::process::Command;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// What a school gives at least.
pub const SCHOOL: [&str; 5] = [
    "Pipelines=course",
    "AdminServiceUrl=https://admin.example.com",
    "RazorpayWebhookSecretArn=arn:aws:secretsmanager:us-east-1:123456789012:secret:webhook-AbCdEf",
    "ConfirmationSecretArn=arn:aws:secretsmanager:us-east-1:123456789012:secret:confirmation-AbCdEf",
    "AlarmEmail=oncall@example.com",
];
/// What a shop gives besides, in place of the school's first; its issuer comes to it.
pub const SHOP: [&str; 8] = [
    "Pipelines=both",
    "JwtAudience=shop",
    "EsewaBaseUrl=https://e.example.com",
    "EsewaProductCode=P",
    "EsewaSecretArn=arn:aws:secretsmanager:us-east-1:1:secret:e",
    "KhaltiBaseUrl=https://k.example.com",
    "KhaltiSecretArn=arn:aws:secretsmanager:us-east-1:1:secret:k",
    "PaymentReturnUrl=https://s.example.com",
];
/// A network of the account.
pub const NETWORK: [&str; 2] = [
    "VpcId=vpc-1a2b3c4d",
    "VpcSubnetIds=subnet-aaaa1111,subnet-bbbb2222",
];
/// A database of the account, without the way to it.
pub const DATABASE: [&str; 3] = [
    "DatabaseSecretArn=arn:aws:secretsmanager:us-east-1:123456789012:secret:database-AbCdEf",
    "DatabaseEndpoint=shared.cluster-abc.us-east-1.rds.amazonaws.com",
    "RedisUrl=rediss://cache.example.com:6379",
];

macro_rules! answers {
    ($($file:literal),+) => {
        [$(($file, include_str!(concat!("answers/", $file)))),+]
    };
}

/// A question that was asked: the service that its signature is for, and the operation.
pub type Question = (String, String);

/// An account; each operation has the answer of a healthy one until a test gives another.
pub struct Account {
    answers: BTreeMap<String, (u16, String)>,
    /// `DATABASE_URL` of the command.
    database_url: Option<String>,
}

/// What the command said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub output: String,
    pub errors: String,
    pub asked: Vec<Question>,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.output).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The rows of a verdict: what each is about, says and advises.
    pub fn rows(&self, verdict: &str) -> Vec<String> {
        let report = self.json();
        let rows = report["rows"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["verdict"] == verdict);
        rows.map(|row| {
            format!(
                "{}: {} → {}",
                text(row, "about"),
                text(row, "says"),
                text(row, "next")
            )
        })
        .collect()
    }

    /// Asserts that exactly one row has this verdict, and says this.
    pub fn only(&self, verdict: &str, said: &str) {
        let rows = self.rows(verdict);
        assert!(
            rows.len() == 1 && rows[0].contains(said),
            "{said:?} alone should be {verdict}: {rows:#?}\n{self:?}"
        );
    }
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap()
}

impl Account {
    pub fn healthy() -> Self {
        let files = answers!(
            "DescribeAccountAttributes.xml",
            "DescribeAddresses.xml",
            "DescribeAvailabilityZones.xml",
            "DescribeCertificate.json",
            "DescribeClusterV2.json",
            "DescribeDBClusters.xml",
            "DescribeDBEngineVersions.xml",
            "DescribeDBProxies.xml",
            "DescribeDBSubnetGroups.xml",
            "DescribeLogGroups.json",
            "DescribeOrderableDBInstanceOptions.xml",
            "DescribeRouteTables.xml",
            "DescribeSecret.json",
            "DescribeSecurityGroups.xml",
            "DescribeServerlessCaches.xml",
            "DescribeSubnets.xml",
            "DescribeVpcAttribute.xml",
            "DescribeVpcEndpoints.xml",
            "DescribeVpcs.xml",
            "GetAccountSettings.json",
            "GetBootstrapBrokers.json",
            "GetCallerIdentity.xml",
            "GetServiceQuota.json",
            "GetTopicAttributes.xml",
            "ListQueues.json"
        );
        let name = |file: &str| file.split('.').next().unwrap().to_owned();
        let mut answers: BTreeMap<_, _> = files
            .map(|(file, answer)| (name(file), (200, answer.to_owned())))
            .into();
        answers.insert(
            "DescribeStacks".to_owned(),
            (400, include_str!("answers/DescribeStacks.xml").to_owned()),
        );
        Self {
            answers,
            database_url: None,
        }
    }

    /// Beside a database that is there.
    pub fn beside(self, database_url: String) -> Self {
        Self {
            database_url: Some(database_url),
            ..self
        }
    }

    /// With this in place of that in an answer; the answer must have it.
    pub fn with(mut self, operation: &str, from: &str, to: &str) -> Self {
        let (_, answer) = self
            .answers
            .get_mut(operation)
            .unwrap_or_else(|| panic!("no answer to {operation}"));
        assert!(answer.contains(from), "{operation} has no {from:?}:\n{answer}");
        *answer = answer.replace(from, to);
        self
    }

    /// With another answer.
    pub fn answering(mut self, operation: &str, status: u16, answer: &str) -> Self {
        self.answers
            .insert(operation.to_owned(), (status, answer.to_owned()));
        self
    }

    /// With this answer to whoever asks for the next page.
    pub fn answering_next(mut self, operation: &str, answer: &str) -> Self {
        self.answers
            .insert(next_page_of(operation), (200, answer.to_owned()));
        self
    }

    /// With a stack that is there, with these parameters.
    pub fn with_stack(self, state: &str, parameters: &[(&str, &str)]) -> Self {
        let members: String = parameters
            .iter()
            .map(|(key, value)| format!("<member><ParameterKey>{key}</ParameterKey><ParameterValue>{value}</ParameterValue></member>"))
            .collect();
        let answer = format!(
            "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult><Stacks><member>\
             <StackName>makegood-prod</StackName><StackStatus>{state}</StackStatus><Parameters>{members}</Parameters>\
             </member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
        );
        self.answering("DescribeStacks", 200, &answer)
    }

    /// Runs the command with these parameters, and its answer as JSON.
    pub async fn told(self, parameters: &[&str]) -> Said {
        self.tell(
            &[
                &[
                    "--json",
                    "preflight",
                    "--stack-name",
                    "makegood-prod",
                    "--parameter-overrides",
                ],
                parameters,
            ]
            .concat(),
        )
        .await
    }

    /// Runs the command.
    pub async fn tell(self, arguments: &[&str]) -> Said {
        let server = MockServer::start().await;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let responder = Answers {
            answers: self.answers,
            asked: Arc::clone(&asked),
        };
        Mock::given(any()).respond_with(responder).mount(&server).await;
        let mut said = run_beside(&server.uri(), self.database_url.as_deref(), arguments).await;
        said.asked = asked.lock().unwrap().clone();
        said
    }
}

/// Runs the command against an endpoint.
pub async fn run(endpoint: &str, arguments: &[&str]) -> Said {
    run_beside(endpoint, None, arguments).await
}

async fn run_beside(endpoint: &str, database_url: Option<&str>, arguments: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_makegood"))
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .env_clear()
        .envs(database_url.map(|url| ("DATABASE_URL", url)))
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "000000000000")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    Said {
        code: output.status.code().unwrap(),
        output: String::from_utf8(output.stdout).unwrap(),
        errors: String::from_utf8(output.stderr).unwrap(),
        asked: vec![],
    }
}

struct Answers {
    answers: BTreeMap<String, (u16, String)>,
    asked: Arc<Mutex<Vec<Question>>>,
}

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let operation = operation(request);
        self.asked
            .lock()
            .unwrap()
            .push((signed_for(request), operation.clone()));
        let body = String::from_utf8_lossy(&request.body);
        let is_next = ["&Marker=", "&NextToken=", "\"nextToken\"", "\"NextToken\""]
            .iter()
            .any(|page| body.contains(page));
        let next = self.answers.get(&next_page_of(&operation)).filter(|_| is_next);
        match next.or_else(|| self.answers.get(&operation)) {
            Some((status, answer)) => ResponseTemplate::new(*status).set_body_string(answer),
            None => ResponseTemplate::new(404).set_body_string(format!("no answer to {operation}")),
        }
    }
}

fn next_page_of(operation: &str) -> String {
    format!("{operation}, next page")
}

/// By the form, the header or the address, as each protocol has it.
fn operation(request: &Request) -> String {
    let form = form_urlencoded::parse(&request.body)
        .find(|(key, _)| key == "Action")
        .map(|(_, action)| action.into_owned());
    let target = || {
        request
            .headers
            .get("x-amz-target")?
            .to_str()
            .ok()?
            .rsplit('.')
            .next()
            .map(str::to_owned)
    };
    let path = request.url.path();
    let by_path = || match path {
        "/2016-08-19/account-settings" => "GetAccountSettings".to_owned(),
        path if path.starts_with("/api/v2/clusters/") => "DescribeClusterV2".to_owned(),
        path if path.ends_with("/bootstrap-brokers") => "GetBootstrapBrokers".to_owned(),
        other => other.to_owned(),
    };
    form.or_else(target).unwrap_or_else(by_path)
}

/// The service in the signature's scope: AWS refuses a question that is signed for another one.
fn signed_for(request: &Request) -> String {
    let header = request
        .headers
        .get("authorization")
        .and_then(|header| header.to_str().ok())
        .unwrap_or_default();
    header.split('/').nth(3).unwrap_or_default().to_owned()
}
