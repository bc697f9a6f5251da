//! Each thing that a database may be other than our SQL relies on.

use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Weight {
    /// Readers miss rows and say that all is well: the doctor can't see.
    Blinds,
    /// Statements of ours fail.
    Breaks,
    /// It works, and may not go on to.
    Risk,
}

impl Weight {
    /// For a person.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Blinds => "blinds",
            Self::Breaks => "breaks",
            Self::Risk => "risk",
        }
    }
}

/// A kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Stable, for scripts; in docs/operations.md.
    pub code: &'static str,
    /// How bad it is.
    pub weight: Weight,
    /// What would go wrong.
    pub means: &'static str,
    /// What cures it, where no statement does.
    pub cure: &'static str,
}

const fn kind(code: &'static str, weight: Weight, means: &'static str, cure: &'static str) -> Kind {
    Kind {
        code,
        weight,
        means,
        cure,
    }
}

/// All of them, the worst first.
pub const KINDS: [Kind; 21] = [
    kind(
        "row-security",
        Weight::Blinds,
        "row level security hides rows from this role: payments without their goods are not found",
        "let the role of the functions and of this command bypass it, or add a policy that shows it all rows",
    ),
    kind(
        "not-readable",
        Weight::Blinds,
        "this role may not read the table",
        "grant it",
    ),
    kind(
        "table-shadowed",
        Weight::Blinds,
        "several schemas of the search path have a table of this name: only the first is read",
        "set the search path of the role to the schema that is meant",
    ),
    kind(
        "table-missing",
        Weight::Breaks,
        "the table is not there",
        "run `makegood migrate`",
    ),
    kind(
        "column-missing",
        Weight::Breaks,
        "the column is not there",
        "run `makegood migrate`; one of an older table is the service's that owns it",
    ),
    kind(
        "column-without-default",
        Weight::Breaks,
        "a NOT NULL column that we don't know has no default: each insert of ours fails until it has one",
        "give it a default, or let it be null",
    ),
    kind(
        "id-not-uuid",
        Weight::Breaks,
        "the column is no uuid: comparing it with one of ours is an error",
        "change the type",
    ),
    kind(
        "json-not-jsonb",
        Weight::Breaks,
        "the column is not jsonb: what looks into it is an error",
        "change the type",
    ),
    kind(
        "not-a-table",
        Weight::Breaks,
        "a view or foreign table has the place of a table: no row of it can be locked, and no index built",
        "rename it, and run `makegood migrate`",
    ),
    kind(
        "table-partitioned",
        Weight::Breaks,
        "a partitioned table can't have the unique indexes that our statements name, unless they name the partition key",
        "keep the table whole; move old rows to another table to make it smaller",
    ),
    kind(
        "read-only",
        Weight::Breaks,
        "nothing can be written here",
        "connect to the writer",
    ),
    kind(
        "encoding",
        Weight::Breaks,
        "texts of other scripts are refused",
        "move to a database whose encoding is UTF8",
    ),
    kind(
        "time-without-zone",
        Weight::Risk,
        "the column has no time zone, and is read as UTC: where its writers mean another zone, what is shown, counted by the hour or ended \
         is wrong by its distance. A row in the future is looked at, at once",
        "change the type; put the zone that its writers mean in place of UTC",
    ),
    kind(
        "partitions-without-unique",
        Weight::Risk,
        "the table is partitioned, so a unique index must name the partition key: our locks keep the rows that we write single, and nothing \
         those of other writers; a mark of an event may be there twice, which changes nothing",
        "keep the table whole, or partition it by the columns that must be unique; until then no other program may write what we write",
    ),
    kind(
        "number-too-narrow",
        Weight::Risk,
        "a large amount does not fit the column",
        "change the type",
    ),
    kind(
        "table-unlogged",
        Weight::Risk,
        "after a crash of the server the table is empty",
        "make it a logged table",
    ),
    kind(
        "trigger",
        Weight::Risk,
        "a trigger that is not ours runs in each of our statements: it can change what is written, or make it fail",
        "read what it does; switch it off unless it only watches",
    ),
    kind(
        "rule",
        Weight::Risk,
        "a rule rewrites our statements: what is counted as written may not be",
        "drop it; a trigger that watches does the same",
    ),
    kind(
        "collation-changed",
        Weight::Risk,
        "the system's collations are newer than the indexes: a text can be there and not be found, and a unique index let it in twice",
        "build the indexes anew",
    ),
    kind(
        "time-zone-differs",
        Weight::Risk,
        "the server's rules of the business's time zone are other than those of this program: one of the two plans by another hour",
        "see which is right (docs/reliability.md, time zones); until both are, choose a zone that has the right time",
    ),
    kind(
        "text-in-jsonb",
        Weight::Risk,
        "metadata is the text of an object, encoded twice: we read it as the object, other readers don't",
        "correct the writer: it hands JSON text to a driver that encodes it again",
    ),
];
