"""Short forms to long ones: what a statement over sets and chains stands for, one by one."""

from collections.abc import Iterator

from compiler.frontend import syntax


def hops(link: syntax.Link) -> Iterator[list[tuple[syntax.Word, syntax.Word]]]:
    """For each hop of a chain, its pairs of ends.

    A hop has each unordered pair once. A set never pairs a node with itself, so `{a,b} -- {a,b}` is one
    link; a single word does, and that is for the caller to refuse.
    """
    for left, right in zip(link.chain, link.chain[1:], strict=False):
        yield _pairs(left, right)


def _pairs(left: syntax.Nodes, right: syntax.Nodes) -> list[tuple[syntax.Word, syntax.Word]]:
    alone = len(left.words) == len(right.words) == 1
    found: dict[frozenset[str], tuple[syntax.Word, syntax.Word]] = {}
    for a in left.words:
        for b in right.words:
            if alone or node_of(a) != node_of(b):
                found.setdefault(frozenset((a.text, b.text)), (a, b))
    return list(found.values())


def node_of(word: syntax.Word) -> str:
    """The node of a word that names a node or one of its interfaces."""
    return word.text.partition(":")[0]


def unique(nodes: syntax.Nodes) -> tuple[syntax.Word, ...]:
    """The words of a set, each once."""
    return tuple({word.text: word for word in nodes.words}.values())
