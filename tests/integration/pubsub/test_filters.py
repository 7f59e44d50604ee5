"""Filters: the language, and that a subscription gets what its filter lets through and nothing else."""

import pytest
from google.api_core import exceptions

from local.pubsub.errors import InvalidArgumentError
from local.pubsub.filter import compile_filter
from tests.integration.pubsub.clients import PubSub

MESSAGE = {"domain": "com", "iana.org/language_tag": "en", "head": "moot", "empty": "", "quote": 'say "hi"', "み": "な"}


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("attributes:domain", True),
        ("attributes:nothing", False),
        ("attributes:empty", True),
        ('attributes.domain = "com"', True),
        ('attributes.domain="com"', True),
        ('attributes.domain = "Com"', False),
        ('attributes.empty = ""', True),
        ('attributes.nothing = ""', False),
        ('attributes.domain != "org"', True),
        ('attributes.domain != "com"', False),
        ('attributes.nothing != "com"', True),
        ('attributes."iana.org/language_tag" = "en"', True),
        ('attributes:"iana.org/language_tag"', True),
        ('hasPrefix(attributes.domain, "co")', True),
        ('hasPrefix(attributes.domain, "")', True),
        ('hasPrefix(attributes.domain, "om")', False),
        ('hasPrefix(attributes.nothing, "")', False),
        ("NOT attributes:domain", False),
        ("-attributes:nothing", True),
        ("NOT NOT attributes:domain", True),
        ('attributes:domain AND attributes.head = "moot" AND NOT attributes:nothing', True),
        ('attributes:nothing OR attributes:other OR attributes.domain = "com"', True),
        ('attributes:domain AND (attributes.head = "x" OR hasPrefix(attributes.head, "moo"))', True),
        ('(attributes:nothing AND attributes:domain) OR (NOT (attributes.head = "x"))', True),
        ("NOT (attributes:domain AND attributes:head)", False),
        (r'attributes.quote = "say \"hi\""', True),
        (r'attributes:"\u307f"', True),
        (r'attributes."\u307F" = "\U0000306a"', True),
        (r'attributes.domain = "\x63\157m"', True),
        ("  attributes:domain\n  AND\tattributes:head  ", True),
    ],
)
def test_expression_means_what_the_documentation_says(text: str, passes: bool) -> None:
    predicate = compile_filter(text)
    assert predicate is not None
    assert predicate(MESSAGE) is passes


@pytest.mark.parametrize("text", ["", "   "])
def test_empty_filter_lets_everything_through(text: str) -> None:
    assert compile_filter(text) is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("attributes", "position 10"),
        ("attributes.", "position 11"),
        ("attributes.a =", "a string was expected"),
        ("attributes.a = b", "a string was expected"),
        ('attributes.a == "b"', "a string was expected"),
        ('domain = "com"', "'attributes' was expected"),
        ("attributes:a attributes:b", "unexpected 'attributes'"),
        ("attributes:a and attributes:b", "unexpected 'and'"),
        ("attributes:a AND attributes:b OR attributes:c", "use parentheses"),
        ("attributes:a OR attributes:b AND attributes:c", "use parentheses"),
        ("(attributes:a", "'\\)' was expected instead of the end"),
        ("attributes:a)", "unexpected '\\)'"),
        ("NOT", "'attributes' was expected"),
        ("attributes:a AND", "'attributes' was expected"),
        ("hasPrefix(attributes.a)", "',' was expected"),
        ('hasSuffix(attributes.a, "b")', "'attributes' was expected"),
        ('attributes.a = "unclosed', "unexpected character"),
        (r'attributes.a = "\q"', "unknown escape"),
        (r'attributes.a = "\UFFFFFFFF"', "not a character"),
        ('attributes.a > "b"', "unexpected character '>'"),
        ("attributes:" + "x" * 250, "longer than 256"),
    ],
)
def test_mistake_is_told_with_its_place(text: str, complaint: str) -> None:
    with pytest.raises(InvalidArgumentError, match=complaint):
        compile_filter(text)


def test_subscription_gets_what_its_filter_lets_through(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    created = pubsub.subscription(topic, filter='attributes.type = "contract.created"')
    contracts = pubsub.subscription(topic, filter='hasPrefix(attributes.type, "contract.")')
    for event in ("contract.created", "invoice.paid", "contract.renewed"):
        pubsub.publish(topic, event, type=event)
    pubsub.publish(topic, "no attribute")
    assert pubsub.take(created, 1) == ["contract.created"]
    assert sorted(pubsub.take(contracts, 2)) == ["contract.created", "contract.renewed"]
    assert pubsub.pull(created, now=True) == []
    assert pubsub.pull(contracts, now=True) == []


def test_rare_match_is_found_behind_thousands_that_do_not_match(local_pubsub: PubSub) -> None:
    topic = local_pubsub.topic()
    subscription = local_pubsub.subscription(topic, filter="attributes:rare")
    for _ in range(9):
        local_pubsub.publish(topic, *["common"] * 1000)
    local_pubsub.publish(topic, "needle", rare="yes")
    assert local_pubsub.take(subscription, 1) == ["needle"]


def test_filter_with_a_mistake_is_refused(local_pubsub: PubSub) -> None:
    topic = local_pubsub.topic()
    with pytest.raises(exceptions.InvalidArgument, match="position"):
        local_pubsub.subscription(topic, filter="attributes.a")
