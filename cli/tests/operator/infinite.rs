//! `infinity` is a time to Postgres and none to a clock. In whichever column it is: the doctor answers, a trace answers or names the column.

use crate::operator::Operator;
use crate::privacy::SCENE;
use chrono::Utc;
use makegood::school_days::TeachingDays;
use operate::doctor::{Scope, check};
use operate::timeline::{Moment, find, timeline};
use serde_json::Value;

/// Every table that holds times, and the columns that hold them.
async fn tables(operator: &Operator) -> Vec<(String, Vec<String>)> {
    let rows = operator
        .rows(
            "SELECT c.table_name, array_agg(c.column_name) AS columns FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
             WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER'
               AND c.data_type IN ('date', 'timestamp with time zone', 'timestamp without time zone') AND c.table_name NOT LIKE '\\_sqlx%'
             GROUP BY 1 ORDER BY 1",
        )
        .await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.iter()
        .map(|row| {
            (
                text(&row["table_name"]),
                row["columns"].as_array().unwrap().iter().map(text).collect(),
            )
        })
        .collect()
}

/// What the doctor or a trace says to the database as it is; empty when the doctor answers, and each trace does or names the column.
async fn said(operator: &Operator, ids: &[String]) -> Vec<String> {
    let database = operator.database.through_pooler(2);
    let scope = Scope {
        only: Default::default(),
        now: Utc::now(),
        timezone: chrono_tz::Asia::Kolkata,
        teaching_days: TeachingDays::default(),
        single_operator: false,
    };
    let mut said = Vec::new();
    let pool = database.clone();
    match tokio::spawn(async move { check(&pool, &scope).await.map(drop) }).await {
        Ok(Ok(())) => {}
        other => said.push(format!("doctor: {other:?}")),
    }
    for id in ids {
        let (pool, id) = (database.clone(), id.clone());
        let traced = tokio::spawn(async move {
            let moment = Moment {
                now: Utc::now(),
                timezone: chrono_tz::Asia::Kolkata,
            };
            let found = find(&mut pool.acquire().await?, &id).await?;
            for one in &found {
                timeline(&pool, &one.subject, moment).await?;
            }
            Ok::<_, sqlx::Error>(found.len())
        });
        match traced.await {
            Ok(Ok(1)) => {}
            Ok(Err(error)) if error.to_string().contains("holds infinity") => {}
            other => said.push(format!("trace: {other:?}")),
        }
    }
    said
}

#[tokio::test]
async fn a_time_without_end_stops_no_check_and_no_trace_panics() {
    let operator = Operator::open().await;
    operator.sql(SCENE).await;
    let ids = operator
        .row("SELECT md5('payment1')::uuid AS payment, (SELECT min(payment_intent_id) FROM orders) AS intent")
        .await;
    let ids = ["payment", "intent"].map(|name| ids[name].as_str().unwrap().to_owned());
    assert_eq!(said(&operator, &ids).await, Vec::<String>::new());
    let tables = tables(&operator).await;
    assert!(tables.len() > 25, "{}", tables.len());
    let mut wrong = Vec::new();
    for (table, columns) in tables {
        for time in ["infinity", "-infinity"] {
            // WHEN every row has it in each column that takes it
            let updates: Vec<String> = columns
                .iter()
                .map(|column| {
                    format!(
                        "FOR place IN SELECT ctid FROM {table} LOOP
                           BEGIN UPDATE {table} SET {column} = '{time}' WHERE ctid = place;
                           EXCEPTION WHEN integrity_constraint_violation THEN NULL; END;
                         END LOOP;"
                    )
                })
                .collect();
            operator
                .sql(&format!(
                    "SET session_replication_role = replica; CREATE TABLE kept AS TABLE {table};
                     DO $$ DECLARE place tid; BEGIN {} END $$",
                    updates.join(" ")
                ))
                .await;
            // THEN all answer
            for said in said(&operator, &ids).await {
                wrong.push(format!("{table} = {time}: {said}"));
            }
            operator
                .sql(&format!(
                    "SET session_replication_role = replica; DELETE FROM {table};
                     INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM kept; DROP TABLE kept"
                ))
                .await;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    operator.close().await;
}
