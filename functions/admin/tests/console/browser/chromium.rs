//! Debian's Chromium, driven through ChromeDriver.

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use reqwest::Url;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};
use url::ParseError;

const DRIVER: &str = "/usr/bin/chromedriver";
const BROWSER: &str = "/usr/bin/chromium";
/// How long a test waits for what must come; reached only when it does not.
const PATIENCE: Duration = Duration::from_secs(30);

/// How large the page is.
#[derive(Debug, Clone, Copy)]
pub enum Screen {
    Desktop,
    Phone,
}

/// A browser with a profile of its own, ended with [`Browser::close`] or when dropped.
pub struct Browser {
    pub page: Client,
    driver: Child,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts one; panics with the next step when it is not installed.
    pub async fn start(screen: Screen) -> Self {
        for program in [DRIVER, BROWSER] {
            assert!(
                Path::new(program).exists(),
                "{program} is not there: local/stack/install.sh browser installs it"
            );
        }
        let profile = tempfile::tempdir().expect("a folder");
        let (driver, url) = start_driver(profile.path()).await;
        let page = ClientBuilder::new(hyper_util_connector())
            .capabilities(capabilities(screen, profile.path()))
            .connect(&url)
            .await;
        Self {
            page: page.expect("Chromium starts"),
            driver,
            _profile: profile,
        }
    }

    /// Opens an address and waits until it is there.
    pub async fn open(&self, address: &str) {
        self.page.goto(address).await.expect("the page opens");
    }

    /// The element, waited for.
    pub async fn find(&self, css: &str) -> fantoccini::elements::Element {
        let found = self
            .page
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(css))
            .await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("{css} is not there ({error}):\n{}", self.text().await),
        }
    }

    /// Clicks the link or button that says this.
    pub async fn press(&self, text: &str) {
        let path = format!("//*[self::a or self::button][contains(normalize-space(.), \"{text}\")]");
        let found = self
            .page
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::XPath(&path))
            .await;
        match found {
            Ok(element) => element.click().await.expect("it can be pressed"),
            Err(error) => panic!("nothing says {text:?} ({error}):\n{}", self.text().await),
        }
    }

    /// Replaces what stands in a field.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.expect("it can be emptied");
        field.send_keys(text).await.expect("it can be filled");
    }

    /// What the page says.
    pub async fn text(&self) -> String {
        self.run("return document.body.innerText")
            .await
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Waits until the page says this; panics with what it says instead.
    pub async fn says(&self, text: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let shown = self.text().await;
            if shown.contains(text) {
                return;
            }
            assert!(Instant::now() < until, "the page does not say {text:?}:\n{shown}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Runs a script of the test's own: the driver's scripts are not the page's, so its policy allows them.
    pub async fn run(&self, script: &str) -> Value {
        self.page
            .execute(script, Vec::new())
            .await
            .expect("the script runs")
    }

    /// Keeps a picture of the page, from its head down to what a long one has at 3,000 px.
    pub async fn keep(&self, name: &str) {
        let size = self
            .run("return [window.innerWidth, document.documentElement.scrollHeight]")
            .await;
        let height = size[1].as_u64().unwrap_or(900).clamp(600, 3_000);
        let asked = DevTools {
            cmd: "Page.captureScreenshot",
            params: json!({"captureBeyondViewport": true,
                           "clip": {"x": 0, "y": 0, "width": size[0], "height": height, "scale": 1}}),
        };
        let picture = self.page.issue_cmd(asked).await.expect("a picture");
        let picture = STANDARD
            .decode(picture["data"].as_str().expect("its data"))
            .expect("base64");
        let folder = screenshots();
        std::fs::create_dir_all(&folder).expect("a folder for screenshots");
        std::fs::write(folder.join(format!("{name}.png")), picture).expect("the picture is kept");
    }

    /// As a person who prefers dark pages sees it.
    pub async fn prefer_dark(&self) {
        let asked = DevTools {
            cmd: "Emulation.setEmulatedMedia",
            params: json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]}),
        };
        self.page.issue_cmd(asked).await.expect("Chromium prefers dark");
    }

    /// Ends the browser.
    pub async fn close(mut self) {
        self.page.clone().close().await.expect("the browser ends");
        self.driver.kill().await.expect("the driver ends");
    }
}

/// A command of Chromium's own, which ChromeDriver passes on.
#[derive(Debug)]
struct DevTools {
    cmd: &'static str,
    params: Value,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!(
            "session/{}/goog/cdp/execute",
            session.unwrap_or_default()
        ))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (
            Method::POST,
            Some(json!({"cmd": self.cmd, "params": self.params}).to_string()),
        )
    }
}

fn screenshots() -> PathBuf {
    let state = std::env::var_os("MAKEGOOD_STATE").map(PathBuf::from);
    state
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.local"))
        .join("screenshots")
}

fn hyper_util_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}

async fn start_driver(home: &Path) -> (Child, String) {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let driver = Command::new(DRIVER)
        .arg(format!("--port={}", address.port()))
        .env("HOME", home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("ChromeDriver starts");
    let until = Instant::now() + PATIENCE;
    while tokio::net::TcpStream::connect(address).await.is_err() {
        assert!(Instant::now() < until, "ChromeDriver does not listen");
        sleep(Duration::from_millis(20)).await;
    }
    (driver, format!("http://{address}"))
}

fn capabilities(screen: Screen, profile: &Path) -> Capabilities {
    let mut arguments = vec![
        "--headless".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-quic".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--force-prefers-reduced-motion".to_owned(),
        "--window-size=1200,900".to_owned(),
    ];
    arguments.push(format!("--user-data-dir={}", profile.join("profile").display()));
    let mut options = json!({"binary": BROWSER, "args": arguments});
    if matches!(screen, Screen::Phone) {
        options["mobileEmulation"] =
            json!({"deviceMetrics": {"width": 360, "height": 740, "pixelRatio": 1.0, "touch": true}});
    }
    let mut capabilities = Capabilities::new();
    capabilities.insert("goog:chromeOptions".to_owned(), options);
    capabilities
}
