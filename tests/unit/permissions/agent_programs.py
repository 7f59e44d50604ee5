"""What each agent's program sends and publishes, read from its code.

A program is all that is in the agent's folder, and what that leads to, name by name, in the packages that agents share.
An operation belongs to it when its typed function (`operations.py`) is among those names; so an agent that uses one
function of `agents/fills` is not taken to use the others.
"""

import ast
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from agents.events.payload import DomainEvent
from agents.graphql.documents import Document, load_documents
from agents.graphql.generation import function_name

ROOT: Final = Path(__file__).parents[3]
AGENTS: Final = ROOT / "agents"
#: Asked as agent `contract` by services that aren't in this repository.
PROMISED: Final = Path(__file__).parent / "promised.graphql"

#: What the runtime sends for every agent; of its other operations two are for who has scheduled tasks, one is for who
#: publishes.
FOR_ALL: Final = frozenset({"FindInboxEntry", "RecordInbox", "RecordDelivery", "RecordDeadLetter"})
FOR_TASKS: Final = frozenset({"BeginTask", "FinishTask"})
FOR_EVENTS: Final = frozenset({"PublishEvent"})

#: What these send is no agent's own matter.
_NOT_FOLLOWED: Final = ("agents.events", "agents.graphql", "agents.runtime")


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """One agent's."""

    #: By the file that they stand in: `agents/tickets/operations.graphql`.
    documents: tuple[tuple[str, Document], ...]
    #: Types of events that it publishes.
    events: frozenset[str]


#: Something that a module defines: the module's name and its own.
Name = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Module:
    """A module's definitions by name, and where its imported names come from."""

    name: str
    definitions: Mapping[str, tuple[ast.stmt, ...]]
    imported: Mapping[str, Name]


def program_of(agent: str) -> Program:
    """What the agent sends and publishes."""
    names = reached(agent)
    documents = _shared("runtime", FOR_ALL)
    if any(_has_tasks(statement) for name in names for statement in statements(name)):
        documents += _shared("runtime", FOR_TASKS)
    events: frozenset[str] = frozenset()
    if ("agents.runtime.operations", "publish_event") in names or any(_publishes(name) for name in names):
        documents += _shared("runtime", FOR_EVENTS)
        events = frozenset(event for name in names for event in _events_in(name))
    for path in sorted(AGENTS.glob("*/operations.graphql")):
        folder = path.parent.name
        if folder != "runtime":
            functions = {name for module, name in names if module == f"agents.{folder}.operations"}
            wanted = {name for name in load_documents(path) if function_name(name) in functions}
            documents += _shared(folder, wanted)
    if agent == "contract":
        documents += [(_file(PROMISED), document) for document in load_documents(PROMISED).values()]
    return Program(documents=tuple(documents), events=events)


def unused_operations() -> list[str]:
    """Operations that no agent's program sends."""
    used = {(file, document.name) for agent in _agents() for file, document in program_of(agent).documents}
    every = {(_file(path), name) for path in AGENTS.glob("*/operations.graphql") for name in load_documents(path)}
    return sorted(f"{name} of {file}" for file, name in every - used)


def _agents() -> list[str]:
    return sorted(path.parent.name for path in AGENTS.glob("*/app.py") if path.parent.name != "runtime")


def _shared(folder: str, names: frozenset[str] | set[str]) -> list[tuple[str, Document]]:
    path = AGENTS / folder / "operations.graphql"
    return [(_file(path), document) for name, document in load_documents(path).items() if name in names]


def _file(path: Path) -> str:
    return str(path.relative_to(ROOT))


# Names that lead to others


@cache
def reached(agent: str) -> frozenset[Name]:
    """All that the agent's own modules define or name, and what is named there, except what the runtime does."""
    own = [f"agents.{agent}.{path.stem}" for path in (AGENTS / agent).glob("*.py") if path.stem != "operations"]
    waiting = [(module, name) for module in own for name in _module(module).definitions]
    reached: set[Name] = set()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += _named_in(name)
    return frozenset(reached)


def _named_in(name: Name) -> Iterator[Name]:
    for statement in statements(name):
        for node in ast.walk(statement):
            found = resolved(name[0], node)
            if found is not None and (found[0].endswith(".operations") or not found[0].startswith(_NOT_FOLLOWED)):
                yield found


def resolved(within: str, node: ast.AST) -> Name | None:
    """The definition that a name, or an attribute of a module, stands for within a module."""
    module = _module(within)
    if isinstance(node, ast.Name):
        if node.id in module.definitions:
            return module.name, node.id
        return module.imported.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        package, name = module.imported.get(node.value.id, ("", ""))
        if _path(f"{package}.{name}").exists():
            return f"{package}.{name}", node.attr
    return None


def statements(name: Name) -> tuple[ast.stmt, ...]:
    """What defines it."""
    if name[0].endswith(".operations"):
        # Generated, and the end of the way.
        return ()
    return _module(name[0]).definitions.get(name[1], ())


@cache
def _module(name: str) -> _Module:
    tree = ast.parse(_path(name).read_text(encoding="utf-8"))
    definitions: dict[str, tuple[ast.stmt, ...]] = {}
    imported: dict[str, Name] = {}
    for statement in tree.body:
        for defined in _defined(statement):
            definitions[defined] = (*definitions.get(defined, ()), statement)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("agents"):
            imported |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
    return _Module(name=name, definitions=definitions, imported=imported)


def _defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return []
    names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    # What is only done counts as the module's own.
    return [name.id for name in names if isinstance(name.ctx, ast.Store)] or ["<module>"]


def _path(module: str) -> Path:
    path = ROOT / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


# Tasks and events


def _has_tasks(statement: ast.stmt) -> bool:
    """`Handlers(…, tasks=[…])`."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Handlers"
        and any(keyword.arg == "tasks" for keyword in node.keywords)
        for node in ast.walk(statement)
    )


def _publishes(name: Name) -> bool:
    """`work.publish(…)`."""
    return any(
        isinstance(node, ast.Attribute) and node.attr == "publish"
        for statement in statements(name)
        for node in ast.walk(statement)
    )


def _events_in(name: Name) -> Iterator[str]:
    """Types of the domain events that code makes: those that it names, but for what it says that it takes."""
    for statement in statements(name):
        yield from _events_under(_module(name[0]), statement)


def _events_under(module: _Module, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.MatchClass):
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Handler", "isinstance"):
        return
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _events_under(module, child)
    found = module.imported.get(node.id) if isinstance(node, ast.Name) else None
    if found is not None and found[0].startswith("agents.events."):
        event = getattr(importlib.import_module(found[0]), found[1])
        if isinstance(event, type) and issubclass(event, DomainEvent) and hasattr(event, "TYPE"):
            yield event.TYPE
