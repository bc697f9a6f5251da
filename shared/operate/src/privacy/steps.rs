//! What an erasure does, table by table. Each step is one statement or two, changes only what is not erased yet, and never commits: done
//! again it changes nothing.

use super::{Footprint, Person};
use crate::audit::Action;
use makegood::db::Connection;
use uuid::Uuid;

/// What says in the metadata of payments and purchases what was bought.
const BOUGHT: [&str; 5] = [
    "courseId",
    "orderId",
    "purchaseTier",
    "sessionCount",
    "expiryDate",
];
/// What says in the metadata of allocations which purchase they serve.
const SERVED: [&str; 3] = ["purchaseId", "sessionCount", "adminAllocationId"];
/// What says in the metadata of intents what the gateway was asked, and what took their place.
const CHECKED_OUT: [&str; 3] = ["gateway", "checkout", "replaced_by"];
/// What says in the payload of jobs what they are about.
const WORKED_ON: [&str; 3] = ["payment_intent_id", "provider", "external_transaction_id"];
/// What events keep: ids, amounts, and their envelope.
const TOLD: [&str; 18] = [
    "type",
    "eventId",
    "correlationId",
    "paymentId",
    "purchaseId",
    "allocationId",
    "courseId",
    "trainerId",
    "orderId",
    "orderNumber",
    "paymentIntentId",
    "studentId",
    "userId",
    "amountCents",
    "totalCents",
    "currency",
    "purchaseTier",
    "_metadata",
];
/// What the details of cases keep: what is needed to decide one that is open.
const DECIDED: [&str; 15] = [
    "what",
    "code",
    "jobId",
    "orderId",
    "orderAskedAt",
    "paidAt",
    "courseId",
    "purchaseTier",
    "provider",
    "providerPaymentId",
    "source",
    "outcome",
    "hasOrder",
    "respondBy",
    "assignee",
];

/// For whom, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) person: Person,
    /// What stands in place of the id; the id itself where a foreign key holds it.
    pub(super) name: Uuid,
    pub(super) also_open: bool,
    pub(super) footprint: &'a Footprint,
}

/// One step, by its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Carts,
    ClientRequests,
    Checkouts,
    Verifications,
    Orders,
    Jobs,
    Payments,
    Purchases,
    Allocations,
    Marks,
    Outbox,
    Edits,
    DeadLetters,
    Cases,
    Refunds,
    Disputes,
    Audits,
    Ids,
}

impl Step {
    /// All of them, in the order in which they run. The ids come last: by them the rest is found.
    pub(super) const ALL: [Self; 18] = [
        Self::Carts,
        Self::ClientRequests,
        Self::Checkouts,
        Self::Verifications,
        Self::Orders,
        Self::Jobs,
        Self::Payments,
        Self::Purchases,
        Self::Allocations,
        Self::Marks,
        Self::Outbox,
        Self::Edits,
        Self::DeadLetters,
        Self::Cases,
        Self::Refunds,
        Self::Disputes,
        Self::Audits,
        Self::Ids,
    ];

    /// Its table, or what it does in several.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Carts => "carts",
            Self::ClientRequests => "client_requests",
            Self::Checkouts => "payment_intents",
            Self::Verifications => "payment_gateway_verifications",
            Self::Orders => "orders",
            Self::Jobs => "job_queue",
            Self::Payments => "payments",
            Self::Purchases => "student_course_purchases",
            Self::Allocations => "trainer_allocations",
            Self::Marks => "processed_events",
            Self::Outbox => "outbox",
            Self::Edits => "proposed_edits",
            Self::DeadLetters => "dead_letters",
            Self::Cases => "payment_cases",
            Self::Refunds => "refunds",
            Self::Disputes => "disputes",
            Self::Audits => "audit_log",
            Self::Ids => "the person's id",
        }
    }

    /// Runs it; gives back how many rows changed. Locks those rows until the caller commits.
    ///
    /// # Errors
    /// Those of the database; 55P03 when another transaction holds a row for longer than a transaction of ours waits.
    pub(super) async fn run(self, connection: &mut Connection, scope: Scope<'_>) -> Result<u64, sqlx::Error> {
        match self {
            Self::Carts | Self::ClientRequests => self.delete(connection, scope).await,
            Self::Checkouts | Self::Verifications | Self::Orders | Self::Jobs => {
                self.of_shop(connection, scope).await
            }
            Self::Payments | Self::Purchases | Self::Allocations => self.of_course(connection, scope).await,
            Self::Marks | Self::Outbox | Self::Edits | Self::DeadLetters => {
                self.of_messages(connection, scope).await
            }
            Self::Cases | Self::Refunds | Self::Disputes | Self::Audits => {
                self.of_operators(connection, scope).await
            }
            Self::Ids => rename(connection, scope).await,
        }
    }

    async fn delete(self, connection: &mut Connection, scope: Scope<'_>) -> Result<u64, sqlx::Error> {
        let carts = &scope.footprint.carts;
        let done = if self == Self::Carts {
            sqlx::query!("DELETE FROM cart_items WHERE cart_id = ANY($1)", carts)
                .execute(&mut *connection)
                .await?;
            sqlx::query!("DELETE FROM carts WHERE id = ANY($1)", carts)
        } else {
            sqlx::query!(
                "DELETE FROM client_requests WHERE client = $1",
                scope.person.id().to_string()
            )
        };
        Ok(done.execute(connection).await?.rows_affected())
    }

    async fn of_shop(self, connection: &mut Connection, scope: Scope<'_>) -> Result<u64, sqlx::Error> {
        let Footprint {
            intents,
            orders,
            jobs,
            ..
        } = scope.footprint;
        let done = match self {
            Self::Checkouts => {
                sqlx::query_file!("src/privacy/erase/checkouts.sql", intents, &texts(&CHECKED_OUT))
            }
            Self::Verifications => sqlx::query!(
                "UPDATE payment_gateway_verifications SET verification_response = NULL
                 WHERE payment_intent_id = ANY($1) AND verification_response IS NOT NULL",
                intents
            ),
            Self::Orders => sqlx::query_file!("src/privacy/erase/orders.sql", orders),
            _ => sqlx::query_file!("src/privacy/erase/jobs.sql", jobs, &texts(&WORKED_ON)),
        };
        Ok(done.execute(connection).await?.rows_affected())
    }

    async fn of_course(self, connection: &mut Connection, scope: Scope<'_>) -> Result<u64, sqlx::Error> {
        let Footprint {
            payments,
            purchases,
            allocations,
            ..
        } = scope.footprint;
        let done = match self {
            Self::Payments => sqlx::query_file!("src/privacy/erase/payments.sql", payments, &texts(&BOUGHT)),
            Self::Purchases => {
                sqlx::query_file!("src/privacy/erase/purchases.sql", purchases, &texts(&BOUGHT))
            }
            _ => sqlx::query_file!("src/privacy/erase/allocations.sql", allocations, &texts(&SERVED)),
        };
        Ok(done.execute(connection).await?.rows_affected())
    }

    async fn of_messages(self, connection: &mut Connection, scope: Scope<'_>) -> Result<u64, sqlx::Error> {
        let Footprint {
            marks,
            outbox,
            edits,
            dead_letters,
            ..
        } = scope.footprint;
        let name = scope.name.to_string();
        let done = match self {
            Self::Marks => sqlx::query_file!("src/privacy/erase/marks.sql", marks, &texts(&TOLD), name),
            Self::Outbox => sqlx::query_file!("src/privacy/erase/outbox.sql", outbox, &texts(&TOLD), name),
            Self::Edits => sqlx::query!("DELETE FROM proposed_edits WHERE id = ANY($1)", edits),
            _ => sqlx::query_file!(
                "src/privacy/erase/dead_letters.sql",
                dead_letters,
                scope.also_open
            ),
        };
        Ok(done.execute(connection).await?.rows_affected())
    }

    async fn of_operators(self, connection: &mut Connection, scope: Scope<'_>) -> Result<u64, sqlx::Error> {
        let Footprint {
            cases,
            refunds,
            disputes,
            audits,
            ..
        } = scope.footprint;
        let done = match self {
            Self::Cases => sqlx::query_file!("src/privacy/erase/cases.sql", cases, &texts(&DECIDED)),
            Self::Refunds => sqlx::query!(
                "UPDATE refunds SET reason = NULL WHERE id = ANY($1) AND reason IS NOT NULL",
                refunds
            ),
            Self::Disputes => sqlx::query!(
                "UPDATE disputes SET reason = NULL WHERE id = ANY($1) AND reason IS NOT NULL",
                disputes
            ),
            _ => sqlx::query!(
                "UPDATE audit_log SET reason = 'erased', details = '{}'
                 WHERE id = ANY($1) AND action <> $2 AND (reason IS DISTINCT FROM 'erased' OR details <> '{}')",
                audits,
                Action::ErasePerson.wire_name()
            ),
        };
        Ok(done.execute(connection).await?.rows_affected())
    }
}

async fn rename(connection: &mut Connection, scope: Scope<'_>) -> Result<u64, sqlx::Error> {
    let (id, name) = (scope.person.id(), scope.name);
    if id == name {
        return Ok(0);
    }
    let rows = match scope.person {
        Person::Student(_) => {
            sqlx::query_file!(
                "src/privacy/erase/ids_course.sql",
                id,
                name,
                &scope.footprint.allocations
            )
            .fetch_one(connection)
            .await?
            .rows
        }
        Person::Buyer(_) => {
            sqlx::query_file!("src/privacy/erase/ids_shop.sql", id, name)
                .fetch_one(connection)
                .await?
                .rows
        }
    };
    Ok(u64::try_from(rows).unwrap_or(0))
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
