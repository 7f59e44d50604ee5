"""Kameleoon's configuration of a project, and which variation of a flag somebody gets.

The configuration is what Kameleoon's server-side SDKs fetch and evaluate on their own machine, as read by
`kameleoon-client-python` 3.22::

    {"featureFlags": [{
        "featureKey": "sms-notifications", "environmentEnabled": true, "defaultVariationKey": "off",
        "variations": [{"key": "on", "variables": [{"key": "limit", "type": "NUMBER", "value": 3}]}, …],
        "rules": [{"id": 1, "type": "EXPERIMENTATION", "exposition": 0.5, "experimentId": 2, "respoolTime": 3,
                   "segmentId": null, "variationByExposition": [{"variationKey": "on", "exposition": 0.5}, …]}]}]}

Somebody's place in a rule is SHA-256 of their code, the rule's id and its respool time, as a share of 1; likewise
among an experiment's variations. So everyone gets the same variation from this and from Kameleoon's own SDKs.

Rules for a segment (browsers, places, visits) are passed over: of the people that our programs ask about, Kameleoon
knows nothing. Mutually exclusive groups and holdouts, which experiments on web pages need, are not read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_DELIVERY: Final = "TARGETED_DELIVERY"
_EXPERIMENT: Final = "EXPERIMENTATION"
_HASHES: Final = 1 << 256


class ConfigurationMismatch(Exception):
    """What Kameleoon sent isn't a configuration that we can read; the message says where."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Who gets which variations."""

    id: int
    kind: str
    #: Share of people whom it is about.
    exposition: float
    experiment_id: int
    respool_time: int | None
    for_segment: bool
    #: Variation key → its share, in order.
    variations: Sequence[tuple[str, float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureFlag:
    """One flag in the environment that was asked for."""

    key: str
    enabled: bool
    default_variation: str
    #: Variation key → its variables.
    variations: Mapping[str, Mapping[str, Any]]
    rules: Sequence[Rule]


def parse_configuration(raw: Any) -> Mapping[str, FeatureFlag]:
    """The flags by key; raises ConfigurationMismatch."""
    try:
        return {flag.key: flag for flag in (_flag(one) for one in raw["featureFlags"])}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationMismatch(f"Kameleoon's configuration: {type(error).__name__}: {error}") from error


def choose_variation(flag: FeatureFlag, code: str) -> str:
    """The key of the variation that the person or thing of this code gets."""
    for rule in flag.rules:
        if rule.for_segment:
            continue
        if _place(code, rule.id, rule.respool_time) > rule.exposition:
            if rule.kind == _DELIVERY:
                # A delivery that isn't for them yet is the last word.
                break
            continue
        if rule.kind == _DELIVERY and rule.variations:
            return rule.variations[0][0]
        if rule.kind == _EXPERIMENT:
            place, upper = _place(code, rule.experiment_id, rule.respool_time), 0.0
            for variation, share in rule.variations:
                upper += share
                if place <= upper:
                    return variation
    return flag.default_variation


def _place(code: str, container_id: int, respool_time: int | None) -> float:
    text = f"{code}{container_id}{respool_time or ''}"
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) / _HASHES


def _flag(raw: Mapping[str, Any]) -> FeatureFlag:
    return FeatureFlag(
        key=raw["featureKey"],
        enabled=raw["environmentEnabled"],
        default_variation=raw["defaultVariationKey"],
        variations={
            one["key"]: {variable["key"]: _value(variable) for variable in one.get("variables") or ()}
            for one in raw["variations"]
        },
        rules=tuple(_rule(one) for one in raw.get("rules") or ()),
    )


def _rule(raw: Mapping[str, Any]) -> Rule:
    return Rule(
        id=raw["id"],
        kind=raw["type"],
        exposition=float(raw["exposition"]),
        experiment_id=raw.get("experimentId") or 0,
        respool_time=raw.get("respoolTime"),
        for_segment=bool(raw.get("segmentId")),
        variations=tuple(
            (one["variationKey"], float(one["exposition"])) for one in raw.get("variationByExposition") or ()
        ),
    )


def _value(variable: Mapping[str, Any]) -> Any:
    value = variable["value"]
    return json.loads(value) if variable.get("type") == "JSON" and isinstance(value, str) else value
