//! The persons of the scene: which rows are theirs, and markers in them.

use crate::operator::{Answer, Operator};
use makegood_tests::personal::{Personal, kept};

/// A student or buyer of the scene.
#[derive(Clone, Copy)]
pub struct Person {
    pub option: &'static str,
    number: u32,
}

pub const STUDENT: Person = Person {
    option: "--student",
    number: 10,
};
pub const OTHER_STUDENT: Person = Person {
    number: 20,
    ..STUDENT
};
pub const BUYER: Person = Person {
    option: "--buyer",
    number: 10,
};
pub const OTHER_BUYER: Person = Person { number: 20, ..BUYER };

impl Person {
    fn whose(self) -> &'static str {
        self.option.trim_start_matches('-')
    }

    /// As the scene makes it.
    pub async fn id(self, operator: &Operator) -> String {
        let id = format!("SELECT md5('{}{}')::uuid AS id", self.whose(), self.number);
        operator.row(&id).await["id"].as_str().unwrap().to_owned()
    }

    pub fn marker(self) -> String {
        format!("MARKER-{}-{}-", self.whose(), self.number)
    }

    /// Which rows of a table are this person's.
    fn rows(self, table: &str) -> String {
        let n = self.number;
        let person = format!("md5('{}{n}')::uuid", self.whose());
        let payment = format!("md5('payment{n}')::uuid");
        let is_student = self.option == "--student";
        match table {
            "payments" | "student_course_purchases" | "trainer_allocations" | "tutoring_sessions" => {
                format!("student_id = {person}")
            }
            "carts" | "payment_intents" | "orders" => format!("user_id = {person}"),
            "processed_events" | "outbox" if is_student => format!("correlation_id = {payment}"),
            "processed_events" | "outbox" => format!("correlation_id = md5('pi_esewa_{n}')::uuid"),
            "refunds" | "disputes" | "payment_cases" if is_student => format!("payment_id = {payment}"),
            "job_queue" => format!("payload ->> 'payment_intent_id' = 'pi_esewa_{n}'"),
            "refunds" | "disputes" | "payment_cases" | "payment_gateway_verifications" => {
                format!("payment_intent_id = 'pi_esewa_{n}'")
            }
            "dead_letters" => format!("message_id = '{}-{n}'", self.whose()),
            "proposed_edits" => {
                let messages = format!(
                    "SELECT 'dead_letter:' || id FROM dead_letters WHERE message_id = '{}-{n}'",
                    self.whose()
                );
                format!("subject IN ({messages})")
            }
            "audit_log" => format!("actor = 'operator of {} {n}'", self.whose()),
            "client_requests" => format!("client = {person}::text"),
            other => panic!("say here which rows of {other} are whose"),
        }
    }

    /// The columns of docs/privacy.md that hold this person's data and can hold a marker.
    async fn columns(self, operator: &Operator) -> Vec<(Personal, String)> {
        let mut found = Vec::new();
        for column in kept()
            .into_iter()
            .filter(|column| column.whose.contains(self.whose()))
        {
            let kind = format!(
                "SELECT data_type FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{}' AND column_name = '{}'",
                column.table, column.column
            );
            let kind = operator.row(&kind).await["data_type"]
                .as_str()
                .unwrap()
                .to_owned();
            // The client of a count is the buyer's id itself.
            if kind != "uuid" && column.table != "client_requests" {
                found.push((column, kind));
            }
        }
        found
    }

    /// Writes a marker of its own into each of them; gives back the markers.
    pub async fn plant(self, operator: &Operator) -> Vec<String> {
        let mut markers = Vec::new();
        for (Personal { table, column, .. }, kind) in self.columns(operator).await {
            let marker = format!("{}{table}-{column}", self.marker());
            let value = match kind.as_str() {
                "jsonb" => format!(
                    "coalesce({column}, '{{}}') || jsonb_build_object('planted', jsonb_build_array('{marker}'))"
                ),
                _ => format!("'{marker}'"),
            };
            let rows = self.rows(&table);
            operator
                .sql(&format!("UPDATE {table} SET {column} = {value} WHERE {rows}"))
                .await;
            let planted =
                format!("SELECT count(*) FROM {table} WHERE {rows} AND {column}::text LIKE '%{marker}%'");
            assert!(
                operator.count(&planted).await > 0,
                "nothing of {marker} was planted: {rows}"
            );
            markers.push(marker);
        }
        markers
    }

    pub async fn privacy(self, operator: &Operator, arguments: &[&str]) -> Answer {
        let id = self.id(operator).await;
        let (command, rest) = arguments.split_first().unwrap();
        let all = [&["privacy", command, self.option, &id], rest].concat();
        operator.run(&all).await
    }

    pub async fn erase(self, operator: &Operator) -> Answer {
        self.privacy(
            operator,
            &["erase", "--actor", "asha", "--reason", "request 4711"],
        )
        .await
    }
}
