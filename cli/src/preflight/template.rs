//! The template as a document: its parameters, and what they allow.

use anyhow::{Context, bail};
use regex::Regex;
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A parameter's value, as CloudFormation has it: text.
pub type Values = BTreeMap<String, String>;

/// What CloudFormation says in place of a parameter that it does not show.
const HIDDEN: &str = "****";

/// The document, with the short forms of functions (`!Ref`) written out.
#[derive(Debug)]
pub struct Template(Value);

impl Template {
    /// Reads a template in YAML.
    ///
    /// # Errors
    /// When it is no YAML, or has no parameters and resources.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let documents = Yaml::load_from_str(text).context("it is no YAML")?;
        let document = documents.first().map_or(Value::Null, plain);
        if !document["Parameters"].is_object() || !document["Resources"].is_object() {
            bail!("it is no template: it has no Parameters or no Resources");
        }
        Ok(Self(document))
    }

    /// Each parameter with its default; an empty text where it has none.
    pub fn defaults(&self) -> Values {
        let default = |parameter: &Value| text_of(&parameter["Default"]);
        self.entries("Parameters")
            .map(|(name, parameter)| (name.clone(), default(parameter)))
            .collect()
    }

    /// What is wrong with these values in themselves: a name that the template does not have, a value that it does not allow.
    pub fn misfits(&self, given: &Values) -> Vec<String> {
        let known = &self.0["Parameters"];
        let misfit = |(name, value): (&String, &String)| match known.get(name) {
            None => Some(format!(
                "{name} is no parameter of the template{}",
                self.meant(name)
            )),
            // In a stack that is there, CloudFormation does not show it.
            Some(parameter) if parameter["NoEcho"] == true && value == HIDDEN => None,
            // One that is not shown when it is typed may hold a password.
            Some(parameter) if parameter["NoEcho"] == true => {
                misfit(parameter, value).map(|why| format!("{name} can't be taken; {why}"))
            }
            Some(parameter) => misfit(parameter, value).map(|why| format!("{name} is {value:?}; {why}")),
        };
        given.iter().filter_map(misfit).collect()
    }

    /// The document itself.
    pub fn document(&self) -> &Value {
        &self.0
    }

    fn meant(&self, name: &str) -> String {
        let same = |known: &&String| known.eq_ignore_ascii_case(name);
        self.entries("Parameters")
            .map(|(known, _)| known)
            .find(same)
            .map_or_else(String::new, |known| format!("; {known} is"))
    }

    fn entries(&self, section: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.0[section].as_object().into_iter().flatten()
    }
}

/// Why a parameter does not allow this value.
fn misfit(parameter: &Value, value: &str) -> Option<String> {
    let allowed = parameter["AllowedValues"]
        .as_array()
        .map(|allowed| allowed.iter().map(text_of).collect::<Vec<_>>());
    if let Some(allowed) = allowed.filter(|allowed| !allowed.iter().any(|allowed| allowed == value)) {
        return Some(format!("it may be {}", allowed.join(", ")));
    }
    if let Some(pattern) = parameter["AllowedPattern"].as_str() {
        // CloudFormation asks whether the whole value matches.
        let whole = Regex::new(&format!("^(?:{pattern})$")).ok()?;
        if !whole.is_match(value) {
            let words = parameter["ConstraintDescription"].as_str();
            return Some(format!(
                "it must be {}",
                words.map_or_else(|| format!("like {pattern}"), str::to_owned)
            ));
        }
    }
    if parameter["Type"] == "Number" {
        let Ok(number) = value.parse::<i64>() else {
            return Some("it must be a whole number".to_owned());
        };
        let (least, most) = (parameter["MinValue"].as_i64(), parameter["MaxValue"].as_i64());
        if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
            let bound = |bound: Option<i64>, word: &str| bound.map(|bound| format!("{word} {bound}"));
            let bounds: Vec<String> = [bound(least, "at least"), bound(most, "at most")]
                .into_iter()
                .flatten()
                .collect();
            return Some(format!("it must be {}", bounds.join(" and ")));
        }
    }
    let is_short = parameter["MinLength"]
        .as_u64()
        .is_some_and(|least| (value.chars().count() as u64) < least);
    is_short.then(|| "it must not be empty".to_owned())
}

/// A scalar as text, the way CloudFormation compares it.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(members) => members.iter().map(text_of).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// A node of YAML in the forms of JSON; a tag becomes the function that it is short for.
fn plain(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Tagged(tag, inner) => {
            let function = match tag.suffix.as_str() {
                "Ref" | "Condition" => tag.suffix.clone(),
                other => format!("Fn::{other}"),
            };
            json!({ function: plain(inner) })
        }
        Yaml::Sequence(members) => members.iter().map(plain).collect(),
        Yaml::Mapping(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| (text_of(&plain(key)), plain(value)));
            Value::Object(entries.collect())
        }
        Yaml::Value(Scalar::Boolean(truth)) => json!(truth),
        Yaml::Value(Scalar::Integer(number)) => json!(number),
        Yaml::Value(Scalar::FloatingPoint(number)) => json!(number.into_inner()),
        Yaml::Value(Scalar::String(text)) => json!(text),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real() -> Template {
        Template::read(include_str!("../../../template.yaml")).unwrap()
    }

    #[test]
    fn a_value_that_the_template_does_not_allow_is_named_with_what_it_may_be() {
        let given: Values = [
            ("Scale", "large"),
            ("adminserviceurl", "https://a.example.com"),
            ("AdminServiceUrl", "http://a.example.com"),
            ("EsewaLinkMinutes", "half"),
            ("PriceGraceMinutes", "1441"),
            ("ZoneA", "use1-az1"),
            ("RedisUrl", ""),
            ("DatabaseVersion", "16.15"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let misfits = real().misfits(&given);
        for said in [
            "Scale is \"large\"; it may be small, full",
            "adminserviceurl is no parameter of the template; AdminServiceUrl is",
            "AdminServiceUrl is \"http://a.example.com\"; it must be an https:// address, or http:// on this machine for a local stack",
            "EsewaLinkMinutes is \"half\"; it must be a whole number",
            "PriceGraceMinutes is \"1441\"; it must be at least 0 and at most 1440",
            "RedisUrl can't be taken; it must be a redis:// or rediss:// URL without a login, or -; a URL with a login goes into Secrets \
             Manager, and its ARN into RedisUrlSecretArn",
        ] {
            assert!(misfits.contains(&said.to_owned()), "{said}: {misfits:#?}");
        }
        assert!(
            misfits
                .iter()
                .any(|misfit| misfit.starts_with("ZoneA is \"use1-az1\"; it must be like")),
            "{misfits:#?}"
        );
        assert_eq!(misfits.len(), 7, "{misfits:#?}");
    }

    #[test]
    fn what_is_not_shown_when_it_is_typed_is_not_shown_here() {
        let template = Template::read(include_str!("../../../template.yaml")).unwrap();
        for (name, value) in [
            ("DatabaseUrl", "postgres://me:hush@example.com/m"),
            ("RedisUrl", "rediss://:hush@example.com"),
        ] {
            let said = template
                .misfits(&Values::from([(name.to_owned(), value.to_owned())]))
                .join("; ");
            assert!(
                said.starts_with(&format!("{name} can't be taken; it must be a ")),
                "{said}"
            );
            assert!(!said.contains("hush"), "{said}");
        }
    }

    #[test]
    fn what_is_no_template_is_refused() {
        assert!(Template::read("a: [").is_err());
        assert!(Template::read("").is_err());
        assert!(Template::read("Parameters: {}").is_err());
    }
}
