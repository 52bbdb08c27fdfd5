"""A file that is being read: strict UTF-8 text, and faults that name it. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_ailoop.errors import DatasetError
from pytest_ailoop.frozen import dataclass

__all__ = ["Source"]

_MARKS = (
    (b"\xef\xbb\xbf", "starts with a byte order mark (BOM); save it as UTF-8 without BOM"),
    (b"\xff\xfe", "is UTF-16 (or UTF-32), not UTF-8; save it as UTF-8"),
    (b"\xfe\xff", "is UTF-16, not UTF-8; save it as UTF-8"),
    (b"\0\0\xfe\xff", "is UTF-32, not UTF-8; save it as UTF-8"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One file, or one case folder, of a data set."""

    path: Path
    shown: str
    """The path as messages name it: relative to the root folder, with `/`."""
    within: Path | None = None
    """For a case folder: the folder that links inside it must not lead out of."""

    def fault(
        self,
        problem: str,
        line: int | None = None,
        *,
        field: str | None = None,
        case_id: str | None = None,
    ) -> DatasetError:
        """Return the error that says *problem* about this file."""
        return DatasetError(problem, path=self.shown, line=line, field=field, case_id=case_id)

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield (number, line without its end); `\\n` and `\\r\\n` end lines alike.

        Raises `DatasetError` for bytes that are not plain UTF-8 text, NUL, and a lone `\\r`.
        """
        offset = 0
        try:
            with self.path.open("rb") as stream:
                for number, raw in enumerate(stream, 1):
                    if number == 1:
                        self._refuse_marks(raw)
                    line = self._decode(raw, number, offset)
                    offset += len(raw)
                    if "\r" in line:
                        line = self._without_return(line, number)
                    yield number, line.removesuffix("\n")
        except OSError as error:
            raise self._unreadable(error) from error

    def text(self, *, lone_returns: bool = False) -> str:
        """Return the whole file, `\\r\\n` as `\\n`: a checkout on Windows changes no digest.

        Raises as `lines` does; *lone_returns* lets `\\r` stand (it may be content).
        """
        try:
            raw = self.path.read_bytes()
        except OSError as error:
            raise self._unreadable(error) from error
        self._refuse_marks(raw)
        found = self._decode(raw, 1, 0).replace("\r\n", "\n")
        at = -1 if lone_returns else found.find("\r")
        if at >= 0:
            raise self._lone_return(found.count("\n", 0, at) + 1)
        return found

    def _refuse_marks(self, raw: bytes) -> None:
        for mark, problem in _MARKS:
            if raw.startswith(mark):
                raise self.fault(f"the file {problem}", 1)
        if len(raw) > 1 and (raw[0] == 0) != (raw[1] == 0):
            raise self.fault("the file looks like UTF-16 without a mark; save it as UTF-8", 1)

    def _decode(self, raw: bytes, line: int, offset: int) -> str:
        try:
            found = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            line += raw.count(b"\n", 0, error.start)
            raise self.fault(
                f"byte 0x{raw[error.start]:02x} at offset {offset + error.start} is not UTF-8;"
                " the file may be Latin-1 or Windows-1252: save it as UTF-8"
                f" (iconv -f WINDOWS-1252 -t UTF-8 {self.path.name})",
                line,
            ) from None
        at = found.find("\0")
        if at >= 0:
            at = len(found[:at].encode())
            line += raw.count(b"\n", 0, at)
            raise self.fault(f"a NUL byte at offset {offset + at}; remove it", line)
        return found

    def _without_return(self, line: str, number: int) -> str:
        line = line.replace("\r\n", "\n")
        if "\r" in line:
            raise self._lone_return(number)
        return line

    def _lone_return(self, line: int) -> DatasetError:
        return self.fault("a lone carriage return; end lines with \\n or \\r\\n", line)

    def _unreadable(self, error: OSError) -> DatasetError:
        return self.fault(f"cannot be read: {error.strerror or type(error).__name__}")
