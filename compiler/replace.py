"""Files that are replaced at once: a reader finds the old content or the new, also when a write fails."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

MOST_OF_A_NAME = 100
"""The most characters of a file's name in that of its temporary file; a file name has at most 255 bytes."""


def replace(path: Path, pieces: Iterable[bytes], mode: int) -> None:
    """Writes a file, with its permissions; raises OSError, and leaves the old file then."""
    from tempfile import NamedTemporaryFile

    prefix = f".{path.name[:MOST_OF_A_NAME]}."
    with NamedTemporaryFile(dir=path.parent, prefix=prefix, delete=False) as file:
        try:
            file.writelines(pieces)
            os.fchmod(file.fileno(), mode)
            file.flush()
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def rewrite(name: str, data: bytes) -> None:
    """Gives an existing file another content, and keeps its permissions and symbolic links to it.

    Raises OSError, also for a file that could be replaced only because its directory is writable.
    """
    path = Path(name).resolve()
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise OSError(0, "it is not a regular file")
    with path.open("r+b"):
        pass
    replace(path, [data], stat.S_IMODE(mode))
