"""A JSON text of any length, read value by value, in whatever layout: no more of it is in memory than one value."""

import codecs
import json
import re
from typing import Any, BinaryIO, Final

_CHUNK: Final = 1 << 20
_MOST: Final = 1 << 26  # characters of one value
_SPACE: Final = re.compile(r"[ \t\n\r]*")


class Damaged(ValueError):
    """Text that is no JSON, or ends before its end; `cut` tells the second."""

    def __init__(self, reason: str, *, cut: bool) -> None:
        super().__init__(reason)
        self.cut = cut


def _refuse_constant(name: str) -> Any:
    msg = f"{name} is no JSON"
    raise Damaged(msg, cut=False)


class Scanner:
    """The values of a long JSON text, one after the other, with the bytes at which each stands."""

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        self._byte = 3 if file.read(3) == codecs.BOM_UTF8 else 0  # of the next character
        file.seek(self._byte)
        self._file, self._text = file, codecs.getincrementaldecoder("utf-8")()
        self._decode = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode
        self._window, self._at, self._whole = "", 0, False

    def next(self) -> str:
        """The next character that is no space, which stays; "" at the end."""
        while True:
            end = _SPACE.match(self._window, self._at).end()  # type: ignore[union-attr]  # it always matches
            self._pass(end)
            if self._at < len(self._window) or self._whole:
                return self._window[self._at : self._at + 1]
            self._more()

    def skip(self, wanted: str) -> str:
        """The next character, which must be one of these and is passed over."""
        found = self.next()
        if not found or found not in wanted:
            msg = f"expected one of {' '.join(wanted)} at byte {self._byte}"
            raise Damaged(msg, cut=not found)
        self._pass(self._at + 1)
        return found

    def value(self) -> tuple[Any, int, int]:
        """The next value, its first byte and how many it has."""
        self.next()
        while True:
            try:
                found, end = self._decode(self._window, self._at)
                if end < len(self._window) or self._whole:
                    break
            except json.JSONDecodeError as error:
                near = error.pos >= len(self._window) - 12 or error.msg.startswith("Unterminated")
                if self._whole or not near:
                    msg = f"{error.msg} after byte {self._byte}"
                    raise Damaged(msg, cut=near) from error
            self._more()
        start = self._byte
        self._pass(end)
        return found, start, self._byte - start

    def _pass(self, end: int) -> None:
        passed = self._window[self._at : end]
        self._byte += len(passed) if passed.isascii() else len(passed.encode())
        self._at = end

    def _more(self) -> None:
        if len(self._window) - self._at > _MOST:
            msg = f"a value of more than {_MOST} characters after byte {self._byte}"
            raise Damaged(msg, cut=False)
        data = self._file.read(max(_CHUNK, len(self._window) - self._at))
        self._whole = not data
        self._window, self._at = self._window[self._at :] + self._text.decode(data, final=not data), 0
