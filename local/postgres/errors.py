"""The one error of this package."""


class PostgresError(Exception):
    """PostgreSQL could not be found, made or started; the message says why and what to do."""
