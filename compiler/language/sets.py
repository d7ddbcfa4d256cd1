"""Pairs of nodes from the node sets and chains of statements."""

from collections.abc import Iterator

from compiler.language import syntax

Pair = tuple[syntax.Word, syntax.Word]


def hops(link: syntax.Link) -> Iterator[list[Pair]]:
    """The pairs of ends of each hop of a chain."""
    for left, right in zip(link.chain, link.chain[1:], strict=False):
        yield pairs(left, right)


def pairs(left: syntax.Nodes, right: syntax.Nodes) -> list[Pair]:
    """The unordered pairs of two sets, each once.

    Self-loops are left out, so `{a,b} -- {a,b}` is one pair. If all pairs are self-loops, the result is one
    of them, which the caller rejects.
    """
    found: dict[frozenset[str], Pair] = {}
    for a in left.words:
        for b in right.words:
            if node_of(a) != node_of(b):
                found.setdefault(frozenset((a.text, b.text)), (a, b))
    return list(found.values()) or [(left.words[0], right.words[0])]


def directed_pairs(sources: syntax.Nodes, targets: syntax.Nodes) -> list[Pair]:
    """The product of two sets without self-loops; if all pairs are self-loops, one of them."""
    found = [(a, b) for a in unique(sources) for b in unique(targets) if node_of(a) != node_of(b)]
    return found or [(sources.words[0], targets.words[0])]


def node_of(word: syntax.Word) -> str:
    """The node of a word `node` or `node:interface`."""
    return word.text.partition(":")[0]


def unique(nodes: syntax.Nodes) -> tuple[syntax.Word, ...]:
    """The words of a set without duplicates."""
    return tuple({word.text: word for word in nodes.words}.values())
