//! The template as CloudFormation would read it with these parameters: which conditions hold, what is made, which rule refuses.

use crate::preflight::template::{Template, Values, text_of};
use anyhow::{Context, anyhow, bail};
use serde_json::{Map, Value, json};

/// The template with a value for each parameter.
#[derive(Debug)]
pub struct Deployment<'a> {
    document: &'a Value,
    values: Values,
}

impl<'a> Deployment<'a> {
    /// A template with these values; each parameter must have one.
    pub fn of(template: &'a Template, values: Values) -> Self {
        Self {
            document: template.document(),
            values,
        }
    }

    /// A parameter's value; empty where "-" stands for none, and where there is no such parameter.
    pub fn given(&self, parameter: &str) -> &str {
        match self.values.get(parameter).map(String::as_str) {
            None | Some("-") => "",
            Some(value) => value,
        }
    }

    /// Each parameter's value.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Each secret that is given by its ARN and that something made here uses, by its parameter.
    ///
    /// # Errors
    /// As [`Self::holds`].
    pub fn secrets(&self) -> anyhow::Result<Vec<(&str, &str)>> {
        let is_secret = |(name, arn): &(&String, &String)| name.ends_with("SecretArn") && !arn.is_empty();
        let mut secrets = Vec::new();
        for (name, arn) in self.values.iter().filter(is_secret) {
            if self.is_used(name)? {
                secrets.push((name.as_str(), arn.as_str()));
            }
        }
        Ok(secrets)
    }

    /// The names of what is made of this type, where a property gives one with the stack's name in it.
    ///
    /// # Errors
    /// As [`Self::holds`].
    pub fn names(&self, kind: &str, property: &str, stack_name: &str) -> anyhow::Result<Vec<String>> {
        let name = |resource: &Value| {
            let pattern = resource["Properties"][property]["Fn::Sub"].as_str()?;
            Some(pattern.replace("${AWS::StackName}", stack_name))
        };
        Ok(self.made(kind)?.into_iter().filter_map(name).collect())
    }

    /// The members of a list, without empty ones.
    pub fn listed(&self, parameter: &str) -> Vec<&str> {
        self.given(parameter)
            .split(',')
            .map(str::trim)
            .filter(|member| !member.is_empty())
            .collect()
    }

    /// Whether this condition holds.
    ///
    /// # Errors
    /// When the template has no such condition, or one that is written with a function that is not known here.
    pub fn holds(&self, condition: &str) -> anyhow::Result<bool> {
        let rule = self.document["Conditions"].get(condition);
        let rule = rule.ok_or_else(|| anyhow!("the template has no condition {condition}"))?;
        self.decide(rule)
            .with_context(|| format!("the condition {condition}"))
    }

    /// Every assertion of a rule that these values break, in the template's words.
    ///
    /// # Errors
    /// As [`Self::holds`].
    pub fn refusals(&self) -> anyhow::Result<Vec<String>> {
        let mut refusals = Vec::new();
        for (name, rule) in self.document["Rules"].as_object().into_iter().flatten() {
            let decide = |part: &Value| self.decide(part).with_context(|| format!("the rule {name}"));
            if rule.get("RuleCondition").map_or(Ok(true), decide)? {
                for assertion in rule["Assertions"].as_array().into_iter().flatten() {
                    if !decide(&assertion["Assert"])? {
                        refusals.push(text_of(&assertion["AssertDescription"]));
                    }
                }
            }
        }
        Ok(refusals)
    }

    /// How many resources of this type are made.
    ///
    /// # Errors
    /// As [`Self::holds`].
    pub fn count(&self, kind: &str) -> anyhow::Result<u64> {
        Ok(self.made(kind)?.len().try_into()?)
    }

    /// How many metrics the alarms look at, each of which is paid for.
    ///
    /// # Errors
    /// As [`Self::holds`].
    pub fn alarmed_metrics(&self) -> anyhow::Result<u64> {
        let looked_at = |alarm: &Value| {
            let mut metrics = 0;
            for query in alarm["Properties"]["Metrics"].as_array().into_iter().flatten() {
                metrics += u64::from(self.taken(query)?.get("MetricStat").is_some());
            }
            Ok(metrics.max(1))
        };
        self.made("AWS::CloudWatch::Alarm")?
            .into_iter()
            .map(looked_at)
            .sum()
    }

    /// The sum of what the functions reserve of the account's executions.
    ///
    /// # Errors
    /// As [`Self::holds`], and when a reservation is no whole number.
    pub fn reserved(&self) -> anyhow::Result<u64> {
        let reservation = |function: &Value| {
            let value = self.resolved(&function["Properties"]["ReservedConcurrentExecutions"])?;
            value.map_or(Ok(0), |value| {
                value
                    .parse::<u64>()
                    .with_context(|| format!("a reservation of {value:?}"))
            })
        };
        self.made("AWS::Serverless::Function")?
            .into_iter()
            .map(reservation)
            .sum()
    }

    fn made(&self, kind: &str) -> anyhow::Result<Vec<&Value>> {
        let of_kind = |resource: &&Value| resource["Type"] == kind;
        Ok(self.all_made()?.into_iter().filter(of_kind).collect())
    }

    fn all_made(&self) -> anyhow::Result<Vec<&Value>> {
        let mut made = Vec::new();
        for resource in self.document["Resources"]
            .as_object()
            .into_iter()
            .flat_map(Map::values)
        {
            if resource
                .get("Condition")
                .and_then(Value::as_str)
                .map_or(Ok(true), |name| self.holds(name))?
            {
                made.push(resource);
            }
        }
        Ok(made)
    }

    /// Whether something that is made here has this parameter in it.
    fn is_used(&self, parameter: &str) -> anyhow::Result<bool> {
        for resource in self.all_made()? {
            if self.has(resource, parameter)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn has(&self, value: &Value, parameter: &str) -> anyhow::Result<bool> {
        let value = self.taken(value)?;
        if value.get("Ref").is_some_and(|name| name == parameter) {
            return Ok(true);
        }
        let parts = value.as_object().into_iter().flat_map(Map::values);
        for part in parts.chain(value.as_array().into_iter().flatten()) {
            if self.has(part, parameter)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Of a branch, the one that is taken; anything else as it is.
    fn taken<'v>(&self, value: &'v Value) -> anyhow::Result<&'v Value> {
        match value.get("Fn::If").and_then(Value::as_array).map(Vec::as_slice) {
            Some([condition, then, otherwise]) => {
                let holds = self.holds(&text_of(condition))?;
                self.taken(if holds { then } else { otherwise })
            }
            _ => Ok(value),
        }
    }

    fn decide(&self, rule: &Value) -> anyhow::Result<bool> {
        let (function, argument) = single(rule)?;
        let parts = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        match (function, parts) {
            ("Condition", _) => self.holds(argument.as_str().unwrap_or_default()),
            ("Fn::Equals", [left, right]) => Ok(self.text(left)? == self.text(right)?),
            ("Fn::Not", [part]) => self.decide(part).map(|holds| !holds),
            ("Fn::And", _) => every(parts, |part| self.decide(part)),
            ("Fn::Or", _) => every(parts, |part| self.decide(part).map(|holds| !holds)).map(|none| !none),
            ("Fn::EachMemberIn", [members, allowed]) => {
                let members = self.text(members)?;
                let allowed: Vec<String> = allowed.as_array().into_iter().flatten().map(text_of).collect();
                Ok(members
                    .split(',')
                    .all(|member| allowed.iter().any(|allowed| allowed == member.trim())))
            }
            _ => bail!("{function} is not known to preflight"),
        }
    }

    /// A value that takes part in a condition. A list counts as its members with commas between them.
    fn text(&self, expression: &Value) -> anyhow::Result<String> {
        if !expression.is_object() {
            return Ok(text_of(expression));
        }
        match single(expression)? {
            ("Ref", name) => Ok(self.values.get(&text_of(name)).cloned().unwrap_or_default()),
            ("Fn::Join", Value::Array(parts)) if parts.len() == 2 => {
                let joined = self.text(&parts[1])?;
                Ok(joined.replace(',', &text_of(&parts[0])))
            }
            (function, _) => bail!("{function} is not known to preflight"),
        }
    }

    /// A property with its branches taken; nothing where it has no value.
    fn resolved(&self, property: &Value) -> anyhow::Result<Option<String>> {
        if property.is_null() || *property == json!({ "Ref": "AWS::NoValue" }) {
            return Ok(None);
        }
        if !property.is_object() {
            return Ok(Some(text_of(property)));
        }
        match single(property)? {
            ("Fn::If", Value::Array(parts)) if parts.len() == 3 => {
                let holds = self.holds(&text_of(&parts[0]))?;
                self.resolved(if holds { &parts[1] } else { &parts[2] })
            }
            ("Fn::FindInMap", Value::Array(path)) if path.len() == 3 => {
                let keys = path
                    .iter()
                    .map(|key| self.text(key))
                    .collect::<anyhow::Result<Vec<_>>>()?;
                Ok(Some(text_of(
                    &self.document["Mappings"][&keys[0]][&keys[1]][&keys[2]],
                )))
            }
            _ => self.text(property).map(Some),
        }
    }
}

/// Whether all parts hold; the first error ends it.
fn every(parts: &[Value], holds: impl Fn(&Value) -> anyhow::Result<bool>) -> anyhow::Result<bool> {
    for part in parts {
        if !holds(part)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The function and the argument of an expression with exactly one.
fn single(expression: &Value) -> anyhow::Result<(&str, &Value)> {
    let mut entries = expression.as_object().into_iter().flatten();
    match (entries.next(), entries.next()) {
        (Some((function, argument)), None) => Ok((function, argument)),
        _ => bail!("{expression} is no function of CloudFormation"),
    }
}

#[cfg(test)]
#[path = "deployment_tests.rs"]
mod tests;
