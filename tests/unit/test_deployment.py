"""Terraform gets the topics, subscriptions, jobs and accounts that the code declares."""

import json
import subprocess
import sys

from agents.registry import AGENTS
from local.deployment import terraform_variables
from local.layout import PROJECT, read_layout, service_account
from local.provision import declared_subscriptions, declared_topics
from triggers.event_types import EVENT_TYPES
from triggers.scheduler.cron import CRON_JOBS


def test_production_has_the_topics_and_subscriptions_of_the_local_platform() -> None:
    variables = terraform_variables()
    assert variables["event_topics"] == list(declared_topics())
    assert {event_type.topic.name for event_type in EVENT_TYPES.values()} <= set(variables["event_topics"])
    local = {each.name: each.topic for each in declared_subscriptions(read_layout({}))}
    assert {name: each["topic"] for name, each in variables["event_subscriptions"].items()} == local
    assert {each["agent"] for each in variables["event_subscriptions"].values()} <= set(AGENTS)
    assert all(each["enable_message_ordering"] for each in variables["event_subscriptions"].values())


def test_every_agent_has_an_account_and_every_job_its_time() -> None:
    variables = terraform_variables()
    for agent, given in variables["agents"].items():
        assert f"{given['service_account']}@{PROJECT}.iam.gserviceaccount.com" == service_account(agent)
    jobs = variables["cron_jobs"]
    assert {name: given["schedule"] for name, given in jobs.items()} == {job.name: job.schedule for job in CRON_JOBS}
    # Cloud Scheduler waits at most half an hour for an HTTP target.
    assert all(15 <= int(given["attempt_deadline"].removesuffix("s")) <= 1800 for given in jobs.values())


def test_the_command_prints_them_as_a_variables_file() -> None:
    ended = subprocess.run([sys.executable, "-m", "local.deployment"], capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout) == terraform_variables()
