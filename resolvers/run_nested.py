"""Carrying out nested inserts and updates, statement by statement, in the open transaction.

What a step needs of those before it lies in the request: the rows that nested inserts wrote (`steps`), and the rows
that nested updates found (`slots`). `affected_rows` counts what is written at all levels.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson

from resolvers.binding import Request, Slot
from resolvers.errors import GraphQLRequestError
from resolvers.exact_numbers import read_json
from resolvers.nested_plans import (
    ChangeStep,
    InsertsStep,
    LinkStep,
    MatchStep,
    NestedStep,
    NestedUpdateSteps,
    RowStep,
)
from resolvers.statement import Statement

#: Runs a statement with the request's arguments: its row. Errors of the database carry the path.
Run = Callable[[Statement, str], Awaitable[Sequence[Any]]]


async def run_nested_insert(steps: Sequence[NestedStep], request: Request, run: Run, error_path: str) -> str:
    """Carry out a nested insert; its root rows as a JSON array."""
    roots: list[bytes] = []
    request.steps.clear()
    for number, step in enumerate(steps):
        row = await run(step.statement, error_path)
        written = read_json(row[0])
        request.affected_rows += len(written)
        if step.is_needed:
            if not written:
                raise GraphQLRequestError(
                    "not-supported", "cannot insert related rows: a row was skipped by its conflict clause", error_path
                )
            request.steps[number] = written[0]
        if step.is_root and written:
            # The rows' own text, not what Python would make of their numbers.
            roots.append(row[0].strip()[1:-1])
    return (b"[" + b",".join(roots) + b"]").decode()


async def run_nested_update(nested: NestedUpdateSteps, request: Request, run: Run, error_path: str) -> str:
    """Carry out a nested update; the rows it was about as a JSON array, as they are in the end."""
    request.slots.clear()
    await _run_match(nested.rows, request, run)
    if nested.read is None:
        return "[]"
    row = await run(nested.read, error_path)
    changed: bytes = row[0]
    return changed.decode()


async def _run_match(step: MatchStep, request: Request, run: Run) -> None:
    slot = await _fill(step.slot, step.match, request, run, step.path)
    if not slot.rows:
        return
    for row in step.before:
        await _run_row(row, request, run)
    if step.change is not None:
        slot = await _fill(step.slot, step.change, request, run, step.path)
        request.affected_rows += len(slot.rows)
    for after in step.after:
        match after:
            case MatchStep():
                await _run_match(after, request, run)
            case ChangeStep():
                request.affected_rows += (await run(after.statement, after.path))[0]
            case LinkStep():
                await _run_links(after, request, run)
            case InsertsStep():
                await _run_inserts(after, request, run)


async def _fill(number: int, statement: Statement, request: Request, run: Run, path: str) -> Slot:
    text: bytes = (await run(statement, path))[0]
    slot = request.slots[number] = Slot(text=text.decode(), rows=orjson.loads(text))
    return slot


async def _run_row(step: RowStep, request: Request, run: Run) -> None:
    if step.find is not None:
        slot = await _fill(step.slot, step.find, request, run, step.path)
        if not slot.rows:
            raise _not_found(step.table, step.path)
    else:
        text = await run_nested_insert(step.steps, request, run, step.path)
        slot = request.slots[step.slot] = Slot(text=text, rows=orjson.loads(text))
    _check_key(slot, step.columns, step.path)


async def _run_links(step: LinkStep, request: Request, run: Run) -> None:
    slot = request.slots[step.slot]
    if len(slot.rows) > 1:
        raise GraphQLRequestError(
            "not-supported", f"a row can be linked to one row only, but {len(slot.rows)} are updated", step.path
        )
    _check_key(slot, step.columns, step.path)
    for link in step.changes:
        found = (await run(link.statement, link.path))[0]
        if not found:
            raise _not_found(step.table, link.path)
        request.affected_rows += found


async def _run_inserts(step: InsertsStep, request: Request, run: Run) -> None:
    slot = request.slots[step.slot]
    _check_key(slot, step.columns, step.path)
    for number in range(len(slot.rows)):
        slot.current = number
        await run_nested_insert(step.steps, request, run, step.path)
    slot.current = 0


def _check_key(slot: Slot, columns: Sequence[str], path: str) -> None:
    """Refuse rows that nothing can refer to."""
    for row in slot.rows:
        for name in columns:
            if row[name] is None:
                raise GraphQLRequestError("not-supported", f"rows can't be related to one whose '{name}' is null", path)


def _not_found(table: str, path: str) -> GraphQLRequestError:
    # The same for a row that does not exist and for one that the role may not link.
    return GraphQLRequestError("not-found", f"there is no row of '{table}' with this key that can be linked", path)
