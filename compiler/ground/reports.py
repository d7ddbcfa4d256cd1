"""Diagnostics in the forms that other programs read: those of forges, of editors, and plain JSON."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from posixpath import normpath

from compiler.ground.diagnostics import Diagnostic, Severity, diagnostic_as_json, visible
from compiler.ground.sarif import sarif_log


def as_json(found: Sequence[Diagnostic]) -> str:
    return _dumped([diagnostic_as_json(one) for one in found])


def as_sarif(found: Sequence[Diagnostic]) -> str:
    """A log of the Static Analysis Results Interchange Format, version 2.1.0 (OASIS)."""
    return _dumped(sarif_log(found, fingerprints(found)))


GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
"""The workflow commands of GitHub Actions that annotate a line."""


def as_github(found: Sequence[Diagnostic]) -> str:
    """Workflow commands of GitHub Actions, a line each."""
    return "".join(f"{_command(one)}\n" for one in found)


def _command(found: Diagnostic) -> str:
    source, start, end, _ = found.span
    (line, column), (end_line, end_column) = source.position(start), source.position(end)
    place = {"file": visible(source.name), "line": line, "endLine": end_line, "title": f"mpc {found.code}"}
    if end_line == line:  # columns are for one line only
        place |= {"col": column, "endColumn": end_column}
    properties = ",".join(f"{name}={_escaped(str(value), '%:,')}" for name, value in place.items())
    help = [f"help: {visible(found.help)}"] if found.help else []
    message = "\n".join([visible(found.message), *help])
    return f"::{GITHUB[found.severity]} {properties}::{_escaped(message, '%')}"


def _escaped(text: str, signs: str) -> str:
    """A text with some signs and line ends as `%` and two hexadecimal digits."""
    return "".join(f"%{ord(char):02X}" if char in f"{signs}\r\n" else char for char in text)


GITLAB = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.NOTE: "info"}
"""The severities of Code Quality reports of GitLab."""


def as_gitlab(found: Sequence[Diagnostic]) -> str:
    """A Code Quality report of GitLab."""
    return _dumped(
        [
            {
                "description": visible(one.message),
                "check_name": one.code,
                "fingerprint": fingerprint,
                "severity": GITLAB[one.severity],
                "location": {
                    "path": normpath(one.span.source.name),
                    "lines": {"begin": one.span.source.position(one.span.start)[0]},
                },
            }
            for one, fingerprint in zip(found, fingerprints(found), strict=True)
        ]
    )


def as_gcc(found: Sequence[Diagnostic]) -> str:
    """Lines as gcc(1) writes them, which editors and many other programs read."""
    return "".join(f"{line}\n" for one in found for line in _as_gcc(one))


def _as_gcc(found: Diagnostic) -> Iterator[str]:
    name = visible(found.span.source.name)
    line, column = found.span.source.position(found.span.start)
    yield f"{name}:{line}:{column}: {found.severity}: {visible(found.message)} [{found.code}]"
    for note in found.all_notes:
        line, column = note.span.source.position(note.span.start)
        yield f"{visible(note.span.source.name)}:{line}:{column}: note: {visible(note.message)}"


FORMS: dict[str, Callable[[Sequence[Diagnostic]], str]] = {
    "json": as_json,
    "sarif": as_sarif,
    "github": as_github,
    "gitlab": as_gitlab,
    "gcc": as_gcc,
}
"""The text of diagnostics, by the name of its form."""


def fingerprints(found: Sequence[Diagnostic]) -> list[str]:
    """A hash of each diagnostic, which stays the same where its line moves or is formatted otherwise.

    It is of the code, the file, the words of the line and those of the span. Of diagnostics that share these,
    the number in order is part of the hash.
    """
    times: Counter[str] = Counter()
    hashes = []
    for one in found:
        source, start, end, _ = one.span
        line = source.line(source.position(start)[0])
        words = (one.code, normpath(source.name), *map(_words, (line, source.text[start:end])))
        key = "\0".join(words)
        hashes.append(f"{key}\0{times[key]}".encode(errors="surrogatepass"))
        times[key] += 1
    return [sha256(data).hexdigest()[:32] for data in hashes]


def _words(text: str) -> str:
    """A text without spaces."""
    return "".join(text.split())


def _dumped(data: object) -> str:
    return json.dumps(data, indent=2) + "\n"
