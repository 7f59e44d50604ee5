"""A golden case: a request, the statements that it becomes, and the answer to the letter.

A file of `cases/` holds one:

```yaml
title: what is shown, as a sentence
role: reader                   # admin when left out
session: {x-hasura-user-id: "1"}
operation: Second              # operationName
variables: '{"id": 1}'         # JSON
query: …
sql: [ … ]                     # the statements of the plan, in order; none where there is no plan
json: …                        # the answer: data or errors
then: {query: …, json: …}      # what an administrator finds in the database after it
commits: true                  # it needs a database of its own, where COMMIT is COMMIT
```
"""

import json
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from tests.golden.exact_json import parse_exactly, render_exactly

CASES: Final = Path(__file__).parent / "cases"
_SQL_WIDTH: Final = 116


@dataclass(frozen=True, slots=True, kw_only=True)
class Afterwards:
    """What the database holds after the request, as an administrator's query sees it."""

    query: str
    json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request with what must come of it."""

    title: str
    query: str
    role: str = "admin"
    session: dict[str, str] = field(default_factory=dict)
    operation: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    sql: tuple[str, ...] = ()
    json: str = ""
    then: Afterwards | None = None
    commits: bool = False


def case_files() -> list[Path]:
    """All cases, sorted."""
    return sorted(CASES.rglob("*.yaml"))


def read_case(path: Path) -> Case:
    """The case in the file. Raises TypeError for a key that it may not have."""
    data = yaml.safe_load(path.read_text())
    then = data.pop("then", None)
    variables = json.loads(data.pop("variables", "{}"))
    sql = tuple(data.pop("sql", ()))
    return Case(**data, variables=variables, sql=sql, then=Afterwards(**then) if then else None)


def write_case(path: Path, case: Case) -> None:
    """Write the file anew, in the one form that all of them have."""
    data: dict[str, Any] = {"title": case.title}
    if case.role != "admin":
        data["role"] = case.role
    if case.session:
        data["session"] = dict(case.session)
    if case.operation is not None:
        data["operation"] = case.operation
    if case.variables:
        data["variables"] = json.dumps(case.variables, ensure_ascii=False)
    data["query"] = _block(case.query)
    if case.sql:
        data["sql"] = [_block(wrap_sql(statement)) for statement in case.sql]
    data["json"] = _block(render_exactly(parse_exactly(case.json)))
    if case.then is not None:
        answer = render_exactly(parse_exactly(case.then.json))
        data["then"] = {"query": _block(case.then.query), "json": _block(answer)}
    if case.commits:
        data["commits"] = True
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=116))


def same_sql(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Whether the statements differ in nothing but white space."""
    return [text.split() for text in first] == [text.split() for text in second]


def wrap_sql(statement: str) -> str:
    """The statement in lines that can be read; white space in it means nothing."""
    return "\n".join(
        textwrap.wrap(" ".join(statement.split()), _SQL_WIDTH, break_long_words=False, break_on_hyphens=False)
    )


class _Block(str):
    """Text that is written as a YAML block."""

    __slots__ = ()


def _block(text: str) -> _Block:
    return _Block(text.strip() + "\n")


class _Dumper(yaml.SafeDumper):
    """YAML with blocks for what has lines."""


_Dumper.add_representer(
    _Block, lambda dumper, data: dumper.represent_scalar("tag:yaml.org,2002:str", str(data), style="|")
)
