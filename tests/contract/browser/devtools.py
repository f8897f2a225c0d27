"""A real browser without a screen, driven by its own protocol (https://chromedevtools.github.io/devtools-protocol/).

Messages go through a pair of pipes, so that nothing listens on the machine: JSON, each ended by a zero byte.
"""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["Browser", "Page"]

# Seconds for one answer: a cold browser on a busy machine takes its time.
WITHIN = 120.0
# No sandbox, since tests run as root in containers; what is opened are our own pages. The rest keeps it from calling home.
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--no-first-run", "--disable-quic", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--disable-extensions", "--no-default-browser-check", "--remote-debugging-pipe"),
)

Message = dict[str, Any]


class Browser:
    """One process of a browser, and what it says.

    Args:
        program: its path.
        profile: an empty folder.
        log: where its own messages go.
    """

    def __init__(self, program: str, profile: Path, log: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # The protocol is on 3 and 4, which may be taken here.
        script = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        command = [
            "bash",
            "-c",
            script,
            "bash",
            program,
            *_FLAGS,
            f"--user-data-dir={profile}",
            "about:blank",
        ]
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                command,
                pass_fds=(theirs_in, theirs_out),
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
            )
        os.close(theirs_in)
        os.close(theirs_out)
        self._log, self._number, self._rest = log, 0, b""
        self.events: list[Message] = []

    def call(self, method: str, session: str = "", **given: Any) -> Message:
        """Return the result of a method; events that come meanwhile are kept.

        Raises:
            AssertionError: it refuses, has ended, or says nothing.
        """
        self._number += 1
        message = {"id": self._number, "method": method, "params": given}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + WITHIN
        while (answer := self._next(end)).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: Message = answer["result"]
        return result

    def until(self, is_it: Callable[[Message], bool]) -> None:
        """Wait until an event has come for which it holds."""
        end, seen = time.monotonic() + WITHIN, 0
        while not any(map(is_it, self.events[seen:])):
            seen = len(self.events)
            self.events.append(self._next(end))

    def _next(self, end: float) -> Message:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], max(0.0, end - time.monotonic()))
            data = os.read(self._in, 1 << 20) if ready else b""
            assert data, f"the browser says nothing more:\n{self._log.read_text(errors='replace')[-2000:]}"
            self._rest += data
        first, _, self._rest = self._rest.partition(b"\0")
        found: Message = json.loads(first)
        return found

    def close(self) -> None:
        """End it."""
        try:
            os.write(self._out, json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
            self._process.wait(20)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait(20)
        finally:
            os.close(self._out)
            os.close(self._in)


class Page:
    """One tab, which looks at a file."""

    def __init__(self, browser: Browser, file: Path, width: int = 1280) -> None:
        self._browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(f"{domain}.enable")
        self.size(width)
        self.url = file.as_uri()
        self.call("Page.navigate", url=self.url)
        browser.until(lambda event: self._is_mine(event) and event["method"] == "Page.loadEventFired")

    def _is_mine(self, event: Message) -> bool:
        return event.get("sessionId") == self._session

    def call(self, method: str, **given: Any) -> Message:
        """Return the result of a method."""
        return self._browser.call(method, self._session, **given)

    def size(self, width: int, height: int = 800) -> None:
        """Make the window another size."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def scheme(self, name: str) -> None:
        """Prefer ``light`` or ``dark``."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key: ``Tab``, ``Enter``."""
        codes = {"Tab": (9, ""), "Enter": (13, "\r")}
        number, text = codes[key]
        more = {"key": key, "code": key, "windowsVirtualKeyCode": number}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", **more)

    def accessible(self) -> list[tuple[str, str]]:
        """Return role and name of all that a screen reader is told of, in its order."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [
            (one["role"]["value"], one.get("name", {}).get("value", ""))
            for one in nodes
            if not one.get("ignored")
        ]

    def events(self, *methods: str) -> list[Message]:
        """Return what has come of these events."""
        self.call("Runtime.evaluate", expression="0")  # whatever was said before its answer is there
        return [
            one["params"]
            for one in self._browser.events
            if self._is_mine(one) and one.get("method") in methods
        ]

    def picture(self, file: Path, height: int) -> None:
        """Write what is seen from the top."""
        width = self.evaluate("innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        data = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)[
            "data"
        ]
        file.write_bytes(base64.b64decode(data))
