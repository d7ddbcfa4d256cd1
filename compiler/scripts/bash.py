"""The frame of bash scripts: header, functions of the lab, runtime of the kind, and the final call."""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from hashlib import sha256
from itertools import chain

from compiler import __version__, resources
from compiler.model.lab import Lab
from compiler.plan import engines
from compiler.plan.needs import PACKAGES
from compiler.plan.plan import Plan
from compiler.scripts.quoting import quote


class Style(StrEnum):
    """`batch` feeds the commands of a namespace to one process; `plain` has one readable command per line."""

    BATCH = "batch"
    PLAIN = "plain"


PARTS = {
    "up": "claim calls engine attached slots prelude ending ready awaited processes up load take visitor"
    " batch routes ports legs containers captures",
    "down": "claim calls engine attached slots uplink prelude down",
    "check": "output about check ask compare calls drift ending jobs pings transfer throughput",
    "bench": "output about trial ending jobs transfer watch during record bench report",
    "play": "output claim trial ending play",
}
PARTS |= {
    "up-machines": f"{PARTS['up']} machines",
    "play-machines": PARTS["play"].replace(" play", " together play"),
}
"""The files of `parts/` that make up the runtime of each kind of script. Some kinds have another one where a
lab is over several machines."""


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
    yield f"{RUNTIME}{runtime_hash(kind)}"
    yield from images(plan)
    yield from (
        NEEDS_BASH,
        "{",
        "set -eEuo pipefail +o noglob +o posix",
        "shopt -u failglob nullglob nocasematch",
        "unset GLOBIGNORE CONTAINERS ATTACHED WIRES PCAPS PLAY",
        "export LC_ALL=C",
        "umask 022",
        "trap '' PIPE",
        "",
    )
    yield f"LAB='{plan.lab}'"
    yield from text("USAGE", (f"usage: {usage}", f"{what}.", *(f"  {option}" for option in options)))


RUNTIME = "# Runtime: sha256 "
"""How the line of a head begins that tells the hash of the runtime."""


def opening(plan: Plan, what: str) -> Iterator[str]:
    """The very first lines, by which a script is recognised."""
    yield "#!/usr/bin/env bash"
    yield f"# {what}. Written by mpc {__version__} from {origin(plan)}:"
    yield "# do not edit, change the topology and compile it again. Nothing runs before all of this is read."
    if plan.machine:
        yield f"# Machine: {plan.machine.name}, which others reach at {plan.machine.address}"


def images(plan: Plan) -> Iterator[str]:
    """What containers are started from, for the head of a script, so that a review sees it change."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in plan.containers:
        found.setdefault((one.started.image, one.started.engine), []).append(one.node)
    for (image, engine), nodes in found.items():
        yield f"# Image: {image} of {engine}, for {' '.join(nodes)}"
    yield from (f"# Attached: {one.name} of {one.engine}, as {one.namespace}" for one in plan.attached)


NEEDS_BASH = (
    '[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }'
)
"""A test for bash, ahead of syntax that other shells cannot parse."""


def runtime_of(kind: str, plan: Plan) -> str:
    """The runtime of a kind of script for a plan."""
    return f"{kind}-machines" if plan.machine else kind


def origin(of: Plan | Lab) -> str:
    """What a lab or its plan is compiled from."""
    return "standard input" if of.source == "-" else of.source


def is_of(script: bytes, lab: str) -> bool:
    """Whether a file is a complete script of a lab of this name."""
    told = re.match(_HEAD, script)
    return told is not None and told[1] == lab.encode() and script.endswith(b"\n}\n")


_HEAD = rb"""#!/usr/bin/env bash
# [A-Z][a-z ]+ the lab "([\w-]+)"[a-z ]*\. Written by mpc """


def about(plan: Plan) -> Iterator[str]:
    """Variables that the up script records, and that the down script compares with the record."""
    return text("ABOUT", (f"source {origin(plan)}", f"plan {plan.digest}"))


def text(name: str, lines: Iterable[str], end: str = "END") -> Iterator[str]:
    """Assigns lines of text to a variable, none of which is `end`."""
    yield from (f"IFS= read -rd '' {name} <<'{end}' || true", *lines, end)


def namespaces(plan: Plan) -> Iterator[str]:
    yield from ("NAMESPACES=(", *(f"  {quote(name)}" for name in plan.namespaces), ")")


def names(plan: Plan) -> Iterator[str]:
    """The names of namespaces, containers, namespaces of others, and links to other machines."""
    yield from namespaces(plan)
    if plan.containers:
        yield from ("CONTAINERS=(", *(f"  {quote(one)}" for one in contained(plan)), ")")
    if plan.attached:
        yield from ("ATTACHED=(", *(f"  {quote(one.namespace)}" for one in plan.attached), ")")
    if plan.wires:
        rows = (" ".join((namespace, *found)) for namespace, found in plan.wires.items())
        yield from ("WIRES=(", *(f"  {quote(row)}" for row in rows), ")")


def contained(plan: Plan) -> Iterator[str]:
    """Each container with its engine, as scripts name it: `podman:lab-a`."""
    for one in plan.containers:
        yield from (f"{one.started.engine}:{name}" for name in engines.names(one))


@cache
def part(name: str) -> tuple[str, ...]:
    """The lines of a file of `parts/`, after an empty one."""
    return "", *resources.read(f"compiler/scripts/parts/{name}.bash").splitlines()


def need_tools(tools: Iterable[str]) -> Iterator[str]:
    return (f"need_tool {tool} {PACKAGES[tool]}" for tool in tools)
