//! A buyer's browser, as far as a payment page needs one: posts a form, follows redirects, reads the buttons, presses one.

use anyhow::{Context, Result, bail};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use std::collections::BTreeMap;
use std::time::Duration;

const MOST_REDIRECTS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(20);

/// A browser.
#[derive(Debug, Clone)]
pub(super) struct Browser {
    http: Client,
}

/// A page that is open.
#[derive(Debug)]
pub(super) struct Page {
    url: Url,
    html: String,
}

/// Where a press of a button led.
#[derive(Debug)]
pub(super) enum Led {
    /// Back to the shop, with this in the address.
    Home(BTreeMap<String, String>),
    /// To another page of the gateway.
    Page,
}

impl Browser {
    /// A new one.
    pub(super) fn open() -> Result<Self> {
        let http = Client::builder()
            .redirect(Policy::none())
            .timeout(PATIENCE)
            .build()?;
        Ok(Self { http })
    }

    /// Goes to the gateway as the checkout says: with a form to post, or a link to follow.
    pub(super) async fn go(&self, url: &str, form: Option<&BTreeMap<String, String>>) -> Result<Page> {
        let url = Url::parse(url).with_context(|| format!("the payment's address {url:?} is none"))?;
        let answer = match form {
            Some(fields) => self.post(&url, fields).await?,
            None => self.http.get(url.clone()).send().await?,
        };
        let (url, answer) = self.follow(url, answer, None).await?;
        let (status, html) = (answer.status(), answer.text().await?);
        if status != StatusCode::OK {
            bail!("the gateway answers {status}: {}", text_of(&html));
        }
        Ok(Page { url, html })
    }

    /// Presses the button with this text, and follows until home or until there is another page.
    pub(super) async fn press(&self, page: &Page, button: &str, home: &Url) -> Result<Led> {
        let Some(action) = action_of(&page.html, button) else {
            bail!("there is no button {button:?}: {}", text_of(&page.html));
        };
        let url = page.url.join(&action)?;
        let answer = self.post(&url, &BTreeMap::new()).await?;
        let (url, answer) = self.follow(url, answer, Some(home)).await?;
        if is_at(&url, home) {
            return Ok(Led::Home(url.query_pairs().into_owned().collect()));
        }
        let status = answer.status();
        if !status.is_success() {
            bail!("the gateway answers {status}: {}", text_of(&answer.text().await?));
        }
        Ok(Led::Page)
    }

    async fn post(&self, url: &Url, fields: &BTreeMap<String, String>) -> Result<Response> {
        let mut form = url.clone();
        form.query_pairs_mut().clear().extend_pairs(fields);
        let body = form.query().unwrap_or_default().to_owned();
        let request = self.http.post(url.clone());
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        Ok(request.body(body).send().await?)
    }

    /// Follows redirects; one that leads home is where it ends, since the shop's page is the caller.
    async fn follow(
        &self,
        mut url: Url,
        mut answer: Response,
        home: Option<&Url>,
    ) -> Result<(Url, Response)> {
        for _ in 0..MOST_REDIRECTS {
            let Some(location) = answer.headers().get(LOCATION) else {
                return Ok((url, answer));
            };
            url = url.join(location.to_str()?)?;
            if home.is_some_and(|home| is_at(&url, home)) {
                return Ok((url, answer));
            }
            answer = self.http.get(url.clone()).send().await?;
        }
        bail!("{url} redirects without end")
    }
}

fn is_at(url: &Url, home: &Url) -> bool {
    url.origin() == home.origin() && url.path() == home.path()
}

/// Where the button with this text sends its form.
fn action_of(html: &str, text: &str) -> Option<String> {
    let buttons = html.split("<button").skip(1);
    let mut found = buttons.filter_map(|rest| {
        let (button, _) = rest.split_once("</button>")?;
        let (attributes, label) = button.split_once('>')?;
        let (_, action) = attributes.split_once("formaction=\"")?;
        (label == text).then(|| action.split('"').next().unwrap_or_default().to_owned())
    });
    found.next()
}

/// What a person would read, for a message.
fn text_of(html: &str) -> String {
    let body = html.rsplit("</style>").next().unwrap_or_default();
    let words: String = body
        .split('<')
        .filter_map(|part| part.split_once('>').map(|(_, text)| text))
        .collect::<Vec<_>>()
        .join(" ");
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_button_is_found_by_what_it_says() {
        let html = "<style>x</style><h1>eSewa</h1><button class=pay formaction=\"/pay/1/pay\">Pay</button>\
                    <button formaction=\"/pay/1/cancel\">Cancel</button>";
        assert_eq!(action_of(html, "Cancel").as_deref(), Some("/pay/1/cancel"));
        assert_eq!(action_of(html, "Pay").as_deref(), Some("/pay/1/pay"));
        assert_eq!(action_of(html, "Refund"), None);
        assert_eq!(text_of(html), "eSewa Pay Cancel");
    }
}
