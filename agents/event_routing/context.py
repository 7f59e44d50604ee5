"""What the rules' handlers work with."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from agents.graphql.client import GraphQLClient
from agents.runtime.clock import Clock, read_clock
from agents.runtime.errors import RetryLater
from agents.runtime.webhooks import Webhook

#: So long a webhook waits for a row of ours that an agent may still be writing; then there is none.
_PATIENCE: Final = timedelta(minutes=10)
_AGAIN: Final = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """The endpoint, who we are in Zendesk, and what time it is."""

    graphql: GraphQLClient
    zendesk_user_id: int
    now: Clock = read_clock

    def wait_for(self, what: str, webhook: Webhook) -> None:
        """Raise RetryLater while what is missing may still come; return when it won't."""
        if self.now() - webhook.moment < _PATIENCE:
            raise RetryLater(f"{what} may still come", after=_AGAIN)
