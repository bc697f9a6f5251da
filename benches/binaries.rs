//! Size, start time and memory of each function's binary. The start time runs from the process's start to its first
//! request for an invocation, with nothing to connect to: what a cold start adds on top of Lambda's own. Run with
//! `make bench`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use makegood_tests::environment::binaries;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const FUNCTIONS: [&str; 14] = [
    "receive-payment",
    "create-purchase",
    "allocate-trainer",
    "schedule-sessions",
    "top-up-sessions",
    "invalidate-cache",
    "create-order-intent",
    "verify-payment",
    "finalize-order",
    "order-status",
    "sweep",
    "admin",
    "park-dead-letters",
    "migrate",
];
const STARTS: usize = 15;
const BYTES_A_MEGABYTE: u64 = 1_000_000;

fn main() {
    let folder = binaries();
    println!(
        "{:<20} {:>10} {:>14} {:>14} {:>12}",
        "function", "size, kB", "init p50, ms", "init max, ms", "memory, kB"
    );
    for function in FUNCTIONS {
        let binary = folder.join(function);
        let kilobytes = std::fs::metadata(&binary)
            .expect("`make bench` builds the binaries")
            .len()
            / 1_000;
        let mut starts: Vec<(Duration, u64)> = (0..STARTS).map(|_| start(function, &binary)).collect();
        starts.sort_unstable();
        let (median, memory) = starts[STARTS / 2];
        let (slowest, _) = starts[STARTS - 1];
        assert!(
            kilobytes * 1_000 < 100 * BYTES_A_MEGABYTE,
            "{function} is larger than a Lambda package may be"
        );
        println!(
            "{function:<20} {kilobytes:>10} {:>14} {:>14} {memory:>12}",
            tenths(median),
            tenths(slowest)
        );
    }
}

/// From the process's start to its first request, and its peak memory by then in kB.
fn start(function: &str, binary: &Path) -> (Duration, u64) {
    let runtime = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = runtime.local_addr().expect("an address").to_string();
    let started = Instant::now();
    let mut process = Command::new(binary)
        .env_clear()
        .envs(variables(function, &address))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let _connection = runtime
        .accept()
        .expect("the runtime asks for its first invocation");
    let elapsed = started.elapsed();
    let memory = peak_memory(process.id());
    process.kill().expect("the process is there");
    process.wait().expect("it ends");
    (elapsed, memory)
}

fn peak_memory(process: u32) -> u64 {
    let status =
        std::fs::read_to_string(PathBuf::from(format!("/proc/{process}/status"))).expect("Linux tells");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("the peak");
    line.split_whitespace()
        .nth(1)
        .and_then(|number| number.parse().ok())
        .expect("a number of kB")
}

fn tenths(duration: Duration) -> String {
    let micros = duration.as_micros();
    format!("{}.{}", micros / 1_000, micros % 1_000 / 100)
}

/// All that any of them needs to start; nothing answers at these addresses, and nothing should have to.
fn variables(function: &str, runtime: &str) -> Vec<(String, String)> {
    let nowhere = "http://127.0.0.1:9/000000000000/queue";
    [
        ("AWS_LAMBDA_RUNTIME_API", runtime),
        ("AWS_LAMBDA_FUNCTION_NAME", function),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("DATABASE_URL", "postgres://makegood@127.0.0.1:9/nowhere"),
        ("REDIS_URL", "redis://127.0.0.1:9"),
        ("ADMIN_SERVICE_URL", "http://127.0.0.1:9"),
        ("QUEUE_URL_PURCHASE_CONFIRMED", nowhere),
        ("QUEUE_URL_PURCHASE_CREATED", nowhere),
        ("QUEUE_URL_TRAINER_ALLOCATED", nowhere),
        ("QUEUE_URL_SESSIONS_GENERATED", nowhere),
        ("QUEUE_URL_SESSIONS_RESCHEDULED", nowhere),
        ("QUEUE_URL_ORDER_CONFIRMED", nowhere),
        ("QUEUE_URL_PURCHASE_ENDED", nowhere),
        ("QUEUE_URL_ORDER_REFUNDED", nowhere),
        ("DEAD_LETTER_QUEUE_URL", nowhere),
        ("RAZORPAY_WEBHOOK_SECRET", "a secret of the benches, long enough"),
        ("CONFIRMATION_SECRET", "a secret of the benches, long enough"),
        ("JOBS_QUEUE_URL", nowhere),
        ("ESEWA_BASE_URL", "http://127.0.0.1:9"),
        ("ESEWA_PRODUCT_CODE", "EPAYTEST"),
        ("STAGE", "sandbox"),
        ("ESEWA_SECRET", "bench"),
        ("KHALTI_BASE_URL", "http://127.0.0.1:9/api/v2"),
        ("KHALTI_SECRET", "bench"),
        ("PAYMENT_RETURN_URL", "http://127.0.0.1:9/shop"),
        ("OIDC_ISSUER", "http://127.0.0.1:9"),
        ("OIDC_CLIENT_ID", "bench"),
        ("CONSOLE_SECRET", "a secret of the benches, long enough"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}
