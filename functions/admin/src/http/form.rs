//! Fields of a query or of a form, `application/x-www-form-urlencoded`.

use std::fmt;

/// The most fields of one form: every box on a page ticked, and some.
const MOST_FIELDS: usize = 400;

/// Fields in the order in which they came; a name may come more than once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads percent-encoded fields. What is no UTF-8 is replaced. A text may hold U+0000, which Postgres has not: what goes there
    /// is read by [`super::Asked`], or by a type that refuses it.
    #[must_use]
    pub fn parse(encoded: &str) -> Self {
        let fields = form_urlencoded::parse(encoded.as_bytes()).take(MOST_FIELDS);
        Self(
            fields
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// The first value of this name, without the space around it; none when empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.raw(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// The first value of this name, as it came.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// Every value of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// The same fields with this one set, or removed by an empty value.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut fields: Vec<_> = self
            .0
            .iter()
            .filter(|(found, _)| found != name)
            .cloned()
            .collect();
        if !value.is_empty() {
            fields.push((name.to_owned(), value.to_owned()));
        }
        Self(fields)
    }

    /// Only the fields of these names.
    #[must_use]
    pub fn only(&self, names: &[&str]) -> Self {
        let keep = |(name, value): &&(String, String)| names.contains(&name.as_str()) && !value.is_empty();
        Self(self.0.iter().filter(keep).cloned().collect())
    }

    /// Percent-encoded.
    #[must_use]
    pub fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.0)
            .finish()
    }

    /// Each field.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Display for Form {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_beyond_those_of_any_page_are_not_read() {
        let many: Vec<String> = (0..=MOST_FIELDS).map(|number| format!("id={number}")).collect();
        let form = Form::parse(&many.join("&"));
        assert_eq!(form.all("id").count(), MOST_FIELDS);
        assert_eq!(form.all("id").last(), Some("399"));
    }
}
