"""The play script, which applies a lab's events at their times and then restores the state after up."""

from collections.abc import Iterable, Iterator

from compiler.model.events import Change, Event, Reshaping, Switching
from compiler.model.lab import Lab
from compiler.model.links import FORMS, InterfaceName, Port, Shaping
from compiler.model.routes import Spray
from compiler.model.vlans import home
from compiler.plan import turns
from compiler.plan.commands import Words, is_long, owned, qdisc, route
from compiler.plan.facts import OwnAddress, Qdisc, Routes, Turns
from compiler.plan.needs import QDISCS
from compiler.plan.plan import Plan
from compiler.plan.traffic import qdiscs
from compiler.scripts.bash import head, need_tools, runtime_of, script
from compiler.scripts.quoting import join, quote

HUNDREDTH = 10**4
"""A hundredth of a second in microseconds, the resolution of /proc/uptime."""

USAGE = "play.sh [--for SECONDS]"
OPTIONS = ("--for SECONDS  ends the play then, before its last event or after it",)
TOGETHER = "play.sh [--at EPOCH] [--for SECONDS]"
AT = "--at EPOCH     begins it at that time, in seconds since 1970, as on the other machines"

_KEPT = ("corrupt", "reorder", "rate", "distribution", "slot")
"""The parameters that netem keeps if a change omits them (netem_change of net/sched/sch_netem.c)."""


def play(lab: Lab, plan: Plan) -> Iterator[str]:
    """The script that plays the events of a running lab."""
    kind, what = runtime_of("play", plan), f'Plays the events of the lab "{plan.lab}" that is up'
    usage, options = (TOGETHER, (AT, *OPTIONS)) if plan.machine else (USAGE, OPTIONS)
    start = head(plan, kind, what, usage, options)
    player = _Player(lab, plan)
    events = list(player.events())
    needs = need_tools(("ip", "tc", "nsenter", "unshare", "flock", *(("nft",) if player.sprays else ())))
    functions = {"needs": [*needs, *player.needs()], "restore": player.restore(), "events": events}
    call = ("needs", "begin", *(("meet",) if plan.machine else ()), "events", "close")
    return script(start, functions, kind, call)


class _Player:
    """Goes through the events of a lab in order, and tracks the state that they lead to."""

    def __init__(self, lab: Lab, plan: Plan) -> None:
        self.lab = lab
        self.namespace = {node.name: node.namespace for node in lab.nodes}
        self.here = set(plan.namespaces)
        """The namespaces of this machine; what changes in others, their own scripts change."""
        self.ends = {end.id: end for link in lab.links for end in link.ends}
        self.shaped = dict(self.ends)
        self.down: set[InterfaceName] = set()
        self.addresses: dict[tuple[str, str], list[OwnAddress]] = {}
        self.routes: dict[str, list[Routes]] = {name: [] for name in plan.namespaces}
        self.sprays: dict[str, list[Spray]] = {}
        """By namespace, if links go down: next hops that lead there are avoided for a while."""
        changes = (change for event in lab.events for change in event.changes)
        switches = any(isinstance(change, Switching) for change in changes)
        for fact in plan.facts:
            if isinstance(fact, OwnAddress):
                self.addresses.setdefault((fact.namespace, fact.device), []).append(fact)
            elif isinstance(fact, Routes):
                self.routes[fact.namespace].append(fact)
            elif isinstance(fact, Turns) and switches:
                self.sprays.setdefault(fact.namespace, []).append(fact.spray)

    def needs(self) -> Iterator[str]:
        """Tests that the kernel has the queueing disciplines that events add."""
        changes = [change for event in self.lab.events for change in event.changes]
        reshaped = (one for one in changes if isinstance(one, Reshaping) and self._has(one.interface))
        found = {one.kind for change in reshaped for one in self._qdiscs(self._shaped(change))}
        if kinds := [kind for kind in QDISCS if kind in found]:
            yield join(("need_queues", *kinds)) + " <<'END'"
            yield from (f"qdisc replace dev lo root {kind} {' '.join(QDISCS[kind])}" for kind in kinds)
            yield "END"

    def _has(self, id: InterfaceName) -> bool:
        return self.namespace[id.node] in self.here

    def _shaped(self, change: Reshaping) -> Port:
        return self.ends[change.interface]._replace(shaping=change.shaping)

    def _qdiscs(self, end: Port) -> list[Qdisc]:
        return list(qdiscs(self.namespace[end.node], end))

    def events(self) -> Iterator[str]:
        for event in self.lab.events:
            time = str(round(event.time / HUNDREDTH))
            yield from ("", f"await {time}")
            for change in event.changes:
                yield from self._reshape(change) if isinstance(change, Reshaping) else self._switch(change)
            yield join(("happened", time, _described(event)))

    def _reshape(self, change: Reshaping) -> Iterator[str]:
        if not self._has(change.interface):
            return
        before = self.shaped[change.interface]
        after = self.shaped[change.interface] = self._shaped(change)
        if commands := list(_reshaping(self._qdiscs(before), self._qdiscs(after))):
            yield f"alter {self._key(change.interface)}"
            yield from self._within(change.interface.node, "tc", commands)

    def _switch(self, change: Switching) -> Iterator[str]:
        (self.down.difference_update if change.up else self.down.update)(change.link)
        own = [id for id in change.link if self._has(id)]
        yield from ("alter links",) if own else ()
        yield from ("alter turns",) if self.sprays else ()
        for id in own:
            down = ("link", "set", "dev", id.name, "down")
            yield from self._within(id.node, "ip", self._up(id) if change.up else [down])
        for id in own if change.up else ():
            here = self.namespace[id.node]
            gone = {other.name for other in self.down if self.namespace[other.node] == here}
            left = (_without(routes, gone) for routes in self._by(id.node, {id.name}))
            yield from self._within(id.node, "ip", _replaced(routes for routes in left if routes.hops))

    def _up(self, id: InterfaceName) -> list[Words]:
        """Commands that bring an interface up and restore the addresses that the kernel removed at down."""
        own = self.addresses.get((self.namespace[id.node], id.name), [])
        return [("link", "set", "dev", id.name, "up"), *(owned(address, "replace") for address in own)]

    def _by(self, node: str, interfaces: set[str]) -> list[Routes]:
        """The routes of a node with a next hop through one of some interfaces."""
        own = self.routes[self.namespace[node]]
        return [routes for routes in own if any(hop.interface in interfaces for hop in routes.hops)]

    def restore(self) -> Iterator[str]:
        """A bash function that restores the state after up from the state after any event."""
        changes = [change for event in self.lab.events for change in event.changes]
        switched = dict.fromkeys(
            id for change in changes if isinstance(change, Switching) for id in change.link if self._has(id)
        )
        reshaped = (change.interface for change in changes if isinstance(change, Reshaping))
        shaped = dict.fromkeys(id for id in reshaped if self._has(id))
        for id in switched:
            yield from self._again("links", id.node, "ip", self._up(id))
        for node in dict.fromkeys(id.node for id in switched):
            own = {id.name for id in switched if id.node == node}
            yield from self._again("links", node, "ip", _replaced(self._by(node, own)))
        for id in shaped:
            added = [qdisc(one, "add") for one in self._qdiscs(self.ends[id])]
            yield from self._again(self._key(id), id.node, "tc", [_deleted(id.name), *added])
        for namespace, sprays in self.sprays.items():
            rows = (" ".join(line) for line in turns.forgotten(sprays))
            yield from (f"again turns {quote(namespace)} lines nft <<'END'", *rows, "END")
        yield ":"

    def _key(self, id: InterfaceName) -> str:
        return f"{self.namespace[id.node]}:{id.name}"

    def _within(self, node: str, tool: str, commands: Iterable[Words]) -> Iterator[str]:
        for how, rows in _fed(tool, commands):
            yield from (f"within {quote(self.namespace[node])} {how} <<'END'", *rows, "END")

    def _again(self, key: str, node: str, tool: str, commands: Iterable[Words]) -> Iterator[str]:
        for how, rows in _fed(tool, commands):
            yield from (f"again {key} {quote(self.namespace[node])} {how} <<'END'", *rows, "END")


def _fed(tool: str, commands: Iterable[Words]) -> Iterator[tuple[str, list[str]]]:
    """Commands of a tool by how it gets them: as a batch, or singly if a line has too many words."""
    lines = list(commands)
    for how, long in ((tool, False), (f"lines {tool}", True)):
        if rows := [" ".join(line) for line in lines if is_long(line) is long]:
            yield how, rows


def _reshaping(before: list[Qdisc], after: list[Qdisc]) -> Iterator[Words]:
    """The commands that change the queueing disciplines of an interface.

    They change them in place, if the kinds are the same and none would keep a parameter that it is to lose;
    else they replace them, and queued packets are lost.
    """
    if before == after:
        return
    if [(one.place, one.kind) for one in before] == [(one.place, one.kind) for one in after] and all(
        _kept(old) <= _kept(new) for old, new in zip(before, after, strict=True)
    ):
        yield from (qdisc(one, "change") for one in after)
        return
    if before:
        yield _deleted(before[0].device)
    yield from (qdisc(one, "add") for one in after)


def _kept(one: Qdisc) -> set[str]:
    """The parameters of a queueing discipline that it keeps if a change omits them."""
    correlated = {
        name
        for name, *words in one.parameters
        if name in ("loss", "duplicate") and words[1:] and "gemodel" not in words
    }
    return correlated | {name for name, *_ in one.parameters if name in _KEPT}


def _deleted(device: str) -> Words:
    return ("qdisc", "del", "dev", device, "root")


def _without(routes: Routes, down: set[str]) -> Routes:
    """Routes without next hops through interfaces that are down; a single remaining one has no weight."""
    left = tuple(hop for hop in routes.hops if hop.interface not in down)
    return routes._replace(hops=(left[0]._replace(weight=None),) if len(left) == 1 else left)


def _replaced(every: Iterable[Routes]) -> Iterator[Words]:
    for routes in every:
        for target in routes.targets:
            yield from route(routes, "replace", target)


def _described(event: Event) -> str:
    """An event in the notation of the language, with all interfaces and links that it concerns."""
    return "; ".join(map(_change, event.changes))


def _change(change: Change) -> str:
    if isinstance(change, Switching):
        return f"{'up' if change.up else 'down'} {home(change.link[0])} -- {home(change.link[1])}"
    return " ".join(["shape", str(home(change.interface)), *_attributes(change.shaping)])


def _attributes(shaping: Shaping) -> Iterator[str]:
    """The attributes set by `link`, `shape` and events, in the order of their first setting."""
    for name in dict(shaping.places):
        if name in FORMS:
            yield from (name, *shaping.said(name))
