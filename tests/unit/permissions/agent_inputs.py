"""Which columns an agent's code puts into an object that it gives to an operation, followed back through the code.

    move_recovery(set=changes)      of `_move(task, changes)`
    _move(task, {"status": …})      who calls it: `status`
    changes |= {"attempts": …}      in between: `attempts`

Whatever can't be followed is an error, so that nothing is missed in silence: write it more plainly, or teach it here.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from tests.unit.permissions.agent_programs import Name, reached, resolved, statements

_FUNCTION: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Untraceable(Exception):
    """Code that makes columns in a way that isn't followed here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where an expression stands: its module and the innermost function around it."""

    module: str
    function: Function | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Call:
    place: _Place
    node: ast.Call


class Inputs:
    """What one agent gives to its operations."""

    def __init__(self, agent: str) -> None:
        self._names = reached(agent)

    def columns(self, operation: Name, parameter: str) -> frozenset[str]:
        """The columns of all objects that the agent gives to a typed function. Raises Untraceable."""
        calls = self._calls.get(operation, [])
        if not calls:
            raise Untraceable(f"nobody calls {'.'.join(operation)} by its name")
        return frozenset(
            column for call in calls for column in self._keys(_keyword(call.node, parameter), call.place, frozenset())
        )

    @cached_property
    def _calls(self) -> dict[Name, list[_Call]]:
        """Calls by what is called, of the whole program."""
        found: dict[Name, list[_Call]] = {}
        for name in self._names:
            for statement in statements(name):
                for place, node in _walk(statement, _Place(module=name[0], function=None)):
                    called = resolved(place.module, node.func) if isinstance(node, ast.Call) else None
                    if called is not None and isinstance(node, ast.Call):
                        found.setdefault(called, []).append(_Call(place=place, node=node))
        return found

    def _keys(self, node: ast.expr, place: _Place, seen: frozenset[ast.AST]) -> Iterator[str]:
        if node in seen:
            return
        seen |= {node}
        match node:
            case ast.Dict():
                for key, value in zip(node.keys, node.values, strict=True):
                    yield from [_text(key, place)] if key is not None else self._keys(value, place, seen)
            case ast.Name():
                yield from self._keys_of_local(node.id, place, seen)
            case ast.Call():
                yield from self._keys_of_call(node, place, seen)
            case ast.BinOp(op=ast.BitOr()):
                yield from self._keys_of_all((node.left, node.right), place, seen)
            case ast.IfExp():
                yield from self._keys_of_all((node.body, node.orelse), place, seen)
            case ast.List() | ast.Tuple():
                yield from self._keys_of_all(node.elts, place, seen)
            case ast.ListComp() | ast.GeneratorExp():
                yield from self._keys(node.elt, place, seen)
            case ast.Starred() | ast.Await():
                yield from self._keys(node.value, place, seen)
            case _:
                raise _untraceable(node, place)

    def _keys_of_all(self, nodes: Iterable[ast.expr], place: _Place, seen: frozenset[ast.AST]) -> Iterator[str]:
        for node in nodes:
            yield from self._keys(node, place, seen)

    def _keys_of_call(self, node: ast.Call, place: _Place, seen: frozenset[ast.AST]) -> Iterator[str]:
        called = resolved(place.module, node.func)
        if called is not None and called[0].endswith(".operations"):
            # `SupportTicketInsertInput(…)`
            yield from self._keys_of_all(node.args, place, seen)
            for keyword in node.keywords:
                yield from [keyword.arg] if keyword.arg is not None else self._keys(keyword.value, place, seen)
            return
        made = [one for one in statements(called) if isinstance(one, _FUNCTION)] if called is not None else []
        if called is None or not made:
            raise _untraceable(node, place)
        for function in made:
            inside = _Place(module=called[0], function=function)
            for there, one in _walk(function, inside):
                if isinstance(one, ast.Return) and one.value is not None and there == inside:
                    yield from self._keys(one.value, inside, seen)

    def _keys_of_local(self, name: str, place: _Place, seen: frozenset[ast.AST]) -> Iterator[str]:
        """All that is ever put into a variable: when it is made, and afterwards."""
        if place.function is None:
            raise Untraceable(f"{place.module}: {name} is no variable of a function")
        is_known = False
        for _, node in _walk(place.function, place):
            match node:
                case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                    found: Iterable[str] = self._keys(value, place, seen)
                case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) if target == name:
                    found = self._keys(value, place, seen)
                case ast.AugAssign(target=ast.Name(id=target), value=value) if target == name:
                    yield from self._keys(value, place, seen)
                    continue
                case ast.Subscript(value=ast.Name(id=target), slice=key, ctx=ast.Store()) if target == name:
                    yield _text(key, place)
                    continue
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id=target), attr="append" | "extend" | "update"), args=args
                ) if target == name:
                    yield from self._keys_of_all(args, place, seen)
                    continue
                case _:
                    continue
            is_known = True
            yield from found
        if name in _parameters(place.function):
            is_known = True
            yield from self._keys_given(name, place, seen)
        if not is_known:
            raise Untraceable(f"{place.module}: nothing says what {name} of {place.function.name} holds")

    def _keys_given(self, name: str, place: _Place, seen: frozenset[ast.AST]) -> Iterator[str]:
        """All that a function is given for a parameter."""
        function = place.function
        assert function is not None
        calls = self._calls.get((place.module, function.name), [])
        if not calls:
            raise Untraceable(f"{place.module}: nobody calls {function.name} by its name")
        for call in calls:
            yield from self._keys(_argument(call.node, function, name), call.place, seen)


def _walk(node: ast.AST, place: _Place) -> Iterator[tuple[_Place, ast.AST]]:
    """The node and all below, each with where it stands. What defines a function stands outside of it."""
    yield place, node
    inside = place
    if isinstance(node, _FUNCTION) and node is not place.function:
        inside = _Place(module=place.module, function=node)
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, inside)


def _parameters(function: Function) -> list[str]:
    return [one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]


def _argument(call: ast.Call, function: Function, name: str) -> ast.expr:
    positional = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    if name in positional and positional.index(name) < len(call.args):
        return call.args[positional.index(name)]
    return _keyword(call, name)


def _keyword(call: ast.Call, name: str) -> ast.expr:
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    raise Untraceable(f"{ast.unparse(call)} gives {name} in a way that isn't followed")


def _text(node: ast.expr, place: _Place) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise _untraceable(node, place)


def _untraceable(node: ast.expr, place: _Place) -> Untraceable:
    return Untraceable(f"{place.module}: which columns {ast.unparse(node)!r} has isn't followed")
