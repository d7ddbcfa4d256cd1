"""The files that `use` reads: the standard topologies, and those in the lab's directory and below.

A lab may come from a stranger, so it can read no other file of the machine: no absolute path, no device, and
nothing outside of its directory by `..` or a symbolic link, except in directories that the user gives with
`-I`.
"""

import os
import stat
from collections.abc import Iterable
from pathlib import Path, PurePath

from compiler import resources
from compiler.ground.diagnostics import suggest
from compiler.language.files import LARGEST, Place, UseError

STANDARD = "grammar/std"


class Library:
    """Finds and reads files for the lab `root` (a path, or `-`); `folders` are the directories of `-I`."""

    def __init__(self, root: str, folders: Iterable[str] = ()) -> None:
        self.key = str(_resolved(Path(root)) or root)
        self.folders = [Path(folder).resolve() for folder in folders]
        self.bounds = [Path(self.key).parent, *self.folders]
        self.names = {self.key: root}

    def locate(self, using: str, path: str, *, quoted: bool) -> Place:
        """The file that a path means in another file: of the library, beside that file, or below `-I`."""
        if not quoted:
            return self._standard(path)
        if PurePath(path).is_absolute():
            raise UseError(f"`{path}` is an absolute path", "write it as seen from this file")
        if using not in self.names:
            raise UseError("a file of the library uses no files but the library's", "write `use std/NAME`")
        folders = [(Path(using).parent, PurePath(self.names[using]).parent)]
        folders += [(folder, PurePath(folder)) for folder in self.folders]
        found = [(_resolved(folder / path), str(name / path)) for folder, name in folders]
        inside = [(place, name) for place, name in found if place and self._is_allowed(place)]
        if not inside:
            raise UseError(f"`{path}` leads out of the lab's folder", "allow its folder with `-I DIR`")
        for place, name in inside:
            if place.exists() or str(place) == self.key:
                self.names.setdefault(str(place), name)
                return Place(name, str(place))
        help = "paths are as seen from this file, or from a folder of `-I`"
        raise UseError(f"there is no file `{path}`", help)

    def _standard(self, path: str) -> Place:
        known = [f"std/{name}" for name in resources.names(STANDARD, ".topo")]
        if path not in known:
            quoted = f'did you mean `"{path}"`?' if path.endswith(".topo") else ""
            near = quoted or suggest(path, known) or suggest(f"std/{path}", known)
            help = near or f"the library has {', '.join(known)}; other files stand in quotes"
            raise UseError(f"the library has no `{path}`", help)
        return Place(f"{path}.topo", path)

    def _is_allowed(self, path: Path) -> bool:
        return any(path.is_relative_to(bound) for bound in self.bounds)

    def read(self, place: Place) -> bytes:
        """The content of a located file."""
        if place.key not in self.names:
            return resources.read(f"{STANDARD}/{place.name.removeprefix('std/')}").encode()
        try:
            data = _read_regular(place.key)
        except OSError as error:
            raise UseError(f"`{place.name}` cannot be read: {error.strerror}", "") from error
        if len(data) > LARGEST:
            raise UseError(f"`{place.name}` is larger than 2 MiB, which no topology is", "")
        return data


def _resolved(path: Path) -> Path | None:
    """A path without symbolic links and dots; None if it is invalid."""
    try:
        found = path.resolve()
        found.exists()
    except (OSError, RuntimeError, ValueError):  # too long, a loop of symbolic links, a NUL
        return None
    return found


def _read_regular(path: str) -> bytes:
    """The bytes of a regular file; others could block or have effects when opened."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(0, "it is not a regular file")
        return file.read(LARGEST + 1)
