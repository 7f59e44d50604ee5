"""Limits of the endpoint, by role: what an operation may ask for, how often a caller may ask, and what is known.

`CAREGRAPH_LIMITS` is a JSON object of role → limits, laid over the defaults below field by field (`over_defaults`); `*`
is for roles that have nothing of their own. Rates are in the spelling of the `limits` library (`600/minute`).
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import structlog
from graphql import GraphQLSyntaxError, OperationDefinitionNode, parse, print_ast
from limits import RateLimitItem, parse_many
from limits.aio.storage import RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.util import WindowStats
from pydantic import BaseModel, ConfigDict, Field, field_validator

from permissions.session import Session
from resolvers.errors import GraphQLRequestError, ValidationFailed
from resolvers.limits import OperationLimits

if TYPE_CHECKING:
    from limits.aio.storage.redis.redispy import RedispyBridge

_OTHER_ROLES: Final = "*"
_MEMORY: Final = "async+memory://"
#: Whose counts all processes share: redis-py, and no request waits long for it.
_REDIS_OPTIONS: Final[Mapping[str, Any]] = {
    "implementation": "redispy",
    "wrap_exceptions": True,
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
}
#: How long a storage that failed is left alone.
_AWAY_S: Final = 5.0
#: Documents that are remembered, and the characters they may have together.
_PERSISTED: Final = 1_000
_PERSISTED_TEXT: Final = 16 * 1024 * 1024

_log: Final = structlog.get_logger(__name__)


class RoleLimits(BaseModel):
    """What `CAREGRAPH_LIMITS` may say of a role. What is left out is as `over_defaults` has it, null means no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    depth: int | None = Field(OperationLimits().depth, ge=1)
    root_fields: int | None = Field(OperationLimits().root_fields, ge=1)
    aliases: int | None = Field(OperationLimits().aliases, ge=0)
    estimated_rows: int | None = Field(OperationLimits().estimated_rows, ge=1)
    statement_timeout_s: float | None = Field(None, gt=0)
    introspection: bool = True
    rate: str | None = None
    #: Only operations of the allow-list.
    allow_list: bool = False

    @field_validator("rate")
    @classmethod
    def _known_spelling(cls, value: str | None) -> str | None:
        if value is not None:
            parse_many(value)
        return value

    def operation_limits(self) -> OperationLimits:
        """The part that the compiler judges by."""
        return OperationLimits(
            depth=self.depth,
            root_fields=self.root_fields,
            aliases=self.aliases,
            estimated_rows=self.estimated_rows,
            statement_timeout_s=self.statement_timeout_s,
            introspection=self.introspection,
        )


DEFAULT_LIMITS: Final[Mapping[str, RoleLimits]] = {
    _OTHER_ROLES: RoleLimits(),
    "admin": RoleLimits(depth=None, root_fields=None, aliases=None, estimated_rows=None),
    "service": RoleLimits(depth=None, root_fields=None, aliases=None, estimated_rows=None),
}


def over_defaults(given: Mapping[str, RoleLimits]) -> dict[str, RoleLimits]:
    """The limits of every role: what is given of it over its defaults; over those of `*` where it has none of its own.

    Who is to have no limit at all has to be told so, each one null, `*` included.
    """
    others = _over(DEFAULT_LIMITS[_OTHER_ROLES], given.get(_OTHER_ROLES))
    named = (given.keys() | DEFAULT_LIMITS.keys()) - {_OTHER_ROLES}
    return {
        _OTHER_ROLES: others,
        **{role: _over(DEFAULT_LIMITS.get(role, others), given.get(role)) for role in sorted(named)},
    }


def _over(base: RoleLimits, given: RoleLimits | None) -> RoleLimits:
    if given is None:
        return base
    return base.model_copy(update={name: getattr(given, name) for name in given.model_fields_set})


def operation_limits(by_role: Mapping[str, RoleLimits]) -> Mapping[str, OperationLimits]:
    """The compiler's limits by role, `*` for the others."""
    return {role: limits.operation_limits() for role, limits in by_role.items()}


class RateLimiter:
    """How often a caller may ask, in moving windows.

    Where Redis can't be asked, this process counts by itself for a while: callers are neither refused for it nor free.
    """

    def __init__(
        self,
        by_role: Mapping[str, RoleLimits],
        storage_url: str = _MEMORY,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`storage_url` is the limits library's: `async+memory://` for this process, `async+redis://…` for all."""
        self._rates: dict[str, list[RateLimitItem]] = {
            role: list(parse_many(limits.rate)) if limits.rate is not None else [] for role, limits in by_role.items()
        }
        self._clock = clock
        self._own = _limiter(_MEMORY)
        self._shared = None if storage_url.startswith(_MEMORY) else _limiter(storage_url, **_REDIS_OPTIONS)
        #: When the shared counts may be asked again.
        self._away_until = float("-inf")

    @property
    def is_idle(self) -> bool:
        """Nobody is limited."""
        return not any(self._rates.values())

    async def check(self, session: Session, address: str, operations: int = 1) -> None:
        """Count so many operations. Raises GraphQLRequestError when the caller has had its share."""
        rates = self._rates.get(session.role, self._rates.get(_OTHER_ROLES, ()))
        caller = session.user_id or address
        for rate in rates:
            window = await self._find_full_window(rate, session.role, caller, operations)
            if window is not None:
                raise GraphQLRequestError(
                    "rate-limit-exceeded",
                    f"the caller goes over the limit rate: {rate.amount} operations in {rate.get_expiry()} s allowed, "
                    f"{rate.amount - window.remaining + operations} asked for; "
                    f"try again at Unix time {window.reset_time:.0f}",
                )

    async def close(self) -> None:
        """Leave the shared counts to the other processes."""
        if self._shared is not None:
            storage = self._shared.storage
            assert isinstance(storage, RedisStorage), "only Redis is shared"
            # By the options it is redis-py's, of which the library names what it uses itself.
            client: Any = cast("RedispyBridge", storage.bridge).get_connection()
            await client.aclose()

    async def _find_full_window(
        self, rate: RateLimitItem, role: str, caller: str, operations: int
    ) -> WindowStats | None:
        """Count, or find the window that has no room for as many."""
        if self._shared is not None and self._clock() >= self._away_until:
            try:
                return await _hit(self._shared, rate, role, caller, operations)
            except StorageError as error:
                self._away_until = self._clock() + _AWAY_S
                _log.warning("rate_limits.storage_failed", error_type=type(error.storage_error).__name__, for_s=_AWAY_S)
        return await _hit(self._own, rate, role, caller, operations)


def _limiter(url: str, **options: Any) -> MovingWindowRateLimiter:
    storage = storage_from_string(url, **options)
    assert isinstance(storage, Storage), "rate limits need one of the library's async storages"
    return MovingWindowRateLimiter(storage)


async def _hit(
    limiter: MovingWindowRateLimiter, rate: RateLimitItem, role: str, caller: str, operations: int
) -> WindowStats | None:
    if await limiter.hit(rate, role, caller, cost=operations):
        return None
    return await limiter.get_window_stats(rate, role, caller)


class KnownOperations:
    """Documents that clients name by their hash (Apollo's automatic persisted queries), and the allow-list."""

    def __init__(self, by_role: Mapping[str, RoleLimits], allow_list: Path | None = None) -> None:
        """`allow_list` is a folder of `.graphql` files. Raises ValueError for a file that is no GraphQL."""
        self._restricted = {role for role, limits in by_role.items() if limits.allow_list}
        self._open = {role for role, limits in by_role.items() if not limits.allow_list}
        self._allowed = _read_allow_list(allow_list) if allow_list is not None else frozenset()
        self._by_hash = _Documents()
        #: Documents found to be allowed, as they were sent: most clients send the same text again.
        self._checked = _Documents()

    def find_document(self, request: Mapping[str, Any]) -> str | None:
        """The document that a request carries or names; None when it does neither. Raises GraphQLRequestError."""
        query = request.get("query")
        extensions = request.get("extensions")
        persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
        if not isinstance(persisted, dict):
            return query
        digest = persisted.get("sha256Hash")
        if persisted.get("version") != 1 or not isinstance(digest, str):
            raise ValidationFailed("persistedQuery needs `version` 1 and a `sha256Hash`", "$.extensions.persistedQuery")
        if query is None:
            found = self._by_hash.find(digest)
            if found is None:
                # Apollo's clients know this message and send the whole document then.
                raise GraphQLRequestError("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
            return found
        if not isinstance(query, str) or hashlib.sha256(query.encode()).hexdigest() != digest:
            raise ValidationFailed("the sha256Hash is not the document's", "$.extensions.persistedQuery.sha256Hash")
        self._by_hash.keep(digest, query)
        return query

    def check(self, role: str, document: str) -> None:
        """Raise ValidationFailed unless the role may send this document."""
        restricted = role in self._restricted or (_OTHER_ROLES in self._restricted and role not in self._open)
        if not restricted or self._checked.find(document) is not None:
            return
        try:
            allowed = all(text in self._allowed for text in _operations(document))
        except GraphQLSyntaxError:
            # The compiler says what is wrong with it.
            return
        if not allowed:
            raise ValidationFailed(
                f"the operation is not in the allow-list that role {role} is held to (limit allow_list: true)"
            )
        self._checked.keep(document, document)


class _Documents:
    """Documents by a key, the least recently used dropped first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, str] = OrderedDict()
        self._characters = 0

    def find(self, key: str) -> str | None:
        """The document under this key."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: str, document: str) -> None:
        """Remember the document."""
        self._characters += len(document) - len(self._kept.pop(key, ""))
        self._kept[key] = document
        while len(self._kept) > _PERSISTED or self._characters > _PERSISTED_TEXT:
            self._characters -= len(self._kept.popitem(last=False)[1])


def _operations(document: str) -> list[str]:
    """The document's definitions in one spelling, each operation with every fragment of the document."""
    parsed = parse(document, no_location=True)
    fragments = sorted(print_ast(node) for node in parsed.definitions if not isinstance(node, OperationDefinitionNode))
    return [
        "\n".join([print_ast(node), *fragments])
        for node in parsed.definitions
        if isinstance(node, OperationDefinitionNode)
    ]


def _read_allow_list(folder: Path) -> frozenset[str]:
    found: set[str] = set()
    for path in sorted(folder.rglob("*.graphql")):
        try:
            found.update(_operations(path.read_text()))
        except GraphQLSyntaxError as error:
            raise ValueError(f"{path} is no GraphQL: {error.message}") from None
    return frozenset(found)
