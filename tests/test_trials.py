"""`expect`, `bench`, `run` and `at`: their representation in the Lab."""

import pytest
from labs import codes, compiled, lab_of

from compiler.driver import TopologyError
from compiler.ground import units
from compiler.model.events import Reshaping, Switching
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName, Shaping
from compiler.model.trials import Claim, End, Protocol, Reachability, RoundTrip, Throughput, Transfer
from compiler.resolve.resolve import resolve

NODES = "host a b\nrouter c\nlink a -- c rate 5mbit\nlink c -- b\nlink c -- b\n"
TCP = Transfer(Protocol.TCP)


def resolved(text: str) -> Lab:
    """The lab of a text without any pass, so that expectations are not checked yet."""
    compilation = compiled(text)
    lab = resolve(compilation.statements, compilation.source, compilation.diagnostics)
    assert not compilation.diagnostics.failed
    return lab


@pytest.mark.parametrize(
    ("claim", "wanted"),
    [
        ("reachable", Reachability(True)),
        ("unreachable", Reachability(False)),
        ("rtt 40ms..1s", RoundTrip(40_000, 1_000_000)),
        ("rtt 5ms..5ms", RoundTrip(5_000, 5_000)),
        ("rate >= 9.5mbit", Throughput(9_500_000, TCP)),
        ("rate >= 1kbps using udp", Throughput(8_000, Transfer(Protocol.UDP))),
        ("rate>=1mbit using mptcp 8", Throughput(1_000_000, Transfer(Protocol.MPTCP, 8))),
    ],
)
def test_claims(claim: str, wanted: Claim) -> None:
    (found,) = resolved(f"{NODES}expect a -> b {claim}").expectations
    assert (found.source, found.target, found.claim) == (End("a"), End("b"), wanted)


def test_sets_are_all_pairs_of_two_nodes() -> None:
    lab = lab_of(f"{NODES}expect {{a,b}} -> {{a,b,c}} reachable\nbench {{a,a}} -> {{b,c}} using tcp")
    assert [(str(one.source), str(one.target)) for one in lab.expectations] == [
        ("a", "b"),
        ("a", "c"),
        ("b", "a"),
        ("b", "c"),
    ]
    assert [(str(one.source), str(one.target)) for one in lab.benches] == [("a", "b"), ("a", "c")]


def test_claims_in_different_regards() -> None:
    """Each pair may have one claim of each kind, in each direction, and a rate for each transfer."""
    text = "".join(
        f"expect {pair} {claim}\n"
        for pair in ("a -> b", "b -> a")
        for claim in (
            "reachable",
            "rtt 0ms..1ms",
            "rate >= 1mbit",
            "rate >= 1mbit using tcp 2",
            "rate >= 1mbit using udp",
        )
    )
    assert len(lab_of(NODES + text).expectations) == 10
    assert codes(f"{NODES}{text}expect a -> b rate >= 2mbit using tcp 1") == ["MPC206"]


def test_bench() -> None:
    (first, second) = lab_of(
        f"{NODES}bench a -> b using tcp, tcp 8, mptcp, udp for 3s\nbench b -> a using tcp"
    ).benches
    assert list(map(str, first.transfers)) == ["tcp", "tcp 8", "mptcp", "udp"]
    assert (first.time, second.time) == (3 * 10**6, 10 * 10**6)


def test_reverse() -> None:
    """Follows the number of flows, and is a transfer of its own."""
    lab = lab_of(
        f"{NODES}bench a -> b using tcp, tcp reverse, tcp 8 reverse, udp reverse\n"
        "expect a -> b rate >= 1kbit using mptcp reverse"
    )
    assert list(map(str, lab.benches[0].transfers)) == ["tcp", "tcp reverse", "tcp 8 reverse", "udp reverse"]
    assert lab.expectations[0].claim == Throughput(1_000, Transfer(Protocol.MPTCP, reverse=True))
    assert codes(f"{NODES}bench a -> b using tcp reverse, tcp 1 reverse") == ["MPC206"]


@pytest.mark.parametrize(
    ("written", "help"),
    [
        ("tcp reverse reverse", "it follows a transfer, once"),
        ("tcp reverse 8", "the number stands before it: `tcp 8 reverse`"),
        ("reverse", "it follows a transfer, once"),
        ("tcp, reverse", "it follows a transfer, once"),
        ("tcp back", "did you mean `reverse`?"),
        ("tcp 8 revers", "did you mean `reverse`?"),
        ("tcp -R", "did you mean `reverse`?"),
    ],
)
def test_what_is_not_quite_reverse(written: str, help: str) -> None:
    found = compiled(f"{NODES}bench a -> b using {written}")
    with pytest.raises(TopologyError):
        _ = found.lab
    assert any(help in one.help for one in found.diagnostics)


@pytest.mark.parametrize("statement", ["bench a -> b using {}", "expect a -> b rate >= 1kbit using {}"])
def test_mptcp_in_reverse_is_opened_by_who_may(statement: str) -> None:
    """By the source, whichever end sends."""
    asked, nodes = statement.format("mptcp reverse"), "host a b\nrouter c d\nlink {a,b} -- {c,d}\n"
    assert codes(f"{nodes}mptcp b -> a\n{asked}") == ["MPC818"]
    assert codes(f"{nodes}mptcp b -> a\n{statement.format('tcp reverse')}") == []
    assert codes(f"{nodes}mptcp a -> b\n{asked}") == []
    assert codes(f"{nodes}mptcp a -- b\n{asked}") == []


def test_captures_of_devices() -> None:
    """Each takes what commands make; another name of the node is told with its devices."""
    device = 'device a:wg0 "true"\n'
    lab = lab_of(f"{NODES}{device}capture {{a:wg0,a:c}} snap 9\nbench a -> b using tcp capture a:wg0")
    assert [str(one.interface) for one in lab.captures] == ["a:wg0", "a:c"]
    assert [str(one.interface) for one in lab.benches[0].captures] == ["a:wg0"]
    assert codes(f"{NODES}{device}capture b:wg0") == ["MPC205"]
    found = compiled(f"{NODES}{device}capture a:wg1")
    with pytest.raises(TopologyError):
        _ = found.lab
    assert [one.help for one in found.diagnostics] == ["did you mean `a:wg0`?"]
    assert codes(f"{NODES}{device}capture a:wg0\ncapture a:wg0") == ["MPC206"]


def test_run() -> None:
    text = 'param x = "a \\"b\\" $c"\nrun {a,b} [x] env A=[1+1] B="" C="d e"\nrun a sshd'
    found = [(run.node, run.command, run.environment) for run in lab_of(NODES + text).runs]
    variables = (("A", "2"), ("B", ""), ("C", "d e"))
    assert found == [("a", 'a "b" $c', variables), ("b", 'a "b" $c', variables), ("a", "sshd", ())]


@pytest.mark.parametrize(("length", "wanted"), [(65_535, []), (65_536, ["MPC803"])])
def test_a_command_is_counted_in_bytes(length: int, wanted: list[str]) -> None:
    assert codes(f'{NODES}run a "{"x" * length}"') == wanted
    assert codes(f'{NODES}run a "é{"x" * (length - 2)}"') == wanted


def changes(text: str) -> list[tuple[int, object]]:
    return [(event.time, change) for event in lab_of(NODES + text).events for change in event.changes]


def test_events_are_in_the_order_of_time() -> None:
    text = "at 2s up a -- c\nat 1s down c -- a\nat 1s down c -- b"
    link = InterfaceName("a", "c"), InterfaceName("c", "a")
    others = [(InterfaceName("c", name), InterfaceName("b", peer)) for name, peer in ("bc", ("b.2", "c.2"))]
    assert changes(text) == [
        (10**6, Switching(link, False)),
        *((10**6, Switching(other, False)) for other in others),
        (2 * 10**6, Switching(link, True)),
    ]


def test_a_link_is_named_by_its_interface() -> None:
    (found,) = changes("at 0s down b:c.2 -- c")
    assert found == (0, Switching((InterfaceName("c", "b.2"), InterfaceName("b", "c.2")), False))


def shapings(text: str) -> list[Shaping]:
    return [change.shaping for _, change in changes(text) if isinstance(change, Reshaping)]


def test_an_event_is_over_what_was_before() -> None:
    """Over the link's attributes, and those of earlier events; queues and bursts are computed from both."""
    text = "at 2s shape a -> c rate 1mbit\nat 1s shape a -> c delay 10ms\nat 3s shape c -> a loss 1%"
    found = [(one.rate, one.delay, one.loss) for one in shapings(text)]
    assert found == [(5 * 10**6, 10_000, None), (10**6, 10_000, None), (5 * 10**6, None, 10**6)]
    direct = lab_of("host a b\nlink a -- b rate 1mbit delay 10ms").links[0].left.shaping
    assert (direct.queue, direct.burst, direct.held) == (
        shapings(text)[1].queue,
        shapings(text)[1].burst,
        shapings(text)[1].held,
    )


def test_an_event_has_the_profiles_and_warnings_of_a_shape() -> None:
    assert codes(f"profile slow rate 1mbit\n{NODES}at 1s shape a -> c slow") == []
    assert codes(f"{NODES}at 1s shape a -> c burst 1kb") == ["MPC311"]
    assert codes(f"{NODES}at 1s shape c -> b queue 10p") == ["MPC709"]
    assert codes(f"{NODES}at 1s shape a -> c reorder 1%") == ["MPC303"]


@pytest.mark.parametrize(
    "word", ["1s..2", "1..2s", "1s", "..", "1s..", "..1s", "2s..1s", "1s...2s", "1s..2s..3s"]
)
def test_what_is_no_range_of_times(word: str) -> None:
    with pytest.raises(units.UnitError):
        units.time_range(word)


@pytest.mark.parametrize("word", ["0s", "1.5s", "999ms", "1", "2148s"])
def test_what_is_no_number_of_seconds(word: str) -> None:
    with pytest.raises(units.UnitError):
        units.seconds(word)
    assert units.seconds("2000ms") == 2 * 10**6
