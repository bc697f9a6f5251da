//! What is given: each thing that can be wrong with it, alone.

use crate::account::{Account, DATABASE, NETWORK, SCHOOL, SHOP};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

const PROXY: &str = "DatabaseProxyEndpoint=payments.proxy-abc.us-east-1.rds.amazonaws.com";

#[tokio::test]
async fn a_given_network_and_database_that_fit_are_fine() {
    for way in [PROXY, "DatabaseClusterId=shared"] {
        let said = Account::healthy()
            .told(
                &[
                    &SCHOOL[..],
                    &NETWORK,
                    &DATABASE,
                    &[way, "DatabaseSecurityGroupId=sg-1"],
                ]
                .concat(),
            )
            .await;
        assert_eq!(
            (said.code, said.rows("fails"), said.rows("risk")),
            (0, vec![], vec![]),
            "{way}: {said:?}"
        );
    }
}

fn with(operation: &str, from: &str, to: &str) -> Account {
    Account::healthy().with(operation, from, to)
}

/// A given network that this account tells so, whatever else is given.
async fn network_tells(account: Account, more: &str, verdict: &str, said: &str) {
    let parameters: Vec<&str> = SCHOOL
        .into_iter()
        .chain(NETWORK)
        .chain(more.split_whitespace())
        .collect();
    let told = account.told(&parameters).await;
    let rows = told.rows(verdict);
    assert!(
        !rows.is_empty() && rows.iter().all(|row| row.starts_with("network: ")),
        "{said}: {told:?}"
    );
    assert!(rows.iter().any(|row| row.contains(said)), "{said}: {rows:#?}");
    assert_eq!(told.code, i32::from(verdict == "fails"), "{told:?}");
}

#[tokio::test]
async fn subnets_that_do_not_fit() {
    for (operation, what, said) in [
        (
            "DescribeVpcs",
            "VpcID",
            "network: there is no network vpc-1a2b3c4d",
        ),
        ("DescribeSubnets", "SubnetID", "give VpcSubnetIds that are there"),
    ] {
        let error = format!("<Error><Code>Invalid{what}.NotFound</Code><Message>no such</Message></Error>");
        let absent = format!("<Response><Errors>{error}</Errors></Response>");
        network_tells(
            Account::healthy().answering(operation, 400, &absent),
            "",
            "fails",
            said,
        )
        .await;
    }
    let one_zone = with("DescribeSubnets", "us-east-1b", "us-east-1a");
    network_tells(one_zone, "", "fails", "the subnets lie in one zone, us-east-1a").await;
    let second = "<subnetId>subnet-bbbb2222</subnetId>\n      <state>available</state>\n      <vpcId>";
    let another = with(
        "DescribeSubnets",
        &format!("{second}vpc-1a2b3c4d"),
        &format!("{second}vpc-2"),
    );
    network_tells(
        another,
        "",
        "fails",
        "the subnet subnet-bbbb2222 is one of vpc-2, not of vpc-1a2b3c4d",
    )
    .await;
    network_tells(
        with("DescribeSubnets", "251", "15"),
        "",
        "risk",
        "has 15 free addresses",
    )
    .await;
    let group = with("DescribeSecurityGroups", "vpc-1a2b3c4d", "vpc-2");
    network_tells(
        group,
        "VpcSecurityGroupIds=sg-1",
        "fails",
        "the security group sg-1 is one of vpc-2",
    )
    .await;
}

#[tokio::test]
async fn a_way_out_is_through_something_that_has_an_address() {
    let no_way = with(
        "DescribeRouteTables",
        "natGatewayId",
        "egressOnlyInternetGatewayId",
    );
    let said = "subnet-aaaa1111, subnet-bbbb2222 have no way out (no route to a NAT or transit gateway), and no endpoints for sqs";
    network_tells(no_way, "", "fails", said).await;
    // A table of its own counts before the main one; an internet gateway is no way for a function.
    let public = with("DescribeRouteTables", "subnet-public", "subnet-aaaa1111");
    network_tells(public, "", "fails", "network: subnet-aaaa1111 have no way out").await;
    let active = "nat-1</natGatewayId>\n          <state>active";
    let gone = with(
        "DescribeRouteTables",
        active,
        &active.replace("active", "blackhole"),
    );
    network_tells(gone, "", "fails", "have no way out").await;
    let endpoints: String = ["sqs", "secretsmanager", "lambda"].map(endpoint).concat();
    let by_endpoints = with(
        "DescribeRouteTables",
        "natGatewayId",
        "egressOnlyInternetGatewayId",
    )
    .with(
        "DescribeVpcEndpoints",
        "<vpcEndpointSet/>",
        &format!("<vpcEndpointSet>{endpoints}</vpcEndpointSet>"),
    );
    network_tells(
        by_endpoints,
        "",
        "risk",
        "functions reach AWS by endpoints, and neither gateways",
    )
    .await;
}

fn endpoint(service: &str) -> String {
    let name = format!("<serviceName>com.amazonaws.us-east-1.{service}</serviceName>");
    format!("<item>{name}<privateDnsEnabled>true</privateDnsEnabled></item>")
}

#[tokio::test]
async fn endpoints_that_can_t_be_made() {
    let there = format!("<vpcEndpointSet>{}</vpcEndpointSet>", endpoint("sqs"));
    let twice = with("DescribeVpcEndpoints", "<vpcEndpointSet/>", &there);
    network_tells(
        twice,
        "VpcEndpoints=yes",
        "fails",
        "vpc-1a2b3c4d has private endpoints for sqs already",
    )
    .await;
    let nameless = with(
        "DescribeVpcAttribute",
        "Hostnames><value>true",
        "Hostnames><value>false",
    );
    network_tells(
        nameless,
        "VpcEndpoints=yes",
        "fails",
        "vpc-1a2b3c4d has enableDnsHostnames off",
    )
    .await;
}

#[tokio::test]
async fn a_database_that_does_not_fit() {
    let absent = "<ErrorResponse><Error><Code>DBClusterNotFoundFault</Code><Message>no such</Message></Error></ErrorResponse>";
    const CLUSTER: &str = "DatabaseClusterId=shared";
    for (account, way, verdict, said) in [
        (
            Account::healthy().answering("DescribeDBClusters", 404, absent),
            CLUSTER,
            "fails",
            "there is no database cluster shared",
        ),
        (
            Account::healthy().with("DescribeDBClusters", "16.9", "12.22"),
            CLUSTER,
            "fails",
            "shared is aurora-postgresql 12.22",
        ),
        (
            Account::healthy().with("DescribeDBClusters", "aurora-postgresql", "aurora-mysql"),
            CLUSTER,
            "fails",
            "shared is aurora-mysql",
        ),
        (
            Account::healthy().with("DescribeDBClusters", "available", "stopped"),
            CLUSTER,
            "fails",
            "shared is in the state stopped",
        ),
        (
            Account::healthy().with("DescribeDBSubnetGroups", "vpc-1a2b3c4d", "vpc-2"),
            CLUSTER,
            "fails",
            "shared is in the network vpc-2",
        ),
        (
            Account::healthy().with("DescribeDBProxies", "database-AbCdEf", "other-AbCdEf"),
            PROXY,
            "fails",
            "does not know the secret in DatabaseSecretArn",
        ),
        (
            Account::healthy().with("DescribeDBProxies", "POSTGRESQL", "MYSQL"),
            PROXY,
            "fails",
            "the proxy payments is one for MYSQL",
        ),
        (
            Account::healthy().with("DescribeDBProxies", "vpc-1a2b3c4d", "vpc-2"),
            PROXY,
            "fails",
            "payments is in the network vpc-2",
        ),
        (
            Account::healthy().with("DescribeDBProxies", "payments.proxy-abc", "another.proxy-abc"),
            PROXY,
            "risk",
            "is no RDS Proxy of this account",
        ),
        (
            Account::healthy().with("DescribeDBProxies", "payments.proxy-abc", "shared.cluster-abc"),
            CLUSTER,
            "fails",
            "DatabaseEndpoint is the proxy payments; migrations hold a session lock",
        ),
    ] {
        let told = account
            .told(&[&SCHOOL[..], &NETWORK, &DATABASE, &[way]].concat())
            .await;
        told.only(verdict, said);
    }
}

#[tokio::test]
async fn a_secret_that_functions_could_not_read() {
    let absent = r#"{"__type":"ResourceNotFoundException","message":"Secrets Manager can't find the specified secret."}"#;
    let said = Account::healthy()
        .answering("DescribeSecret", 400, absent)
        .told(&SCHOOL)
        .await;
    assert_eq!(said.rows("fails").len(), 2, "{said:?}");
    assert!(
        said.rows("fails")[0].contains("ConfirmationSecretArn: there is no secret arn:aws"),
        "{said:?}"
    );
    let own_key = Account::healthy()
        .with(
            "DescribeSecret",
            "\"Name\"",
            "\"KmsKeyId\": \"alias/payments\", \"Name\"",
        )
        .told(&SCHOOL)
        .await;
    assert!(
        own_key.code == 0
            && own_key
                .rows("risk")
                .iter()
                .all(|row| row.contains("encrypted with the key alias/payments")),
        "{own_key:?}"
    );
    let elsewhere = [
        SCHOOL[0],
        SCHOOL[1],
        &SCHOOL[2].replace("us-east-1", "eu-west-1"),
        SCHOOL[3],
        SCHOOL[4],
    ];
    Account::healthy()
        .told(&elsewhere)
        .await
        .only("fails", "RazorpayWebhookSecretArn is in eu-west-1");
    let by_name = [
        SCHOOL[0],
        SCHOOL[1],
        "RazorpayWebhookSecretArn=webhook",
        SCHOOL[3],
        SCHOOL[4],
    ];
    Account::healthy()
        .told(&by_name)
        .await
        .only("fails", "RazorpayWebhookSecretArn \"webhook\" is no ARN");
}

#[tokio::test]
async fn an_msk_cluster_that_no_function_could_use() {
    let brokers = [
        "Transport=kafka",
        "MskClusterArn=arn:aws:kafka:us-east-1:123456789012:cluster/events/abcd1234-5",
        "KafkaBrokers=b-1.events.example.com:9098",
    ];
    let absent = r#"{"message":"The cluster does not exist.","invalidParameter":"clusterArn"}"#;
    for (account, verdict, said) in [
        (
            Account::healthy().answering("DescribeClusterV2", 404, absent),
            "fails",
            "there is no cluster arn:aws:kafka",
        ),
        (
            Account::healthy().with("DescribeClusterV2", "ACTIVE", "CREATING"),
            "fails",
            "the cluster is in the state CREATING",
        ),
        (
            Account::healthy().with(
                "DescribeClusterV2",
                "\"iam\": { \"enabled\": true }",
                "\"iam\": { \"enabled\": false }",
            ),
            "fails",
            "takes no login by IAM",
        ),
        (
            Account::healthy().with(
                "GetBootstrapBrokers",
                "b-1.events.example.com:9098",
                "b-7.events.example.com:9098",
            ),
            "fails",
            "KafkaBrokers has b-1.events.example.com:9098",
        ),
    ] {
        let told = account.told(&[&SCHOOL[..], &NETWORK, &brokers].concat()).await;
        told.only(verdict, said);
    }
}

#[tokio::test]
async fn a_domains_certificate_that_does_not_fit() {
    let domain = [
        "DomainName=pay.example.com",
        "DomainCertificateArn=arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
    ];
    let fine = Account::healthy().told(&[&SCHOOL[..], &domain].concat()).await;
    assert!(
        fine.code == 0
            && fine
                .rows("fine")
                .iter()
                .any(|row| row.contains("issued for pay.example.com")),
        "{fine:?}"
    );
    let pending = Account::healthy().with("DescribeCertificate", "ISSUED\"", "PENDING_VALIDATION\"");
    pending
        .told(&[&SCHOOL[..], &domain].concat())
        .await
        .only("fails", "the certificate is in the state PENDING_VALIDATION");
    let other = Account::healthy().with("DescribeCertificate", "example.com", "example.org");
    other
        .told(&[&SCHOOL[..], &domain].concat())
        .await
        .only("fails", "not for pay.example.com");
    let elsewhere = [domain[0], &domain[1].replace("us-east-1", "eu-west-1")];
    Account::healthy()
        .told(&[&SCHOOL[..], &elsewhere].concat())
        .await
        .only("fails", "DomainCertificateArn is in eu-west-1");
}

#[tokio::test]
async fn an_issuer_is_asked_as_api_gateway_asks_it() {
    let issuer = MockServer::start().await;
    let own = issuer.uri();
    let answer = serde_json::json!({ "issuer": own, "jwks_uri": format!("{own}/keys") });
    Mock::given(path("/.well-known/openid-configuration"))
        .respond_with(ResponseTemplate::new(200).set_body_json(&answer))
        .mount(&issuer)
        .await;
    for (address, said) in [
        (own.clone(), None),
        (format!("{own}/"), Some("names the issuer")),
        (
            format!("{own}/realms/shop"),
            Some("can't be read: HTTP status client error (404 Not Found)"),
        ),
    ] {
        let issuer = format!("JwtIssuer={address}");
        let told = Account::healthy()
            .told(&[&SCHOOL[1..], &SHOP, &[issuer.as_str()]].concat())
            .await;
        match said {
            None => assert_eq!((told.code, told.rows("fails")), (0, vec![]), "{told:?}"),
            Some(said) => told.only("fails", said),
        }
    }
}
