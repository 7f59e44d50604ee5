"""Publishing what was read, seen from inside the relay."""

import asyncio
from collections.abc import Sequence
from typing import Any

from tests.integration.triggers.records import Records
from triggers.connection import connect
from triggers.dispatch import Dispatcher
from triggers.holds import HeldKeys
from triggers.outages import Outages
from triggers.outbox import OutboxReader, OutboxWriter
from triggers.settings import RelaySettings


class _TakesItsTime:
    """Answers when the lanes have given up waiting for their keys, which takes a quarter second."""

    async def publish(self, _: str, messages: Sequence[Any]) -> list[str]:
        await asyncio.sleep(0.5)
        return ["1"] * len(messages)


async def test_what_was_read_just_before_the_stop_is_published_and_marked(records: Records, database_url: str) -> None:
    """When the relay asks what is under way, its lanes have not begun; and the requests of their keys outlast them."""
    for number in range(20):
        await records.write("contract.updated", f"key-{number}")
    settings = RelaySettings(database_url=database_url, project="stopping")
    async with (
        connect(database_url, **OutboxReader.SETTINGS) as reading,
        connect(database_url, **OutboxWriter.SETTINGS) as writing,
        asyncio.TaskGroup() as group,
    ):
        reader, writer = OutboxReader(reading), OutboxWriter(writing)
        dispatcher = Dispatcher(
            group,
            publisher=_TakesItsTime(),  # type: ignore[arg-type] # all that is asked of it
            reader=reader,
            writer=writer,
            holds=HeldKeys(settings.key_backoff),
            outages=Outages(settings.topic_backoff),
            settings=settings,
            on_progress=lambda: None,
        )
        marking = group.create_task(writer.run())
        dispatcher.submit((await reader.read(list(range(64)), per_lane=20, limit=20)).events)
        assert await dispatcher.finish(timeout_s=10)
        unfinished = dispatcher.in_flight
        dispatcher.cancel()
        marking.cancel()
    assert unfinished == 0
    assert all(event["published_at"] for event in await records.outbox())
