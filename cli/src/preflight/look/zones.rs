//! The two zones of a network made here, and whether they have what is made in them.

use super::Looked;
use crate::preflight::ask::Account;
use crate::preflight::call::{ORDERABLE, SUBNETS, ZONES};
use crate::preflight::element::members;
use crate::preflight::plan::Plan;
use crate::preflight::row::Row;
use std::collections::BTreeSet;

const ABOUT: &str = "zones";

/// Asks which zones there are, which two CloudFormation would take, and in which of them the database can be made.
pub async fn look(account: &Account, plan: &Plan<'_>) -> Looked {
    if !plan.begins("MakesNetwork")? {
        return Ok(vec![]);
    }
    let filters = [
        ("Filter.1.Name", "zone-type"),
        ("Filter.1.Value.1", "availability-zone"),
    ];
    let zones = account.xml(&ZONES, &filters).await?;
    let open: BTreeSet<&str> = members(&zones, "availabilityZoneInfo")
        .into_iter()
        .filter(|zone| zone.text(&["zoneState"]) == "available")
        .map(|zone| zone.text(&["zoneName"]))
        .collect();
    let chosen = chosen(account, plan, &open).await?;
    let able = if plan.after.holds("MakesDatabase")? {
        orderable(account, plan).await?
    } else {
        open.iter().map(|zone| (*zone).to_owned()).collect()
    };
    Ok(vec![row(&chosen, &open, &able)])
}

/// Those given, or the first two that `Fn::GetAZs` names: zones with a default subnet, or all where there is none.
async fn chosen(
    account: &Account,
    plan: &Plan<'_>,
    open: &BTreeSet<&str>,
) -> Result<Vec<String>, super::Ended> {
    if plan.after.holds("GivesZones")? {
        return Ok(["ZoneA", "ZoneB"]
            .map(|zone| plan.after.given(zone).to_owned())
            .into());
    }
    let filters = [("Filter.1.Name", "default-for-az"), ("Filter.1.Value.1", "true")];
    let pages = account.xml(&SUBNETS, &filters).await?;
    let default: BTreeSet<&str> = members(&pages, "subnetSet")
        .into_iter()
        .map(|subnet| subnet.text(&["availabilityZone"]))
        .collect();
    let named = if default.is_empty() { open } else { &default };
    Ok(named.iter().take(2).map(|zone| (*zone).to_owned()).collect())
}

async fn orderable(account: &Account, plan: &Plan<'_>) -> Result<BTreeSet<String>, super::Ended> {
    let asked = [
        ("Engine", "aurora-postgresql"),
        ("EngineVersion", plan.after.given("DatabaseVersion")),
        ("DBInstanceClass", "db.serverless"),
    ];
    let pages = match account.xml(&ORDERABLE, &asked).await {
        // A version that is not offered is a line of its own; the zones are those of the others.
        Err(refusal) if refusal.is_impossible() => account.xml(&ORDERABLE, &[asked[0], asked[2]]).await?,
        answer => answer?,
    };
    let options = members(&pages, "OrderableDBInstanceOptions");
    let zones = options
        .iter()
        .flat_map(|option| option.members("AvailabilityZones"));
    Ok(zones.map(|zone| zone.text(&["Name"]).to_owned()).collect())
}

fn row(chosen: &[String], open: &BTreeSet<&str>, able: &BTreeSet<String>) -> Row {
    let listed = |zones: &mut dyn Iterator<Item = &String>| zones.cloned().collect::<Vec<_>>().join(", ");
    let unable: Vec<&String> = chosen
        .iter()
        .filter(|zone| !open.contains(zone.as_str()) || !able.contains(*zone))
        .collect();
    if unable.is_empty() && chosen.len() == 2 {
        return Row::fine(
            ABOUT,
            format!("{} have what is made in them", listed(&mut chosen.iter())),
        );
    }
    let good: Vec<&String> = able.iter().filter(|zone| open.contains(zone.as_str())).collect();
    let next = match good.as_slice() {
        [first, second, ..] => format!("give ZoneA={first} ZoneB={second}"),
        _ => "take another region, or another DatabaseVersion".to_owned(),
    };
    let says = format!(
        "the network would lie in {}; the database can't be made in {}",
        listed(&mut chosen.iter()),
        listed(&mut unable.into_iter())
    );
    Row::fails(ABOUT, says, next)
}
