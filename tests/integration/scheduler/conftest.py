"""What these tests have in common with those of Cloud Tasks and of the relay."""

from tests.integration.tasks.conftest import identity, tasks
from tests.integration.triggers.conftest import connection, records

__all__ = ["connection", "identity", "records", "tasks"]
