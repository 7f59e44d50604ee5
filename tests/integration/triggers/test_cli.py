"""`caregraph events` and `caregraph trace`, on a database with a little history."""

import asyncio
import json
import socket
import uuid
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from server.cli.main import app
from tests.databases import create_database, drop_database, run
from tests.integration.triggers.records import Records, mark_published

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class History:
    """A contract that a customer made, an agent's answer to it, and an event that was given up."""

    def __init__(self, database_url: str) -> None:
        self.database_url = database_url
        self.contract_id = uuid.UUID(int=0)
        self.inserted = self.created = self.failed = uuid.UUID(int=0)

    async def write(self) -> None:
        connection = await asyncpg.connect(self.database_url)
        try:
            records = await Records.create(connection)
            await connection.execute("DELETE FROM events.outbox")
            await self._as(connection, "user", "ada")
            self.contract_id = await records.insert_contract()
            (self.inserted,) = [event["id"] for event in await records.outbox()]
            await mark_published(connection)
            await connection.execute(
                "INSERT INTO events.delivery (event_id, agent, outcome, effects, started_at, finished_at)"
                " VALUES ($1, 'contract', 'done', $2, now(), now() + interval '20 ms'),"
                " ($1, 'zendesk', 'retry', '[]', now(), now() + interval '1 ms')",
                self.inserted,
                json.dumps([{"system": "chargebee", "action": "subscription.update", "id": "sub_1", "ms": 12.0}]),
            )
            await self._as(connection, "service", "contract")
            self.created = await connection.fetchval(
                "SELECT id FROM events.publish('contract.created', $1, '{}')", str(self.contract_id)
            )
            await connection.execute(
                "INSERT INTO events.scheduled_task (name, kind, target, payload, due_at)"
                " VALUES ($1, 'contract.renew', 'contract', '{}', now() + interval '180 days')",
                f"contract.renew:{self.contract_id}",
            )
            await self._as(connection, "", "")
            self.failed = await connection.fetchval(
                "SELECT id FROM events.publish('invoice.payment_failed', 'inv_1', '{}')"
            )
            await mark_published(connection, [self.failed])
            await connection.execute(
                "INSERT INTO events.dead_letter (event_id, agent, reason, attempts, event)"
                " VALUES ($1, 'notification', 'no e-mail', 8, '{}')",
                self.failed,
            )
        finally:
            await connection.close()

    async def _as(self, connection: asyncpg.Connection, role: str, user: str) -> None:
        session = json.dumps({"x-hasura-role": role, "x-hasura-user-id": user}) if role else ""
        await connection.execute(
            "SELECT set_config('app.session', $1, false), set_config('app.traceparent', $2, false)",
            session,
            TRACEPARENT if role else "",
        )

    def query(self, statement: str, *arguments: Any) -> Any:
        async def fetch() -> Any:
            connection = await asyncpg.connect(self.database_url)
            try:
                return await connection.fetch(statement, *arguments)
            finally:
                await connection.close()

        return asyncio.run(fetch())


@pytest.fixture
def history(postgres_server: str, template_database: str) -> Iterator[History]:
    url = run(create_database(postgres_server, template=template_database))
    history = History(url)
    run(history.write())
    yield history
    run(drop_database(postgres_server, url))


@pytest.fixture
def caregraph(history: History, monkeypatch: pytest.MonkeyPatch) -> "Run":
    monkeypatch.setenv("DATABASE_URL", history.database_url)
    monkeypatch.setenv("CAREGRAPH_ENVIRONMENT", "development")
    return Run()


class Run:
    """`caregraph …`, in this process."""

    def __call__(self, *arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    def json(self, *arguments: object) -> Any:
        result = self(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


def test_list_shows_the_newest_first_with_what_agents_made_of_them(caregraph: Run, history: History) -> None:
    listed = caregraph.json("events", "list")
    assert [(event["type"], event["state"]) for event in listed] == [
        ("invoice.payment_failed", "dead"),
        ("contract.created", "waiting"),
        ("contract.inserted", "published"),
    ]
    assert listed[2]["outcomes"] == {"contract": "done", "zendesk": "retry"}
    assert (listed[2]["role"], listed[2]["user_id"]) == ("user", "ada")
    text = caregraph("events", "list").stdout
    assert "contract done" in text
    assert str(history.contract_id) in text


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--type", "contract.created", "--type", "contract.inserted"), ["contract.created", "contract.inserted"]),
        (("--state", "waiting"), ["contract.created"]),
        (("--state", "dead"), ["invoice.payment_failed"]),
        (("--key", "inv_1"), ["invoice.payment_failed"]),
        (("--since", "1h", "-n", "1"), ["invoice.payment_failed"]),
        (("--until", "1h"), []),
    ],
)
def test_list_filters(caregraph: Run, options: tuple[str, ...], expected: list[str]) -> None:
    assert [event["type"] for event in caregraph.json("events", "list", *options)] == expected


def give_up_webhook(history: History, *, age: str, kind: str = "invoice_updated") -> uuid.UUID:
    """A dead letter of a webhook, which has no row in the outbox."""
    event_id = uuid.uuid4()
    kept = {"attributes": {"source": "chargebee", "id": "ev_1", "type": kind}, "data": {"id": "ev_1"}}
    history.query(
        "INSERT INTO events.dead_letter (event_id, agent, reason, attempts, event, created_at)"
        " VALUES ($1, 'event_routing', 'invoice 17: [total] is missing', 1, $2, now() - $3::text::interval)",
        event_id,
        json.dumps(kept),
        age,
    )
    return event_id


def test_what_came_from_outside_and_was_given_up_is_listed_where_its_time_puts_it(
    caregraph: Run, history: History
) -> None:
    older = give_up_webhook(history, age="1 day")
    newer = give_up_webhook(history, age="-1 second")
    settled = give_up_webhook(history, age="2 days")
    history.query(
        "UPDATE events.dead_letter SET resolved_at = now(), resolution = 'discarded' WHERE event_id = $1", settled
    )
    listed = caregraph.json("events", "list", "--state", "dead")
    assert [event["event_id"] for event in listed] == [str(newer), str(history.failed), str(older)]
    assert (listed[0]["type"], listed[0]["ordering_key"]) == ("chargebee.webhook", "invoice_updated")
    assert listed[0]["last_error"] == "invoice 17: [total] is missing"
    assert listed[0]["outcomes"] == {"event_routing": "dead_letter"}
    limited = caregraph.json("events", "list", "--state", "dead", "-n", "2")
    assert [event["event_id"] for event in limited] == [str(newer), str(history.failed)]
    of_a_day = caregraph.json("events", "list", "--state", "dead", "--until", "1h")
    assert [event["event_id"] for event in of_a_day] == [str(older)]
    assert caregraph.json("events", "list", "--state", "dead", "--key", "inv_1")[0]["event_id"] == str(history.failed)
    assert str(newer) in caregraph("events", "list", "--state", "dead").stdout
    assert len(caregraph.json("events", "list")) == 3


def test_what_was_given_up_is_settled_by_the_ids_that_the_list_has(caregraph: Run, history: History) -> None:
    from_outside = give_up_webhook(history, age="1 minute")
    refused = caregraph("events", "replay", from_outside)
    assert (refused.exit_code, "events discard" in refused.output) == (1, True)
    settled = caregraph("events", "discard", from_outside, history.failed, "--reason", " sent again ")
    assert (settled.exit_code, settled.output) == (0, "2 dead letter(s) discarded.\n")
    assert caregraph.json("events", "list", "--state", "dead") == []
    letters = history.query("SELECT resolution, resolution_reason, resolved_by FROM events.dead_letter")
    assert {(one["resolution"], one["resolution_reason"]) for one in letters} == {("discarded", "sent again")}
    assert all("(command line)" in one["resolved_by"] for one in letters)
    # Twice is once, and the first one's word stands.
    assert "0 dead letter(s)" in caregraph("events", "discard", from_outside, "--reason", "another").output
    assert "sent again" in str(history.query("SELECT resolution_reason FROM events.dead_letter"))


def test_nothing_is_discarded_when_one_of_them_was_never_given_up(caregraph: Run, history: History) -> None:
    for given in (
        (history.failed, history.created),
        (history.failed, uuid.uuid4()),
        (history.failed, "--agent", "zendesk"),
    ):
        refused = caregraph("events", "discard", *given, "--reason", "why not")
        assert (refused.exit_code, "nothing was discarded" in refused.output) == (1, True)
    assert caregraph("events", "discard", history.failed, "--reason", "  ").exit_code == 2
    assert caregraph("events", "discard", history.failed).exit_code == 2
    assert len(caregraph.json("events", "list", "--state", "dead")) == 1
    assert caregraph("events", "discard", history.failed, "--agent", "notification", "--reason", "no").exit_code == 0


def test_show_tells_what_a_dead_letter_kept_of_an_event_from_outside(caregraph: Run, history: History) -> None:
    event_id = give_up_webhook(history, age="1 minute")
    history.query(
        "INSERT INTO events.delivery (event_id, agent, outcome, error)"
        " VALUES ($1, 'event_routing', 'dead_letter', 'no')",
        event_id,
    )
    text = caregraph("events", "show", event_id).stdout
    for part in (
        "chargebee.webhook",
        "none: it came from outside",
        "invoice_updated",
        "dead letter of event_routing after 1 attempts: invoice 17: [total] is missing",
        "event_routing agent dead_letter: no",
        '"ev_1"',
    ):
        assert part in text
    shown = caregraph.json("events", "show", event_id)
    assert (shown["source"], shown["data"]["data"]) == ("/webhooks/chargebee", {"id": "ev_1"})


def test_an_unknown_type_is_answered_with_those_there_are(caregraph: Run) -> None:
    result = caregraph("events", "list", "--type", "contract.bogus")
    assert result.exit_code == 2
    assert "contract.created" in result.output


def test_show_tells_everything_about_an_event(caregraph: Run, history: History) -> None:
    text = caregraph("events", "show", history.inserted).stdout
    for part in (
        str(history.inserted),
        "user ada",
        "0af7651916cd43dd8448eb211c80319c",
        "as message 17 +3.0 ms",
        "contract agent done in 20 ms",
        "chargebee: subscription.update sub_1 12.0 ms",
        "zendesk agent retry",
        '"op": "INSERT"',
    ):
        assert part in text
    assert "notification after 8 attempts: no e-mail" in caregraph("events", "show", history.failed).stdout


def test_show_draws_the_trace_from_the_mutation_to_what_followed(caregraph: Run, history: History) -> None:
    history.query("UPDATE events.scheduled_task SET traceparent = $1", TRACEPARENT)
    # From the event in the middle, too.
    for event_id in (history.inserted, history.created):
        text = caregraph("events", "show", event_id).stdout
        drawn = text[text.index("the trace") :]
        places = [
            drawn.index(part)
            for part in (
                "0af7651916cd43dd8448eb211c80319c",
                "change by user ada",
                "contract.inserted",
                "contract agent done",
                "contract.created",
                "scheduled contract.renew for the contract agent",
            )
        ]
        assert places == sorted(places)
        assert "invoice.payment_failed" not in drawn
    shown = caregraph.json("events", "show", history.inserted)
    assert shown["id"] == str(history.inserted)
    assert shown["trace"]["changes"][0]["user_id"] == "ada"
    assert "the trace" not in caregraph("events", "show", history.failed).stdout


def test_show_of_an_unknown_event_says_so(caregraph: Run) -> None:
    result = caregraph("events", "show", uuid.uuid4())
    assert result.exit_code == 1
    assert "There is no event" in result.output


def test_trace_tells_the_story_of_a_contract(caregraph: Run, history: History) -> None:
    story = caregraph.json("trace", str(history.contract_id).upper())
    (change,) = story["changes"]
    (inserted,) = change["events"]
    contract = next(node for node in inserted["deliveries"] if node["delivery"]["agent"] == "contract")
    assert [node["event"]["id"] for node in contract["followed"]] == [str(history.created)]
    assert story["tasks"][0]["kind"] == "contract.renew"
    text = caregraph("trace", history.contract_id).stdout
    assert text.index("change by user ada") < text.index("contract agent done") < text.index("contract.created")


def test_trace_of_nothing_says_what_it_takes(caregraph: Run) -> None:
    result = caregraph("trace", "nobody")
    assert result.exit_code == 1
    assert "id of a contract" in result.output


def test_replay_puts_an_event_into_the_outbox_again(caregraph: Run, history: History) -> None:
    assert caregraph("events", "replay", history.inserted).exit_code == 0
    (copy,) = history.query("SELECT * FROM events.history WHERE replay_of IS NOT NULL")
    assert copy["replay_of"] == history.inserted
    assert copy["published_at"] is None
    assert "waits for the relay again" in caregraph("events", "show", history.inserted).stdout


def test_replay_of_what_was_given_up_settles_it(caregraph: Run, history: History) -> None:
    assert caregraph("events", "replay", "--dead").exit_code == 0
    (letter,) = history.query("SELECT * FROM events.dead_letter")
    assert letter["resolution"] == "replayed"
    assert caregraph.json("events", "list", "--state", "dead") == []


def test_replay_leaves_alone_what_the_relay_has_yet_to_send(caregraph: Run, history: History) -> None:
    result = caregraph("events", "replay", "--key", history.contract_id, "--yes")
    assert "1 event(s)" in result.output
    assert [row["replay_of"] for row in history.query("SELECT replay_of FROM events.outbox ORDER BY sequence")] == [
        None,
        None,
        None,
        history.inserted,
    ]


def test_replay_of_what_is_not_there_or_waits_is_an_error(caregraph: Run, history: History) -> None:
    unknown = uuid.uuid4()
    result = caregraph("events", "replay", history.inserted, unknown, "--yes")
    assert result.exit_code == 1
    assert f"There is no event {unknown}." in result.output
    result = caregraph("events", "replay", history.created, "--yes")
    assert result.exit_code == 1
    assert f"Event {history.created} still waits" in result.output
    assert len(history.query("SELECT id FROM events.outbox")) == 3


def test_replay_takes_the_id_of_a_replay_for_its_original(caregraph: Run, history: History) -> None:
    caregraph("events", "replay", history.inserted)
    (copy,) = history.query("SELECT id FROM events.outbox WHERE replay_of IS NOT NULL")
    assert caregraph("events", "replay", copy["id"]).exit_code == 0
    copies = history.query("SELECT replay_of FROM events.outbox WHERE replay_of IS NOT NULL")
    assert [row["replay_of"] for row in copies] == [history.inserted, history.inserted]


def test_replay_doubts_an_agent_that_nobody_has_heard_of(caregraph: Run, history: History) -> None:
    doubt = "No agent called notifications has ever recorded anything."
    assert doubt in caregraph("events", "replay", history.inserted, "--agent", "notifications", "--dry-run").output
    assert "No agent" not in caregraph("events", "replay", history.inserted, "--agent", "contract", "--dry-run").output


@pytest.mark.parametrize("command", ["list", "replay"])
def test_a_time_span_of_nothing_is_refused(caregraph: Run, history: History, command: str) -> None:  # noqa: ARG001 - its database
    result = caregraph("events", command, "--since", "1h", "--until", "2h")
    assert result.exit_code == 2
    assert "is not before --until" in result.output
    assert caregraph("events", command, "--since", "99999999d").exit_code == 2


def test_replay_again_asks_first_and_gives_new_ids(caregraph: Run, history: History) -> None:
    refused = caregraph("events", "replay", history.inserted, "--again")
    assert refused.exit_code == 1
    assert caregraph("events", "replay", history.inserted, "--again", "--yes").exit_code == 0
    copies = history.query("SELECT id FROM events.outbox WHERE replay_of IS NULL AND type = 'contract.inserted'")
    assert len(copies) == 2


def test_replay_for_one_agent_is_of_what_it_gave_up_unless_more_is_said(caregraph: Run, history: History) -> None:
    assert "0 event(s)" in caregraph("events", "replay", "--agent", "zendesk").output
    result = caregraph("events", "replay", "--agent", "notification")
    assert "1 event(s) to send again, for notification alone" in result.output
    (copy,) = history.query("SELECT replay_of, replay_to FROM events.outbox WHERE replay_to IS NOT NULL")
    assert tuple(copy) == (history.failed, "notification")
    assert caregraph("events", "replay", history.inserted, "--agent", "zendesk").exit_code == 0
    copies = history.query("SELECT replay_of, replay_to FROM events.outbox WHERE replay_to IS NOT NULL")
    assert (history.inserted, "zendesk") in {tuple(copy) for copy in copies}


def test_replay_again_for_one_agent_lets_it_forget(caregraph: Run, history: History) -> None:
    history.query("INSERT INTO events.inbox (agent, event_id) VALUES ('contract', $1)", history.inserted)
    history.query("INSERT INTO events.inbox (agent, event_id) VALUES ('zendesk', $1)", history.inserted)
    result = caregraph("events", "replay", history.inserted, "--again", "--agent", "contract", "--yes")
    assert "forgets that it has handled them" in result.output
    assert [row["agent"] for row in history.query("SELECT agent FROM events.inbox")] == ["zendesk"]


def test_a_replay_ends_where_it_is_told_to(caregraph: Run, history: History) -> None:
    (first,) = history.query("SELECT sequence FROM events.outbox WHERE id = $1", history.inserted)
    result = caregraph("events", "replay", "--since", "1h", "--up-to", first["sequence"], "--again", "--yes")
    assert "1 event(s)" in result.output
    # What is left goes by what was there then, not by the copies that were made meanwhile.
    rest = caregraph("events", "replay", "--since", "1h", "--after", first["sequence"], "--up-to", first["sequence"])
    assert "0 event(s)" in rest.output


def test_replay_says_how_much_without_doing_it(caregraph: Run, history: History) -> None:
    result = caregraph("events", "replay", "--since", "1h", "--dry-run")
    assert "2 event(s)" in result.output
    assert len(history.query("SELECT 1 FROM events.outbox")) == 3


def test_replay_of_everything_must_be_said(caregraph: Run) -> None:
    assert caregraph("events", "replay").exit_code == 2


@pytest.mark.parametrize("url", ["garbage", "postgresql://127.0.0.1:99999/x", "postgresql://127.0.0.1:1/x"])
def test_an_address_that_leads_nowhere_is_a_sentence(url: str) -> None:
    result = CliRunner().invoke(app, ["events", "list", "--database-url", url])
    assert result.exit_code == 1
    assert result.output.startswith("PostgreSQL couldn't answer: ")


def test_a_database_that_never_answers_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triggers.connection._CONNECT_TIMEOUT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://x@127.0.0.1:{silent.getsockname()[1]}/x?sslmode=disable"
        result = CliRunner().invoke(app, ["events", "list", "--database-url", url])
    assert result.exit_code == 1
    assert result.output.startswith("PostgreSQL couldn't answer: no answer in time. Is the platform up")


def test_a_database_that_is_not_there_is_a_sentence(caregraph: Run) -> None:
    result = caregraph("events", "list", "--database-url", "postgresql://x@127.0.0.1:1/x")
    assert result.exit_code == 1
    assert "PostgreSQL couldn't answer" in result.output
