"""Diagnostics as a log of SARIF 2.1.0, the Static Analysis Results Interchange Format (OASIS).

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import re
from collections.abc import Sequence
from posixpath import normpath
from urllib.parse import quote

from compiler import __version__
from compiler.ground.codes import EXPLANATIONS
from compiler.ground.diagnostics import Diagnostic, Severity, visible
from compiler.ground.source import Span

LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}

_PLACEHOLDER = re.compile(r"\{(\d+)\}")
"""What stands for an argument in a message (3.11.5); without a meaning with its braces doubled."""

_LINK = re.compile(r"\[(?=[^\[\]]*\]\()")
"""The start of an embedded link in a message (3.11.6); without a meaning behind a backslash."""


def sarif_log(found: Sequence[Diagnostic], fingerprints: Sequence[str]) -> dict[str, object]:
    """The log of one run. `occurrenceCount` is how often loops and uses repeat a result."""
    codes = sorted({one.code for one in found})
    results = [
        _result(one, codes.index(one.code), fingerprint)
        for one, fingerprint in zip(found, fingerprints, strict=True)
    ]
    driver = {"name": "mpc", "version": __version__, "rules": [_rule(code) for code in codes]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
    return {"$schema": schema, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, object]:
    title, _, _ = EXPLANATIONS[code].partition("\n")
    return {
        "id": code,
        "shortDescription": {"text": _plain(title)},
        "help": {"text": _plain(EXPLANATIONS[code])},
    }


def _result(found: Diagnostic, rule: int, fingerprint: str) -> dict[str, object]:
    said = [found.message, *([f"help: {found.help}"] if found.help else [])]
    notes = [_location(note.span, note.message) for note in found.all_notes]
    return {
        "ruleId": found.code,
        "ruleIndex": rule,
        "level": LEVELS[found.severity],
        "message": _message("; ".join(said)),
        "locations": [_location(found.span, found.label)],
        **({"relatedLocations": notes} if notes else {}),
        "partialFingerprints": {"mpc/v1": fingerprint},
        "occurrenceCount": found.more + 1,
    }


def _location(span: Span, message: str) -> dict[str, object]:
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    place: dict[str, object] = {
        "artifactLocation": {"uri": _uri(span.source.name)},
        "region": {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column},
    }
    return {"physicalLocation": place, **({"message": _message(message)} if message else {})}


def _message(text: str) -> dict[str, str]:
    """A message that shows a text as it is."""
    return {"text": _plain(visible(text))}


def _plain(text: str) -> str:
    return _LINK.sub(r"\\[", _PLACEHOLDER.sub(r"{{\1}}", text))


def _uri(name: str) -> str:
    """A file name as a reference: relative where the name is."""
    path = quote(normpath(name).encode(errors="surrogateescape"))
    return f"file://{path}" if name.startswith("/") else path
