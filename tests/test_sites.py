"""Private networks: who is told of them, who reaches in and out, and what is predicted of that."""

from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labs import codes, lab_of, node_of

from compiler.model.lab import Lab
from compiler.prediction.predict import Predictor
from compiler.prediction.ways import Fate

HOMES = """
host pc1 pc2 web
router home1 home2 isp
switch lan1 lan2 private subnet 192.168.1.0/24
link {home1,pc1} -- lan1
link {home2,pc2} -- lan2
link {home1,home2} -- isp -- web
"""
MASQUERADED = f"{HOMES}masquerade {{home1,home2}} out isp ipv4\n"


def reaches(lab: Lab, source: str, target: str) -> bool:
    predictor = Predictor(lab)
    own = [address.address.ip for address in predictor.lookup.nodes[target].addresses]
    found = [predictor.between(source, target, ip) for ip in own]
    return bool(found) and all(one.trips and all(trip.works for trip in one.trips) for one in found)


def test_two_homes_have_one_prefix() -> None:
    lab = lab_of(MASQUERADED)
    sites = lab.sites
    assert sites.inside == {"pc1", "pc2"}
    assert sites.of.keys() == {"pc1", "pc2", "home1", "home2"}
    for source, target in permutations(("pc1", "pc2", "web", "home1", "home2", "isp"), 2):
        assert reaches(lab, source, target) == (not sites.hides(target, source)), (source, target)


def test_without_masquerade_answers_have_no_way() -> None:
    (trip,) = Predictor(lab_of(HOMES)).between("pc1", "web").trips
    assert trip.out.delivered
    assert [way.fate for way in trip.back] == [Fate.NO_ROUTE]


def test_only_members_are_told_of_the_prefix() -> None:
    lab = lab_of(HOMES)
    told = {
        node.name: {str(target) for route in node.routes for target in route.targets} for node in lab.ip_nodes
    }
    assert not any("192.168.1.0/24" in targets for targets in told.values())  # members are on it
    assert "0.0.0.0/0" in told["pc1"]
    assert "0.0.0.0/0" in told["web"]
    own = str(node_of(lab, "pc1").addresses[0].address.ip) + "/32"
    assert [name for name, targets in told.items() if own in targets] == ["home1"]


def test_who_is_linked_with_a_border_has_no_default_route_into_it() -> None:
    lab = lab_of("host pc web\nrouter home\nlink pc -- home private\nlink home -- web\n")
    assert all(target.prefixlen for route in node_of(lab, "web").routes for target in route.targets)
    assert not reaches(lab, "web", "pc")
    assert reaches(lab, "web", "home")


def test_an_answer_to_another_node_with_the_address_is_no_answer() -> None:
    """A node without an own address asks from that of its interface, which one of the other home has too."""
    text = HOMES.replace("host pc1 pc2 web", "host pc1 pc2 address none\nhost web")
    text = text.replace(
        "link {home1,pc1} -- lan1", "link home1 -- lan1\nlink pc1 -- lan1 address 192.168.1.7/24"
    )
    text = text.replace(
        "link {home2,pc2} -- lan2", "link home2 -- lan2\nlink pc2 -- lan2 address 192.168.1.7/24"
    )
    found = Predictor(lab_of(text)).between("pc1", "home2").trips
    assert {way.fate for trip in found for way in trip.back} == {Fate.ELSEWHERE}
    assert not any(trip.works for trip in found)


def test_a_tunnel_joins_two_homes() -> None:
    text = HOMES.replace(" subnet 192.168.1.0/24", "") + "tunnel home1 -- home2 via isp private\n"
    lab = lab_of(text)
    assert reaches(lab, "pc1", "pc2")
    assert not reaches(lab, "web", "pc2")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"{HOMES}link pc1 -- home2", ""),
        (f"{HOMES}link pc1 -- home2 private", "MPC403"),
        (f"{HOMES}host x\nlink x -- isp subnet 192.168.1.0/30", "MPC402"),
        (f"{HOMES}mptcp pc1 -- pc2", "MPC425"),
        (f"{HOMES}mptcp home1 -- home2", "MPC703"),
        (f"{HOMES}expect web -> pc1 reachable", "MPC811"),
        (f"{HOMES}expect pc1 -> web reachable", "MPC811"),
        (f"{MASQUERADED}expect web -> pc1 unreachable", ""),
        (f"{MASQUERADED}shape pc1 -> lan1 private", "MPC302"),
        (f"{MASQUERADED}link pc1 -- home1 private private", "MPC206"),
    ],
)
def test_what_is_said(text: str, code: str) -> None:
    assert codes(text) == ([code] if code else [])


@st.composite
def labs(draw: st.DrawFn) -> str:
    """Labs of up to 6 nodes and 8 links, some of them private."""
    count = draw(st.integers(2, 6))
    kinds = draw(st.lists(st.sampled_from(["host", "router", "router"]), min_size=count, max_size=count))
    pairs = draw(st.lists(st.sampled_from(list(combinations("abcdef"[:count], 2))), min_size=1, max_size=8))
    metric, more = draw(st.sampled_from(["hops", "cost"])), draw(st.sampled_from(["", " aggregate"]))
    lines = [f"routing shortest by {metric}{more}"]
    lines += [f"{kind} {name}" for kind, name in zip(kinds, "abcdef", strict=False)]
    for left, right in pairs:
        private = draw(st.sampled_from(["", "", " private"]))
        lines.append(f"link {left} -- {right} cost {draw(st.integers(1, 3))}{private}")
    return "\n".join(lines)


@given(labs())
def test_no_packet_from_outside_arrives_inside(text: str) -> None:
    lab = lab_of(text)
    sites, predictor = lab.sites, Predictor(lab)
    for source, target in permutations([node.name for node in lab.ip_nodes], 2):
        if sites.hides(target, source):
            assert not any(trip.out.delivered for trip in predictor.between(source, target).trips)


@given(labs())
def test_members_of_a_site_reach_each_other_over_its_links(text: str) -> None:
    """As far as a lab of these links alone would have it."""
    lab = lab_of(text)
    sites, predictor = lab.sites, Predictor(lab)
    alone = [line for line in text.splitlines() if not line.startswith("link") or "private" in line]
    apart = Predictor(lab_of("\n".join(alone).replace(" private", "")))
    for source, target in permutations(sorted(sites.of), 2):
        if target in sites.inside and sites.of[target] == sites.of[source]:
            found = [trip.out.delivered for trip in predictor.between(source, target).trips]
            wanted = [trip.out.delivered for trip in apart.between(source, target).trips]
            assert (bool(found) and all(found)) == (bool(wanted) and all(wanted)), (source, target)
