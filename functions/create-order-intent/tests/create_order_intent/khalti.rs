//! Khalti's `initiate` on a real socket: it opens payments, refuses, fails, or makes its callers meet first.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::Barrier;

/// What it does next.
#[derive(Debug, Clone)]
pub enum Mood {
    Open,
    Refuse,
    Fail,
    Meet(Arc<Meeting>),
}

/// No request is answered before two have asked; then the first at once, the other when the test has come to `later`.
#[derive(Debug)]
pub struct Meeting {
    both: Barrier,
    first: Mood,
    later: Barrier,
    other: Mood,
}

impl Meeting {
    pub fn of(first: Mood, other: Mood) -> Arc<Self> {
        Arc::new(Self {
            both: Barrier::new(2),
            first,
            later: Barrier::new(2),
            other,
        })
    }

    /// Lets the other one be answered.
    pub async fn later(&self) {
        self.later.wait().await;
    }

    async fn turn(&self, number: usize) -> Mood {
        self.both.wait().await;
        if number == 1 {
            return self.first.clone();
        }
        self.later.wait().await;
        self.other.clone()
    }
}

#[derive(Debug)]
pub struct Khalti {
    pub url: String,
    mood: Mutex<Mood>,
    asked: Mutex<Vec<Value>>,
    link_ends: DateTime<Utc>,
}

impl Khalti {
    /// Its links end at this instant.
    pub async fn start(link_ends: DateTime<Utc>) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let khalti = Arc::new(Self {
            url: format!("http://{address}/api/v2/"),
            mood: Mutex::new(Mood::Open),
            asked: Mutex::default(),
            link_ends,
        });
        let app = Router::new()
            .route("/api/v2/epayment/initiate/", post(initiate))
            .with_state(Arc::clone(&khalti));
        tokio::spawn(async move { axum::serve(listener, app).await });
        khalti
    }

    pub fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// What it was asked to open, in order.
    pub fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().clone()
    }
}

async fn initiate(State(khalti): State<Arc<Khalti>>, body: String) -> (StatusCode, String) {
    let number = {
        let mut asked = khalti.asked.lock().unwrap();
        asked.push(serde_json::from_str(&body).expect("JSON"));
        asked.len()
    };
    let mut mood = khalti.mood.lock().unwrap().clone();
    if let Mood::Meet(meeting) = mood {
        mood = meeting.turn(number).await;
    }
    match mood {
        Mood::Open | Mood::Meet(..) => (StatusCode::OK, opened(number, khalti.link_ends)),
        Mood::Refuse => (
            StatusCode::BAD_REQUEST,
            json!({"amount": ["Amount should be greater than Rs. 10"], "error_key": "validation_error"})
                .to_string(),
        ),
        Mood::Fail => (StatusCode::INTERNAL_SERVER_ERROR, "oops".to_owned()),
    }
}

fn opened(number: usize, link_ends: DateTime<Utc>) -> String {
    json!({"pidx": format!("pidx{number}"), "payment_url": format!("https://khalti.test/?pidx=pidx{number}"),
           "expires_at": link_ends.to_rfc3339(), "expires_in": 3600})
    .to_string()
}
