//! Which rows are a person's, or tell of one.

use super::Person;
use makegood::db::Connection;
use makegood::ids::CorrelationId;
use uuid::Uuid;

/// The keys of a person's rows, by table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Footprint {
    pub(super) payments: Vec<Uuid>,
    pub(super) purchases: Vec<Uuid>,
    pub(super) allocations: Vec<Uuid>,
    pub(super) intents: Vec<String>,
    pub(super) orders: Vec<Uuid>,
    pub(super) carts: Vec<Uuid>,
    /// As the providers name the payments.
    pub(super) provider_payments: Vec<String>,
    pub(super) cases: Vec<Uuid>,
    pub(super) dead_letters: Vec<Uuid>,
    pub(super) edits: Vec<Uuid>,
    pub(super) outbox: Vec<i64>,
    pub(super) marks: Vec<String>,
    pub(super) jobs: Vec<Uuid>,
    pub(super) refunds: Vec<Uuid>,
    pub(super) disputes: Vec<Uuid>,
    pub(super) audits: Vec<i64>,
}

impl Footprint {
    /// What is there of a person, under these ids: the own one, and for an erasure the pseudonym too.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn load(
        connection: &mut Connection,
        person: Person,
        ids: &[Uuid],
    ) -> Result<Self, sqlx::Error> {
        let own = match person {
            Person::Student(_) => Self::of_student(&mut *connection, ids).await?,
            Person::Buyer(_) => Self::of_buyer(&mut *connection, ids).await?,
        };
        own.with_shared(connection, person.id()).await
    }

    /// Whether nothing is there at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    async fn of_student(connection: &mut Connection, ids: &[Uuid]) -> Result<Self, sqlx::Error> {
        let found = sqlx::query_file!("src/privacy/sql/footprint_course.sql", ids)
            .fetch_one(connection)
            .await?;
        Ok(Self {
            payments: found.payments,
            purchases: found.purchases,
            allocations: found.allocations,
            provider_payments: found.provider_payments,
            ..Self::default()
        })
    }

    async fn of_buyer(connection: &mut Connection, ids: &[Uuid]) -> Result<Self, sqlx::Error> {
        let found = sqlx::query_file!("src/privacy/sql/footprint_shop.sql", ids)
            .fetch_one(connection)
            .await?;
        Ok(Self {
            intents: found.intents,
            orders: found.orders,
            carts: found.carts,
            provider_payments: found.provider_payments,
            ..Self::default()
        })
    }

    async fn with_shared(self, connection: &mut Connection, person: Uuid) -> Result<Self, sqlx::Error> {
        let ids = [&self.payments, &self.purchases, &self.orders]
            .into_iter()
            .flatten();
        let correlations: Vec<Uuid> = ids
            .copied()
            .chain(self.intents.iter().map(|id| CorrelationId::from_text(id).0))
            .collect();
        let uuids = [&self.payments, &self.purchases, &self.allocations, &self.orders]
            .into_iter()
            .flatten();
        let names: Vec<String> = uuids
            .map(Uuid::to_string)
            .chain(self.intents.iter().cloned())
            .chain([person.to_string()])
            .collect();
        let found = sqlx::query_file!(
            "src/privacy/sql/footprint_shared.sql",
            &correlations,
            &names,
            &self.payments,
            &self.intents,
            &self.provider_payments,
            person.to_string(),
        )
        .fetch_one(connection)
        .await?;
        Ok(Self {
            cases: found.cases,
            dead_letters: found.dead_letters,
            edits: found.edits,
            outbox: found.outbox,
            marks: found.marks,
            jobs: found.jobs,
            refunds: found.refunds,
            disputes: found.disputes,
            audits: found.audits,
            ..self
        })
    }
}
