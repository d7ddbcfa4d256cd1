"""Syntax to Lab: resolves names, merges attributes by precedence, and reports errors.

Statements may stand in any order, so they are resolved kind by kind: declarations before references.
"""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeVar, cast

from compiler.ground.diagnostics import Diagnostics, Note
from compiler.ground.names import NAME_FORM, default_name, is_name, shown_file
from compiler.ground.source import Source, Span
from compiler.language import syntax
from compiler.language.sets import node_of
from compiler.model.lab import Lab, Metric
from compiler.model.links import InterfaceName, Link
from compiler.model.networks import Network, bounds
from compiler.model.nodes import Node, PortForward, Role, Uplink
from compiler.model.routes import ExplicitRoute, SprayPair
from compiler.model.vlans import parted
from compiler.resolve.attributes import NO_ADDRESSES_HELP, bad_network, has_unusable, read_network
from compiler.resolve.links import Defaults, Linker, declare_profile, read_default
from compiler.resolve.nodes import Declarer
from compiler.resolve.pairs import Pairs
from compiler.resolve.routes import routes
from compiler.resolve.scope import Scope
from compiler.resolve.services import Masquerades, PortForwards, Sysctls

if TYPE_CHECKING:
    from compiler.resolve.machines import Machines

Kind = TypeVar("Kind")

DEFAULT_POOL = ip_network("10.0.0.0/8")


def resolve(statements: Iterable[syntax.Statement], source: Source, diagnostics: Diagnostics) -> Lab:
    """The lab of flat statements, with pinned addresses only."""
    return _Resolver(tuple(statements), source, diagnostics).lab()


def lab_name(statements: Iterable[syntax.Statement], source: Source) -> str:
    """The name in the `lab` statement, or the stem of the file name; `lab` if that is not a valid name."""
    written = next((one.name.text for one in statements if isinstance(one, syntax.Lab)), "")
    name = written or default_name(source.name)
    return name if is_name(name) else "lab"


def check_name(statements: Iterable[syntax.Statement], source: Source, diagnostics: Diagnostics) -> None:
    """Reports an invalid lab name. It is checked last, as nothing else depends on it."""
    written = next((one.name for one in statements if isinstance(one, syntax.Lab)), None)
    if written:
        Scope(diagnostics).name(written, "a lab")
    elif not is_name(stem := default_name(source.name)):
        message = f"the file's name, `{stem}`, cannot name a lab"
        help = f"write `lab NAME`; {NAME_FORM}"
        diagnostics.error("MPC203", message, Span(source, 0, 0), "no `lab` here", help)


class _Resolver:
    def __init__(
        self, statements: tuple[syntax.Statement, ...], source: Source, diagnostics: Diagnostics
    ) -> None:
        self.of_kind: dict[type, list[syntax.Statement]] = {}
        for statement in statements:
            self.of_kind.setdefault(type(statement), []).append(statement)
        self.resolved: set[type] = set()
        self.source = source
        self.diagnostics = diagnostics
        self.scope = Scope(diagnostics)
        self._names_of_links: set[str] | None = None

    def lab(self) -> Lab:
        name = lab_name(self._all(syntax.Lab), self.source)
        declarer = self._declared(name)
        linker = self._linker()
        pools = self._pools()
        links = linker.finish()
        machines = self._machines()
        if machines:
            links = machines.crossed(links, linker.numbers())
        links = self._carried(links, pools[0].version)
        self.scope.know_segments()
        linked = {name for pair in self.scope.between for name in pair}
        if not linked >= self.scope.nodes.keys():
            for declaration in self._all(syntax.Declaration):
                declarer.check_names(declaration)
        for node in declarer.nodes.values():
            self._check_node(node, linked)
        pairs = Pairs(self.scope)
        for statement in self._all(syntax.Mptcp):
            pairs.add(statement)
        sprays = self._sprays()
        sysctls = self._sysctls()
        lab = Lab(
            name=name,
            source=shown_file(PurePath(self.source.name).name),
            pools=pools,
            metric=self._metric(),
            aggregate=self._routes_by("aggregate"),
            failover=self._routes_by("failover"),
            daemon=self._routes_by("daemon"),
            nodes=self._with_settings(_switches_last(declarer.nodes.values()), links, sysctls),
            links=links,
            interfaces=self.scope.interfaces,
            explicit_routes=self._explicit_routes(),
            pairs=tuple(pairs.found.values()),
            sprays=sprays,
            port_forwards=self._port_forwards(),
            uplink=self._uplink(declarer.nodes),
            span=Span(self.source, 0, 0),
        )
        lab = self._with_events(self._with_trials(lab, declarer.nodes), linker)
        lab = self._with_devices(lab, declarer.nodes)
        lab = machines.finish(lab) if machines else lab
        self._check_profiles()
        assert self.resolved >= self.of_kind.keys(), "a kind of statement that nobody resolves"
        return lab

    def _all(self, kind: type[Kind]) -> list[Kind]:
        self.resolved.add(kind)
        return cast("list[Kind]", self.of_kind.get(kind, []))

    def _only(self, kind: type[Kind], what: str) -> Kind | None:
        """The only statement of a kind; further ones are errors."""
        found = self._all(kind)
        for again in found[1:]:
            self.scope.set_twice(what, again.span, found[0].span)  # type: ignore[attr-defined]
        return found[0] if found else None

    def _linked(self) -> set[str]:
        """The nodes in `link` statements, declared or not, and the names in statements that did not parse."""
        if self._names_of_links is None:
            chains = (nodes.words for link in self._all(syntax.Link) for nodes in link.chain)
            named = (node_of(word) for words in chains for word in words)
            self._names_of_links = {*self.diagnostics.excused, *named}
        return self._names_of_links

    def _declared(self, lab: str) -> Declarer:
        self._only(syntax.Lab, "the lab's name")
        declarer = Declarer(lab, self.scope, self._linked)
        for statement in self._all(syntax.Declaration):
            declarer.add(statement)
        return declarer

    def _linker(self) -> Linker:
        """The Linker, with all links made and shaped."""
        for profile in self._all(syntax.Profile):
            declare_profile(profile, self.scope)
        defaults: Defaults = {}
        for statement in self._all(syntax.DefaultLink):
            read_default(statement, defaults, self.scope)
        linker = Linker(self.scope, defaults)
        for link in self._all(syntax.Link):
            linker.add(link)
        self._add_tunnels(linker)
        self._add_bonds(linker)
        linker.join()
        if self.scope.bonds:
            from compiler.resolve.bonds import choose

            choose(self.scope)
        for shape in self._all(syntax.Shape):
            linker.shape(shape)
        return linker

    def _add_tunnels(self, linker: Linker) -> None:
        """Adds tunnels to the links; what resolves them is imported for labs that have any."""
        statements = self._all(syntax.Tunnel)
        if not statements:
            return
        from compiler.resolve.tunnels import add

        for statement in statements:
            add(statement, linker)

    def _add_bonds(self, linker: Linker) -> None:
        """Adds bonds and teqls to the links; as above."""
        statements: list[syntax.Bond | syntax.Teql] = [*self._all(syntax.Bond), *self._all(syntax.Teql)]
        if not statements:
            return
        from compiler.resolve.bonds import add

        for statement in statements:
            add(statement, linker)

    def _carried(self, links: tuple[Link, ...], version: int) -> tuple[Link, ...]:
        """The links, with path and MTU for each tunnel, and legs and MTU for each bond or teql; as above."""
        if self.scope.tunnels:
            from compiler.resolve.tunnels import carried

            links = carried(links, self.scope, version)
        if self.scope.bonds:
            from compiler.resolve.bonds import bonded

            links = bonded(links, self.scope)
        return links

    def _machines(self) -> "Machines | None":
        """The machines of a lab that has any; as above."""
        declared, places = self._all(syntax.Machine), self._all(syntax.Place)
        if not (declared or places):
            return None
        from compiler.resolve.machines import Machines

        machines = Machines(self.scope)
        for one in declared:
            machines.declare(one)
        for place in places:
            machines.place(place)
        return machines

    def _sprays(self) -> tuple[SprayPair, ...]:
        """The pairs whose packets take turns; as above."""
        statements = self._all(syntax.Spray)
        if not statements:
            return ()
        from compiler.resolve.sprays import Sprays

        sprays = Sprays(self.scope)
        for statement in statements:
            sprays.add(statement)
        return tuple(sprays.found.values())

    def _port_forwards(self) -> tuple[PortForward, ...]:
        forwards = PortForwards(self.scope)
        for statement in self._all(syntax.PortForward):
            forwards.add(statement)
        return tuple(forwards.found.values())

    def _uplink(self, nodes: dict[str, Node]) -> Uplink | None:
        """The uplink; its module is imported only for a lab that has one."""
        statements = self._all(syntax.Uplink)
        if not statements:
            return None
        from compiler.resolve.uplinks import uplink

        return uplink(statements, nodes, self.scope)

    def _check_profiles(self) -> None:
        for (_, name), known in self.scope.profiles.items():
            if not known.used:
                message = f"the profile `{name}` is not used"
                self.diagnostics.warning("MPC708", message, known.span, "no link names it")

    def _with_trials(self, lab: Lab, nodes: dict[str, Node]) -> Lab:
        """The lab with its trials, whose module is imported only for a lab that has any."""
        if not self.of_kind.keys() & {syntax.Expect, syntax.Bench, syntax.Run, syntax.Capture}:
            return lab
        from compiler.resolve.trials import Trials

        made = (device.interfaces for device in self._all(syntax.Device))
        devices = {word.text for interfaces in made for word in interfaces.words if ":" in word.text}
        trials = Trials(self.scope, nodes, lab.pairs, devices)
        for expect in self._all(syntax.Expect):
            trials.expect(expect)
        for bench in self._all(syntax.Bench):
            trials.bench(bench)
        for run in self._all(syntax.Run):
            trials.run(run)
        for capture in self._all(syntax.Capture):
            trials.capture(capture)
        return replace(
            lab,
            expectations=tuple(trials.expectations),
            benches=tuple(trials.benches),
            runs=tuple(trials.runs),
            captures=tuple(trials.captures),
        )

    def _with_devices(self, lab: Lab, nodes: dict[str, Node]) -> Lab:
        """The lab with what commands make; as above."""
        statements = self._all(syntax.Device)
        if not statements:
            return lab
        from compiler.resolve.devices import Devices

        devices = Devices(self.scope, nodes)
        for statement in statements:
            devices.add(statement)
        return replace(lab, devices=tuple(devices.found))

    def _with_events(self, lab: Lab, linker: Linker) -> Lab:
        """The lab with its events, whose module is imported only for a lab that has any."""
        events = self._all(syntax.At)
        if not events:
            return lab
        from compiler.resolve.events import Events

        return replace(lab, events=Events(self.scope, linker).all(events))

    def _check_node(self, node: Node, linked: set[str]) -> None:
        """Reports a node without links, and devices of a node whose names are taken by links."""
        if node.bridge:
            self._check_device(InterfaceName(node.name, node.bridge.name), node.span, "the bridge itself")
        elif node.name not in linked and not self.diagnostics.failed:
            from compiler.ground.mends import name

            help = name(node.name) or f"write `link {node.name} -- NODE`"
            self.diagnostics.warning(
                "MPC701", f"nothing reaches `{node.name}`", node.span, "has no link", help
            )
        for own in node.all_addresses:
            self._check_device(InterfaceName(node.name, own.device), own.span, "a dummy device here")

    def _check_device(self, device: InterfaceName, span: Span, label: str) -> None:
        """Reports a device that has the name of a link's interface."""
        if device in self.scope.ports:
            end = next(end for end in self.scope.links[self.scope.ports[device]].ends if end.id == device)
            message = f"`{device.node}` has two interfaces named `{device.name}`"
            note = Note("the other one", end.span)
            self.diagnostics.error("MPC208", message, span, label, "", note)

    def _sysctls(self) -> Sysctls:
        sysctls = Sysctls(self.scope)
        for sysctl in self._all(syntax.Sysctl):
            sysctls.add(sysctl)
        return sysctls

    def _with_settings(
        self, nodes: list[Node], links: tuple[Link, ...], sysctls: Sysctls
    ) -> tuple[Node, ...]:
        """The nodes with their sysctls and their masquerading interfaces."""
        masquerades = Masquerades(self.scope)
        for masquerade in self._all(syntax.Masquerade):
            masquerades.add(masquerade)
        outs = {node.name: [own.device for own in node.all_addresses if own.device != "lo"] for node in nodes}
        for link in (link for link in parted(links, self.scope.switches) if not link.leg):
            for end in link.ends:
                if end.node in outs:
                    outs[end.node].append(end.name)
        return tuple(
            node._replace(
                sysctls=tuple(sysctls.values.get(node.name, {}).items()),
                sysctl_places=tuple(
                    sysctls.places[node.name, key] for key in sysctls.values.get(node.name, {})
                ),
                masquerade=tuple(masquerades.of(node.name, outs[node.name])),
            )
            for node in nodes
        )

    def _pools(self) -> tuple[Network, ...]:
        """The pools, IPv4 first: one a family, and `10.0.0.0/8` if none is written."""
        written: dict[int, tuple[Network, Span]] = {}
        for statement in self._all(syntax.Pool):
            if (pool := self._pool(statement)) is None:
                continue
            first = written.setdefault(pool.version, (pool, statement.span))
            if first[1] is not statement.span:
                self.scope.set_twice(f"the IPv{pool.version} pool", statement.span, first[1])
        return tuple(written[version][0] for version in sorted(written)) or (DEFAULT_POOL,)

    def _pool(self, statement: syntax.Pool) -> Network | None:
        pool = read_network(statement.prefix)
        if pool is None:
            bad_network(statement.prefix, "10.0.0.0/8", self.diagnostics)
        elif has_unusable(pool.version, *bounds(pool)):
            message = f"addresses of `{pool}` cannot be given to interfaces"
            self.diagnostics.error(
                "MPC407", message, statement.prefix.span, "not for hosts", NO_ADDRESSES_HELP
            )
            return None
        return pool

    def _routes_by(self, word: str) -> bool:
        """Whether a word is in the `routing` of the lab."""
        statements = self._all(syntax.Routing)
        return any(word in (one.kind.text, one.option and one.option.text) for one in statements)

    def _explicit_routes(self) -> tuple[ExplicitRoute, ...]:
        found = tuple(r for s in self._all(syntax.Route) for r in routes(s, self.scope))
        self._check_aggregate(found)
        return found

    def _check_aggregate(self, explicit: tuple[ExplicitRoute, ...]) -> None:
        """Reports a route with a metric, beside which no route to its target alone would stand."""
        if not self._routes_by("aggregate"):
            return
        for one in explicit:
            if one.metric and not one.within:
                message = "`aggregate` leaves no route to this target alone, beside which a metric counts"
                help = "leave `aggregate` out, or `metric`"
                self.diagnostics.error("MPC531", message, one.span, "has a metric", help)
                return

    def _metric(self) -> Metric | None:
        statement = self._only(syntax.Routing, "`routing`")
        if statement is None:
            return Metric.HOPS
        if statement.kind.text in ("none", "daemon"):
            return None
        return Metric(statement.metric.text) if statement.metric else Metric.HOPS


def _switches_last(nodes: Iterable[Node]) -> list[Node]:
    """The nodes in written order, but switches after all others, as scripts make them in this order."""
    return sorted(nodes, key=lambda node: node.role is Role.SWITCH)
