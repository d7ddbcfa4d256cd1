"""The plain style: its length, and comments that name the addresses of routes and rules as the lab does."""

import re
import shlex
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import random_labs
from labs import GOLDEN, TESTS, bash_reads, compiled
from shapes import strange_lines

from compiler.driver import Compilation
from compiler.model.lab import Lab
from compiler.model.networks import Address
from compiler.scripts.bash import Style

MOST = {"diamond": 186, "original": 190, "three-paths": 244, "dual-stack": 278, "sysctl": 132}
"""The most lines of a script that is up and down; the hand-written original has 111, without a down."""

SEED = 5
LABS = 60


def test_bash_reads_any_number_of_commands() -> None:
    text = "router hub\nhost h[1..450]\nlink hub -- h[1..450]\nroute h[1..450] to default via hub\n"
    script = compiled(text).up(Style.PLAIN)
    assert script.count("\n") > 400_000
    assert bash_reads(script)


@pytest.mark.parametrize("name", MOST)
def test_a_script_is_short(name: str) -> None:
    path = TESTS / "golden" / f"{name}.topo"
    assert len(compiled(path.read_text(), path.name).up(Style.PLAIN).splitlines()) <= MOST[name]


def test_what_it_does_not_do_stands_in_its_head() -> None:
    head = compiled("host a").up(Style.PLAIN).partition("\n{\n")[0]
    assert all(text in head for text in ("tests nothing first but", "keeps nobody out", "`--style batch`"))


class Owners:
    """The owner of each address that has one alone: a node and an interface, or a node."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.of: dict[Address, str] = {}
        for node in lab.nodes:
            self.of |= {own.address.ip: node.name for own in node.addresses}
        for end in lab.interfaces.values():
            own_ones = (own.ip for own in end.addresses if own.ip not in lab.shared)
            self.of |= dict.fromkeys(own_ones, f"{end.node}:{end.name}")
        several: dict[Address, list[str]] = {}
        for node in lab.nodes:
            for own in node.anycast:
                several.setdefault(own.address.ip, []).append(node.name)
        self.shared = {address: " or ".join(names[:3]) for address, names in several.items()}
        self.outer: dict[Address, str] = {}
        for link in (link for link in lab.links if link.tunnel):
            assert link.tunnel
            assert link.tunnel.outer
            self.outer |= dict(zip(link.tunnel.outer, (f"tunnel {end.id}" for end in link.ends), strict=True))

    def node(self, address: str) -> str:
        """The node that has an address, or nothing if several have."""
        return self.of.get(ip_address(address), "").partition(":")[0]

    def nodes(self, network: str) -> set[str]:
        """The nodes with an address in a network."""
        wide = ip_network(network)
        inside = (own for own in self.of if own.version == wide.version and own in wide)
        return {self.node(str(own)) for own in inside}

    def is_called(self, target: str, name: str) -> bool:
        """Whether a comment names the target of a route or a rule correctly."""
        if target in ("default", "::/0"):
            return not name
        if "/" not in target:
            return {**self.of, **self.outer, **self.shared}.get(ip_address(target), "") == name
        if " -- " in name:
            return self._on_link(target, name.split(" -- "))
        if name in {switch.name for switch in self.lab.switches}:
            return self._on_switch(target, name)
        listed, _, more = name.partition(" and ")
        first = set(filter(None, listed.split(", ")))
        count = int(more.partition(" ")[0] or 0)
        return first <= self.nodes(target) and len(first) + count == len(self.nodes(target))

    def _on_link(self, target: str, names: list[str]) -> bool:
        """Whether this is the subnet of a link between these; interfaces named like the peer are omitted."""
        for link in self.lab.links:
            pairs = ((end.id, end.node if end.name == far.node else f"{end.node}:{end.name}")
                     for end, far in link.directions)  # fmt: skip
            if sorted(name for _, name in pairs) == sorted(names):
                ends = (self.lab.interfaces[end.id] for end in link.ends)
                return target in {str(own.network) for end in ends for own in end.addresses}
        return False

    def _on_switch(self, target: str, name: str) -> bool:
        domain, interfaces = self.lab.domains, self.lab.interfaces
        ways = (way for link in self.lab.links for way in link.directions)
        ends = (
            interfaces[near.id]
            for near, far in ways
            if domain.get(far.node) == name and near.id in interfaces
        )
        return target in {str(own.network) for end in ends for own in end.addresses}


def told(script: str) -> Iterator[tuple[list[str], str]]:
    """The words of each route and rule command, with its comment."""
    for line in script.splitlines():
        if re.match(r"ip (?:-6 )?-n \S+ (?:route|rule) ", line):
            command, _, name = line.partition("  # ")
            words = shlex.split(command)
            yield words[words.index("-n") + 2 :], name


REFUSALS = ("blackhole", "unreachable", "prohibit")
HOP = re.compile(r"via ([0-9a-f]*[.:][0-9a-f.:]+) dev (\S+)")


def wrong(compilation: Compilation) -> list[str]:
    """The lines with a wrong comment. Gateways are named if nothing else on the line is."""
    owners = Owners(compilation.lab)
    found = []
    for words, name in told(compilation.up(Style.PLAIN)):
        every = ((owners.node(via), device) for via, device in HOP.findall(" ".join(words)))
        hops = [(node, device) for node, device in every if node]
        nodes = list(dict.fromkeys(node for node, _ in hops))
        via = f" via {', '.join(nodes)}"
        to = f" {name}".removesuffix(via).strip()
        obvious = all(node == device for node, device in hops) or [to.partition(":")[0]] == nodes
        fits = (name == to) == obvious
        if words[4:] == ["lookup", "local"]:
            fits &= to == ""
        elif words[4:5] not in (["iif"], ["fwmark"]):
            target = words[3 if words[2] in REFUSALS else 2] if words[0] == "route" else words[5]
            fits &= to == "" if words[4:5] == ["from"] and "/" in words[5] else owners.is_called(target, to)
        found += [] if fits else [f"{' '.join(words)}  # {name}"]
    return found


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_labs_have_no_strange_lines(path: Path) -> None:
    compilation = compiled(path.read_text(), path.name)
    for machine in compilation.machines:
        assert strange_lines("".join(compilation.pieces("up", Style.PLAIN, machine))) == []


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_comments_are_right(path: Path) -> None:
    assert wrong(compiled(path.read_text(), path.name)) == []


def test_comments_are_right() -> None:
    count = 0
    for _, text, compilation in random_labs.labs(SEED, LABS):
        assert wrong(compilation) == [], text
        count += sum(bool(name) for _, name in told(compilation.up(Style.PLAIN)))
    assert count > 20 * LABS


def test_parallel_links_are_told_apart() -> None:
    script = compiled("host a b\nrouter c d\nlink {a,b} -- {c,d}\nlink b -- c").up(Style.PLAIN)
    names = {name for words, name in told(script) if words[2].endswith("/30")}
    assert names >= {"b -- c", "b:c.2 -- c:b.2"}
