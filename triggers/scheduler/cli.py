"""`caregraph scheduler` and `caregraph jobs`."""

from typing import Annotated

import typer

from triggers.options import DatabaseUrl, Json


def scheduler(
    port: Annotated[
        int, typer.Option(envvar="PORT", help="Port of /jobs, /healthz, /readyz and /metrics.", min=0, max=65535)
    ] = 8301,
    host: Annotated[
        str, typer.Option(envvar="HOST", help="Address to listen on; 0.0.0.0 in a container.")
    ] = "127.0.0.1",
) -> None:
    """Hand scheduled tasks that are due soon to Cloud Tasks, and run cron jobs when called, until stopped.

    Settings come from the environment: DATABASE_URL, CAREGRAPH_TASKS_QUEUE, CAREGRAPH_AGENT_URLS and the service
    accounts; CLOUD_TASKS_EMULATOR_HOST for a local Cloud Tasks. `caregraph up` runs it with everything set.
    """
    # Imported here, because `caregraph --help` must be fast.
    import asyncio

    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from integrations.telemetry import configure_telemetry, shutdown_telemetry
    from triggers.scheduler.service import serve_scheduler
    from triggers.scheduler.settings import SchedulerSettings
    from triggers.settings import ServiceSettings

    try:
        configure_telemetry("scheduler")
        asyncio.run(serve_scheduler(SchedulerSettings(), ServiceSettings(host=host, port=port)))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors())
        typer.echo(f"The scheduler can't start: {wrong}.", err=True)
        raise typer.Exit(2) from None
    except SettingsError as error:
        typer.echo(f"The scheduler can't start: {error}.", err=True)
        raise typer.Exit(2) from None
    except OSError as error:
        typer.echo(f"The scheduler can't listen on {host}:{port}: {error}. Set PORT to a free one.", err=True)
        raise typer.Exit(1) from None
    finally:
        shutdown_telemetry()


def jobs(*, as_json: Json = False, database_url: DatabaseUrl) -> None:
    """The cron jobs: when they run, how the last run ended, and how many failed within a day."""
    from triggers.cli import query, show_value
    from triggers.scheduler.runs import read_job_statuses, render_jobs

    show_value(query(database_url, read_job_statuses), render_jobs, as_json=as_json)
