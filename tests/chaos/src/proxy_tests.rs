use super::*;
use std::time::Instant;

const SOON: Duration = Duration::from_secs(5);
const NOT_SOON: Duration = Duration::from_millis(300);

/// A server that says back what it hears.
async fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    address
}

async fn proxy() -> Proxy {
    Proxy::to(&echo().await, 1).await.unwrap()
}

/// What comes back; none when nothing does within this time, empty when the connection is closed.
async fn asked(stream: &mut TcpStream, within: Duration) -> Option<Vec<u8>> {
    let _ = stream.write_all(b"ping").await;
    let mut buffer = [0; 16];
    let read = tokio::time::timeout(within, stream.read(&mut buffer))
        .await
        .ok()?;
    Some(buffer[..read.unwrap_or(0)].to_vec())
}

#[tokio::test]
async fn a_wire_carries_bytes_and_closes_when_it_is_cut_or_refuses() {
    let proxy = proxy().await;
    let mut open = TcpStream::connect(&proxy.address).await.unwrap();
    assert_eq!(asked(&mut open, SOON).await.unwrap(), b"ping");
    proxy.cut();
    assert_eq!(asked(&mut open, SOON).await.unwrap(), b"");
    proxy.set(LinkFaults {
        refuses: true,
        ..LinkFaults::default()
    });
    let mut refused = TcpStream::connect(&proxy.address).await.unwrap();
    assert_eq!(asked(&mut refused, SOON).await.unwrap(), b"");
}

#[tokio::test]
async fn a_vanished_link_is_silent_for_good_and_a_new_one_works() {
    let proxy = proxy().await;
    let mut open = TcpStream::connect(&proxy.address).await.unwrap();
    assert_eq!(asked(&mut open, SOON).await.unwrap(), b"ping");
    proxy.vanish();
    assert_eq!(asked(&mut open, NOT_SOON).await, None);
    let mut new = TcpStream::connect(&proxy.address).await.unwrap();
    assert_eq!(asked(&mut new, SOON).await.unwrap(), b"ping");
    assert_eq!(asked(&mut open, NOT_SOON).await, None);
}

#[tokio::test]
async fn answers_come_late_or_not_at_all() {
    let proxy = proxy().await;
    proxy.set(LinkFaults {
        late_per_mille: 1_000,
        late_millis: (300, 300),
        ..LinkFaults::default()
    });
    let began = Instant::now();
    let mut late = TcpStream::connect(&proxy.address).await.unwrap();
    assert_eq!(asked(&mut late, SOON).await.unwrap(), b"ping");
    assert!(began.elapsed() >= Duration::from_millis(300));
    proxy.set(LinkFaults {
        lost_per_mille: 1_000,
        ..LinkFaults::default()
    });
    assert_eq!(asked(&mut late, SOON).await.unwrap(), b"");
}

/// A certificate and its key, made as `chaos_servers.sh` makes them.
fn certificate(name: &str) -> Certificate {
    let folder = std::env::temp_dir().join(format!("makegood-chaos-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (shown, key) = (folder.join("tls.crt"), folder.join("tls.key"));
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&shown)
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
    let certificate = Certificate::read(&shown, &key).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    certificate
}

/// How long the echo of this took.
async fn echoed(client: &mut tokio::process::Child, text: &str) -> Duration {
    let began = Instant::now();
    let mut answer = vec![0; text.len()];
    client
        .stdin
        .as_mut()
        .unwrap()
        .write_all(text.as_bytes())
        .await
        .unwrap();
    let read = client.stdout.as_mut().unwrap().read_exact(&mut answer);
    tokio::time::timeout(SOON, read).await.unwrap().unwrap();
    assert_eq!(answer, text.as_bytes());
    began.elapsed()
}

#[tokio::test]
async fn what_is_asked_within_tls_is_still_told_apart() {
    let proxy = Proxy::with_tls(&echo().await, 1, &certificate("tls"))
        .await
        .unwrap();
    proxy.set(LinkFaults {
        late_per_mille: 1_000,
        late_millis: (700, 700),
        late_to: Some("BEGIN"),
        ..LinkFaults::default()
    });
    let mut client = tokio::process::Command::new("openssl")
        .args([
            "s_client",
            "-quiet",
            "-starttls",
            "postgres",
            "-connect",
            &proxy.address,
        ])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    echoed(&mut client, "hello\n").await;
    assert!(echoed(&mut client, "SELECT 1\n").await < Duration::from_millis(700));
    assert!(echoed(&mut client, "BEGIN\n").await >= Duration::from_millis(700));
}
