r"""Standard streams with the same bytes on every machine, and with an error message where they fail.

Python takes their encoding from the environment, sets a closed stream to None, and reports a failed write to
whichever code writes next. Here text is UTF-8 with `\n`, the use of a closed stream fails as in C programs,
and a failure is one message and an exit status.
"""

import errno
import io
import os
import sys
from select import select
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

CANNOT, READER_IS_GONE = 2, 141
"""Exit statuses if output cannot be written: in general, and for SIGPIPE as shells give it."""


class CannotWriteError(click.ClickException):
    """Standard output cannot be written."""

    exit_code = CANNOT

    def __init__(self, error: OSError) -> None:
        super().__init__(f"cannot write standard output: {error.strerror}")

    def show(self, file: object = None) -> None:
        del file
        click.echo(f"mpc: {self.message}", err=True)


class _Output(io.FileIO):
    """Standard output: the first failing write ends the command, and later writes do nothing."""

    failed = False

    def write(self, data: "ReadableBuffer", /) -> int:
        while not self.failed:
            try:
                return os.write(self.fileno(), data)
            except BlockingIOError:  # another process that shares the stream has made it non-blocking
                select([], [self], [])
            except OSError as error:
                self.failed = True
                if error.errno == errno.EPIPE:
                    raise click.exceptions.Exit(READER_IS_GONE) from None
                raise CannotWriteError(error) from None
        return memoryview(data).nbytes


class _Messages(io.FileIO):
    """Standard error: if it cannot be written, the failure is ignored, as it cannot be reported."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return os.write(self.fileno(), data)
        except OSError:
            return memoryview(data).nbytes


def prepare() -> None:
    """Replaces the streams of this process, except those that have been replaced already."""
    if sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__:
        return
    _run_in_utf8()
    if sys.stdin is None:
        _open_null(0, os.O_WRONLY)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stdout is None:
        _open_null(1, os.O_RDONLY)
    if sys.stderr is None:
        _open_null(2, os.O_RDONLY)
    sys.stdout = _text(_Output(1, "w", closefd=False), "strict")
    sys.stderr = _text(_Messages(2, "w", closefd=False), "backslashreplace", lines=True)


def _open_null(place: int, wrong: int) -> None:
    """Opens a file in the place of a closed stream whose use fails, so that no other file gets its number."""
    found = os.open(os.devnull, wrong)
    if found != place:
        os.dup2(found, place)
        os.close(found)


def _text(raw: io.FileIO, errors: str, *, lines: bool = False) -> io.TextIOWrapper:
    buffer = io.BufferedWriter(raw)
    return io.TextIOWrapper(buffer, "utf-8", errors, newline="\n", line_buffering=lines)


def _run_in_utf8() -> None:
    """Restarts Python in UTF-8 mode if arguments and file names are decoded otherwise.

    That depends on the locale, and is fixed when Python starts.
    """
    if sys.getfilesystemencoding() != "utf-8":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
