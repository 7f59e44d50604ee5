"""Listings: ``GET /api/v2/customers?updated_at[after]=…&sort_by[asc]=updated_at&limit=100&offset=…``.

An offset is opaque to clients; it holds the last entry's place, so that a page costs the same anywhere in 200,000.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import orjson

from local.chargebee.form import Params
from local.chargebee.replies import wrong_value
from local.standin.service import Call, Refusal, Reply
from local.standin.store import Store

_FILTER = re.compile(r"(?P<field>[a-z_]+)\[(?P<operator>[a-z_]+)\]")
_DEFAULT_LIMIT = 10
_LARGEST_LIMIT = 100
_DAY_S = 86_400

#: Fields that are columns of the store.
_COLUMNS = {
    "id": "id",
    "updated_at": "updated_at",
    "created_at": "created_at",
    "date": "created_at",
    "occurred_at": "created_at",
}

_COMPARISONS = {
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
    "after": ">",
    "before": "<",
}


def list_documents(
    store: Store,
    call: Call,
    kind: str,
    *,
    companion: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] | None = None,
    scope: tuple[str, str] | None = None,
    with_deleted: bool = False,
) -> Reply:
    """A page of a kind. ``companion`` gives what stands beside each object; ``scope`` is a field that must fit.

    Deleted ones are left out, unless the parameter ``include_deleted`` or the caller asks for them.
    """
    params = Params(call.query_string)
    limit = _limit(params)
    sort, direction = _sorting(params)
    conditions = ["kind = :kind"]
    binds: dict[str, Any] = {"kind": kind, "limit": limit + 1}
    if not with_deleted and not params.flag("include_deleted"):
        conditions.append("NOT deleted")
    if scope is not None:
        conditions.append(f"{_expression(scope[0])} = :scope")
        binds["scope"] = scope[1]
    for number, (name, value) in enumerate(params.items()):
        match = _FILTER.fullmatch(name)
        if match is not None and match["field"] != "sort_by":
            conditions.append(_condition(match["field"], match["operator"], value, f"f{number}", binds))
    offset = params.text("offset")
    if offset is not None:
        binds["place"], binds["place_id"] = _place(offset)
        conditions.append(f"({sort}, id) {'>' if direction == 'ASC' else '<'} (:place, :place_id)")
    rows = store.rows(
        f"""
        SELECT id, {sort} AS place, body FROM document
        WHERE {" AND ".join(conditions)}
        ORDER BY {sort} {direction}, id {direction}
        LIMIT :limit
        """,  # noqa: S608 - fields are checked against a pattern, values are binds
        binds,
    )
    page = rows[:limit]
    next_offset = None
    if len(rows) > limit:
        next_offset = json.dumps([str(page[-1]["place"]), page[-1]["id"]])
    if companion is None:
        # The stored text as it is: listings are what the back-fill reads.
        entries = ",".join(f'{{"{kind}":{row["body"]}}}' for row in page)
        tail = "" if next_offset is None else f',"next_offset":{json.dumps(next_offset)}'
        return Reply(body=f'{{"list":[{entries}]{tail}}}'.encode())
    documents = [orjson.loads(row["body"]) for row in page]
    body: dict[str, Any] = {
        "list": [{kind: document, **beside} for document, beside in zip(documents, companion(documents), strict=True)]
    }
    if next_offset is not None:
        body["next_offset"] = next_offset
    return Reply(body=orjson.dumps(body))


def _limit(params: Params) -> int:
    limit = params.number("limit", _DEFAULT_LIMIT)
    if limit is None or not 1 <= limit <= _LARGEST_LIMIT:
        raise Refusal(wrong_value("limit", f"should be between 1 and {_LARGEST_LIMIT}"))
    return limit


def _sorting(params: Params) -> tuple[str, str]:
    for direction in ("asc", "desc"):
        field = params.text(f"sort_by[{direction}]")
        if field is not None:
            if field not in _COLUMNS:
                raise Refusal(wrong_value(f"sort_by[{direction}]", f"can't be {field}"))
            return _COLUMNS[field], direction.upper()
    return "created_at", "DESC"


def _place(offset: str) -> tuple[int | str, str]:
    try:
        place, document_id = json.loads(offset)
    except (ValueError, TypeError):
        raise Refusal(wrong_value("offset", "is not one that a listing gave")) from None
    return (int(place) if str(place).lstrip("-").isdigit() else str(place)), str(document_id)


def _expression(field: str) -> str:
    return _COLUMNS.get(field, f"json_extract(body, '$.{field}')")


def _condition(field: str, operator: str, text: str, bind: str, binds: dict[str, Any]) -> str:
    expression = _expression(field)
    if operator == "is_present":
        return f"{expression} IS {'NOT ' if text == 'true' else ''}NULL"
    if operator == "starts_with":
        binds[bind] = text
        return f"substr({expression}, 1, length(:{bind})) = :{bind}"
    if operator in ("in", "not_in"):
        binds[bind] = json.dumps([form for one in _list(text, f"{field}[{operator}]") for form in _forms(one)])
        return f"{expression} {'NOT ' if operator == 'not_in' else ''}IN (SELECT value FROM json_each(:{bind}))"  # noqa: S608 - as above
    if operator in ("between", "on"):
        first, last = _bounds(field, operator, text)
        binds[f"{bind}a"], binds[f"{bind}b"] = first, last
        return f"{expression} BETWEEN :{bind}a AND :{bind}b"
    if operator in ("is", "is_not"):
        binds[bind] = json.dumps(_forms(text))
        return f"{expression} {'NOT ' if operator == 'is_not' else ''}IN (SELECT value FROM json_each(:{bind}))"  # noqa: S608 - as above
    if operator not in _COMPARISONS:
        raise Refusal(wrong_value(f"{field}[{operator}]", "is no filter"))
    binds[bind] = _forms(text)[0]
    return f"{expression} {_COMPARISONS[operator]} :{bind}"


def _bounds(field: str, operator: str, text: str) -> tuple[int, int]:
    try:
        if operator == "between":
            first, last = (int(one) for one in _list(text, f"{field}[between]"))
            return first, last
        day = int(text) // _DAY_S * _DAY_S
    except ValueError:
        raise Refusal(wrong_value(f"{field}[{operator}]", "needs numbers")) from None
    return day, day + _DAY_S - 1


def _list(text: str, name: str) -> list[str]:
    """``["a","b"]``, as the documentation writes it, or ``['a', 'b']``, as the Python SDK does."""
    if not (text.startswith("[") and text.endswith("]")):
        raise Refusal(wrong_value(name, "should be a list"))
    return [one.strip().strip("\"'") for one in text[1:-1].split(",") if one.strip()]


def _forms(text: str) -> list[Any]:
    """What the text may stand for: a number, and itself (ids of invoices are texts of digits)."""
    if text in ("true", "false"):
        # JSON's booleans come out of SQLite as 1 and 0.
        return [int(text == "true")]
    return [int(text), text] if text.lstrip("-").isdigit() else [text]
