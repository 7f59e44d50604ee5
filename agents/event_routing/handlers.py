"""A webhook comes in, and the table of rules says what becomes of it."""

from datetime import UTC, datetime

import structlog

from agents.event_routing.context import Context
from agents.event_routing.rules import find_rule
from agents.runtime.handler import Work, WriteBack
from agents.runtime.webhooks import Webhook

_log = structlog.get_logger(__name__)


async def route(webhook: Webhook, work: Work, *, source: str, context: Context) -> WriteBack:
    """What the rule for it gives; a type without a rule is skipped, and logged."""
    # So that whoever reads the delivery finds the outside event.
    work.effects.append(
        {
            "system": source,
            "action": f"webhook {webhook.kind[:100]}",
            "id": webhook.event_id,
            "at": datetime.now(UTC).isoformat(),
            "ms": 0.0,
        }
    )
    rule = find_rule(source, webhook.kind)
    if rule is None:
        _log.warning("webhook.without_rule", source=source, kind=webhook.kind[:100], outside_id=webhook.event_id)
        return WriteBack(skipped=f"no rule for {source}'s {webhook.kind[:100]}")
    return await rule.handle(webhook, work, context)
