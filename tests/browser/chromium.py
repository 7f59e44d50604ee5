"""Headless Chromium, driven over the DevTools protocol by the few commands that our tests need.

https://chromedevtools.github.io/devtools-protocol/
"""

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect

#: How long a page may take to become what a test waits for.
PATIENCE_S = 20.0

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)


def find_chromium() -> str:
    """The browser's path; fails the test with what to install when there is none."""
    for name in _NAMES:
        if found := shutil.which(name):
            return found
    raise AssertionError(f"no browser on the PATH ({', '.join(_NAMES)}); install one: apt-get install chromium")


@dataclass(slots=True)
class Page:
    """One tab, and all that went on in it."""

    socket: ClientConnection
    session: str
    #: Console messages of level warning or error, uncaught errors, and violations of the content security policy.
    problems: list[str] = field(default_factory=list)
    #: Addresses asked for, workers' included.
    requests: list[str] = field(default_factory=list)
    #: Scripts of the workers that were started.
    workers: list[str] = field(default_factory=list)
    _next_id: int = 1
    _answers: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)

    async def send(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """One command; raises AssertionError with the browser's words when it refuses."""
        number = self._next_id
        self._next_id += 1
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params, "sessionId": session or self.session}
        await self.socket.send(json.dumps({name: value for name, value in message.items() if value}))
        async with asyncio.timeout(PATIENCE_S):
            result = await answer
        assert "error" not in result, f"{method}: {result['error']}"
        found: dict[str, Any] = result["result"]
        return found

    async def listen(self) -> None:
        """Sort what the browser says until it is closed."""
        async for text in self.socket:
            message = json.loads(text)
            if "id" in message:
                self._answers.pop(message["id"]).set_result(message)
            else:
                await self._note(message["method"], message["params"])

    async def _note(self, method: str, params: dict[str, Any]) -> None:
        match method:
            case "Runtime.consoleAPICalled" if params["type"] in {"error", "warning", "assert"}:
                self.problems.append(" ".join(str(one.get("value", one.get("description"))) for one in params["args"]))
            case "Runtime.exceptionThrown":
                detail = params["exceptionDetails"]
                self.problems.append(str(detail.get("exception", detail).get("description", detail)))
            case "Log.entryAdded" if params["entry"]["level"] in {"error", "warning"}:
                self.problems.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Network.webSocketCreated":
                self.requests.append(params["url"])
            case "Target.attachedToTarget" if params["targetInfo"]["type"] == "worker":
                self.workers.append(params["targetInfo"]["url"])
                # Not awaited: its answer comes through the very loop that this runs in.
                for command in ("Runtime.enable", "Log.enable", "Network.enable"):
                    await self._send_unheard(command, params["sessionId"])

    async def _send_unheard(self, method: str, session: str) -> None:
        number = self._next_id
        self._next_id += 1
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps({"id": number, "method": method, "params": {}, "sessionId": session}))

    async def open(self, url: str) -> None:
        """Go there; returns before the page is ready."""
        await self.send("Page.navigate", url=url)

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, awaited when it is a promise."""
        answer = await self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, f"{expression}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    async def wait_for(self, expression: str) -> None:
        """Return as soon as the expression is truthy; one that throws is not yet."""
        asking = f"(() => {{ try {{ return Boolean({expression}) }} catch {{ return false }} }})()"
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not await self.evaluate(asking):  # noqa: ASYNC110 - no event tells "whatever a test waits for"
                    await asyncio.sleep(0.05)
        except TimeoutError:
            text = await self.evaluate("document.body.innerText")
            raise AssertionError(f"the page never got to {expression}; it shows:\n{text}\n{self.problems}") from None

    async def choose(self, label: str, value: str) -> None:
        """Choose an option of the select field with this label."""
        await self.wait_for(f"({_field(label)}).querySelector('option[value=\"{value}\"]') !== null")
        await self.evaluate(
            f"(() => {{ const field = {_field(label)}; field.value = {json.dumps(value)};"
            " field.dispatchEvent(new Event('change', { bubbles: true })); })()"
        )

    async def click(self, selector: str) -> None:
        """Click the element that a CSS selector finds."""
        await self.wait_for(f"document.querySelector({json.dumps(selector)}) !== null")
        await self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    async def fill(self, label: str, text: str) -> None:
        """Type into the field with this label."""
        await self.wait_for(f"({_field(label)}) !== undefined")
        await self.evaluate(f"({_field(label)}).focus()")
        await self.send("Input.insertText", text=text)


def _field(label: str) -> str:
    """JavaScript for the form field inside the label with this text."""
    return (
        f"[...document.querySelectorAll('label')].find(one => one.firstChild.textContent === {json.dumps(label)})"
        "?.querySelector('select, input')"
    )


@dataclass(slots=True)
class Browser:
    """A running browser."""

    address: str

    @classmethod
    @asynccontextmanager
    async def start(cls, program: str) -> AsyncIterator[Self]:
        """A browser with a profile of its own, gone afterwards."""
        options = list(_OPTIONS)
        if os.geteuid() == 0:
            # Chromium refuses its sandbox to root; what it opens here is our own.
            options.append("--no-sandbox")
        with tempfile.TemporaryDirectory(prefix="caregraph-browser-", ignore_cleanup_errors=True) as profile:
            process = await asyncio.create_subprocess_exec(
                program,
                *options,
                f"--user-data-dir={profile}",
                "about:blank",
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                yield cls(await _debugger_address(Path(profile)))
            finally:
                process.terminate()
                await process.wait()

    @asynccontextmanager
    async def page(self) -> AsyncIterator[Page]:
        """A new tab, watched from its first moment."""
        async with connect(self.address, max_size=None, proxy=None) as socket:
            page = Page(socket, session="")
            listening = asyncio.create_task(page.listen())
            try:
                target = await page.send("Target.createTarget", url="about:blank")
                attached = await page.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
                page.session = attached["sessionId"]
                for domain in ("Page", "Runtime", "Log", "Network"):
                    await page.send(f"{domain}.enable")
                await page.send("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True)
                yield page
            finally:
                listening.cancel()


async def _debugger_address(profile: Path) -> str:
    """Where the browser listens; it writes that into its profile."""
    file = profile / "DevToolsActivePort"
    async with asyncio.timeout(PATIENCE_S):
        while True:
            lines = file.read_text().split() if file.exists() else []
            if len(lines) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            await asyncio.sleep(0.05)
