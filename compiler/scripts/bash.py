"""The frame of bash scripts: header, functions of the lab, runtime of the kind, and the final call."""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from hashlib import sha256
from itertools import chain

from compiler import __version__, resources
from compiler.plan.needs import PACKAGES
from compiler.plan.plan import Plan
from compiler.scripts.quoting import quote


class Style(StrEnum):
    """`batch` feeds the commands of a namespace to one process; `plain` has one readable command per line."""

    BATCH = "batch"
    PLAIN = "plain"


PARTS = {
    "up": "claim prelude ending processes up load visitor batch routes ports",
    "down": "claim prelude down",
    "check": "output check visitor drift ending jobs pings transfer throughput",
    "bench": "output trial ending jobs transfer bench report",
    "play": "output claim trial ending play",
}
"""The files of `parts/` that make up the runtime of each kind of script."""


def script(
    start: Iterable[str], lab: Mapping[str, Iterable[str]], kind: str, call: Iterable[str]
) -> Iterator[str]:
    """The lines of a script.

    The body is one group command, so that bash runs nothing of a truncated script.
    """
    functions = chain.from_iterable(_function(name, lines) for name, lines in lab.items())
    own = chain(start, ("", THE_LAB) if lab else (), functions, ("",))
    shared = runtime(kind).splitlines(keepends=True)
    last = (THE_CALL, *call, "}")
    return chain((f"{line}\n" for line in own), shared, (f"{line}\n" for line in last))


def _function(name: str, lines: Iterable[str]) -> Iterator[str]:
    """A bash function with at least one command; a leading empty line is dropped."""
    found = iter(lines)
    first = next(found, ":") or next(found)
    yield from ("", f"{name}() {{", first)
    yield from found
    yield "}"


def ruled(title: str) -> str:
    """A comment line that heads a part of a script."""
    return f"# === {title} ".ljust(80, "=")


THE_LAB = ruled("the lab")
THE_CALL = ruled("the call")


@cache
def runtime(kind: str) -> str:
    """The lines that are the same in all scripts of a kind, except the call at the end."""
    title = ruled(f"the runtime of mpc {__version__}, for {kind}")
    return "\n".join([title, *chain.from_iterable(map(part, ("common", *PARTS[kind].split()))), "", ""])


@cache
def runtime_hash(kind: str) -> str:
    """The SHA-256 of `runtime`, as sha256sum(1) prints it."""
    return sha256(runtime(kind).encode()).hexdigest()


def head(plan: Plan, kind: str, what: str, usage: str, options: Iterable[str] = ()) -> Iterator[str]:
    """The first lines of a script: description, usage and options."""
    yield from opening(plan, what)
    yield f"# Runtime: sha256 {runtime_hash(kind)}"
    yield from (
        NEEDS_BASH,
        "{",
        "set -eEuo pipefail +o noglob +o posix",
        "shopt -u failglob nullglob nocasematch",
        "unset GLOBIGNORE",
        "export LC_ALL=C",
        "umask 022",
        "trap '' PIPE",
        "",
    )
    yield f"LAB='{plan.lab}'"
    yield from _text("USAGE", (f"usage: {usage}", f"{what}.", *(f"  {option}" for option in options)))


def opening(plan: Plan, what: str) -> Iterator[str]:
    """The very first lines, by which a script is recognised."""
    yield "#!/usr/bin/env bash"
    yield f"# {what}. Written by mpc {__version__} from {origin(plan)}:"
    yield "# do not edit, change the topology and compile it again. Nothing runs before all of this is read."


NEEDS_BASH = (
    '[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }'
)
"""A test for bash, ahead of syntax that other shells cannot parse."""


def origin(plan: Plan) -> str:
    return "standard input" if plan.source == "-" else plan.source


def is_of(script: bytes, lab: str) -> bool:
    """Whether a file is a complete script of a lab of this name."""
    told = re.match(_HEAD, script)
    return told is not None and told[1] == lab.encode() and script.endswith(b"\n}\n")


_HEAD = rb"""#!/usr/bin/env bash
# [A-Z][a-z ]+ the lab "([\w-]+)"[a-z ]*\. Written by mpc """


def about(plan: Plan) -> Iterator[str]:
    """Variables that the up script records, and that the down script compares with the record."""
    return _text("ABOUT", (f"source {origin(plan)}", f"plan {plan.digest}"))


def _text(name: str, lines: Iterable[str]) -> Iterator[str]:
    """Assigns lines of arbitrary text to a variable."""
    yield from (f"IFS= read -rd '' {name} <<'END' || true", *lines, "END")


def namespaces(plan: Plan) -> Iterator[str]:
    yield from ("NAMESPACES=(", *(f"  {quote(name)}" for name in plan.namespaces), ")")


@cache
def part(name: str) -> tuple[str, ...]:
    """The lines of a file of `parts/`, after an empty one."""
    return "", *resources.read(f"compiler/scripts/parts/{name}.bash").splitlines()


def need_tools(tools: Iterable[str]) -> Iterator[str]:
    return (f"need_tool {tool} {PACKAGES[tool]}" for tool in tools)
