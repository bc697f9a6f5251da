//! Every question that preflight may ask an account, and the policy that allows exactly these.

use serde_json::{Value, json};

/// A question to one of AWS's services.
#[derive(Debug)]
pub struct Call {
    /// The service: the first part of its host, its name in signatures, and the prefix of its permissions.
    pub service: &'static str,
    /// The operation, and its permission's name.
    pub action: &'static str,
    /// How it is asked.
    pub protocol: Protocol,
    /// What a policy can restrict it to.
    pub of: Of,
}

/// How a service is asked.
#[derive(Debug)]
pub enum Protocol {
    /// A form, answered in XML: the API's version, and the name of the parameter that asks for the next page.
    Query {
        version: &'static str,
        page: &'static str,
    },
    /// JSON, with the operation in a header.
    Json { target: &'static str },
    /// A GET, answered in JSON.
    Rest,
}

/// What a permission can be restricted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Nothing: it lists what the account has, or takes `*` only.
    Everything,
    /// The stack.
    Stack,
    /// The secrets that are given.
    Secrets,
    /// The topic of alarms that is given.
    Topic,
    /// The MSK cluster that is given.
    Cluster,
    /// The certificate that is given.
    Certificate,
}

const fn query(
    service: &'static str,
    version: &'static str,
    page: &'static str,
    action: &'static str,
    of: Of,
) -> Call {
    Call {
        service,
        action,
        protocol: Protocol::Query { version, page },
        of,
    }
}

const fn ec2(action: &'static str) -> Call {
    query("ec2", "2016-11-15", "NextToken", action, Of::Everything)
}

const fn rds(action: &'static str) -> Call {
    query("rds", "2014-10-31", "Marker", action, Of::Everything)
}

const fn json_of(service: &'static str, action: &'static str, target: &'static str, of: Of) -> Call {
    Call {
        service,
        action,
        protocol: Protocol::Json { target },
        of,
    }
}

/// Whose credentials these are. AWS asks no permission for it.
pub const IDENTITY: Call = query("sts", "2011-06-15", "", "GetCallerIdentity", Of::Everything);
/// The stack's state and parameters.
pub const STACKS: Call = query(
    "cloudformation",
    "2010-05-15",
    "NextToken",
    "DescribeStacks",
    Of::Stack,
);
/// How many executions the account has, and how many of them no function reserves.
pub const EXECUTIONS: Call = Call {
    service: "lambda",
    action: "GetAccountSettings",
    protocol: Protocol::Rest,
    of: Of::Everything,
};
/// One quota of the account.
pub const QUOTA: Call = json_of(
    "servicequotas",
    "GetServiceQuota",
    "ServiceQuotasV20190624.GetServiceQuota",
    Of::Everything,
);
/// The networks.
pub const VPCS: Call = ec2("DescribeVpcs");
/// Whether names are resolved in a network.
pub const VPC_ATTRIBUTE: Call = ec2("DescribeVpcAttribute");
/// Public addresses that the account holds.
pub const ADDRESSES: Call = ec2("DescribeAddresses");
/// The zones of the region.
pub const ZONES: Call = ec2("DescribeAvailabilityZones");
/// Subnets, given or default ones.
pub const SUBNETS: Call = ec2("DescribeSubnets");
/// Where a subnet's packets go.
pub const ROUTES: Call = ec2("DescribeRouteTables");
/// Security groups.
pub const GROUPS: Call = ec2("DescribeSecurityGroups");
/// The endpoints that a network has.
pub const ENDPOINTS: Call = ec2("DescribeVpcEndpoints");
/// Which versions of Aurora are offered.
pub const VERSIONS: Call = rds("DescribeDBEngineVersions");
/// In which zones an instance can be made.
pub const ORDERABLE: Call = rds("DescribeOrderableDBInstanceOptions");
/// The account's databases.
pub const CLUSTERS: Call = rds("DescribeDBClusters");
/// In which network a database is.
pub const SUBNET_GROUPS: Call = rds("DescribeDBSubnetGroups");
/// The account's proxies.
pub const PROXIES: Call = rds("DescribeDBProxies");
/// How many databases the account may have, and has.
pub const RDS_LIMITS: Call = rds("DescribeAccountAttributes");
/// Caches of the account.
pub const CACHES: Call = query(
    "elasticache",
    "2015-02-02",
    "NextToken",
    "DescribeServerlessCaches",
    Of::Everything,
);
/// A secret without its value.
pub const SECRET: Call = json_of(
    "secretsmanager",
    "DescribeSecret",
    "secretsmanager.DescribeSecret",
    Of::Secrets,
);
/// Whom a topic tells.
pub const TOPIC: Call = query("sns", "2010-03-31", "", "GetTopicAttributes", Of::Topic);
/// A Kafka cluster.
pub const BROKERS: Call = Call {
    service: "kafka",
    action: "DescribeClusterV2",
    protocol: Protocol::Rest,
    of: Of::Cluster,
};
/// Its addresses. This permission takes `*` only.
pub const BOOTSTRAP: Call = Call {
    service: "kafka",
    action: "GetBootstrapBrokers",
    protocol: Protocol::Rest,
    of: Of::Everything,
};
/// A certificate.
pub const CERTIFICATE: Call = json_of(
    "acm",
    "DescribeCertificate",
    "CertificateManager.DescribeCertificate",
    Of::Certificate,
);
/// Queues that are there already.
pub const QUEUES: Call = json_of("sqs", "ListQueues", "AmazonSQS.ListQueues", Of::Everything);
/// Log groups that are there already.
pub const LOG_GROUPS: Call = json_of(
    "logs",
    "DescribeLogGroups",
    "Logs_20140328.DescribeLogGroups",
    Of::Everything,
);

/// All of them.
pub const ALL: [&Call; 26] = [
    &IDENTITY,
    &STACKS,
    &EXECUTIONS,
    &QUOTA,
    &VPCS,
    &VPC_ATTRIBUTE,
    &ADDRESSES,
    &ZONES,
    &SUBNETS,
    &ROUTES,
    &GROUPS,
    &ENDPOINTS,
    &VERSIONS,
    &ORDERABLE,
    &CLUSTERS,
    &SUBNET_GROUPS,
    &PROXIES,
    &RDS_LIMITS,
    &CACHES,
    &SECRET,
    &TOPIC,
    &BROKERS,
    &BOOTSTRAP,
    &CERTIFICATE,
    &QUEUES,
    &LOG_GROUPS,
];

impl Call {
    /// The permission in an IAM policy.
    pub fn permission(&self) -> String {
        format!("{}:{}", self.service, self.action)
    }
}

/// What is given, as a policy names it.
#[derive(Debug)]
pub struct Resources {
    /// One for each statement of its own.
    pub named: Vec<(Of, Vec<String>)>,
}

/// An IAM policy with these permissions and no other: what can be restricted is restricted to what is given.
pub fn policy(resources: &Resources) -> Value {
    let permissions = |of: Of| -> Vec<String> {
        let mut permissions: Vec<String> = ALL
            .iter()
            .filter(|call| call.of == of)
            .map(|call| call.permission())
            .collect();
        permissions.sort();
        permissions
    };
    let mut statements =
        vec![json!({ "Effect": "Allow", "Action": permissions(Of::Everything), "Resource": "*" })];
    for (of, arns) in resources.named.iter().filter(|(_, arns)| !arns.is_empty()) {
        statements.push(json!({ "Effect": "Allow", "Action": permissions(*of), "Resource": arns }));
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_has_every_call_and_each_of_them_reads() {
        let declared = include_str!("call.rs")
            .lines()
            .filter(|line| line.starts_with("pub const ") && line.contains(": Call"));
        assert_eq!(declared.count(), ALL.len());
        for call in ALL {
            let reads = ["Describe", "Get", "List"]
                .iter()
                .any(|verb| call.action.starts_with(verb));
            assert!(reads && call.action != "GetSecretValue", "{}", call.permission());
        }
    }

    #[test]
    fn what_is_not_given_is_not_asked_for() {
        let of = |named| policy(&Resources { named }).to_string();
        let none = of(vec![(Of::Secrets, vec![])]);
        assert!(!none.contains("DescribeSecret") && none.contains("ec2:DescribeVpcs"));
        let secret = of(vec![(
            Of::Secrets,
            vec!["arn:aws:secretsmanager:r:1:secret:a".to_owned()],
        )]);
        assert!(secret.contains(r#""Action":["secretsmanager:DescribeSecret"],"Effect":"Allow","Resource":["arn:aws:secretsmanager:r:1:secret:a"]"#));
    }
}
