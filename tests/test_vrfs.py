"""VRFs of routers: what they keep apart, routes from one to another, and what a plan makes of them."""

import re
from itertools import permutations

import pytest
from labs import codes, compiled, lab_of, node_of

from compiler.driver import Compilation
from compiler.infer import vrfs
from compiler.model.links import InterfaceName
from compiler.model.vrfs import whole
from compiler.plan.facts import LocalRule, Routes, Sysctl, Vrf, VrfPort
from compiler.prediction.maxflow import of_lab
from compiler.prediction.predict import Predictor
from compiler.scripts.bench import bench

CUSTOMERS = """
host a1 a2 b1 b2 web
router r s
link a1 -- r vrf red address 192.168.1.2/24 192.168.1.1/24
link b1 -- r vrf blue address 192.168.1.2/24 192.168.1.1/24
link r -- s vrf red
link r -- s vrf blue
link a2 -- s vrf red
link b2 -- s vrf blue
link web -- r
"""
LEAKING = f"""{CUSTOMERS}
route s vrf red to web via r
route r vrf red to web via web
route r to a2 via s:r
"""


def reaching(text: str) -> set[tuple[str, str]]:
    """The pairs of hosts of which one reaches all that the name of the other means."""
    lab = lab_of(text)
    predictor = Predictor(lab)
    found = set()
    for source, target in permutations(("a1", "a2", "b1", "b2", "web"), 2):
        tried = (predictor.between(source, target, address) for address in lab.meanings.tried(target, source))
        if all(one.trips and all(trip.works for trip in one.trips) for one in tried):
            found.add((source, target))
    return found


def both(*pairs: tuple[str, str]) -> set[tuple[str, str]]:
    return {*pairs, *((target, source) for source, target in pairs)}


def test_customers_are_kept_apart() -> None:
    assert reaching(CUSTOMERS) == both(("a1", "a2"), ("b1", "b2"))


def test_routes_lead_from_one_to_another() -> None:
    """Both ways: a VRF that only one of them leads out of gets no answers."""
    assert reaching(LEAKING) == both(("a1", "a2"), ("b1", "b2"), ("a2", "web"))
    assert reaching(LEAKING.replace("route r to a2 via s:r\n", "")) == reaching(CUSTOMERS)


def test_a_leak_counts_for_what_links_carry() -> None:
    predictor = Predictor(lab_of(LEAKING + "shape a2 -> s rate 10mbit\n"))
    assert of_lab(predictor.lookup, "a2", "web").rate == 10_000_000
    assert of_lab(predictor.lookup, "a2", "b2").rate == 0


@pytest.mark.parametrize("of", ["red", "none", "red none"])
def test_a_prefix_stands_once_in_each(of: str) -> None:
    lab = CUSTOMERS.replace("b1 -- r vrf blue", f"r -- b1 vrf {of}")
    assert ("MPC402" in codes(lab)) == (of != "none")


def test_own_addresses_stay_different() -> None:
    pinned = CUSTOMERS.replace("host a1 a2", "host a1 a2 address 10.9.9.9").replace("b1 b2", "\nhost b1 b2")
    assert "MPC403" in codes(f"{pinned}host x address 10.9.9.9\nlink x -- r vrf blue\n")


def test_names_of_a_router_mean_what_is_outside() -> None:
    lab = lab_of("host a b\nrouter r\nlink {a,b} -- r vrf red\n")
    assert lab.meanings.all("r") == ()
    assert codes("host a b\nrouter r\nlink {a,b} -- r vrf red\nexpect a -> r reachable\n") == ["MPC802"]
    assert lab_of(CUSTOMERS).meanings.all("r")


def test_each_has_a_table_that_ends() -> None:
    """The same at both routers, and one other for each VRF; the rule for own addresses comes later."""
    facts = list(Compilation("lab.topo", CUSTOMERS).plan.facts)
    tables = {(fact.namespace, fact.name): fact.table for fact in facts if isinstance(fact, Vrf)}
    assert tables["lab-r", "red"] == tables["lab-s", "red"] != tables["lab-r", "blue"]
    ends = [fact for fact in facts if isinstance(fact, Routes) and fact.refusal]
    assert {(one.namespace, one.table) for one in ends} == {
        (here, table) for (here, _), table in tables.items()
    }
    assert [fact.namespace for fact in facts if isinstance(fact, LocalRule)] == ["lab-r", "lab-s"]
    assert VrfPort("lab-r", "a1", "red") in facts


def test_more_names_than_tables_of_the_range_have_a_table_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vrfs, "TABLES", 3)
    lab = lab_of("routing none\nrouter r s\nfor i in 1..5 { link r -- s vrf v[i] }\n")
    tables = {node.vrf.name: node.vrf.table for node in lab.nodes if node.vrf}
    assert (len(tables), len({*tables.values()})) == (5, 5)


def test_a_bench_has_nodes_beside_their_namespaces() -> None:
    text = "host a\nrouter r\nhost b\nlink a -- r vrf red\nlink b -- r vrf red\nbench a -> b using tcp\n"
    found = compiled(text)
    script = "".join(bench(found.lab, found.plan))
    (nodes,) = re.findall(r"need_nodes (\w.*)$", script.partition("need_nodes() {")[0], re.MULTILINE)
    assert tuple(f"lab-{name}" for name in nodes.split()) == found.plan.namespaces
    assert "\nover a lab-a b lab-b r lab-r\n" in script


def test_equal_paths_in_a_vrf_share_flows() -> None:
    lab = lab_of(f"{CUSTOMERS}link r -- s vrf red\n")
    assert max(len(route.nexthops) for route in node_of(lab, "r.red").routes) == 2
    sysctls = [
        fact
        for fact in Compilation("lab.topo", f"{CUSTOMERS}link r -- s vrf red\n").plan.facts
        if isinstance(fact, Sysctl) and fact[1:] == ("net.ipv4.fib_multipath_hash_policy", "3")
    ]
    assert [fact.namespace for fact in sysctls] == ["lab-r", "lab-s"]


def test_events_and_trials_name_interfaces_as_they_are_written() -> None:
    text = f"{CUSTOMERS}at 1s down a2 -- s\nexpect a2 -> r:a1 reachable\n"
    lab = lab_of(text)
    assert "happened 100 'down a2:s -- s:a2'" in compiled(text).script("play")
    assert InterfaceName("s.red", "a2") in lab.events[0].changes[0].link  # type: ignore[union-attr]
    shown = whole(lab)
    assert "s.red" not in str((shown.nodes, shown.links, shown.interfaces, shown.events, shown.expectations))


def test_a_trunk_is_in_one_vrf() -> None:
    lab = lab_of(
        "host a b\nrouter r\nswitch s\nlink a -- s vlan 10\nlink b -- s vlan 20\n"
        "link r:up -- s trunk 10,20 vrf red\nexpect a -> b reachable\n"
    )
    assert {str(id) for id in lab.interfaces} >= {"r.red:up.10", "r.red:up.20"}


def test_a_lab_without_any_stays_as_it_is() -> None:
    assert not lab_of("host a\nrouter r\nlink a -- r").has_vrfs
