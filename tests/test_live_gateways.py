"""Routes to what is a next hop itself: the kernel takes them all, or the compiler has refused them.

Two nodes with links beside each other and a third one, and random routes between them: the name of a node
without an own address means its interfaces, which are next hops of the same and of other routes.
"""

from random import Random

import live
import pytest
from tap import points

from compiler.driver import Compilation, TopologyError

pytestmark = [pytest.mark.live, pytest.mark.every_kernel]

FAMILIES = {
    4: ("pool 10.0.0.0/8", "192.0.2.{}/25", "192.0.2.0/26", "198.51.100.0/24"),
    6: ("pool fd00::/48", "fd77::{}/64", "fd77::/65", "fd99::/64"),
}
HOPS = ("b", "b:a", "b:a.2", "c", "b:a, b:a.2", "b, c weight 2")
ENDS = ("", "", "", " metric 5", " metric 2000", " per-packet")
SHOWN = (
    "route a to b via b",
    "route a to b via b per-packet",
    "route a to b via c\nroute a to b via b metric 7",
    "route a to b:a.2 via b:a\nroute a to b:a via b:a.2",
    "route a to b:a.2 dev a:b\nroute a to b via b metric 9",
    "route a to b via b\nroute a to default dev a:b",
    "route a to b via b\nroute a to default unreachable",
)


def lab(routes: str, version: int) -> str:
    pool, pinned, *_ = FAMILIES[version]
    address = f"address {pinned.format(1)} {pinned.format(2)}"
    return (
        f"routing none\n{pool}\nhost a b\nrouter c\nlink a -- b {address}\nlink a -- b\nlink a -- b\n"
        f"link a -- c -- b\n{routes}\n"
    )


def drawn(chance: Random, version: int) -> str:
    _, _, part, elsewhere = FAMILIES[version]
    targets = ("b", "b", "b:a", "b:a.2", "b:c", part, elsewhere, "default")
    return "\n".join(
        f"route a to {chance.choice(targets)} via {chance.choice(HOPS)}{chance.choice(ENDS)}"
        for _ in range(chance.randint(2, 4))
    )


def comes_up(text: str) -> None:
    compiled = Compilation("-", f"lab gate\n{text}")
    with live.running(live.Lab("gate", compiled.up(), compiled.down(), "gate-")):
        told = points(live.run("bash", "-s", stdin=compiled.script("check"), seconds=60))
        assert [point.said for point in told.values() if not point.holds] == [], text


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("routes", SHOWN)
def test_next_hops_that_are_targets(routes: str, version: int) -> None:
    comes_up(lab(routes, version))


@pytest.mark.parametrize("version", [4, 6])
def test_random_routes_are_taken_or_refused(version: int) -> None:
    chance, tried = Random(f"gateways {version}"), 0
    while tried < 15:
        text = lab(drawn(chance, version), version)
        try:
            _ = Compilation("-", text).lab
        except TopologyError:
            continue
        comes_up(text)
        tried += 1


def test_names_of_links_beside_each_other_answer() -> None:
    """Each of the addresses that the name means."""
    with live.running(live.lab_of("gate", lab("route a to b via b\nroute b to a via a", 6))) as running:
        named = live.in_ns(running.ns("a"), "getent", "ahosts", "b").stdout.split()
        addresses = {word for word in named if ":" in word}
        assert len(addresses) == 4
        assert all(live.pings(running.ns("a"), address) for address in addresses)
