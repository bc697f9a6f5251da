//! An HTTP endpoint that behaves as a server in trouble does, whatever it is asked.

use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How it treats its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Takes the link and the request, and answers nothing.
    Silent,
    /// Answers 200 and sends its body a byte a tenth of a second, without end.
    Trickles,
    /// Answers 200 with an empty object.
    NamesNothing,
    /// Answers 200 with no body at all.
    SaysNothing,
}

impl Manner {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Silent,
        Self::Trickles,
        Self::NamesNothing,
        Self::SaysNothing,
    ];
    /// Those that never come to an end.
    pub const ENDLESS: [Self; 2] = [Self::Silent, Self::Trickles];
}

/// A running endpoint.
#[derive(Debug)]
pub struct Misbehaving {
    url: String,
}

impl Misbehaving {
    /// Starts one on a free port.
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            while let Ok((link, _)) = listener.accept().await {
                tokio::spawn(serve(link, manner));
            }
        });
        Self { url }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// A caller that hangs up ends it.
async fn serve(mut link: TcpStream, manner: Manner) {
    while read_request(&mut link).await {
        let (body, length) = match manner {
            Manner::Silent => continue,
            Manner::Trickles => ("", 1_000_000),
            Manner::NamesNothing => ("{}", 2),
            Manner::SaysNothing => ("", 0),
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {length}\r\n\r\n"
        );
        if link.write_all(format!("{head}{body}").as_bytes()).await.is_err() {
            return;
        }
        if manner == Manner::Trickles {
            trickle(&mut link).await;
            return;
        }
    }
}

/// A byte each tenth of a second, until the caller hangs up.
async fn trickle(link: &mut TcpStream) {
    const TENTH: Duration = Duration::from_millis(100);
    while link.write_all(b" ").await.is_ok() {
        tokio::time::sleep(TENTH).await;
    }
}

/// Reads one request, its body included; false when the caller hung up.
async fn read_request(link: &mut TcpStream) -> bool {
    const HEAD_END: &[u8] = b"\r\n\r\n";
    let mut read = Vec::new();
    let mut buffer = vec![0; 65_536];
    loop {
        let head_end = read.windows(HEAD_END.len()).position(|bytes| bytes == HEAD_END);
        if let Some(head_end) = head_end {
            let head = String::from_utf8_lossy(&read[..head_end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
            if read.len() >= head_end + HEAD_END.len() + length {
                return true;
            }
        }
        match link.read(&mut buffer).await {
            Ok(0) | Err(_) => return false,
            Ok(more) => read.extend_from_slice(&buffer[..more]),
        }
    }
}
