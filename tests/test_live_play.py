"""Play: events at their times, and a lab that is restored afterwards, however the play ends."""

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import permutations

import kernel
import live
import networkx as nx
import pytest
from faults import moments

from compiler.driver import Compilation
from compiler.prediction.groups import places
from compiler.prediction.lookup import Lookup
from compiler.prediction.outages import outages, parted
from compiler.prediction.reach import Reach

pytestmark = pytest.mark.live

# Links with every kind of shaping except netem's; addresses of both families, rules, endpoints.
LAB = """
pool 10.0.0.0/8
pool fd00::/16
host a b z
router c d
link {a,b} -- {c,d} rate 5mbit
link z -- b rate 1mbit queue 10p
link c -- d
link a -- c
mptcp a -- b
masquerade d out b
at 100ms shape a -> c:a rate 1mbit
at 200ms shape c -> d rate 1mbit queue 5p
at 200ms shape z -> b queue 20p
at 300ms down a -- c
at 400ms down a -- d
at 500ms up a -- d
at 600ms shape c -> d rate 2mbit queue 64kb
at 700ms up a:c -- c
at 800ms down c -- d
"""
SCRIPT = Compilation("-", f"lab played\n{LAB}").script("play")
NODES = "abzcd"


@pytest.fixture(scope="module")
def lab() -> Iterator[live.Lab]:
    with live.running(live.lab_of("played", LAB)) as lab:
        yield lab


def states(lab: live.Lab) -> dict[str, kernel.Listing]:
    return {node: kernel.state(lab.ns(node)) for node in NODES}


def differs(before: dict[str, kernel.Listing], lab: live.Lab) -> str:
    """The difference of the kernel's state in all namespaces."""
    found = {node: kernel.difference(before[node], state) for node, state in states(lab).items()}
    return "\n".join(f"{node}: {difference}" for node, difference in found.items() if difference)


def play(*options: str) -> live.Result:
    return live.run("bash", "-s", "--", *options, stdin=SCRIPT, seconds=60)


def started(script: str, *options: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        ["bash", "-s", "--", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    process.stdin.write(script)
    process.stdin.close()
    process.stdin = None
    return process


def test_a_play_leaves_the_lab_as_up_left_it(lab: live.Lab) -> None:
    """Also the order of routes; each event is reported with its times, and none is early."""
    before = states(lab)
    result = play()
    assert result.returncode == 0, result.stderr
    assert result.stderr == "played: as up made it\n"
    assert not (left := differs(before, lab)), left
    head, *rows = result.stdout.splitlines()
    assert head == "due\thappened\tevent"
    times = [tuple(map(float, row.split("\t")[:2])) for row in rows]
    assert [due for due, _ in times] == [0.1, 0.2, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    assert all(due <= happened for due, happened in times)
    events = [row.split("\t")[2] for row in rows]
    assert events[:2] == ["shape a:c rate 1mbit", "shape c:d rate 1mbit queue 5p"]
    assert events[3:5] == ["down a:c -- c:a; down a:c.2 -- c:a.2", "down a:d -- d:a"]
    assert events[7] == "up a:c -- c:a"


def test_an_event_holds_until_the_next_one(lab: live.Lab) -> None:
    """The state after each event, and the path of packets while a link is down."""
    steps: dict[str, Callable[[], bool]] = {
        "down a:c": lambda: "c veth down" in " ".join(kernel.state(lab.ns("a"))["links"]),
        "down a:d": lambda: not live.pings(lab.ns("a"), "b", "-w", "1"),
        "up a:d": lambda: live.pings(lab.ns("a"), "b"),
        "shape c:d rate 2mbit": lambda: kernel.rates(lab.ns("c")).get("d") == 2_000_000,
    }
    for number, (event, holds) in enumerate(steps.items()):
        lines = SCRIPT.splitlines()
        end = next(place for place, line in enumerate(lines) if line.startswith("happened") and event in line)
        stopped = "\n".join([*lines[: end + 1], "await 6000", *lines[end + 1 :]]) + "\n"
        process = started(stopped)
        assert process.stdout
        while event not in process.stdout.readline():
            pass
        assert holds(), event
        if number == 0:
            assert live.pings(lab.ns("a"), "b"), "there is another way"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def test_an_interrupted_play_leaves_the_lab_as_up_left_it(lab: live.Lab) -> None:
    before, chance = states(lab), random.Random(5)
    for _ in range(moments() // 2):
        process = started(SCRIPT)
        sign = chance.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        after = chance.uniform(0.05, 0.95)
        time.sleep(after)
        process.send_signal(sign)
        process.communicate(timeout=20)
        assert process.returncode in (0, 128 + sign, -sign)
        assert not (left := differs(before, lab)), f"{sign.name} after {after:.3f} s: {left}"


def test_a_failing_event_ends_the_play(lab: live.Lab) -> None:
    """The interface of an event is missing; everything else is restored."""
    before = states(lab)
    wrong = SCRIPT.replace("link set dev d down", "link set dev nothing down", 1)
    assert wrong != SCRIPT
    result = live.run("bash", "-s", stdin=wrong, seconds=60)
    assert result.returncode == 1
    assert "error: in played-a: ip failed" in result.stderr
    assert not (left := differs(before, lab)), left


def test_one_at_a_time(lab: live.Lab) -> None:
    """A second play reports the first; a down waits for its end."""
    first = started(SCRIPT)
    assert first.stdout
    assert first.stdout.readline() == "due\thappened\tevent\n"
    second = play()
    assert second.returncode == 1
    assert "an up, a down or a play of this lab is at work" in second.stderr
    down = lab.down()
    assert down.stderr == "played: waiting for an up, a down or a play of this lab\nplayed: down\n"
    assert first.wait(timeout=1) == 0
    first.communicate()
    assert lab.up().returncode == 0


def test_it_lasts_as_long_as_is_asked_for(lab: live.Lab) -> None:
    """The state after the last event lasts until then."""
    process = started(SCRIPT, "--for", "2")
    assert process.stdout
    while "down c:d" not in process.stdout.readline():
        pass
    time.sleep(0.3)
    assert process.poll() is None
    assert "d veth down" in " ".join(kernel.state(lab.ns("c"))["links"])
    process.communicate(timeout=20)
    assert "d veth up" in " ".join(kernel.state(lab.ns("c"))["links"])


def test_it_lasts_no_longer_than_is_asked_for(lab: live.Lab) -> None:
    """Later events do not happen, those at that time do, and the lab is restored."""
    before = states(lab)
    result = play("--for", "0.3")
    assert (result.returncode, result.stderr) == (0, "played: as up made it\n")
    assert [row.split("\t")[0] for row in result.stdout.splitlines()[1:]] == ["0.10", "0.20", "0.20", "0.30"]
    assert not (left := differs(before, lab)), left
    assert play("--for", "0").stdout == "due\thappened\tevent\n"


@pytest.mark.parametrize("options", ["--for", "--for x", "--for 1 2", "--for 1.234", "now"])
def test_wrong_options(options: str) -> None:
    result = play(*options.split())
    assert (result.returncode, result.stdout) == (2, "")
    wrong = "no such option: now" if options == "now" else "--for takes seconds, as 30 or 0.5"
    assert result.stderr == f"played: error: {wrong}; usage: play.sh [--for SECONDS]\n"


def test_a_lab_that_is_not_up() -> None:
    script = Compilation("-", f"lab nowhere\n{LAB}").script("play")
    result = live.run("bash", "-s", stdin=script)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "nowhere: error: the lab is not up\n"


# From one shaping to another, with netem: in place, with removals, and with other queueing disciplines.
DELAYED = """
host a b
link a -- b rate 5mbit delay 5ms
link a -- b
link a -- b delay 5ms corrupt 1%
at 100ms shape a -> b:a delay 10ms
at 100ms shape a:b.2 -> b rate 1mbit delay 3ms queue 64kb
at 200ms shape a:b.2 -> b delay 0ms
at 200ms shape a:b.3 -> b corrupt 0%
at 300ms shape a:b.2 -> b loss 1% queue 100p
at 300ms down a:b -- b
at 400ms up a:b -- b
"""


@pytest.mark.every_kernel("netem")
def test_delay_lines_come_and_go() -> None:
    compilation = Compilation("-", f"lab delayed\n{DELAYED}")
    with live.running(live.lab_of("delayed", DELAYED)):
        before = {node: kernel.state(f"delayed-{node}") for node in "ab"}
        live.succeed("bash", "-s", stdin=compilation.script("play"), seconds=120)
        for node, state in before.items():
            kernel.assert_same(state, kernel.state(f"delayed-{node}"))


@pytest.mark.every_kernel
def test_links_come_back_on_every_kernel() -> None:
    text = LAB.replace("masquerade d out b\n", "")
    compilation = Compilation("-", f"lab played2\n{text}")
    with live.running(live.lab_of("played2", text)):
        before = {node: kernel.state(f"played2-{node}") for node in NODES}
        live.succeed("bash", "-s", stdin=compilation.script("play"), seconds=120)
        for node, state in before.items():
            kernel.assert_same(state, kernel.state(f"played2-{node}"))


@pytest.mark.parametrize("seed", range(3))
def test_who_is_cut_off_is_told(seed: int) -> None:
    """Each pair with one way, by costs of which no two sums are alike: lost are those that are noted."""
    draw = random.Random(seed)
    links = [*zip("abcde", "bcdea", strict=True), *draw.sample(["ac", "bd", "ce", "ad", "be"], 2)]
    costs = draw.sample(range(len(links)), len(links))
    lines = [f"link {a} -- {b} cost {2**cost}" for (a, b), cost in zip(links, costs, strict=True)]
    cut = draw.sample(links, 2)
    events = [f"at 1s down {a} -- {b}" for a, b in cut]
    text = "\n".join(["routing shortest by cost", "router a b c d e", *lines, *events])
    lab = Compilation("-", text).lab
    (outage,) = outages(lab)
    before = Reach(lab, Lookup(lab), 4)
    noted = {
        (lab.ip_nodes[place].name, lab.ip_nodes[other].name)
        for place, row in enumerate(parted(lab, outage, before))
        for other in places(row)
    }
    with live.running(live.lab_of("cut", text)) as running:
        for a, b in cut:
            live.succeed("ip", "-n", running.ns(a), "link", "set", "dev", b, "down")
            live.succeed("ip", "-n", running.ns(b), "link", "set", "dev", a, "down")
        lost = {(a, b) for a, b in permutations("abcde", 2) if live.answers_nobody(running.ns(a), b)}
    graph = nx.Graph([link for link in links if link not in cut])
    assert noted == {
        (a, b) for a, b in lost if graph.has_node(a) and b in nx.node_connected_component(graph, a)
    }
