//! An answer in XML, as far as it is read here: elements, their text, and what is in them.

/// An element.
#[derive(Debug, Clone, Default)]
pub struct Element {
    name: String,
    text: String,
    inner: Vec<Element>,
}

impl Element {
    /// Reads a document.
    ///
    /// # Errors
    /// When it is no XML.
    pub fn read(document: &str) -> Result<Self, roxmltree::Error> {
        Ok(Self::of(roxmltree::Document::parse(document)?.root_element()))
    }

    fn of(node: roxmltree::Node<'_, '_>) -> Self {
        Self {
            name: node.tag_name().name().to_owned(),
            text: node.text().unwrap_or_default().trim().to_owned(),
            inner: node
                .children()
                .filter(roxmltree::Node::is_element)
                .map(Self::of)
                .collect(),
        }
    }

    /// The text of the element at the end of this path; empty when there is none.
    pub fn text(&self, path: &[&str]) -> &str {
        match path {
            [] => &self.text,
            [name, rest @ ..] => self
                .inner
                .iter()
                .find(|inner| inner.name == *name)
                .map_or("", |inner| inner.text(rest)),
        }
    }

    /// The members of every list of this name, at any depth.
    pub fn members<'a>(&'a self, list: &str) -> Vec<&'a Element> {
        let of_inner = |inner: &'a Element| {
            if inner.name == list {
                inner.inner.iter().collect()
            } else {
                inner.members(list)
            }
        };
        self.inner.iter().flat_map(of_inner).collect()
    }

    /// The text of the first element of this name at any depth, whatever its case; nothing when it is empty.
    pub fn find_ignoring_case(&self, name: &str) -> Option<String> {
        if self.name.eq_ignore_ascii_case(name) && !self.text.is_empty() {
            return Some(self.text.clone());
        }
        self.inner.iter().find_map(|inner| inner.find_ignoring_case(name))
    }
}

/// The members of every list of this name on all pages.
pub fn members<'a>(pages: &'a [Element], list: &str) -> Vec<&'a Element> {
    pages.iter().flat_map(|page| page.members(list)).collect()
}
