"""Private networks and forwarded ports on a real kernel: who reaches whom."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import live
import pytest
from tap import points

from compiler.driver import Compilation
from compiler.model.nodes import Node

pytestmark = pytest.mark.live

HOMES = """
lab test-homes
pool 10.0.0.0/8
pool fd00:7::/32
host   pc1 pc2 web
router home1 home2 isp
switch lan1 lan2  private subnet 192.168.1.0/24
link   home1 -- lan1  address 192.168.1.1/24
link   home2 -- lan2  address 192.168.1.1/24
link   pc1 -- lan1
link   pc2 -- lan2
link   {home1,home2} -- isp -- web
masquerade {home1,home2}  out isp
expect web -> {pc1,pc2}   unreachable
expect {pc1,pc2} -> web   reachable
expect pc1 -> pc2         unreachable
"""


@pytest.mark.every_kernel
def test_two_homes_with_one_prefix() -> None:
    compilation = Compilation("-", HOMES)
    lab = live.Lab("test-homes", compilation.up(), compilation.down(), "test-homes-")
    with live.running(lab):
        found = points(live.run("bash", "-s", stdin=compilation.script("check"), seconds=90))
        assert found
        assert all(point.holds for point in found.values()), found
        for name in ("isp", "web"):
            assert live.in_ns(f"test-homes-{name}", "ping", "-c1", "-W1", "192.168.1.1").returncode
        for name in ("pc1", "pc2"):
            assert live.pings(f"test-homes-{name}", "192.168.1.1")


SERVED = """
lab test-served
pool 10.0.0.0/8
pool fd00:7::/32
host   pc web client
router gw isp
switch lan  private subnet 192.168.1.0/24
link   {pc,web,gw} -- lan
link   gw -- isp -- client
masquerade gw  out isp
forward gw  tcp 8080 to web:80
forward gw  udp 5300 to web:53
"""

GET = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
kind, port = (socket.SOCK_STREAM, 8080) if sys.argv[1] == "tcp" else (socket.SOCK_DGRAM, 5300)
one = socket.socket(family, kind)
one.settimeout(5)
one.connect((sys.argv[2], port))
one.send(b"who")
print(one.recv(100).decode())
"""

SERVE = """
import selectors, socket
ways = selectors.DefaultSelector()
for kind, port in ((socket.SOCK_STREAM, 80), (socket.SOCK_DGRAM, 53)):
    one = socket.socket(socket.AF_INET6, kind)
    one.bind(("::", port))
    if kind == socket.SOCK_STREAM:
        one.listen()
    ways.register(one, selectors.EVENT_READ, kind)
while True:
    for key, _ in ways.select():
        if key.data == socket.SOCK_STREAM:
            peer, address = key.fileobj.accept()
            peer.recv(100)
            peer.send(address[0].removeprefix("::ffff:").encode())
            peer.close()
        else:
            _, address = key.fileobj.recvfrom(100)
            key.fileobj.sendto(address[0].removeprefix("::ffff:").encode(), address)
"""


@pytest.mark.every_kernel
def test_a_port_is_forwarded_from_outside_and_from_inside() -> None:
    """From outside, the server sees who asks; from inside, the node that forwards."""
    compilation = Compilation("-", SERVED)
    lab = live.Lab("test-served", compilation.up(), compilation.down(), "test-served-")
    nodes = {node.name: node for node in compilation.lab.ip_nodes}
    with live.running(lab), _serving("test-served-web"):
        found = points(live.run("bash", "-s", stdin=compilation.script("check"), seconds=90))
        assert all(point.holds for point in found.values()), found
        for version in (4, 6):
            own = {name: _own(node, version) for name, node in nodes.items()}
            for protocol in ("tcp", "udp"):
                for client in ("client", "isp", "pc"):
                    command = (sys.executable, "-c", GET, protocol, own["gw"])
                    seen = live.in_ns(f"test-served-{client}", *command).stdout.strip()
                    assert seen == own["gw" if client == "pc" else client], (client, protocol, version)


@contextmanager
def _serving(ns: str) -> Iterator[None]:
    argv = live.bounded(60, "ip", "netns", "exec", ns, sys.executable, "-c", SERVE)
    process = subprocess.Popen(argv)
    try:
        live.wait_until(lambda: ":53 " in live.in_ns(ns, "ss", "-lnuH").stdout)
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


def _own(node: Node, version: int) -> str:
    return next(str(own.address.ip) for own in node.addresses if own.address.version == version)
