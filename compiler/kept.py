"""What is kept between runs: a folder of this user's own, in which each file is whole or not there."""

import os
from contextlib import suppress
from pathlib import Path
from time import time

KEPT = 90 * 24 * 3600
"""Seconds for which a file is kept that nobody has asked for, or written anew."""


def folder() -> str | None:
    """The folder; None where there is none that this user alone can write.

    What is read from it decides what text means and what is not checked again, so nobody else may write it.
    """
    try:
        path = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser(), "mpc")
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
    except (OSError, RuntimeError):  # a folder that cannot be made, a user without a home
        return None
    own = status.st_uid == os.geteuid() and not status.st_mode & 0o022
    return str(path) if own else None


def write(path: str, data: bytes) -> None:
    """Writes a file whole, or, where it cannot be written, not at all."""
    unfinished = Path(f"{path}.{os.getpid()}")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()


def forget(folder: str, pattern: str) -> None:
    """Takes away what has been kept for long, of the files of a pattern."""
    for path in Path(folder).glob(pattern):
        with suppress(OSError):  # another run may do the same
            if time() - path.stat().st_mtime > KEPT:
                path.unlink()
