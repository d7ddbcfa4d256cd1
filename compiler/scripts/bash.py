"""A plan as bash: the up and the down script, in either style. The only module that knows bash."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from hashlib import sha256
from itertools import chain, groupby

from compiler import __version__, resources
from compiler.plan.commands import EACH, Command, hops, is_long, mark, source
from compiler.plan.facts import Sysctl
from compiler.plan.needs import PACKAGES
from compiler.plan.plan import NO_SERVER, Plan, Section
from compiler.scripts.braces import braces
from compiler.scripts.quoting import here, join, quote


class Style(StrEnum):
    """`batch` feeds a namespace's commands to one process; `plain` is a command a line, to paste."""

    BATCH = "batch"
    PLAIN = "plain"


PARTS = {
    "up": "claim prelude ending processes up load batch routes ports",
    "plain": "claim prelude ending processes up load ports",
    "down": "claim prelude down",
    "check": "output check drift ending jobs pings transfer throughput",
    "bench": "output trial ending jobs transfer bench report",
    "play": "output claim trial ending play",
}
"""What the runtime of each kind of script consists of; `plain` is that of an up in this style."""


def up(plan: Plan, style: Style = Style.BATCH) -> Iterator[str]:
    """The script that makes a lab, in pieces of whole lines: it can be larger than all else that is known."""
    runtime = "up" if style is Style.BATCH else "plain"
    start = head(plan, runtime, f'Brings up the lab "{plan.lab}"', "up.sh [--preflight]", UP_OPTIONS)
    sections = (chain(_title(section.title), _section(section, style)) for section in plan.sections)
    built = chain(_names(plan, style), *sections, _ports(plan), _processes(plan))
    tools = plan.tools if style is Style.PLAIN else [tool for tool in plan.tools if tool != "sysctl"]
    call = ("[[ ! -s $CLAIM ]] || refuse", "needs", "claim", "remember", "build", "complete")
    lab = {"needs": _needs(plan, tools), "build": built}
    return script(chain(start, about(plan), namespaces(plan)), lab, runtime, call)


def down(plan: Plan) -> Iterator[str]:
    """The script that takes a lab away, whatever became of its up."""
    start = head(plan, "down", f'Takes down the lab "{plan.lab}"', "down.sh")
    return script(chain(start, about(plan), namespaces(plan)), {}, "down", ("down",))


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


def _ruled(title: str) -> str:
    return f"# === {title} ".ljust(80, "=")


THE_LAB = _ruled("the lab")
THE_CALL = _ruled("the call")


@cache
def runtime(kind: str) -> str:
    """The lines that all scripts of a kind have in common, up to those of the call."""
    title = _ruled(f"the runtime of mpc {__version__}, for {kind}")
    return "\n".join([title, *chain.from_iterable(map(_part, ("common", *PARTS[kind].split()))), "", ""])


@cache
def runtime_hash(kind: str) -> str:
    """The SHA-256 of these, as sha256sum(1) prints it."""
    return sha256(runtime(kind).encode()).hexdigest()


UP_OPTIONS = ("--preflight  only tests whether this machine has all that the lab needs",)


def head(plan: Plan, kind: str, what: str, usage: str, options: Iterable[str] = ()) -> Iterator[str]:
    """The first lines of a script, with what it says of itself, and how it is called."""
    yield "#!/usr/bin/env bash"
    yield f"# {what}. Written by mpc {__version__} from {_origin(plan)}:"
    yield "# do not edit, change the topology and compile it again. Nothing runs before all of this is read."
    yield f"# Runtime: sha256 {runtime_hash(kind)}"
    yield '[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }'
    yield "{"
    yield from (
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


def _origin(plan: Plan) -> str:
    return "standard input" if plan.source == "-" else plan.source


def is_of(script: bytes, lab: str) -> bool:
    """Whether a text is a whole script of a lab of this name."""
    told = re.match(_HEAD, script)
    return told is not None and told[1] == lab.encode() and script.endswith(b"\n}\n")


_HEAD = rb"""#!/usr/bin/env bash
# [A-Z][a-z ]+ the lab "([\w-]+)"[a-z ]*\. Written by mpc """


def about(plan: Plan) -> Iterator[str]:
    """What up notes of itself, and down holds that against."""
    return _text("ABOUT", (f"source {_origin(plan)}", f"plan {plan.digest}"))


def _text(name: str, lines: Iterable[str]) -> Iterator[str]:
    """Sets a variable to lines of any text."""
    yield from (f"IFS= read -rd '' {name} <<'END' || true", *lines, "END")


def namespaces(plan: Plan) -> Iterator[str]:
    yield from ("NAMESPACES=(", *(f"  {quote(name)}" for name in plan.namespaces), ")")


@cache
def _part(name: str) -> tuple[str, ...]:
    return "", *resources.read(f"compiler/scripts/parts/{name}.bash").splitlines()


def _title(title: str) -> Iterator[str]:
    yield from ("", f"# --- {title} ".ljust(80, "-"), f'say "{title}"')


def need_tools(tools: Iterable[str]) -> Iterator[str]:
    return (f"need_tool {tool} {PACKAGES[tool]}" for tool in tools)


def _needs(plan: Plan, tools: Iterable[str]) -> Iterator[str]:
    """Tests all that can be tested before the first change, and says all that is missing at once."""
    yield "need_bash"
    yield from need_tools(tools)
    yield from ("need_root", "need_folder /run/netns", "need_folder /etc/netns")
    yield from (f"load {join(need.module)}" for need in plan.needs if need.module)
    yield from ("need_features <<'END'", "need_right")
    yield from (f"need {quote(need.feature)} {join(need.command)}" for need in plan.needs)
    yield from (f"need_sysctl {key}" for key in plan.sysctls)
    yield from ('each_copied show "$@"', "END", "need_names", *(["need_runs"] if plan.processes else []))


def _names(plan: Plan, style: Style) -> Iterator[str]:
    """Writes what ip-netns(8) puts over files of /etc.

    In batches, this is done beside what comes next, to its end, so that a roll-back finds all that it made.
    """
    if not plan.namespaces:
        return
    yield from _title("names")
    yield from ("IFS= read -rd '' hosts <<'HOSTS' || true", f"# {mark(plan.lab)}", *plan.hosts, "HOSTS")
    call = f'write_names "$hosts" {quote(NO_SERVER)}'
    yield f'{{ trap "" HUP INT TERM; {call}; }} & parts+=($!)' if style is Style.BATCH else call


def _ports(plan: Plan) -> Iterator[str]:
    """Waits until all switches pass frames on."""
    if plan.switches:
        *others, last = map(quote, plan.switches)
        yield from (*_title("switches"), "await_ports \\", *(f"  {name} \\" for name in others), f"  {last}")


def _processes(plan: Plan) -> Iterator[str]:
    """Starts what runs in the lab, and waits to see that it does."""
    if plan.processes:
        yield from (*_title("processes"), 'note "made $RUNS"', 'mkdir "$RUNS"')
        for process in plan.processes:
            call = join(("start", process.namespace, process.name))
            yield from here(call, (process.command, *process.environment))
        yield "watch"


def _section(section: Section, style: Style) -> Iterator[str]:
    """The commands of a section; in batches, those of the namespaces side by side."""
    yield from ("reset_copied",) if section.title == "settings" else ()
    if style is Style.PLAIN and section.title == "settings":
        yield from (join(_set(fact)) for fact in _sysctls(section))
    elif style is Style.PLAIN:
        yield from chain.from_iterable(map(_lines, section.commands))
    elif section.title == "settings":
        yield from _settings(_sysctls(section))
    elif section.commands[0].namespace is None:
        yield from _batches(section.commands)
    else:
        yield "for ((part = 0; part < CPUS; part++)); do {"
        yield from _batches(section.commands)
        yield from ("visit", "} & parts+=($!); done", "settle")


def _sysctls(section: Section) -> Iterator[Sysctl]:
    return (fact for fact in section.facts if isinstance(fact, Sysctl))


def _settings(sysctls: Iterable[Sysctl]) -> Iterator[str]:
    """The sysctls, once for all the namespaces that have the same; they are set at the next visit."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for namespace, own in groupby(sysctls, lambda fact: fact.namespace):
        alike.setdefault(tuple(f"{fact.key}={fact.value}" for fact in own), []).append(namespace)
    for rows, namespaces in alike.items():
        yield from (
            "configure \\",
            *(f"  {quote(name)} \\" for name in namespaces),
            "  <<'END'",
            *rows,
            "END",
        )


def _batches(commands: Iterable[Command]) -> Iterator[str]:
    """A batch for each run of commands of one tool in one namespace, to which brief ones are added."""
    for (tool, namespace), own in groupby(commands, lambda command: (command.tool, command.namespace)):
        run = list(own)
        brief = [command for command in run if command.brief]
        lone = [command for command in run if is_long(command.arguments)]
        batch = (command for command in run if not (command.brief or is_long(command.arguments)))
        rows = list(chain.from_iterable(map(_rows, batch)))
        start = "feed" if namespace is None else join(("within", namespace))
        if lone:
            told = chain.from_iterable(map(_rows, lone))
            yield from (f"{start} lines {' '.join(tool)} - <<'END'", *told, "END")
        if not rows and not brief:
            continue
        start = f"{start} {' '.join(tool)} {_BATCH[tool[0]]}"
        yield from (f"{start} <<'END'", *rows, "END") if rows else (f"{start} </dev/null",)
        yield from _brief(brief)


def _brief(commands: Iterable[Command]) -> Iterator[str]:
    """Routes that are added to a batch, a line for each way; next hops that several have are told once."""
    routes = [command.brief for command in commands if command.brief]
    ways = [(list(map(" ".join, hops(one))), source(one), one.targets) for one in routes]
    count = Counter(hop for own, _, _ in ways for hop in own)
    shared = {hop: f"h{number}" for number, hop in enumerate((hop for hop in count if count[hop] > 1), 1)}
    yield from (f"{name}='{hop}'" for hop, name in shared.items())
    for own, more, targets in ways:
        told = " ".join((*more, *(f"${shared[hop]}" if hop in shared else hop for hop in own)))
        yield f'routes "{told}" {braces(targets)}'


_BATCH = {"ip": "-batch -", "tc": "-batch -", "nft": "-f -"}
"""How a tool takes a batch from its input."""


def _rows(command: Command) -> Iterator[str]:
    """One command in a batch, where no shell reads it; or a line for each of its words."""
    return _each(" ".join(command.arguments), EACH, command.each)


def _lines(command: Command) -> Iterator[str]:
    """One command as a line that can be pasted into a shell, or a line for each of its words."""
    return _each(join(_words(command)), quote(EACH), tuple(map(quote, command.each)))


def _each(line: str, place: str, each: tuple[str, ...]) -> Iterator[str]:
    """A line with each of some words in a place, in pieces of many lines."""
    before, _, after = line.partition(place)
    between = f"{after}\n{before}"
    for start in range(0, len(each), MANY):
        yield f"{before}{between.join(each[start : start + MANY])}{after}"
    if not each:
        yield line


MANY = 100
"""Lines of a piece: more make no difference, until they are too large for a processor's cache."""


def _words(command: Command) -> Iterator[str]:
    tool, namespace = command.tool, command.namespace
    if tool[0] in ("ip", "tc"):
        yield from (*tool, *(("-n", namespace) if namespace else ()), *command.arguments)
    else:  # nft(8), which knows no namespaces, and takes a command as one word
        yield from ("ip", "netns", "exec", namespace or "", *tool, " ".join(command.arguments))


def _set(fact: Sysctl) -> Iterator[str]:
    """A call that sets a sysctl; sysctl(8) takes no `*`."""
    yield from ("ip", "netns", "exec", fact.namespace)
    if "*" in fact.key:
        yield from ("sh", "-c", f"echo {fact.value} | tee /proc/sys/{fact.key.replace('.', '/')} >/dev/null")
    else:
        yield from ("sysctl", "-qw", f"{fact.key}={fact.value}")
