"""Bring-up and teardown of rings of nodes, by mpc and in other ways; and checks of labs."""

import ctypes
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path
from tempfile import TemporaryDirectory

import live
from pyroute2 import IPRoute, netns

from compiler.driver import Compilation

RATE = "100mbit"

Work = Callable[[], tuple[float, float]]
"""Makes and removes a ring; returns the seconds of both."""


@dataclass(frozen=True)
class RingLink:
    left: str
    right: str
    addresses: tuple[str, str]


@cache
def ring(nodes: int) -> tuple[RingLink, ...]:
    base = IPv4Address("10.0.0.0")
    return tuple(
        RingLink(f"n{i}", f"n{(i + 1) % nodes}", (f"{base + 4 * i + 1}/30", f"{base + 4 * i + 2}/30"))
        for i in range(nodes)
    )


def timed(*argv: str | Path, stdin: str = "") -> float:
    start = time.perf_counter()
    live.succeed(*argv, stdin=stdin, seconds=900)
    return time.perf_counter() - start


def settle() -> None:
    """Waits until the kernel has removed namespaces, which it does in the background."""
    count = namespace_objects()
    for _ in range(60):
        time.sleep(1)
        last, count = count, namespace_objects()
        if count == last:
            return


def namespace_objects() -> str:
    shown = Path("/proc/slabinfo").read_text() if os.access("/proc/slabinfo", os.R_OK) else ""
    return next((line.split()[1] for line in shown.splitlines() if line.startswith("net_namespace")), "")


# --- by mpc -----------------------------------------------------------------------------------------


def topology(nodes: int) -> str:
    lines = ["routing none", f"default link rate {RATE}"]
    lines += [f"router {link.left} address none" for link in ring(nodes)]
    lines += [
        f"link {link.left}:right -- {link.right}:left address {' '.join(link.addresses)}"
        for link in ring(nodes)
    ]
    return "\n".join(lines)


def by_mpc(nodes: int) -> Work:
    lab = live.lab_of("ring", topology(nodes))
    return lambda: (timed("bash", "-s", stdin=lab.up_script), timed("bash", "-s", stdin=lab.down_script))


CHECKED = {
    "a torus of 1,024": "routing none\nuse std/torus as t with x=32 y=32",
    "a grid of 400 with 462,080 routes": "use std/grid as g with x=20 y=20",
}
"""The labs whose checks are measured."""


def by_check(text: str) -> Work:
    """Brings a lab up and checks it; gives the seconds of both."""
    compilation = Compilation("-", f"lab checked\n{text}")
    up, check, down = (compilation.script(kind) for kind in ("up", "check", "down"))

    def work() -> tuple[float, float]:
        times = timed("bash", "-s", stdin=up), timed("bash", "-s", stdin=check)
        live.succeed("bash", "-s", stdin=down, seconds=900)
        return times

    return work


# --- by hand ----------------------------------------------------------------------------------------


def by_hand(nodes: int) -> Work:
    """As people write it: one command per line, links made on the host and moved to namespaces."""
    lines = ["set -e"]
    for link in ring(nodes):
        lines += _node_by_hand(f"hand-{link.left}")
    for number, link in enumerate(ring(nodes)):
        ends = f"v{number}r", f"v{number}l"
        lines.append(f"ip link add {ends[0]} type veth peer name {ends[1]}")
        lines += _end_by_hand(f"hand-{link.left}", ends[0], link.addresses[0])
        lines += _end_by_hand(f"hand-{link.right}", ends[1], link.addresses[1])
    up, down = "\n".join(lines), "\n".join(f"ip netns del hand-{link.left}" for link in ring(nodes))
    return lambda: (timed("bash", "-s", stdin=up), timed("bash", "-s", stdin=down))


def _node_by_hand(ns: str) -> list[str]:
    return [
        f"ip netns add {ns}",
        f"ip -n {ns} link set lo up",
        f"ip netns exec {ns} sysctl -qw net.ipv4.ip_forward=1",
    ]


def _end_by_hand(ns: str, dev: str, address: str) -> list[str]:
    return [
        f"ip link set {dev} netns {ns}",
        f"ip -n {ns} addr add {address} dev {dev}",
        f"ip -n {ns} link set {dev} up",
        f"ip netns exec {ns} tc qdisc add dev {dev} root tbf rate {RATE} burst 32kbit latency 50ms",
    ]


# --- by Mininet -------------------------------------------------------------------------------------

# Its times are measured inside Python, without its start and imports, and without its change of limits of the
# whole machine.
MININET = """
import sys, time
import mininet.net
from mininet.link import TCLink
mininet.net.fixLimits = lambda: None
count = int(sys.argv[1])
start = time.perf_counter()
net = mininet.net.Mininet(link=TCLink, controller=None)
hosts = [net.addHost(f"h{i}") for i in range(count)]
for i in range(count):
    net.addLink(hosts[i], hosts[(i + 1) % count], bw=100)
net.start()
up = time.perf_counter()
net.stop()
print(up - start, time.perf_counter() - up)
"""


def has_mininet() -> bool:
    return live.run("/usr/bin/python3", "-c", "import mininet.net").returncode == 0


def by_mininet(nodes: int) -> Work:
    def work() -> tuple[float, float]:
        printed = live.succeed("/usr/bin/python3", "-c", MININET, str(nodes), seconds=900)
        up, down = printed.splitlines()[-1].split()
        return float(up), float(down)

    return work


# --- the floor ---------------------------------------------------------------------------------------

FLOOR = Path(__file__).with_name("floor.c")
RUN_FLOOR = 'ulimit -Sn "$(ulimit -Hn)" && mkdir -p /run/netns && exec "$@"'


def compiler() -> str | None:
    return shutil.which("cc") or shutil.which("gcc")


def by_floor(nodes: int) -> Work:
    """What the kernel takes alone: the same over netlink from threads of C, and deletions in one batch."""

    def work() -> tuple[float, float]:
        with TemporaryDirectory() as folder:
            program = Path(folder, "floor")
            live.succeed(compiler() or "cc", "-O2", "-pthread", "-o", program, FLOOR)
            command = (program, str(nodes), str(os.cpu_count() or 1))
            up = timed("bash", "-c", RUN_FLOOR, "floor", *command)
        names = "".join(f"netns del floor-{node}\n" for node in range(nodes))
        return up, timed("ip", "-batch", "-", stdin=names)

    return work


# --- the programs -------------------------------------------------------------------------------------

IDLE = """
enter() {
  local node
  for ((node = $1; node < $2; node += $3)); do
    nsenter --net="/run/netns/idle-$node" sh -c "$4" </dev/null >/dev/null || exit
  done
}
for ((part = 0; part < $2; part++)); do enter "$part" "$@" & done
wait
"""
"""Runs programs in namespaces that have nothing, side by side: NODES PARTS PROGRAMS."""

OF_UP = "ip -batch -; exec tc -batch -"
OF_CHECK = "ip -batch -; ip -6 -o rule; grep -sH '' /proc/net/*_tables_names; tc qdisc; nft -st list ruleset"
"""The programs that up and check start for each node; `bash` and the shell of a namespace do the rest."""


def by_programs(nodes: int, programs: str) -> Work:
    """What it takes to enter namespaces and to start programs there that have nothing to do."""
    names = [f"idle-{node}" for node in range(nodes)]
    made, removed = ("".join(f"netns {verb} {name}\n" for name in names) for verb in ("add", "del"))

    def work() -> tuple[float, float]:
        live.succeed("ip", "-batch", "-", stdin=made)
        up = timed("bash", "-c", IDLE, "idle", str(nodes), str(os.cpu_count() or 1), programs)
        return up, timed("ip", "-batch", "-", stdin=removed)

    return work


# --- over netlink -----------------------------------------------------------------------------------


def by_netlink(nodes: int) -> Work:
    """The same objects by one process that starts no other. Told from inside, without imports."""

    def work() -> tuple[float, float]:
        up, down = live.succeed(sys.executable, __file__, str(nodes), seconds=900).split()
        return float(up), float(down)

    return work


def netlink(nodes: int) -> tuple[float, float]:
    start = time.perf_counter()
    names = [f"floor-{link.left}" for link in ring(nodes)]
    for name in names:
        netns.create(name)
    _make_links(nodes)
    for number, name in enumerate(names):
        _configure(name, ring(nodes)[number - 1].addresses[1], ring(nodes)[number].addresses[0])
    up = time.perf_counter()
    for name in names:
        netns.remove(name)
    return up - start, time.perf_counter() - up


def _make_links(nodes: int) -> None:
    with IPRoute() as ip:
        for link in ring(nodes):
            left, right = f"floor-{link.left}", f"floor-{link.right}"
            peer = {"ifname": "left", "net_ns_fd": right}
            ip.link("add", ifname="right", kind="veth", net_ns_fd=left, peer=peer)


def _configure(name: str, left: str, right: str) -> None:
    descriptor = os.open(f"/run/netns/{name}", os.O_RDONLY)
    assert ctypes.CDLL(None).setns(descriptor, 0) == 0
    os.close(descriptor)
    for path, value in (("ip_forward", "1"), ("conf/all/rp_filter", "0"), ("fib_multipath_hash_policy", "1")):
        Path(f"/proc/sys/net/ipv4/{path}").write_text(value)
    with IPRoute() as ip:
        ip.link("set", index=1, state="up", ifalias="mpc:floor")
        for device, address in (("left", left), ("right", right)):
            Path(f"/proc/sys/net/ipv4/conf/{device}/rp_filter").write_text("0")
            (index,) = ip.link_lookup(ifname=device)
            ip.tc("add", "tbf", index=index, handle="1:", rate=RATE, burst=50_000, limit=312_500)
            ip.addr("add", index=index, address=address.split("/")[0], prefixlen=30)
            ip.link("set", index=index, state="up")


if __name__ == "__main__":
    print(*netlink(int(sys.argv[1])))
