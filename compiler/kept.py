"""The cache folder of this user, whose files are written atomically."""

import os
from contextlib import suppress
from pathlib import Path
from time import time

KEPT = 90 * 24 * 3600
"""Seconds since a file's last write or touch after which it is removed."""


def folder() -> str | None:
    """The cache folder; None if there is none that only this user can write.

    Others must not write it, as its files determine how texts are parsed and which are not linted again.
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
    """Writes a file atomically; does nothing if it cannot be written."""
    unfinished = Path(f"{path}.{os.getpid()}")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()


def forget(folder: str, pattern: str) -> None:
    """Removes the files of a pattern that are older than KEPT by their mtime."""
    for path in Path(folder).glob(pattern):
        with suppress(OSError):  # another run may remove them too
            if time() - path.stat().st_mtime > KEPT:
                path.unlink()
