"""What every program of the platform tells its operators: logs, traces, metrics, health.

A program calls `configure_telemetry("api")` once at start, wraps its ASGI application in
`http.RequestContextMiddleware`, adds `http.operational_routes(...)` and logs with `structlog.get_logger()`. One request
then goes: the middleware names it (`context.RequestContext`) and joins its trace (`tracing.join_trace`); every line
logged meanwhile carries `request_id`, `trace_id` and `span_id`; whoever sends something on takes
`tracing.current_traceparent()` along; at the end the middleware writes one access line and feeds one histogram.

- `context`: the request being served, in a context variable.
- `tracing`: W3C trace context, with OpenTelemetry behind it only when an exporter is configured.
- `logging`: structlog and the standard library's loggers through one pipeline, JSON or console.
- `redaction`: what never reaches a log: secrets, and names of fields that hold health or personal data.
- `metrics`: the process's registry, and counters, gauges and histograms that may be asked for twice.
- `http`: `/healthz`, `/readyz`, `/metrics`, and the middleware.
- `settings`: the environment variables that steer all this.

Nothing here imports another package of the platform, so everyone may import it.
"""

from integrations.telemetry.settings import TelemetrySettings, configure_telemetry, shutdown_telemetry

__all__ = ["TelemetrySettings", "configure_telemetry", "shutdown_telemetry"]
