"""Programs that bind no source address: servers answer from the address that was asked, and flows keep their
path."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import live
import pytest

from compiler.driver import Compilation
from compiler.model.lab import Lab
from compiler.prediction.predict import Predictor
from compiler.prediction.reach import arrives

pytestmark = pytest.mark.live

PORT = 5999

SERVER = f"""
import socket
sockets = []
for family, own in ((socket.AF_INET, ""), (socket.AF_INET6, "::")):
    one = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.bind((own, {PORT}))
    sockets.append(one)
import select
while True:
    for one in select.select(sockets, [], [])[0]:
        data, peer = one.recvfrom(100)
        one.sendto(data, peer)
"""

CLIENT = f"""
import select, socket, sys
waiting = {{}}
for target in sys.argv[1:]:
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.connect((target, {PORT}))
    waiting[one] = target
for turn in range(10):
    for one in waiting:
        try:
            one.send(b"asked")
        except OSError:
            pass
    for one in select.select(list(waiting), [], [], 0.3)[0] if waiting else ():
        try:
            one.recv(100)
        except OSError:
            continue
        del waiting[one]
print(*waiting.values())
"""
"""Sends to each address from a socket that takes answers from there only; prints those without an answer."""


@contextmanager
def servers(lab: live.Lab, nodes: list[str]) -> Iterator[None]:
    """A UDP server in each node, bound to any address, that echoes."""
    with ExitStack() as stack:
        for name in nodes:
            argv = live.bounded(120, "ip", "netns", "exec", lab.ns(name), sys.executable, "-c", SERVER)
            process = stack.enter_context(subprocess.Popen(argv))
            stack.callback(process.terminate)
        for name in nodes:
            live.wait_until(lambda name=name: bool(live.in_ns(lab.ns(name), "ss", "-Hlun").stdout), 60)  # type: ignore[misc]
        yield


def silent(lab: live.Lab, asked: dict[str, list[str]]) -> dict[str, list[str]]:
    """The addresses that each node sends to without an answer."""
    found: dict[str, list[str]] = {}
    for name, targets in asked.items():
        shown = live.in_ns(lab.ns(name), sys.executable, "-c", CLIENT, *targets)
        assert shown.returncode == 0, shown.stderr
        found |= {name: shown.stdout.split()} if shown.stdout.split() else {}
    return found


def names(lab: Lab) -> dict[str, list[str]]:
    """For each node with a node address, the first node address of each node that it reaches."""
    predictor, found = Predictor(lab), dict[str, list[str]]()
    for source in lab.ip_nodes:
        for target in lab.ip_nodes:
            for version in {own.address.version for own in source.addresses} if source != target else ():
                own = [one.address.ip for one in target.addresses if one.address.version == version]
                trips = predictor.between(source.name, target.name, own[0]).trips if own else ()
                if trips and all(map(arrives, trips)):
                    found.setdefault(source.name, []).append(str(own[0]))
    return found


def random_lab(seed: int) -> str:
    """Up to 8 nodes, linked and over a switch, with all features that affect source addresses."""
    draw = random.Random(seed)
    nodes = "abcdefgh"[: draw.randint(3, 8)]
    own = ["", "", "", "", " address none", " address 172.16.{0}.1 address 172.17.0.{0}/32"]
    lines = draw.choice([[], ["pool 10.0.0.0/8", "pool fd00:1::/48"], ["pool fd00:1::/48"]])
    lines = [
        *lines,
        draw.choice(["routing shortest", "routing shortest aggregate", "routing shortest by delay"]),
    ]
    for number, name in enumerate(nodes):
        kind, address = draw.choice(["host", "router", "router"]), draw.choice(own).format(number)
        lines.append(f"{kind} {name}{address}")
    pairs = {(draw.choice(nodes[:place]), nodes[place]) for place in range(1, len(nodes))}
    pairs |= {tuple(sorted(draw.sample(nodes, 2))) for _ in range(draw.randint(0, 5))}  # type: ignore[misc]
    lines += [f"link {left} -- {right}" for left, right in sorted(pairs)]
    if draw.random() < 0.4:
        lines += ["switch s", f"link {{{','.join(draw.sample(nodes, 3))}}} -- s"]
    if draw.random() < 0.5:
        lines.append(f"mptcp {nodes[0]} -- {nodes[-1]}")
    left, right = draw.choice(sorted(pairs))
    return "\n".join([*lines, draw.choice(["", f"route {left} to default via {right}"])])


@pytest.mark.parametrize("seed", range(8))
def test_a_server_on_any_address_answers_from_the_one_that_was_asked(seed: int) -> None:
    """In random labs, by name, from each node with a node address that reaches the server."""
    text = random_lab(seed)
    asked = names(Compilation("-", text).lab)
    assert asked
    nodes = sorted({line.split()[1] for line in text.splitlines() if line.startswith(("host ", "router "))})
    with live.running(live.lab_of(f"names{seed}", text)) as lab, servers(lab, nodes):
        assert silent(lab, asked) == {}, text


LAN = """
pool 10.0.0.0/8
pool fd00:77::/48
host   a b h1
host   h2 address none
router r c d
switch s
link   {a,h1,h2,r} -- s
link   r -- {c,d} -- b
"""


@pytest.mark.every_kernel
def test_names_and_interfaces_of_hosts_answer() -> None:
    """Also an interface of a host that has one only: both sides use interface addresses."""
    lab = Compilation("-", LAN).lab
    asked = {name: own for name, own in names(lab).items() if name in "ab"}
    ends = [end for end in lab.interfaces.values() if str(end.id) in ("h1:s", "a:s")]
    asked["b"] += [str(own.ip) for end in ends for own in end.addresses]
    with live.running(live.lab_of("lan", LAN)) as running, servers(running, ["a", "h1", "b", "r", "c", "d"]):
        assert silent(running, asked) == {}


def test_routes_that_are_written_out_send_from_own_addresses_too() -> None:
    text = (
        "routing none\nhost a address 10.100.0.1\nhost b address 172.16.0.1\n"
        "router c address 10.100.0.3\nrouter d address 10.100.0.4\nlink a -- c -- d -- b\n"
        "route a to default via c\nroute c to 0.0.0.0/1 via a\nroute c to b via d\nroute c to d via d\n"
        "route d to 10.0.0.0/8 via c\nroute d to b via b\nroute b to default via d\n"
    )
    lab = Compilation("-", text).lab
    own = {node.name: str(node.addresses[0].address.ip) for node in lab.ip_nodes}
    with live.running(live.lab_of("written", text)) as running, servers(running, list("abcd")):
        assert silent(running, {"a": [own["b"], own["c"], own["d"]], "b": [own["a"], own["d"]]}) == {}


NAT = """
host   pc server
router gw isp1 isp2 core
link   pc -- gw
link   gw -- {isp1,isp2}  rate 10mbit
link   {isp1,isp2} -- core -- server
masquerade gw out {isp1,isp2}
"""


def test_connections_behind_nat_are_kept_and_its_datagrams_answered() -> None:
    """With a hash that changes at each timeout, all connections ended with a reset."""
    with live.running(live.lab_of("nat", NAT)) as lab:
        assert live.pings(lab.ns("pc"), "server")
        with live.listening(lab.ns("server"), ["iperf3", "-s"], seconds=60):
            # Of connections that compete for a queue, one may have to wait for longer than the test.
            argv = ("iperf3", "-c", "server", "-P", "8", "-t", "6", "--bitrate", "500k", "--json")
            shown = json.loads(live.in_ns(lab.ns("pc"), *argv, seconds=40).stdout)
        assert "error" not in shown, shown["error"]
        received = [stream["receiver"]["bytes"] for stream in shown["end"]["streams"]]
        assert len(received) == 8
        assert all(received)
        with servers(lab, ["server", "core"]):
            own = {line.split()[1]: line.split()[0] for line in hosts(lab)}
            assert silent(lab, {"pc": [own["server"], own["core"]]}) == {}


def hosts(lab: live.Lab) -> list[str]:
    return live.in_ns(lab.ns("pc"), "cat", "/etc/hosts").stdout.splitlines()[1:]


FLOWS = 24

ACCEPTING = f"""
import select, socket
listening, kept = [], []
for family, own in ((socket.AF_INET, ""), (socket.AF_INET6, "::")):
    one = socket.socket(family, socket.SOCK_STREAM)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.bind((own, {PORT}))
    one.listen(100)
    listening.append(one)
while True:
    for one in select.select(listening, [], [])[0]:
        kept.append(one.accept())
"""

SENDING = f"""
import socket, sys
own = [socket.create_connection((target, {PORT}), 20) for target in sys.argv[1:] for _ in range({FLOWS})]
print("connected", flush=True)
sys.stdin.readline()
for one in own:
    one.send(b"x")
sys.stdin.readline()
"""

WATCHING = f"""
import socket, struct, sys, time
found, sniffer = {{}}, socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
sniffer.settimeout(0.2)
print("watching", flush=True)
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    try:
        packet, (device, _, kind, *_) = sniffer.recvfrom(2048)
    except TimeoutError:
        continue
    version = packet[0] >> 4
    header, protocol = ((packet[0] & 15) * 4, packet[9]) if version == 4 else (40, packet[6])
    if kind == socket.PACKET_OUTGOING and protocol == socket.IPPROTO_TCP and device in sys.argv[2:]:
        ports = struct.unpack("!HH", packet[header : header + 4])
        if ports[1] == {PORT}:
            found.setdefault((version, ports[0]), []).append(device)
for (version, _), devices in found.items():
    print(version, len(devices), len(set(devices)))
"""


def _start(stack: ExitStack, lab: live.Lab, node: str, *argv: str) -> "subprocess.Popen[str]":
    """A Python program in a node, which ends with the stack."""
    command = live.bounded(90, "ip", "netns", "exec", lab.ns(node), sys.executable, "-c", *argv)
    pipe = subprocess.PIPE
    process = stack.enter_context(subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe))
    stack.callback(process.terminate)
    return process


@pytest.mark.every_kernel
def test_flows_keep_their_way_at_timeouts() -> None:
    """Retransmissions, as no answer of b arrives, leave the router by the link of the first packet."""
    text = "pool 10.0.0.0/8\npool fd00:77::/48\nhost a b\nrouter r e f\nlink a -- r -- {e,f} -- b\n"
    drop = "add table inet x; add chain inet x i { type filter hook input priority 0; policy drop; }"
    own = [str(one.address.ip) for one in Compilation("-", text).lab.ip_nodes[1].addresses]
    with live.running(live.lab_of("keep", text)) as lab, ExitStack() as stack:
        start = partial(_start, stack, lab)
        start("b", ACCEPTING)
        live.wait_until(lambda: live.in_ns(lab.ns("b"), "ss", "-Hltn").stdout.count("\n") == 2, 60)
        client = start("a", SENDING, *own)
        assert client.stdout and client.stdin  # noqa: PT018
        assert client.stdout.readline() == "connected\n"
        watcher = start("r", WATCHING, "5", "e", "f")
        assert watcher.stdout
        assert watcher.stdout.readline() == "watching\n"
        live.succeed("ip", "netns", "exec", lab.ns("b"), "nft", drop)
        client.stdin.write("\n")
        client.stdin.flush()
        seen = [tuple(map(int, line.split())) for line in watcher.stdout]
    for family in (4, 6):
        flows = [(packets, links) for version, packets, links in seen if version == family]
        assert len(flows) == FLOWS
        assert sum(packets for packets, _ in flows) > 2 * FLOWS
        assert {links for _, links in flows} == {1}
