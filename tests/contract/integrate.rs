//! The programs of `docs/integrate.md`, each run as it stands on the page: what they sign is what `receive-payment` believes.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use chrono::Utc;
use receive_payment::confirmation::{self, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use receive_payment::signature::{Keys, sign};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

const SECRET: &str = "a secret of the tests with 40 bytes & ' \"";

/// The fenced programs of the page, by language. One of each is there.
fn programs() -> BTreeMap<String, String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/integrate.md");
    let page = fs::read_to_string(page).expect("docs/integrate.md");
    let mut programs = BTreeMap::new();
    for block in page.split("\n```").skip(1).step_by(2) {
        let (language, program) = block.split_once('\n').expect("a language and a program");
        let earlier = programs.insert(language.to_owned(), program.to_owned() + "\n");
        assert_eq!(earlier, None, "two programs in {language}");
    }
    programs
}

/// What runs a program of this language, and the name of its file.
fn runner(language: &str) -> (&'static [&'static str], &'static str) {
    match language {
        "js" => (&["node"], "send.mjs"),
        "python" => (&["python3"], "send.py"),
        "go" => (&["go", "run"], "send.go"),
        "php" => (&["php"], "send.php"),
        "sh" => (&["sh"], "send.sh"),
        other => panic!("say here how {other} is run"),
    }
}

/// What a sender sent.
#[derive(Debug, Clone)]
struct Sent {
    signature: String,
    timestamp: String,
    body: Vec<u8>,
}

/// Answers as `receive-payment` does, up to the database.
async fn receive(
    State(all): State<Arc<Mutex<Vec<Sent>>>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (signature, timestamp) = (header(SIGNATURE_HEADER), header(TIMESTAMP_HEADER));
    let keys = Keys::read("the tests' secret", SECRET, 32).expect("a secret");
    if keys
        .verify_timed(signature, timestamp, &body, Utc::now())
        .is_err()
    {
        return (StatusCode::UNAUTHORIZED, "not believed");
    }
    if confirmation::read(&body).is_err() || header("content-type") != Some("application/json") {
        return (StatusCode::BAD_REQUEST, "not read");
    }
    let text = |value: Option<&str>| value.expect("believed").to_owned();
    let sent = Sent {
        signature: text(signature),
        timestamp: text(timestamp),
        body: body.to_vec(),
    };
    all.lock().expect("no panic").push(sent);
    (StatusCode::OK, "recorded")
}

fn run(program: &str, language: &str, url: &str) -> Option<Output> {
    let (command, file) = runner(language);
    let folder = std::env::temp_dir().join(format!("makegood-integrate-{}-{language}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join(file), program).expect("writable");
    let mut running = Command::new(command[0]);
    for proxy in [
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ] {
        running.env_remove(proxy);
    }
    running
        .env("MAKEGOOD_URL", url)
        .env("CONFIRMATION_SECRET", SECRET)
        .env("GOCACHE", folder.join("go"));
    let output = running
        .args(&command[1..])
        .arg(file)
        .current_dir(&folder)
        .output();
    fs::remove_dir_all(&folder).expect("removable");
    match output {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => panic!("{language}: {error}"),
    }
}

/// Node, Go and PHP are no tools of ours. `make contracts ARGS=--all` installs them, and wants all.
fn may_be_missing(language: &str) -> bool {
    !["python", "sh"].contains(&language) && std::env::var_os("MAKEGOOD_ALL_LANGUAGES").is_none()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_program_of_the_page_signs_what_is_believed() {
    let all = Arc::new(Mutex::new(Vec::new()));
    let router = Router::new()
        .route("/payments/confirmations", post(receive))
        .with_state(Arc::clone(&all));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let programs = programs();
    assert_eq!(
        programs.keys().collect::<Vec<_>>(),
        ["go", "js", "php", "python", "sh"]
    );
    for (language, program) in programs {
        let (url, named) = (url.clone(), language.clone());
        let output = tokio::task::spawn_blocking(move || run(&program, &named, &url))
            .await
            .expect("no panic");
        let Some(output) = output else {
            assert!(may_be_missing(&language), "{language} can't be run here");
            eprintln!("not tried: {language}, which is not installed");
            continue;
        };
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("200") && said.contains("recorded"),
            "{language}: {output:?}"
        );
        let sent: Sent = all.lock().expect("no panic").pop().expect("one request");
        assert_eq!(
            sent.signature,
            sign(SECRET, &[sent.timestamp.as_bytes(), b".", &sent.body]),
            "{language}"
        );
        assert!(String::from_utf8_lossy(&sent.body).contains("Caf"), "{language}");
    }
    server.abort();
}
