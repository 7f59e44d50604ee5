"""Chargebee's listings: what asks for a page of one, and what the answer is read into."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from integrations.chargebee.types import Page, Resource, epoch

#: Chargebee allows at most 100 objects a page.
PAGE_SIZE = 100


def changes(
    resource: Resource, *, updated_after: datetime | None, include_deleted: bool, ids: Sequence[str] = ()
) -> dict[str, Any]:
    """The parameters that ask for a resource's objects, oldest change first."""
    moment = "occurred_at" if resource is Resource.EVENTS else "updated_at"
    query: dict[str, Any] = {"sort_by[asc]": moment}
    if updated_after is not None:
        # `between` is written wrongly by the SDK, and an upper bound would lose what changes meanwhile.
        query[f"{moment}[after]"] = epoch(updated_after)
    if include_deleted and resource is Resource.ITEM_PRICES:
        # Deleted prices have a status that says so, in place of the others' mark.
        query["status[in]"] = '["active","archived","deleted"]'
    elif include_deleted and resource is not Resource.EVENTS:
        query["include_deleted"] = "true"
    if ids:
        query["id[in]"] = orjson.dumps(list(ids)).decode()
    return query


def part_of(query: Mapping[str, Any], offset: str | None, limit: int) -> dict[str, Any]:
    """The parameters of one page."""
    return {**query, "limit": limit, **({} if offset is None else {"offset": offset})}


def page_of(listing: Mapping[str, Any], object_name: str) -> Page:
    """The page that Chargebee answered."""
    return Page(objects=tuple(entry[object_name] for entry in listing["list"]), next_offset=listing.get("next_offset"))
