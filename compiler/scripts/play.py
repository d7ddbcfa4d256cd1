"""The play: a script that lets events happen to a lab at their times, and then makes it as up made it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from compiler.ground.units import format_percent, format_queue, format_rate, format_time
from compiler.model.lab import Change, Event, InterfaceName, Lab, Reshaping, Shaping, Switching
from compiler.plan.needs import PACKAGES, QDISCS
from compiler.plan.plan import Plan, way
from compiler.plan.traffic import Arguments, qdiscs
from compiler.plan.words import is_long, split
from compiler.scripts.bash import fixed, head, script
from compiler.scripts.quoting import join, quote

HUNDREDTH = 10**4
"""Of a second, in microseconds: the steps of /proc/uptime."""

FORMS: dict[str, Callable[[Any], str]] = {
    "rate": format_rate,
    "delay": format_time,
    "jitter": format_time,
    "loss": format_percent,
    "duplicate": format_percent,
    "corrupt": format_percent,
    "reorder": format_percent,
    "queue": format_queue,
    "burst": lambda size: f"{size}b",
}
"""How the attributes of a direction are written."""

USAGE = "play.sh [--for SECONDS]"
OPTIONS = ("--for SECONDS  ends the play then, before its last event or after it",)

_KEPT = ("corrupt", "reorder", "rate")
"""What netem keeps when a change does not name it (netem_change of net/sched/sch_netem.c)."""


def play(lab: Lab, plan: Plan) -> Iterator[str]:
    """The script that plays the events of a lab that is up."""
    lines = [*head(plan, f'Plays the events of the lab "{plan.lab}" that is up', USAGE, OPTIONS)]
    lines += [*fixed("output", "claim", "trial", "ending", "play")]
    lines += ["", "# === the lab ".ljust(80, "=")]
    lines += [f"need_tool {tool} {PACKAGES[tool]}" for tool in ("ip", "tc", "nsenter", "unshare", "flock")]
    player = _Player(lab, plan)
    events = list(player.events())
    return script([*lines, *player.needs(), "", *player.restore(), "", "begin", *events, "", "close"])


class _Player:
    """Goes through the events of a lab, and knows what was changed by those before."""

    def __init__(self, lab: Lab, plan: Plan) -> None:
        self.lab = lab
        self.namespace = {node.name: node.namespace for node in lab.nodes}
        self.namespace |= {switch.name: switch.namespace for switch in lab.switches}
        self.ends = {end.id: end for link in lab.links for end in link.ends}
        self.shaped = dict(self.ends)
        self.down: set[InterfaceName] = set()
        self.addresses: dict[tuple[str, str], list[str]] = {}
        self.routes: dict[str, list[Arguments]] = {name: [] for name in self.namespace.values()}
        commands = [command for section in plan.sections for command in section.commands]
        for namespace, call in ((one.namespace or "", call) for one in commands for call in one.calls):
            match call:
                case "address", "add", address, "dev", device:
                    self.addresses.setdefault((namespace, device), []).append(address)
                case "route", "add", *words:
                    self.routes[namespace].append(tuple(words))

    def needs(self) -> Iterator[str]:
        """Tries the queueing disciplines that events bring."""
        changes = [change for event in self.lab.events for change in event.changes]
        words = {
            word
            for change in changes
            if isinstance(change, Reshaping)
            for command in self._qdiscs(change)
            for word in command
        }
        kinds = [kind for kind in QDISCS if kind in words]
        if kinds:
            yield join(("need_queues", *kinds)) + " <<'END'"
            yield from (f"qdisc replace dev lo root {kind} {' '.join(QDISCS[kind])}" for kind in kinds)
            yield "END"

    def _qdiscs(self, change: Reshaping) -> list[Arguments]:
        return list(qdiscs(replace(self.ends[change.interface], shaping=change.shaping)))

    def events(self) -> Iterator[str]:
        for event in self.lab.events:
            time = str(round(event.time / HUNDREDTH))
            yield from ("", f"await {time}")
            for change in event.changes:
                yield from self._reshape(change) if isinstance(change, Reshaping) else self._switch(change)
            yield join(("happened", time, _described(event)))

    def _reshape(self, change: Reshaping) -> Iterator[str]:
        before = self.shaped[change.interface]
        after = self.shaped[change.interface] = replace(before, shaping=change.shaping)
        commands = list(_reshaping(list(qdiscs(before)), list(qdiscs(after))))
        if commands:
            yield f"alter {self._key(change.interface)}"
            yield from self._within(change.interface.node, "tc", commands)

    def _switch(self, change: Switching) -> Iterator[str]:
        (self.down.difference_update if change.up else self.down.update)(change.link)
        yield "alter links"
        for id in change.link:
            commands = self._up(id) if change.up else [f"link set dev {id.name} down"]
            yield from self._within(id.node, "ip", commands)
        for id in change.link if change.up else ():
            routes = [route for route in self.routes[self.namespace[id.node]] if id.name in route]
            down = {other.name for other in self.down if other.node == id.node}
            commands = [
                " ".join(("route", "replace", *left)) for route in routes if (left := _without(route, down))
            ]
            yield from self._within(id.node, "ip", commands)

    def _up(self, id: InterfaceName) -> list[str]:
        """What brings an interface up, with the addresses that the kernel takes from one that is down."""
        own = self.addresses.get((self.namespace[id.node], id.name), [])
        return [
            f"link set dev {id.name} up",
            *(f"address replace {address} dev {id.name}" for address in own),
        ]

    def restore(self) -> Iterator[str]:
        """A function that makes everything as up made it, whatever has happened until then."""
        changes = [change for event in self.lab.events for change in event.changes]
        switched = dict.fromkeys(
            id for change in changes if isinstance(change, Switching) for id in change.link
        )
        shaped = dict.fromkeys(change.interface for change in changes if isinstance(change, Reshaping))
        yield "restore() {"
        for id in switched:
            yield from self._again("links", id.node, "ip", self._up(id))
        for node in dict.fromkeys(id.node for id in switched):
            own = {id.name for id in switched if id.node == node}
            routes = [route for route in self.routes[self.namespace[node]] if own.intersection(route)]
            commands = [" ".join(("route", "replace", *route)) for route in routes]
            yield from self._again("links", node, "ip", commands)
        for id in shaped:
            commands = [f"qdisc del dev {id.name} root", *map(" ".join, qdiscs(self.ends[id]))]
            yield from self._again(self._key(id), id.node, "tc", commands)
        yield "  :"
        yield "}"

    def _key(self, id: InterfaceName) -> str:
        return f"{self.namespace[id.node]}:{id.name}"

    def _within(self, node: str, tool: str, commands: Iterable[str]) -> Iterator[str]:
        for how, rows in _fed(tool, commands):
            yield from (f"within {quote(self.namespace[node])} {how} <<'END'", *rows, "END")

    def _again(self, key: str, node: str, tool: str, commands: Iterable[str]) -> Iterator[str]:
        for how, rows in _fed(tool, commands):
            yield from (f"  again {key} {quote(self.namespace[node])} {how} <<'END'", *rows, "END")


def _fed(tool: str, commands: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """What a tool is given in a batch, and what line by line, as a line has too many words for that."""
    lines = [line for command in commands for line in split(tuple(command.split()))]
    for how, long in ((tool, False), (f"lines {tool}", True)):
        if rows := [" ".join(line) for line in lines if is_long(line) is long]:
            yield how, rows


def _reshaping(before: list[Arguments], after: list[Arguments]) -> Iterator[str]:
    """The commands that lead from one shaping of an interface to another.

    They change it in place, where its queueing disciplines are of the same kinds and none would keep what it
    is not to have; otherwise what waits in its queues is lost.
    """
    if before == after:
        return
    if [_place(command) for command in before] == [_place(command) for command in after] and all(
        set(_KEPT) & set(old) <= set(new) for old, new in zip(before, after, strict=True)
    ):
        yield from (" ".join(("qdisc", "change", *command[2:])) for command in after)
        return
    if before:
        yield f"qdisc del dev {before[0][3]} root"
    yield from map(" ".join, after)


def _place(command: Arguments) -> Arguments:
    """Where a queueing discipline is, and its kind."""
    kind = next(place for place, word in enumerate(command) if place > 3 and word in QDISCS)
    return command[: kind + 1]


def _without(route: Arguments, down: set[str]) -> Arguments:
    """A route without the next hops by interfaces that are down; nothing where it has no other."""
    hops, more = way(route[1:])
    kept = [hop for hop in hops if _device(hop) not in down]
    if len(kept) == 1:  # which has no weight
        words = kept[0].removeprefix("nexthop ").split()
        kept = [" ".join((*words[:4], *("onlink",) * (words[-1] == "onlink" and len(words) > 4)))]
    return (route[0], *more, *kept) if kept else ()


def _device(hop: str) -> str:
    """The interface of a next hop."""
    return hop.partition("dev ")[2].partition(" ")[0]


def _described(event: Event) -> str:
    """An event in the words of the language, for every interface and link that it means."""
    return "; ".join(map(_change, event.changes))


def _change(change: Change) -> str:
    if isinstance(change, Switching):
        return f"{'up' if change.up else 'down'} {change.link[0]} -- {change.link[1]}"
    return " ".join(["shape", str(change.interface), *_attributes(change.shaping)])


def _attributes(shaping: Shaping) -> Iterator[str]:
    """What `link`, `shape` and events have set, in the order in which the first of them did."""
    for name in dict(shaping.places):
        if name in FORMS:
            yield from (name, FORMS[name](getattr(shaping, name)))
