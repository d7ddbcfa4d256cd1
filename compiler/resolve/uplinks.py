"""`uplink`: the one node that is joined to the machine's own network."""

from compiler.ground.names import INTERFACE_FORM, is_interface
from compiler.language import syntax
from compiler.model.links import InterfaceName
from compiler.model.nodes import UPLINK, Node, Uplink
from compiler.resolve.scope import Scope


def uplink(statements: list[syntax.Uplink], nodes: dict[str, Node], scope: Scope) -> Uplink | None:
    """The uplink of a lab that has one; further ones are reported."""
    if not statements:
        return None
    first, *others = statements
    for again in others:
        scope.set_twice("the uplink of the lab", again.span, first.span)
    word = scope.one(first.nodes, "an uplink")
    name = scope.addressed(word, "have an uplink") if word else None
    card = first.card.text if first.card else ""
    if first.card and not is_interface(card):
        message = f"`{card}` cannot be an interface of this machine"
        scope.diagnostics.error("MPC207", message, first.card.span, "not such a name", INTERFACE_FORM)
    if name is None:
        return None
    taken = scope.ports.get(InterfaceName(name, UPLINK))
    if taken is not None:
        message = f"`{name}` has two interfaces named `{UPLINK}`"
        help = f"name that of the link otherwise, like `{name}:out`"
        scope.diagnostics.error("MPC208", message, first.span, "this one too", help)
    container = nodes[name].container if name in nodes else None
    if container and container.attached:
        message = f"`{name}` is a container that runs already, which has a network of its own"
        help = "write `uplink` for a router beside it"
        scope.diagnostics.error("MPC913", message, first.span, "has its own way out", help)
    return Uplink(name, card, first.span)
