"""`spray` statements: pairs of nodes whose packets take turns on all paths, and the weights that they pin."""

from compiler.ground.source import Span
from compiler.language import syntax
from compiler.language.sets import pairs
from compiler.model.links import InterfaceName
from compiler.model.routes import PathWeight, SprayPair
from compiler.resolve.scope import Scope

MOST_WEIGHT = 256
"""As many as the weight of a next hop can be (RTNH_F_ of ip-route(8))."""


class Sprays:
    """Collects the pairs of `spray` statements, by the direction of their packets."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.found: dict[tuple[str, str], SprayPair] = {}

    def add(self, statement: syntax.Spray) -> None:
        self.scope.stands_for(len(statement.left.words) * len(statement.right.words), statement.span)
        weights = self._weights(statement.weights or ())
        for words in pairs(statement.left, statement.right):
            left, right = (self.scope.addressed(word, "be an end of a spray") for word in words)
            if left is not None and right is not None:
                both = statement.arrow.text == "--"
                self._add(SprayPair(left, right, both, weights, statement.span))

    def _add(self, pair: SprayPair) -> None:
        if pair.left == pair.right:
            message = f"`{pair.left}` cannot spray packets to itself"
            self.scope.diagnostics.error("MPC605", message, pair.span, "both ends are one node")
            return
        for ends in ((pair.left, pair.right), (pair.right, pair.left)):
            first = self.found.get(ends)
            if first and (first.both or pair.both or ends[0] == pair.left):
                what = f"the spray from `{pair.left}` to `{pair.right}`"
                self.scope.set_twice(what, pair.span, first.span)
                return
        self.found[pair.left, pair.right] = pair

    def _weights(self, written: tuple[syntax.Weight, ...]) -> tuple[PathWeight, ...]:
        found: dict[str | InterfaceName, PathWeight] = {}
        for one in written:
            over = self._over(one.to)
            weight = self.scope.number(one.weight, "weights", 1, MOST_WEIGHT)
            if over is not None and weight is not None:
                self._check_once(over, one.span, found)
                found[over] = PathWeight(over, weight, one.span)
        return tuple(found.values())

    def _over(self, word: syntax.Word) -> str | InterfaceName | None:
        return (
            self.scope.addressed_interface(word, "have a weight")
            if ":" in word.text
            else self.scope.node(word)
        )

    def _check_once(
        self, over: str | InterfaceName, span: Span, found: dict[str | InterfaceName, PathWeight]
    ) -> None:
        if over in found:
            self.scope.set_twice(f"the weight of `{over}`", span, found[over].span)
