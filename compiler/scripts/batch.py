"""The up script that feeds commands to tools in batches, and the down script."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, groupby

from compiler.plan.commands import EACH, Command, hops, is_long, mark, source
from compiler.plan.facts import Sysctl
from compiler.plan.plan import NO_SERVER, Plan, Section
from compiler.scripts.bash import about, head, namespaces, need_tools, script
from compiler.scripts.braces import braces
from compiler.scripts.quoting import here, join, quote

UP_OPTIONS = ("--preflight  only tests whether this machine has all that the lab needs",)


def up(plan: Plan) -> Iterator[str]:
    """The up script, in pieces of whole lines, as it can be larger than the rest of the compiler's data."""
    start = head(plan, "up", f'Brings up the lab "{plan.lab}"', "up.sh [--preflight]", UP_OPTIONS)
    sections = (chain(_title(section.title), _section(section)) for section in plan.sections)
    built = chain(_names(plan), *sections, _ports(plan), _processes(plan))
    call = ("[[ ! -s $CLAIM ]] || refuse", "needs", "claim", "remember", "build", "complete")
    lab = {"needs": _needs(plan), "build": built}
    return script(chain(start, about(plan), namespaces(plan)), lab, "up", call)


def down(plan: Plan) -> Iterator[str]:
    """The down script, which removes a lab even if its up script failed."""
    start = head(plan, "down", f'Takes down the lab "{plan.lab}"', "down.sh")
    return script(chain(start, about(plan), namespaces(plan)), {}, "down", ("down",))


def _title(title: str) -> Iterator[str]:
    yield from ("", f"# --- {title} ".ljust(80, "-"), f'say "{title}"')


def _needs(plan: Plan) -> Iterator[str]:
    """Tests all requirements before the first change, and reports everything that is missing at once."""
    yield "need_bash"
    yield from need_tools(tool for tool in plan.tools if tool != "sysctl")
    yield from ("need_root", "need_folder /run/netns", "need_folder /etc/netns")
    yield from (f"load {join(need.module)}" for need in plan.needs if need.module)
    yield from ("need_features <<'END'", "need_right")
    yield from (f"need {quote(need.feature)} {join(need.command)}" for need in plan.needs)
    yield from (f"need_sysctl {key}" for key in plan.sysctls)
    yield from ('each_copied show "$@"', "END", "need_names", *(["need_runs"] if plan.processes else []))


def _names(plan: Plan) -> Iterator[str]:
    """Writes the files that ip-netns(8) bind-mounts over those of /etc.

    Runs in the background and is never interrupted, so that a roll-back finds all files.
    """
    if not plan.namespaces:
        return
    yield from _title("names")
    yield from ("IFS= read -rd '' hosts <<'HOSTS' || true", f"# {mark(plan.lab)}", *plan.hosts, "HOSTS")
    yield f'{{ trap "" HUP INT TERM; write_names "$hosts" {quote(NO_SERVER)}; }} & parts+=($!)'


def _ports(plan: Plan) -> Iterator[str]:
    """Waits until the ports of all switches forward."""
    if plan.switches:
        *others, last = map(quote, plan.switches)
        yield from (*_title("switches"), "await_ports \\", *(f"  {name} \\" for name in others), f"  {last}")


def _processes(plan: Plan) -> Iterator[str]:
    """Starts the commands of `run`, and waits to see that they keep running."""
    if plan.processes:
        yield from (*_title("processes"), 'note "made $RUNS"', 'mkdir "$RUNS"')
        for process in plan.processes:
            call = join(("start", process.namespace, process.name))
            yield from here(call, (process.command, *process.environment))
        yield "watch"


def _section(section: Section) -> Iterator[str]:
    """The commands of a section, parallel over namespaces."""
    yield from ("reset_copied",) if section.title == "settings" else ()
    if section.title == "settings":
        yield from _settings(fact for fact in section.facts if isinstance(fact, Sysctl))
    elif section.commands[0].namespace is None:
        yield from _batches(section.commands)
    else:
        yield "for ((part = 0; part < CPUS; part++)); do {"
        yield from _batches(section.commands)
        yield from ("leave", "} & parts+=($!); done", "settle")


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
        yield f'routes "{told}" {braces(targets)}'


_BATCH = {"ip": "-batch -", "tc": "-batch -", "nft": "-f -"}
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
