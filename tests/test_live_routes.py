"""Routes with metrics, over an interface alone, that refuse packets, and for packets from some network."""

from collections.abc import Iterator

import live
import pytest

from compiler.driver import Compilation
from compiler.model.lab import Lab
from compiler.model.nodes import Node
from compiler.prediction.predict import Predictor
from compiler.prediction.ways import Fate

pytestmark = [pytest.mark.live, pytest.mark.every_kernel]

LAB = """
pool 10.0.0.0/8
pool fd00:77::/48
host a b
router c d
router e address 203.0.113.9 address fd00:99::9
link {a,b} -- {c,d}
link {c,d} -- e
route a to b via c metric 50
route a to b via d metric 3000
route a to 192.0.2.0/24 unreachable
route a to 192.0.3.0/24 prohibit
route a to 192.0.4.0/24 blackhole
route c to 198.51.100.0/24 unreachable metric 7
route e to 203.0.113.64/26 dev e:c
route a from 10.0.0.0/8 to default via c
route a from fd00::/16 to default via d
route b from 10.0.0.0/8 to 192.0.6.0/24 via c, d metric 9
route b from fd00::/16 to fd00:96::/64 via c weight 2, d
route {c,d} to b via b
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[live.Lab]:
    with live.running(live.lab_of("routed", LAB)) as lab:
        yield lab


def test_all_is_as_planned(lab: live.Lab) -> None:
    del lab
    script = Compilation("-", f"lab routed\n{LAB}").script("check")
    assert "not ok" not in live.succeed("bash", "-s", stdin=script, seconds=60)


@pytest.mark.parametrize(("version", "out"), [(4, {"c", "d"}), (6, {"c"})])
def test_metrics_are_beside_what_is_inferred(lab: live.Lab, version: int, out: set[str]) -> None:
    """Inferred next hops are c and d, of the kernel's metric: 0, and 1024 in IPv6, which is more than 50."""
    compiled = Compilation("-", LAB).lab
    address = next(own.address.ip for own in _node(compiled, "b").addresses if own.address.version == version)
    trips = Predictor(compiled).between("a", "b", address).trips
    assert {trip.out.crossings[0].out.name for trip in trips} == out
    told = live.succeed("ip", "-n", lab.ns("a"), "route", "get", str(address))
    assert any(f" dev {name} " in told for name in out)
    assert live.pings(lab.ns("a"), "b", f"-{version}")


REFUSALS = {
    "192.0.2.1": (Fate.UNREACHABLE, "No route to host"),
    "192.0.3.1": (Fate.PROHIBIT, "Permission denied"),
    "192.0.4.1": (Fate.BLACKHOLE, "Invalid argument"),
}


@pytest.mark.parametrize("target", REFUSALS)
def test_packets_are_refused(lab: live.Lab, target: str) -> None:
    fate, said = REFUSALS[target]
    compiled = Compilation("-", f"{LAB}\nrouter f address {target}\nlink f -- e").lab
    (trip,) = Predictor(compiled).between("a", "f").trips
    assert (trip.out.fate, trip.out.at) == (fate, "a")
    assert said in live.run("ip", "-n", lab.ns("a"), "route", "get", target).stderr


def test_a_route_for_packets_from_somewhere(lab: live.Lab) -> None:
    """What is longer in the main table counts before its default."""
    own = live.succeed("ip", "-n", lab.ns("a"), "-4", "-o", "address", "show", "dev", "lo")
    source = next(word for word in own.split() if word.startswith("10.")).partition("/")[0]
    for target, out in (("203.0.113.200", "c"), ("192.0.5.1", "c")):
        told = live.succeed("ip", "-n", lab.ns("a"), "route", "get", target, "from", source)
        assert f" dev {out} " in told
    assert live.run("ip", "-n", lab.ns("a"), "route", "get", "192.0.5.1").returncode
    assert live.pings(lab.ns("a"), "e")


def test_an_interface_alone(lab: live.Lab) -> None:
    """The neighbours of the interface are asked for the target."""
    live.succeed("ip", "-n", lab.ns("c"), "address", "add", "203.0.113.70/32", "dev", "lo")
    assert live.pings(lab.ns("e"), "203.0.113.70")
    live.succeed("ip", "-n", lab.ns("c"), "address", "del", "203.0.113.70/32", "dev", "lo")


def test_a_route_in_reserve_is_taken(lab: live.Lab) -> None:
    """The routes of metrics 0 and 50 over c are gone with their link, and so are those of answers."""
    for node in ("a", "b"):
        live.succeed("ip", "-n", lab.ns(node), "link", "set", "dev", "c", "down")
    told = live.succeed("ip", "-n", lab.ns("a"), "-6", "route", "show", "metric", "3000")
    assert " dev d " in told
    assert live.pings(lab.ns("a"), "b", "-4")


def _node(lab: Lab, name: str) -> Node:
    return next(node for node in lab.ip_nodes if node.name == name)
