"""MigrationError: what went wrong, where, and what to do."""


class MigrationError(Exception):
    """A migration could not run. The database is as it was before the revision that failed."""
