//! Rows that are broken on purpose, each in a copy of a sound database: what the verdict does not see there, it would not see
//! after a run either.

use crate::verdict::Verdict;
use crate::world::World;
use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection};

/// A way to break a sound database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sabotage {
    /// Its name.
    pub name: &'static str,
    sql: &'static str,
}

/// All of them.
pub const SABOTAGES: [Sabotage; 13] = [
    Sabotage {
        name: "purchase-gone",
        sql: "DELETE FROM student_course_purchases WHERE id = (SELECT id FROM student_course_purchases ORDER BY id LIMIT 1)",
    },
    Sabotage {
        // What a transaction leaves that was acknowledged and rolled back: the doctor can't know that it ever was.
        name: "payment-rolled-back",
        sql: "CREATE TEMP TABLE gone AS SELECT id, student_id FROM payments WHERE status = 'succeeded' ORDER BY id LIMIT 1;
              DELETE FROM outbox WHERE correlation_id IN (SELECT id FROM gone);
              DELETE FROM processed_events WHERE correlation_id IN (SELECT id FROM gone);
              DELETE FROM tutoring_sessions WHERE student_id IN (SELECT student_id FROM gone);
              DELETE FROM trainer_allocations WHERE student_id IN (SELECT student_id FROM gone);
              DELETE FROM student_course_purchases WHERE student_id IN (SELECT student_id FROM gone);
              DELETE FROM payments WHERE id IN (SELECT id FROM gone)",
    },
    Sabotage {
        name: "purchase-doubled",
        sql: "DROP INDEX unique_active_purchase;
              INSERT INTO student_course_purchases (student_id, course_id, purchase_tier)
              SELECT student_id, course_id, purchase_tier FROM student_course_purchases ORDER BY id LIMIT 1",
    },
    Sabotage {
        name: "trainer-doubled",
        sql: "DROP INDEX unique_active_allocation;
              INSERT INTO trainer_allocations (student_id, course_id, trainer_id, requested_by, status)
              SELECT student_id, course_id, trainer_id, requested_by, 'approved' FROM trainer_allocations ORDER BY id LIMIT 1",
    },
    Sabotage {
        name: "trainer-gone",
        sql: "UPDATE trainer_allocations SET status = 'cancelled' WHERE id = (SELECT id FROM trainer_allocations ORDER BY id LIMIT 1)",
    },
    Sabotage {
        name: "session-gone",
        sql: "DELETE FROM tutoring_sessions WHERE id = (SELECT id FROM tutoring_sessions ORDER BY id LIMIT 1)",
    },
    Sabotage {
        name: "order-gone",
        sql: "CREATE TEMP TABLE gone AS SELECT id FROM orders ORDER BY id LIMIT 1;
              DELETE FROM order_items WHERE order_id IN (SELECT id FROM gone);
              DELETE FROM orders WHERE id IN (SELECT id FROM gone)",
    },
    Sabotage {
        name: "order-doubled",
        sql: "DO $$ DECLARE c record; BEGIN
                FOR c IN SELECT conname FROM pg_constraint WHERE conrelid = 'orders'::regclass AND contype = 'u' LOOP
                  EXECUTE format('ALTER TABLE orders DROP CONSTRAINT %I', c.conname);
                END LOOP;
                FOR c IN SELECT indexrelid::regclass AS name FROM pg_index
                         WHERE indrelid = 'orders'::regclass AND indisunique AND NOT indisprimary LOOP
                  EXECUTE format('DROP INDEX %s', c.name);
                END LOOP;
              END $$;
              CREATE TEMP TABLE twin AS SELECT * FROM orders ORDER BY id LIMIT 1;
              UPDATE twin SET id = gen_random_uuid(), order_number = order_number || 'X';
              INSERT INTO orders SELECT * FROM twin",
    },
    Sabotage {
        name: "order-renumbered",
        sql: "UPDATE orders SET order_number = 'ORD-20260101-AAAAAAAA'
              WHERE id = (SELECT o.id FROM orders o ORDER BY o.id LIMIT 1)",
    },
    Sabotage {
        name: "oversold",
        sql: "UPDATE order_items SET quantity = quantity + 1, total_price_cents = total_price_cents + unit_price_cents
              WHERE id = (SELECT id FROM order_items ORDER BY id LIMIT 1)",
    },
    Sabotage {
        name: "stock-reserved-for-no-intent",
        sql: "UPDATE inventory SET quantity_reserved = quantity_reserved + 1
              WHERE variant_id = (SELECT variant_id FROM inventory WHERE quantity_available > quantity_reserved ORDER BY 1 LIMIT 1)",
    },
    Sabotage {
        name: "job-stuck",
        sql: "UPDATE job_queue SET status = 'processing', completed_at = NULL, locked_by = 'dead',
                                   locked_until = now() - interval '1 hour'
              WHERE id = (SELECT id FROM job_queue ORDER BY id LIMIT 1)",
    },
    Sabotage {
        name: "event-never-sent",
        sql: "UPDATE outbox SET published_at = NULL, claimed_until = NULL, created_at = now() - interval '1 day'
              WHERE id = (SELECT min(id) FROM outbox)",
    },
];

/// Breaks a copy of the run's database, and looks at it as at a run.
///
/// # Errors
/// When the copy can't be made or broken.
pub async fn sabotage(world: &World, sabotage: Sabotage) -> Result<Verdict> {
    let copy = format!("makegood_{}", sabotage.name.replace('-', "_"));
    let mut server = world.servers.connect_to("postgres").await?;
    let release = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
                   WHERE datname = 'makegood' AND pid <> pg_backend_pid()";
    sqlx::raw_sql(release).execute(&mut server).await?;
    let create = format!("CREATE DATABASE {copy} TEMPLATE makegood STRATEGY file_copy");
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut server).await?;
    let mut broken = world.servers.connect_to(&copy).await?;
    sqlx::raw_sql(sabotage.sql)
        .execute(&mut broken)
        .await
        .with_context(|| format!("the sabotage {} failed", sabotage.name))?;
    broken.close().await?;
    let verdict = Verdict::with_doctor(world, &copy).await;
    let drop = format!("DROP DATABASE {copy} WITH (FORCE)");
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut server).await?;
    verdict
}
