"""What names mean, and what stands at the ends of links: addresses, none, several, and MAC addresses."""

import re
from ipaddress import ip_network
from pathlib import Path

import pytest
from labs import codes, compiled, lab_of

from compiler.driver import Compilation
from compiler.model.links import InterfaceName
from compiler.model.segments import Interface
from compiler.model.trials import End
from compiler.plan.facts import Mac, OwnAddress, Routes
from compiler.prediction.predict import Predictor

LANS = """
routing none
host   h1 h2 web
router r
switch s t
link   {h1,h2} -- s
link   r -- t
link   r -- s
link   web -- t  address 198.51.100.80/24
"""


def meant(text: str, node: str, asker: str) -> list[str]:
    """The interfaces whose addresses a name means, in order; `node` for an own address."""
    lab = lab_of(text)
    owners = {own.ip: str(end.id) for end in lab.interfaces.values() for own in end.addresses}
    return [owners.get(address, node) for address in lab.meanings.all(node, asker)]


@pytest.mark.parametrize(
    ("asker", "node", "wanted"),
    [
        ("h1", "r", ["r:s", "r:t"]),
        ("web", "r", ["r:t", "r:s"]),
        ("h1", "web", ["web:t"]),
        ("r", "r", ["r:t", "r:s"]),
    ],
)
def test_the_address_on_the_askers_segment_is_first(asker: str, node: str, wanted: list[str]) -> None:
    assert meant(LANS, node, asker) == wanted


def test_those_that_a_link_writes_come_before_others() -> None:
    text = "routing none\nhost a b c d\nlink a -- b -- d -- c\n"
    text += "link a -- c address 192.0.2.1/24 192.0.2.2/24\n"
    assert meant(text, "a", "d") == ["a:c", "a:b"]
    assert meant(text, "a", "b") == ["a:b", "a:c"]


def test_no_address_is_invented_beside_a_written_one() -> None:
    """In that family; the other has its own, as before."""
    text = "pool 10.0.0.0/8\npool fd00::/48\nhost a b\nlink a -- b address 192.0.2.1/24 192.0.2.2/24\n"
    lab = lab_of(text)
    assert [own.address.version for node in lab.ip_nodes for own in node.addresses] == [6, 6]
    assert [str(one) for one in lab.meanings.all("b")][1:] == ["192.0.2.2"]
    assert lab_of(text.replace("address 192.0.2.1/24 192.0.2.2/24", "")).ip_nodes[0].addresses[1:]


def test_a_file_of_its_own_is_for_those_that_take_another_address_first() -> None:
    plan = compiled(LANS).plan
    near = {name: str(own.ip) for name, own in ((end.name, end.addresses[0]) for end in ends(LANS, "r"))}
    assert dict(plan.own_hosts) == {"lab-h1": (f"{near['s']} r",), "lab-h2": (f"{near['s']} r",)}
    assert [line.split()[0] for line in plan.hosts if line.endswith(" r")] == [near["t"], near["s"]]
    assert compiled("host a b\nrouter c\nlink {a,b} -- c").plan.own_hosts == ()


def ends(text: str, node: str) -> list[Interface]:
    return [end for end in lab_of(text).interfaces.values() if end.node == node]


def test_a_route_leads_to_all_that_a_name_means() -> None:
    lab = lab_of(
        "routing none\nhost a b\nrouter c d\nlink a -- {c,d} -- b\nroute a to b via c\nroute a to b:d via d\n"
    )
    (a,) = (node for node in lab.ip_nodes if node.name == "a")
    interfaces = {str(end.id): end.addresses[0].ip for end in lab.interfaces.values()}
    assert {str(route.targets[0]): route.nexthops[0].interface for route in a.routes} == {
        f"{interfaces['b:c']}/32": "c",
        f"{interfaces['b:d']}/32": "d",
    }


DIAMOND = "host a b\nrouter c d\nlink {a,b} -- {c,d} rate 5mbit\n"


def test_a_route_leads_to_what_a_name_means_over_a_link_without_addresses() -> None:
    text = "routing none\nhost b\nrouter r s\nlink r -- s address none\nlink s -- b\nroute r to b via s\n"
    lab = lab_of(text)
    (route,) = next(node for node in lab.nodes if node.name == "r").routes
    (hop,) = route.nexthops
    assert route.targets == (ip_network(lab.meanings.all("b")[0]),)
    assert (hop.via, hop.interface) == (lab.meanings.all("s")[0], "s")


def test_an_interface_at_either_end_is_its_address() -> None:
    text = f"{DIAMOND}expect a:c -> b:d reachable\nexpect a -> b:c rate >= 1kbit\n"
    compilation = compiled(f"{text}bench b:d -> a using tcp, mptcp\nmptcp a -> b\n")
    lab = compilation.lab
    own = {str(end.id): str(end.addresses[0].ip) for end in lab.interfaces.values()}
    assert [one.target for one in lab.expectations] == [End("b", "d"), End("b", "c")]
    check, bench = compilation.script("check"), compilation.script("bench")
    assert f"ask lab-a lab-b 'a:c -> b:d reachable' reachable 0 0 {own['a:c']},{own['b:d']}\n" in check
    assert re.search(rf"throughput .* lab-a lab-b {own['b:c']} tcp ", check)
    rows = [line.split() for line in bench.splitlines() if line.startswith("row ")]
    assert [row[1:3] for row in rows] == [["b:d", "a"]] * 2
    assert rows[0][-2:] == ["-B", own["b:d"]]
    assert rows[1][5:8] == ["lab-a", "lab-b", own["b:d"]]
    assert rows[1][-1] == "-R"


def test_paths_between_interfaces() -> None:
    lab = lab_of(DIAMOND)
    found = Predictor(lab).between("a:c", "b:d")
    assert found.named == ("a:c", "b:d")
    assert {str(trip.out.source) for trip in found.trips} == {
        str(lab.interfaces[InterfaceName("a", "c")].addresses[0].ip)
    }


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("expect a:x -> b reachable", ["MPC205"]),
        ("expect a:c -> a reachable", ["MPC801"]),
        ("expect s:a -> b reachable", ["MPC218"]),
        ("bench a:e -> b using tcp", ["MPC802"]),
        ("expect b -> a:e reachable", ["MPC802"]),
    ],
)
def test_ends_that_cannot_be_tried(line: str, wanted: list[str]) -> None:
    more = "switch s\nlink {a,b} -- s\nhost e\nlink a -- e address none\n"
    assert codes(f"{DIAMOND}{more}{line}\n") == wanted


def test_an_end_has_no_address_or_several_and_a_mac_address() -> None:
    text = (
        "host a b\nrouter c\nlink a -- c address 192.0.2.1/24 192.0.2.2/24 address 198.51.100.1/24 none"
        " mac none 02:00:00:00:00:0A\nlink c -- b address none\n"
    )
    facts = list(compiled(text).plan.facts)
    given: dict[tuple[str, str], list[str]] = {}
    for one in (one for one in facts if isinstance(one, OwnAddress)):
        given.setdefault((one.namespace, one.device), []).append(str(one.address))
    assert given["lab-a", "c"] == ["192.0.2.1/24", "198.51.100.1/24"]
    assert given["lab-c", "a"] == ["192.0.2.2/24"]
    assert ("lab-c", "b") not in given
    assert [one for one in facts if isinstance(one, Mac)] == [Mac("lab-c", "a", "02:00:00:00:00:0a")]
    onlink = {
        (one.namespace, str(hop.via))
        for one in facts
        if isinstance(one, Routes)
        for hop in one.hops
        if hop.onlink
    }
    assert onlink == {("lab-b", "192.0.2.2"), ("lab-c", given["lab-b", "lo"][0].partition("/")[0])}


def test_an_end_borrows_an_address_of_ipv6_for_neighbour_discovery() -> None:
    text = "pool fd00::/48\nhost a\nrouter b c\nlink a -- b\nlink b -- c address none\nhost d\nlink c -- d\n"
    facts = list(compiled(text).plan.facts)
    given = {(one.namespace, one.device): one.address for one in facts if isinstance(one, OwnAddress)}
    assert given["lab-b", "c"] == given["lab-b", "lo"]
    hops = [hop for one in facts if isinstance(one, Routes) and one.namespace == "lab-c" for hop in one.hops]
    assert {(hop.via, hop.onlink) for hop in hops if hop.interface == "b"} == {
        (given["lab-b", "lo"].ip, True)
    }
    assert codes("pool fd00::/48\nhost a b address none\nlink a -- b address none") == []


def test_a_borrowed_next_hop_that_has_a_better_route_is_refused() -> None:
    text = "pool fd00::/48\nrouter a b c\nlink a -- b cost 9 address none\nlink a -- c -- b\n"
    text += "routing shortest by cost\nhost x\nlink x -- b\n"
    assert codes(text) == []
    assert codes(f"{text}route a to fd99::/64 via b\nroute b to fd99::/64 via x\n") == ["MPC419"]


@pytest.mark.parametrize("vrf", ["", " vrf red"])
@pytest.mark.parametrize(("pool", "wanted"), [("fd00::/48", ["MPC419"]), ("10.0.0.0/8", [])])
def test_a_borrowed_next_hop_in_a_network_of_another_interface(
    pool: str, wanted: list[str], vrf: str
) -> None:
    text = (
        f"pool {pool}\nhost a b\nrouter r s address none\nlink a -- r{vrf}\nlink r -- s{vrf} address none\n"
    )
    assert codes(f"{text}link s -- b{vrf}\n") == []
    assert codes(f"{text}link s -- b{vrf}\nlink r -- s{vrf}\n") == []
    assert codes(f"{text}link r -- s{vrf}\nlink s -- b{vrf}\n") == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("host a b\nlink a -- b address none none", []),
        ("host a b\nswitch s\nlink {a,b} -- s address none", []),
        ("host a b\nswitch s\nlink a -- s address none none\nlink b -- s", ["MPC411"]),
        ("host a b c\nlink {a,b} -- c address none 192.0.2.1/24", ["MPC408"]),
        ("host a b\nlink a -- b address 192.0.2.1/24 192.0.2.2/24 address 192.0.2.1/24 none", ["MPC403"]),
        ("host a b\nlink a -- b address 192.0.2.1/24 none subnet 192.0.3.0/24", ["MPC206"]),
        (
            "host a b c\nlink a -- b address 192.0.2.1/24 none\nlink c -- b address 192.0.2.1/24 none",
            ["MPC403"],
        ),
        ("profile p address none\nhost a b\nlink a -- b p", ["MPC302"]),
    ],
)
def test_what_ends_cannot_have(text: str, wanted: list[str]) -> None:
    assert codes(text) == wanted


def test_ends_in_a_used_file_are_those_of_the_lab(tmp_path: Path) -> None:
    rack = "host a\nrouter b\nlink a -- b\nexpect a:b -> b:a reachable\nbench a -> b:a using tcp\n"
    (tmp_path / "rack.topo").write_text(rack)
    lab = Compilation(str(tmp_path / "lab.topo"), 'use "rack.topo" as r\nhost z\nlink z -- r-b\n').lab
    assert str(lab.expectations[0].target) == str(lab.benches[0].target) == "r-b:r-a"
    assert str(lab.expectations[0].source) == "r-a:r-b"
