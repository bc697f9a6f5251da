//! Lambda's executions: what the functions reserve, against what the account has.

use super::Looked;
use crate::preflight::ask::Account;
use crate::preflight::call::EXECUTIONS;
use crate::preflight::deployment::Deployment;
use crate::preflight::plan::Plan;
use crate::preflight::row::Row;
use anyhow::anyhow;

const ABOUT: &str = "executions";
/// So many of an account's executions can't be reserved.
const UNRESERVABLE: u64 = 100;
/// Below it, a stack that reserves nothing can be held up by anything else in the account.
const ENOUGH_TO_SHARE: u64 = 100;

/// Asks how many the account has, and how many no function has reserved.
pub async fn look(account: &Account, plan: &Plan<'_>) -> Looked {
    let answer = account.get(&EXECUTIONS, "/2016-08-19/account-settings").await?;
    let limit = &answer["AccountLimit"];
    let number = |key: &str| {
        limit[key]
            .as_u64()
            .ok_or_else(|| anyhow!("lambda:GetAccountSettings answered without {key}"))
    };
    let (all, unreserved) = (
        number("ConcurrentExecutions")?,
        number("UnreservedConcurrentExecutions")?,
    );
    let given_back = plan.before.as_ref().map_or(Ok(0), Deployment::reserved)?;
    Ok(vec![row(all, unreserved + given_back, plan.after.reserved()?)])
}

/// `free` is what no other function has reserved.
fn row(all: u64, free: u64, wanted: u64) -> Row {
    let has =
        format!("the account may run {all} functions at once, of which {free} are not reserved by others");
    if wanted == 0 {
        return if all < ENOUGH_TO_SHARE {
            Row::risk(
                ABOUT,
                format!("{has}; with ReserveConcurrency=no all functions share them"),
                "ask AWS for more (Service Quotas, Lambda, Concurrent executions: L-B99A9384), then leave ReserveConcurrency out",
            )
        } else {
            Row::risk(
                ABOUT,
                format!(
                    "{has}; with ReserveConcurrency=no nothing bounds what buyers take of the database's connections"
                ),
                "leave ReserveConcurrency out",
            )
        };
    }
    if free >= wanted + UNRESERVABLE {
        return Row::fine(ABOUT, format!("{has}; {wanted} are reserved"));
    }
    Row::fails(
        ABOUT,
        format!("{has}; {wanted} shall be reserved, and {UNRESERVABLE} must stay"),
        format!(
            "give ReserveConcurrency=no or Scale=small, or ask AWS for {} (Service Quotas, Lambda, Concurrent executions: L-B99A9384)",
            all + (wanted + UNRESERVABLE - free)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::row::Verdict;

    #[test]
    fn a_hundred_must_stay_beside_what_is_reserved() {
        for (all, free, wanted, verdict) in [
            (1_000, 1_000, 471, Verdict::Fine),
            (171, 171, 71, Verdict::Fine),
            (170, 170, 71, Verdict::Fails),
            (1_000, 170, 71, Verdict::Fails),
            (10, 10, 71, Verdict::Fails),
            (10, 10, 0, Verdict::Risk),
            (1_000, 1_000, 0, Verdict::Risk),
        ] {
            assert_eq!(row(all, free, wanted).verdict, verdict, "{all} {free} {wanted}");
        }
        assert!(
            row(10, 10, 71).next.contains("ask AWS for 171"),
            "{}",
            row(10, 10, 71).next
        );
    }
}
