"""A page in headless Chromium, driven over two pipes by the DevTools protocol: clicks, keys, screenshots."""

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

PROGRAM = which("chromium") or which("chromium-browser") or which("google-chrome")

LONGEST = 60
"""Seconds to wait for an answer."""

SIZE = 1280, 800


class Page:
    """A page of a browser that reads messages from `to` and answers on `back`."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back = to, back
        self._rest, self._count, self.session = b"", 0, ""
        self.faults: list[str] = []
        """What the page's script has thrown, and what it was refused."""

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a method of the protocol."""
        self._count += 1
        own = self._count
        message = {"id": own, "method": method, "params": params}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != own:
            self._note(answer)
        assert "error" not in answer, (method, answer)
        result: dict[str, Any] = answer["result"]
        return result

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._back, 2**16)
            assert piece, "the browser has ended"
            self._rest += piece
        one, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(one)
        return message

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
            self.faults.append(json.dumps(event["params"]))

    def open(self, path: Path) -> None:
        self.ask("Page.navigate", url=path.resolve().as_uri())
        self.wait("document.readyState === 'complete'")

    def value(self, script: str) -> Any:
        """The value of an expression of JavaScript."""
        found = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def text(self, id: str) -> str:
        found: str = self.value(f"document.getElementById({id!r}).textContent")
        return found

    def wait(self, script: str) -> None:
        end = time.monotonic() + LONGEST
        while not self.value(script):
            assert time.monotonic() < end, script
            time.sleep(0.02)

    def place(self, selector: str) -> tuple[float, float]:
        """The middle of the first element of a CSS selector, in the window."""
        script = (
            f"(box => [box.x + box.width / 2, box.y + box.height / 2])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        x, y = self.value(script)
        return x, y

    def mouse(self, kind: str, place: tuple[float, float], **more: Any) -> None:
        self.ask("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], **more)

    def hover(self, selector: str) -> None:
        self.mouse("mouseMoved", self.place(selector))

    def click(self, selector: str) -> None:
        place = self.place(selector)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.mouse(kind, place, button="left", clickCount=1)

    def drag(self, place: tuple[float, float], by: tuple[float, float]) -> None:
        end = place[0] + by[0], place[1] + by[1]
        self.mouse("mouseMoved", place)
        self.mouse("mousePressed", place, button="left", clickCount=1)
        self.mouse("mouseMoved", end, button="left")
        self.mouse("mouseReleased", end, button="left", clickCount=1)

    def type(self, text: str) -> None:
        self.ask("Input.insertText", text=text)

    def press(self, key: str) -> None:
        for kind in ("rawKeyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key)

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot")["data"]))


@contextmanager
def browser() -> Iterator[Page]:
    """A browser with an empty page, which ends with the block."""
    assert PROGRAM
    (own_in, to), (back, own_out) = os.pipe(), os.pipe()
    with TemporaryDirectory() as home:
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        flags += ["--remote-debugging-pipe", f"--user-data-dir={home}", f"--window-size={SIZE[0]},{SIZE[1]}"]
        # The browser reads from file descriptor 3 and writes to 4.
        shell = f'exec 200<&{own_in} 201>&{own_out} && exec "$@" 3<&200 4>&201 200<&- 201>&-'
        command = ["bash", "-c", shell, "browser", PROGRAM, *flags, "about:blank"]
        run = subprocess.Popen(
            command, pass_fds=(own_in, own_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(own_in)
        os.close(own_out)
        try:
            yield _page(Page(to, back))
        finally:
            os.close(to)
            os.close(back)
            run.terminate()
            run.wait()


def _page(page: Page) -> Page:
    target = page.ask("Target.createTarget", url="about:blank")["targetId"]
    page.session = page.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ("Page", "Runtime", "Log"):
        page.ask(f"{domain}.enable")
    page.ask(
        "Emulation.setDeviceMetricsOverride", width=SIZE[0], height=SIZE[1], deviceScaleFactor=1, mobile=False
    )
    return page
