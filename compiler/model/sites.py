"""Private networks, and the sites that they make: who is told of them.

A segment is private if one of its links is. Private segments that share a node are one *site*, and all nodes
on these are its members. Those that are on nothing else are *inside* of it; the others are its *borders*.
Routes to its subnets, and to the addresses of the nodes inside, are for its members alone. So two sites can
have one subnet.
"""

from collections.abc import Collection, Iterable
from functools import cached_property

from compiler.model.links import Link
from compiler.model.segments import Segment, components


class Sites:
    """The sites of a lab: each is named by the first of its private segments."""

    def __init__(self, links: Iterable[Link], segments: Collection[Segment]) -> None:
        self.all_segments = segments
        private = {place for place, link in enumerate(links) if link.private}
        self.segments = [own for own in segments if private and not private.isdisjoint(own.links)]
        """The private segments."""
        self.at = components(self.segments)
        """The site of each private segment, by the identity of that."""
        self.of = {name: self.at[own.identity] for own in self.segments for name in own.nodes}
        """The site of each of its members."""

    @cached_property
    def inside(self) -> frozenset[str]:
        """The members that are on private segments alone: their own addresses are private too."""
        public = (own for own in self.all_segments if own.identity not in self.at)
        borders = {name for segment in public for name in segment.nodes}
        return frozenset(self.of.keys() - borders)

    def hides(self, target: str, source: str) -> bool:
        """Whether a node is inside a site that another is outside of."""
        return target in self.inside and self.of[target] != self.of.get(source)

    def leads_in(self, neighbour: str, source: str) -> bool:
        """Whether a neighbour is a member of a site that a node is outside of."""
        return neighbour in self.of and self.of[neighbour] != self.of.get(source)
