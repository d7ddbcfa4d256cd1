"""Live tests of one lab over several machines, by ssh: rates, and ups of which only a part is done."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import kernel
import live
import pytest
import tap
from machines import Machines, machines
from playbooks import playbooks

from compiler.driver import Compilation

pytestmark = pytest.mark.live

DIAMOND = """\
lab    wide
host   a b
router c d
link   {a,b} -- {c,d}  rate 5mbit
mptcp  a -- b
expect a -> b reachable
run    b "mptcpize run iperf3 -s"
at     0.2s  down a -- c
"""
TWO = (
    'machine m1 ssh "root@192.0.2.1"\nmachine m2 ssh "root@192.0.2.2"\nplace {a,c} on m1\nplace {b,d} on m2\n'
)
THREE = """\
machine m1 ssh "root@192.0.2.1"
machine m2 ssh "root@192.0.2.2"
machine m3 ssh "root@192.0.2.3"
place a on m1
place {c,d} on m2
place b on m3
"""
SIX = TWO.replace('"root@192.0.2.1"', '"m1" address 2001:db8::1').replace(
    '"root@192.0.2.2"', '"m2" address 2001:db8::2'
)


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    before = kernel.snapshot()
    with machines(tmp_path_factory.mktemp("machines"), 3) as found:
        yield found
    kernel.assert_same(before, kernel.snapshot())


@pytest.fixture
def alone(three: Machines) -> Iterator[Machines]:
    """The machines, all of which are as before when a test has ended."""
    before = {name: three.state(name) for name in three.running}
    yield three
    assert {name: three.state(name) for name in three.running} == before


def scripts(text: str, kind: str) -> dict[str, str]:
    compilation = Compilation("wide.topo", text)
    return {name: "".join(compilation.pieces(kind, machine=name)) for name in compilation.machines}


def statuses(results: dict[str, live.Result]) -> dict[str, int]:
    return {name: result.returncode for name, result in results.items()}


def succeed(results: dict[str, live.Result]) -> dict[str, str]:
    assert not any(statuses(results).values()), {name: one.stderr for name, one in results.items()}
    return {name: result.stdout for name, result in results.items()}


def drifts(results: dict[str, live.Result]) -> list[str]:
    points = [item for result in results.values() for item in tap.points(result).items()]
    assert points
    return [line for what, point in points if not point.holds for line in (what, *point.said)]


def goodput(found: Machines, *words: str) -> float:
    """Mbit/s that b receives from a, which is on m1."""
    command = f"ip netns exec {words[0]} {' '.join(words[1:])} iperf3 -c b -t 6 -O 1 -f m -C cubic"
    said = live_text(found.ssh("m1", command))
    (row,) = (line for line in said.splitlines() if line.endswith("receiver"))
    return float(row.split()[row.split().index("Mbits/sec") - 1])


def live_text(result: live.Result) -> str:
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


MEASURED = """\
lab    wide
host   a b
router c d
link   {a,b} -- {c,d}  rate 5mbit
mptcp  a -> b
expect a -> b  rate >= 4mbit using tcp
expect b -> a  rate >= 7mbit using mptcp
bench  a -> b  using tcp, mptcp, udp, tcp reverse for 3s
bench  b -> a  using tcp, mptcp for 3s
"""


@pytest.mark.parametrize("places", [TWO, SIX], ids=["two", "IPv6 between them"])
def test_transfers_between_machines_are_measured(places: str, alone: Machines) -> None:
    """By the machine that opens them; where `b` sends by MPTCP, that is still the machine of `a`."""
    text = MEASURED + places
    succeed(alone.everywhere(scripts(text, "up")))
    try:
        assert drifts(alone.everywhere(scripts(text, "check"))) == []
        found = {}
        for name, script in scripts(text, "bench").items():
            told = live_text(alone.ssh(name, "bash -s -- --json --repeat 1", stdin=script))
            assert "a" in live_text(alone.ssh(name, "bash -s -- --tsv --repeat 1", stdin=script))
            found[name] = json.loads(told)["measurements"]
        ends = {name: [(one["source"], one["transfer"]) for one in ones] for name, ones in found.items()}
        assert ends == {
            "m1": [("a", "tcp"), ("a", "mptcp"), ("a", "udp"), ("a", "tcp"), ("b", "mptcp")],
            "m2": [("b", "tcp")],
        }
        for one in [*found["m1"], *found["m2"]]:
            assert one["received"] / 1e6 == pytest.approx(9 if one["transfer"] == "mptcp" else 4.7, rel=0.15)
            assert len(one["over_time"]["received"]) > 20
            received_here = one in found["m1"][3:]
            assert (one["arrived"] is None) == (not received_here)
            assert (one["retransmitted"] is None) == (one["transfer"] == "udp" or received_here)
    finally:
        succeed(alone.everywhere(scripts(text, "down")))


@pytest.mark.parametrize("places", [TWO, THREE, SIX], ids=["two", "three", "IPv6 between them"])
def test_one_lab_is_over_machines(places: str, alone: Machines) -> None:
    """All is as planned, connections have the rates of the same lab on one machine, and nothing is left."""
    text = DIAMOND + places
    succeed(alone.everywhere(scripts(text, "up")))
    try:
        assert drifts(alone.everywhere(scripts(text, "check"))) == []
        assert goodput(alone, "wide-a") == pytest.approx(4.6, abs=0.3)
        assert goodput(alone, "wide-a", "mptcpize run") > 1.7 * 4.6
        succeed(alone.everywhere(scripts(text, "play")))
        assert drifts(alone.everywhere(scripts(text, "check"))) == []
    finally:
        succeed(alone.everywhere(scripts(text, "down")))


def test_half_a_lab_is_taken_down(alone: Machines) -> None:
    """An up where a lab is up is refused; a machine that loses power has nothing of it."""
    text = DIAMOND + TWO
    up, down, check = (scripts(text, kind) for kind in ("up", "down", "check"))
    succeed(alone.everywhere({"m1": up["m1"]}))
    assert statuses(alone.everywhere(up)) == {"m1": 1, "m2": 0}
    assert "the lab is up since" in alone.everywhere({"m2": up["m2"]})["m2"].stderr
    assert drifts(alone.everywhere(check)) == []
    alone.switch_off("m2")
    alone.switch_on("m2")
    assert statuses(alone.everywhere(check)) == {"m1": 1, "m2": 1}
    succeed(alone.everywhere(down))
    succeed(alone.everywhere(down))


def test_two_ups_at_once(alone: Machines) -> None:
    """One of both wins on each machine, and the other changes nothing."""
    text = DIAMOND + TWO
    up = scripts(text, "up")
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: statuses(alone.everywhere(up)), range(2)))
    try:
        assert [sorted(one[name] for one in both) for name in up] == [[0, 1], [0, 1]]
        assert drifts(alone.everywhere(scripts(text, "check"))) == []
    finally:
        succeed(alone.everywhere(scripts(text, "down")))


def test_playbooks_for_root(alone: Machines, tmp_path: Path) -> None:
    """Three machines by Ansible; a play is refused where it would not be at work on all at once."""
    with playbooks(alone, DIAMOND + THREE, tmp_path / "lab") as lab:
        lab.succeed("up")
        try:
            lab.succeed("check", "-e", f"tap={tmp_path}/all.tap")
            stream = (tmp_path / "all.tap").read_text()
            points = [line for line in stream.splitlines() if line.startswith(("ok ", "not ok "))]
            assert points == [f"ok {n} - wide.m{n}" for n in (1, 2, 3)]
            few = lab.run("play", "-f", "2")
            assert few.returncode == 2
            assert "run this with -f 3" in few.stdout
            lab.succeed("play", "-f", "3")
        finally:
            lab.succeed("down")
