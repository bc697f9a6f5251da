//! The database: whether one can be made as asked, or whether the given one is what the parameters say.

use super::{Ended, Looked};
use crate::preflight::ask::Account;
use crate::preflight::call::{CLUSTERS, PROXIES, SUBNET_GROUPS, VERSIONS};
use crate::preflight::element::{Element, members};
use crate::preflight::plan::Plan;
use crate::preflight::row::Row;

const ABOUT: &str = "database";
/// The oldest PostgreSQL that migrations run on.
const OLDEST: u32 = 13;

/// Asks for what the parameters name, and nothing where the database is given by its URL.
pub async fn look(account: &Account, plan: &Plan<'_>) -> Looked {
    if plan.after.holds("MakesDatabase")? {
        let mut rows = vec![made(account, plan).await?];
        rows.extend(certificates(&account.region));
        return Ok(rows);
    }
    if !plan.after.holds("HasDatabaseSecret")? {
        return Ok(vec![]);
    }
    let mut rows = cluster(account, plan).await?;
    rows.extend(proxy(account, plan).await?);
    if rows.is_empty() {
        rows.push(Row::fine(ABOUT, "the database that is given is there"));
    }
    Ok(rows)
}

async fn made(account: &Account, plan: &Plan<'_>) -> Result<Row, Ended> {
    let wanted = plan.after.given("DatabaseVersion");
    if let Some(before) = plan
        .before
        .as_ref()
        .filter(|before| before.given("DatabaseVersion") != wanted)
    {
        let had = before.given("DatabaseVersion");
        if before.holds("MakesDatabase")? && (major(had) != major(wanted) || minor(had) > minor(wanted)) {
            return Ok(Row::fails(
                ABOUT,
                format!("the database has version {had}; {wanted} is no newer minor version of it"),
                "leave DatabaseVersion out; to another major version it goes by RDS's own upgrade (docs/deploy.md)",
            ));
        }
    }
    let pages = account.xml(&VERSIONS, &[("Engine", "aurora-postgresql")]).await?;
    let offered: Vec<&str> = members(&pages, "DBEngineVersions")
        .into_iter()
        .map(|one| one.text(&["EngineVersion"]))
        .collect();
    if offered.contains(&wanted) {
        return Ok(Row::fine(
            ABOUT,
            format!("Aurora PostgreSQL {wanted} is offered in {}", account.region),
        ));
    }
    let same = offered.iter().filter(|one| major(one) == major(wanted));
    let next = match same.max_by_key(|one| minor(one)) {
        Some(newest) => format!("give DatabaseVersion={newest}"),
        None => format!("give one of {}", offered.join(", ")),
    };
    Ok(Row::fails(
        ABOUT,
        format!("Aurora PostgreSQL {wanted} is not offered in {}", account.region),
        next,
    ))
}

/// Functions verify the database's certificate, for which they carry the authorities of RDS, region by region.
fn certificates(region: &str) -> Option<Row> {
    let row = || {
        Row::fails(
            ABOUT,
            format!(
                "the certificates of RDS in {region} are not known to the functions, which would refuse the database"
            ),
            "append them to shared/makegood/src/db/authorities.pem, and build (docs/deploy.md)",
        )
    };
    makegood::db::authorities_of_rds(region).is_empty().then(row)
}

/// The cluster that a proxy is made for.
async fn cluster(account: &Account, plan: &Plan<'_>) -> Result<Vec<Row>, Ended> {
    let id = plan.after.given("DatabaseClusterId");
    if id.is_empty() {
        return Ok(vec![]);
    }
    let pages = match account.xml(&CLUSTERS, &[("DBClusterIdentifier", id)]).await {
        Ok(pages) => pages,
        Err(refusal) if refusal.is_absent() => {
            let says = format!("there is no database cluster {id} in {}", account.region);
            return Ok(vec![Row::fails(
                ABOUT,
                says,
                "give the identifier of an Aurora cluster as DatabaseClusterId",
            )]);
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let clusters = members(&pages, "DBClusters");
    let Some(cluster) = clusters.first() else {
        return Ok(vec![]);
    };
    let mut rows = Vec::new();
    let (engine, version, status) = (
        cluster.text(&["Engine"]),
        cluster.text(&["EngineVersion"]),
        cluster.text(&["Status"]),
    );
    if engine != "aurora-postgresql" || major(version) < OLDEST {
        let says = format!("{id} is {engine} {version}");
        rows.push(Row::fails(
            ABOUT,
            says,
            format!("give an Aurora PostgreSQL of version {OLDEST} or newer"),
        ));
    }
    if status != "available" {
        rows.push(Row::fails(
            ABOUT,
            format!("{id} is in the state {status}"),
            "wait until it is available, or start it",
        ));
    }
    let group = cluster.text(&["DBSubnetGroup"]);
    let pages = account
        .xml(&SUBNET_GROUPS, &[("DBSubnetGroupName", group)])
        .await?;
    let network = members(&pages, "DBSubnetGroups")
        .first()
        .map_or("", |group| group.text(&["VpcId"]));
    rows.extend(in_network(plan, id, network));
    Ok(rows)
}

/// The proxy that is given, and what must not be one: the address for migrations.
async fn proxy(account: &Account, plan: &Plan<'_>) -> Result<Vec<Row>, Ended> {
    let host = |parameter: &str| {
        plan.after
            .given(parameter)
            .split(':')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    let (given, direct) = (host("DatabaseProxyEndpoint"), host("DatabaseEndpoint"));
    let pages = account.xml(&PROXIES, &[]).await?;
    let proxies = members(&pages, "DBProxies");
    let at = |host: &str| {
        proxies
            .iter()
            .find(|proxy| !host.is_empty() && proxy.text(&["Endpoint"]).eq_ignore_ascii_case(host))
            .copied()
    };
    let mut rows = Vec::new();
    if let Some(proxy) = at(&direct) {
        rows.push(Row::fails(
            ABOUT,
            format!(
                "DatabaseEndpoint is the proxy {}; migrations hold a session lock, which no proxy carries",
                proxy.text(&["DBProxyName"])
            ),
            "give the address of the database itself",
        ));
    }
    match at(&given) {
        Some(proxy) => rows.extend(of_proxy(plan, proxy)),
        None if !given.is_empty() => rows.push(Row::risk(
            ABOUT,
            format!("DatabaseProxyEndpoint {given} is no RDS Proxy of this account and region"),
            "a pooler of yours must be in transaction mode (docs/reliability.md)",
        )),
        None => {}
    }
    Ok(rows)
}

fn of_proxy(plan: &Plan<'_>, proxy: &Element) -> Vec<Row> {
    let name = proxy.text(&["DBProxyName"]);
    let mut rows: Vec<Row> = in_network(plan, name, proxy.text(&["VpcId"]))
        .into_iter()
        .collect();
    if proxy.text(&["EngineFamily"]) != "POSTGRESQL" {
        rows.push(Row::fails(
            ABOUT,
            format!("the proxy {name} is one for {}", proxy.text(&["EngineFamily"])),
            "give one for PostgreSQL",
        ));
    }
    if proxy.text(&["Status"]) != "available" {
        rows.push(Row::fails(
            ABOUT,
            format!("the proxy {name} is in the state {}", proxy.text(&["Status"])),
            "wait until it is available",
        ));
    }
    let secret = plan.after.given("DatabaseSecretArn");
    let known: Vec<&str> = proxy
        .members("Auth")
        .into_iter()
        .map(|auth| auth.text(&["SecretArn"]))
        .collect();
    // A secret can be named with its random ending or without.
    if !known
        .iter()
        .any(|known| known.starts_with(secret) || secret.starts_with(known) && !known.is_empty())
    {
        rows.push(Row::fails(
            ABOUT,
            format!(
                "the proxy {name} does not know the secret in DatabaseSecretArn, so that it refuses its login"
            ),
            "add the secret to the proxy's authentication, or give one that it knows",
        ));
    }
    rows
}

fn in_network(plan: &Plan<'_>, what: &str, network: &str) -> Option<Row> {
    let vpc = plan.after.given("VpcId");
    let is_elsewhere = !network.is_empty() && !vpc.is_empty() && network != vpc;
    let says = format!("{what} is in the network {network}, not in {vpc}");
    is_elsewhere.then(|| {
        Row::fails(
            ABOUT,
            says,
            "give the VpcId and subnets of the database's network",
        )
    })
}

fn major(version: &str) -> u32 {
    version
        .split('.')
        .next()
        .and_then(|part| part.parse().ok())
        .unwrap_or(0)
}

fn minor(version: &str) -> u32 {
    version
        .split('.')
        .nth(1)
        .and_then(|part| part.parse().ok())
        .unwrap_or(0)
}
