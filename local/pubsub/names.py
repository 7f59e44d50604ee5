"""Resource names: `projects/PROJECT/topics/ID`, and the same for subscriptions and snapshots."""

import re
from typing import Final, Literal

from local.pubsub.errors import InvalidArgumentError

Collection = Literal["topics", "subscriptions", "snapshots"]

#: What Google puts where a deleted topic's name stood.
DELETED_TOPIC: Final = "_deleted-topic_"

_PROJECT: Final = re.compile(r"projects/[^/\s]+")
_ID: Final = re.compile(r"[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}")


def check_name(name: str, collection: Collection) -> str:
    """`name`, when it's a well-formed name of that collection.

    Rules: https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names.
    """
    project, _, rest = name.rpartition(f"/{collection}/")
    if not _PROJECT.fullmatch(project) or not _ID.fullmatch(rest) or rest.lower().startswith("goog"):
        raise InvalidArgumentError(f"Invalid [{collection}] name: (name={name})")
    return name


def check_project(name: str) -> str:
    """`name`, when it has the form `projects/PROJECT`."""
    if not _PROJECT.fullmatch(name):
        raise InvalidArgumentError(f"Invalid [projects] name: (name={name})")
    return name


def project_of(name: str) -> str:
    """The project id in a resource name."""
    return name.split("/", 2)[1]


def id_of(name: str) -> str:
    """The last segment of a resource name."""
    return name.rpartition("/")[2]
