"""`device`: interfaces that commands make."""

from collections.abc import Iterable, Iterator

from compiler.ground.diagnostics import Note
from compiler.ground.names import INTERFACE_BYTES, INTERFACE_FORM, fault, is_interface
from compiler.ground.source import Span
from compiler.language import syntax
from compiler.language.sets import node_of, unique
from compiler.model.devices import Device, DeviceAddress
from compiler.model.links import InterfaceName, Port
from compiler.model.nodes import Node
from compiler.resolve.attributes import read_address
from compiler.resolve.programs import BYTES_OF_ONE, bytes_of, is_command
from compiler.resolve.scope import Scope


class Devices:
    """Collects the devices of a lab."""

    def __init__(self, scope: Scope, nodes: dict[str, Node]) -> None:
        self.scope = scope
        self.found: list[Device] = []
        self.taken: dict[InterfaceName, Span] = dict(_taken(scope, nodes.values()))
        """The interfaces of all nodes, by their names in lower case."""

    def add(self, statement: syntax.Device) -> None:
        """The devices of one statement."""
        interfaces = unique(statement.interfaces)
        size = bytes_of(*(command.text for command in statement.commands))
        self.scope.stands_for(len(interfaces) * (1 + size // BYTES_OF_ONE), statement.span)
        addresses = self._addresses(statement, interfaces)
        are_commands = [self._is_command(command, statement.commands) for command in statement.commands]
        commands = tuple(command.text for command in statement.commands)
        for word in interfaces:
            interface = self._interface(word)
            if interface and addresses and interface.node in self.scope.switches:
                self.scope.is_switch(word, "have addresses")
            elif interface and all(are_commands) and self._is_free(interface, word):
                self.found.append(Device(interface, commands, addresses, word.span))

    def _is_command(
        self, command: syntax.Word | syntax.String, commands: tuple[syntax.Word | syntax.String, ...]
    ) -> bool:
        """Whether this is a command, in quotes or computed; reports the first of words that are neither."""
        if isinstance(command, syntax.String) or "[" in command.span.text:
            return is_command(command.text, bytes_of(command.text), command.span, self.scope)
        bare = [one for one in commands if isinstance(one, syntax.Word) and "[" not in one.span.text]
        if command is bare[0]:
            message = f"`{command.text}` is a command of its own here, as it is not in quotes"
            help = f'did you mean `"{" ".join(one.text for one in bare)}"`?'
            span = bare[0].span.to(bare[-1].span)
            self.scope.diagnostics.error("MPC817", message, span, "not in quotes", help)
        return False

    def _addresses(
        self, statement: syntax.Device, interfaces: tuple[syntax.Word, ...]
    ) -> tuple[DeviceAddress, ...]:
        if statement.addresses and len(interfaces) > 1:
            message = f"`address` is for one device, and this statement makes {len(interfaces)}"
            span, help = statement.addresses[0].span, "write a statement for each device with an address"
            self.scope.diagnostics.error("MPC436", message, span, "for which one?", help)
            return ()
        read = [(read_address(one.value, self.scope.diagnostics), one.span) for one in statement.addresses]
        return tuple(DeviceAddress(address, span) for address, span in read if address)

    def _interface(self, word: syntax.Word) -> InterfaceName | None:
        """The interface that a word like `a:wg0` names, which is not there yet."""
        name = word.text.partition(":")[2]
        node = self.scope.node(word._replace(text=node_of(word)))
        if node is None:
            return None
        if is_interface(name):
            return InterfaceName(node, name)
        if not name:
            message, label = f"the interface that these commands make in `{node}` has no name", "a node"
            help = f"name it as the commands do, like `{node}:wg0`"
        else:
            message, label = f"`{name}` cannot name an interface", fault(name, INTERFACE_BYTES)
            help = INTERFACE_FORM
        self.scope.diagnostics.error("MPC207", message, word.span, label, help)
        return None

    def _is_free(self, interface: InterfaceName, word: syntax.Word) -> bool:
        """Whether no other interface of the node has the name; reports it otherwise."""
        first = self.taken.setdefault(_lowered(interface), word.span)
        if first is word.span:
            return True
        message = f"`{interface.node}` has two interfaces named `{interface.name}`"
        help = "a `device` is an interface that its own commands make, and no other"
        note = Note("the other one", first)
        self.scope.diagnostics.error("MPC208", message, word.span, "named again here", help, note)
        return False


def _taken(scope: Scope, nodes: Iterable[Node]) -> Iterator[tuple[InterfaceName, Span]]:
    """The interfaces of links, bridges of legs and of switches, and dummy devices."""
    ends: dict[InterfaceName, Port] = {end.id: end for link in scope.links for end in link.ends}
    yield from ((_lowered(id), end.span) for id, end in ends.items())
    for id, bridge in scope.bridges.items():
        yield _lowered(InterfaceName(id.node, bridge)), ends[id].span
    for node in nodes:
        if node.bridge:
            yield _lowered(InterfaceName(node.name, node.bridge.name)), node.span
        for own in node.addresses:
            yield InterfaceName(node.name, own.device), own.span


def _lowered(id: InterfaceName) -> InterfaceName:
    return InterfaceName(id.node, id.name.lower())
