"""`sysctl` and `masquerade` statements: settings of the namespaces of nodes."""

import re

from compiler.ground.names import is_network_sysctl, is_of_machine
from compiler.ground.source import Span
from compiler.language import syntax
from compiler.language.sets import node_of, unique
from compiler.model.links import InterfaceName
from compiler.resolve.scope import Scope

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
    """Collects the interfaces of `masquerade` statements, by node; None stands for all interfaces."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.found: dict[str, set[str | None]] = {}

    def add(self, statement: syntax.Masquerade) -> None:
        outs = len(statement.out.words) if statement.out else 1
        self.scope.stands_for(len(statement.nodes.words) * outs, statement.span)
        for word in unique(statement.nodes):
            if (node := self.scope.addressed(word, "masquerade")) is None:
                continue
            interfaces = self._out(word, statement) if statement.out else {None}
            self.found.setdefault(node, set()).update(interfaces)

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
