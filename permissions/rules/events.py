"""Rules of the schema `events`: only admin sees it; agents leave their records there, under their own name.

`audit` has no rules at all: nobody but admin reads it, and only triggers write it.
"""

from collections.abc import Mapping
from typing import Final

from permissions.model import EVERY_ROW, Insert, Select, TablePermissions
from permissions.rules.persons import ME

EVENTS: Final[Mapping[str, Mapping[str, TablePermissions]]] = {
    "events.inbox": {
        # Reading its own entries lets an agent see that an event was handled, before it calls anyone outside.
        "service": TablePermissions(
            select=Select(columns=("agent", "event_id"), filter={"agent": {"_eq": ME}}),
            insert=Insert(columns=("event_id",), check=EVERY_ROW, presets={"agent": ME}),
        ),
    },
    "events.delivery": {
        "service": TablePermissions(
            insert=Insert(
                columns=("event_id", "attempt", "outcome", "error", "effects", "started_at", "finished_at"),
                check=EVERY_ROW,
                presets={"agent": ME},
            ),
        ),
    },
    "events.dead_letter": {
        "service": TablePermissions(
            insert=Insert(columns=("event_id", "reason", "attempts", "event"), check=EVERY_ROW, presets={"agent": ME}),
        ),
    },
    "events.scheduled_task": {
        # An agent plans its own work, not another's.
        "service": TablePermissions(
            insert=Insert(columns=("name", "kind", "target", "payload", "due_at"), check={"target": {"_eq": ME}}),
        ),
    },
}
