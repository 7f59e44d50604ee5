"""The two protocols on a real socket: connecting, credentials, limits, bad messages."""

import asyncio
import json

import pytest
from websockets.exceptions import InvalidStatus

from tests.integration.live.conftest import Api
from tests.integration.live.sockets import ADMIN, OLDER, TRANSPORT, bearer, connected, opened

both_protocols = pytest.mark.parametrize("protocol", [TRANSPORT, OLDER])
TREATMENTS = "subscription { treatment { name } }"
WRONG_DOCUMENTS = [
    ("subscription {", "validation-failed", "$.query"),
    ("subscription { nothing { id } }", "validation-failed", "$.selectionSet.nothing"),
    ("query { nothing { id } }", "validation-failed", "$.selectionSet.nothing"),
    ("subscription { treatment { id } staff { id } }", "validation-failed", "$"),
    ("subscription { __typename }", "validation-failed", "$"),
    ('subscription { customer_by_pk(id: "nonsense") { id } }', "data-exception", "$"),
    ("subscription { treatment(limit: -1) { id } }", "validation-failed", "$.selectionSet.treatment.args.limit"),
]
WRONG_MESSAGES = [
    ("nonsense", "WebSocket message must be valid JSON"),
    ("[1]", "Invalid message: expected an object with a `type`"),
    ('{"type": 1}', "Invalid message: expected an object with a `type`"),
    ('{"type": "dance"}', "Unknown message type: dance"),
    ('{"type": "subscribe", "id": "1"}', "Invalid message: `subscribe` needs a payload with a query"),
    (
        '{"type": "subscribe", "id": "1", "payload": []}',
        "Invalid message: `subscribe` needs a payload with a query",
    ),
    (
        '{"type": "subscribe", "id": [], "payload": {"query": ""}}',
        "Invalid message: `subscribe` needs a string as its id",
    ),
    ('{"type": "complete"}', "Invalid message: `complete` needs a string as its id"),
    ('{"type": "connection_init"}', "Too many initialisation requests"),
]
WRONG_PAYLOADS: list[tuple[dict[str, object], str]] = [
    ({"query": 1}, "expected a string for 'query'"),
    ({"query": TREATMENTS, "variables": []}, "expected an object for 'variables'"),
    ({"query": TREATMENTS, "operationName": 1}, "expected a string for 'operationName'"),
]


@both_protocols
async def test_queries_and_mutations_answer_once_and_complete(url: str, protocol: str) -> None:
    async with connected(url, ADMIN, protocol=protocol) as client:
        insert = (
            'mutation { insert_public_medication_one: insert_healthcare_medication_one(object: {name: "x"}) { name } }'
        )
        id_ = await client.start(insert)
        answer = await client.message(id_)
        if answer["type"] == "error":  # the table asks for more
            treatment = '{name: "X", monthly_item_price_id: "x", monthly_price: 1, currency_code: "USD"}'
        id_ = await client.start(f"mutation {{ insert_treatment_one(object: {treatment}) {{ name }} }}")
        assert await client.data(id_) == {"insert_treatment_one": {"name": "X"}}
        assert (await client.message(id_))["type"] == "complete"

        id_ = await client.start("query { treatment_aggregate { aggregate { count } } }")
        assert await client.data(id_) == {"treatment_aggregate": {"aggregate": {"count": 1}}}
        assert (await client.message(id_))["type"] == "complete"


@both_protocols
async def test_errors_are_error_messages_with_the_usual_objects(url: str, protocol: str) -> None:
    async with connected(url, ADMIN, protocol=protocol) as client:
        for document, code, path in WRONG_DOCUMENTS:
            error = await client.error(await client.start(document))
            assert error["extensions"] == {"code": code, "path": path}, document
            assert error["message"]
        # The socket lives on, and ids are free again.
        assert await client.data(await client.start(TREATMENTS, id_="1")) == {"treatment": []}


@both_protocols
async def test_operations_before_the_acknowledgement_end_the_socket(url: str, protocol: str) -> None:
    async with opened(url, protocol=protocol) as client:
        await client.start(TREATMENTS)
        assert await client.closed() == (4401, "Unauthorized")


async def test_wrong_credentials_end_the_socket_and_say_why(url: str) -> None:
    async with opened(url) as client:
        await client.send({"type": "connection_init", "payload": {"headers": {"x-hasura-admin-secret": "wrong"}}})
        code, reason = await client.closed()
        assert code == 4403
        assert reason is not None
        assert reason.startswith("access-denied: invalid x-hasura-admin-secret")


async def test_wrong_credentials_are_a_connection_error_in_the_older_protocol(url: str) -> None:
    async with opened(url, protocol=OLDER) as client:
        await client.send({"type": "connection_init", "payload": {"headers": {"Authorization": "Bearer nonsense"}}})
        message = await client.other()
        assert message["type"] == "connection_error"
        assert message["payload"]["extensions"]["code"] == "invalid-jwt"
        await client.closed()


async def test_headers_that_are_no_object_are_refused(url: str) -> None:
    for protocol, expected in ((TRANSPORT, 4403), (OLDER, 1011)):
        wrong: tuple[object, ...] = ([], "x")
        for headers in wrong:
            async with opened(url, protocol=protocol) as client:
                await client.send({"type": "connection_init", "payload": {"headers": headers}})
                code, _ = await client.closed()
                assert code == expected


@both_protocols
async def test_credentials_of_the_upgrade_request_count_where_the_payload_has_none(url: str, protocol: str) -> None:
    for message in ({"type": "connection_init"}, {"type": "connection_init", "payload": None}):
        async with opened(url, protocol=protocol, headers=ADMIN) as client:
            await client.send(message)
            assert (await client.other())["type"] == "connection_ack"
            id_ = await client.start("query { events_outbox(limit: 1) { id } }")
            assert await client.data(id_) == {"events_outbox": []}


@both_protocols
async def test_socket_without_credentials_is_anonymous(url: str, protocol: str) -> None:
    async with connected(url, {}, protocol=protocol) as client:
        error = await client.error(await client.start("subscription { customer { id } }"))
        assert error["message"] == "field 'customer' not found in type: 'subscription_root'"
        assert await client.data(await client.start(TREATMENTS)) == {"treatment": []}


@both_protocols
async def test_socket_ends_with_its_token(url: str, protocol: str) -> None:
    async with connected(url, bearer("anonymous", lasts_s=1.2), protocol=protocol) as client:
        id_ = await client.start("query { treatment { name } }")
        assert await client.data(id_) == {"treatment": []}
        code, reason = await client.closed()
        assert code == 4403
        assert reason == "the token has expired; connect again with a new one"


@both_protocols
async def test_operations_beyond_the_limit_are_refused_and_say_so(api: Api, protocol: str) -> None:
    async with api(max_socket_operations=2) as url, connected(url, ADMIN, protocol=protocol) as client:
        first = await client.start(TREATMENTS)
        await client.data(first)
        await client.data(await client.start(TREATMENTS))
        error = await client.error(await client.start(TREATMENTS))
        assert error["message"] == "the socket goes over the limit of 2 operations at a time: this is one more"
        assert error["extensions"]["code"] == "validation-failed"
        await client.stop(first)
        # The server takes messages in order: the place is free by now.
        assert await client.data(await client.start(TREATMENTS)) == {"treatment": []}


async def test_message_that_makes_no_sense_ends_the_socket_and_says_why(url: str) -> None:
    for message, reason in WRONG_MESSAGES:
        async with connected(url, {}) as client:
            await client.send(message)
            code, why = await client.closed()
            assert why == reason
            assert code in (4400, 4429)


async def test_message_that_makes_no_sense_ends_the_older_protocol_s_socket_too(url: str) -> None:
    for message in [
        "[]",
        '{"type": "start", "id": "1"}',
        '{"type": "start", "payload": {"query": ""}}',
        '{"type": "stop"}',
    ]:
        async with connected(url, {}, protocol=OLDER) as client:
            await client.send(message)
            code, why = await client.closed()
            assert code == 4400
            assert why is not None
            assert why.startswith("Invalid message")


@both_protocols
async def test_payload_of_a_wrong_shape_is_an_error_of_the_operation(url: str, protocol: str) -> None:
    async with connected(url, {}, protocol=protocol) as client:
        for payload, message in WRONG_PAYLOADS:
            kind = "subscribe" if protocol == TRANSPORT else "start"
            await client.send({"id": "1", "type": kind, "payload": payload})
            error = await client.error("1")
            assert error["message"] == message
            assert error["extensions"]["code"] == "parse-failed"


@both_protocols
async def test_socket_that_sends_no_init_is_closed(api: Api, protocol: str) -> None:
    async with api(socket_init_timeout_s=0.05) as url, opened(url, protocol=protocol) as client:
        assert await client.closed() == (4408, "Connection initialisation timeout")


async def test_message_that_is_too_big_ends_the_socket(api: Api) -> None:
    async with api(max_request_bytes=2048) as url, connected(url, {}) as client:
        await client.start(f"subscription {{ treatment {{ name }} }} # {'x' * 3000}")
        code, reason = await client.closed()
        assert code == 1009
        assert reason is not None
        assert reason.startswith("the message is larger than the limit of 2048 bytes: it has 3")


async def test_unknown_protocol_is_not_acceptable(url: str) -> None:
    async with opened(url, protocol="soap") as client:
        assert await client.closed() == (4406, "Subprotocol not acceptable")


async def test_pages_of_other_origins_may_connect_only_when_they_are_named(api: Api) -> None:
    async with api(cors_origins=("https://portal.example.com",)) as url:
        async with opened(url, origin="https://portal.example.com") as client:
            await client.send({"type": "connection_init"})
            assert (await client.other())["type"] == "connection_ack"
        with pytest.raises(InvalidStatus) as refusal:
            async with opened(url, origin="https://elsewhere.example.com"):
                pass
        assert refusal.value.response.status_code == 403


async def test_older_protocol_s_sockets_are_kept_alive(url: str) -> None:
    async with opened(url, protocol=OLDER) as client:
        client._reader.cancel()
        await asyncio.gather(client._reader, return_exceptions=True)
        await client.send({"type": "connection_init"})
        seen = [json.loads(await asyncio.wait_for(client.socket.recv(), 5))["type"] for _ in range(2)]
        assert seen == ["connection_ack", "ka"]


async def test_pings_are_answered(url: str) -> None:
    async with connected(url, {}) as client:
        await client.send({"type": "ping"})
        assert await client.other() == {"type": "pong"}


@both_protocols
async def test_allow_list_holds_on_sockets(api: Api, protocol: str) -> None:
    limits = {"anonymous": {"allow_list": True}}
    async with api(limits=limits) as url, connected(url, {}, protocol=protocol) as client:
        error = await client.error(await client.start(TREATMENTS))
        assert "allow-list" in error["message"]
