"""A record shop with the metadata folder that its Hasura exported."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import asyncpg
import orjson
import pytest
import yaml

from permissions.session import Session
from resolvers.engine import Engine
from resolvers.pool import Pool
from server.source import Source, hasura_source
from tests.databases import create_database, database_name, drop_database, run

FOLDER: Final = Path(__file__).parent
METADATA: Final = FOLDER / "metadata"

Ask = Callable[..., Awaitable[Any]]


async def _create(server_url: str) -> str:
    url = await create_database(server_url)
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute((FOLDER / "schema.sql").read_text(), timeout=60)
    finally:
        await connection.close()
    return url


@pytest.fixture(scope="session")
def music_template(postgres_server: str) -> Iterator[str]:
    """Name of the shop's database, to clone."""
    url = run(_create(postgres_server))
    yield database_name(url)
    run(drop_database(postgres_server, url))


@pytest.fixture
async def music_url(postgres_server: str, music_template: str) -> AsyncIterator[str]:
    """Address of a shop of the test's own."""
    url = await create_database(postgres_server, template=music_template)
    yield url
    await drop_database(postgres_server, url)


@pytest.fixture
async def source(music_url: str) -> Source:
    """What the exported metadata makes of it."""
    return await hasura_source(music_url, METADATA)


@pytest.fixture
async def engine(source: Source, music_url: str) -> AsyncIterator[Engine]:
    """An engine that serves it."""
    pool = Pool(music_url, size=2, statement_timeout_s=10)
    yield source.engine(pool)
    await pool.close()


@pytest.fixture
def ask(engine: Engine) -> Ask:
    """Asks as a role: `await ask("listener", query, user="ann", **variables)`; the data, or the error."""

    async def ask_as(role: str, query: str, *, user: str | None = None, **variables: Any) -> Any:
        session = Session(role=role, variables={"x-hasura-user-id": user} if user else {})
        answer = orjson.loads(await engine.execute(session, query, variables or None))
        return answer["data"] if "data" in answer else answer["errors"][0]

    return ask_as


@pytest.fixture
def changed_metadata(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """A copy of the folder with other contents in some files; None removes one, a table's gets more members."""

    def change(files: dict[str, Any]) -> Path:
        folder = tmp_path / "metadata"
        shutil.copytree(METADATA, folder)
        for name, content in files.items():
            path = folder / name
            if content is None:
                path.unlink()
                continue
            is_table = isinstance(content, dict) and path.parent.name == "tables"
            whole = {**yaml.safe_load(path.read_text()), **content} if is_table else content
            path.write_text(whole if isinstance(whole, str) else yaml.safe_dump(whole))
        return folder

    return change
