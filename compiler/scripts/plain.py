"""The plain up script: one command per line, as written by hand; it also takes the lab down."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain, groupby, repeat
from operator import attrgetter

from compiler.model.lab import Lab
from compiler.model.nodes import Engine
from compiler.plan.commands import EACH, Command, commands, mark
from compiler.plan.facts import (
    Bond,
    Bridge,
    Dummy,
    Mark,
    Routes,
    Sysctl,
    Teql,
    Tunnel,
    Veth,
    VlanDevice,
    Vrf,
    Vxlan,
)
from compiler.plan.plan import ADDRESSES, ATTACHED, DEVICES, NO_SERVER, Plan, Section, looks
from compiler.plan.undo import undo
from compiler.scripts import readiness
from compiler.scripts.bash import NEEDS_BASH, THE_LAB, contained, images, opening, origin, part
from compiler.scripts.naming import Naming
from compiler.scripts.quoting import here, join, quote

ABOUT = """\
# Called with `down`, it takes the lab down. It is short, to be read: it tests nothing first but that its
# names are free, keeps nobody out while it is at work, and sets nothing back of what namespaces copy of this
# machine; `--style batch` does. A comment says whose addresses are: `b` is a node, `b:c` an interface of it.
"""
WIDTH = 120

MOST_IN_A_ROW = 100_000
"""The most commands of a section that are not in groups: bash reads a list of them by recursion, and with a
stack of 8 MB 400,000 are too many for it."""


def up(lab: Lab, plan: Plan) -> Iterator[str]:
    """The script that brings a lab up, or down with an option, in pieces of whole lines."""
    naming = Naming(lab)
    sections = (chain(_captures(plan, one), _section(one, plan, naming)) for one in plan.network)
    made = chain(_claim(plan), *sections)
    devices = chain.from_iterable(
        chain(_captures(plan, one), _section(one, plan, naming)) for one in plan.made
    )
    last = ("", 'echo up >>"$CLAIM"', "trap - ERR EXIT HUP INT TERM", "say up", "}")
    waits = chain(_ports(plan), _legs(plan))
    lines = chain(_head(plan), made, waits, devices, _containers(plan), _processes(plan), last)
    return (f"{line}\n" for line in lines)


def _head(plan: Plan) -> Iterator[str]:
    """The lines before the commands of the lab."""
    yield from (
        *opening(plan, f'Brings up the lab "{plan.lab}"'),
        *ABOUT.splitlines(),
        *images(plan),
        NEEDS_BASH,
        "{",
    )
    yield from ("set -eEuo pipefail", "umask 022", f"LAB='{plan.lab}'")
    yield from _array("NAMESPACES", map(quote, plan.namespaces))
    yield from _array("CONTAINERS", map(quote, contained(plan))) if plan.containers else ()
    anchored = Engine.DOCKER in plan.engines
    waits = [one.started.ready for one in plan.containers] + [process.ready for process in plan.processes]
    yield from (*part("plain_ready")[1:], *part("awaited")[1:]) if any(waits) or anchored else ()
    yield from part("plain_containers")[1:] if plan.containers else ()
    yield from part("plain_teql")[1:] if plan.teqls else ()
    yield from part("plain_captures")[1:] if plan.captures else ()
    yield from part("plain_devices")[1:] if plan.devices else ()
    yield from part("plain_uplink")[1:] if plan.uplink else ()
    if plan.attached:
        yield from _array("ATTACHED", (quote(one.namespace) for one in plan.attached))
        yield from (*part("attached")[1:], *part("plain_attached")[1:])
    yield from _down(plan)
    yield from part("plain_ports") if plan.switches else ()
    yield from part("plain_legs") if plan.bonds else ()
    yield from part("plain_run") if plan.processes or plan.captures else ()
    yield from ("", THE_LAB)


def _down(plan: Plan) -> Iterator[str]:
    """The way down, without what is for things that the lab does not have."""
    has = {
        "end_captures": plan.captures,
        "remove_containers": plan.containers,
        "leave_uplink": plan.uplink,
        "give_back": plan.teqls,
        "unload_teql": plan.teqls,
        "release": plan.attached,
        "residents() {": not plan.attached,
    }
    absent = tuple(call for call, there in has.items() if not there)
    yield from (line for line in part("plain")[1:] if not line.lstrip().startswith(absent))


def _array(name: str, words: Iterable[str]) -> Iterator[str]:
    """Assigns an array of bash, on one line if it fits."""
    found = list(words)
    line = f"{name}=({' '.join(found)})"
    yield from (line,) if len(line) <= WIDTH else (f"{name}=(", *_filled("", found), ")")


def _filled(line: str, words: Iterable[str]) -> Iterator[str]:
    """A line filled with words up to the width, and lines with the remaining words."""
    for word in words:
        if line and len(line) + len(word) + 3 > WIDTH:
            yield line
            line = ""
        line += f" {word}" if line else f"  {word}"
    yield line


def _title(title: str) -> Iterator[str]:
    yield from ("", f"# --- {title} ".ljust(80, "-"))


def _claim(plan: Plan) -> Iterator[str]:
    """Records the lab for its other scripts, and loads modules that no tool loads by itself."""
    notes = join(("printf", r"%s\n", f"source {origin(plan)}", f"plan {plan.digest}"))
    contained = ' "${CONTAINERS[@]/#/container }"' if plan.containers else ""
    contained += ' "${ATTACHED[@]/#/attached }"' if plan.attached else ""
    listed = f'"${{NAMESPACES[@]/#/namespace }}"{contained}'
    yield f"""{notes} "since $(date '+%F %T %Z')" {listed} >"$CLAIM\""""
    yield 'for folder in /etc/netns /run/netns; do [[ -e $folder ]] || echo "made $folder" >>"$CLAIM"; done'
    yield "mkdir -p /etc/netns"
    modules = (need.module for need in plan.needs if need.module)
    yield from (f"{join(('modprobe', '-q', *module))} 2>/dev/null || true" for module in modules)
    yield from (f"load_teql {plan.teqls}",) if plan.teqls else ()
    yield from ("find_servers",) if plan.uplink else ()


def _section(section: Section, plan: Plan, naming: Naming) -> Iterator[str]:
    """The commands of a section, with an empty line between namespaces."""
    if section.title == "namespaces":
        yield from _namespaces(plan)
        return
    if section.title == ATTACHED and len(plan.attached) == len(plan.namespaces):
        yield from _namespaces(plan)
    yield from _title(section.title)
    if section.title == ATTACHED:
        yield from RUNS
        for one in plan.attached:
            yield from here(join(("attach", one.namespace, one.engine, one.name)), undo(plan, one.namespace))
        return
    if section.title == DEVICES:
        yield from _runs(plan.attached, plan.captured(devices=False))
    if section.title == "settings":
        yield from _settings(section, _devices(plan))
        return
    made = (
        (fact, command) for fact in section.facts if not isinstance(fact, Mark) for command in commands(fact)
    )
    parts = (
        chain.from_iterable(_lines(command, naming.named(fact)) for fact, command in own)
        for _, own in groupby(made, lambda one: one[1].namespace)
    )
    many = sum(len(fact.targets) if isinstance(fact, Routes) else 1 for fact in section.facts) > MOST_IN_A_ROW
    yield from _grouped(parts) if many else _spaced(parts)


def _spaced(parts: Iterable[Iterable[str]]) -> Iterator[str]:
    for number, lines in enumerate(parts):
        yield from ("",) if number else ()
        yield from lines


def _grouped(parts: Iterable[Iterable[str]]) -> Iterator[str]:
    """Commands in groups of so many that bash reads them."""
    count = 0
    yield "{"
    for lines in parts:
        if count > MOST_IN_A_ROW:
            yield from ("}", "{")
            count = 0
        for line in lines:
            yield line
            count += 1
    yield "}"


def _namespaces(plan: Plan) -> Iterator[str]:
    """Makes the namespaces, each with its mark and its files over those of /etc."""
    yield from _title("namespaces, their /etc/hosts and /etc/resolv.conf")
    yield from (
        "own=$(</proc/sys/kernel/hostname)",
        'for ns in "${NAMESPACES[@]}"; do',
        "  etc=/etc/netns/$ns",
    )
    made: tuple[str, ...] = ('  ip netns add "$ns"', '  ip -n "$ns" link set dev lo up alias "mpc:$LAB"')
    if plan.attached:
        made = ('  if [[ " ${ATTACHED[*]} " != *" $ns "* ]]; then', *(f"  {line}" for line in made), "  fi")
    yield from (*made, '  mkdir "$etc"')
    yield from _hosts(plan)
    server = f"""printf '%s\\n' "# mpc:$LAB" {_servers(plan)} >"$etc/resolv.conf\""""
    yield from (f"  [[ ! -e /etc/resolv.conf ]] || {server}", "done")


def _hosts(plan: Plan) -> Iterator[str]:
    """Writes the names that a namespace has: those that mean another address in it before all others."""
    if not plan.own_hosts:
        yield from ("  cat >\"$etc/hosts\" <<'HOSTS'", f"# {mark(plan.lab)}", *plan.hosts, "HOSTS", OWN_NAME)
        return
    yield from (f"  echo '# {mark(plan.lab)}' >\"$etc/hosts\"", "  case $ns in")
    for namespace, lines in plan.own_hosts:
        yield from (f"    {quote(namespace)}) cat >>\"$etc/hosts\" <<'HOSTS' ;;", *lines, "HOSTS")
    yield from ("  esac", "  cat >>\"$etc/hosts\" <<'HOSTS'", *plan.hosts, "HOSTS", OWN_NAME)


def _servers(plan: Plan) -> str:
    """What resolv.conf says of name servers."""
    return '"$servers"' if plan.uplink else quote(NO_SERVER)


OWN_NAME = (
    r'  [[ ! $own =~ ^[A-Za-z0-9][A-Za-z0-9.-]*$ ]] || grep -qi " $own$" "$etc/hosts" ||'
    ' echo "127.0.1.1 $own" >>"$etc/hosts"'
)
"""Adds the machine's host name to `hosts`, unless a node has the same name."""


def _devices(plan: Plan) -> dict[str, list[str]]:
    """The interfaces of each namespace, in the notation of sysctl(8) keys."""
    found = {name: ["all", "default", "lo"] for name in plan.namespaces}
    for fact in plan.facts:
        ends = (
            fact.ends
            if isinstance(fact, Veth)
            else (fact,)
            if isinstance(fact, Dummy | Bridge | VlanDevice | Vrf | Tunnel | Vxlan | Bond | Teql)
            else ()
        )
        for end in ends:
            found[end.namespace].append(end.name.replace(".", "/"))
    return found


def _settings(section: Section, devices: Mapping[str, list[str]]) -> Iterator[str]:
    """The sysctls of each namespace in one command. sysctl(8) does not expand `*`."""
    facts = (fact for fact in section.facts if isinstance(fact, Sysctl))
    for namespace, own in groupby(facts, lambda fact: fact.namespace):
        every = f"{{{','.join(devices[namespace])}}}"
        values = (f"{fact.key.replace('*', every)}={quote(fact.value)}" for fact in own)
        *lines, last = _filled(join(("ip", "netns", "exec", namespace, "sysctl", "-qw")), values)
        yield from (*(f"{line} \\" for line in lines), last)


def _lines(command: Command, names: Iterable[str]) -> Iterator[str]:
    """A command as one line, or as one per word of its `each`, with the names of addresses as comments."""
    before, _, after = join(_words(command)).partition(quote(EACH))
    each = map(quote, command.each) if command.each else ("",)
    for word, name in zip(each, chain(names, repeat("")), strict=False):
        yield f"{before}{word}{after}{name and '  # '}{name}"


def _words(command: Command) -> Iterator[str]:
    tool, namespace = command.tool, command.namespace
    if tool[0] in ("ip", "tc", "bridge"):
        yield from (*tool, *(("-n", namespace) if namespace else ()), *command.arguments)
    elif namespace is None:
        yield from (*tool, *command.arguments)
    else:  # nft(8), which has no option for a namespace, and takes a command as one word
        yield from ("ip", "netns", "exec", namespace or "", *tool, " ".join(command.arguments))


def _ports(plan: Plan) -> Iterator[str]:
    """Waits until the ports of all switches forward."""
    yield from _title("switches") if plan.switches else ()
    yield from (join(("await_ports", name)) for name in plan.switches)


def _captures(plan: Plan, before: Section) -> Iterator[str]:
    """Starts the captures before the section in which the interfaces come up: those of devices later."""
    if before.title == "interfaces" and (ports := plan.captured(devices=False)):
        yield from (*_title("captures"), *_runs(plan.attached))
        yield from (join(("capture", *one.words)) for one in ports)
    elif before.title == ADDRESSES and (devices := plan.captured(devices=True)):
        yield from _title("captures of devices")
        yield from (join(("capture", *one.words, "device")) for one in devices)


RUNS = ('echo "made $CLAIM.d" >>"$CLAIM"', 'mkdir "$CLAIM.d"')
"""Makes the folder for what runs in the lab."""


def _runs(*earlier: Collection[object]) -> tuple[str, ...]:
    """The same, where none of what starts earlier has made it."""
    return () if any(earlier) else RUNS


def _containers(plan: Plan) -> Iterator[str]:
    """Starts the containers, one after the other, and waits until they are ready."""
    if not plan.containers:
        return
    yield from (*_title("containers"), *_runs(plan.attached, plan.captures, plan.devices))
    yield f"""printf '%s\\n' "# mpc:$LAB" {_servers(plan)} >"$CLAIM.d/resolv.conf\""""
    started_by_docker = any(one.started.engine is Engine.DOCKER for one in plan.containers)
    yield from part("plain_base")[1:] if started_by_docker else ()
    yield from part("plain_wrapper")[1:] if plan.mptcpized else ()
    for one in plan.containers:
        *held, started = commands(one)
        for anchor in held:
            yield f'docker run "${{BASE[@]}}" {join(anchor.arguments[1:])}'
            yield join(("await_anchor", one.namespace))
        line = join(_words(started))
        yield line.replace(" run ", ' run "${WRAPPER[@]}" ', 1) if one.started.mptcpize else line
    for one in plan.containers:
        yield from readiness.container(one)


def _legs(plan: Plan) -> Iterator[str]:
    """Waits until all bonds have found that their legs work."""
    if plan.bonds:
        yield from (*_title("legs"), join(("await_legs", str(looks(plan)), *plan.bonds)))


def _processes(plan: Plan) -> Iterator[str]:
    """Starts the commands of `run`."""
    if plan.processes:
        yield from (*_title("processes"), *_runs(plan.attached, plan.captures, plan.devices, plan.containers))
    for _, group in groupby(plan.processes, attrgetter("statement")):
        processes = tuple(group)
        for process in processes:
            call = "start_inside" if process.inside else "start"
            yield join((call, process.namespace, process.name, process.command, *process.environment))
        yield from chain.from_iterable(map(readiness.process, processes))
