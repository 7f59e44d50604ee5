"""What the metadata asks for and does not get is named at start, and refused with --strict."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.hasura.files import MetadataError, read_metadata
from server.source import hasura_source
from tests.integration.hasura.conftest import METADATA

Change = Callable[[dict[str, Any]], Path]
TABLES = "databases/music/tables"
WEBHOOK = {"webhook": "https://example.com", "retry_conf": {"num_retries": 0}}
WHOLE = {"columns": ["id"], "filter": {}}


def permission(operation: str, **spec: Any) -> dict[str, Any]:
    return {f"{operation}_permissions": [{"role": "label", "permission": spec}]}


#: A change of the folder, and what is said of it.
CHANGES: list[tuple[dict[str, Any], list[str]]] = [
    ({"actions.yaml": {"actions": [{"name": "pay"}]}}, ["actions.yaml: actions are not served"]),
    ({"remote_schemas.yaml": [{"name": "x"}]}, ["remote_schemas.yaml: remote schemas are not stitched in"]),
    ({"rest_endpoints.yaml": [{"url": "x"}]}, ["rest_endpoints.yaml: REST endpoints are not served"]),
    ({"cron_triggers.yaml": [{"name": "x", **WEBHOOK}]}, ["cron_triggers.yaml: cron triggers are not run"]),
    ({"allow_list.yaml": [{"collection": "x"}]}, ["allow_list.yaml: allow-lists are set by CAREGRAPH_ALLOW_LIST"]),
    (
        {"api_limits.yaml": {"disabled": False, "depth_limit": {"global": 5}}},
        ["api_limits.yaml: limits are set by CAREGRAPH_LIMITS"],
    ),
    (
        {f"{TABLES}/public_artist.yaml": {"event_triggers": [{"name": "x", **WEBHOOK}]}},
        ["table public.artist: event triggers are not installed"],
    ),
    (
        {f"{TABLES}/public_artist.yaml": {"remote_relationships": [{"name": "x"}]}},
        ["table public.artist: remote relationships are not followed"],
    ),
    (
        {f"{TABLES}/public_artist.yaml": permission("select", **WHOLE, query_root_fields=["insert"])},
        [
            "table public.artist, select permission of role label: query_root_fields knows select, select_aggregate, "
            "select_by_pk only, so the permission is not granted"
        ],
    ),
    (
        {f"{TABLES}/public_artist.yaml": permission("insert", columns=["name"], check={}, backend_only=True)},
        ["table public.artist, insert permission of role label: backend_only permissions are not granted"],
    ),
    (
        {f"{TABLES}/public_artist.yaml": permission("select", columns=["id", "nothing"], filter={})},
        ["table public.artist, select permission of role label: there is no column nothing"],
    ),
    (
        {f"{TABLES}/public_artist.yaml": permission("select", columns=["id"], filter={"nothing": {"_eq": 1}})},
        [
            "table public.artist, select permission of role label: a permission on public.artist names 'nothing', "
            "which is no column or relationship, so the permission is not granted"
        ],
    ),
    (
        {f"{TABLES}/public_artist.yaml": {"computed_fields": [{"name": "x", "definition": {"function": "nothing"}}]}},
        [
            "table public.artist, computed field x: there is no function public.nothing (or several of that name)",
            "table public.artist, select permission of role label: there is no computed field records_since",
        ],
    ),
    (
        {
            f"{TABLES}/public_artist.yaml": {
                "array_relationships": [
                    {
                        "name": "x",
                        "using": {"foreign_key_constraint_on": {"column": "nothing", "table": "album"}},
                    }
                ]
            }
        },
        ["table public.artist, relationship x: there is no foreign key from public.album (nothing) to public.artist"],
    ),
    (
        {f"{TABLES}/public_colour.yaml": {"table": {"name": "nothing", "schema": "public"}}},
        ["table public.nothing: it does not exist in the database"],
    ),
    (
        {f"{TABLES}/public_colour.yaml": {"configuration": {"custom_name": "artist"}}},
        ["table public.colour: 'artist' is a name of public.artist already: give it a custom_name"],
    ),
    (
        {f"{TABLES}/public_colour.yaml": {"configuration": {"custom_name": "light colour"}}},
        ["table public.colour: GraphQL can't spell 'light colour': give it a custom_name"],
    ),
    (
        {"databases/music/functions/functions.yaml": [{"function": {"name": "two_ways", "schema": "public"}}]},
        ["function public.two_ways: it does not exist (or several of that name do)"],
    ),
    (
        {"databases/music/functions/functions.yaml": [{"function": {"name": "album_length", "schema": "public"}}]},
        ["function public.album_length: it does not return rows of a tracked table"],
    ),
    (
        {"inherited_roles.yaml": [{"role_name": "admin", "role_set": ["clerk"]}]},
        ["inherited role admin: admin may do everything and inherits nothing"],
    ),
    (
        {"inherited_roles.yaml": [{"role_name": "counter", "role_set": ["clerk", "admin"]}]},
        ["inherited role counter: nothing is inherited from admin"],
    ),
    ({"streams.yaml": {"a": 1}}, ["streams.yaml: streams is nothing that is known here, so it is not honoured"]),
    (
        {f"{TABLES}/public_artist.yaml": {"replicas": 2}},
        ["table public.artist: replicas is nothing that is known here, so it is not honoured"],
    ),
    (
        {f"{TABLES}/public_artist.yaml": {"configuration": {"column_config": {"name": {"redacted": True}}}}},
        [
            "table public.artist.configuration.column_config.name: redacted is nothing that is known here, so it is "
            "not honoured"
        ],
    ),
    (
        {f"{TABLES}/public_artist.yaml": permission("select", **WHOLE, only_by_day=True)},
        [
            "table public.artist, select permission of role label: it has only_by_day, which nobody here knows, so the "
            "permission is not granted"
        ],
    ),
    (
        {f"{TABLES}/public_artist.yaml": permission("select", columns=["id"], filter={"_exists": {"_table": "track"}})},
        [
            "table public.artist, select permission of role label: a permission on public.artist has a _exists without "
            "_table or without _where, so the permission is not granted"
        ],
    ),
]


@pytest.mark.parametrize(("files", "problems"), CHANGES, ids=[item[1][0][:60] for item in CHANGES])
async def test_each_piece_is_named_with_its_place(
    files: dict[str, Any], problems: list[str], music_url: str, changed_metadata: Change
) -> None:
    source = await hasura_source(music_url, changed_metadata(files))
    assert [str(problem) for problem in source.problems] == problems


async def test_limits_that_are_switched_off_are_no_loss(music_url: str, changed_metadata: Change) -> None:
    limits = {"disabled": True, "depth_limit": {"global": 5, "per_role": {}}}
    source = await hasura_source(music_url, changed_metadata({"api_limits.yaml": limits}))
    assert source.problems == ()


async def test_a_permission_with_a_flaw_grants_nothing(music_url: str, changed_metadata: Change) -> None:
    flawed = permission("select", columns=["id"], filter={"name": {"_nope": 1}})
    source = await hasura_source(music_url, changed_metadata({f"{TABLES}/public_artist.yaml": flawed}))
    assert len(source.problems) == 1
    assert "public.artist" not in source.rules["label"]


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"version.yaml": "version: 2\n"}, "version.yaml must say `version: 3`"),
    ({"version.yaml": None}, "version.yaml must say `version: 3`"),
    ({"databases/databases.yaml": None}, "databases.yaml is missing: there is no database to serve"),
    ({"databases/databases.yaml": '"!include ../../../secrets.yaml"'}, "includes may not leave"),
    ({"databases/databases.yaml": '"!include databases.yaml"'}, "includes go deeper than 20 levels"),
    ({"databases/music/tables/public_artist.yaml": "{"}, "public_artist.yaml is no YAML"),
    (
        {"databases/music/tables/public_artist.yaml": None},
        "public_artist.yaml can't be read: No such file or directory",
    ),
    ({f"{TABLES}/public_artist.yaml": ""}, "database music.tables[1]: expected an object, found nothing"),
    ({f"{TABLES}/public_artist.yaml": "{}"}, "database music.tables[1]: table is missing"),
    (
        {f"{TABLES}/public_artist.yaml": {"select_permissions": {"role": "label"}}},
        "table public.artist.select_permissions: expected a list, found an object",
    ),
    (
        {f"{TABLES}/public_artist.yaml": {"select_permissions": [{"permission": WHOLE}]}},
        "table public.artist.select_permissions[0]: role is missing",
    ),
    ({"inherited_roles.yaml": ["label"]}, "inherited_roles.yaml[0]: expected an object, found a text"),
]


@pytest.mark.parametrize(("files", "message"), BROKEN, ids=[item[1][:40] for item in BROKEN])
def test_a_folder_that_can_t_be_read_says_which_file_and_why(
    files: dict[str, Any], message: str, changed_metadata: Change
) -> None:
    with pytest.raises(MetadataError) as caught:
        read_metadata(changed_metadata(files))
    assert message in str(caught.value)


# The command


def serve_command(url: str, folder: Path, *options: str) -> tuple[list[str], dict[str, str]]:
    program = "from server.cli.main import app; app()"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CAREGRAPH_", "HASURA_"))}
    arguments = ["serve", "--database-url", url, "--hasura-metadata", str(folder), *options]
    return [sys.executable, "-c", program, *arguments], {**kept, "HASURA_GRAPHQL_ADMIN_SECRET": "shop secret"}


def test_strict_refuses_to_start_and_names_everything(music_url: str, changed_metadata: Change) -> None:
    folder = changed_metadata({CHANGES[0][1][0].split(":", 1)[0]: CHANGES[0][0]["actions.yaml"], **CHANGES[6][0]})
    command, environment = serve_command(music_url, folder, "--strict")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "Not honoured: actions.yaml: actions are not served",
        "Not honoured: table public.artist: event triggers are not installed",
        "Refused, since --strict was given.",
    ]


def test_strict_starts_with_metadata_that_is_honoured_in_full(music_url: str) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command, environment = serve_command(music_url, METADATA, "--strict", "--port", str(port))
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        answer = post_until_it_answers(port, "{ records(where: {genre: {_eq: ROCK}}) { title } }")
        assert answer.json() == {"data": {"records": [{"title": "Second"}]}}
    finally:
        server.terminate()
        assert server.wait(timeout=20) in (0, -signal.SIGTERM)


def post_until_it_answers(port: int, query: str) -> httpx.Response:
    until = time.monotonic() + 30
    while True:
        try:
            return httpx.post(
                f"http://127.0.0.1:{port}/v1/graphql",
                json={"query": query},
                headers={"X-Hasura-Admin-Secret": "shop secret"},
                trust_env=False,
            )
        except httpx.TransportError:
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.05)
