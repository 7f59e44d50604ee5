"""Tickets: each change is an audit, and a comment when there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local.standin.clock import Clock
from local.standin.service import Call, Refusal, Reply
from local.standin.store import Store
from local.zendesk.replies import invalid, json_reply, not_found
from local.zendesk.users import API_USER_ID, Users

_STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
#: Where a ticket waits for somebody else than the team; the requester's word opens it, says
#: https://support.zendesk.com/hc/en-us/articles/4408894213018-About-native-system-ticket-rules.
_REOPENED = ("pending", "hold", "solved")
_PRIORITIES = ("urgent", "high", "normal", "low")
_SETTABLE = ("subject", "status", "priority", "type", "assignee_id", "group_id", "external_id")
_LARGEST_PAGE = 100


class Tickets:
    """The account's tickets."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        users: Users,
        tell: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._users = users
        self._tell = tell

    def create(self, call: Call) -> Reply:
        """``POST /api/v2/tickets``."""
        ticket, audit = self.open(call.json()["ticket"])
        return json_reply({"ticket": ticket, "audit": audit}, 201, {"location": ticket["url"]})

    def open(self, given: Mapping[str, Any], *, actor_id: int = API_USER_ID) -> tuple[dict[str, Any], dict[str, Any]]:
        """A new ticket and its first audit, as the API or somebody in the support team makes it."""
        comment = given.get("comment") or {}
        if not (comment.get("body") or comment.get("html_body")):
            raise Refusal(invalid("base", "Description: cannot be blank"))
        if given.get("requester_id"):
            requester = self._users.need(int(given["requester_id"]))
        elif given.get("requester"):
            requester = self._users.of_requester(given["requester"])
        else:
            raise Refusal(invalid("requester", "Requester: is required by this stand-in"))
        ticket_id = self._store.next("ticket")
        ticket: dict[str, Any] = {
            "id": ticket_id,
            "url": f"/api/v2/tickets/{ticket_id}.json",
            "external_id": None,
            "requester_id": requester["id"],
            "submitter_id": given.get("submitter_id", requester["id"]),
            "assignee_id": None,
            "group_id": None,
            "subject": comment.get("body", "")[:80],
            "raw_subject": given.get("subject"),
            "description": comment.get("body") or comment.get("html_body"),
            "status": "new",
            "priority": None,
            "type": None,
            "tags": [],
            "custom_fields": [],
            "via": {"channel": "api"},
            "created_at": self._moment(),
        }
        self._apply(ticket, given)
        audit = self._audit(ticket, given, author_id=ticket["submitter_id"])
        self._tell("ticket.created", self._event(ticket, {}, actor_id))
        return ticket, audit

    def show(self, call: Call) -> Reply:
        """``GET /api/v2/tickets/{id}``."""
        return json_reply({"ticket": self._need(int(call.params["id"]))})

    def listing(self, call: Call) -> Reply:
        """``GET /api/v2/tickets``, also by ``external_id``; offset pages (``page``, ``per_page``)."""
        if "external_id" in call.query:
            tickets = self._store.find_by("ticket", "external_id", call.query["external_id"])
        else:
            tickets = sorted(self._store.all("ticket"), key=lambda one: int(one["id"]))
        return self._paged(call, tickets)

    def requested(self, call: Call) -> Reply:
        """``GET /api/v2/users/{id}/tickets/requested``."""
        wanted = int(call.params["id"])
        return self._paged(call, [one for one in self._store.all("ticket") if one["requester_id"] == wanted])

    def update(self, call: Call) -> Reply:
        """``PUT /api/v2/tickets/{id}``."""
        given = call.json()["ticket"]
        ticket = self.change(int(call.params["id"]), given)
        return json_reply({"ticket": ticket, "audit": self._store.find_by("audit", "ticket_id", ticket["id"])[-1]})

    def delete(self, call: Call) -> Reply:
        """``DELETE /api/v2/tickets/{id}``."""
        ticket = self._need(int(call.params["id"]))
        self._keep("ticket", ticket, deleted=True)
        return Reply(status=204)

    def delete_for_good(self, call: Call) -> Reply:
        """``DELETE /api/v2/deleted_tickets/{id}``: with everything that was written and told of it."""
        ticket = self._store.find("ticket", call.params["id"])
        if ticket is None or any(
            one["id"] == ticket["id"] for one in self._store.find_by("ticket", "id", ticket["id"])
        ):
            raise Refusal(not_found())
        self._store.execute("DELETE FROM document WHERE kind = 'ticket' AND id = ?", (call.params["id"],))
        for kind in ("comment", "audit"):
            self._store.execute(
                "DELETE FROM document WHERE kind = ? AND json_extract(body, '$.ticket_id') = ?", (kind, ticket["id"])
            )
        # What was told of it, and what was answered when it was made.
        for table in ("document", "webhook"):
            self._store.execute(
                f"DELETE FROM {table} WHERE instr(body, ?) > 0",  # noqa: S608 -- names from the line above
                (f'"zen:ticket:{ticket["id"]}"',),
            )
        self._store.execute("DELETE FROM answer WHERE instr(body, ?) > 0", (f'"ticket":{{"id":{ticket["id"]},',))
        return json_reply({"job_status": {"status": "queued"}})

    def comments(self, call: Call) -> Reply:
        """``GET /api/v2/tickets/{id}/comments``."""
        ticket = self._need(int(call.params["id"]))
        comments = self._store.find_by("comment", "ticket_id", ticket["id"])
        shown = [{key: value for key, value in one.items() if key != "ticket_id"} for one in comments]
        return json_reply({"comments": shown, "count": len(shown), "next_page": None, "previous_page": None})

    def audits(self, call: Call) -> Reply:
        """``GET /api/v2/tickets/{id}/audits``, by cursor: ``page[size]``, ``page[after]``."""
        ticket = self._need(int(call.params["id"]))
        after = int(call.query.get("page[after]") or 0)
        size = min(int(call.query.get("page[size]", _LARGEST_PAGE)), _LARGEST_PAGE)
        audits = [one for one in self._store.find_by("audit", "ticket_id", ticket["id"]) if one["id"] > after]
        page = audits[:size]
        has_more = len(audits) > size
        meta = {"has_more": has_more, "after_cursor": str(page[-1]["id"]) if page else None, "before_cursor": None}
        return json_reply({"audits": page, "meta": meta, "links": {"next": None, "prev": None}})

    def change(self, ticket_id: int, given: Mapping[str, Any], *, actor_id: int = API_USER_ID) -> dict[str, Any]:
        """The ticket after a change, as the API, a member of the team or its requester makes it."""
        ticket = self._need(ticket_id)
        if ticket["status"] == "closed":
            raise Refusal(invalid("status", "Status: closed prevents ticket update"))
        before = dict(ticket)
        if _is_reply(given, ticket, actor_id) and ticket["status"] in _REOPENED:
            given = {"status": "open", **given}
        self._apply(ticket, given)
        audit = self._audit(ticket, given, author_id=actor_id)
        for field in ("status", "priority", "subject"):
            if ticket[field] != before[field]:
                shown = str.upper if field != "subject" else str
                old, new = (value and shown(value) for value in (before[field], ticket[field]))
                change = {"previous": old, "current": new}
                self._tell(f"ticket.{field}_changed", self._event(ticket, change, actor_id))
        for written in audit["events"]:
            if written["type"] == "Comment":
                author = {
                    "id": str(written["author_id"]),
                    "is_staff": written["author_id"] != ticket["requester_id"],
                    "name": "Zendesk",
                }
                comment = {
                    "id": str(written["id"]),
                    "body": written["body"],
                    "is_public": written["public"],
                    "author": author,
                }
                self._tell("ticket.comment_added", self._event(ticket, {"comment": comment}, actor_id))
        return ticket

    def requester_of(self, ticket_id: int) -> int:
        """Whose ticket it is."""
        requester_id: int = self._need(ticket_id)["requester_id"]
        return requester_id

    def _apply(self, ticket: dict[str, Any], given: Mapping[str, Any]) -> None:
        if given.get("status", "new") not in _STATUSES:
            raise Refusal(invalid("status", f"Status: {given['status']} is not included in the list"))
        if given.get("priority") not in (None, *_PRIORITIES):
            raise Refusal(invalid("priority", f"Priority: {given['priority']} is not included in the list"))
        for field in _SETTABLE:
            if field in given:
                ticket[field] = given[field]
        if "tags" in given:
            ticket["tags"] = sorted({str(tag).lower() for tag in given["tags"]})
        if "custom_fields" in given:
            fields = {one["id"]: one["value"] for one in (*ticket["custom_fields"], *given["custom_fields"])}
            ticket["custom_fields"] = [{"id": field_id, "value": value} for field_id, value in fields.items()]
        ticket["updated_at"] = self._moment()
        self._keep("ticket", ticket)

    def _audit(self, ticket: Mapping[str, Any], given: Mapping[str, Any], *, author_id: int) -> dict[str, Any]:
        audit_id = self._store.next("audit")
        events: list[dict[str, Any]] = [
            {"id": self._store.next("audit_event"), "type": "Change", "field_name": field, "value": given[field]}
            for field in (*_SETTABLE, "tags")
            if field in given
        ]
        metadata = {"custom": dict(given.get("metadata", {})), "system": {"client": "stand-in"}}
        comment = given.get("comment")
        if comment:
            entry = {
                "id": self._store.next("audit_event"),
                "type": "Comment",
                "ticket_id": ticket["id"],
                "audit_id": audit_id,
                "author_id": comment.get("author_id", author_id),
                "body": comment.get("body") or comment.get("html_body"),
                "public": comment.get("public", True),
                "attachments": [],
                "metadata": metadata,
                "created_at": self._moment(),
            }
            self._keep("comment", entry)
            events.append({key: value for key, value in entry.items() if key not in ("ticket_id", "metadata")})
        audit = {
            "id": audit_id,
            "ticket_id": ticket["id"],
            "author_id": author_id,
            "created_at": self._moment(),
            "metadata": metadata,
            "events": events,
        }
        self._keep("audit", audit)
        return audit

    def _event(self, ticket: Mapping[str, Any], change: Mapping[str, Any], actor_id: int) -> dict[str, Any]:
        detail = {
            "id": str(ticket["id"]),
            "external_id": ticket["external_id"],
            "requester_id": str(ticket["requester_id"]),
            "submitter_id": str(ticket["submitter_id"]),
            "actor_id": str(actor_id),
            "description": ticket["description"],
            "status": ticket["status"].upper(),
            "priority": (ticket["priority"] or "").upper() or None,
            "subject": ticket["subject"],
            "tags": ticket["tags"],
            "created_at": ticket["created_at"],
            "updated_at": ticket["updated_at"],
        }
        return {"subject": f"zen:ticket:{ticket['id']}", "detail": detail, "event": dict(change)}

    def _paged(self, call: Call, tickets: list[dict[str, Any]]) -> Reply:
        page = int(call.query.get("page", 1))
        size = min(int(call.query.get("per_page", _LARGEST_PAGE)), _LARGEST_PAGE)
        found = tickets[(page - 1) * size : page * size]
        next_page = f"{call.path}?page={page + 1}&per_page={size}" if page * size < len(tickets) else None
        return json_reply({"tickets": found, "count": len(tickets), "next_page": next_page, "previous_page": None})

    def _need(self, ticket_id: int) -> dict[str, Any]:
        rows = self._store.rows(
            "SELECT 1 FROM document WHERE kind = 'ticket' AND id = ? AND NOT deleted", (str(ticket_id),)
        )
        ticket = self._store.find("ticket", str(ticket_id)) if rows else None
        if ticket is None:
            raise Refusal(not_found())
        return ticket

    def _keep(self, kind: str, document: Mapping[str, Any], *, deleted: bool = False) -> None:
        now = self._clock.epoch()
        self._store.put(kind, str(document["id"]), document, created_at=now, updated_at=now, deleted=deleted)

    def _moment(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_reply(given: Mapping[str, Any], ticket: Mapping[str, Any], actor_id: int) -> bool:
    """Whether a change has a public comment by the requester, who writes it or for whom it is written."""
    comment = given.get("comment") or {}
    author_id = comment.get("author_id", actor_id)
    return bool(comment) and comment.get("public", True) and int(author_id) == ticket["requester_id"]
