"""Python's garbage collector: settled in a server's own process, left alone in one that others share."""

import gc
import json
import os
import subprocess
import sys
from pathlib import Path

from server.application import create_application
from server.authentication.settings import AuthenticationSettings
from server.settings import ServerSettings
from tests.integration.identity.serving import serve

#: What uvicorn does with what `caregraph serve` names, up to its first request.
_START = """
import asyncio, gc, json
from server.application import application_from_environment

async def begin() -> None:
    messages = asyncio.Queue()
    await messages.put({"type": "lifespan.startup"})
    began = asyncio.Event()
    async def send(message):
        assert message["type"] == "lifespan.startup.complete", message
        began.set()
    running = asyncio.ensure_future(application({"type": "lifespan"}, messages.get, send))
    await asyncio.wait_for(began.wait(), 30)
    print(json.dumps([gc.isenabled(), gc.get_freeze_count(), gc.get_threshold()]))
    running.cancel()

application = application_from_environment()
asyncio.run(begin())
"""


async def test_an_application_leaves_the_collector_of_a_process_alone_that_it_shares(demo_database_url: str) -> None:
    before, frozen = (gc.isenabled(), gc.get_threshold()), gc.get_freeze_count()
    application = create_application(ServerSettings(database_url=demo_database_url), AuthenticationSettings())
    async with serve(application):
        assert (gc.isenabled(), gc.get_threshold()) == before
        # What was frozen before may go meanwhile.
        assert gc.get_freeze_count() <= frozen


def test_a_server_process_keeps_the_collector_from_what_stays(demo_database_url: str, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": demo_database_url, "CAREGRAPH_LOG_LEVEL": "error"}
    started = subprocess.run(
        [sys.executable, "-c", _START],
        env={**environment, "CAREGRAPH_ADMIN_SECRET": "a secret for tests"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert started.returncode == 0, started.stderr
    enabled, frozen, (first, _, _) = json.loads(started.stdout)
    assert enabled
    # Modules and schemas are some hundred thousand objects.
    assert frozen > 100_000
    assert first > 700
