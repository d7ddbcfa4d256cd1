"""The up script that feeds commands to tools in batches, and the down script."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import chain, groupby
from operator import attrgetter

from compiler.plan.commands import EACH, MAKE, Command, commands, hops, is_long, mark, source
from compiler.plan.facts import Sysctl, Teql, Vxlan
from compiler.plan.plan import ADDRESSES, ATTACHED, DEVICES, NO_SERVER, UPLINKS, Plan, Section, looks
from compiler.plan.undo import interfaces, undo
from compiler.scripts import readiness
from compiler.scripts.bash import about, head, names, need_tools, part, runtime_of, script
from compiler.scripts.braces import braces
from compiler.scripts.quoting import here, join, quote

UP_OPTIONS: tuple[str, ...] = ("--preflight  only tests whether this machine has all that the lab needs",)
UP_USAGE = "up.sh [--preflight]"
CAPTURES_OPTION = "--captures DIR  writes captures there, and not into the current directory"


def up(plan: Plan) -> Iterator[str]:
    """The up script, in pieces of whole lines, as it can be larger than the rest of the compiler's data."""
    kind = runtime_of("up", plan)
    usage, options = UP_USAGE, UP_OPTIONS
    if plan.captures:
        usage, options = f"{usage} [--captures DIR]", (*options, CAPTURES_OPTION)
    start = head(plan, kind, f'Brings up the lab "{plan.lab}"', usage, options)
    sections = (chain(_captures(plan, one), _title(one.title), _section(one, plan)) for one in plan.network)
    devices = (chain(_captures(plan, one), _title(one.title), _section(one, plan)) for one in plan.made)
    after = (_ports(plan), _legs(plan), *devices, _containers(plan), _processes(plan), _ended(plan))
    built = chain(_names(plan), *sections, *after)
    call = ("[[ ! -s $CLAIM ]] || refuse", "needs", "claim", "remember", "build", "complete")
    lab = {"needs": _needs(plan), "build": built}
    if plan.own_hosts:
        lab["write_first"] = iter(WRITE_FIRST)
    return script(chain(start, about(plan), names(plan), _captured(plan), _making(plan)), lab, kind, call)


def down(plan: Plan) -> Iterator[str]:
    """The down script, which removes a lab even if its up script failed."""
    start = head(plan, "down", f'Takes down the lab "{plan.lab}"', "down.sh")
    return script(chain(start, about(plan), names(plan)), {}, "down", ("down",))


def _title(title: str) -> Iterator[str]:
    yield from ("", f"# --- {title} ".ljust(80, "-"), f'say "{title}"')


def _needs(plan: Plan) -> Iterator[str]:
    """Tests all requirements before the first change, and reports everything that is missing at once."""
    yield "need_bash"
    yield from need_tools(tool for tool in plan.tools if tool != "sysctl")
    yield from ("need_root", "need_folder /run/netns", "need_folder /etc/netns")
    yield from _others(plan)
    for engine in plan.engines:
        images = (one.started.image for one in plan.containers if one.started.engine == engine)
        yield join(("meanwhile", "need_containers", engine, *dict.fromkeys(images)))
    yield from (f"load {join(need.module)}" for need in plan.needs if need.module)
    yield from ("need_features <<'END'", "need_right")
    yield from (f"need {quote(need.feature)} {join(need.command)}" for need in plan.needs)
    yield from (f"need_sysctl {key}" for key in plan.sysctls)
    yield from ('each_copied show "$@"', "END", "need_names")
    yield from (f"need_slots {plan.teqls}",) if plan.teqls else ()
    if plan.uplink:
        own = (plan.uplink.end, str(plan.uplink.network), *filter(None, [plan.uplink.card]))
        yield join(("need_uplink", *own))
    yield from ["need_runs"] if plan.runs else []
    yield from ["need_captures"] if plan.captures else []
    yield from _engine(plan)


def _others(plan: Plan) -> Iterator[str]:
    """Tests that this is the machine of the plan, and that it reaches the others."""
    if plan.machine:
        yield join(("need_address", str(plan.machine.address), plan.machine.name))
    for name, address, largest in plan.peers:
        yield join(("need_route", str(address), name, str(largest)))


def _engine(plan: Plan) -> Iterator[str]:
    """Tests what containers need, and hears what the engines have told meanwhile."""
    yield from ("hear_tests",) if plan.engines else ()
    yield from ("need_wrapper",) if plan.mptcpized else ()
    for one in plan.attached:
        yield join(("need_attached", one.engine, one.name, *interfaces(plan, one.namespace)))


def _names(plan: Plan) -> Iterator[str]:
    """Writes the files that ip-netns(8) bind-mounts over those of /etc.

    Runs in the background and is never interrupted, so that a roll-back finds all files.
    """
    if not plan.namespaces:
        return
    yield from _title("names")
    yield from ("IFS= read -rd '' hosts <<'HOSTS' || true", f"# {mark(plan.lab)}", *plan.hosts, "HOSTS")
    yield from ("servers=", "find_servers") if plan.uplink else ()
    written = f'trap "" HUP INT TERM; write_names "$hosts" {_servers(plan)}'
    if not plan.own_hosts:
        yield f"{{ {written}; }} & parts+=($!)"
        return
    yield f"{{ {written}"
    for namespace, lines in plan.own_hosts:
        yield from (f"write_first {quote(namespace)} <<'HOSTS'", *lines, "HOSTS")
    yield "} & parts+=($!)"


WRITE_FIRST = (
    "local mark first rest file=/etc/netns/$1/hosts",
    "IFS= read -rd '' first || true",
    """{ IFS= read -r mark && IFS= read -rd '' rest; } <"$file" || true""",
    'rm "$file"  # which is that of others too',
    """printf '%s\\n%s' "$mark" "$first$rest" >"$file\"""",
)
"""Puts names that mean another address in a namespace before those of the file that all have: NAMESPACE, and
lines as input."""


def _servers(plan: Plan) -> str:
    """What resolv.conf says of name servers: there are those of the machine where there is a way to them."""
    return '"$servers"' if plan.uplink else quote(NO_SERVER)


def _ports(plan: Plan) -> Iterator[str]:
    """Waits until the ports of all switches forward."""
    if plan.switches:
        *others, last = map(quote, plan.switches)
        yield from (*_title("switches"), "await_ports \\", *(f"  {name} \\" for name in others), f"  {last}")


def _containers(plan: Plan) -> Iterator[str]:
    """Starts the containers side by side, as all of the network is there, and waits until they are ready."""
    if not plan.containers:
        return
    runs = _runs(plan.attached, plan.captures, plan.devices)
    yield from (*_title("containers"), *runs, f"no_server {_servers(plan)}")
    yield from ("for ((part = 0; part < AT_ONCE; part++)); do {", "trap 'exit 1' HUP INT TERM", 'cd "$RUNS"')
    for one in plan.containers:
        *held, started = commands(one)
        yield from (join(("hold", one.namespace, *anchor.tool, *anchor.arguments)) for anchor in held)
        yield join(("wrap" if one.started.mptcpize else "contain", *started.tool, *started.arguments))
    yield from ("} & parts+=($!); done", "settle")
    for one in plan.containers:
        yield from readiness.container(one)


def _ended(plan: Plan) -> Iterator[str]:
    """Looks last whether all containers still run, and whether those that are to have MPTCP can."""
    yield from ("", "see_ended") if plan.containers else ()
    yield from (join(("see_wrapped", *plan.mptcpized)),) if plan.mptcpized else ()


RUNS = ('note "made $RUNS"', 'mkdir "$RUNS"')
"""Makes the folder for what runs in the lab."""


def _runs(*earlier: Collection[object]) -> tuple[str, ...]:
    """The same, where none of what starts earlier has made it."""
    return () if any(earlier) else RUNS


def _legs(plan: Plan) -> Iterator[str]:
    """Waits until all bonds have found that their legs work."""
    if plan.bonds:
        *others, last = map(quote, plan.bonds)
        call = f"await_legs {looks(plan)} \\"
        yield from (*_title("legs"), call, *(f"  {name} \\" for name in others), f"  {last}")


def _processes(plan: Plan) -> Iterator[str]:
    """Starts the commands of `run`, and waits to see that they keep running."""
    if plan.processes:
        yield from (*_title("processes"), *_runs(plan.attached, plan.captures, plan.devices, plan.containers))
        for _, group in groupby(plan.processes, attrgetter("statement")):
            processes = tuple(group)
            for process in processes:
                call = join(("start_inside" if process.inside else "start", process.namespace, process.name))
                yield from here(call, (process.command, *process.environment))
            yield from chain.from_iterable(map(readiness.process, processes))
    if plan.processes or plan.captures:
        yield "watch"


def _making(plan: Plan) -> Iterator[str]:
    """What has commands make devices, where there are any, and what joins a node to the machine's network."""
    if plan.devices:
        yield from part("devices")
    if plan.uplink:
        yield from (*part("uplink"), *part("raise"))


def _devices(plan: Plan) -> Iterator[str]:
    """Has commands make devices, one after the other: they may need what others have made."""
    yield from (*_runs(plan.attached, plan.captured(devices=False)), "{")
    for one in plan.devices:
        yield from here(join((MAKE, one.namespace, one.node, one.name)), one.commands)
    yield from ("} & parts+=($!)", "settle")


def _captured(plan: Plan) -> Iterator[str]:
    """The names of the files of captures."""
    if plan.captures:
        yield from ("PCAPS=(", *(f"  {quote(one.file)}" for one in plan.captures), ")")


def _captures(plan: Plan, before: Section) -> Iterator[str]:
    """Starts the captures before the section in which the interfaces come up: those of devices later."""
    if before.title == "interfaces" and (ports := plan.captured(devices=False)):
        yield from (*_title("captures"), *_runs(plan.attached))
        yield from (join(("capture", *one.words)) for one in ports)
    elif before.title == ADDRESSES and (devices := plan.captured(devices=True)):
        yield from _title("captures of devices")
        yield from (join(("capture", *one.words, "device")) for one in devices)


def _attached(plan: Plan) -> Iterator[str]:
    """Names the namespaces of containers that run already."""
    yield from RUNS
    for one in plan.attached:
        yield from here(join(("attach", one.namespace, one.engine, one.name)), undo(plan, one.namespace))


def _section(section: Section, plan: Plan) -> Iterator[str]:
    """The commands of a section, parallel over namespaces."""
    if section.title == ATTACHED:
        yield from _attached(plan)
        return
    if section.title == DEVICES:
        yield from _devices(plan)
        return
    yield from ("reset_copied",) if section.title == "settings" else ()
    if section.title == UPLINKS:
        yield from (join((*command.tool, *command.arguments)) for command in section.commands)
        return
    if section.title == "settings":
        yield from _settings(fact for fact in section.facts if isinstance(fact, Sysctl))
    elif isinstance(section.facts[0], Teql):
        rows = (" ".join(command.arguments) for command in section.commands)
        yield from ("take_slots <<'END'", *rows, "END")
    elif section.commands[0].namespace is None:
        own = (fact for fact in section.facts if not isinstance(fact, Vxlan))
        yield from _batches(chain.from_iterable(map(commands, own)))
        yield from _joins(fact for fact in section.facts if isinstance(fact, Vxlan))
    else:
        yield "for ((part = 0; part < CPUS; part++)); do {"
        yield from _batches(section.commands)
        yield from ("leave", "} & parts+=($!); done", "settle")


def _joins(ends: Iterable[Vxlan]) -> Iterator[str]:
    """Makes the ends of links to other machines."""
    rows = [" ".join(command.arguments) for end in ends for command in commands(end)]
    yield from ("join_machines <<'END'", *rows, "END") if rows else ()


def _settings(sysctls: Iterable[Sysctl]) -> Iterator[str]:
    """The sysctls, once for all namespaces with equal ones; they are set at the next entry of a namespace."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for namespace, own in groupby(sysctls, lambda fact: fact.namespace):
        alike.setdefault(tuple(f"{fact.key}={fact.value}" for fact in own), []).append(namespace)
    for rows, same in alike.items():
        yield from (
            "configure \\",
            *(f"  {quote(name)} \\" for name in same),
            "  <<'END'",
            *rows,
            "END",
        )


def _batches(commands: Iterable[Command]) -> Iterator[str]:
    """One batch for each run of commands of one tool in one namespace, with the brief routes appended."""
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
    """The routes appended to a batch, one line per way; next hops of several lines are put in variables."""
    routes = [command.brief for command in commands if command.brief]
    ways = [(list(map(" ".join, hops(one))), source(one), one.targets) for one in routes]
    count = Counter(hop for own, _, _ in ways for hop in own)
    shared = {hop: f"h{number}" for number, hop in enumerate((hop for hop in count if count[hop] > 1), 1)}
    yield from (f"{name}='{hop}'" for hop, name in shared.items())
    for own, more, targets in ways:
        told = " ".join((*more, *(f"${shared[hop]}" if hop in shared else hop for hop in own)))
        yield f'mine && routes "{told}" {braces(targets)}'


_BATCH = {"ip": "-batch -", "tc": "-batch -", "bridge": "-batch -", "nft": "-f -"}
"""The options by which a tool reads a batch from standard input."""


def _rows(command: Command) -> Iterator[str]:
    """One command of a batch, unquoted; or one line for each word of its `each`, in pieces of MANY lines."""
    before, _, after = " ".join(command.arguments).partition(EACH)
    between = f"{after}\n{before}"
    for start in range(0, len(command.each), MANY):
        yield f"{before}{between.join(command.each[start : start + MANY])}{after}"
    if not command.each:
        yield " ".join(command.arguments)


MANY = 100
"""Lines of a piece; larger ones are not faster, and slower beyond the size of a processor's cache."""
