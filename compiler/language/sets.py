"""Sets and chains to pairs: what a statement over several nodes stands for, one by one."""

from collections.abc import Iterator

from compiler.language import syntax

Pair = tuple[syntax.Word, syntax.Word]


def hops(link: syntax.Link) -> Iterator[list[Pair]]:
    """For each hop of a chain, its pairs of ends."""
    for left, right in zip(link.chain, link.chain[1:], strict=False):
        yield pairs(left, right)


def pairs(left: syntax.Nodes, right: syntax.Nodes) -> list[Pair]:
    """The pairs of two sets, each unordered pair once.

    A set never pairs a node with itself, so `{a,b} -- {a,b}` is one pair. Where nothing else is left, the
    pair of a node with itself is, for the caller to refuse.
    """
    found: dict[frozenset[str], Pair] = {}
    for a in left.words:
        for b in right.words:
            if node_of(a) != node_of(b):
                found.setdefault(frozenset((a.text, b.text)), (a, b))
    return list(found.values()) or [(left.words[0], right.words[0])]


def directed_pairs(sources: syntax.Nodes, targets: syntax.Nodes) -> list[Pair]:
    """Each node of one set with each of another, but with itself, unless nothing else is left."""
    found = [(a, b) for a in unique(sources) for b in unique(targets) if a.text != b.text]
    return found or [(sources.words[0], targets.words[0])]


def node_of(word: syntax.Word) -> str:
    """The node of a word that names a node or one of its interfaces."""
    return word.text.partition(":")[0]


def unique(nodes: syntax.Nodes) -> tuple[syntax.Word, ...]:
    """The words of a set, each once."""
    return tuple({word.text: word for word in nodes.words}.values())
