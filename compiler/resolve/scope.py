"""Name resolution: nodes, interfaces and profiles, and the errors of unknown names."""

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from compiler.ground import units
from compiler.ground.diagnostics import Diagnostics, Note, TooManyError, listed, nearest, suggest
from compiler.ground.names import LABEL_BYTES, NAME_FORM, fault, is_name
from compiler.ground.source import Frame, Span
from compiler.language import syntax
from compiler.language.sets import node_of, unique
from compiler.model.links import InterfaceName, Link, LinkKind, Mode, Port
from compiler.model.segments import Interface, Segment, segments
from compiler.model.vlans import names, parted
from compiler.resolve.attributes import Values

MOST_PARTS = 100_000
"""The most nodes, links and single settings of either that the statements of one lab can stand for."""


class Profile:
    """A profile's values, and whether a link has been given them."""

    def __init__(self, values: Values, span: Span) -> None:
        self.values = values
        self.span = span
        self.used = False


class AskedTunnel(NamedTuple):
    """A tunnel whose path is not resolved yet: its kind, and the words of the nodes between its ends."""

    kind: LinkKind
    via: tuple[syntax.Word, ...]


class AskedBond(NamedTuple):
    """A bond or a teql whose legs are not resolved yet: its mode, and the words of their interfaces.

    Without words, they are all links of the two nodes.
    """

    kind: LinkKind
    mode: Mode
    over: tuple[syntax.Word, ...]


class Scope:
    """The names that are declared so far."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        self.diagnostics = diagnostics
        self.nodes: dict[str, Span] = {}
        """The nodes, switches among them."""
        self.switches: set[str] = set()
        self.routers: set[str] = set()
        self.vrfs: dict[str, dict[str, Span]] = {}
        """The VRFs of each router that has any, and where they are written first."""
        self.private: set[str] = set()
        """The nodes, switches among them, whose links are private."""
        self.profiles: dict[tuple[Frame | None, str], Profile] = {}
        """The profiles by the use of the file that declares them, and by name; a file sees its own only."""
        self._no_links()
        self.segments: dict[str, list[Segment]] = {}
        """The segments that a host or router is on, once all links are known."""
        self.parts = 0
        """The number of nodes, links and settings so far."""

    def _no_links(self) -> None:
        """Begins without links, interfaces and what is known of either."""
        self.links: list[Link] = []
        self.tunnels: dict[int, AskedTunnel] = {}
        """The links that are tunnels, by their place in `links`."""
        self.bonds: dict[int, AskedBond] = {}
        """The links that are bonds or teqls, likewise."""
        self.legs: dict[int, int] = {}
        """The links that are legs of these, and the place of the bond or teql."""
        self.bridges: dict[InterfaceName, str] = {}
        """The ends of legs of teqls, and the name of the bridge over each."""
        self.ports: dict[InterfaceName, int] = {}
        """The interfaces of links, and the place of their link in `links`."""
        self.interfaces: dict[InterfaceName, Interface] = {}
        """The interfaces that have addresses, or will have."""
        self.shortened: dict[InterfaceName, InterfaceName] = {}
        """The interfaces whose inferred names are too long for the kernel; by these, as either means them."""
        self.between: dict[frozenset[str], list[int]] = {}
        """The links between two nodes, by their place in `links`."""
        self.incomplete: set[str] = set()
        """Nodes with a link that was left out for an error, so that what they lack is no error of its own."""

    def stands_for(self, parts: int, span: Span) -> None:
        """Counts the parts of a statement; above MOST_PARTS, compilation stops with an error."""
        self.parts += parts
        if self.parts > MOST_PARTS:
            message = f"this lab stands for more than {MOST_PARTS} nodes, links and settings"
            help = "a set with a set makes every pair of them"
            self.diagnostics.error("MPC310", message, span, f"stands for {parts} of them", help)
            raise TooManyError

    def name(self, word: syntax.Word, what: str) -> bool:
        """Whether a word is a valid name; reports it otherwise."""
        if is_name(word.text):
            return True
        if word.text not in self.diagnostics.excused:
            message = f"`{word.text}` cannot name {what}"
            label = fault(word.text, LABEL_BYTES)
            self.diagnostics.error("MPC203", message, word.span, label, mends_of_name(word.text) or NAME_FORM)
        return False

    def node(self, word: syntax.Word) -> str | None:
        """The node that a word names; reports an unknown one."""
        if word.text in self.nodes:
            return word.text
        if ":" in word.text and word.text.partition(":")[0] in self.nodes:
            message = f"expected a node, found the interface `{word.text}`"
            help = f"did you mean `{word.text.partition(':')[0]}`?"
            self.diagnostics.error("MPC213", message, word.span, "an interface", help)
        else:
            self._unknown_node(word, word.text)
        return None

    def addressed(self, word: syntax.Word, what: str) -> str | None:
        """The host or router that a word names; reports any other, as switches have no addresses."""
        name = self.node(word)
        if name in self.switches:
            self.is_switch(word, what)
            return None
        return name

    def is_switch(self, word: syntax.Word, what: str) -> None:
        """Reports a switch, or a port of one, where a node with addresses is required."""
        name = word.text.partition(":")[0]
        message = f"`{name}` is a switch, and a switch cannot {what}"
        help = "it has no address and no routes: name a host or router behind it"
        self.diagnostics.error("MPC218", message, word.span, "a switch", help)

    def single(
        self, items: Iterable[syntax.Attribute], keyword: str
    ) -> tuple[syntax.Attribute | None, list[syntax.Attribute]]:
        """The first attribute with a keyword, and those with others; reports it where it stands again."""
        found: list[syntax.Attribute] = []
        others: list[syntax.Attribute] = []
        for item in items:
            (found if item.keyword.text == keyword else others).append(item)
        for again in found[1:]:
            self.set_twice(f"`{keyword}`", again.span, found[0].span)
        return next(iter(found), None), others

    def refuse_switches(self, ends: Iterable[tuple[syntax.Word, syntax.Word]], what: str) -> bool:
        """Reports each switch among the ends of pairs; returns whether there is any."""
        words = dict.fromkeys(word for pair in ends for word in pair)
        switches = [word for word in words if node_of(word) in self.switches]
        for word in switches:
            self.is_switch(word, what)
        return bool(switches)

    def _unknown_node(self, word: syntax.Word, name: str) -> None:
        if name in self.diagnostics.excused:
            return
        message = f"unknown node `{name}`"
        self.diagnostics.error(
            "MPC201",
            message,
            word.span,
            "no node has this name",
            lambda: self._meant_node(word.text, name),
        )

    def _meant_node(self, text: str, name: str) -> str:
        """A help line for an unknown node; `text` is the whole word."""
        node, sign, rest = re.match(r"([^./]*)([./]?)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
        if text == name and sign and node in self.nodes:
            return f"did you mean `{node}:{rest}`?"
        if near := nearest(name, self.nodes):
            return f"did you mean `{near}{text[len(name) :]}`?"
        if name in ("all", "any"):
            return "name the nodes, as a set `{a,b}` or `h[0..3]`"
        if re.fullmatch(r"[0-9.]+", name) or (":" in text and not name):
            return "nodes are meant by their names, not by addresses"
        return "nodes are declared with `host NAME` or `router NAME`"

    def known_nodes(self, nodes: syntax.Nodes) -> list[str]:
        """The distinct nodes of a set; unknown ones are reported."""
        return [name for word in unique(nodes) if (name := self.node(word)) is not None]

    def know_segments(self) -> None:
        """Computes the segments of each host and router, now that all links are known."""
        links = parted(self.links, self.switches)
        for segment in segments(links, self.interfaces, names(self.links, self.switches)):
            for name in segment.nodes:
                self.segments.setdefault(name, []).append(segment)

    def neighbouring(self, node: str, other: str) -> list[InterfaceName]:
        """The interfaces of another node on the segments of a node."""
        fewer = min((self.segments.get(name, []) for name in (node, other)), key=len)
        return [end.id for segment in fewer if segment.of(node) for end in segment.of(other)]

    def one(self, nodes: syntax.Nodes, what: str) -> syntax.Word | None:
        """The word of a set with one element; a larger set is reported."""
        words = unique(nodes)
        if len(words) == 1:
            return words[0]
        message = f"{what} is one node, not a set of {len(words)}"
        help = "write a statement for each"
        self.diagnostics.error("MPC211", message, nodes.span, "one is meaningful here", help)
        return None

    def interface(self, word: syntax.Word, others: Collection[str] = ()) -> InterfaceName | None:
        """The interface that a word like `a:c` names; reports an unknown one. `others` may be meant too."""
        node, colon, name = word.text.partition(":")
        if node not in self.nodes:
            self._unknown_node(word, node)
            return None
        found = self.called(InterfaceName(node, name))
        if found in self.ports:
            return found
        if node in self.incomplete:
            return None
        message = f"unknown interface `{word.text}`" if colon else f"expected an interface of `{node}`"
        self.diagnostics.error(
            "MPC205",
            message,
            word.span,
            "no interface has this name",
            lambda: self._nearest_interface(word.text, node, others),
        )
        return None

    def addressed_interface(self, word: syntax.Word, what: str) -> InterfaceName | None:
        """The interface that a word names, which has addresses; reports a leg of another link."""
        found = self.interface(word)
        if found is not None and self.links[self.ports[found]].trunk and found not in self.interfaces:
            self._no_vlan(found, word, what)
            return None
        if found is None or self.ports[found] not in self.legs:
            return found
        link = self.links[self.legs[self.ports[found]]]
        own = next(end.id for end in link.ends if end.node == found.node)
        message = f"`{found}` is a leg of the {link.kind} `{own}`, and a leg cannot {what}"
        help = f"a leg has no address and no routes: name `{own}`"
        self.diagnostics.error("MPC528", message, word.span, f"a leg of a {link.kind}", help)
        return None

    def _no_vlan(self, trunk: InterfaceName, word: syntax.Word, what: str) -> None:
        """Reports a trunk where one of its VLANs is meant."""
        numbers = self.links[self.ports[trunk]].trunk
        message = f"`{trunk}` is a trunk of VLANs, and a trunk cannot {what}"
        help = f"its VLANs have addresses: name one of them, like `{trunk}.{numbers[0]}`"
        self.diagnostics.error("MPC548", message, word.span, "a trunk", help)

    def called(self, id: InterfaceName) -> InterfaceName:
        """An interface under its name in the kernel."""
        return self.shortened.get(id, id)

    def _nearest_interface(self, text: str, node: str, others: Collection[str]) -> str:
        known = [str(port) for port in self.ports if port.node == node]
        known += sorted(name for name in others if name.startswith(f"{node}:"))
        return suggest(text, known) or (f"`{node}` has {listed(known)}" if known else "")

    def profile(self, word: syntax.Word) -> Profile | None:
        """The profile that a word names; reports an unknown one."""
        unit = word.span.unit
        found = self.profiles.get((unit, word.text))
        if found is None:
            message = f"unknown profile `{word.text}`"
            self.diagnostics.error(
                "MPC204",
                message,
                word.span,
                "no profile has this name",
                lambda: self._meant_profile(word.text, unit),
            )
            self.diagnostics.hold_back("MPC708")
        else:
            found.used = True
        return found

    def _meant_profile(self, text: str, unit: Frame | None) -> str:
        from compiler.ground.foreign import LINK_ATTRIBUTES

        if text in self.nodes:
            return f"did you mean `-- {text}`?"
        known = [name for own, name in self.profiles if own == unit]
        near = LINK_ATTRIBUTES.help(text) or suggest(text, (*known, *syntax.LINK_ATTRIBUTES))
        return near or "a profile is declared with `profile NAME ATTRIBUTES`"

    def links_between(self, left: syntax.Word, right: syntax.Word) -> list[tuple[int, bool]]:
        """The links between two words, each of a node or an interface.

        Each is its index in `links`, and whether `left` is its left end. Unknown names are reported.
        """
        ends = []
        for word in (left, right):
            known = self.interface(word) if ":" in word.text else self.node(word)
            if known is None:
                return []
            ends.append(self.called(InterfaceName(*word.text.partition(":")[::2])))
        found = self.between.get(frozenset(end.node for end in ends), [])
        return [
            (index, forward)
            for index in found
            for forward in (True, False)
            if all(map(_is_end, ends, self.links[index].ends[:: 1 if forward else -1]))
        ]

    def number(self, word: syntax.Word, what: str, low: int, high: int, help: str = "") -> int | None:
        """A whole number in bounds; reports any other word, with `help` unless the error has a help line."""
        try:
            return units.number(word.text, low, high)
        except units.UnitError as error:
            self.diagnostics.error("MPC301", str(error), word.span, f"value of `{what}`", error.help or help)
            return None

    def set_twice(self, what: str, span: Span, first: Span) -> None:
        note = Note("first set here", first)
        self.diagnostics.error("MPC206", f"{what} is set twice", span, "set again", "", note)


def mends_of_name(word: str) -> str:
    """A help line for a word that is not a valid name."""
    from compiler.ground.mends import name

    return name(word)


def _is_end(wanted: InterfaceName, end: Port) -> bool:
    """Whether an end is the wanted interface, or an interface of the wanted node if that has no name."""
    return end.node == wanted.node and wanted.name in ("", end.name)
