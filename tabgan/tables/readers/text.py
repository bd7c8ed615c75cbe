"""Files of text as UTF-8, in whatever character set they were saved."""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from tabgan.errors import TabganError
from tabgan.tables.readers.opening import open_bytes

log = logging.getLogger(__name__)

UTF8 = "utf-8"
WINDOWS = "tabgan.windows"  # how bytes that are not UTF-8 are decoded: as Windows-1252
MARKS = (  # of which the third begins as the last does
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
)
HEAD = 1 << 16  # bytes that say whether a file is of UTF-16
BLOCK = 1 << 20

# 128 to 159 are control characters in Latin-1; Windows has put letters and signs in most places
_WINDOWS = {
    code: text
    for code in range(0x80, 0xA0)
    if (text := bytes([code]).decode("cp1252", errors="replace")) != "\N{REPLACEMENT CHARACTER}"
}

_LINE_END = re.compile(rb"\n|\r\n|\r(?=[^\n])")  # CR at the end may be half of one

T = TypeVar("T")


def windows_text(content: bytes) -> str:
    """Bytes as Windows-1252; the five that it leaves out are control characters, as in Latin-1."""
    return content.decode("latin-1").translate(_WINDOWS)


def _decode_windows(error: UnicodeError) -> tuple[str, int]:
    """The bytes that are no UTF-8, of which a file may have one or many."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return windows_text(error.object[error.start : error.end]), error.end


codecs.register_error(WINDOWS, _decode_windows)


class TextStream:
    """The bytes of a file in UTF-8, without a byte order mark.

    Raises:
        UnicodeDecodeError: while it is read, when the bytes are not of the encoding.
    """

    def __init__(self, raw: BinaryIO, encoding: str, errors: str = "strict") -> None:
        self._raw, self._ended = raw, False
        self._is_utf8 = encoding == UTF8 and errors == "strict"
        self._decoder = codecs.getincrementaldecoder(encoding)(errors)
        self._rest = self._block().removeprefix(codecs.BOM_UTF8)

    def read(self, size: int = -1) -> bytes:
        """The next ``size`` bytes, or what is left."""
        parts, length = [self._rest], len(self._rest)
        while (size < 0 or length < size) and not self._ended:
            parts.append(self._block())
            length += len(parts[-1])
        content = b"".join(parts)
        end = len(content) if size < 0 else size
        self._rest = content[end:]
        return content[:end]

    def readline(self) -> bytes:
        """The next line with its end, LF, CR or both; nothing at the end of the file."""
        while (end := _LINE_END.search(self._rest)) is None and not self._ended:
            self._rest += self._block()
        position = len(self._rest) if end is None else end.end()
        line, self._rest = self._rest[:position], self._rest[position:]
        return line

    def _block(self) -> bytes:
        raw = self._raw.read(BLOCK)
        self._ended = not raw
        text = self._decoder.decode(raw, final=self._ended)
        return raw if self._is_utf8 else text.encode()


def read_text(path: Path, read: Callable[[TextStream], T]) -> T:
    """The result of ``read`` for a file; once more where not all of it is UTF-8.

    Raises:
        TabganError: when the file is absent, damaged, or not of the encoding that it is marked
            with.
    """
    encoding = _marked(path)
    try:
        with open_bytes(path) as raw:
            return read(TextStream(raw, encoding))
    except UnicodeDecodeError as error:
        _check_unmarked(path, encoding, error)
    _tell_windows(path)
    with open_bytes(path) as raw:
        return read(TextStream(raw, UTF8, WINDOWS))


@contextmanager
def open_text(path: Path) -> Iterator[TextStream]:
    """A file that is read piece by piece; it has been read through before to know its encoding.

    Raises:
        TabganError: as ``read_text``.
    """
    encoding, errors = _encoding_of(path)
    with open_bytes(path) as raw:
        yield TextStream(raw, encoding, errors)


def _encoding_of(path: Path) -> tuple[str, str]:
    """The encoding of a file, and what becomes of bytes that are not of it."""
    encoding = _marked(path)
    try:
        with open_bytes(path) as raw:
            decoder = codecs.getincrementaldecoder(encoding)()
            while block := raw.read(BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        _check_unmarked(path, encoding, error)
        return UTF8, WINDOWS
    return encoding, "strict"


def _marked(path: Path) -> str:
    """The encoding by a file's byte order mark, or by the zeros that UTF-16 writes; or UTF-8."""
    with open_bytes(path) as raw:
        head = raw.read(HEAD)
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return encoding
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 4 > len(head) and min(even, odd) * 4 < max(even, odd):
        return "utf-16-be" if even > odd else "utf-16-le"
    return UTF8


def _check_unmarked(path: Path, encoding: str, error: UnicodeDecodeError) -> None:
    if encoding != UTF8:
        raise TabganError(
            f"{path}: it begins as {encoding.upper()} and is not, from byte {error.start} of a "
            f"block on ({error.reason}); save it as UTF-8"
        ) from error


def _tell_windows(path: Path) -> None:
    log.warning(
        "%s: bytes that are not UTF-8; read as Windows-1252 (Western European); "
        "if letters are wrong, save it as UTF-8", path,
    )  # fmt: skip
