//! A network that is given: whether it is what the parameters say, and whether its functions reach anything.

use super::{Ended, Looked};
use crate::preflight::ask::Account;
use crate::preflight::call::{ENDPOINTS, GROUPS, ROUTES, SUBNETS, VPC_ATTRIBUTE, VPCS};
use crate::preflight::element::{Element, members};
use crate::preflight::plan::Plan;
use crate::preflight::row::Row;
use std::collections::BTreeSet;

const ABOUT: &str = "network";
/// What functions need beside the gateways: `VpcEndpoints=yes` makes an endpoint for each.
const SERVICES: [&str; 3] = ["sqs", "secretsmanager", "lambda"];
/// A subnet with fewer free addresses may be too small for the functions' interfaces and what is made beside them.
const ADDRESSES: u64 = 16;

/// Asks about the network, the subnets, their ways out, the groups, and the endpoints that are there.
pub async fn look(account: &Account, plan: &Plan<'_>) -> Looked {
    let after = &plan.after;
    if !after.holds("GivesSubnets")? {
        return Ok(vec![]);
    }
    let vpc = after.given("VpcId");
    let networks = match account.xml(&VPCS, &[("VpcId.1", vpc)]).await {
        Ok(pages) => members(&pages, "vpcSet").len(),
        Err(refusal) if refusal.is_absent() => 0,
        Err(refusal) => return Err(refusal.into()),
    };
    if networks == 0 {
        let says = format!("there is no network {vpc} in {}", account.region);
        return Ok(vec![Row::fails(
            ABOUT,
            says,
            "give the VpcId of a network in the stack's region",
        )]);
    }
    let mut rows = subnets(account, plan, vpc).await?;
    rows.extend(groups(account, plan, vpc).await?);
    if rows.is_empty() {
        rows.push(Row::fine(
            ABOUT,
            format!("{vpc} has the subnets and groups that are given"),
        ));
    }
    Ok(rows)
}

async fn subnets(account: &Account, plan: &Plan<'_>, vpc: &str) -> Result<Vec<Row>, Ended> {
    let wanted = plan.after.listed("VpcSubnetIds");
    let asked: Vec<(String, &str)> = wanted
        .iter()
        .enumerate()
        .map(|(at, id)| (format!("SubnetId.{}", at + 1), *id))
        .collect();
    let asked: Vec<(&str, &str)> = asked.iter().map(|(key, id)| (key.as_str(), *id)).collect();
    let pages = match account.xml(&SUBNETS, &asked).await {
        Ok(pages) => pages,
        Err(refusal) if refusal.is_absent() => {
            return Ok(vec![Row::fails(
                ABOUT,
                refusal.to_string(),
                "give VpcSubnetIds that are there",
            )]);
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let subnets = members(&pages, "subnetSet");
    let mut rows: Vec<Row> = subnets
        .iter()
        .filter_map(|subnet| of_subnet(subnet, vpc))
        .collect();
    let zones: BTreeSet<&str> = subnets
        .iter()
        .map(|subnet| subnet.text(&["availabilityZone"]))
        .collect();
    if zones.len() < 2 {
        let says = format!(
            "the subnets lie in one zone, {}",
            zones.iter().copied().collect::<String>()
        );
        rows.push(Row::fails(
            ABOUT,
            says,
            "give subnets of two zones or more; a database and its proxy need them",
        ));
    }
    rows.extend(ways_out(account, plan, vpc, &wanted).await?);
    Ok(rows)
}

fn of_subnet(subnet: &Element, vpc: &str) -> Option<Row> {
    let (id, of) = (subnet.text(&["subnetId"]), subnet.text(&["vpcId"]));
    let free = subnet.text(&["availableIpAddressCount"]).parse::<u64>();
    if of != vpc {
        return Some(Row::fails(
            ABOUT,
            format!("the subnet {id} is one of {of}, not of {vpc}"),
            "give subnets of VpcId",
        ));
    }
    let too_few = free.ok().filter(|free| *free < ADDRESSES)?;
    Some(Row::risk(
        ABOUT,
        format!("the subnet {id} has {too_few} free addresses"),
        "give a larger one",
    ))
}

/// A function in a subnet has no public address, so that a way through an internet gateway is none for it.
async fn ways_out(
    account: &Account,
    plan: &Plan<'_>,
    vpc: &str,
    subnets: &[&str],
) -> Result<Vec<Row>, Ended> {
    let asked = [("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", vpc)];
    let pages = account.xml(&ROUTES, &asked).await?;
    let tables = members(&pages, "routeTableSet");
    let closed: Vec<&str> = subnets
        .iter()
        .copied()
        .filter(|subnet| !leads_out(&tables, subnet))
        .collect();
    let endpoints = endpoints(account, vpc).await?;
    let mut rows = Vec::new();
    if plan.begins("MakesEndpoints")? {
        rows.extend(names(account, vpc).await?);
        let twice: Vec<&str> = SERVICES
            .into_iter()
            .filter(|service| endpoints.contains(*service))
            .collect();
        if !twice.is_empty() {
            rows.push(Row::fails(
                ABOUT,
                format!("{vpc} has private endpoints for {} already; a second one can't have the same names", twice.join(", ")),
                "leave VpcEndpoints out, and let the groups of those endpoints admit the functions on port 443",
            ));
        }
        return Ok(rows);
    }
    if closed.is_empty() || plan.after.holds("MakesEndpoints")? {
        return Ok(rows);
    }
    let lacks: Vec<&str> = SERVICES
        .into_iter()
        .filter(|service| !endpoints.contains(*service))
        .collect();
    let subnets = closed.join(", ");
    rows.push(if lacks.is_empty() {
        Row::risk(
            ABOUT,
            format!("{subnets} have no way out: functions reach AWS by endpoints, and neither gateways nor the internet"),
            "enough where the admin service is reached inside the network, and there is no shop",
        )
    } else {
        Row::fails(
            ABOUT,
            format!("{subnets} have no way out (no route to a NAT or transit gateway), and no endpoints for {}", lacks.join(", ")),
            "route 0.0.0.0/0 through a NAT gateway, or give VpcEndpoints=yes where gateways and admin service are reached otherwise",
        )
    });
    Ok(rows)
}

/// By the table that names the subnet, or the network's main one.
fn leads_out(tables: &[&Element], subnet: &str) -> bool {
    let table_where = |holds: &dyn Fn(&Element) -> bool| {
        tables
            .iter()
            .find(|table| table.members("associationSet").into_iter().any(holds))
    };
    let own = table_where(&|association| association.text(&["subnetId"]) == subnet);
    let Some(table) = own.or_else(|| table_where(&|association| association.text(&["main"]) == "true"))
    else {
        return false;
    };
    let keys = [
        "natGatewayId",
        "transitGatewayId",
        "networkInterfaceId",
        "vpcPeeringConnectionId",
        "instanceId",
    ];
    table.members("routeSet").into_iter().any(|route| {
        route.text(&["destinationCidrBlock"]) == "0.0.0.0/0"
            && route.text(&["state"]) != "blackhole"
            && (keys.iter().any(|key| !route.text(&[*key]).is_empty())
                || route.text(&["gatewayId"]).starts_with("vgw-"))
    })
}

/// The services that have an endpoint with private names.
async fn endpoints(account: &Account, vpc: &str) -> Result<BTreeSet<String>, Ended> {
    let asked = [("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", vpc)];
    let pages = account.xml(&ENDPOINTS, &asked).await?;
    let private = members(&pages, "vpcEndpointSet")
        .into_iter()
        .filter(|one| one.text(&["privateDnsEnabled"]) == "true");
    let service = |one: &Element| {
        one.text(&["serviceName"])
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    Ok(private.map(service).collect())
}

async fn names(account: &Account, vpc: &str) -> Result<Vec<Row>, Ended> {
    let mut off = Vec::new();
    for (attribute, element) in [
        ("enableDnsSupport", "enableDnsSupport"),
        ("enableDnsHostnames", "enableDnsHostnames"),
    ] {
        let pages = account
            .xml(&VPC_ATTRIBUTE, &[("VpcId", vpc), ("Attribute", attribute)])
            .await?;
        if pages
            .first()
            .is_some_and(|page| page.text(&[element, "value"]) == "false")
        {
            off.push(attribute);
        }
    }
    let row = || {
        Row::fails(
            ABOUT,
            format!("{vpc} has {} off; endpoints need both", off.join(" and ")),
            "turn it on: aws ec2 modify-vpc-attribute",
        )
    };
    Ok(if off.is_empty() { vec![] } else { vec![row()] })
}

async fn groups(account: &Account, plan: &Plan<'_>, vpc: &str) -> Result<Vec<Row>, Ended> {
    let mut wanted = plan.after.listed("VpcSecurityGroupIds");
    wanted.extend(plan.after.listed("DatabaseSecurityGroupId"));
    let mut rows = Vec::new();
    for group in wanted {
        match account.xml(&GROUPS, &[("GroupId.1", group)]).await {
            Ok(pages) => {
                let of = members(&pages, "securityGroupInfo")
                    .first()
                    .map(|group| group.text(&["vpcId"]).to_owned());
                if of.as_deref() != Some(vpc) {
                    let says = format!(
                        "the security group {group} is one of {}, not of {vpc}",
                        of.unwrap_or_default()
                    );
                    rows.push(Row::fails(ABOUT, says, "give groups of VpcId"));
                }
            }
            Err(refusal) if refusal.is_absent() => rows.push(Row::fails(
                ABOUT,
                refusal.to_string(),
                "give a group that is there",
            )),
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok(rows)
}
