"""A tab of a real browser, driven over its own protocol: no package, no network, no download."""

import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

EXECUTABLE = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
]
PATIENCE = 60.0  # seconds for one answer; a machine may be busy
AXE = Path(os.environ.get("VARLAW_AXE", "node_modules/axe-core/axe.min.js"))


class Page:
    """One tab: `visit` a file, `evaluate` JavaScript; `events` keeps all that the browser reported meanwhile."""

    def __init__(self, profile: Path, *, width: int = 1280, height: int = 900) -> None:
        assert EXECUTABLE is not None
        self.events: list[dict[str, Any]] = []
        self._last, self._buffer = 0, b""
        reading, self._out = os.pipe()
        self._in, writing = os.pipe()
        size = f"--window-size={width},{height}"
        command = [EXECUTABLE, *FLAGS, size, f"--user-data-dir={profile}", "about:blank"]
        # The protocol fixes descriptors 3 and 4, which a shell redirects without a fork in Python.
        wrapped = ["bash", "-c", f'exec "$@" 3<&{reading} 4>&{writing}', "chromium", *command]
        self._process = subprocess.Popen(
            wrapped, pass_fds=(reading, writing), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(reading)
        os.close(writing)
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    _session: str | None = None

    def __enter__(self) -> "Page":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._out)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to one command."""
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (found := self._next()).get("id") != self._last:
            self.events.append(found)
        if "error" in found:
            msg = f"{method}: {found['error']}"
            raise RuntimeError(msg)
        result: dict[str, Any] = found["result"]
        return result

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))[0]:
                msg = "the browser does not answer"
                raise TimeoutError(msg)
            received = os.read(self._in, 1 << 20)
            if not received:
                msg = "the browser is gone"
                raise RuntimeError(msg)
            self._buffer += received
        message, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def visit(self, path: Path) -> None:
        """Open a file and wait until its script says that it is ready."""
        self.send("Page.navigate", url=path.resolve().as_uri())
        self.wait("document.readyState === 'complete'")

    def wait(self, condition: str) -> None:
        """Wait until a JavaScript condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not self._holds(condition):
            if time.monotonic() > deadline:
                msg = f"{condition}, but at {self.evaluate('location.href')}"
                raise TimeoutError(msg)
            time.sleep(0.02)

    def _holds(self, condition: str) -> bool:
        try:
            return bool(self.evaluate(condition))
        except RuntimeError as error:
            if "navigated" not in str(error):
                raise
            return False  # the page is being left

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, as JSON; promises are awaited."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            msg = f"{expression}: {answer['exceptionDetails']}"
            raise RuntimeError(msg)
        return answer["result"].get("value")

    def named(self, *methods: str) -> list[dict[str, Any]]:
        """The parameters of the events of some kinds, so far."""
        return [event["params"] for event in self.events if event.get("method") in methods]


def violations(page: Page) -> list[list[str]]:
    """What axe-core finds wrong with a page: the rule and the elements."""
    page.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    found: list[list[str]] = page.evaluate(
        "axe.run().then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.html)]))"
    )
    return found
