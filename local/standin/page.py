"""The stand-in's page: what it holds and what it received, for people. No scripts; it reloads itself."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from html import escape
from string import Template
from typing import Any

import orjson

from local.standin.instruction import Instruction, describe_types
from local.standin.service import Section, Service
from local.standin.store import Received

_BODY_SHOWN = 600

_PAGE = Template(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="5">
<!-- Else the browser asks the service for one, which would be listed and use up a fault. -->
<link rel="icon" href="data:,">
<title>$title</title>
<style>
  :root { color-scheme: light dark; font: 14px/1.45 system-ui, sans-serif; }
  body { margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
  h1 { font-size: 1.4rem; margin: 0 0 .25rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
  table { border-collapse: collapse; width: 100%; }
  th, td { border-bottom: 1px solid color-mix(in srgb, currentColor 18%, transparent); padding: .3rem .6rem .3rem 0;
           text-align: left; vertical-align: top; }
  th { font-weight: 600; } td { overflow-wrap: anywhere; }
  code { font: 12px/1.4 ui-monospace, monospace; }
  .quiet { opacity: .65; } .bad { color: #c0392b; } .fields { white-space: nowrap; }
</style>
</head>
<body>
<h1>$title</h1>
<p class="quiet">Time here: $now. Documents: $counts. As JSON: <a href="/_received">/_received</a>,
<a href="/_control">/_control</a>. What it can be told: <a href="#controls">below</a>.</p>
$sections
<h2>Received</h2>
<p class="quiet">The last $shown requests, the newest first.</p>
<table>
<thead><tr><th>#</th><th>Time</th><th>Request</th><th>Key</th><th>Answer</th><th>Body</th></tr></thead>
<tbody>
$received
</tbody>
</table>
<h2 id="controls">Controls</h2>
<p class="quiet">A field may be left out where a default makes sense. Wrong input is refused with a sentence.</p>
<table>
<thead><tr><th>What for</th><th>Fields</th><th>For example</th></tr></thead>
<tbody>
$controls
</tbody>
</table>
</body>
</html>
"""
)


def render_page(
    service: Service, received: Sequence[Received], instructions: Mapping[str, Instruction], *, address: str
) -> str:
    """The page as HTML; `address` is where it is, for the commands that it shows."""
    counts = ", ".join(f"{number} {kind}" for kind, number in service.store.counts().items()) or "none"
    return _PAGE.substitute(
        title=escape(f"{service.title} stand-in"),
        now=escape(service.clock.now().isoformat(timespec="seconds")),
        counts=escape(counts),
        sections="\n".join(_section(section) for section in service.sections()),
        shown=len(received),
        received="\n".join(_request(one) for one in received),
        controls="\n".join(_control(f"{address}/_control/{name}", one) for name, one in instructions.items()),
    )


def _section(section: Section) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in section.columns)
    rows = "\n".join("<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>" for row in section.rows)
    note = f'<p class="quiet">{escape(section.note)}</p>' if section.note else ""
    return (
        f"<h2>{escape(section.title)}</h2>{note}<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>"
    )


def _control(url: str, instruction: Instruction) -> str:
    fields = "<br>".join(
        f"<code>{escape(field)}</code> {escape(describe_types(types))}" for field, types in instruction.fields.items()
    )
    body = shlex.quote(orjson.dumps(instruction.example).decode())
    return (
        f'<tr><td>{escape(instruction.about)}</td><td class="fields">{fields}</td>'
        f"<td><code>curl -X POST {escape(url)} -d {escape(body)}</code></td></tr>"
    )


def _request(one: Received) -> str:
    target = one.path + (f"?{one.query}" if one.query else "")
    answer = "connection dropped" if one.status is None else str(one.status)
    if one.replayed:
        answer += ", from memory"
    if one.fault:
        answer += f" ({one.fault})"
    kind = "bad" if one.status is None or one.status >= 400 else ""
    body = one.body or ""
    if len(body) > _BODY_SHOWN:
        body = body[:_BODY_SHOWN] + "…"
    return (
        f"<tr><td>{one.seq}</td><td>{escape(one.at)}</td><td>{escape(one.method)} <code>{escape(target)}</code></td>"
        f'<td><code>{escape(one.idempotency_key or "")}</code></td><td class="{kind}">{escape(answer)}</td>'
        f"<td><code>{escape(body)}</code></td></tr>"
    )


def _cell(value: Any) -> str:
    return "" if value is None else escape(str(value))
