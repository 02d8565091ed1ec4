"""Charts are drawn in a process of their own: what draws them is a browser's engine, which a limit on memory kills.

Guarantee: whatever becomes of that process, the report goes on without pictures; it ends with this one.
"""

import atexit
import functools
import json
import subprocess
import sys
import threading
from importlib.util import find_spec
from typing import Any, Final

VEGA_LITE: Final = "6.1"
LIVES: Final = 3
# A request and an answer are a line each. Nothing of ours is imported, and nothing from the current folder (-P).
_ARTIST: Final = """
import json, sys, vl_convert
for line in sys.stdin:
    name, arguments = json.loads(line)
    try:
        answer = getattr(vl_convert, name)(**arguments)
    except (ValueError, RuntimeError):
        answer = None
    print(json.dumps(answer), flush=True)
"""


def installed() -> bool:
    """Whether the extra `charts` is there."""
    return find_spec("vl_convert") is not None


def svg(spec: str) -> str | None:
    """A Vega-Lite specification drawn; None where it cannot be."""
    return _artist().ask("vegalite_to_svg", vl_spec=spec, vl_version=VEGA_LITE, allowed_base_urls=[])


def javascript() -> str | None:
    """The scripts that draw in a browser; None where they cannot be had."""
    return _artist().ask("javascript_bundle", vl_version=VEGA_LITE)


class _Artist:
    """The other process, begun when it is first asked; when it has died of `LIVES` charts it is not asked again."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._turn = threading.Lock()
        self._lives = LIVES if installed() and sys.executable else 0

    def ask(self, name: str, **arguments: Any) -> str | None:
        with self._turn:
            if not self._lives:
                return None
            try:
                answer = self._answer(json.dumps([name, arguments]))
            except (OSError, ValueError):
                answer = ""
            if not answer:
                self._lives -= 1
                self.close()
                return None
            found: str | None = json.loads(answer)
            return found

    def _answer(self, line: str) -> str:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _ARTIST], encoding="utf-8", start_new_session=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@functools.cache
def _artist() -> _Artist:
    artist = _Artist()
    atexit.register(artist.close)
    return artist
