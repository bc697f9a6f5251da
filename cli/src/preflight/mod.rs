//! `makegood preflight`.

mod ask;
mod call;
mod deployment;
mod element;
mod given;
mod look;
mod plan;
mod row;
mod tables;
mod template;

use crate::exit::{self, BadInput};
use crate::output::Output;
use anyhow::{Context, anyhow};
use ask::Account;
use call::{IDENTITY, Of, Resources};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use element::Element;
use given::Given;
use makegood::clock::Clock;
use plan::Plan;
use row::{Row, Verdict};
use serde::Serialize;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use template::Template;

/// Say what a deployment would fail at, what is a risk, and what it costs, before anything is made.
///
/// Takes what `sam deploy` takes, and asks the account: the stack's state, quotas, zones, a given network, database, secrets,
/// topic, MSK cluster and certificate. It reads only, and never a secret's value; --policy prints what its credentials need.
///
/// Examples:
///   makegood preflight --config-env prod --parameter-overrides AdminServiceUrl=https://admin.example.com Pipelines=course
///   makegood preflight --stack-name makegood-prod --region ap-south-1 --profile prod --json
///   makegood preflight --config-env prod --policy > policy.json
///   DATABASE_URL=postgres://… makegood preflight --config-env prod --check-database
///
/// Exit code: 0 nothing would fail; 1 something would, or could not be asked; 2 wrong usage; 3 the account could not be reached.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// The environment of samconfig.toml. As with SAM, its parameter_overrides hold where none are typed.
    #[arg(long, value_name = "NAME")]
    config_env: Option<String>,
    /// Where that file is.
    #[arg(long, value_name = "FILE", default_value = "samconfig.toml")]
    config_file: PathBuf,
    /// The template.
    #[arg(long, value_name = "FILE", default_value = "template.yaml")]
    template_file: PathBuf,
    /// The stack's name, in place of that file's.
    #[arg(long, value_name = "NAME")]
    stack_name: Option<String>,
    /// The region, in place of that file's and the profile's.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The profile of the credentials.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Parameters of the template, in place of that file's.
    #[arg(long, value_name = "Name=value", num_args = 1..)]
    parameter_overrides: Vec<String>,
    /// Print the IAM policy that allows what preflight asks with these parameters, and ask nothing.
    #[arg(long)]
    policy: bool,
    /// Look also at the tables of the database that `DATABASE_URL` names, as `makegood check-database` does: for a stack over a database that is
    /// there. Give it the login of the functions.
    #[arg(long, conflicts_with = "policy")]
    check_database: bool,
}

/// What was seen.
#[derive(Debug, Serialize)]
struct Report {
    account: String,
    region: String,
    stack: String,
    rows: Vec<Row>,
}

/// Runs the command.
///
/// # Errors
/// [`BadInput`] for what was typed, or is in a file; others when the account can't be reached at all.
pub async fn run(arguments: &Arguments, output: Output, clock: Clock) -> anyhow::Result<ExitCode> {
    let given = given(arguments)?;
    let text = fs::read_to_string(&arguments.template_file).context("it can't be read; give --template-file");
    let template = text.and_then(|text| Template::read(&text));
    let template = template
        .map_err(|error| BadInput::of(error.context(arguments.template_file.display().to_string())))?;
    let stack_name = given
        .stack_name
        .as_deref()
        .ok_or_else(|| BadInput::of(anyhow!("no stack is named; give --config-env, or --stack-name")))?;
    if arguments.policy {
        let plan = Plan::of(&template, stack_name, &given.parameters, None);
        output.plain(&serde_json::to_string_pretty(&call::policy(&resources(&plan)?))?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let bar = output.waiting_for("asking the account")?;
    let report = report(&given, &template, stack_name).await;
    bar.finish_and_clear();
    let mut report = report?;
    if arguments.check_database {
        report.rows.extend(tables::rows(clock).await);
        report.rows.sort_by_key(|row| row.verdict);
    }
    output.answer(&report, &lines(&report))?;
    let is_well = |row: &Row| !matches!(row.verdict, Verdict::Fails | Verdict::Unasked);
    Ok(exit::of(report.rows.iter().all(is_well)))
}

/// What the file says, and what is typed in its place.
fn given(arguments: &Arguments) -> anyhow::Result<Given> {
    let of_file = |environment: &String| Given::of_file(&arguments.config_file, environment);
    let mut given = arguments
        .config_env
        .as_ref()
        .map_or(Ok(Given::default()), of_file)?;
    if !arguments.parameter_overrides.is_empty() {
        given.parameters = given::parse(&arguments.parameter_overrides)?;
    }
    given.stack_name = arguments.stack_name.clone().or(given.stack_name);
    given.region = arguments.region.clone().or(given.region);
    given.profile = arguments.profile.clone().or(given.profile);
    Ok(given)
}

async fn report(given: &Given, template: &Template, stack_name: &str) -> anyhow::Result<Report> {
    let account = Account::open(given.profile.as_deref(), given.region.as_deref()).await?;
    let identity = account
        .xml(&IDENTITY, &[])
        .await
        .map_err(|refusal| anyhow!("who asks is not known: {refusal}"))?;
    let present = look::present(&account, stack_name).await;
    let plan = Plan::of(template, stack_name, &given.parameters, present.parameters);
    let mut rows = vec![present.row];
    rows.extend(look::parameters(template, &plan, &given.parameters)?);
    rows.extend(look::all(&account, &plan).await?);
    rows.sort_by_key(|row| row.verdict);
    let id = identity
        .first()
        .and_then(|answer: &Element| answer.find_ignoring_case("Account"))
        .unwrap_or_default();
    Ok(Report {
        account: id,
        region: account.region.clone(),
        stack: stack_name.to_owned(),
        rows,
    })
}

/// What the policy can name.
fn resources(plan: &Plan<'_>) -> anyhow::Result<Resources> {
    let given = |parameter: &str| match plan.after.given(parameter) {
        "" => vec![],
        arn => vec![arn.to_owned()],
    };
    let secrets = plan
        .after
        .secrets()?
        .into_iter()
        .map(|(_, arn)| arn.to_owned())
        .collect();
    Ok(Resources {
        named: vec![
            (
                Of::Stack,
                vec![format!("arn:*:cloudformation:*:*:stack/{}/*", plan.stack_name)],
            ),
            (Of::Secrets, secrets),
            (Of::Topic, given("AlarmTopicArn")),
            (Of::Cluster, given("MskClusterArn")),
            (Of::Certificate, given("DomainCertificateArn")),
        ],
    })
}

fn lines(report: &Report) -> Vec<String> {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["", "about", "what was seen, and the next step"]);
    for row in &report.rows {
        let next = if row.next.is_empty() {
            String::new()
        } else {
            format!("\n→ {}", row.next)
        };
        table.add_row([mark(row.verdict), row.about, &format!("{}{next}", row.says)]);
    }
    let count = |verdict: Verdict| report.rows.iter().filter(|row| row.verdict == verdict).count();
    vec![
        format!(
            "{} in {}, account {}",
            report.stack, report.region, report.account
        ),
        table.to_string(),
        format!(
            "{} would fail, {} not asked, {} risks. Nothing was changed. Runbook: docs/deploy.md",
            count(Verdict::Fails),
            count(Verdict::Unasked),
            count(Verdict::Risk)
        ),
    ]
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fails => "✗ fails",
        Verdict::Unasked => "? not asked",
        Verdict::Risk => "! risk",
        Verdict::Costs => "$ costs",
        Verdict::Fine => "✓ fine",
    }
}
