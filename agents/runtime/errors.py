"""How work on an event fails, and what is done about it.

::

    AgentError
    ├── RetryLater        it can succeed later: Pub/Sub delivers again; ``after`` says when that makes sense
    ├── Rejected          it will never succeed: a dead letter, and the event is acknowledged
    └── AlreadyDone       the inbox has it: acknowledged

Handlers may raise the first two, and may let the errors of `integrations` and `agents.graphql` pass: `judge` knows
what they mean. Anything else is a fault in our own code: again, a few times, then a dead letter.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Final

from agents.events.payload import MalformedEvent
from agents.graphql.errors import CredentialsRefused, EndpointUnavailable, OperationRefused, ServerFault
from integrations.errors import PermanentError, TemporaryError
from integrations.identity.errors import IdTokenUnavailableError

#: The end of the endpoint's codes for a write-back about something that is not as the agent read it.
_CHANGED: Final = "-changed"


class AgentError(Exception):
    """Base of what the runtime and its handlers raise on purpose."""


class RetryLater(AgentError):
    """The event can't be handled now. Its message goes into the delivery's record: no personal data in it."""

    def __init__(self, reason: str, *, after: timedelta | None = None) -> None:
        self.after = after
        super().__init__(reason)


class Rejected(AgentError):
    """The event can't be handled, now or ever. Its message is the dead letter's reason: no personal data in it."""


class AlreadyDone(AgentError):
    """Another delivery of the event has been handled."""


class Verdict(Enum):
    """What an exception means for the event."""

    #: Someone else's trouble that passes: try again for long.
    LATER = "later"
    #: Our own fault, most likely: try again a few times.
    FAULT = "fault"
    #: Hopeless.
    NEVER = "never"


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What to do about a failed attempt."""

    verdict: Verdict
    #: What goes into the records; free of personal data.
    reason: str
    #: When another attempt makes sense, if anyone said so.
    after: timedelta | None = None


def judge(error: Exception) -> Judgement:
    """What an exception out of a handler or its write-back means."""
    match error:
        case RetryLater():
            return Judgement(verdict=Verdict.LATER, reason=str(error), after=error.after)
        case Rejected() | MalformedEvent():
            return Judgement(verdict=Verdict.NEVER, reason=str(error))
        case TemporaryError():
            return Judgement(verdict=Verdict.LATER, reason=str(error), after=error.retry_after)
        case PermanentError():
            return Judgement(verdict=Verdict.NEVER, reason=str(error))
        case OperationRefused(code=code) if code.endswith(_CHANGED):
            return Judgement(verdict=Verdict.LATER, reason=f"{error.operation}: {code} at {error.path}")
        case ServerFault() | OperationRefused():
            # The endpoint's sentence can repeat values of a row, the code and the place can't. A refusal can be a
            # difference of versions during a deployment, so it is not hopeless at once.
            reason = f"{error.operation}: {error.code} at {error.path}"
            return Judgement(verdict=Verdict.LATER if isinstance(error, ServerFault) else Verdict.FAULT, reason=reason)
        case EndpointUnavailable() | CredentialsRefused() | IdTokenUnavailableError():
            return Judgement(verdict=Verdict.LATER, reason=str(error))
        case _:
            # Its text may hold anything, also of a customer; the log has the traceback.
            return Judgement(verdict=Verdict.FAULT, reason=f"unexpected {type(error).__name__}")
