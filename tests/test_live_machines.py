"""Live tests of labs over several machines, by ssh: each machine is brought up by its own script."""

import time
from collections.abc import Iterator
from pathlib import Path

import live
import pytest
from labs import compiled
from machines import Machines, machines

pytestmark = pytest.mark.live

DIAMOND = """\
lab    diamond
host   a b
router c d
link   {a,b} -- {c,d} rate 5mbit
mptcp  a -- b
expect a -> b reachable
at 0.5s down a -- d
at 1s   up a -- d
machine m1 ssh "root@192.0.2.1"
machine m2 ssh "root@192.0.2.2"
place  {a,c} on m1
place  {b,d} on m2
"""
SWITCHED = """\
lab    switched
host   a b c
switch s t
link   {a,b} -- s -- t -- c rate 20mbit
expect {a,b} -> c rtt 0ms..50ms
machine m1 ssh "m1" address 192.0.2.1
machine m2 ssh "m2" address 192.0.2.2
machine m3 ssh "m3" address 192.0.2.3
place  {a,s} on m1
place  b on m2
place  {t,c} on m3
"""


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Machines]:
    with machines(tmp_path, 2) as own:
        yield own


def scripts(text: str, kind: str) -> dict[str, str]:
    lab = compiled(text)
    return {name: "".join(lab.pieces(kind, machine=name)) for name in lab.machines}


def succeed(own: Machines, text: str, kind: str, *arguments: str) -> dict[str, str]:
    """Runs the scripts of a kind, all at once, and returns what they tell."""
    results = own.everywhere(scripts(text, kind), *arguments)
    assert {name: one.returncode for name, one in results.items()} == dict.fromkeys(results, 0), results
    return {name: one.stdout for name, one in results.items()}


def received(own: Machines, namespace: str, *wrap: str) -> float:
    """Mbit/s of a transfer from a to b, to which a server on the other machine listens."""
    client = ("ip", "netns", "exec", namespace, *wrap, "iperf3", "-c", "b", "-O", "1", "-t", "4", "-f", "m")
    told = own.ssh("m1", *client).stdout
    (line,) = (line for line in told.splitlines() if line.endswith("receiver"))
    return float(line.split()[-3])


@pytest.mark.every_kernel
def test_a_diamond_over_two_machines(two: Machines) -> None:
    before = {name: two.state(name) for name in two.addresses}
    succeed(two, DIAMOND, "up", "--preflight")
    assert {name: two.state(name) for name in two.addresses} == before
    succeed(two, DIAMOND, "up")
    assert all("\nnot ok" not in told for told in succeed(two, DIAMOND, "check").values())
    assert two.ssh("m1", "ip", "netns", "exec", "diamond-a", "ping", "-c1", "-W2", "b").returncode == 0
    two.ssh("m2", "ip", "netns", "exec", "diamond-b", "mptcpize", "run", "iperf3", "-s", "-D")
    assert 3.5 < live.most(lambda: received(two, "diamond-a"), enough=3.6) < 5
    assert 7 < live.most(lambda: received(two, "diamond-a", "mptcpize", "run"), enough=7.1) < 10
    two.ssh("m2", "ip netns pids diamond-b | xargs -r kill")
    succeed(two, DIAMOND, "down")
    succeed(two, DIAMOND, "up")
    succeed(two, DIAMOND, "down")
    live.wait_until(lambda: {name: two.state(name) for name in two.addresses} == before)


ROUTED = """\
lab    routed
host   a b
router r
link   a -- r -- b rate 20mbit
run    b "iperf3 -s" ready 5201
machine m1 ssh "m1" address 192.0.2.1
machine m2 ssh "m2" address 192.0.2.2
place  {a,r} on m1
place  b on m2
"""


@pytest.mark.every_kernel
def test_a_sender_learns_how_large_packets_may_be(two: Machines) -> None:
    """Its own link takes 1500 bytes, and the one to the other machine, which a router joins to it, 1450."""
    succeed(two, ROUTED, "up")
    ping = "ip netns exec routed-a ping -c1 -W2 -M do -s 1472 b".split()
    told = two.ssh("m1", *ping).stdout
    assert "mtu = 1450" in told
    assert live.most(lambda: received(two, "routed-a"), enough=15.1) > 15
    succeed(two, ROUTED, "down")


def test_each_machine_plays_its_part(two: Machines) -> None:
    succeed(two, DIAMOND, "up")
    told = succeed(two, DIAMOND, "play", "--at", str(int(time.time()) + 8))
    assert [one.count("\n") for one in told.values()] == [3, 3]
    assert all("\nnot ok" not in told for told in succeed(two, DIAMOND, "check").values())
    for when, said in ((5, "is past"), (int(time.time()) + 1000, "60 at most")):
        late = two.everywhere(scripts(DIAMOND, "play"), "--at", str(when))
        assert all(one.returncode == 1 and said in one.stderr for one in late.values())
    succeed(two, DIAMOND, "down")


def test_preflight_knows_its_machine_and_the_others(two: Machines) -> None:
    up, before = scripts(DIAMOND, "up"), two.state("m1")
    wrong = two.everywhere({"m1": up["m2"], "m2": up["m1"]})
    for name, other in (("m1", "m2"), ("m2", "m1")):
        assert wrong[name].returncode == 1
        assert (
            f"the address {two.addresses[other]}, which {other} has: is this {other}?" in wrong[name].stderr
        )
    assert two.state("m1") == before
    two.ssh("m1", "ip", "link", "set", "dev", "eth0", "mtu", "1400")
    assert (
        "room for packets of 1500 bytes to m2: eth0 takes 1400"
        in two.everywhere({"m1": up["m1"]})["m1"].stderr
    )


def test_a_check_finds_a_link_that_carries_nothing(two: Machines) -> None:
    succeed(two, DIAMOND, "up")
    rule = "add rule inet t i udp dport 14789 drop"
    chain = "add chain inet t i { type filter hook input priority 0; }"
    two.ssh("m2", "nft", f"'add table inet t; {chain}; {rule}'")
    told = two.everywhere(scripts(DIAMOND, "check"))
    assert "not ok 4 - the link a:d -- d:a on m2 carries packets" in told["m1"].stdout
    two.ssh("m2", "nft", "delete", "table", "inet", "t")
    two.ssh("m1", "ip", "-n", "diamond-a", "link", "set", "dev", "d", "mtu", "1400")
    assert "missing: link d mtu 1450 up" in two.everywhere(scripts(DIAMOND, "check"))["m1"].stdout
    succeed(two, DIAMOND, "down")


def test_a_vni_that_is_taken_is_told_and_nothing_stays(two: Machines) -> None:
    text = DIAMOND.replace("rate 5mbit", "").replace(
        "link   {a,b} -- {c,d}", "link a -- d vni 77\nlink a -- c -- b -- d"
    )
    before = two.state("m1")
    taken = "local 192.0.2.1 remote 192.0.2.2 dstport 14789"
    two.ssh("m1", *f"ip link add name other type vxlan id 77 {taken}".split())
    two.ssh("m1", *"ip link set dev other up".split())
    result = two.everywhere({"m1": scripts(text, "up")["m1"]})["m1"]
    assert result.returncode == 1
    assert "type vxlan id 77 " in result.stderr
    assert "another lab has the same VNI" in result.stderr
    two.ssh("m1", *"ip link delete dev other".split())
    live.wait_until(lambda: two.state("m1") == before)


@pytest.mark.every_kernel
@pytest.mark.parametrize("wrap", [(), ("mptcpize", "run")], ids=["TCP", "MPTCP"])
def test_connections_that_were_cut_keep_nothing(wrap: tuple[str, ...], two: Machines) -> None:
    """The kernel keeps the namespaces of such for one minute or three, with all that is in them."""
    before = {name: two.state(name) for name in two.addresses}
    succeed(two, DIAMOND, "up")
    command = " ".join(("ip netns exec diamond-{}", *wrap, "iperf3 {}"))
    two.ssh("m2", command.format("b", "-s -D"))
    with two.start("m1", command.format("a", "-c b -t 60")) as client:
        live.wait_until(lambda: queued(two) > 10000)
        two.ssh("m1", "ip -n diamond-a link set dev c down; ip -n diamond-a link set dev d down")
        two.ssh("m1", "ip netns pids diamond-a | xargs kill -KILL")
        client.wait(timeout=10)
    assert queued(two) > 0
    succeed(two, DIAMOND, "down")
    live.wait_until(lambda: {name: two.state(name) for name in two.addresses} == before)


def queued(own: Machines) -> int:
    """The bytes that connections of a have not sent yet, also those that no process has any more."""
    told = own.ssh("m1", "ip netns exec diamond-a ss -HatM exclude time-wait").stdout
    return sum(int(line.split()[3]) for line in told.splitlines())


@pytest.mark.every_kernel
def test_a_switch_over_three_machines(tmp_path: Path) -> None:
    with machines(tmp_path, 3) as own:
        succeed(own, SWITCHED, "up")
        assert all("\nnot ok" not in told for told in succeed(own, SWITCHED, "check").values())
        ping = "ip netns exec switched-a ping -c1 -W2 -M do -s 1422 c".split()
        assert own.ssh("m1", *ping).returncode == 0
        succeed(own, SWITCHED, "down")
