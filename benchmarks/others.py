"""Measurements of ours against ours: by role, by number of processes; and the latency of a lone connection."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from benchmarks.cases import AS_EITHER, CAREGRAPH, CASES, CONTRACT_PAGE, HANDWRITTEN, LIMIT, Call, Case
from benchmarks.peers import RunningPeer
from benchmarks.report import LABELS, Ratio
from benchmarks.run import Bench, Contestant

#: The role is not to cost more than this share of the throughput.
_ROLE_TARGET: Final = 0.9
_PROCESSES_TARGET: Final = 1.6
_LATENCY_TARGET: Final = 1.25

#: Known documents, and ones that are parsed, checked and planned for every request: what Python bounds most.
_KNOWN: Final = "known documents"
_NEW: Final = "documents that are new each time"
#: More than the documents that a role's plans are kept for.
_NEW_DOCUMENTS: Final = 4_000
_LATENCY_CASES: Final = ("by_primary_key", "list_of_50")
#: Reads that take long enough to be shared, and that many ask for at the same time here.
_SHARED_CASES: Final = ("thousand_rows", "aggregate")


def measure_roles(bench: Bench, peer: RunningPeer, *, connections: int) -> list[Ratio]:
    """The same documents by customers with bearer tokens, and by the administrator. Raises PeerError."""
    found = []
    for case in AS_EITHER:
        calls = case.calls(bench.database.material)
        as_admin = [Call(variables=call.variables) for call in calls]
        contestants = [_contestant(bench, case, peer, "admin", as_admin), _contestant(bench, case, peer, "user", calls)]
        series = bench.compete(case, contestants, connections=connections)
        found.append(
            Ratio(
                title=f"role user with an RS256 token / admin: {case.title}",
                value=series["user"].ratio(series["admin"]),
                target=_ROLE_TARGET,
                note=f"{series['user'].median('rate'):,.0f} / {series['admin'].median('rate'):,.0f} requests/s",
            )
        )
    return found


def measure_shared_reads(
    bench: Bench, peers: Mapping[str, RunningPeer], shared: RunningPeer, *, connections: int
) -> list[Ratio]:
    """Ours as it is shipped, where the same slow reads run once for all who wait for them. Raises PeerError.

    Apart from the main table, in which every request of every peer is a statement of its own.
    """
    found = []
    for case in _cases(_SHARED_CASES):
        others = {name: peers[name] for name in (LIMIT, HANDWRITTEN) if name in peers}
        series = bench.compete(case, bench.contestants(case, {CAREGRAPH: shared, **others}), connections=connections)
        ours = series[CAREGRAPH]
        found += [
            Ratio(
                title=f"the same reads shared / {LABELS[name]}: {case.title}",
                value=ours.ratio(series[name]),
                target=case.targets[name],
                note=f"{ours.median('rate'):,.0f} / {series[name].median('rate'):,.0f} requests/s",
            )
            for name in others
        ]
    return found


def measure_processes(bench: Bench, one: RunningPeer, two: RunningPeer, *, connections: int) -> list[Ratio]:
    """Two processes against one. Raises PeerError.

    On a machine whose processors PostgreSQL and the load generator use as well, the ratio for known documents says more
    about the machine: the note tells how many processors' worth of time one process left.
    """
    (small,) = _cases(("by_primary_key",))
    found = []
    for case, title in ((small, _KNOWN), (small, _NEW), (CONTRACT_PAGE, _NEW)):
        calls = case.calls(bench.database.material)
        contestants = [
            _contestant(bench, case, peer, name, calls, new_documents=title == _NEW)
            for name, peer in (("one", one), ("two", two))
        ]
        series = bench.compete(case, contestants, connections=connections)
        alone = series["one"]
        server, postgres = alone.median("server_us"), alone.median("postgres_us")
        found.append(
            Ratio(
                title=f"two processes / one: {case.title}, {title}",
                value=series["two"].ratio(alone),
                target=_PROCESSES_TARGET,
                note=(
                    f"{series['two'].median('rate'):,.0f} / {alone.median('rate'):,.0f} requests/s; "
                    f"a request takes {server:.0f} µs of the server, {postgres:.0f} µs of PostgreSQL"
                ),
            )
        )
    return found


def measure_latency(bench: Bench, peers: Mapping[str, RunningPeer]) -> list[Ratio]:
    """Median latency of a lone connection, as a multiple of the limit's. Raises PeerError."""
    # Short windows are enough: there is no queue to fill.
    quicker = replace(bench, pace=replace(bench.pace, warm_up_s=0.1, window_s=bench.pace.window_s / 2))
    found = []
    for case in _cases(_LATENCY_CASES):
        contestants = bench.contestants(case, {name: peers[name] for name in (LIMIT, CAREGRAPH)})
        series = quicker.compete(case, contestants, connections=1)
        ours, least = series[CAREGRAPH], series[LIMIT]
        found.append(
            Ratio(
                title=f"median latency of one connection / the limit's: {case.title}",
                value=ours.ratio(least, "median_ms"),
                target=_LATENCY_TARGET,
                at_most=True,
                note=f"{ours.median('median_ms'):.3f} / {least.median('median_ms'):.3f} ms",
            )
        )
    return found


def _contestant(
    bench: Bench, case: Case, peer: RunningPeer, name: str, calls: list[Call], *, new_documents: bool = False
) -> Contestant:
    requests = peer.requests(case, calls)
    if new_documents:
        # Another name of the same length makes another document of the same work; all such cases have it.
        requests = [
            requests[number % len(requests)].replace(b"query Contract(", b"query C%07d(" % number)
            for number in range(_NEW_DOCUMENTS)
        ]
        name += "-new"
    written = bench.generator.write_requests(f"{case.name}-{peer.port}-{name}", requests)
    return Contestant(name=name.removesuffix("-new"), peer=peer, requests=written)


def _cases(names: tuple[str, ...]) -> list[Case]:
    return [case for case in CASES if case.name in names]
