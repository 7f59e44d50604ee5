"""Uses generated clients: a query and two writes of agents', their answers as JSON on standard output.

Runs in the environment of `requirements.lock`: `python use.py FOLDER URL TOKEN CUSTOMER_ID EVENT_ID`. FOLDER holds the
packages `runtime_client` and `zendesk_client`.
"""

import asyncio
import json
import sys
import uuid


async def main(folder: str, url: str, token: str, customer_id: str, event_id: str) -> None:
    """Ask as an agent."""
    sys.path.insert(0, folder)
    import runtime_client  # type: ignore[import-not-found] # noqa: PLC0415 -- just generated
    import zendesk_client  # type: ignore[import-not-found] # noqa: PLC0415

    customer, event = uuid.UUID(customer_id), uuid.UUID(event_id)
    headers = {"authorization": f"Bearer {token}"}
    async with zendesk_client.Client(url, headers) as zendesk, runtime_client.Client(url, headers) as runtime:
        answers = [
            await zendesk.set_zendesk_user(id=customer, zendesk_user_id=2**53 + 1),
            await zendesk.get_customer(id=customer),
            await runtime.record_inbox(event_id=event),
            await runtime.find_inbox_entry(agent="zendesk", event_id=event),
        ]
    sys.stdout.write(json.dumps([answer.model_dump(mode="json") for answer in answers]))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
