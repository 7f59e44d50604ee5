"""The gRPC server: which method answers which call, and how refusals become status codes."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc
import structlog
from google.cloud.tasks_v2 import types

from local.tasks.errors import TasksError
from local.tasks.queues import Queues

_Context = grpc.aio.ServicerContext[Any, Any]

_METHODS: Final = {
    "CreateQueue": types.CreateQueueRequest,
    "GetQueue": types.GetQueueRequest,
    "ListQueues": types.ListQueuesRequest,
    "DeleteQueue": types.DeleteQueueRequest,
    "PurgeQueue": types.PurgeQueueRequest,
    "PauseQueue": types.PauseQueueRequest,
    "ResumeQueue": types.ResumeQueueRequest,
    "CreateTask": types.CreateTaskRequest,
    "GetTask": types.GetTaskRequest,
    "ListTasks": types.ListTasksRequest,
    "DeleteTask": types.DeleteTaskRequest,
    "RunTask": types.RunTaskRequest,
}

_log = structlog.get_logger(__name__)


def build_server(queues: Queues, address: str) -> tuple[grpc.aio.Server, int]:
    """A server, not started, on `address` (port 0 takes a free one), and its port.

    Raises RuntimeError when the port is in use.
    """
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    methods = {
        "CreateQueue": queues.create_queue,
        "GetQueue": queues.get_queue,
        "ListQueues": queues.list_queues,
        "DeleteQueue": queues.delete_queue,
        "PurgeQueue": queues.purge_queue,
        "PauseQueue": queues.pause_queue,
        "ResumeQueue": queues.resume_queue,
        "CreateTask": queues.create_task,
        "GetTask": queues.get_task,
        "ListTasks": queues.list_tasks,
        "DeleteTask": queues.delete_task,
        "RunTask": queues.run_task,
    }
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                "google.cloud.tasks.v2.CloudTasks",
                {
                    name: grpc.unary_unary_rpc_method_handler(
                        _answer(name, methods[name]),
                        request_deserializer=request.deserialize,
                        response_serializer=_serialize,
                    )
                    for name, request in _METHODS.items()
                },
            ),
        )
    )
    return server, server.add_insecure_port(address)


def _answer(name: str, method: Callable[[Any], Any]) -> Callable[[Any, _Context], Awaitable[Any]]:
    async def answer(request: Any, context: _Context) -> Any:
        try:
            return method(request)
        except TasksError as error:
            await context.abort(error.code, str(error))
        except Exception:
            _log.exception("tasks.method_failed", method=name)
            await context.abort(grpc.StatusCode.INTERNAL, "Internal error; the log of the local Cloud Tasks has it.")

    return answer


def _serialize(message: Any) -> bytes:
    # proto-plus messages serialize by their class, plain ones by themselves.
    return bytes(
        message.SerializeToString() if hasattr(message, "SerializeToString") else type(message).serialize(message)
    )
