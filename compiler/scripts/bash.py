"""What scripts of bash have in common: their first lines, the runtime of their kind, and its call."""

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
    """`batch` feeds a namespace's commands to one process; `plain` is a command a line, to read."""

    BATCH = "batch"
    PLAIN = "plain"


PARTS = {
    "up": "claim prelude ending processes up load visitor batch routes ports",
    "down": "claim prelude down",
    "check": "output check visitor drift ending jobs pings transfer throughput",
    "bench": "output trial ending jobs transfer bench report",
    "play": "output claim trial ending play",
}
"""What the runtime of each kind of script consists of."""


def script(
    start: Iterable[str], lab: Mapping[str, Iterable[str]], kind: str, call: Iterable[str]
) -> Iterator[str]:
    """A script: what it says of itself, functions of the lab, the runtime of its kind, and the call of all.

    Its body is one group command, so that bash runs nothing of one that is cut off.
    """
    functions = chain.from_iterable(_function(name, lines) for name, lines in lab.items())
    own = chain(start, ("", THE_LAB) if lab else (), functions, ("",))
    shared = runtime(kind).splitlines(keepends=True)
    last = (THE_CALL, *call, "}")
    return chain((f"{line}\n" for line in own), shared, (f"{line}\n" for line in last))


def _function(name: str, lines: Iterable[str]) -> Iterator[str]:
    """A function of bash, which has one command at least; an empty line before the first is left out."""
    found = iter(lines)
    first = next(found, ":") or next(found)
    yield from ("", f"{name}() {{", first)
    yield from found
    yield "}"


def ruled(title: str) -> str:
    """A comment that begins a part of a script."""
    return f"# === {title} ".ljust(80, "=")


THE_LAB = ruled("the lab")
THE_CALL = ruled("the call")


@cache
def runtime(kind: str) -> str:
    """The lines that all scripts of a kind have in common, up to those of the call."""
    title = ruled(f"the runtime of mpc {__version__}, for {kind}")
    return "\n".join([title, *chain.from_iterable(map(part, ("common", *PARTS[kind].split()))), "", ""])


@cache
def runtime_hash(kind: str) -> str:
    """The SHA-256 of these, as sha256sum(1) prints it."""
    return sha256(runtime(kind).encode()).hexdigest()


def head(plan: Plan, kind: str, what: str, usage: str, options: Iterable[str] = ()) -> Iterator[str]:
    """The first lines of a script, with what it says of itself, and how it is called."""
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
    """The very first lines, by which a script is known again."""
    yield "#!/usr/bin/env bash"
    yield f"# {what}. Written by mpc {__version__} from {origin(plan)}:"
    yield "# do not edit, change the topology and compile it again. Nothing runs before all of this is read."


NEEDS_BASH = (
    '[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }'
)
"""Comes before what other shells cannot read."""


def origin(plan: Plan) -> str:
    return "standard input" if plan.source == "-" else plan.source


def is_of(script: bytes, lab: str) -> bool:
    """Whether a text is a whole script of a lab of this name."""
    told = re.match(_HEAD, script)
    return told is not None and told[1] == lab.encode() and script.endswith(b"\n}\n")


_HEAD = rb"""#!/usr/bin/env bash
# [A-Z][a-z ]+ the lab "([\w-]+)"[a-z ]*\. Written by mpc """


def about(plan: Plan) -> Iterator[str]:
    """What up notes of itself, and down holds that against."""
    return _text("ABOUT", (f"source {origin(plan)}", f"plan {plan.digest}"))


def _text(name: str, lines: Iterable[str]) -> Iterator[str]:
    """Sets a variable to lines of any text."""
    yield from (f"IFS= read -rd '' {name} <<'END' || true", *lines, "END")


def namespaces(plan: Plan) -> Iterator[str]:
    yield from ("NAMESPACES=(", *(f"  {quote(name)}" for name in plan.namespaces), ")")


@cache
def part(name: str) -> tuple[str, ...]:
    """The lines of a part of scripts, after an empty one."""
    return "", *resources.read(f"compiler/scripts/parts/{name}.bash").splitlines()


def need_tools(tools: Iterable[str]) -> Iterator[str]:
    return (f"need_tool {tool} {PACKAGES[tool]}" for tool in tools)
