"""What production has to have, as Terraform variables: `python -m local.deployment > events.auto.tfvars.json`.

From the same declarations that `local.provision`, `local.scheduler` and the agents go by, so that a topic, an agent or
a job is declared once. Names are ids without the project; addresses and accounts are Terraform's to make of them. It is
here because it reads the declarations of all packages, as nothing but `local` and the tests may.
"""

import json
import sys
from typing import Any

from agents.registry import AGENTS
from local.layout import QUEUE
from local.provision import ACK_DEADLINE_S, BACKOFF_S, declared_topics
from triggers.scheduler.cron import CRON_JOBS

#: A run may take its time-out, and the scheduler then records what became of it.
_RECORDING_S = 10


def terraform_variables() -> dict[str, Any]:
    """The variables `event_topics`, `event_subscriptions`, `agents`, `cron_jobs` and `tasks_queue`."""
    return {
        "event_topics": list(declared_topics()),
        "event_subscriptions": {
            name: {
                "agent": agent.name,
                "topic": topic,
                "path": "/events",
                "ack_deadline_seconds": ACK_DEADLINE_S,
                "enable_message_ordering": True,
                "minimum_backoff": f"{BACKOFF_S[0]}s",
                "maximum_backoff": f"{BACKOFF_S[1]}s",
            }
            for agent in AGENTS.values()
            for name, topic in agent.subscriptions.items()
        },
        "agents": {
            agent.name: {"service": agent.name.replace("_", "-"), "service_account": _account(agent.name)}
            for agent in AGENTS.values()
        },
        # Called at the scheduler, whoever does the job: it sees to one run at a time and records each.
        "cron_jobs": {
            job.name: {
                "schedule": job.schedule,
                "time_zone": "Etc/UTC",
                "description": job.purpose,
                "path": f"/jobs/{job.name}",
                "attempt_deadline": f"{int(job.timeout.total_seconds()) + _RECORDING_S}s",
            }
            for job in CRON_JOBS
        },
        "tasks_queue": {"name": QUEUE, "min_backoff": "10s", "max_backoff": "600s", "max_attempts": 100},
    }


def _account(agent: str) -> str:
    return f"{agent.replace('_', '-')}-agent"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(terraform_variables(), indent=2) + "\n")
