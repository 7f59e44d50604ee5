"""Serves an agent's application with uvicorn."""

import uvicorn
from starlette.types import ASGIApp

#: How long events at hand may take to end after a stop was asked for. Cloud Run allows ten seconds in all.
_GRACE_S = 8


def serve(app: ASGIApp, *, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; events at hand are finished first, within eight seconds."""
    uvicorn.run(
        app,
        host=host,
        port=port,
        # Telemetry has set logging up and writes the access line.
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE_S,
        server_header=False,
        ws="none",
    )
