"""What it costs reads that they are recorded: the engine with its access log and without, side by side.

    python -m benchmarks.access_log [--rounds 15] [--seconds 1]

Needs nothing but the environment: an embedded PostgreSQL is started and filled with the demo data. Both engines answer
the same reads of health information, in turns, from the same process; HTTP is left out, so that the record's share is
larger than it is for a client. The log is written during its own window, up to the last entry. A ratio compares two
windows that followed each other; on a busy machine their median says more than either window.
"""

import argparse
import asyncio
import statistics
import sys
import time
from typing import Final

from local.demo.loader import load
from local.postgres import temporary_postgres
from migrations.runner import upgrade
from permissions.session import Session
from resolvers.engine import Engine
from resolvers.pool import Pool
from server.access_log import AccessLog
from server.source import platform_source

_CASES: Final = {
    "a patient by key": "query Patient($id: uuid!) { healthcare_patient_by_pk(id: $id) { id birth_date language } }",
    "50 observations": "query Vitals($id: uuid!) { healthcare_observation(limit: 50, where: {patient_id: {_gt: $id}})"
    " { id code value_quantity value_unit issued } }",
    "a chart": "query Chart($id: uuid!) { healthcare_patient_by_pk(id: $id) { id prescriptions { id status fills"
    " { id status } } observations(limit: 20) { id code value_quantity } } }",
}
_CONCURRENCY: Final = 16
_SESSION: Final = Session(role="admin", variables={"x-hasura-user-id": "benchmark"})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.access_log", description="The price of the record.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a window")
    options = parser.parse_args()
    with temporary_postgres() as server:
        asyncio.run(_measure(server.url, options.rounds, options.seconds))


async def _measure(url: str, rounds: int, seconds: float) -> None:
    await upgrade(url)
    await load(url)
    pool, log = Pool(url, size=_CONCURRENCY), AccessLog(url)
    without, recorded = platform_source().engine(pool), platform_source().engine(pool, recorder=log)
    async with pool.connection() as connection:
        found = await connection.rows("SELECT id::text FROM healthcare.patient ORDER BY id LIMIT 100", ())
    patients = [str(row[0]) for row in found]
    for name, query in _CASES.items():
        plain, noted, ratios = [], [], []
        for number in range(rounds + 1):
            first = await _window(without, query, patients, seconds, None)
            second = await _window(recorded, query, patients, seconds, log)
            if number:  # the first one warms up
                plain.append(first)
                noted.append(second)
                ratios.append(second / first)
        sys.stdout.write(
            f"{name:<18} {statistics.median(plain):8.0f} reads/s without, {statistics.median(noted):8.0f} recorded:"
            f" {statistics.median(ratios):.3f} ({min(ratios):.2f} to {max(ratios):.2f})\n"
        )
    await log.close()
    await pool.close()


async def _window(engine: Engine, query: str, patients: list[str], seconds: float, log: AccessLog | None) -> float:
    """Reads a second, until the last of them is on record."""
    reads = 0
    begun = time.perf_counter()
    end = begun + seconds

    async def one() -> None:
        nonlocal reads
        while time.perf_counter() < end:
            answer = await engine.execute(_SESSION, query, {"id": patients[reads % len(patients)]})
            if not answer.startswith(b'{"data":'):
                raise SystemExit(f"the query failed: {answer.decode()}")
            reads += 1

    await asyncio.gather(*(one() for _ in range(_CONCURRENCY)))
    if log is not None:
        await log.flush()
    return reads / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
