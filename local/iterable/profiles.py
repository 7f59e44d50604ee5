"""Profiles, found by ``userId`` or e-mail address, and people to be forgotten."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from local.iterable.replies import done, json_reply, refusal
from local.standin.clock import Clock
from local.standin.service import Call, Refusal, Reply
from local.standin.store import Store


class Profiles:
    """The project's users."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def find(self, who: Mapping[str, Any]) -> dict[str, Any] | None:
        """The profile of ``{"userId"}`` or ``{"email"}``; the userId counts first."""
        if who.get("userId"):
            found = self._store.find_by("user", "userId", who["userId"])
            if found:
                return found[0]
        if who.get("email"):
            found = self._store.find_by("user", "email", who["email"].lower())
            if found:
                return found[0]
        return None

    def need(self, who: Mapping[str, Any]) -> dict[str, Any]:
        """The profile, made for an address that is new; a userId that is new is refused."""
        self._refuse_forgotten(who)
        user = self.find(who)
        if user is not None:
            return user
        if who.get("email"):
            return self.upsert({"email": who["email"], "userId": who.get("userId")})
        if who.get("userId"):
            raise Refusal(refusal("UnknownUserIdError", f"no user with userId {who['userId']}"))
        raise Refusal(refusal("BadParams", "an email or a userId is needed"))

    def upsert(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The profile with the body's data fields set, made when it is new."""
        self._refuse_forgotten(body)
        if not body.get("email") and not body.get("userId"):
            raise Refusal(refusal("BadParams", "an email or a userId is needed"))
        if body.get("email") and "@" not in body["email"]:
            raise Refusal(refusal("InvalidEmailAddressError", "that is not an e-mail address"))
        user = self.find(body) or {"id": str(uuid.uuid4()), "email": None, "userId": None, "dataFields": {}}
        if body.get("email"):
            user["email"] = body["email"].lower()
        if body.get("userId"):
            user["userId"] = body["userId"]
        for name, value in body.get("dataFields", {}).items():
            old = user["dataFields"].get(name)
            if body.get("mergeNestedObjects") and isinstance(old, dict) and isinstance(value, dict):
                user["dataFields"][name] = {**old, **value}
            else:
                user["dataFields"][name] = value
        user["profileUpdatedAt"] = self._clock.now().strftime("%Y-%m-%d %H:%M:%S +00:00")
        now = self._clock.epoch()
        self._store.put("user", user["id"], user, created_at=now, updated_at=now)
        return user

    def update(self, call: Call) -> Reply:
        """``POST /api/users/update``."""
        self.upsert(call.json())
        return done("New fields created or updated")

    def update_email(self, call: Call) -> Reply:
        """``POST /api/users/updateEmail``."""
        body = call.json()
        user = self.find({"email": body.get("currentEmail"), "userId": body.get("currentUserId")})
        if user is None:
            raise Refusal(refusal("UnknownEmailError", "no such user"))
        other = self.find({"email": body["newEmail"]})
        if other is not None and other["id"] != user["id"]:
            raise Refusal(refusal("EmailAlreadyExists", "another user has that address"))
        user["email"] = body["newEmail"].lower()
        now = self._clock.epoch()
        self._store.put("user", user["id"], user, created_at=now, updated_at=now)
        return done("Email updated")

    def by_user_id(self, call: Call) -> Reply:
        """``GET /api/users/byUserId/{user_id}``: an empty object when there is none, as at Iterable."""
        return self._show(self.find({"userId": call.params["user_id"]}))

    def by_email(self, call: Call) -> Reply:
        """``GET /api/users/{email}``."""
        return self._show(self.find({"email": call.params["email"]}))

    def by_query(self, call: Call) -> Reply:
        """``GET /api/users/getByEmail?email=``."""
        return self._show(self.find({"email": call.query.get("email")}))

    def delete_by_user_id(self, call: Call) -> Reply:
        """``DELETE /api/users/byUserId/{user_id}``."""
        return self._delete({"userId": call.params["user_id"]})

    def delete_by_email(self, call: Call) -> Reply:
        """``DELETE /api/users/{email}``."""
        return self._delete({"email": call.params["email"]})

    def forget(self, call: Call) -> Reply:
        """``POST /api/users/forget``: delete, and refuse all later data about that person."""
        who = call.json()
        user = self.find(who)
        now = self._clock.epoch()
        for value in {who.get("email"), who.get("userId"), *((user["email"], user["userId"]) if user else ())}:
            if value:
                self._store.put("forgotten", _digest(value), {}, created_at=now, updated_at=now)
        if user is not None:
            self._erase(user)
        return done("User forgotten")

    def _show(self, user: Mapping[str, Any] | None) -> Reply:
        if user is None:
            return json_reply({})
        return json_reply({"user": {key: value for key, value in user.items() if key != "id" and value is not None}})

    def _delete(self, who: Mapping[str, Any]) -> Reply:
        user = self.find(who)
        if user is None:
            raise Refusal(refusal("NotFound", "no such user", status=404))
        self._erase(user)
        return done("User deleted")

    def _erase(self, user: Mapping[str, Any]) -> None:
        self._store.execute("DELETE FROM document WHERE kind = 'user' AND id = ?", (user["id"],))
        for kind in ("event", "purchase", "message", "journey_entry", "webhook"):
            for field in ("userId", "email"):
                if user.get(field):
                    self._store.execute(
                        f"DELETE FROM document WHERE kind = ? AND json_extract(body, '$.{field}') = ?",  # noqa: S608 - two fixed names
                        (kind, user[field]),
                    )
        for field in ("userId", "email"):
            if user.get(field):
                self._store.execute("DELETE FROM webhook WHERE instr(body, ?) > 0", (user[field],))

    def _refuse_forgotten(self, who: Mapping[str, Any]) -> None:
        for field in ("email", "userId"):
            if who.get(field) and self._store.find("forgotten", _digest(who[field])) is not None:
                raise Refusal(refusal("ForgottenUserError", "that person was forgotten"))


def _digest(who: str) -> str:
    """By which a forgotten person is known, without saying who that is."""
    return sha256(who.lower().encode()).hexdigest()
