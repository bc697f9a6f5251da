//! What is to be deployed, beside what is there already.

use crate::preflight::deployment::Deployment;
use crate::preflight::template::{Template, Values};

/// The deployment that is planned.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The stack's name.
    pub stack_name: &'a str,
    /// As it shall be.
    pub after: Deployment<'a>,
    /// As it is; nothing for a first deployment.
    pub before: Option<Deployment<'a>>,
}

impl<'a> Plan<'a> {
    /// What is not given keeps its value in a stack that is there, and has its default in a new one.
    pub fn of(template: &'a Template, stack_name: &'a str, given: &Values, present: Option<Values>) -> Self {
        let known = template.defaults();
        let mut values = known.clone();
        let before = present.map(|mut present| {
            present.retain(|name, _| known.contains_key(name));
            values.extend(present);
            Deployment::of(template, values.clone())
        });
        values.extend(given.clone());
        Self {
            stack_name,
            after: Deployment::of(template, values),
            before,
        }
    }

    /// How many resources of this type are made in addition.
    pub fn added(&self, kind: &str) -> anyhow::Result<u64> {
        let before = self.before.as_ref().map_or(Ok(0), |before| before.count(kind))?;
        Ok(self.after.count(kind)?.saturating_sub(before))
    }

    /// How many of this type are paid for, and how many of them are new. Of an alarm, each metric is.
    pub fn paid(&self, kind: &str) -> anyhow::Result<(u64, u64)> {
        let count = |deployment: &Deployment<'_>| match kind {
            "AWS::CloudWatch::Alarm" => deployment.alarmed_metrics(),
            _ => deployment.count(kind),
        };
        let (before, after) = (self.before.as_ref().map_or(Ok(0), count)?, count(&self.after)?);
        Ok((after, after.saturating_sub(before)))
    }

    /// Whether this condition holds from this deployment on.
    pub fn begins(&self, condition: &str) -> anyhow::Result<bool> {
        let held = self
            .before
            .as_ref()
            .map_or(Ok(false), |before| before.holds(condition))?;
        Ok(!held && self.after.holds(condition)?)
    }
}
