"""A data directory and how to run a server on it.

`prepare_cluster` makes the directory if it isn't there (`initdb`, one database, a random password) and returns the
command line as a value; `server` or the supervisor runs it.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from local.postgres.binaries import (
    SHARED_FOLDER,
    UNPRIVILEGED_USER,
    Binaries,
    can_be_reached_by_others,
    find_binaries,
    runs_as_root,
)
from local.postgres.errors import PostgresError
from local.supervisor.process import Command

__all__ = ["Cluster", "PostgresError", "prepare_cluster"]

SUPERUSER = "caregraph"
DATABASE = "caregraph"
_HOST = "127.0.0.1"
#: `initdb` takes about a second; a slow disk may need far longer.
_INITDB_TIMEOUT_S = 120.0
#: First version with the locale provider built into PostgreSQL, which doesn't depend on the machine's C library.
_BUILTIN_LOCALES_SINCE = 17

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": _HOST,
    # Only TCP: a socket file's path may be at most 107 bytes long, and checkouts are often deeper.
    "unix_socket_directories": "",
    "TimeZone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "password_encryption": "scram-sha-256",
    # What the server itself has to say, but no errors of statements: those repeat values of rows, and the endpoint
    # logs them by their code.
    "log_min_messages": "log",
}
#: For data that only lives as long as a test run: nothing is ever flushed to disk.
_THROWAWAY_SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_naptime": "5min",
    "max_wal_size": "4GB",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A data directory that is ready to be served."""

    #: Where the data really is: `data_dir`, or the folder that it links to.
    data_dir: Path
    version: int
    port: int
    #: Connection address of its database, with the password.
    url: str
    #: How to run the server.
    command: Command

    def is_ready(self, pid: int) -> bool:
        """Whether the server with this process id accepts connections (it says so in its postmaster.pid).

        The process id is the first line and the state the eighth; the file of a server that crashed still says ready.
        """
        with contextlib.suppress(OSError):
            lines = (self.data_dir / "postmaster.pid").read_text().splitlines()
            return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
        return False


def prepare_cluster(data_dir: Path, *, port: int | None, durable: bool = True, log: Path | None = None) -> Cluster:
    """Make the data directory unless it exists, and say how to run it on 127.0.0.1.

    `port` None means any free one. Not `durable` means fast and without a password, for tests. `log` defaults to a
    file beside the data directory. Raises PostgresError. Blocks for about a second when the directory is new.
    """
    binaries = find_binaries()
    # Resolving only the parent: the directory itself may be our own link to a folder that `nobody` can reach.
    data_dir = data_dir.absolute().parent.resolve() / data_dir.name
    log = log or data_dir.with_name(f"{data_dir.name}.log")
    user = _server_user(data_dir) if runs_as_root() else None
    place = _place_for_data(data_dir, user=user)
    if not (place / "PG_VERSION").exists():
        _create(place, binaries=binaries, user=user, durable=durable)
    _refuse_what_cannot_run(place, binaries=binaries, user=user)
    password = _read_password(place)
    port = port or _free_port()
    credentials = f"{SUPERUSER}:{password}" if password else SUPERUSER
    settings = {**_SETTINGS, **({} if durable else _THROWAWAY_SETTINGS), "port": str(port)}
    if not durable and binaries.version >= 18:
        settings["io_method"] = "sync"
    arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Cluster(
        data_dir=place,
        version=binaries.version,
        port=port,
        url=f"postgresql://{credentials}@{_HOST}:{port}/{DATABASE}",
        command=Command(
            argv=(os.fspath(binaries.folder / "postgres"), "-D", os.fspath(place), *arguments),
            env=_environment(),
            cwd=Path("/"),
            log=log,
            user=user,
            # "Fast" shutdown: sessions are ended, everything is written (PostgreSQL manual, 18.5).
            stop_signal=signal.SIGINT,
            grace=timedelta(seconds=20 if durable else 5),
        ),
    )


def remove_cluster(data_dir: Path) -> None:
    """Delete a data directory and, where it is a link, what it points to; harmless when there is none."""
    if data_dir.is_symlink():
        shutil.rmtree(data_dir.readlink(), ignore_errors=True)
        data_dir.unlink()
    elif data_dir.exists():
        shutil.rmtree(data_dir)


def _server_user(data_dir: Path) -> str:
    """Who root becomes: the owner of data that is there already (made by an ordinary user, say), else `nobody`."""
    import pwd  # noqa: PLC0415 - only where a user is changed

    with contextlib.suppress(OSError, KeyError):
        owner = pwd.getpwuid(data_dir.stat().st_uid)
        if owner.pw_uid != 0:
            return owner.pw_name
    return UNPRIVILEGED_USER


def _place_for_data(data_dir: Path, *, user: str | None) -> Path:
    """Where the data goes: `data_dir`, or for root in a place closed to others a shared folder it then links to."""
    if data_dir.is_symlink():
        return data_dir.readlink()
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    if user is None or data_dir.exists() or can_be_reached_by_others(data_dir.parent):
        return data_dir
    place = SHARED_FOLDER / f"data-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]}"
    SHARED_FOLDER.mkdir(parents=True, exist_ok=True)
    SHARED_FOLDER.chmod(0o755)
    # No link leads there any more, so an earlier checkout of the same name left it.
    shutil.rmtree(place, ignore_errors=True)
    data_dir.symlink_to(place)
    return place


def _create(place: Path, *, binaries: Binaries, user: str | None, durable: bool) -> None:
    """Run `initdb` in a temporary folder and rename it, so that a directory is either whole or absent."""
    with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as temporary:
        work = Path(temporary)
        password = secrets.token_urlsafe(24) if durable else ""
        arguments = [f"--username={SUPERUSER}", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        if binaries.version >= _BUILTIN_LOCALES_SINCE:
            arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if password:
            password_file = work / "password"
            password_file.write_text(password)
            password_file.chmod(0o600)
            arguments += ["--auth=scram-sha-256", f"--pwfile={password_file}"]
        else:
            arguments += ["--auth=trust", "--no-sync"]
        if user is not None:
            for path in (work, *work.iterdir()):
                shutil.chown(path, user)
        data = work / "data"
        _run([binaries.folder / "initdb", "-D", data, *arguments], doing="create a database directory", user=user)
        # Single-user mode: the one way to create a database before a server runs.
        flushing = "on" if durable else "off"
        _run(
            [binaries.folder / "postgres", "--single", "-D", data, "-c", f"fsync={flushing}", "postgres"],
            doing="create the database",
            user=user,
            text=f"CREATE DATABASE {DATABASE}\n",
        )
        if password:
            # Kept beside the data it belongs to, readable by the server's user and root.
            (work / "password").rename(data / "caregraph.password")
        data.rename(place)


def _run(argv: Sequence[Path | str], *, doing: str, user: str | None, text: str | None = None) -> None:
    try:
        done = subprocess.run(
            argv,
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            timeout=_INITDB_TIMEOUT_S,
            check=False,
            cwd="/",
            env=_environment(),
            user=user,
            group=None if user is None else _group_of(user),
            extra_groups=None if user is None else [],
        )
    except subprocess.TimeoutExpired as error:
        msg = f"PostgreSQL could not {doing}: {argv[0]} took longer than {_INITDB_TIMEOUT_S:.0f} s."
        raise PostgresError(msg) from error
    if done.returncode != 0:
        msg = f"PostgreSQL could not {doing}: {(done.stderr or done.stdout).strip()[-2000:]}"
        raise PostgresError(msg)


def _refuse_what_cannot_run(place: Path, *, binaries: Binaries, user: str | None) -> None:
    made_by = int((place / "PG_VERSION").read_text())
    if made_by != binaries.version:
        msg = (
            f"The data in {place} was made by PostgreSQL {made_by}, and this is PostgreSQL {binaries.version}. "
            "Run `make reset` to start with fresh data, or set DATABASE_URL to a server that can read the old one."
        )
        raise PostgresError(msg)
    owner = place.stat().st_uid
    if user is None and owner != os.geteuid():
        msg = (
            f"The data in {place} belongs to another user (id {owner}): start as that user, or as that user remove it."
        )
        raise PostgresError(msg)
    pid = _running_server(place)
    if pid is not None:
        msg = (
            f"A PostgreSQL server (process {pid}) is already running on {place}. "
            f"Stop the platform that started it (`caregraph down`), or end that process with `kill -INT {pid}`."
        )
        raise PostgresError(msg)


def _running_server(place: Path) -> int | None:
    """Process id of a live server on this directory. A left-over pid file of a crash doesn't count."""
    try:
        pid = int((place / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    # The number may have been given to another program since. Its name alone, since ps may cut lines at 80 columns.
    answer = subprocess.run(
        ["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, timeout=10, check=False
    )
    return pid if "postgres" in answer.stdout else None


def _read_password(place: Path) -> str:
    path = place / "caregraph.password"
    return path.read_text() if path.exists() else ""


def _group_of(user: str) -> int:
    import pwd  # noqa: PLC0415 - only where a user is changed

    return pwd.getpwnam(user).pw_gid


def _environment() -> dict[str, str]:
    # LC_ALL: messages that our tests and sentences can rely on; on macOS also needed before the first thread starts.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port
