"""The programs behind the tests of clients, each installed from its lock file when that has changed."""

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from portals.build import NodeRuntime, find_node

FOLDER: Final = Path(__file__).resolve().parent
CHECKOUT: Final = FOLDER.parents[1]
_NODE_FOLDER: Final = FOLDER / "node"
_ARIADNE_FOLDER: Final = FOLDER / "ariadne"
_INSTALL_TIMEOUT_S: Final = 600
_RUN_TIMEOUT_S: Final = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Node.js in a folder with packages."""

    runtime: NodeRuntime

    async def run(self, *arguments: str, environment: Mapping[str, str]) -> str:
        """What a script writes to standard output. It fails the test unless it ends well."""
        return await run(
            str(self.runtime.node),
            *arguments,
            folder=_NODE_FOLDER,
            environment={**self.runtime.environment(), **environment},
        )

    def program(self, package: str, *path: str) -> str:
        """A script in an installed package."""
        return str(_NODE_FOLDER.joinpath("node_modules", *package.split("/"), *path))


@dataclass(frozen=True, slots=True, kw_only=True)
class AriadneCodegen:
    """An environment with ariadne-codegen in it."""

    python: Path

    async def generate(self, configuration: Path) -> None:
        """Generate a client as the configuration says; its paths are relative to the checkout."""
        program = self.python.with_name("ariadne-codegen")
        await run(str(program), "--config", str(configuration), folder=CHECKOUT, environment=os.environ)

    async def use(self, *arguments: str) -> str:
        """Run `ariadne/use.py`."""
        script = str(_ARIADNE_FOLDER / "use.py")
        return await run(str(self.python), script, *arguments, folder=CHECKOUT, environment=os.environ)


async def run(*command: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Standard output of a program, while the test's own server goes on serving. Fails the test with its errors."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), _RUN_TIMEOUT_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, f"{' '.join(command[:3])}:\n{output.decode()}\n{errors.decode()}"
    return output.decode()


def install_node_packages() -> Node:
    """`npm ci`, without packages' install scripts."""
    # Not the machine's: graphql-codegen wants a newer Node.js than the portals do.
    runtime = find_node("wheel")
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    _install(
        _NODE_FOLDER / "package-lock.json",
        _NODE_FOLDER / "node_modules" / ".installed-from",
        [[str(runtime.node), str(runtime.npm_cli), "ci", *options]],
        runtime.environment(),
    )
    return Node(runtime=runtime)


def install_ariadne_codegen() -> AriadneCodegen:
    """A virtual environment with exactly what `requirements.lock` names."""
    environment = _ARIADNE_FOLDER / ".venv"
    lock = _ARIADNE_FOLDER / "requirements.lock"
    uv = str(Path(sys.executable).with_name("uv"))
    python = environment / "bin" / "python"
    _install(
        lock,
        environment / ".installed-from",
        [
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)],
            [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(lock)],
        ],
        os.environ,
    )
    return AriadneCodegen(python=python)


def _install(lock: Path, stamp: Path, commands: list[list[str]], environment: Mapping[str, str]) -> None:
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return
    for command in commands:
        done = subprocess.run(
            command,
            cwd=lock.parent,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_INSTALL_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command[:3])}:\n{done.stdout}\n{done.stderr}"
    stamp.write_text(digest)
