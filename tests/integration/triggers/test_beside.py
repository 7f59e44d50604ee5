"""`caregraph serve --relay`: one process that takes mutations and publishes their events."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.integration.pubsub.server import ROOT, free_port
from tests.integration.triggers.pubsub import Project
from tests.integration.triggers.records import Records
from tests.integration.triggers.relays import all_published, eventually

SECRET = "the-admin-secret"
INSERT = "mutation ($c: contract_insert_input!) { insert_contract_one(object: $c) { id } }"


def serve(environment: dict[str, str], port: int, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            [Path(sys.executable).with_name("caregraph"), "serve", "--relay", "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, **environment, "CAREGRAPH_ADMIN_SECRET": SECRET},
            stdout=output,
            stderr=output,
        )


async def test_an_api_with_a_relay_in_it_publishes_and_stops_cleanly(
    records: Records, project: Project, database_url: str, tmp_path: Path
) -> None:
    port, log = free_port(), tmp_path / "serve.log"
    url = f"http://127.0.0.1:{port}"
    process = serve(project.environment(database_url), port, log)
    try:
        async with httpx.AsyncClient(timeout=20, trust_env=False) as client:

            async def is_ready() -> bool:
                assert process.poll() is None, log.read_text()
                try:
                    return (await client.get(f"{url}/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(is_ready)
            checks = (await client.get(f"{url}/readyz")).json()["checks"]
            assert checks == {"database": "ok", "relay_database": "ok", "relay_pubsub": "ok"}
            contract = {"customer_id": str(records.customer_id), "treatment_id": str(records.treatment_id)}
            answer = await client.post(
                f"{url}/v1/graphql",
                json={"query": INSERT, "variables": {"c": contract}},
                headers={"x-hasura-admin-secret": SECRET},
            )
            contract_id = answer.json()["data"]["insert_contract_one"]["id"]
            (received,) = await project.receive_count(1)
            assert received.ordering_key == contract_id
            assert "caregraph_relay_published_total" in (await client.get(f"{url}/metrics")).text
        await all_published(records.connection)
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, 20)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert "relay.stopped" in log.read_text()
    assert await records.connection.fetchval("SELECT count(*) FROM events.relay") == 0
