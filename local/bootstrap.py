"""Makes `.venv` from `requirements.lock`; run by `make setup` with any Python 3.11 or newer, before anything exists.

`python3 -I local/bootstrap.py` (isolated, so that no module beside this file hides one of the standard library).
Everything is installed by hash, build tools included. uv does it, itself installed by hash through pip; where there is
no uv for the machine, pip does it all, only slower. Running it again brings the environment up to date.
"""

import fcntl
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
LOCK_FILE = ROOT / "requirements.lock"
NO_VENV = """\
This Python ({python}) cannot make virtual environments, because its `ensurepip` is missing.
On Debian and Ubuntu: apt-get install python{major}.{minor}-venv. Or use another one: make setup PYTHON=/path/to/python3
"""


class SetupError(Exception):
    """The environment could not be made; the message says why and what to do."""


def main() -> int:
    """Make or update the environment and return the exit status."""
    try:
        # Two commands may be started at once in a fresh checkout, say `make up` and `make test`.
        with (ROOT / "requirements.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _make_environment()
            _install()
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except PermissionError as error:
        sys.stderr.write(f"This user may not write to {error.filename}: the checkout belongs to another one.\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nsetup: interrupted; the next command begins it anew.\n")
        return 130
    return 0


def _make_environment() -> None:
    python = ENVIRONMENT / "bin" / "python"
    if python.exists() and _succeeds([python, "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))"]):
        return
    if not _succeeds([Path(sys.executable), "-c", "import ensurepip"]):
        major, minor = sys.version_info[:2]
        raise SetupError(NO_VENV.format(python=sys.executable, major=major, minor=minor))
    _say(f"making .venv with Python {sys.version.split()[0]}")
    venv.EnvBuilder(clear=True, with_pip=True, symlinks=True).create(ENVIRONMENT)


def _install() -> None:
    python = os.fspath(ENVIRONMENT / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    # In a terminal uv shows what it downloads; a log needs no list of a hundred packages.
    uv = [os.fspath(ENVIRONMENT / "bin" / "uv"), "pip", *([] if sys.stderr.isatty() else ["--quiet"])]
    _say("installing the packages of requirements.lock")
    installer = uv if _install_uv(pip) else pip
    target = ["--python", python] if installer is uv else []
    # Every program starts a second sooner. pip compiles without being told.
    compiled = ["--compile-bytecode"] if installer is uv else []
    locked = ["install", "--require-hashes", "--requirement", os.fspath(LOCK_FILE), *compiled]
    checkout = ["install", "--no-deps", "--no-build-isolation", "--editable", os.fspath(ROOT)]
    for arguments in (locked, checkout):
        if _run([*installer, *arguments, *target]) != 0:
            raise SetupError(
                "The packages could not be installed; the lines above say why. Without a connection to a package "
                "registry, pip and uv use what is in their caches."
            )
    # Ours as well: where PYTHONDONTWRITEBYTECODE is set, no start leaves it for the next. What can't be compiled will
    # say so when it is imported.
    packages = [os.fspath(path.parent) for path in sorted(ROOT.glob("*/__init__.py")) if path.parent.name != "tests"]
    _run([python, "-m", "compileall", "-q", *packages])


def _install_uv(pip: list[str]) -> bool:
    """Install the locked uv; False when there is none for this machine."""
    entry = re.search(r"^uv==(\S+).*?(?=^\S|\Z)", LOCK_FILE.read_text(), re.MULTILINE | re.DOTALL)
    if entry is None:
        return False
    present = subprocess.run(
        [ENVIRONMENT / "bin" / "python", "-c", "from importlib.metadata import version; print(version('uv'))"],
        capture_output=True,
        text=True,
        check=False,
    )
    if present.stdout.strip() == entry[1]:
        return True
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirement:
        requirement.write(entry[0])
        requirement.flush()
        return (
            _run([*pip, "install", "--require-hashes", "--only-binary=:all:", "--requirement", requirement.name]) == 0
        )


def _run(argv: list[str]) -> int:
    return subprocess.run(argv, cwd=ROOT, check=False).returncode


def _succeeds(argv: list[Path | str]) -> bool:
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def _say(line: str) -> None:
    sys.stdout.write(f"setup: {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
