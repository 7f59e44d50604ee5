"""The embedded PostgreSQL starts, keeps its data, and never outlives whoever started it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import psutil
import pytest

from local.postgres import PostgresError, PostgresServer, postgres, prepare_cluster, start_postgres
from local.postgres.binaries import can_be_reached_by_others, runs_as_root
from local.postgres.cluster import remove_cluster

GONE_WITHIN = timedelta(seconds=15)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "postgres"
    yield path
    remove_cluster(path)


async def fetchval(server: PostgresServer, statement: str) -> object:
    connection = await asyncpg.connect(server.url, timeout=10)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_data_survives_a_stop_and_a_start(data_dir: Path) -> None:
    async with postgres(data_dir) as server:
        await fetchval(server, "create table kept as select 42 as answer")
    async with postgres(data_dir) as server:
        assert await fetchval(server, "select answer from kept") == 42


async def test_server_has_the_settings_the_platform_relies_on(data_dir: Path) -> None:
    async with postgres(data_dir) as server:
        assert await fetchval(server, "show timezone") == "UTC"
        assert await fetchval(server, "show jit") == "off"
        assert await fetchval(server, "show fsync") == "on"
        assert await fetchval(server, "show server_encoding") == "UTF8"
        assert await fetchval(server, "select 'é' < 'z'") is False, "text sorts by code point on every machine"


async def test_log_of_the_server_holds_no_values_of_rows(data_dir: Path) -> None:
    async with postgres(data_dir) as server:
        await fetchval(server, "create table person (email text unique)")
        with pytest.raises(asyncpg.UniqueViolationError, match="person_email_key"):
            await fetchval(server, "insert into person values ('ada@example.com'), ('ada@example.com')")
        with pytest.raises(asyncpg.InvalidTextRepresentationError):
            await fetchval(server, "select 'ada@example.com'::uuid")
        log = server.cluster.command.log
    assert "ready to accept connections" in log.read_text()
    assert "ada" not in log.read_text()


async def test_durable_server_refuses_a_client_without_its_password(data_dir: Path) -> None:
    async with postgres(data_dir) as server:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(
                host="127.0.0.1", port=server.port, user="caregraph", password="guess", database="caregraph", timeout=10
            )


async def test_second_server_on_the_same_data_is_refused_with_a_way_out(data_dir: Path) -> None:
    async with postgres(data_dir, durable=False) as server:
        with pytest.raises(PostgresError, match=f"process {server.pid}.*already running"):
            prepare_cluster(data_dir, port=None, durable=False)


async def test_server_starts_again_after_it_was_killed(data_dir: Path) -> None:
    server = await asyncio.to_thread(start_postgres, data_dir, durable=False)
    os.kill(server.pid, signal.SIGKILL)
    await asyncio.to_thread(server.stop)
    assert not server.running
    async with postgres(data_dir, durable=False) as again:
        assert await fetchval(again, "select 1") == 1


def test_taken_port_is_reported_with_the_end_of_the_log(data_dir: Path) -> None:
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        with pytest.raises(PostgresError, match="Address already in use"):
            start_postgres(data_dir, port=occupant.getsockname()[1], durable=False)


def test_data_of_another_major_version_is_refused(data_dir: Path) -> None:
    cluster = prepare_cluster(data_dir, port=None, durable=False)
    (cluster.data_dir / "PG_VERSION").write_text("9\n")
    with pytest.raises(PostgresError, match="was made by PostgreSQL 9"):
        prepare_cluster(data_dir, port=None, durable=False)


def test_killing_the_starter_leaves_no_server_behind(data_dir: Path) -> None:
    program = (
        "import sys, time, pathlib\n"
        "from local.postgres import start_postgres\n"
        "server = start_postgres(pathlib.Path(sys.argv[1]), durable=False)\n"
        "print(server.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", program, data_dir], stdout=subprocess.PIPE, text=True)
    with starter:
        assert starter.stdout is not None
        postmaster = psutil.Process(int(starter.stdout.readline()))
        family = [postmaster, *postmaster.children(recursive=True)]
        starter.kill()
    _, alive = psutil.wait_procs(family, timeout=GONE_WITHIN.total_seconds())
    assert alive == []


@pytest.mark.skipif(not runs_as_root(), reason="only root has to keep its data where another user can reach it")
def test_root_keeps_data_of_a_closed_folder_where_the_server_can_reach_it(data_dir: Path) -> None:
    data_dir.parent.chmod(0o700)
    server = start_postgres(data_dir, durable=False)
    try:
        assert data_dir.is_symlink()
        assert can_be_reached_by_others(server.cluster.data_dir.parent)
        assert server.cluster.data_dir.stat().st_mode & 0o077 == 0
    finally:
        server.stop()
    place = data_dir.readlink()
    remove_cluster(data_dir)
    assert not place.exists()
