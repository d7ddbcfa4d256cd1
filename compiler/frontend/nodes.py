"""The nodes of a lab, from their declarations."""

from compiler.frontend import syntax
from compiler.frontend.attributes import read_address
from compiler.frontend.diagnostics import Note
from compiler.frontend.names import is_address_device, is_namespace
from compiler.frontend.scope import Scope
from compiler.frontend.source import Span
from compiler.ir.lab import Node, NodeAddress

NAMESPACE_FORM = "a namespace's name is up to 128 letters, digits, `_`, `.` and `-`"


class Declarer:
    """Makes nodes of `host` and `router` statements."""

    def __init__(self, lab: str, scope: Scope) -> None:
        self.lab = lab
        self.scope = scope
        self.nodes: dict[str, Node] = {}
        self.namespaces: dict[str, Span] = {}
        self.lowered: dict[str, syntax.Word] = {}

    def add(self, statement: syntax.Declaration) -> None:
        """Declares the nodes of one statement; its attributes are those of each."""
        self.scope.stands_for(len(statement.names), statement.span)
        attributes = self._attributes(statement)
        for word in statement.names:
            if self.scope.name(word, "a node") and self._is_new(word):
                self._declare(word, statement, attributes)
            else:
                self.scope.diagnostics.excused.add(word.text)

    def _is_new(self, word: syntax.Word) -> bool:
        first = self.lowered.get(word.text.lower())
        if first is None:
            self.lowered[word.text.lower()] = word
            return True
        note = Note("first declared here", first.span)
        differs = first.text != word.text
        message = f"the node `{word.text}` is declared twice"
        help = f"`{first.text}` is the same name: names resolve without regard to case" if differs else ""
        self.scope.diagnostics.error("MPC202", message, word.span, "declared again", help, note)
        return False

    def _declare(self, word: syntax.Word, statement: syntax.Declaration, attributes: "_Attributes") -> None:
        namespace = attributes.namespace or f"{self.lab}-{word.text}"
        if namespace in self.namespaces:
            note = Note("the other one", self.namespaces[namespace])
            message = f"two nodes would have the namespace `{namespace}`"
            self.scope.diagnostics.error("MPC209", message, word.span, "this one too", "", note)
        self.namespaces.setdefault(namespace, word.span)
        forwards = statement.kind.text == "router" if attributes.forward is None else attributes.forward
        self.scope.nodes[word.text] = word.span
        self.nodes[word.text] = Node(
            word.text,
            namespace,
            forwards,
            attributes.inferred,
            tuple(attributes.addresses),
            (),
            (),
            word.span,
        )

    def _attributes(self, statement: syntax.Declaration) -> "_Attributes":
        found = _Attributes()
        for item in statement.attributes:
            name = item.keyword.text
            first = found.places.setdefault(name, item.span)
            if name == "address":
                self._address(item, found, first)
            elif first is not item.span:
                self.scope.set_twice(f"`{name}`", item.span, first)
            elif name == "forward":
                found.forward = item.value.text == "on"
            elif is_namespace(item.value.text):
                found.namespace = item.value.text
            else:
                message = f"`{item.value.text}` cannot name a namespace"
                self.scope.diagnostics.error("MPC203", message, item.value.span, "not a name", NAMESPACE_FORM)
        return found

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


class _Attributes:
    """What one declaration sets."""

    def __init__(self) -> None:
        self.places: dict[str, Span] = {}
        self.namespace: str | None = None
        self.forward: bool | None = None
        self.inferred = True
        self.addresses: list[NodeAddress] = []
