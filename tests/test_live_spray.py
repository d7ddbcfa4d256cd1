"""Live tests of sprays: one TCP connection over all paths, measured on the links and at the receiver."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random

import live
import pytest
from try_labs import try_lab

from compiler.driver import Compilation

pytestmark = pytest.mark.live

UNEQUAL = """
pool 10.0.0.0/8
pool fd00:5::/48
host a b
router c d
link {a,b} -- c rate 10mbit
link {a,b} -- d rate 5mbit
"""
BEHIND = """
host h s
router n e c d f
link h -- n -- e rate 100mbit
link e -- {c,d} -- f rate 10mbit
link f -- s rate 100mbit
masquerade n out e
route e to s via c, d per-packet
route f to n:e via c, d per-packet
"""
DATA = "1M"


def sent(ns: str, interface: str) -> int:
    """The number of packets sent by an interface."""
    (told,) = json.loads(live.succeed("ip", "-n", ns, "-j", "-s", "link", "show", "dev", interface))
    return int(told["stats64"]["tx"]["packets"])


def parts(lab: live.Lab, node: str, interfaces: str, server: str, client: str, target: str) -> list[float]:
    """The share of a node's packets that each interface sends, during a transfer over one connection."""
    before = [sent(lab.ns(node), name) for name in interfaces]
    transfer(lab, server, client, target)
    after = [sent(lab.ns(node), name) for name in interfaces]
    found = [late - early for early, late in zip(before, after, strict=True)]
    return [one / sum(found) for one in found]


def transfer(lab: live.Lab, server: str, client: str, target: str) -> None:
    with live.listening(lab.ns(server), ["iperf3", "--server", "--one-off"], 40):
        result = live.in_ns(lab.ns(client), "iperf3", "--client", target, "--bytes", DATA, "--json")
        assert result.returncode == 0, result.stdout


def address(lab: live.Lab, node: str, version: int) -> str:
    """A node's own address."""
    own = live.in_ns(lab.ns(node), "ip", f"-{version}", "-br", "address", "show", "dev", "lo").stdout.split()
    return next(word.split("/")[0] for word in own[2:] if not word.startswith(("127.", "::1/")))


@pytest.mark.every_kernel
@pytest.mark.parametrize("version", [4, 6])
def test_packets_of_one_connection_take_turns_by_weight(version: int) -> None:
    with live.running(live.lab_of("turns", UNEQUAL + "spray a -- b")) as lab:
        found = parts(lab, "a", "cd", "b", "a", address(lab, "b", version))
        assert found == pytest.approx([2 / 3, 1 / 3], abs=0.03)
        back = parts(lab, "b", "cd", "a", "b", address(lab, "a", version))
        assert back == pytest.approx([2 / 3, 1 / 3], abs=0.03)


def test_one_connection_fills_all_paths() -> None:
    """The faster path alone has 9.56 Mbit/s, and so have both together if they take turns without weights."""
    with live.running(live.lab_of("filled", UNEQUAL + "spray a -> b")) as lab:
        found = live.most(
            lambda: live.iperf(lab.ns("b"), lab.ns("a"), address(lab, "b", 4), seconds=4), enough=13e6
        )
        assert found > 11.5e6


@pytest.mark.every_kernel
def test_routers_spray_for_hosts_behind_them_and_behind_nat() -> None:
    with live.running(live.lab_of("behind", BEHIND)) as lab:
        assert parts(lab, "e", "cd", "s", "h", "s") == pytest.approx([0.5, 0.5], abs=0.03)
        assert parts(lab, "f", "cd", "s", "h", "s") == pytest.approx([0.5, 0.5], abs=0.1)  # acknowledgements


def test_a_default_route_in_turn_leaves_longer_ones_alone() -> None:
    text = UNEQUAL + "route a to default via c, d per-packet\nroute b to a:d via d"
    with live.running(live.lab_of("longer", text)) as lab:
        for near in ("a.c", "a.d", "b.c", "b.d"):
            assert live.pings(lab.ns("a"), near)
        before = [sent(lab.ns("a"), name) for name in "cd"]
        live.in_ns(lab.ns("a"), "ping", "-c", "40", "-i", "0.01", "-W", "1", "192.0.2.1")
        after = [sent(lab.ns("a"), name) for name in "cd"]
        assert [late - early >= 18 for early, late in zip(before, after, strict=True)] == [True, True]


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(
    "link", [pytest.param(("d", "b"), marks=pytest.mark.every_kernel), ("b", "d"), ("a", "d"), ("d", "a")]
)
def test_a_path_that_breaks_anywhere_is_left_out(version: int, link: tuple[str, str]) -> None:
    """An interface goes down; the other end sees it by the carrier, and senders by ICMP errors."""
    with live.running(live.lab_of("broken", UNEQUAL + "spray a -- b weights c 1 d 1")) as lab:
        target = address(lab, "b", version)
        assert live.pings(lab.ns("a"), target)
        live.succeed("ip", "-n", lab.ns(link[0]), "link", "set", "dev", link[1], "down")
        live.wait_until(lambda: answered(lab, target, 4) == 4)
        assert answered(lab, target, 100) >= 90


PREFIXES = """
route a to 203.0.113.0/24 via c, d per-packet
route a to 2001:db8::/32 via c, d per-packet
route {c,d} to 203.0.113.0/24 via b
route {c,d} to 2001:db8::/32 via b
"""


@pytest.mark.every_kernel
def test_of_a_prefix_a_next_hop_is_left_out_for_the_addresses_that_it_does_not_reach() -> None:
    with live.running(live.lab_of("prefix", UNEQUAL + PREFIXES)) as lab:
        for target, other in (("203.0.113.1", "203.0.113.2"), ("2001:db8::1", "2001:db8::2")):
            live.succeed("ip", "-n", lab.ns("b"), "address", "add", target, "dev", "lo")
            live.succeed("ip", "-n", lab.ns("b"), "address", "add", other, "dev", "lo")
            assert answered(lab, target, 20) == answered(lab, other, 20) == 20
            live.succeed("ip", "-n", lab.ns("d"), "route", "add", "unreachable", target)
            live.wait_until(partial(all_answered, lab, target))
            assert answered(lab, target, 100) >= 98
            before = sent(lab.ns("a"), "d")
            assert answered(lab, other, 100) == 100
            assert sent(lab.ns("a"), "d") - before >= 50


@pytest.mark.every_kernel
def test_a_play_leaves_no_next_hop_left_out() -> None:
    text = f"{UNEQUAL}{PREFIXES}spray a -- b weights c 1 d 1\nat 0s down d -- b\nat 9s up d -- b\n"
    with live.running(live.lab_of("played", text)) as lab:
        script = Compilation("-", f"lab played\n{text}").script("play")
        with ThreadPoolExecutor() as pool:
            played = pool.submit(live.run, "bash", "-s", "--", "--for", "3", stdin=script)
            for target in ("203.0.113.1", "2001:db8::1", address(lab, "b", 4), address(lab, "b", 6)):
                live.wait_until(partial(noted, lab, target))
            assert played.result().returncode == 0
        assert left_out(lab).count("set away") == 3
        assert "expires" not in left_out(lab)


def noted(lab: live.Lab, target: str) -> bool:
    """Whether packets to a target have a next hop of a left out."""
    before = left_out(lab).count("expires")
    answered(lab, target, 4)
    return left_out(lab).count("expires") > before


def left_out(lab: live.Lab) -> str:
    return live.in_ns(lab.ns("a"), "nft", "list", "sets").stdout


def all_answered(lab: live.Lab, target: str) -> bool:
    return answered(lab, target, 4) == 4


def answered(lab: live.Lab, target: str, count: int) -> int:
    options = ("-c", str(count), "-i", "0.01", "-W", "1", "-q")
    told = live.in_ns(lab.ns("a"), "ping", *options, target).stdout
    return int(told.partition(" received")[0].rpartition(" ")[2])


def test_the_other_subflows_of_mptcp_keep_to_their_paths() -> None:
    with live.running(live.lab_of("beside", UNEQUAL + "spray a -- b\nmptcp a -- b")) as lab:
        ns, source = lab.ns("a"), live.in_ns(lab.ns("a"), "ip", "-4", "-br", "address", "show", "dev", "d")
        own = source.stdout.split()[2].split("/")[0]
        before = sent(ns, "c")
        live.in_ns(ns, "ping", "-c", "20", "-i", "0.01", "-I", own, address(lab, "b", 4))
        assert sent(ns, "c") - before < 5


def test_a_check_names_each_drift() -> None:
    text = "lab turned\n" + UNEQUAL + "spray a -- b\nroute c to 192.168.0.0/16 via a, b per-packet\n"
    compilation = Compilation("-", text)
    assert try_lab(compilation, Random("turns")) == [], text
