"""Firebase Auth's place among the stand-ins: its page, what it received, and how it is told to fail.

Only requests that production sends to Google's Identity Toolkit are listed and can fail; keys, tokens of service
accounts and the choice of a person for GraphiQL belong to the platform.
"""

from collections.abc import Sequence

import orjson

from local.identity.accounts import AccountStore
from local.standin.service import Call, Reply, Section, Service
from local.standin.store import Store
from local.standin.watch import Watch

_UNDER = ("/identitytoolkit.googleapis.com/",)
_SHOWN = 100


class FirebaseStandin(Service):
    """What the page shows."""

    name = "identity"
    title = "Firebase Auth"
    kit = frozenset({"faults"})

    def __init__(self, store: Store, accounts: AccountStore) -> None:
        super().__init__(store)
        self._accounts = accounts

    def refuse_stranger(self, call: Call) -> Reply | None:
        """None: the application looks at credentials itself."""
        del call
        return None

    def error(self, status: int, *, retry_after_s: int | None = None) -> Reply:
        """As Google's APIs say it."""
        body = {"error": {"code": status, "message": "UNAVAILABLE", "status": "UNAVAILABLE"}}
        headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
        return Reply(status=status, body=orjson.dumps(body), headers=headers)

    def sections(self) -> Sequence[Section]:
        """The accounts."""
        return (
            Section(
                title="Accounts",
                columns=("Uid", "E-mail", "Name", "Roles", "Disabled"),
                rows=[
                    (one.local_id, one.email, one.display_name, ", ".join(one.roles), "yes" if one.disabled else "")
                    for one in self._accounts.find_page(after="", limit=_SHOWN)
                ],
                note=f"The first {_SHOWN} of {self._accounts.count()}.",
            ),
        )


def open_watch(store: Store, accounts: AccountStore) -> Watch:
    """What stands in front of the application."""
    return Watch(FirebaseStandin(store, accounts), under=_UNDER)
