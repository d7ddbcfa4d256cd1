"""`sysctl`, `masquerade` and `forward` statements: settings of the namespaces of nodes."""

import re
from collections.abc import Iterable, Iterator

from compiler.ground.names import is_network_sysctl, is_of_machine
from compiler.ground.source import Span
from compiler.language import syntax
from compiler.language.sets import node_of, unique
from compiler.model.links import InterfaceName
from compiler.model.nodes import Masquerade, PortForward
from compiler.resolve.scope import Scope

MOST_PORT = 65535

_OF_INTERFACE = re.compile(r"(net\.\w+\.(?:conf|neigh)\.)([^.]+)(\..+)")


class Sysctls:
    """Collects the values of `sysctl` statements, by node."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.values: dict[str, dict[str, str]] = {}
        self.places: dict[tuple[str, str], Span] = {}

    def add(self, statement: syntax.Sysctl) -> None:
        self.scope.stands_for(len(statement.nodes.words) * len(statement.assignments), statement.span)
        nodes = self.scope.known_nodes(statement.nodes)
        for assignment in statement.assignments:
            if self._well_formed(assignment):
                for node in nodes:
                    self._set(node, assignment)

    def _set(self, node: str, assignment: syntax.Assignment) -> None:
        key = _OF_INTERFACE.sub(lambda match: self._key(node, match), assignment.key.text)
        first = self.places.setdefault((node, key), assignment.span)
        if first is not assignment.span:
            self.scope.set_twice(f"`{key}` of `{node}`", assignment.span, first)
        self.values.setdefault(node, {})[key] = assignment.value.text

    def _key(self, node: str, match: re.Match[str]) -> str:
        """The key of an interface, under its name in the kernel; see sysctl(8) on names with dots."""
        name = self.scope.called(InterfaceName(node, match[2].replace("/", "."))).name
        return f"{match[1]}{name.replace('.', '/')}{match[3]}"

    def _well_formed(self, assignment: syntax.Assignment) -> bool:
        key, value = assignment.key, assignment.value
        if not is_network_sysctl(key.text):
            message = f"`{key.text}` is not a network sysctl"
            from compiler.ground.mends import sysctl

            form = "only what is below `net.` belongs to a namespace, written with dots: `net.ipv4.tcp_rmem`"
            help = sysctl(key.text) or form
            self.scope.diagnostics.error("MPC304", message, key.span, "not a namespace's own", help)
            return False
        if is_of_machine(key.text):
            message = f"`{key.text}` is one for the whole machine"
            help = "a lab does not change the machine that it runs on: set it there by hand"
            self.scope.diagnostics.error("MPC304", message, key.span, "not a namespace's own", help)
            return False
        if not re.fullmatch("[ -~]{1,255}", value.text):
            message = "the value of a sysctl is 1 to 255 printable ASCII characters"
            self.scope.diagnostics.error("MPC305", message, value.span, "not such a value")
            return False
        return True


class Masquerades:
    """Collects the interfaces of `masquerade` statements by node, with the IP versions that they are for.

    None stands for all interfaces, and for both versions.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.found: dict[str, dict[str | None, set[int | None]]] = {}

    def of(self, node: str, interfaces: Iterable[str]) -> Iterator[Masquerade]:
        """The interfaces of a node that masquerade."""
        found = self.found.get(node, {})
        for name in dict.fromkeys(interfaces):
            if versions := found.get(None, set()) | found.get(name, set()):
                yield Masquerade(name, next(iter(versions)) if len(versions) == 1 else None)

    def add(self, statement: syntax.Masquerade) -> None:
        outs = len(statement.out.words) if statement.out else 1
        self.scope.stands_for(len(statement.nodes.words) * outs, statement.span)
        for word in unique(statement.nodes):
            if (node := self.scope.addressed(word, "masquerade")) is None:
                continue
            interfaces = self._out(word, statement) if statement.out else {None}
            version = int(statement.family.text.removeprefix("ipv")) if statement.family else None
            for interface in interfaces:
                self.found.setdefault(node, {}).setdefault(interface, set()).add(version)

    def _out(self, word: syntax.Word, statement: syntax.Masquerade) -> set[str | None]:
        assert statement.out is not None
        found: set[str | None] = set()
        for out in unique(statement.out):
            links = self.scope.links_between(word, out)
            found |= {
                self.scope.links[index].ends[not forward].name
                for index, forward in links
                if index not in self.scope.legs
            }
        if not found and not self.scope.diagnostics.failed:
            message = f"no link goes from `{word.text}` to `{statement.out.span.text}`"
            help = self._farther(node_of(word), statement.out)
            self.scope.diagnostics.warning("MPC711", message, statement.span, "masquerades nothing", help)
        return found

    def _farther(self, node: str, out: syntax.Nodes) -> str:
        """A mend where an interface of the node itself is named: the other end of its link."""
        for word in unique(out):
            id = self.scope.called(InterfaceName(*word.text.partition(":")[::2]))
            if id.node == node and id in self.scope.ports:
                place = self.scope.ports[id]
                link = self.scope.links[self.scope.legs.get(place, place)]
                return f"name the other end: `out {next(end.id for end in link.ends if end.node != node)}`"
        return ""


class PortForwards:
    """Collects the ports of `forward` statements."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.found: dict[tuple[str, str, int], PortForward] = {}

    def add(self, statement: syntax.PortForward) -> None:
        self.scope.stands_for(len(statement.nodes.words), statement.span)
        port = self.scope.number(statement.port, statement.protocol.text, 1, MOST_PORT)
        target, to = self._target(statement.target)
        for word in unique(statement.nodes):
            node = self.scope.addressed(word, "forward a port")
            if node is None or port is None or target is None or to is None:
                continue
            if node == target:
                message = f"`{node}` has this port itself"
                help = "forward it to another node, or have the program listen there"
                self.scope.diagnostics.error("MPC426", message, statement.target.span, "the same node", help)
                continue
            made = PortForward(node, statement.protocol.text, port, target, to, statement.span)
            first = self.found.setdefault((node, made.protocol, port), made)
            if first is not made:
                what = f"the {made.protocol} port {port} of `{node}`"
                self.scope.set_twice(what, statement.span, first.span)

    def _target(self, word: syntax.Word) -> tuple[str | None, int | None]:
        """The node and the port of a word like `web:80`."""
        name, colon, port = word.text.partition(":")
        node = self.scope.addressed(syntax.Word(word.span.part(0, len(name)), name), "be forwarded to")
        if node is None or not colon:
            if node is not None:
                message, help = f"`{name}` has no port here", f"write it behind the node: `{name}:80`"
                self.scope.diagnostics.error("MPC426", message, word.span, "to which port?", help)
            return node, None
        rest = syntax.Word(word.span.part(len(name) + 1, len(word.text)), port)
        return node, self.scope.number(rest, "to", 1, MOST_PORT)
