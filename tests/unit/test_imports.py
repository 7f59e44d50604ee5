"""Imports point the way that docs/architecture.md draws."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Whom a package may import beside itself. Longest prefix of an imported module decides.
ALLOWED = {
    "schema": set[str](),
    "permissions": {"schema"},
    "resolvers": {"permissions", "schema"},
    "server": {"resolvers", "permissions", "schema"},
    "triggers": {"schema"},
    "agents": {"integrations"},
    "integrations": set[str](),
    "migrations": {"schema"},
}
#: Know nothing of us, and may be imported by everyone (docs/decisions/telemetry-and-identity-are-for-everyone.md).
FOR_EVERYONE = {"integrations.telemetry", "integrations.identity"}
OURS = {*ALLOWED, "local", "tests", "benchmarks", "portals"}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # `from integrations import telemetry` imports integrations.telemetry.
            yield from (f"{node.module}.{name.name}" for name in node.names)


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for module in imported(path)
        if (top := module.split(".")[0]) in OURS
        and top != package
        and top not in ALLOWED[package]
        and not any(module == name or module.startswith(f"{name}.") for name in FOR_EVERYONE)
    ]
    assert wrong == []


def test_nothing_imports_what_only_development_needs() -> None:
    for package in ALLOWED:
        for path in (ROOT / package).rglob("*.py"):
            assert not {module.split(".")[0] for module in imported(path)} & {"local", "tests", "benchmarks"}, path
