"""The gRPC server: which method answers which call, and how refusals become status codes."""

import re
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc
import structlog
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from local.pubsub import wire
from local.pubsub.broker import Broker
from local.pubsub.errors import InvalidAckIdsError, PubSubError
from local.pubsub.publisher import PublisherService
from local.pubsub.subscriber import SubscriberService

_Context = grpc.aio.ServicerContext[wire.Message, wire.Message]
_Method = Callable[[Any, _Context], Awaitable[Any]]

#: More than Google takes, so that a request over Google's limit gets Google's answer and not the transport's.
_MAX_REQUEST_BYTES: Final = 32 * 1024 * 1024
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", _MAX_REQUEST_BYTES),
    ("grpc.max_send_message_length", -1),
    # A second server on the port is an error, not a second listener.
    ("grpc.so_reuseport", 0),
    # Clients may ping as often as theirs are set to; a stream may be quiet for hours.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 1_000),
    ("grpc.http2.max_ping_strikes", 0),
)

_log = structlog.get_logger(__name__)


def build_server(broker: Broker, address: str) -> tuple[grpc.aio.Server, int]:
    """A server, not started, of both services on `address` (`127.0.0.1:8085`; port 0 takes a free one), and its port.

    Raises RuntimeError when the port is in use.
    """
    server = grpc.aio.server(options=_OPTIONS)
    publisher, subscriber = PublisherService(broker), SubscriberService(broker)
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                "google.pubsub.v1.Publisher",
                {name: _unary(name, request, publisher) for name, request in wire.PUBLISHER_REQUESTS.items()},
            ),
            grpc.method_handlers_generic_handler(
                "google.pubsub.v1.Subscriber",
                {name: _unary(name, request, subscriber) for name, request in wire.SUBSCRIBER_REQUESTS.items()}
                | {
                    "StreamingPull": grpc.stream_stream_rpc_method_handler(
                        _answer("StreamingPull", subscriber.streaming_pull),
                        request_deserializer=wire.StreamingPullRequest.FromString,
                        response_serializer=_serialize,
                    )
                },
            ),
        )
    )
    return server, server.add_insecure_port(address)


def _unary(name: str, request: Any, service: object) -> "grpc.RpcMethodHandler[Any, Any]":
    method = getattr(service, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())
    return grpc.unary_unary_rpc_method_handler(
        _answer(name, method), request_deserializer=request.FromString, response_serializer=_serialize
    )


def _answer(name: str, method: _Method) -> _Method:
    """`method`, with its refusals as gRPC status codes, and anything unexpected logged and hidden."""

    async def answer(request: Any, context: _Context) -> Any:
        try:
            return await method(request, context)
        except InvalidAckIdsError as error:
            status = rpc_status.to_status(_invalid_ack_ids(error))
            await context.abort(status.code, status.details, trailing_metadata=status.trailing_metadata)
        except PubSubError as error:
            await context.abort(error.code, str(error))
        except sqlite3.Error as error:
            _log.exception("pubsub_journal_failed", method=name)
            await context.abort(grpc.StatusCode.INTERNAL, f"The journal can't be written: {error}.")
        except Exception:
            _log.exception("pubsub_method_failed", method=name)
            await context.abort(grpc.StatusCode.INTERNAL, "Internal error; the log of the local Pub/Sub has it.")

    return answer


def _serialize(message: Any) -> bytes:
    return bytes(message.SerializeToString())


def _invalid_ack_ids(error: InvalidAckIdsError) -> status_pb2.Status:
    """The status with which Google tells the client library which ids have failed."""
    info = error_details_pb2.ErrorInfo(
        reason="INVALID_ACK_IDS",
        domain="pubsub.googleapis.com",
        metadata=dict.fromkeys(error.ack_ids, "PERMANENT_FAILURE_INVALID_ACK_ID"),
    )
    detail = any_pb2.Any()
    detail.Pack(info)
    return status_pb2.Status(code=code_pb2.FAILED_PRECONDITION, message=str(error), details=[detail])
