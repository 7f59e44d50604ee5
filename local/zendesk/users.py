"""Users: found by id, ``external_id`` or e-mail address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.standin.clock import Clock
from local.standin.service import Call, Refusal, Reply
from local.standin.store import Store
from local.zendesk.replies import invalid, json_reply, not_found

_FIRST_ID = 36_001
#: The user that the API token acts as, and a member of the support team; neither is listed.
API_USER_ID = 35_001
SUPPORT_USER_ID = 35_002
_WRITABLE = ("name", "email", "external_id", "phone", "notes", "details", "locale", "time_zone", "verified", "role")


class Users:
    """The account's users."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def create_or_update(self, call: Call) -> Reply:
        """``POST /api/v2/users/create_or_update``: by ``external_id``, else by e-mail address; 201 when it is new."""
        given = call.json()["user"]
        user = self._match(given)
        if user is None:
            return self._create(given)
        return json_reply({"user": self._change(user, given)}, 200, {"location": user["url"]})

    def create(self, call: Call) -> Reply:
        """``POST /api/v2/users``."""
        given = call.json()["user"]
        if self._match({"email": given.get("email")}) is not None:
            raise Refusal(invalid("email", f"Email: {given['email']} is already being used by another user"))
        return self._create(given)

    def show(self, call: Call) -> Reply:
        """``GET /api/v2/users/{id}``."""
        return json_reply({"user": self.need(int(call.params["id"]))})

    def listing(self, _call: Call) -> Reply:
        """``GET /api/v2/users``."""
        users = self._store.all("user")
        return json_reply({"users": users, "count": len(users), "next_page": None, "previous_page": None})

    def search(self, call: Call) -> Reply:
        """``GET /api/v2/users/search?external_id=`` or ``?query=`` (an address, or a name)."""
        users: list[dict[str, Any]] = []
        if "external_id" in call.query:
            users = self._store.find_by("user", "external_id", call.query["external_id"])
        elif "query" in call.query:
            wanted = call.query["query"].removeprefix("email:").strip('"').lower()
            users = [
                one
                for one in self._store.all("user")
                if wanted in (one["name"].lower(), one["email"]) or wanted in one["name"].lower().split()
            ]
        return json_reply({"users": users, "count": len(users), "next_page": None, "previous_page": None})

    def update(self, call: Call) -> Reply:
        """``PUT /api/v2/users/{id}``."""
        return json_reply({"user": self._change(self.need(int(call.params["id"])), call.json()["user"])})

    def delete(self, call: Call) -> Reply:
        """``DELETE /api/v2/users/{id}``: inactive, and to be deleted for good by the second step."""
        user = self.need(int(call.params["id"]))
        user["active"] = False
        self._keep(user, deleted=True)
        return json_reply({"user": user})

    def delete_for_good(self, call: Call) -> Reply:
        """``DELETE /api/v2/deleted_users/{id}``; the user's tickets stay, without a name."""
        user = self._store.find("user", call.params["id"])
        if user is None or user["active"]:
            raise Refusal(not_found())
        self._store.execute("DELETE FROM document WHERE kind = 'user' AND id = ?", (call.params["id"],))
        return json_reply({"deleted_user": {"id": user["id"], "name": "Permanently Deleted User", "active": False}})

    def need(self, user_id: int) -> dict[str, Any]:
        """The user, or a refusal."""
        user = self._store.find("user", str(user_id))
        if user is None or not user["active"]:
            raise Refusal(not_found())
        return user

    def of_requester(self, requester: Mapping[str, Any]) -> dict[str, Any]:
        """The user that a ticket's ``requester`` names, made when new."""
        user = self._match(requester)
        return user if user is not None else self._new(requester)

    def _match(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        for field in ("external_id", "email"):
            value = given.get(field)
            if value:
                found = self._store.find_by("user", field, value.lower() if field == "email" else value)
                if found:
                    return found[0]
        return None

    def _create(self, given: Mapping[str, Any]) -> Reply:
        user = self._new(given)
        return json_reply({"user": user}, 201, {"location": user["url"]})

    def _new(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if not str(given.get("name") or "").strip():
            raise Refusal(invalid("name", "Name: is too short (minimum one character)"))
        user_id = self._store.next("user", at_least=_FIRST_ID)
        user = {
            "id": user_id,
            "url": f"/api/v2/users/{user_id}.json",
            "name": "",
            "email": None,
            "external_id": None,
            "phone": None,
            "role": "end-user",
            "verified": False,
            "active": True,
            "suspended": False,
            "notes": None,
            "details": None,
            "tags": [],
            "user_fields": {},
            "created_at": self._moment(),
        }
        return self._change(user, given)

    def _change(self, user: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        for field in _WRITABLE:
            if field in given:
                user[field] = given[field]
        if user["email"]:
            user["email"] = user["email"].lower()
        if "tags" in given:
            user["tags"] = list(given["tags"])
        user["user_fields"] = {**user["user_fields"], **given.get("user_fields", {})}
        user["updated_at"] = self._moment()
        self._keep(user)
        return user

    def _keep(self, user: Mapping[str, Any], *, deleted: bool = False) -> None:
        now = self._clock.epoch()
        self._store.put("user", str(user["id"]), user, created_at=now, updated_at=now, deleted=deleted)

    def _moment(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
