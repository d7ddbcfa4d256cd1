"""Nodes, from their declarations."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from compiler.ground.diagnostics import Note
from compiler.ground.names import bridge_name, is_address_device, is_name, is_namespace
from compiler.ground.source import Span
from compiler.language import syntax
from compiler.model.links import MOST_VLAN, Pin
from compiler.model.networks import Network
from compiler.model.nodes import Bridge, Container, Node, NodeAddress, Role
from compiler.resolve.attributes import read_address, read_subnet
from compiler.resolve.scope import Scope

if TYPE_CHECKING:
    from compiler.resolve.misnamed import Misnamed

NAMESPACE_FORM = "a namespace's name is up to 128 letters, digits, `_`, `.` and `-`"

_ALLOWED = dict.fromkeys(("host", "router"), ("address", "anycast", "netns", "forward", "private")) | {
    "switch": ("subnet", "stp", "netns", "private"),
    "container": (
        *("image", "attach", "command", "env", "options", "ready", "mptcpize", "engine"),
        *("address", "anycast", "netns", "forward", "private"),
    ),
}
"""The attributes of each kind of node, in the order of messages."""


class Declarer:
    """Makes the nodes of `host`, `router`, `switch` and `container` statements."""

    def __init__(self, lab: str, scope: Scope, linked: Callable[[], Collection[str]]) -> None:
        self.lab = lab
        self.scope = scope
        self.linked = linked
        self.nodes: dict[str, Node] = {}
        self.namespaces: dict[str, Span] = {}
        self.containers: dict[str, Span] = {}
        self.lowered: dict[str, syntax.Word] = {}

    def add(self, statement: syntax.Declaration) -> None:
        """Declares the nodes of one statement, each with all of its attributes."""
        self.scope.stands_for(len(statement.names), statement.span)
        attributes = self._attributes(statement)
        if statement.kind.text == Role.CONTAINER:
            from compiler.resolve.containers import container

            attributes.container = container(statement, self.scope)
        named = [is_name(word.text) for word in statement.names]
        meant = set() if all(named) else self._attributes_among(statement, named)
        for index, word in enumerate(statement.names):
            if index not in meant and self._is_new(word, statement, index):
                self._declare(word, statement, attributes)
            else:
                self.scope.diagnostics.excused.add(word.text)

    def _attributes_among(self, statement: syntax.Declaration, named: list[bool]) -> set[int]:
        """The indexes of attributes and values that were parsed as names, as some names are invalid."""
        misnamed = self._misnamed(statement)
        return {place for index, good in enumerate(named) if not good for place in misnamed.value(index)}

    def check_names(self, statement: syntax.Declaration) -> None:
        """Reports attributes among the names of a statement, now that the nodes with links are known."""
        linked = self.linked()
        if not all(word.text in linked for word in statement.names):
            self._misnamed(statement).names()

    def _misnamed(self, statement: syntax.Declaration) -> "Misnamed":
        from compiler.resolve.misnamed import Misnamed

        return Misnamed(statement, _ALLOWED[statement.kind.text], self.linked, self.scope.diagnostics)

    def _is_new(self, word: syntax.Word, statement: syntax.Declaration, index: int) -> bool:
        """Whether a word is a valid and unused name; reports it otherwise."""
        first = self.lowered.get(word.text.lower())
        if first is None and is_name(word.text):
            self.lowered[word.text.lower()] = word
            return True
        if self._misnamed(statement).value(index):
            return False
        if first is None:
            return self.scope.name(word, "a node")
        note = Note("first declared here", first.span)
        differs = first.text != word.text
        message = f"the node `{word.text}` is declared twice"
        help = f"`{first.text}` is the same name: names resolve without regard to case" if differs else ""
        self.scope.diagnostics.error("MPC202", message, word.span, "declared again", help, note)
        return False

    def _declare(self, word: syntax.Word, statement: syntax.Declaration, attributes: "_Attributes") -> None:
        namespace = self._namespace(word, attributes)
        self.scope.nodes[word.text] = word.span
        if attributes.private:
            self.scope.private.add(word.text)
        role = Role(statement.kind.text)
        node = Node(word.text, namespace, role, word.span, private=attributes.private)
        if role is Role.ROUTER:
            self.scope.routers.add(word.text)
        if role is Role.SWITCH:
            self.scope.switches.add(word.text)
            pins, vlan_pins = tuple(attributes.subnets), tuple(attributes.vlans)
            bridge = Bridge(bridge_name(word.text), attributes.stp, pins, vlan_pins=vlan_pins)
            self.nodes[word.text] = node._replace(bridge=bridge)
            return
        self.nodes[word.text] = node._replace(
            forwards=role is Role.ROUTER if attributes.forward is None else attributes.forward,
            inferred_address=attributes.inferred,
            addresses=tuple(attributes.addresses),
            anycast=tuple(attributes.anycast),
            container=attributes.container,
        )

    def _namespace(self, word: syntax.Word, attributes: "_Attributes") -> str:
        namespace = attributes.namespace or f"{self.lab}-{word.text}"
        if namespace in self.namespaces:
            note = Note("the other one", self.namespaces[namespace])
            message = f"two nodes would have the namespace `{namespace}`"
            self.scope.diagnostics.error("MPC209", message, word.span, "this one too", "", note)
        self.namespaces.setdefault(namespace, word.span)
        if attributes.container:
            from compiler.resolve.containers import check_names

            check_names(namespace, attributes.container, word.span, self.containers, self.scope)
        return namespace

    def _attributes(self, statement: syntax.Declaration) -> "_Attributes":
        found = _Attributes()
        kind = statement.kind.text
        allowed = _ALLOWED[kind]
        for item in statement.attributes:
            if isinstance(item, syntax.ContainerAttribute):
                continue
            name = item.keyword.text
            if name not in allowed:
                self._not_here(item, kind, allowed)
                continue
            first = found.places.setdefault(name, item.span)
            if name == "address":
                self._address(item, found, first)
            elif name == "anycast":
                self._anycast(item, found)
            elif name == "subnet":
                self._subnet(item, found)
            elif first is not item.span:
                self.scope.set_twice(f"`{name}`", item.span, first)
            else:
                self._single(item, found)
        return found

    def _single(self, item: syntax.NodeAttribute, found: "_Attributes") -> None:
        """Reads an attribute that stands once."""
        match item.keyword.text:
            case "netns":
                self._netns(item, found)
            case "private":
                found.private = True
            case "stp":
                found.stp = item.value.text == "on"
            case "forward":
                found.forward = item.value.text == "on"

    def _not_here(self, item: syntax.NodeAttribute, kind: str, allowed: tuple[str, ...]) -> None:
        help = f"a `{kind}` takes {', '.join(f'`{name}`' for name in allowed)}"
        if item.keyword.text == "address":
            help += "; the ports of a switch have no addresses, what is linked with it has"
        message = f"a `{kind}` cannot set `{item.keyword.text}`"
        self.scope.diagnostics.error("MPC302", message, item.span, "not here", help)

    def _netns(self, item: syntax.NodeAttribute, found: "_Attributes") -> None:
        if is_namespace(item.value.text):
            found.namespace = item.value.text
            return
        message = f"`{item.value.text}` cannot name a namespace"
        self.scope.diagnostics.error("MPC203", message, item.value.span, "not a name", NAMESPACE_FORM)

    def _subnet(self, item: syntax.NodeAttribute, found: "_Attributes") -> None:
        subnet = read_subnet(item.value, "a broadcast domain", "10.0.0.0/24", self.scope.diagnostics)
        if subnet is None:
            return
        if item.device:
            self._subnet_of_vlan(item, item.device, subnet, found)
            return
        for pin in found.subnets:
            if pin.network.version == subnet.version:
                self.scope.set_twice(f"the IPv{subnet.version} subnet", item.span, pin.span)
                return
        found.subnets.append(Pin(subnet, item.span))

    def _subnet_of_vlan(
        self, item: syntax.NodeAttribute, word: syntax.Word, subnet: Network, found: "_Attributes"
    ) -> None:
        number = self.scope.number(word, "vlan", 1, MOST_VLAN)
        if number is None:
            return
        for other, pin in found.vlans:
            if other == number and pin.network.version == subnet.version:
                what = f"the IPv{subnet.version} subnet of VLAN {number}"
                self.scope.set_twice(what, item.span, pin.span)
                return
        found.vlans.append((number, Pin(subnet, item.span)))

    def _address(self, item: syntax.NodeAttribute, found: "_Attributes", first: Span) -> None:
        diagnostics = self.scope.diagnostics
        device = item.device.text if item.device else "lo"
        if first is not item.span and "none" in (item.value.text, first.text.split()[-1]):
            self.scope.set_twice("`address`", item.span, first)
        elif item.value.text == "none":
            found.inferred = False
        elif not is_address_device(device):
            assert item.device
            message = f"a node's address is on `lo` or `dummyN`, not on `{device}`"
            help = "for the address of a link, write `address` or `subnet` on the link"
            diagnostics.error("MPC409", message, item.device.span, "not such a device", help)
        elif address := read_address(item.value, diagnostics, on_link=False):
            found.addresses.append(NodeAddress(address, device, item.span))

    def _anycast(self, item: syntax.NodeAttribute, found: "_Attributes") -> None:
        """An address that several nodes have, which is one alone."""
        device = item.device.text if item.device else "lo"
        address = read_address(item.value, self.scope.diagnostics, on_link=False)
        if address is None:
            return
        first = next((own for own in found.anycast if own.address == address), None)
        if first:
            self.scope.set_twice(f"`anycast {address.ip}`", item.span, first.span)
        elif address.network.num_addresses > 1:
            message = f"`{address}` is a network, and `anycast` is an address that several nodes have"
            help = f"write `anycast {address.ip}`"
            self.scope.diagnostics.error("MPC417", message, item.value.span, "more than an address", help)
        elif not is_address_device(device):
            assert item.device
            message = f"a node's address is on `lo` or `dummyN`, not on `{device}`"
            self.scope.diagnostics.error("MPC409", message, item.device.span, "not such a device")
        else:
            found.anycast.append(NodeAddress(address, device, item.span))


class _Attributes:
    """The attributes of one declaration."""

    def __init__(self) -> None:
        self.places: dict[str, Span] = {}
        self.namespace: str | None = None
        self.forward: bool | None = None
        self.stp = False
        self.private = False
        self.inferred = True
        self.addresses: list[NodeAddress] = []
        self.anycast: list[NodeAddress] = []
        self.subnets: list[Pin] = []
        self.vlans: list[tuple[int, Pin]] = []
        """The subnets of VLANs."""
        self.container: Container | None = None
