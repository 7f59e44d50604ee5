"""What people wrote to each other: message threads, support tickets, referrals, requests to be forgotten."""

import datetime
from collections.abc import Mapping

from local.demo.chance import Chance
from local.demo.chart import Charted
from local.demo.dates import days
from local.demo.people import BO, THEO, Customer
from local.demo.rows import Row, Rows
from schema.tables import chargebee, public

_THREADS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    # subject, what the customer writes, what is answered
    "clinical": (
        (
            "Nausea after the first dose",
            "I felt a bit sick for two days after the first dose. Is that normal?",
            "That is common in the first week. Smaller meals help; write again if it lasts longer.",
        ),
        (
            "Question about my dose",
            "Should I stay on the same dose next month?",
            "Yes, please stay on it until we have talked about your results.",
        ),
    ),
    "billing": (
        ("Change of card", "My card expires this month, where do I change it?", "Under Billing in the portal."),
        ("Charged twice?", "I see two charges this month.", "One of them was only reserved and will vanish."),
    ),
    "shipping": (
        ("Where is my package?", "Tracking has not moved for two days.", "The carrier says it arrives tomorrow."),
        ("New address", "I am moving next week.", "Thank you, the next shipment goes to the new address."),
    ),
    "account": (("Cannot sign in", "The sign-in link does not arrive.", "We have sent you a new one."),),
    "general": (("Thank you", "The first weeks went really well.", "We are glad to hear that!"),),
}
_TICKETS = {
    "payment": "Payment failed",
    "clinical": "Side effect reported",
    "shipping": "Package lost",
    "account": "Cannot sign in",
    "other": "Question about the programme",
}
_REWARD = 5_000


def add_conversations(rows: Rows, chance: Chance, customers: list[Customer], charts: list[Charted]) -> None:
    """Threads, tickets, referrals and deletion requests."""
    team = [row["id"] for row in rows.all(public.staff) if row["role"] == "cct"]
    _add_threads(rows, chance, charts, team)
    _add_tickets(rows, chance, customers, team)
    _add_referrals(rows, chance, customers)
    _add_deletion_requests(rows, chance, customers)


def _add_threads(rows: Rows, chance: Chance, charts: list[Charted], team: list[object]) -> None:
    for chart in charts:
        if chart.customer.is_deleted or not (chance.happens(0.5) or chart.customer.id == BO):
            continue
        for _ in range(2 if chart.customer.id == BO else 1):
            category = chance.spread({"clinical": 5, "billing": 3, "shipping": 4, "account": 1, "general": 2})
            status = chance.spread({"open": 4, "waiting": 3, "closed": 8})
            age = days(chance.number(0.1, 3, 2) if status == "open" else chance.number(1, 40, 2))
            _add_thread(rows, chance, chart, team, category, status, max(rows.now - age, chart.since))


def _add_thread(
    rows: Rows,
    chance: Chance,
    chart: Charted,
    team: list[object],
    category: str,
    status: str,
    begun: datetime.datetime,
) -> None:
    subject, asks, answers = chance.pick(_THREADS[category])
    clinical = category == "clinical"
    staff = chart.provider["id"] if clinical else chance.pick(team) if chance.happens(0.7) else None
    thread = rows.add(
        public.message_thread,
        customer_id=chart.customer.id,
        staff_id=staff,
        subject=subject,
        category=category,
        status=status,
        last_message_at=begun,
        created_at=begun,
    )

    def write(role: str, body: str, after: float, sender: object = None) -> Row:
        time = min(begun + days(after), rows.now - days(0.001))
        thread["last_message_at"] = thread["updated_at"] = time
        return rows.add(
            public.message,
            thread_id=thread["id"],
            sender_role=role,
            sender_customer_id=chart.customer.id if role == "customer" else None,
            sender_staff_id=sender,
            body=body,
            created_at=time,
        )

    question = write("customer", asks, 0)
    if status == "open":
        return
    question["read_at"] = min(begun + days(0.1), rows.now)
    answer = write("provider" if clinical else "cct", answers, 0.15, staff or chance.pick(team))
    if status == "waiting":
        return
    answer["read_at"] = min(begun + days(0.3), rows.now)
    write("customer", "Thank you!", 0.35)
    write("system", "This conversation was closed.", 0.4)


def _add_tickets(rows: Rows, chance: Chance, customers: list[Customer], team: list[object]) -> None:
    for customer in customers:
        failed = customer.story.last_invoice in {"failing", "needs_attention", "exhausted", "recovered"}
        if customer.is_deleted or not (failed or chance.happens(0.12)):
            continue
        category = "payment" if failed else chance.spread({"clinical": 1, "shipping": 3, "account": 2, "other": 2})
        invoice = _failed_invoice(rows, customer) if failed else None
        created = invoice["date"] + days(0.05) if invoice else rows.now - days(chance.number(0.5, 60, 2))
        created = max(min(created, rows.now - days(0.01)), customer.created_at)
        status = chance.spread({"new": 2, "open": 4, "pending": 3, "hold": 1, "solved": 4, "closed": 4})
        if customer.story.last_invoice == "recovered":
            status = "solved"
        over = status in {"solved", "closed"}
        rows.add(
            public.support_ticket,
            customer_id=customer.id,
            subject=_TICKETS[category],
            description=f"Invoice {invoice['id']} could not be collected." if invoice else "Opened by the customer.",
            category=category,
            status=status,
            priority=chance.spread({"normal": 8, "high": 4, "low": 2, "urgent": 1}),
            invoice_id=invoice["id"] if invoice else None,
            assignee_id=None if status == "new" else THEO if chance.happens(0.4) else chance.pick(team),
            solved_at=min(created + days(1.5), rows.now) if over else None,
            created_at=created,
            updated_at=min(created + days(1.5), rows.now) if over else created,
        )


def _failed_invoice(rows: Rows, customer: Customer) -> Row | None:
    """The customer's last invoice that wasn't paid at once."""
    return next(
        (
            row
            for row in reversed(rows.all(chargebee.invoice))
            if row["customer_id"] == customer.chargebee_id and row["dunning_status"]
        ),
        None,
    )


def _add_referrals(rows: Rows, chance: Chance, customers: list[Customer]) -> None:
    """Invitations; a friend who came is the next customer without one, and comes after who invited them."""
    active = [customer for customer in customers if customer.story.contracts and not customer.is_deleted]
    active.sort(key=lambda customer: customer.created_at)
    friends = active[len(active) // 2 :]
    for referrer in chance.sample(active[: len(active) // 2], 40):
        status = chance.spread({"completed": 6, "invited": 4, "signed_up": 3, "expired": 2, "cancelled": 1})
        friend = friends.pop(0) if status in {"completed", "signed_up"} else None
        if friend is None:
            invited = rows.now - days(chance.integer(95, 200) if status == "expired" else chance.integer(1, 60))
        else:
            invited = friend.created_at - days(chance.integer(1, 20))
        completed_at = min(friend.created_at + days(2), rows.now) if friend and status == "completed" else None
        referral = rows.add(
            public.referral,
            referrer_id=referrer.id,
            referred_id=friend.id if friend else None,
            referred_email=friend.row["email"] if friend else f"friend{len(rows.all(public.referral))}@example.com",
            code=chance.token(10).upper(),
            status=status,
            expires_at=invited + days(90),
            completed_at=completed_at,
            created_at=invited,
            updated_at=completed_at or invited,
        )
        if friend and completed_at:
            _add_rewards(rows, chance, referral, (referrer, friend), completed_at)


def _add_rewards(
    rows: Rows, chance: Chance, referral: Row, both: tuple[Customer, Customer], time: datetime.datetime
) -> None:
    for customer in both:
        status = chance.spread({"granted": 10, "pending": 2, "failed": 1, "revoked": 1})
        granted = status in {"granted", "revoked"}
        rows.add(
            public.referral_reward,
            referral_id=referral["id"],
            customer_id=customer.id,
            amount=_REWARD,
            status=status,
            status_reason={"failed": "Chargebee did not answer.", "revoked": "The friend cancelled."}.get(status),
            chargebee_credit_id=f"pc_{chance.token(14)}" if granted else None,
            granted_at=time if granted else None,
            created_at=time,
        )


def _add_deletion_requests(rows: Rows, chance: Chance, customers: list[Customer]) -> None:
    """One of a deleted customer for each of them, and a few that are under way or came to nothing."""
    others = [customer for customer in customers if customer.story.name in {"cancelled", "signed_up"}]
    wanted = ("pending", "pending", "processing", "cancelled", "failed")
    cases = [(customer, "completed") for customer in customers if customer.is_deleted]
    cases += list(zip(chance.sample(others, len(wanted)), wanted, strict=True))
    for customer, status in cases:
        ended = customer.row["deleted_at"] if status == "completed" else None
        if status == "pending":
            asked = rows.now - days(chance.integer(1, 9))
        else:
            asked = (ended or rows.now - days(0.2)) - days(14.5)
        asked = max(asked, customer.created_at + days(0.5)) if status != "completed" else asked
        asked = min(asked, rows.now - days(0.01))
        due = asked + days(14)
        rows.add(
            public.data_deletion_request,
            customer_id=customer.id,
            status=status,
            reason=chance.pick((None, "I no longer use it.", "Privacy")),
            scheduled_for=due,
            started_at=due if status in {"processing", "completed", "failed"} else None,
            completed_at=ended,
            cancelled_at=asked + days(0.1) if status == "cancelled" else None,
            proof={"deleted": ["firebase", "iterable", "zendesk"], "kept": ["invoices", "chart"]} if ended else None,
            created_at=asked,
            updated_at=ended or asked,
        )
