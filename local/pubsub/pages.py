"""Long lists, a page at a time."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from local.pubsub import wire
from local.pubsub.errors import InvalidArgumentError
from local.pubsub.limits import check_between

_Item = TypeVar("_Item")

_DEFAULT_PAGE: Final = 100
_LARGEST_PAGE: Final = 1_000


def page_of(items: Sequence[_Item], request: wire.Message, *, key: Callable[[_Item], str]) -> tuple[list[_Item], str]:
    """The items that a List request asks for, and the token of the next page (empty after the last).

    `items` are in the order of `key`; the token is the last key of the page, so that it stays right while items come
    and go.
    """
    check_between("page_size", request.page_size, 0, float("inf"))
    if request.page_token and not request.page_token.startswith("projects/"):
        raise InvalidArgumentError("Invalid page token; it isn't one that a list has answered.")
    size = min(request.page_size or _DEFAULT_PAGE, _LARGEST_PAGE)
    rest = [item for item in items if key(item) > request.page_token]
    page = rest[:size]
    return page, key(page[-1]) if len(rest) > size else ""
