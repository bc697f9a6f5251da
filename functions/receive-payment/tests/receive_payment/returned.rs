//! Money that goes back: what it ends, and that no order of messages and no repeat comes to anything else.

use crate::setting::{Setting, capture, signed_webhook};
use futures::{StreamExt, stream};
use makegood::clock::Clock;
use makegood::event::PurchaseConfirmed;
use makegood::payment::razorpay::derived_payment_id;
use makegood::payment::returned::PartialRefund;
use makegood::purchase::{IndexGuard, Purchases, SecondPayment};
use serde_json::{Value, json};
use uuid::Uuid;

pub const PRICE: i64 = 499_900;
const SECOND: i64 = 1_767_817_344;

/// A message about one payment, or the delivery of what was published for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Captured,
    /// The event, the refund's number and its amount.
    Refund(&'static str, u8, i64),
    /// The event, and its second.
    Dispute(&'static str, i64),
    /// create-purchase is given what the outbox holds for it.
    Deliver,
}

/// The payment of one story; the same database holds many.
pub struct Story<'a> {
    pub setting: &'a Setting,
    pub number: usize,
}

impl Story<'_> {
    fn pay_id(&self) -> String {
        format!("pay_{}", self.number)
    }

    pub fn student(&self) -> Uuid {
        Uuid::from_u128(0x5000 + u128::try_from(self.number).expect("a small number"))
    }

    pub fn body(&self, step: Step) -> Option<Value> {
        let (pay, number) = (self.pay_id(), self.number);
        Some(match step {
            Step::Deliver => return None,
            Step::Captured => {
                let mut body = capture(&pay);
                body["payload"]["payment"]["entity"]["notes"]["studentId"] = json!(self.student());
                body
            }
            Step::Refund(event, refund, amount) => {
                json!({"entity": "event", "event": event, "created_at": SECOND, "payload": {
                "refund": {"entity": {"id": format!("rfnd_{number}_{refund}"), "payment_id": pay, "amount": amount,
                                      "currency": "INR", "status": "processed"}},
                "payment": {"entity": {"id": pay, "amount": PRICE, "currency": "INR"}}}})
            }
            Step::Dispute(event, second) => {
                json!({"entity": "event", "event": event, "created_at": SECOND + second, "payload": {
                "dispute": {"entity": {"id": format!("disp_{number}"), "payment_id": pay, "amount": PRICE, "currency": "INR",
                    "phase": "chargeback", "reason_code": "goods_not_received", "respond_by": SECOND + 86_400, "status": "open"}},
                "payment": {"entity": {"id": pay, "amount": PRICE, "currency": "INR"}}}})
            }
        })
    }

    pub async fn take(&self, step: Step) {
        let Some(body) = self.body(step) else {
            return self.deliver().await;
        };
        let (status, answer) = self.setting.send(signed_webhook(&body.to_string())).await;
        assert_eq!(status, 200, "{step:?}: {answer}");
    }

    async fn deliver(&self) {
        let id = derived_payment_id(&self.pay_id());
        let event = format!(
            "SELECT coalesce((SELECT payload FROM outbox WHERE event_id = '{}'), 'null')",
            PurchaseConfirmed::event_id(id)
        );
        let event = self.setting.json(&event).await;
        if event.is_null() {
            return;
        }
        let event = PurchaseConfirmed::parse(&event.to_string()).expect("what is published can be read");
        let purchases = Purchases {
            database: self.setting.function.publisher.database.clone(),
            guard: IndexGuard::default(),
            clock: Clock::System,
            second_payment: SecondPayment::Surplus,
            prorates: self.setting.function.partial_refund == PartialRefund::Prorate,
            timezone: chrono_tz::Asia::Kolkata,
        };
        purchases.fulfil(&[&event]).await.expect("the database answers");
    }

    /// All that is true of the payment, without what names this story and when it happened.
    async fn rows(&self) -> Value {
        let (pay, student) = (self.pay_id(), self.student());
        let id = derived_payment_id(&pay);
        let number = self.number;
        self.setting
            .json(&format!(
                "SELECT jsonb_build_object(
                   'payment', (SELECT jsonb_agg(to_jsonb(y) - '{{id,student_id,provider_payment_id,created_at,updated_at,confirmed_at}}'::text[])
                               FROM payments y WHERE y.provider_payment_id = '{pay}'),
                   'refunds', (SELECT jsonb_agg(to_jsonb(r) - '{{id,provider_refund_id,provider_payment_id,payment_id,created_at,updated_at}}'::text[]
                                                || jsonb_build_object('known', r.payment_id = '{id}')
                                                ORDER BY r.provider_refund_id)
                               FROM refunds r WHERE r.provider_payment_id = '{pay}'),
                   'disputes', (SELECT jsonb_agg(to_jsonb(d) - '{{id,provider_dispute_id,provider_payment_id,payment_id,created_at,updated_at}}'::text[]
                                                 || jsonb_build_object('known', d.payment_id = '{id}'))
                                FROM disputes d WHERE d.provider_payment_id = '{pay}'),
                   'sessions', (SELECT jsonb_agg(p.purchase_tier) FROM student_course_purchases p
                                WHERE p.student_id = '{student}' AND p.is_active),
                   'running', (SELECT count(*) FROM student_course_purchases p WHERE p.student_id = '{student}' AND p.is_active),
                   'unexplained', (SELECT count(*) FROM student_course_purchases p WHERE p.student_id = '{student}' AND NOT p.is_active
                                   AND (p.ended_at IS NULL OR p.end_reason IS NULL
                                        OR NOT EXISTS (SELECT FROM outbox o WHERE o.event_id = 'purchase-ended-' || p.id))),
                   'cases', (SELECT jsonb_agg(jsonb_build_array(k.kind, k.payment_id = '{id}') ORDER BY k.kind)
                             FROM payment_cases k WHERE k.status = 'open'
                              AND k.subject IN ('{id}', '{pay}', 'disp_{number}')))"
            ))
            .await
    }
}

fn orders(steps: &[Step]) -> Vec<Vec<Step>> {
    if steps.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for first in 0..steps.len() {
        let mut rest = steps.to_vec();
        let step = rest.remove(first);
        all.extend(orders(&rest).into_iter().map(|mut order| {
            order.insert(0, step);
            order
        }));
    }
    all
}

/// Tells the story in every order, each message again at the end, and gives back the rows that all orders came to.
async fn in_every_order(setting: &Setting, first_number: usize, steps: &[Step]) -> Value {
    let told = orders(steps)
        .into_iter()
        .enumerate()
        .map(|(n, order)| async move {
            let story = Story {
                setting,
                number: first_number + n,
            };
            for step in &order {
                story.take(*step).await;
            }
            story.take(Step::Deliver).await;
            let once = story.rows().await;
            for step in &order {
                story.take(*step).await;
            }
            assert_eq!(story.rows().await, once, "told twice: {order:?}");
            (order, once)
        });
    let told: Vec<(Vec<Step>, Value)> = stream::iter(told).buffer_unordered(4).collect().await;
    let (first, expected) = &told[0];
    for (order, rows) in &told {
        assert_eq!(rows, expected, "{order:?} came to something else than {first:?}");
    }
    expected.clone()
}

const PARTS: [Step; 5] = [
    Step::Captured,
    Step::Refund("refund.created", 1, 199_900),
    Step::Refund("refund.processed", 1, 199_900),
    Step::Refund("refund.processed", 2, 300_000),
    Step::Deliver,
];

#[tokio::test(flavor = "multi_thread")]
async fn refunds_that_add_up_to_all_end_the_purchase_in_any_order_and_any_number() {
    let setting = Setting::with_no_queue().await;
    let rows = in_every_order(&setting, 0, &PARTS).await;
    assert_eq!(rows["payment"][0]["status"], "refunded", "{rows}");
    assert_eq!(
        (&rows["running"], &rows["unexplained"], &rows["cases"]),
        (&json!(0), &json!(0), &Value::Null)
    );
    let refunds: Vec<_> = rows["refunds"]
        .as_array()
        .expect("refunds")
        .iter()
        .map(|row| (&row["status"], &row["known"]))
        .collect();
    assert_eq!(refunds, [(&json!("processed"), &json!(true)); 2]);
    assert_eq!(setting.database.server_errors(), Vec::<String>::new());
    setting.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_goes_back_leaves_the_purchase_and_asks_only_where_the_stack_says_so() {
    let mut setting = Setting::with_no_queue().await;
    let kept = in_every_order(&setting, 0, &PARTS[..3]).await;
    assert_eq!(kept["payment"][0]["status"], "succeeded", "{kept}");
    assert_eq!((&kept["running"], &kept["cases"]), (&json!(1), &Value::Null));
    setting.function.partial_refund = PartialRefund::Case;
    let asked = in_every_order(&setting, 100, &PARTS[..3]).await;
    assert_eq!(
        (&asked["running"], &asked["cases"]),
        (&json!(1), &json!([["given_back", true]]))
    );
    setting.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_takes_its_sessions_in_every_order_where_the_stack_says_so() {
    let mut setting = Setting::with_no_queue().await;
    setting.function.partial_refund = PartialRefund::Prorate;
    let parts = [PARTS[0], PARTS[1], PARTS[2], Step::Deliver];
    let rows = in_every_order(&setting, 0, &parts).await;
    // 300,000 of 499,900 are left: twelve of twenty sessions and a bit of the thirteenth.
    assert_eq!(rows["sessions"], json!([13]), "{rows}");
    assert_eq!((&rows["running"], &rows["cases"]), (&json!(1), &Value::Null));
    // AND with the rest all of it ends
    let rows = in_every_order(&setting, 100, &PARTS).await;
    assert_eq!(
        (&rows["running"], &rows["payment"][0]["status"]),
        (&json!(0), &json!("refunded"))
    );
    setting.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_fails_ends_nothing() {
    let setting = Setting::with_no_queue().await;
    let steps = [
        Step::Captured,
        Step::Refund("refund.created", 1, PRICE),
        Step::Refund("refund.failed", 1, PRICE),
        Step::Deliver,
    ];
    let rows = in_every_order(&setting, 0, &steps).await;
    assert_eq!(
        (
            &rows["payment"][0]["status"],
            &rows["running"],
            &rows["refunds"][0]["status"]
        ),
        (&json!("succeeded"), &json!(1), &json!("failed"))
    );
    setting.finish().await;
}

fn dispute(last: &'static str) -> [Step; 5] {
    [
        Step::Captured,
        Step::Dispute("payment.dispute.created", 0),
        Step::Dispute("payment.dispute.action_required", 10),
        Step::Dispute(last, 20),
        Step::Deliver,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_that_is_won_leaves_the_purchase_in_any_order() {
    let setting = Setting::with_no_queue().await;
    let rows = in_every_order(&setting, 0, &dispute("payment.dispute.won")).await;
    assert_eq!(
        (
            &rows["payment"][0]["status"],
            &rows["running"],
            &rows["cases"],
            &rows["disputes"][0]["status"]
        ),
        (&json!("succeeded"), &json!(1), &Value::Null, &json!("won"))
    );
    setting.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_that_is_lost_ends_the_purchase_in_any_order() {
    let setting = Setting::with_no_queue().await;
    let rows = in_every_order(&setting, 0, &dispute("payment.dispute.lost")).await;
    assert_eq!(
        (
            &rows["payment"][0]["status"],
            &rows["running"],
            &rows["unexplained"],
            &rows["cases"]
        ),
        (&json!("refunded"), &json!(0), &json!(0), &Value::Null)
    );
    let reasons = "SELECT count(*) FROM student_course_purchases WHERE end_reason <> 'dispute_lost'";
    assert_eq!(setting.count(reasons).await, 0);
    setting.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_dispute_is_a_case_with_its_deadline_whatever_comes_first() {
    let setting = Setting::with_no_queue().await;
    let rows = in_every_order(&setting, 0, &dispute("payment.dispute.under_review")).await;
    assert_eq!(
        (&rows["running"], &rows["cases"], &rows["disputes"][0]["status"]),
        (&json!(1), &json!([["dispute", true]]), &json!("under_review"))
    );
    let details = setting.json("SELECT details FROM payment_cases LIMIT 1").await;
    assert_eq!(details["respondBy"], "2026-01-08T20:22:24Z", "{details}");
    setting.finish().await;
}
