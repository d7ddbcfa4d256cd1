"""`machine` and `place`: the machines of a lab, which nodes are on each, and the links between them.

Nothing is looked up, so that a lab compiles to the same scripts everywhere: what other machines need to know
of one is its address, which is written.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_address

from compiler.ground import units
from compiler.ground.diagnostics import Diagnostics, Note, listed, suggest
from compiler.ground.names import is_name
from compiler.ground.source import Span
from compiler.language import syntax
from compiler.language.sets import unique
from compiler.model.lab import Lab
from compiler.model.links import DEFAULT_MTU, OVERHEAD, Link, LinkKind, Underlay
from compiler.model.machines import DEFAULT_MTU as MACHINE_MTU
from compiler.model.machines import Machine
from compiler.model.networks import Address
from compiler.model.segments import domains
from compiler.resolve.attributes import has_unusable, quantity
from compiler.resolve.scope import Scope

SSH = re.compile(
    r"(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]*)@)?"
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9][A-Za-z0-9_.-]*))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
"""What ssh(1) takes, as a user, a host and a port."""

SSH_FORM = (
    'write it as `"USER@HOST:PORT"`, USER and PORT left out where ssh knows them, an IPv6 HOST in `[...]`'
)

LEAST_MTU, MOST_MTU = 576, 65535
"""Bytes of an IP packet between machines: the least is what each IPv4 host takes (RFC 791)."""

MOST_NAMED = 8
"""The most nodes that a message names."""

PORT = re.compile(r"[1-9][0-9]{0,4}")


class Machines:
    """The machines that are declared so far, and where nodes are."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.found: dict[str, Machine] = {}
        self.lowered: dict[str, syntax.Word] = {}
        self.placed: dict[str, tuple[str, Span]] = {}

    @property
    def diagnostics(self) -> Diagnostics:
        return self.scope.diagnostics

    # --- statements -----------------------------------------------------------------------------------

    def declare(self, statement: syntax.Machine) -> None:
        """Adds the machine of one statement."""
        name, first = statement.name, self.lowered.get(statement.name.text.lower())
        if first:
            message, note = (
                f"the machine `{name.text}` is declared twice",
                Note("first declared here", first.span),
            )
            self.diagnostics.error("MPC202", message, name.span, "declared again", "", note)
            return
        if not is_name(name.text):
            self.scope.name(name, "a machine")
            return
        self.lowered[name.text.lower()] = name
        items = self._items(statement)
        reached = self._ssh(statement.ssh)
        if reached is None:
            return
        user, host, port = reached
        address = self._address(items.get("address"), statement, host)
        mtu = self._mtu(items.get("mtu"))
        rate = self._rate(items.get("rate"))
        if address is None:
            return
        machine = Machine(name.text, user, host, port, address, mtu, rate, statement.span)
        self._is_alone(machine)
        self.found[name.text] = machine

    def _items(self, statement: syntax.Machine) -> dict[str, syntax.Attribute]:
        found: dict[str, syntax.Attribute] = {}
        for item in statement.items:
            first = found.setdefault(item.keyword.text, item)
            if first is not item:
                self.scope.set_twice(f"`{item.keyword.text}`", item.span, first.span)
        return found

    def _ssh(self, word: syntax.Word | syntax.String) -> tuple[str | None, str, int | None] | None:
        """The user, the host and the port."""
        match = SSH.fullmatch(word.text)
        port = int(match["port"]) if match and match["port"] else None
        six = match["six"] if match else None
        if match is None or not (port is None or 0 < port < 2**16) or (six and _read(six) is None):
            message = f"`{word.text}` is no host that ssh can be told"
            self.diagnostics.error("MPC223", message, word.span, "no host", SSH_FORM)
            return None
        return match["user"], six or match["host"], port

    def _address(self, item: syntax.Attribute | None, statement: syntax.Machine, host: str) -> Address | None:
        """The address that other machines know: the written one, or the host where that is one."""
        text, span = (item.value.text, item.value.span) if item else (host, statement.ssh.span)
        address = _read(text)
        if address is None and item is None:
            message = f"the address of the machine `{statement.name.text}` is not known: `{host}` is a name"
            help = "write `address ADDRESS`, by which the other machines reach it: no name is looked up"
            self.diagnostics.error("MPC222", message, span, "no address", help)
        elif address is None:
            message = f"`{text}` is not an address"
            help = "write one without a prefix length, like `192.0.2.1` or `2001:db8::1`"
            self.diagnostics.error("MPC401", message, span, "not an address", help)
        elif has_unusable(address.version, int(address), int(address)):
            message = f"`{text}` cannot be the address by which other machines reach one"
            self.diagnostics.error("MPC407", message, span, "not an address of a network between machines")
            return None
        return address

    def _mtu(self, item: syntax.Attribute | None) -> int:
        read = item and quantity(
            item.value, lambda word: units.number(word, LEAST_MTU, MOST_MTU), "mtu", self.diagnostics
        )
        return read or MACHINE_MTU

    def _rate(self, item: syntax.Attribute | None) -> int | None:
        return quantity(item.value, units.rate, "rate", self.diagnostics) if item else None

    def _is_alone(self, machine: Machine) -> None:
        for other in self.found.values():
            if not (machine.span and other.span):
                continue
            if other.address == machine.address:
                message = f"the machines `{other.name}` and `{machine.name}` have one address"
                note = Note("the other one", other.span)
                label = f"{machine.address} too"
                self.diagnostics.error("MPC221", message, machine.span, label, "", note)
            elif (other.host.lower(), other.port) == (machine.host.lower(), machine.port):
                message = f"ssh has one host for the machines `{other.name}` and `{machine.name}`"
                note = Note("the other one", other.span)
                help = "place the nodes of both on one of them; another machine has another HOST, or PORT"
                self.diagnostics.error("MPC437", message, machine.span, f"`{machine.host}` too", help, note)

    def place(self, statement: syntax.Place) -> None:
        """Puts nodes on a machine."""
        name = statement.machine.text
        if name not in self.lowered and name.lower() not in self.lowered:
            known = [word.text for word in self.lowered.values()]
            help = suggest(name, known) or 'a machine is declared with `machine NAME ssh "HOST"`'
            message = f"unknown machine `{name}`"
            self.diagnostics.error(
                "MPC219", message, statement.machine.span, "no machine has this name", help
            )
        for word in unique(statement.nodes):
            node = self.scope.node(word)
            if node is None:
                continue
            first = self.placed.setdefault(node, (name, word.span))
            if first[1] is not word.span:
                self.scope.set_twice(f"the machine of `{node}`", word.span, first[1])

    # --- the lab --------------------------------------------------------------------------------------

    def on(self) -> dict[str, str]:
        """The machine of each node; reports nodes without one."""
        missing = [name for name in self.scope.nodes if name not in self.placed]
        if missing and not self.diagnostics.failed:
            names = listed(f"`{name}`" for name in missing[:MOST_NAMED])
            more = f" and {len(missing) - MOST_NAMED} more" if missing[MOST_NAMED:] else ""
            message = f"no machine has {names}{more}"
            words = ",".join(missing[:MOST_NAMED])
            some = "{" + words + "}" if missing[1:] else words
            help = f"write `place {some} on MACHINE`: with any `machine`, each node has a place"
            self.diagnostics.error("MPC220", message, self.scope.nodes[missing[0]], "on no machine", help)
        return {name: machine for name, (machine, _) in self.placed.items()}

    def crossed(self, links: tuple[Link, ...], numbers: Mapping[int, tuple[int, Span]]) -> tuple[Link, ...]:
        """The links, those between machines as VXLANs; `numbers` are pinned ones, by the place of the link.

        A VXLAN's MTU is what the network between its machines takes. A broadcast domain with one has one MTU,
        as a bridge drops what is too long for a port, and tells nobody.
        """
        on = self.on()
        found = list(links)
        self._check_numbers(numbers)
        if self.diagnostics.failed:
            return links
        for place, link in enumerate(links):
            machines = on[link.left.node], on[link.right.node]
            if machines[0] != machines[1]:
                found[place] = self._over(link, place, machines, numbers)
            elif place in numbers:
                message = "this `vni` has no effect: both ends of the link are on one machine"
                self.diagnostics.warning("MPC793", message, numbers[place][1], "between no machines")
        return _with_equal_mtus(tuple(found), self.scope.switches)

    def _over(
        self, link: Link, place: int, names: tuple[str, str], numbers: Mapping[int, tuple[int, Span]]
    ) -> Link:
        """A link between two machines."""
        left, right = (self.found[name] for name in names)
        if place in self.scope.tunnels or place in self.scope.bonds:
            self._refuse(link, "tunnel" if place in self.scope.tunnels else link.kind, names)
            return link
        if left.address.version != right.address.version:
            message = f"`{left.name}` has an address of IPv{left.address.version}, and `{right.name}` one of"
            message += f" IPv{right.address.version}, so no link can join nodes on them"
            self.diagnostics.error(
                "MPC224", message, link.span, "between these machines", "write `address` for one"
            )
            return link
        overhead = OVERHEAD[LinkKind.VXLAN, left.address.version]
        most = min(left.mtu, right.mtu) - overhead
        if link.mtu is not None and link.mtu > most:
            message = f"an MTU of {link.mtu} is too large between `{left.name}` and `{right.name}`"
            help = f"write at most `mtu {most}`, or leave it out"
            label = f"their network takes {most + overhead} bytes, {overhead} of them for the VXLAN"
            self.diagnostics.error("MPC312", message, link.span, label, help)
        number = numbers[place][0] if place in numbers else 0
        underlay = Underlay(number, (left.address, right.address), place in numbers)
        mtu = link.mtu or min(DEFAULT_MTU, most)
        return link._replace(kind=LinkKind.VXLAN, mtu=mtu, underlay=underlay)

    def _check_numbers(self, numbers: Mapping[int, tuple[int, Span]]) -> None:
        first: dict[int, Span] = {}
        for number, span in numbers.values():
            if number in first:
                message, note = f"two links have the VNI {number}", Note("the other one", first[number])
                help = "write `vni` for each link alone: it tells links between machines apart"
                self.diagnostics.error("MPC225", message, span, "again", help, note)
            first.setdefault(number, span)

    def _refuse(self, link: Link, what: str, machines: Iterable[str]) -> None:
        names = listed([f"`{name}`" for name in machines])
        message = f"a {what} cannot go over several machines, and this one is on {names}"
        help = f"place all that the {what} goes over on one machine"
        self.diagnostics.error("MPC529", message, link.span, "not on one machine", help)

    def finish(self, lab: Lab) -> Lab:
        """The lab with its machines; reports what cannot go over several of them."""
        on = {name: machine for name, (machine, _) in self.placed.items()}
        if self.diagnostics.failed:
            return lab
        for link in lab.links:
            passed = (on[end.node] for pair in link.tunnel.links for end in pair) if link.tunnel else ()
            if len(names := dict.fromkeys(passed)) > 1:
                self._refuse(link, "tunnel", names)
        self._check_trees(lab)
        self._check_empty(on)
        nodes = tuple(node._replace(machine=on[node.name]) for node in lab.nodes)
        return replace(lab, nodes=nodes, machines=tuple(self.found.values()))

    def _check_trees(self, lab: Lab) -> None:
        """Reports spanning trees over several machines, as a script waits for the bridges of its own only."""
        trees = {node.name for node in lab.nodes if node.bridge and node.bridge.stp}
        for link in lab.links:
            if link.underlay and {link.left.node, link.right.node} <= trees:
                message = "a spanning tree cannot go over several machines yet"
                help = "place the switches of the tree on one machine, or leave `stp` out"
                self.diagnostics.error("MPC529", message, link.span, "between two machines", help)

    def _check_empty(self, on: Mapping[str, str]) -> None:
        for name, machine in self.found.items():
            if machine.span is None or name in on.values():
                continue
            message, help = f"the machine `{name}` has no node", f"write `place NODE on {name}`"
            self.diagnostics.warning("MPC790", message, machine.span, "no `place` names it", help)


def _read(text: str) -> Address | None:
    try:
        return ip_address(text) if "%" not in text else None
    except ValueError:
        return None


def _with_equal_mtus(links: tuple[Link, ...], switches: Iterable[str]) -> tuple[Link, ...]:
    """The links, those of a broadcast domain over several machines with its least MTU if none is set."""
    of = domains(links, list(switches))
    least: dict[str, int] = {}
    for link in links:
        if link.mtu and (own := of.get(link.left.node) or of.get(link.right.node)):
            least[own] = min(link.mtu, least.get(own, link.mtu))
    over = {of.get(link.left.node) or of.get(link.right.node) for link in links if link.underlay}

    def fitted(link: Link) -> Link:
        own = of.get(link.left.node) or of.get(link.right.node)
        if own is None or own not in over or (link.mtu and not link.underlay):
            return link
        return link._replace(mtu=least[own])

    return tuple(map(fitted, links))
