"""Whether each column of the outer side of a join says in its name that it may be null.

sqlx asks the plan of an empty table which columns an outer join leaves null, and the planner may have turned the join round, or planned
nothing at all: it then takes for NOT NULL what is null on a full table, and reading the row fails. So a column of the outer side has a name
that says it (`AS "id?"`, or `AS "id!"` where the statement leaves no null). Postgres' own parser (pglast) reads the statements of .sqlx.

    outer_joins_check.py    exit 1, and the columns, when one does not
"""

import json
import pathlib
import sys

import pglast
from pglast import ast, enums, visitors

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Columns(visitors.Visitor):
    """The columns that an expression reads, without those of its subqueries, which sqlx never takes for NOT NULL."""

    def __init__(self):
        self.found = []

    def visit_ColumnRef(self, _ancestors, node):
        self.found.append([field.sval if isinstance(field, ast.String) else "*" for field in node.fields])

    def visit_SubLink(self, _ancestors, _node):
        return visitors.Skip


def names(source):
    """The names of the tables, subqueries and functions in one item of FROM."""
    if isinstance(source, ast.JoinExpr):
        return names(source.larg) | names(source.rarg)
    if source.alias:
        return {source.alias.aliasname}
    return {source.relname} if isinstance(source, ast.RangeVar) else set()


def outer(source):
    """Those of them that a join may leave without a row."""
    if not isinstance(source, ast.JoinExpr):
        return set()
    left, right = outer(source.larg), outer(source.rarg)
    kind = source.jointype
    if kind in (enums.JoinType.JOIN_LEFT, enums.JoinType.JOIN_FULL):
        right = names(source.rarg)
    if kind in (enums.JoinType.JOIN_RIGHT, enums.JoinType.JOIN_FULL):
        left = names(source.larg)
    return left | right


def selects(statement):
    """What gives rows in this statement: pairs of its items of FROM and its columns."""
    if isinstance(statement, ast.SelectStmt):
        if statement.larg:
            yield from selects(statement.larg)
            yield from selects(statement.rarg)
        else:
            yield statement.fromClause or (), statement.targetList or ()
    elif isinstance(statement, ast.UpdateStmt):
        yield statement.fromClause or (), returned(statement)
    elif isinstance(statement, ast.DeleteStmt):
        yield statement.usingClause or (), returned(statement)


def returned(statement):
    """The columns of RETURNING."""
    return statement.returningClause.exprs if statement.returningClause else ()


def unsaid(query, nullable):
    """The columns that sqlx reads as NOT NULL and that an outer join may leave null."""
    for statement in pglast.parse_sql(query):
        for sources, columns in selects(statement.stmt):
            absent = set().union(*(outer(source) for source in sources))
            if not absent:
                continue
            for column, may_be_null in zip(columns, nullable, strict=True):
                reads = Columns()
                reads(column.val)
                name = column.name or ".".join(reads.found[0])
                if may_be_null is not False or name.endswith(("!", "?")) or "!:" in name or "?:" in name:
                    continue
                if any(len(path) == 1 or path[0] in absent for path in reads.found):
                    yield name


def tried():
    """That the check finds what it is for, and nothing else."""
    for query, found in [
        ("SELECT a.id, b.id AS other FROM a LEFT JOIN b ON b.a = a.id", ["other"]),
        ("SELECT a.id, b.id AS other FROM a RIGHT JOIN b ON b.a = a.id", ["a.id"]),
        ("SELECT a.id, b.id FROM a FULL JOIN b ON b.a = a.id", ["a.id", "b.id"]),
        ("SELECT a.id, c.id FROM a LEFT JOIN (b JOIN c ON c.b = b.id) ON b.a = a.id", ["c.id"]),
        ("SELECT a.id, b.id FROM a LEFT JOIN LATERAL (SELECT 1 AS id) b ON true", ["b.id"]),
        ('SELECT a.id, b.id AS "other?" FROM a LEFT JOIN b ON b.a = a.id', []),
        ('SELECT a.id, b.id AS "other!: Other" FROM a LEFT JOIN b ON b.a = a.id', []),
        ("SELECT a.id, id FROM a LEFT JOIN b USING (id)", ["id"]),
        ("SELECT a.id, b.id FROM a JOIN b ON b.a = a.id", []),
        ("UPDATE c SET x = 1 FROM a LEFT JOIN b ON b.a = a.id WHERE c.id = a.id RETURNING c.id, b.id", ["b.id"]),
        ("SELECT 1, 2 UNION ALL SELECT a.id, b.id FROM a LEFT JOIN b ON b.a = a.id", ["b.id"]),
    ]:
        assert list(unsaid(query, [False, False])) == found, query


def main():
    tried()
    failures = 0
    files = sorted((ROOT / ".sqlx").glob("query-*.json"))
    assert files, "no statement in .sqlx"
    for file in files:
        cached = json.loads(file.read_text())
        for name in unsaid(cached["query"], cached["describe"]["nullable"]):
            failures += 1
            print(f"{name} may be null, and its name does not say so (AS \"{name.split('.')[-1]}?\"):\n{cached['query']}\n", file=sys.stderr)
    if failures:
        sys.exit(f"{failures} columns of outer joins")
    print(f"outer joins: {len(files)} statements of .sqlx, each column says whether it may be null")


if __name__ == "__main__":
    main()
