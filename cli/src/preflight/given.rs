//! What is to be deployed, taken from where `sam deploy` takes it: samconfig.toml, and what is typed after it.

use crate::exit::BadInput;
use crate::preflight::template::Values;
use anyhow::{Context, anyhow};
use std::fs;
use std::path::Path;
use toml::{Table, Value};

/// What `sam deploy` would be given.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The stack's name.
    pub stack_name: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The profile of the credentials.
    pub profile: Option<String>,
    /// The parameters; those that are not here keep their value, or have their default.
    pub parameters: Values,
}

impl Given {
    /// Reads what a file says for one environment. As with SAM, an environment takes nothing from `default`.
    ///
    /// # Errors
    /// [`BadInput`] when the file can't be read, is no TOML, has no such environment, or parameters in no form of SAM's.
    pub fn of_file(path: &Path, environment: &str) -> anyhow::Result<Self> {
        Self::read_file(path, environment)
            .map_err(|error| BadInput::of(error.context(path.display().to_string())).into())
    }

    fn read_file(path: &Path, environment: &str) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).context("it can't be read; give --config-file")?;
        let table: Table = text.parse().context("it is no TOML")?;
        let section = table.get(environment).ok_or_else(|| {
            let known: Vec<&str> = table
                .keys()
                .map(String::as_str)
                .filter(|key| *key != "version")
                .collect();
            anyhow!("it has no environment {environment}; it has {}", known.join(", "))
        })?;
        let asked = |key: &str| {
            ["deploy", "global"]
                .into_iter()
                .find_map(|command| section.get(command)?.get("parameters")?.get(key))
                .cloned()
        };
        let text = |key: &str| asked(key).and_then(|value| value.as_str().map(str::to_owned));
        Ok(Self {
            stack_name: text("stack_name"),
            region: text("region"),
            profile: text("profile"),
            parameters: asked("parameter_overrides")
                .map_or(Ok(Values::new()), |overrides| of_overrides(&overrides))?,
        })
    }
}

/// The three forms that SAM takes in a file: one text, a list of texts, a table.
fn of_overrides(overrides: &Value) -> anyhow::Result<Values> {
    match overrides {
        Value::String(text) => parse(std::slice::from_ref(text)),
        Value::Array(members) => {
            let texts: Option<Vec<String>> = members
                .iter()
                .map(|member| member.as_str().map(str::to_owned))
                .collect();
            parse(&texts.ok_or_else(|| anyhow!("parameter_overrides is a list of other things than texts"))?)
        }
        Value::Table(entries) => Ok(entries
            .iter()
            .map(|(name, value)| (name.clone(), of_value(value)))
            .collect()),
        other => Err(anyhow!("parameter_overrides is a {}", other.type_str())),
    }
}

/// A member of a table: a list becomes the text that CloudFormation takes for one.
fn of_value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(members) => members.iter().map(of_value).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// Reads `Name=value`, also several in one text, as in samconfig.toml, and the older `ParameterKey=Name,ParameterValue=value`.
///
/// # Errors
/// [`BadInput`] that names what has no name, or is given twice with two values.
pub fn parse(overrides: &[String]) -> anyhow::Result<Values> {
    let mut values = Values::new();
    for word in overrides.iter().flat_map(|text| words(text)) {
        let (name, value) = pair(&word).ok_or_else(|| {
            BadInput::of(anyhow!(
                "{word:?} is no parameter; write Name=value, with quotes around a value that has blanks"
            ))
        })?;
        if let Some(other) = values
            .insert(name.clone(), value.clone())
            .filter(|other| *other != value)
        {
            return Err(BadInput::of(anyhow!("{name} is given twice, as {other:?} and as {value:?}")).into());
        }
    }
    Ok(values)
}

/// One text has several parameters when each of its words is one; else its blanks are the value's.
fn words(text: &str) -> Vec<String> {
    match shlex::split(text) {
        Some(words) if words.iter().all(|word| pair(word).is_some()) => words,
        _ => vec![text.to_owned()],
    }
}

fn pair(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    if name == "ParameterKey" {
        let (name, value) = value.split_once(",ParameterValue=")?;
        return Some((name.to_owned(), value.to_owned()));
    }
    let is_name = !name.is_empty() && name.chars().all(|character| character.is_ascii_alphanumeric());
    is_name.then(|| (name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn of(text: &str, environment: &str) -> anyhow::Result<Given> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Given::of_file(file.path(), environment)
    }

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_projects_own_file_is_read_as_sam_reads_it() {
        let given = of(include_str!("../../../samconfig.toml"), "prod").unwrap();
        assert_eq!(given.stack_name.as_deref(), Some("makegood-prod"));
        assert_eq!(given.region, None, "an environment takes nothing from default");
        assert_eq!(
            given.parameters,
            values(&[
                ("Alarms", "yes"),
                ("Canary", "true"),
                ("LogLevel", "INFO"),
                ("LogRetentionDays", "90")
            ])
        );
    }

    #[test]
    fn each_form_of_overrides_means_the_same() {
        let meant = values(&[
            ("EsewaProductCode", "A SHOP"),
            ("VpcSubnetIds", "subnet-1,subnet-2"),
        ]);
        for form in [
            r#""EsewaProductCode=\"A SHOP\" VpcSubnetIds=subnet-1,subnet-2""#,
            r#"["EsewaProductCode=A SHOP", "VpcSubnetIds=subnet-1,subnet-2"]"#,
            r#"{ EsewaProductCode = "A SHOP", VpcSubnetIds = ["subnet-1", "subnet-2"] }"#,
            r#""ParameterKey=EsewaProductCode,ParameterValue='A SHOP' ParameterKey=VpcSubnetIds,ParameterValue=subnet-1,subnet-2""#,
        ] {
            let given = of(
                &format!("[prod.deploy.parameters]\nparameter_overrides = {form}\n"),
                "prod",
            )
            .unwrap();
            assert_eq!(given.parameters, meant, "{form}");
        }
    }

    #[test]
    fn what_can_t_be_read_is_named_with_the_next_step() {
        for (text, said) in [
            (
                "[dev.deploy.parameters]",
                "it has no environment prod; it has dev",
            ),
            ("[prod", "it is no TOML"),
            (
                "[prod.deploy.parameters]\nparameter_overrides = \"Shop yes\"",
                "\"Shop yes\" is no parameter; write Name=value",
            ),
            (
                "[prod.deploy.parameters]\nparameter_overrides = \"Shop=yes Shop=no\"",
                "Shop is given twice, as \"yes\" and as \"no\"",
            ),
            (
                "[prod.deploy.parameters]\nparameter_overrides = 1",
                "parameter_overrides is a integer",
            ),
        ] {
            let error = of(text, "prod").unwrap_err();
            assert!(
                error.is::<BadInput>() && format!("{error:#}").contains(said),
                "{said}: {error:#}"
            );
        }
    }
}
