"""The columns that each function uses, from the query cache: what a function compares with the live catalogue at its start.

    columns.py URL PSQL            writes columns.rs into every function; queries.sh prepare calls it
    columns.py URL PSQL --check    exit 1 when one is not what it would write

Postgres itself says which columns a query uses: a function whose body is the query depends on them (pg_depend). A function of ours uses
the queries of its own crate and of the modules of the shared crates that it names, with those that these import. The runtime is left
out: each function has it, and what it asks is about the catalogue.
"""

import hashlib
import pathlib
import re
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "contract"))

from circles_check import folders, modules  # noqa: E402

SHARED = {crate: ROOT / "shared" / crate / "src" for crate in ["makegood", "operate"]}
# What every function has, and what it reads is Postgres' own.
NOT_FOLLOWED = {"makegood::runtime", "makegood::schema"}
MACRO = re.compile(r"\bquery(_file)?(?:_as|_scalar)?!\((?:\s|//[^\n]*\n)*")
TEXT = re.compile(r'r(#*)"(?P<raw>.*?)"\1|"(?P<plain>(?:\\.|[^"\\])*)"', re.S)
WIDTH = 130
HEAD = """//! The columns that this function uses, by table: compared with the live catalogue at its start.
//!
//! `local/stack/queries.sh prepare` writes this file from the queries.

/// Table and columns.
#[rustfmt::skip]
pub const COLUMNS: &[(&str, &[&str])] = &[
"""


def unescaped(text):
    """A Rust string as its program sees it."""
    text = re.sub(r"\\\n\s*", "", text)
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), text)


def queries_in(file, crate):
    """The text of each query of a source file. A test module at its end is left out."""
    code = re.split(r"#\[cfg\(test\)\]\s*mod ", file.read_text())[0]
    for macro in MACRO.finditer(code):
        rest = code[macro.end() :]
        # The type of query_as! comes first.
        found = TEXT.match(re.sub(r"^[A-Z]\w*,\s*", "", rest))
        if not found:
            raise SystemExit(f"✗ {file}: the query after {macro[0]!r} is no text")
        text = found["raw"] if found["plain"] is None else unescaped(found["plain"])
        yield (crate / text).read_text() if macro[1] else text


def shared_modules():
    """The queries of each module of the shared crates, and the modules that it imports, each as `crate::module`."""
    texts, graph = {}, {}
    for crate, source in SHARED.items():
        below = folders(modules(source))
        for file in sorted(source.rglob("*.rs")):
            module = f"{crate}::{file.relative_to(source).parts[0].removesuffix('.rs')}"
            texts.setdefault(module, []).extend(queries_in(file, source.parent))
            graph.setdefault(module, set()).update(named_modules(file.read_text()))
        for module, imported in below.items():
            graph.setdefault(f"{crate}::{module}", set()).update(f"{crate}::{name}" for name in imported)
    return texts, graph


def reached(named, graph):
    """These modules and all that they import, directly or not."""
    found, left = set(), list(named)
    while left:
        name = left.pop()
        if name in graph and name not in found | NOT_FOLLOWED:
            found.add(name)
            left.extend(graph[name])
    return found


def named_modules(code):
    """The modules of the shared crates that this code names."""
    names, code = set(), re.sub(r"//[^\n]*", "", code)
    for crate in SHARED:
        names |= {f"{crate}::{name}" for name in re.findall(rf"\b{crate}::(\w+)", code)}
        for group in re.findall(rf"\buse {crate}::\{{(.*?)\}};", code, re.S):
            inner = re.sub(r"\{[^{}]*\}", "", group)
            names |= {f"{crate}::{name}" for name in re.findall(r"(?:^|,)\s*(\w+)", inner)}
    return names


def queries_of(function, shared, graph):
    """Every query that this function may ask."""
    files = sorted((function / "src").rglob("*.rs"))
    own = [text for file in files for text in queries_in(file, function)]
    names = reached(named_modules("\n".join(file.read_text() for file in files)), graph)
    return set(own) | {text for name in names for text in shared.get(name, [])}


def columns_by_query(url, psql, texts):
    """Which columns each query uses, as Postgres says: sets of (table, column)."""
    by_hash = {hashlib.sha256(text.encode()).hexdigest(): text for text in texts}
    script = ["\\set QUIET on", "SET client_min_messages = error;"]
    for digest, text in by_hash.items():
        text = text.rstrip().rstrip(";")
        script += [
            "BEGIN;",
            f"PREPARE asked AS {text}\n;",
            "SELECT coalesce(array_to_string(parameter_types, ','), '') AS types FROM pg_prepared_statements WHERE name = 'asked' \\gset",
            f"CREATE FUNCTION asked(:types) RETURNS void LANGUAGE sql BEGIN ATOMIC {text}\n; END;",
            f"SELECT '{digest}';",
            f"""SELECT '{digest}', c.relname, a.attname FROM pg_depend d
                JOIN pg_class c ON c.oid = d.refobjid AND c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
                WHERE d.classid = 'pg_proc'::regclass AND d.objid = 'asked'::regproc AND d.refclassid = 'pg_class'::regclass
                  AND d.refobjsubid > 0;""",
            "ROLLBACK;",
            "DEALLOCATE asked;",
        ]
    done = subprocess.run([psql, "-XqtA", "-F", "\t", url], input="\n".join(script), text=True, capture_output=True, check=True)
    used = {}
    for line in done.stdout.splitlines():
        digest, *column = line.split("\t")
        used.setdefault(by_hash[digest], set()).update([tuple(column)] if column else [])
    for text in texts:
        if text not in used and re.match(r"(?:\s|--[^\n]*\n)*(SELECT|WITH|INSERT|UPDATE|DELETE)\b", text):
            raise SystemExit(f"✗ Postgres does not say what this query uses:\n{text}\n{done.stderr}")
    return used


def written(columns):
    """The file of a function: a table a line, wrapped."""
    parts = [HEAD]
    for table in sorted({table for table, _ in columns}):
        names = ", ".join(f'"{name}"' for name in sorted({column for other, column in columns if other == table}))
        line = f'("{table}", &[{names}]),'
        parts.append("\n".join(textwrap.wrap(line, WIDTH, initial_indent="    ", subsequent_indent="        ")) + "\n")
    parts.append("];\n")
    return "".join(parts)


def main():
    url, psql, check = sys.argv[1], sys.argv[2], "--check" in sys.argv
    shared, graph = shared_modules()
    functions = sorted(folder for folder in (ROOT / "functions").iterdir() if (folder / "src").is_dir())
    asked = {function: queries_of(function, shared, graph) for function in functions}
    used = columns_by_query(url, psql, set().union(*asked.values()))
    stale = []
    for function, texts in asked.items():
        columns = set().union(*(used.get(text, set()) for text in texts))
        file = function / "src" / "columns.rs"
        if not columns:
            continue
        text = written(columns)
        if file.is_file() and file.read_text() == text:
            continue
        stale.append(str(file.relative_to(ROOT)))
        if not check:
            file.write_text(text)
    if check and stale:
        print(f"✗ {', '.join(stale)}: not what the queries say; type local/stack/queries.sh prepare", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
