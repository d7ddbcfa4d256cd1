"""Files of a revision of git, written `REV:path` as in gitrevisions(7).

A path that begins with `./` or `../` is as seen from the current directory, any other one from the top of the
repository. The files that a lab uses are those of the same revision.
"""

import posixpath
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePath

from compiler.language.files import LARGEST, Place, UseError
from compiler.library import Library


class RevisionError(Exception):
    """A file of a revision that cannot be read; the argument says why."""


def is_revision(name: str) -> bool:
    """Whether a name is `REV:path`, and not the name of a file that is there."""
    return ":" in name and not Path(name).exists()


class Revision(Library):
    """Finds and reads the files of a lab `root`, which is `REV:path`; those of `-I` are as on disk."""

    def __init__(self, root: str, folders: Iterable[str] = ()) -> None:
        super().__init__("-", folders)
        self.key = root
        self.bounds = self.folders
        self.names = {root: root}
        self.revision, self.top = _split(root)
        self._found: dict[str, bytes | None] = {}

    def content(self, name: str) -> bytes | None:
        """The first LARGEST bytes of a file, and one more; None if there is none. Raises RevisionError if git
        cannot be run."""
        if name not in self._found:
            self._found[name] = _content(name)
        return self._found[name]

    def locate(self, using: str, path: str, *, quoted: bool) -> Place:
        if not quoted or PurePath(path).is_absolute() or not using.startswith(f"{self.revision}:"):
            return super().locate(using, path, quoted=quoted)
        name = self._beside(using, path)
        if name is not None and self.content(name) is not None:
            self.names.setdefault(name, name)
            return Place(name, name)
        if self.folders:
            return super().locate(using, path, quoted=True)
        if name is None:
            raise UseError(f"`{path}` leads out of the lab's folder", "allow its folder with `-I DIR`")
        raise UseError(f"there is no file `{path}` in {self.revision or 'the index'}", "was it added there?")

    def read(self, place: Place) -> bytes:
        if (found := self._found.get(place.key)) is None:
            return super().read(place)
        if len(found) > LARGEST:
            raise UseError(f"`{place.name}` is larger than 2 MiB, which no topology is", "")
        return found

    def _beside(self, using: str, path: str) -> str | None:
        """The name of a file beside another one; None if it is not below the folder of the lab."""
        start = "./" if self.top.startswith(("./", "../")) else ""
        folder = posixpath.normpath(posixpath.dirname(self.top))
        found = posixpath.normpath(posixpath.join(posixpath.dirname(_split(using)[1]), path))
        below = posixpath.relpath(found, folder)
        return None if below.startswith("..") else f"{self.revision}:{start}{found}"


def _split(name: str) -> tuple[str, str]:
    """The revision and the path, at the first colon that is not within braces."""
    depth = 0
    for place, char in enumerate(name):
        depth += (char == "{") - (char == "}")
        if char == ":" and depth <= 0:
            return name[:place], name[place + 1 :]
    return name, ""


def _content(name: str) -> bytes | None:
    """The start of a file by its name, as git gives it, following symbolic links within the revision."""
    if "\n" in name:
        return None
    argv = ["git", "cat-file", "--batch", "--follow-symlinks"]
    pipe = subprocess.PIPE
    try:
        with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe) as git:
            assert git.stdin and git.stdout and git.stderr
            with suppress(BrokenPipeError):  # git has ended, and says why
                git.stdin.write(name.encode("utf-8", "surrogateescape") + b"\n")
                git.stdin.close()
            words = git.stdout.readline().split()
            is_file = words[1:2] == [b"blob"]
            found = git.stdout.read(min(int(words[2]), LARGEST + 1)) if is_file else None
            git.kill()
            said = git.stderr.read().decode("utf-8", "replace").strip().splitlines()
    except OSError as error:
        raise RevisionError(f"git cannot be run: {error.strerror}") from error
    if not words:
        raise RevisionError(said[-1] if said else "git says nothing")
    return found
