"""The server under test and clients of it.

`CAREGRAPH_TEST_PUBSUB_HOST=127.0.0.1:8085` runs the same tests against another server, Google's emulator for example
(`gcloud beta emulators pubsub start`). Tests that need a server to kill, or something only ours does, are then skipped.
"""

import os
from collections.abc import Iterator

import pytest

from tests.integration.pubsub.clients import PubSub
from tests.integration.pubsub.server import Server, free_port

OTHER_SERVER = os.environ.get("CAREGRAPH_TEST_PUBSUB_HOST")


@pytest.fixture(scope="session")
def pubsub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PubSub]:
    """One server for all tests that don't harm it."""
    if OTHER_SERVER:
        other = PubSub(address=OTHER_SERVER, is_local=False)
        yield other
        other.close()
        return
    server = Server(
        home=tmp_path_factory.mktemp("pubsub"), environment={"CAREGRAPH_PUBSUB_STATUS_PORT": str(free_port())}
    )
    server.start()
    clients = PubSub(address=server.address)
    clients.status_url = f"http://127.0.0.1:{server.environment['CAREGRAPH_PUBSUB_STATUS_PORT']}"
    try:
        yield clients
    finally:
        clients.close()
        server.stop()


@pytest.fixture(scope="session")
def local_pubsub(pubsub: PubSub) -> PubSub:
    """The same, for what only our server does."""
    if not pubsub.is_local:
        pytest.skip("only the local Pub/Sub does this")
    return pubsub


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the module's own, to be killed and started again; it runs when a test begins."""
    if OTHER_SERVER:
        pytest.skip("needs a server that can be killed")
    server = Server(home=tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    if server.process is not None:
        server.kill()


@pytest.fixture(scope="module")
def restarted(server: Server) -> Iterator[PubSub]:
    """Clients of that server."""
    clients = PubSub(address=server.address)
    yield clients
    clients.close()
