"""An exported metadata folder (`version: 3`) as plain data, with its includes resolved."""

import re
from collections import deque
from pathlib import Path
from typing import Any, Final

import yaml

from server.hasura.shape import ShapeError, unknown_members

_INCLUDE: Final = "!include "
_MAX_DEPTH: Final = 20


class MetadataError(ValueError):
    """The folder can't be read as Hasura metadata; the message names the file and what is wrong in it."""


class _Loader(yaml.SafeLoader):
    """Safe YAML 1.2: what Hasura writes without quotes is text unless JSON has another word for it.

    PyYAML alone would read YAML 1.1 and make dates, numbers to the base 60 and `yes` of text. The `!include` tag is
    kept as text, which is the other way that exports spell it.
    """


_Loader.yaml_implicit_resolvers = {}
_TAG: Final = "tag:yaml.org,2002:"
_Loader.add_implicit_resolver(f"{_TAG}null", re.compile(r"(~|null|Null|NULL|)$"), [*"~nN", ""])
_Loader.add_implicit_resolver(f"{_TAG}bool", re.compile(r"(true|True|TRUE|false|False|FALSE)$"), [*"tTfF"])
_Loader.add_implicit_resolver(f"{_TAG}int", re.compile(r"[-+]?[0-9]+$"), [*"-+0123456789"])
_Loader.add_implicit_resolver(
    f"{_TAG}float",
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?$"),
    [*"-+.0123456789"],
)
_Loader.add_constructor(f"{_TAG}int", lambda _loader, node: int(node.value))
_Loader.add_constructor(f"{_TAG}float", lambda _loader, node: float(node.value))
_Loader.add_constructor("!include", lambda _loader, node: _INCLUDE + str(node.value))


def read_metadata(folder: Path) -> dict[str, Any]:
    """`{"databases": […], "inherited_roles": […], …}`: each file of the folder under its name. Raises MetadataError."""
    if not folder.is_dir():
        raise MetadataError(f"{folder} is no folder")
    version = _load(folder / "version.yaml", folder, 0) if (folder / "version.yaml").exists() else None
    if not isinstance(version, dict) or version.get("version") != 3:
        raise MetadataError(f"{folder / 'version.yaml'} must say `version: 3`")
    found: dict[str, Any] = {}
    for path in sorted(folder.glob("*.yaml")):
        if path.stem != "version":
            found[path.stem] = _load(path, folder, 0)
    databases = folder / "databases" / "databases.yaml"
    if not databases.exists():
        raise MetadataError(f"{databases} is missing: there is no database to serve")
    found["databases"] = _load(databases, folder, 0)
    try:
        # To its end, for what it raises.
        deque(unknown_members(found, frozenset(found)), maxlen=0)
    except ShapeError as error:
        raise MetadataError(f"{folder} has not the shape of an export: {error}") from None
    return found


def _load(path: Path, folder: Path, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise MetadataError(f"{path}: includes go deeper than {_MAX_DEPTH} levels")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise MetadataError(f"{path}: includes may not leave {folder}")
    try:
        data = yaml.load(path.read_text(), Loader=_Loader)  # noqa: S506 -- a SafeLoader with one more tag
    except OSError as error:
        raise MetadataError(f"{path} can't be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise MetadataError(f"{path} is no YAML: {error}") from None
    return _resolve(data, path, folder, depth)


def _resolve(data: Any, path: Path, folder: Path, depth: int) -> Any:
    if isinstance(data, str) and data.startswith(_INCLUDE):
        return _load(path.parent / data.removeprefix(_INCLUDE).strip(), folder, depth + 1)
    if isinstance(data, list):
        return [_resolve(item, path, folder, depth) for item in data]
    if isinstance(data, dict):
        return {key: _resolve(value, path, folder, depth) for key, value in data.items()}
    return data
