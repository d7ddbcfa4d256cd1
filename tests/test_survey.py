"""Notes on unreachable nodes and asymmetric paths, compared with a search over all paths."""

from itertools import combinations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from labs import compiled, lab_of

from compiler.driver import TopologyError
from compiler.ground.diagnostics import Diagnostic, Severity
from compiler.prediction.lookup import Lookup
from compiler.prediction.reach import Reach, arrives
from compiler.prediction.trips import trips
from compiler.prediction.ways import ways

DIAMOND = "host a b\nrouter c d\nlink {a,b} -- {c,d}\n"


def notes(text: str) -> list[Diagnostic]:
    compilation = compiled(text)
    compilation.survey()
    assert not compilation.diagnostics.failed
    return [found for found in compilation.diagnostics if found.severity is Severity.NOTE]


def said(text: str) -> list[str]:
    return [found.message for found in notes(text)]


def test_vrfs_that_keep_nodes_apart_are_told() -> None:
    customers = "host a web\nrouter r\nlink a -- r vrf red\nlink web -- r\n"
    leaking = f"{customers}route r vrf red to web via web\nroute r to a via a\n"
    (found,) = notes(leaking)
    assert (found.message, found.label) == ("`a` does not reach `r`", "kept apart by the VRFs of `r`")
    assert found.help == "nodes in a VRF reach `r` by its interfaces there"
    beside = notes(f"{customers}link b -- r vrf blue\nhost b\n")
    assert {found.label for found in beside} == {"kept apart by the VRFs of `r`"}
    assert {found.help.partition("leads")[0] for found in beside} == {"a `route` with `vrf` "}
    (alone,) = notes(
        f"{customers}route r vrf red to web via web\nroute r to a via a\nhost x y\nlink x -- y\n"
    )[1:]
    assert alone.label == "no links lead from one to the other"


def test_a_bench_that_measures_nothing_is_told() -> None:
    told = "`c` does not reach `d`, so that bench measures nothing"
    bench = "bench a -> b using tcp\nbench c -> d using tcp\n"
    assert told in said(f"{DIAMOND}{bench}")
    assert told not in said(f"{DIAMOND.replace('host a b', 'host a b forward on')}{bench}")


def test_of_a_bench_into_a_private_network_the_end_inside_is_told_to_open() -> None:
    home = "host pc web\nrouter home\nlink pc -- home private\nlink home -- web\nmasquerade home out web\n"
    (found,) = notes(f"{home}bench web -> pc using tcp\n")
    assert found.help == "`pc` is in a private network: `bench pc -> web using tcp reverse`"
    assert notes(f"{home}bench pc -> web using tcp reverse\n") == []


def test_many_benches_that_measure_nothing_are_counted() -> None:
    text = f"{DIAMOND}host x[1..7]\nlink x[1..7] -- c\n"
    text += "".join(f"bench x{number} -> d using tcp\n" for number in range(1, 8))
    told = [one.message for one in notes(text) if one.code == "MPC570"]
    assert len(told) == 6
    assert told[-1] == "2 more benches measure nothing"


@st.composite
def labs(draw: st.DrawFn) -> str:
    """Labs of up to 6 nodes with switches, both families, explicit routes, sysctls and masquerades."""
    names = "abcdef"[: draw(st.integers(2, 6))]
    switches = "st"[: draw(st.integers(0, 2))]
    lines = draw(st.sampled_from([[], [], ["routing none"], ["routing shortest by delay"]]))
    lines = [*lines, *draw(st.sampled_from([[], [], ["pool 10.0.0.0/8", "pool fd00::/48"]]))]
    lines += [f"{draw(st.sampled_from(KINDS))} {name}{draw(st.sampled_from(MORE))}" for name in names]
    lines += [f"switch {name}" for name in switches]
    pairs = st.sampled_from([*combinations(names, 2), *((a, s) for a in names for s in switches)])
    links = draw(st.lists(pairs, min_size=1, max_size=9))
    lines += [f"link {a} -- {b}{draw(st.sampled_from(['', '', ' delay 5ms']))}" for a, b in links]
    node = st.sampled_from(names)
    for kind in draw(st.lists(st.sampled_from(STATEMENTS), max_size=4)):
        lines.append(kind.format(draw(node), draw(node), draw(node), draw(node)))
    return "\n".join(lines)


KINDS = ("host", "router", "router")
MORE = ("", "", "", " address none", " forward on")
STATEMENTS = (
    "route {0} to {1} via {2}",
    "route {0} to {1} via {2}, {3}",
    "route {0} to default via {1}",
    "route {0} to 10.0.0.0/9 via {1}",
    "sysctl {0} net.ipv4.conf.all.rp_filter=1",
    "sysctl {0} net.ipv4.ip_forward=0",
    "masquerade {0}",
    "mptcp {0} -> {1}",
    "shape {0} -> {1} delay 9ms",
)


def is_lab(text: str) -> bool:
    try:
        return compiled(text).lab is not None
    except TopologyError:
        return False


def reached(lookup: Lookup, found: Reach, source: str, target: str) -> bool:
    """By all paths to all addresses, and all return paths."""
    return all(
        arrives(trip)
        for address in found.targets(source, target)
        for trip in trips(lookup, ways(lookup, source, address))
    )


@settings(max_examples=120)
@given(labs())
def test_who_reaches_whom(text: str) -> None:
    assume(is_lab(text))
    lab = lab_of(text)
    lookup = Lookup(lab)
    for version in lab.versions:
        found = Reach(lab, lookup, version)
        for source, target in ((a, b) for a in found.members for b in found.members if a != b):
            told = not found.unreached[found.places[source]] >> found.places[target] & 1
            assert told == reached(lookup, found, source, target), (version, source, target)


@settings(max_examples=120)
@given(labs())
def test_ways_back(text: str) -> None:
    """The pairs with an address whose answers take other links than the packets to it."""
    assume(is_lab(text))
    lab = lab_of(text)
    lookup = Lookup(lab)
    for version in lab.versions:
        found = Reach(lab, lookup, version)
        told = {pair for pairs in found.uneven.values() for pair in pairs}
        for one, other in combinations(found.members, 2):
            sides = [(one, other), (other, one)]
            differs = [reached(lookup, found, *side) and is_uneven(lookup, found, *side) for side in sides]
            assert (frozenset((one, other)) in told) == any(differs), (version, one, other)


def is_uneven(lookup: Lookup, found: Reach, source: str, target: str) -> bool:
    """Whether packets to some address take other links than their answers."""
    for address in found.targets(source, target):
        links: dict[object, tuple[set[object], set[object]]] = {}
        for trip in trips(lookup, ways(lookup, source, address)):
            there, back = links.setdefault(trip.out.source, (set(), set()))
            there |= {frozenset((one.out.id, one.into.id)) for one in trip.out.crossings}
            back |= {frozenset((one.out.id, one.into.id)) for way in trip.back for one in way.crossings}
        if any(there != back for there, back in links.values()):
            return True
    return False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DIAMOND, ["`c` and `d` do not reach each other"]),
        (DIAMOND.replace("host a b", "host a b forward on"), []),
        ("switch s\nhost h[1..4]\nlink h[1..4] -- s", []),
        (
            "host a b c d\nlink a -- b -- c -- d",
            [
                "`a` does not reach `c` and `d`, nor the other way round",
                "`b` and `d` do not reach each other",
            ],
        ),
        (
            "router a b c x\nhost y\nlink a -- b -- c\nlink x -- y",
            ["`x` and `y` do not reach `a`, `b` and `c`, nor the other way round"],
        ),
        (
            "host h[1..40]\nhost hub\nlink hub -- h[1..40]",
            ["`h1`, `h2`, `h3`, `h4`, `h5`, `h6` and 34 more do not reach each other"],
        ),
        ("routing none\nhost a b\nlink a -- b", []),
        (
            "routing none\nhost a\nhost b address 10.9.9.1\nlink a -- b",
            ["no node reaches another one's own address"],
        ),
        (
            "routing none\nhost a b\nrouter c\nlink a -- c -- b",
            ["no node reaches another one that is not on a link of its own"],
        ),
        ("routing none\nhost a b address none\nlink a -- b", []),
        (
            (
                "routing none\nhost a b\nrouter c\nlink a -- c -- b\nroute {a,b} to default via c\n"
                "route c to a via a\nroute c to b via b"
            ),
            [],
        ),
        (
            (
                "routing none\nhost a b address none\nrouter c address none\nlink a -- c -- b\n"
                "route a to default via c"
            ),
            ["`a` and `b` do not reach each other"],
        ),
        (
            "router a b c\nlink a -- b -- c\nsysctl b net.ipv4.ip_forward=0",
            ["`a` and `c` do not reach each other"],
        ),
        (
            DIAMOND.replace("host a b", "host a b forward on") + "route a to b via c\nroute b to a:c via d\n"
            "sysctl a net.ipv4.conf.all.rp_filter=1",
            ["`a` and `b` do not reach each other"],
        ),
        (
            (
                "pool 10.0.0.0/8\npool fd00::/48\nrouter a b c\nlink a -- b -- c\n"
                "sysctl b net.ipv6.conf.all.forwarding=0"
            ),
            ["`a` and `c` do not reach each other over IPv6"],
        ),
        (
            "router a b c\nhost x\nlink a -- b -- c -- x\nroute c to a via x",
            ["`a` does not reach `c` and `x`, nor the other way round"],
        ),
        (
            DIAMOND + "link c -- d\nroute a to b via c\nroute b to a:c via d",
            ["packets between `a` and `b` go and come by different links"],
        ),
        (
            "routing shortest by delay\n" + DIAMOND + "link c -- d\nshape a -> c delay 9ms",
            [f"packets between `a` and `{name}` go and come by different links" for name in "bc"],
        ),
    ],
)
def test_what_is_told(text: str, expected: list[str]) -> None:
    assert said(text) == expected


def refused(*delays: int, mptcp: str = "mptcp a -> b") -> list[str]:
    """The notes on subflows, for paths from a to b with two links of given delays in milliseconds."""
    lines = [f"router r{way}\nlink {{a,b}} -- r{way} delay {delay}ms" for way, delay in enumerate(delays)]
    text = "\n".join(["host a b", *lines, mptcp])
    return [found.label for found in notes(text) if found.code == "MPC743"]


def test_a_subflow_joins_after_data_of_another() -> None:
    """1.5 round trips are longer than 2.5 of another subflow that joins, other than the first."""
    assert refused(5, 10, 15)
    assert refused(5, 5, 9)
    assert not refused(10, 10, 16)
    assert not refused(5, 50)
    assert refused(0, 0, 5)
    assert not refused(0, 0, 0)


def test_those_that_open_and_those_that_are_pinned() -> None:
    assert refused(5, 10, 15, mptcp="mptcp a -- b")
    assert not refused(5, 10, 15, mptcp="mptcp a -> b subflows 1")
    assert not refused(5, 10, 15, mptcp="routing none\nmptcp a -> b")


def test_subflows_of_many_pairs_are_told_once() -> None:
    hosts = "host a h[1..8]\nrouter c d e\n"
    links = "".join(
        f"link {{a,h[1..8]}} -- {end} delay {delay}ms\n" for end, delay in (("c", 1), ("d", 2), ("e", 9))
    )
    found = [one for one in said(f"{hosts}{links}mptcp h[1..8] -> a") if "subflow" in one]
    assert found == [
        "some kernels refuse a subflow of 3 more pairs at times",
        "some kernels refuse a subflow between `h1` and `a` at times",
    ]


def test_an_event_that_cuts_off_what_other_links_join() -> None:
    ring = "router a b c d\nlink a -- b -- c -- d -- a\n"
    lost = "are lost from 5s on, though links that stay up join them"
    assert said(ring + "at 5s down b -- c\nat 9s up b -- c") == [
        f"packets between `c` on one side and `a` and `b` on the other {lost}",
    ]
    assert said("router a b\nlink a -- b\nat 5s down a -- b") == []
    assert said(ring + "link b -- c\nat 5s down b:c -- c") == []
    assert said(f"routing shortest failover\n{ring}at 5s down b -- c") == []


def test_events_that_cut_pairs_off_are_one_note() -> None:
    ring = "router a b c d\nlink a -- b -- c -- d -- a\n"
    events = "at 5s down b -- c\nat 6s up b -- c\nat 7s down c -- d\n"
    (note,) = notes(ring + events)
    assert "more pairs of nodes likewise" in note.label
    assert [told.message for told in note.notes] == ["and from 7s on"]


def test_a_link_that_loses_all_cuts_off_whom_it_joins() -> None:
    text = "router a b c\nlink a -- b -- c -- a\nat 1500ms shape a -> b loss 100%"
    assert said(text) == [
        "packets between `a` and `b` are lost from 1500ms on, though links that stay up join them"
    ]


def test_switches_change_their_tree_in_an_outage() -> None:
    text = """
        switch s t u stp on
        link s -- t -- u -- s
        host a b
        link a -- t
        link b -- u
    """
    assert said(text + "at 5s down s -- u\n") == said(text) == []
