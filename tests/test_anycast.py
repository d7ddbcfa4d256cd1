"""Addresses that several nodes have: routes lead to the nearest of them, and what is said of that is so."""

from hypothesis import given, settings
from hypothesis import strategies as st
from labs import codes, compiled, lab_of

from compiler.infer.graph import Graph
from compiler.model.lab import Lab
from compiler.prediction.lookup import Lookup
from compiler.prediction.predict import Predictor
from compiler.prediction.ways import ways

ADDRESS = "192.0.2.53"


@st.composite
def labs(draw: st.DrawFn) -> str:
    """Routers with random links, some over a switch, and hosts at them that have one address."""
    count = draw(st.integers(2, 6))
    lines = [draw(st.sampled_from(["", "routing shortest by delay", "routing shortest by cost aggregate"]))]
    lines += [f"router r{place}{' anycast 192.0.2.53' * draw(st.booleans())}" for place in range(count)]
    for place in range(1, count):
        cost = draw(st.integers(1, 3))
        lines.append(f"link r{place} -- r{draw(st.integers(0, place - 1))} delay {cost}ms cost {cost}")
    for left, right in draw(
        st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=4)
    ):
        lines += [f"link r{left} -- r{right} delay 1ms"] * (left != right)
    hosts = draw(st.lists(st.integers(0, count - 1), min_size=2, max_size=4))
    for place, router in enumerate(hosts):
        lines.append(f"host h{place}{' anycast 192.0.2.53' * (place < 2 or draw(st.booleans()))}")
        lines.append(f"link h{place} -- r{router}")
    if draw(st.booleans()):
        lines += ["switch s", "link h0 -- s", "link h1 -- s", f"link r{draw(st.integers(0, count - 1))} -- s"]
    return "\n".join(lines)


def nearest(lab: Lab) -> dict[str, set[str]]:
    """The nodes with the address that are nearest to each other node."""
    graph = Graph(lab, 4)
    owners = [node.name for node in lab.ip_nodes if node.anycast]
    costs = {name: graph.distances(name) for name in owners}
    found = {}
    for node in (node.name for node in lab.ip_nodes if not node.anycast):
        known = {name: own[node] for name, own in costs.items() if node in own}
        found[node] = {name for name, cost in known.items() if cost == min(known.values())}
    return found


@settings(max_examples=60)
@given(labs())
def test_packets_come_to_the_nearest_nodes(text: str) -> None:
    """A way may end earlier, at another one that is as near."""
    lab = lab_of(text)
    lookup = Lookup(lab)
    address = next(own.address.ip for node in lab.ip_nodes for own in node.anycast)
    for name, wanted in nearest(lab).items():
        found = ways(lookup, name, address)
        assert all(way.delivered for way in found) or not wanted
        assert {way.at for way in found if way.delivered} == wanted, name


def test_what_is_predicted_for_an_address_is_for_where_packets_come_to() -> None:
    lab = lab_of(
        f"host ns1 ns2 anycast {ADDRESS}\nhost a\nrouter r s\n"
        "link a -- r -- ns1 rate 10mbit\nlink r -- s -- ns2 rate 10mbit\n"
    )
    address = lab.ip_nodes[0].anycast[0].address.ip
    found = Predictor(lab).to_address("a", address)
    assert found.target == "ns1"
    assert found.named == ("a", ADDRESS)
    assert [trip.out.at for trip in found.trips] == ["ns1"]


def test_only_those_that_say_so_have_one_address() -> None:
    both = "host {} {}\nlink a -- b\n"
    assert codes(f"host a b anycast {ADDRESS}\nlink a -- b") == []
    assert codes(f"host a address {ADDRESS}\nhost b anycast {ADDRESS}\nlink a -- b") == ["MPC403"]
    assert codes(
        both.format(f"a anycast {ADDRESS} anycast {ADDRESS}", "").replace("link", "host b\nlink")
    ) == ["MPC206"]


def test_own_names_mean_no_address_of_several() -> None:
    lab = lab_of(f"host a b anycast {ADDRESS}\nhost c\nswitch s\nlink {{a,b,c}} -- s")
    assert all(str(own) != ADDRESS for name in "ab" for own in lab.meanings.all(name, "c"))


def test_an_address_of_several_is_expected_and_not_measured() -> None:
    lab = (
        f"host ns1 ns2 anycast {ADDRESS}\nhost a\nrouter r s\n"
        "link a -- r -- ns1 delay 10ms\nlink r -- s -- ns2 delay 10ms\n"
    )
    assert codes(f"{lab}expect a -> {ADDRESS} rtt 40ms..41ms\n") == []
    assert codes(f"{lab}expect a -> {ADDRESS} rtt 60ms..61ms\n") == ["MPC812"]
    assert codes(f"{lab}expect a -> {ADDRESS} unreachable\n") == ["MPC811"]
    assert codes(f"{lab}bench a -> {ADDRESS} using tcp\n") == ["MPC226"]
    check = compiled(f"{lab}expect a -> {ADDRESS} reachable\n").script("check")
    assert f"ask lab-a lab-ns1 'a -> {ADDRESS} reachable' reachable 0 0 {ADDRESS}\n" in check
