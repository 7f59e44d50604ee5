"""How fast the local Pub/Sub is: `python -m benchmarks.local_pubsub [--messages 100000]`.

Starts a server of its own in a temporary folder and measures, with Google's generated clients in this process:

- publish: `PublisherAsyncClient`, requests of 100 messages of one ordering key, 8 under way (as the relay does);
- streaming pull with acknowledgements, on an ordered subscription with all of it in its backlog;
- push to a small HTTP server in this process, on an ordered subscription;
- a message's way at low load, from the publish call to the push's arrival;
- the server's memory with everything waiting.

Client and server share the machine, so the figures are of both together.
"""

import argparse
import asyncio
import os
import signal
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import grpc
import psutil
from google.pubsub_v1 import PublisherAsyncClient, SubscriberAsyncClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcAsyncIOTransport
from google.pubsub_v1.types import PublishRequest, PubsubMessage, StreamingPullRequest, StreamingPullResponse

ROOT: Final = Path(__file__).resolve().parent.parent
PROJECT: Final = "projects/benchmark"
TOPIC: Final = f"{PROJECT}/topics/events"
BATCH: Final = 100
KEYS: Final = 1_000
UNDER_WAY: Final = 8
LATENCY_SAMPLES: Final = 200
TIMEOUT_S: Final = 300.0
CHANNEL_OPTIONS: Final = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


def main() -> None:
    """Measure and print a line for each figure."""
    parser = argparse.ArgumentParser(description="Measure the local Pub/Sub.")
    parser.add_argument("--messages", type=int, default=100_000, help="how many to publish and to pull")
    parser.add_argument("--pushes", type=int, default=10_000, help="how many to push")
    parser.add_argument("--bytes", type=int, default=600, help="size of a message's data")
    arguments = parser.parse_args()
    asyncio.run(measure(messages=arguments.messages, pushes=arguments.pushes, data_bytes=arguments.bytes))


async def measure(*, messages: int, pushes: int, data_bytes: int) -> None:
    """Run all measurements against one server."""
    with tempfile.TemporaryDirectory() as folder:
        async with running_server(Path(folder)) as (address, pid):
            channel = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
            async with channel:
                await asyncio.wait_for(channel.channel_ready(), timeout=30)
                publisher = PublisherAsyncClient(transport=PublisherGrpcAsyncIOTransport(channel=channel))
                subscriber = SubscriberAsyncClient(transport=SubscriberGrpcAsyncIOTransport(channel=channel))
                await publisher.create_topic(name=TOPIC)
                pulled = f"{PROJECT}/subscriptions/pulled"
                await subscriber.create_subscription(
                    request={"name": pulled, "topic": TOPIC, "enable_message_ordering": True}
                )
                cpu = psutil.Process(pid).cpu_times()
                seconds = await publish(publisher, messages, data_bytes)
                report("publish", messages, seconds, pid, cpu)
                cpu = psutil.Process(pid).cpu_times()
                seconds = await pull(subscriber, pulled, messages)
                report("streaming pull", messages, seconds, pid, cpu)
                await subscriber.delete_subscription(subscription=pulled)
                async with receiving() as (url, arrivals):
                    pushed = f"{PROJECT}/subscriptions/pushed"
                    await subscriber.create_subscription(
                        request={"name": pushed, "topic": TOPIC, "enable_message_ordering": True}
                    )
                    await publish(publisher, pushes, data_bytes)
                    cpu = psutil.Process(pid).cpu_times()
                    started = time.perf_counter()
                    await subscriber.modify_push_config(
                        request={"subscription": pushed, "push_config": {"push_endpoint": url}}
                    )
                    for _ in range(pushes):
                        await asyncio.wait_for(arrivals.get(), timeout=TIMEOUT_S)
                    report("push", pushes, time.perf_counter() - started, pid, cpu)
                    await report_latency(publisher, arrivals)


async def publish(publisher: PublisherAsyncClient, count: int, data_bytes: int) -> float:
    """Publish `count` messages; the seconds it took."""
    data = os.urandom(data_bytes)
    attributes = {
        "ce-id": "01988d6c-7a80-7000-8000-000000000000", "ce-type": "contract.created",
        "ce-source": "/caregraph/development", "ce-subject": "01988d6c-7a80-7000-8000-000000000001",
        "ce-time": "2026-03-01T12:00:00.000Z", "ce-specversion": "1.0", "content-type": "application/json",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }  # fmt: skip
    batches = iter(range(count // BATCH))

    async def worker() -> None:
        for batch in batches:
            key = f"key-{batch % KEYS}"
            messages = [PubsubMessage.pb()(data=data, attributes=attributes, ordering_key=key) for _ in range(BATCH)]
            request = PublishRequest.wrap(PublishRequest.pb()(topic=TOPIC, messages=messages))
            await publisher.publish(request=request, retry=None, timeout=TIMEOUT_S)

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(UNDER_WAY)))
    return time.perf_counter() - started


async def pull(subscriber: SubscriberAsyncClient, subscription: str, count: int) -> float:
    """Receive and acknowledge `count` messages on one stream; the seconds it took."""
    to_acknowledge: asyncio.Queue[list[str] | None] = asyncio.Queue()

    async def requests() -> AsyncIterator[StreamingPullRequest]:
        yield StreamingPullRequest(
            subscription=subscription, stream_ack_deadline_seconds=60, max_outstanding_messages=5_000
        )
        while (ack_ids := await to_acknowledge.get()) is not None:
            yield StreamingPullRequest(ack_ids=ack_ids)

    started = time.perf_counter()
    received = 0
    async for response in await subscriber.streaming_pull(requests=requests(), timeout=TIMEOUT_S):
        # The raw message: the wrapper would be what is measured.
        messages: Any = StreamingPullResponse.pb(response).received_messages
        to_acknowledge.put_nowait([message.ack_id for message in messages])
        received += len(messages)
        if received >= count:
            break
    seconds = time.perf_counter() - started
    to_acknowledge.put_nowait(None)
    return seconds


async def report_latency(publisher: PublisherAsyncClient, arrivals: "asyncio.Queue[float]") -> None:
    """One message at a time, at rest in between."""
    latencies: list[float] = []
    for number in range(LATENCY_SAMPLES):
        started = time.perf_counter()
        request = {"topic": TOPIC, "messages": [{"data": b"x", "ordering_key": f"key-{number}"}]}
        await publisher.publish(request=request, retry=None, timeout=TIMEOUT_S)
        latencies.append(await asyncio.wait_for(arrivals.get(), timeout=TIMEOUT_S) - started)
        await asyncio.sleep(0.005)
    ordered = sorted(latencies)
    median, p99 = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
    print(f"{'publish to push':<16}{median * 1000:>8.2f} ms median{p99 * 1000:>8.2f} ms 99th percentile")  # noqa: T201


def report(what: str, count: int, seconds: float, pid: int, cpu_before: Any) -> None:
    """Print a rate, and what it cost the server."""
    process = psutil.Process(pid)
    cpu = process.cpu_times()
    spent_s = cpu.user + cpu.system - cpu_before.user - cpu_before.system
    memory_mb = process.memory_info().rss / 1e6
    print(  # noqa: T201 - this is the result
        f"{what:<16}{count / seconds:>10,.0f} messages/s{spent_s / count * 1e6:>8.1f} µs of server CPU a message"
        f"{memory_mb:>8.0f} MB server memory"
    )


@asynccontextmanager
async def running_server(folder: Path) -> AsyncIterator[tuple[str, int]]:
    """`python -m local.pubsub` on a free port meanwhile; its address and process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "local.pubsub",
        cwd=ROOT,
        env={**os.environ, "PORT": str(port), "CAREGRAPH_HOME": str(folder), "CAREGRAPH_LOG_LEVEL": "warning"},
    )  # fmt: skip
    try:
        yield f"127.0.0.1:{port}", process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), timeout=30)


@asynccontextmanager
async def receiving() -> AsyncIterator[tuple[str, "asyncio.Queue[float]"]]:
    """A push endpoint that does nothing but answer; its URL, and the time of each arrival."""
    arrivals: asyncio.Queue[float] = asyncio.Queue()

    class Answering(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self._transport = transport
            self._buffer = b""

        def data_received(self, data: bytes) -> None:
            self._buffer += data
            head, separator, body = self._buffer.partition(b"\r\n\r\n")
            if separator and len(body) >= int(head.rpartition(b"Content-Length: ")[2]):
                self._buffer = b""
                arrivals.put_nowait(time.perf_counter())
                self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/events", arrivals
    finally:
        server.close()


if __name__ == "__main__":
    main()
