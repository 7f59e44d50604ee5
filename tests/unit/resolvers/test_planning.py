"""New documents that come at once don't keep the event loop from all else."""

import asyncio
from typing import Final

import pytest

from permissions.session import Session
from resolvers.engine import Engine
from resolvers.pool import Pool
from schema.catalogue import Catalogue

_ADMIN: Final = Session(role="admin")
_DOCUMENTS: Final = 20


@pytest.fixture
def engine() -> Engine:
    return Engine(catalogue=Catalogue(tables={}), rules={}, pool=Pool("postgresql://nowhere.invalid/none", size=1))


async def test_of_new_documents_that_come_at_once_one_is_planned_each_turn_of_the_event_loop(engine: Engine) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    answers = await asyncio.gather(
        *(engine.execute(_ADMIN, f"query Q{number} {{ __typename }}") for number in range(_DOCUMENTS))
    )
    counting.cancel()
    assert set(answers) == {b'{"data":{"__typename":"query_root"}}'}
    assert turns >= _DOCUMENTS


async def test_a_document_that_is_refused_or_given_up_holds_up_no_other(engine: Engine) -> None:
    waiting = [asyncio.create_task(engine.execute(_ADMIN, f"query Q{number} {{ nothing }}")) for number in range(5)]
    await asyncio.sleep(0)
    waiting[3].cancel()
    async with asyncio.timeout(5):
        assert b"validation-failed" in await waiting[4]
        assert await engine.execute(_ADMIN, "{ __typename }") == b'{"data":{"__typename":"query_root"}}'
