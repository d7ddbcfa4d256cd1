"""Losses that are not independent, distributions of jitter, slots and overhead, as links have them."""

from collections.abc import Iterator
from itertools import pairwise
from math import sqrt
from statistics import mean, stdev

import live
import packets
import pytest
from drifts import drifts
from packets import Echoes

from compiler.driver import Compilation

pytestmark = [pytest.mark.live, pytest.mark.every_kernel("netem")]

NAMES = ("model", "states", "correlated", "twice", "flipped", "early", "normal", "pareto", "slot")
LAB = """
routing none
host a b
link a:model -- b:model
link a:states -- b:states
link a:correlated -- b:correlated
link a:twice -- b:twice
link a:flipped -- b:flipped
link a:early -- b:early
link a:normal -- b:normal
link a:pareto -- b:pareto
link a:slot -- b:slot
link a:wide -- b:wide  rate 2mbit overhead 100
shape a -> b:model  loss gemodel 2% 8%
shape a -> b:states  loss gemodel 5% 20% 80% 1%
shape a -> b:correlated  loss 30% 25%
shape a -> b:twice  duplicate 30% 50%
shape a -> b:flipped  corrupt 30% 50%
shape a -> b:early  delay 60ms reorder 30% 50%
shape a -> b:normal  delay 60ms jitter 10ms distribution normal
shape a -> b:pareto  delay 60ms jitter 10ms distribution pareto
shape a -> b:slot  delay 20ms slot 10ms 20ms
at 100ms shape a -> b:correlated loss 1%
at 100ms shape a -> b:twice duplicate 20%
at 100ms shape a -> b:flipped corrupt 40% 10%
at 100ms shape a -> b:early reorder 0%
at 200ms shape a -> b:slot slot 0ms 5ms
at 300ms shape a -> b:normal jitter 5ms distribution pareto
"""
COMPILED = Compilation("-", f"lab losses\n{LAB}")
PACKETS = 1500


@pytest.fixture(scope="module")
def lab() -> Iterator[live.Lab]:
    with live.running(live.lab_of("losses", LAB)) as lab:
        yield lab


@pytest.fixture(scope="module")
def pinged(lab: live.Lab) -> dict[str, Echoes]:
    """Pings all links in parallel, 30 ms apart, so that few packets wait for those before them."""
    return packets.pinged(lab, NAMES, "-c", str(PACKETS), "-i", "0.03", seconds=120)


def run(kind: str) -> live.Result:
    return live.run("bash", "-s", stdin=COMPILED.script(kind), seconds=60)


def about(share: float, burst: float = 1) -> object:
    """A share of packets in bursts of a mean length, within five standard deviations."""
    return pytest.approx(share, abs=5 * sqrt(2 * burst * share * (1 - share) / PACKETS))


@pytest.mark.usefixtures("lab")
def test_a_check_finds_it_as_planned() -> None:
    found = run("check")
    assert found.returncode == 0, found.stdout


def test_a_model_loses_its_mean_in_bursts(pinged: dict[str, Echoes]) -> None:
    """A fifth of all, and twelve and a half in a row on average."""
    of = pinged["model"]
    assert 1 - of.share == about(0.2, burst=12.5)
    lost = sorted({*range(1, of.sent + 1)} - {*of.sequence})
    bursts = 1 + sum(later - earlier > 1 for earlier, later in pairwise(lost))
    assert len(lost) / bursts > 5


def test_states_lose_by_their_chances(pinged: dict[str, Echoes]) -> None:
    """Four fifths in the bad state, which is a fifth of the time, and one in a hundred in the good one."""
    assert 1 - pinged["states"].share == about(0.168, burst=5)


def test_a_correlation_makes_losses_fewer(pinged: dict[str, Echoes]) -> None:
    """What is predicted, of 30 %."""
    assert 1 - pinged["correlated"].share == about(0.2333)


def test_a_correlation_makes_others_fewer_too(pinged: dict[str, Echoes]) -> None:
    """A flipped bit of 98 bytes is found by checksums, but for 6 of the source's MAC."""
    assert pinged["twice"].extra / PACKETS == about(0.1295)
    assert 1 - pinged["flipped"].share == about(0.1295 * 92 / 98)
    assert sum(time < 30 for time in pinged["early"].times) / PACKETS == about(0.1295)


def test_distributions(pinged: dict[str, Echoes]) -> None:
    """A normal one has its deviation, and reaches four of them; that of Pareto begins two thirds below."""
    normal, pareto = pinged["normal"].times, pinged["pareto"].times
    assert mean(normal) == pytest.approx(60, abs=3)
    assert stdev(normal) == pytest.approx(10, abs=2)
    assert min(normal) < 45
    assert min(pareto) >= 60 - 6.67
    assert max(pareto) > 80


def test_slots_hold_packets(pinged: dict[str, Echoes]) -> None:
    """A single packet waits for a slot after its delay."""
    times = pinged["slot"].times
    assert min(times) >= 20
    assert mean(times) == pytest.approx(35, abs=3)
    assert pinged["slot"].quantile(0.99) < 40 + 2


def test_overhead_takes_from_the_rate(lab: live.Lab) -> None:
    """Of 1614 bytes that count for each frame, 1448 are data."""
    received = live.iperf(lab.ns("b"), lab.ns("a"), "wide.b", seconds=8)
    assert received == pytest.approx(2e6 * 1448 / (packets.FRAME + 100), rel=0.03)


@pytest.mark.usefixtures("lab")
def test_a_play_changes_them_and_changes_them_back() -> None:
    played = run("play")
    assert played.returncode == 0, played.stderr
    found = run("check")
    assert found.returncode == 0, found.stdout


def test_a_check_reports_each_that_is_changed(lab: live.Lab) -> None:
    within = "parent 1:1 handle 10: netem limit 1000"
    changes = {
        "model": f"tc qdisc change dev model {within} loss gemodel 2% 9%",
        "correlated": f"tc qdisc change dev correlated {within} loss 30% 26%",
        "twice": f"tc qdisc change dev twice {within} duplicate 30% 51% corrupt 0% 0%",
        "flipped": f"tc qdisc change dev flipped {within} corrupt 30% 51%",
        "early": f"tc qdisc change dev early {within} delay 60ms reorder 30% 51%",
        "slot": "tc qdisc change dev slot root handle 1: netem limit 1000 delay 20ms slot 11ms 20ms",
        "wide": "tc qdisc replace dev wide root handle 1: tbf rate 2mbit burst 6056b limit 6250b overhead 99",
    }
    assert any(drift.change.startswith("tc ") for drift in drifts(COMPILED.plan))
    for change in changes.values():
        assert live.in_ns(lab.ns("a"), "sh", "-c", change).returncode == 0
    reported = run("check").stdout
    for name in changes:
        assert f"dev {name} " in reported, name
