"""The diamond with both families, and with IPv6 alone."""

from collections.abc import Iterator

import kernel
import live
import packets
import pytest

pytestmark = pytest.mark.live

DIAMOND = live.DIAMOND + "mptcp a -- b"
POOLS = {
    "dual": ("pool 10.0.0.0/8\npool fd00:10::/32", ["-4", "-6"]),
    "six": ("pool fd00:10::/32", ["-6"]),
}
CASES = [(name, family) for name, (_, families) in POOLS.items() for family in families]
PAIRS = ["ab", "ba", "ac", "ca", "db", "bd"]


@pytest.fixture(scope="module", params=CASES, ids="".join)
def case(request: pytest.FixtureRequest) -> Iterator[tuple[live.Lab, str]]:
    name, family = request.param
    with live.running(live.lab_of(name, POOLS[name][0] + DIAMOND)) as lab:
        yield lab, family


@pytest.mark.parametrize("pair", PAIRS)
def test_reaches_by_name(case: tuple[live.Lab, str], pair: str) -> None:
    lab, family = case
    assert live.pings(lab.ns(pair[0]), pair[1], family)


@pytest.mark.parametrize("name", ["c.b", "d.b", "a.c"])
def test_interfaces_have_names(case: tuple[live.Lab, str], name: str) -> None:
    lab, family = case
    assert live.pings(lab.ns("a"), name, family)


def test_mptcp_fills_both_paths(case: tuple[live.Lab, str]) -> None:
    lab, family = case
    ends = lab.ns("b"), lab.ns("a"), "b"
    assert live.gain(*ends, enough=1.7, options=[family]) >= 1.7


def test_ipv6_alone_has_no_ipv4() -> None:
    with live.running(live.lab_of("alone", POOLS["six"][0] + DIAMOND)) as lab:
        by_device = kernel.addresses(lab.ns("a"))
    assert by_device
    assert "." not in str(by_device.values())


# --- larger labs, in loops and in files -------------------------------------------------------------

RACK = """
param n = 2
host h[1..n]
router top
switch lan
link h[1..n] -- lan
link top -- lan
for i in 1..n { link h[i] -- top }
"""
TWO_RACKS = """
router core
use "rack.topo" as r1
use "rack.topo" as r2 with n=3
for r in {r1,r2} { link [r]-top -- core }
"""


@pytest.fixture(scope="module", params=POOLS)
def racks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.Lab]:
    """Two used files, each a LAN, compiled from the output of `mpc expand`."""
    name = f"racks-{request.param}"
    folder = tmp_path_factory.mktemp(name)
    (folder / "rack.topo").write_text(RACK)
    (folder / "lab.topo").write_text(f"lab {name}\n{POOLS[request.param][0]}{TWO_RACKS}")
    flat = live.succeed(live.MPC, "expand", folder / "lab.topo")
    script = live.succeed(live.MPC, "compile", folder / "lab.topo")
    lab = live.lab_of(name, flat.removeprefix(f"lab {name}\n"))
    assert script.replace(" lab.topo", " standard input") == lab.up_script
    with live.running(lab) as running:
        yield running


@pytest.mark.parametrize("source", ["r1-h1", "r2-h3", "core"])
def test_racks_reach_each_other(racks: live.Lab, source: str) -> None:
    """By name, in each family of the lab: nodes, and interfaces towards a switch."""
    families = POOLS[racks.name.removeprefix("racks-")][1]
    targets = {"r1-h2", "r1-top", "r2-h1", "r2-h2", "core", "r1-lan.r1-h2", "r2-lan.r2-top"} - {source}
    for family in families:
        found = packets.side_by_side(racks.ns(source), targets, family, "-c", "2", "-w", "3", seconds=10)
        assert {name for name, echoes in found.items() if not echoes.answered} == set()


LOOPBACKS = """
pool 10.0.0.0/8
pool fd00:10::/32
host a address 192.0.2.1 address 192.0.2.2 address fd09::1 address fd09::2
host b
router c
switch s
link a -- s
link c -- s
link c -- b
"""


def test_each_of_several_own_addresses_is_reached() -> None:
    """Each has its own route, and the name resolves to all of them."""
    with live.running(live.lab_of("loopbacks", LOOPBACKS)) as lab:
        for address in ("192.0.2.1", "192.0.2.2", "fd09::1", "fd09::2"):
            assert live.pings(lab.ns("b"), address)
            assert live.pings(lab.ns("a"), "b", "-I", address)
        named = live.in_ns(lab.ns("b"), "cat", "/etc/hosts").stdout
    own = [line.split()[0] for line in named.splitlines() if line.endswith(" a")]
    assert own == ["192.0.2.1", "192.0.2.2", "fd09::1", "fd09::2"]


NEAR = """
pool 10.0.0.0/8
pool fd00:10::/32
host a b
link a -- b subnet 10.0.0.0/24 subnet fd00:9::/64
route a to 10.0.0.128/25 via b
route a to fd00:9::8000:0:0:0/65 via b
"""


def test_what_routes_a_node_can_have_to_where_it_is() -> None:
    """Longer prefixes are accepted; the whole network is refused in IPv4, and not used in IPv6 (MPC508)."""
    with live.running(live.lab_of("near", NEAR)) as lab:

        def ip(*words: str) -> live.Result:
            return live.run("ip", "-n", lab.ns("a"), *words)

        assert " via 10.0.0.2 " in ip("route", "get", "10.0.0.200").stdout
        assert " via fd00:9::2 " in ip("route", "get", "fd00:9::8000:0:0:5").stdout
        refused = ip("route", "add", "10.0.0.0/24", "via", "10.0.0.2", "dev", "b")
        assert "File exists" in refused.stderr
        assert ip("route", "add", "fd00:9::/64", "via", "fd00:9::2", "dev", "b").returncode == 0
        assert " via " not in ip("route", "get", "fd00:9::5").stdout


BESIDE = """
pool fd00::/16
host a
router c d e
link a -- c -- d
link c -- e -- d
route a to c:a via c
"""


def test_a_next_hop_of_ipv6_has_a_route_to_itself() -> None:
    """With a gateway, the kernel would refuse other routes through the same address."""
    with live.running(live.lab_of("beside", BESIDE)) as lab:
        assert live.pings(lab.ns("a"), "e")
        address = live.in_ns(lab.ns("a"), "getent", "hosts", "a.c").stdout.split()[0]
        own, other = (
            live.run("ip", "-n", lab.ns("a"), "route", "replace", target, "via", address, "dev", "c")
            for target in (address, "fd09::/64")
        )
        assert (own.returncode, other.returncode) == (0, 2)
