//! One HTTP client for both gateways, with a time limit on everything.

use super::GatewayError;
use crate::limits;
use reqwest::{Client, RequestBuilder, Url, redirect};
use std::error::Error;
use std::time::Duration;

/// More of a body than this is no gateway's answer; the rest is not read.
const LONGEST_BODY: usize = 65_536;

/// The client and its patience.
#[derive(Debug, Clone)]
pub(super) struct Http {
    pub(super) client: Client,
    pub(super) patience: Duration,
}

/// What came back, whatever it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Http {
    /// Connects nothing yet.
    pub(super) fn build(patience: Duration) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .connect_timeout(limits::GATEWAY.connect)
            .redirect(redirect::Policy::none())
            // Proxies would come from the environment behind config's back.
            .no_proxy()
            .build()?;
        Ok(Self { client, patience })
    }

    /// Sends it, and waits for the whole answer no longer than the patience, nor than the invocation lasts.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Reply, GatewayError> {
        self.send_for(request, LONGEST_BODY).await
    }

    /// As [`Self::send`], for an answer of at most so many bytes; the rest is not read.
    pub(super) async fn send_for(
        &self,
        request: RequestBuilder,
        longest: usize,
    ) -> Result<Reply, GatewayError> {
        match tokio::time::timeout(limits::at_most(self.patience), read(request, longest)).await {
            Err(_) => Err(GatewayError::TimedOut),
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) if error.is_timeout() => Err(GatewayError::TimedOut),
            Ok(Err(error)) => Err(GatewayError::Broken(describe(error))),
        }
    }
}

async fn read(request: RequestBuilder, longest: usize) -> Result<Reply, reqwest::Error> {
    let mut response = request.send().await?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while body.len() < longest
        && let Some(chunk) = response.chunk().await?
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(longest);
    Ok(Reply { status, body })
}

impl Reply {
    /// The error of a status under which no answer is expected.
    pub(super) fn failure(&self) -> GatewayError {
        let status = self.status;
        match status {
            408 | 425 | 429 | 500..=599 => GatewayError::Unavailable { status },
            400..=499 => GatewayError::Refused {
                status,
                reason: quote(&self.body),
            },
            _ => self.unreadable("the status is not in the protocol".to_owned()),
        }
    }

    /// Whether the key is not the merchant's, or not any more.
    pub(super) const fn refuses_the_key(&self) -> bool {
        matches!(self.status, 401 | 403)
    }

    /// The error of a body that is not in the protocol.
    pub(super) const fn unreadable(&self, reason: String) -> GatewayError {
        GatewayError::Unreadable {
            status: self.status,
            reason,
        }
    }
}

/// The chain of causes, without the address: it holds the payment's id.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// The beginning of what it said, in one line.
fn quote(body: &[u8]) -> String {
    const LONGEST_QUOTE: usize = 160;
    let text = String::from_utf8_lossy(body);
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(LONGEST_QUOTE).collect()
}

/// An address under this one, which may have a path of its own.
pub(super) fn below(base: &Url, path: &str) -> Url {
    let mut address = base.clone();
    address.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    address
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    /// A server that answers once, with so many kilobytes.
    fn server_of(kilobytes: usize) -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").unwrap();
            // Whoever has read enough goes away.
            let _ = (0..kilobytes).try_for_each(|_| stream.write_all(&[b'x'; 1024]));
        });
        format!("http://{address}")
    }

    #[tokio::test]
    async fn no_more_of_an_answer_is_read_than_a_gateway_has_to_say() {
        let http = Http::build(Duration::from_secs(5)).unwrap();
        for (kilobytes, read) in [(1, 1_024), (64, LONGEST_BODY), (100_000, LONGEST_BODY)] {
            let reply = http.send(http.client.get(server_of(kilobytes))).await.unwrap();
            assert_eq!(reply.body.len(), read);
        }
    }
}
