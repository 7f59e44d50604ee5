"""A raw StreamingPull: what goes over the wire, without the client library's own ideas."""

import queue
import threading
from typing import Any

import grpc
from google.pubsub_v1.types import StreamingPullRequest, StreamingPullResponse

from tests.integration.pubsub.clients import TIMEOUT_S, PubSub, wait_until


class Stream:
    """One raw stream: requests are sent as they are given, responses collected."""

    def __init__(self, pubsub: PubSub, subscription: str, **first: Any) -> None:
        self.responses: list[StreamingPullResponse] = []
        self.error: grpc.RpcError | None = None
        self._requests: queue.Queue[StreamingPullRequest | None] = queue.Queue()
        self.send(subscription=subscription, **{"stream_ack_deadline_seconds": 10, **first})
        self._call = pubsub.subscriber.transport.streaming_pull(iter(self._requests.get, None))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def received(self) -> list[Any]:
        return [each for response in list(self.responses) for each in response.received_messages]

    def send(self, **request: Any) -> None:
        self._requests.put(StreamingPullRequest(request))

    def end(self) -> None:
        """Say that no more requests come, and wait until the server has ended the stream."""
        self._requests.put(None)
        self._reader.join(timeout=TIMEOUT_S)
        assert not self._reader.is_alive()

    def cancel(self) -> None:
        self._call.cancel()
        self.end()

    def wait_for_error(self) -> grpc.StatusCode:
        self._reader.join(timeout=TIMEOUT_S)
        self._requests.put(None)
        assert self.error is not None
        code: grpc.StatusCode = self.error.code()
        return code

    def _read(self) -> None:
        try:
            self.responses.extend(self._call)
        except grpc.RpcError as error:
            self.error = error

    def wait_for(self, count: int) -> list[Any]:
        wait_until(lambda: len(self.received) >= count)
        return self.received
