"""What the supervisor is given: parts, as values."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from local.supervisor.process import Command
from local.supervisor.readiness import Readiness


class State(StrEnum):
    """Where a part stands."""

    #: Another part must be ready first.
    WAITING = "waiting"
    #: A program that runs and isn't ready, or a step at work.
    STARTING = "starting"
    #: A program that takes requests.
    READY = "ready"
    #: A step that has done its work.
    DONE = "done"
    #: A program that ended by itself and will be started again.
    RESTARTING = "restarting"
    #: Given up; nothing that depends on it can start.
    FAILED = "failed"
    STOPPING = "stopping"
    STOPPED = "stopped"

    @property
    def settled(self) -> bool:
        """Whether the parts that depend on this one may start."""
        return self in {State.READY, State.DONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One named program, or a step that runs once and ends."""

    name: str
    command: Command
    #: How to see that the program is ready; None makes it a step, which is done when it ends with status 0.
    readiness: Readiness | None = None
    #: Names of the parts that must be ready or done before this one starts.
    depends_on: tuple[str, ...] = ()
    #: Where it can be reached; empty when it can't be.
    url: str = ""
    #: TCP port that it listens on, if any.
    port: int | None = None
    #: One line for people: what it does.
    purpose: str = ""
    #: Whether the platform is of no use without it. Otherwise what depends on it starts even when it has failed.
    required: bool = True
    #: How long it may take to be ready, or done.
    start_timeout: timedelta = timedelta(seconds=60)

    @property
    def is_step(self) -> bool:
        """Whether it runs once and ends."""
        return self.readiness is None
