"""The figures of the README, each a ratio measured in one run.

`python tests/bench.py PART ...` runs the parts that are named, or all of them: compile, scale, routes, up,
multipath, variants.
What is compared runs in turns, and medians are quoted, so that a machine whose speed drifts does not decide.
"""

import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import NamedTuple

import live

from compiler.backend.bash import Style
from compiler.cli import GARBAGE
from compiler.driver import Compilation

MBIT = 1e6


def say(*words: object) -> None:
    print(*words, flush=True)


def medians(repeats: int, *works: Callable[[], float]) -> list[float]:
    """Each work's median, after measuring all of them in turns."""
    rounds = [[work() for work in works] for _ in range(repeats)]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def ratio(what: str, value: float, target: str) -> None:
    say(f"  {what}: {value:.2f} (target: {target})")


def seconds_of(*argv: str | Path, stdin: str = "", limit: float = 300) -> float:
    start = time.perf_counter()
    live.succeed(*argv, stdin=stdin, seconds=limit)
    return time.perf_counter() - start


# --- compile ----------------------------------------------------------------------------------------


def bench_compile() -> None:
    """The whole command against the start of Python with the two libraries it cannot do without."""
    diamond = live.GOLDEN / "diamond.topo"
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the libraries' bytecode is kept too
    start, linted, unlinted = medians(
        15,
        lambda: seconds_of(sys.executable, "-c", "import lark, click"),
        lambda: seconds_of(live.MPC, "compile", diamond),
        lambda: seconds_of(live.MPC, "compile", diamond, "--no-lint"),
    )
    say(f"compile the diamond: {linted:.3f} s, --no-lint {unlinted:.3f} s, imports alone {start:.3f} s")
    ratio("with lint / imports alone", linted / start, "at most 3.0")
    ratio("--no-lint / imports alone", unlinted / start, "at most 2.0")


# --- scale: compiling large labs --------------------------------------------------------------------

SIZES = {
    "ring": ("n=100", "n=10000"),
    "torus": ("x=10 y=10", "x=100 y=100"),
    "fat-tree": ("k=6", "k=32"),
}
"""A standard topology of about 100 nodes, and of about 10,000."""

# The work that no compiler can leave out: all distances, and a line of text a route, here always the same.
REFERENCE = """
import sys
import rustworkx
half = 8
places = {}
def node(*name):
    return places.setdefault(name, len(places))
edges = [edge for pod in range(16) for a in range(half) for b in range(half) for edge in (
    (node("agg", pod, a), node("core", a, b)),
    (node("agg", pod, a), node("edge", pod, b)),
    (node("edge", pod, a), node("host", pod, a, b)),
)]
graph = rustworkx.PyGraph()
graph.add_nodes_from(range(len(places)))
graph.add_edges_from_no_data(edges)
distances = rustworkx.distance_matrix(graph)
lines, size = int(sys.argv[1]), int(sys.argv[2])
line = "x" * (size // lines - 1) + "\\n"
for _ in range(lines):
    sys.stdout.write(line)
"""


def per_node(text: str) -> float:
    """Seconds of a processor for each node of a lab, in a process that has compiled before."""
    gc.collect()
    start = time.process_time()
    compilation = Compilation("lab.topo", text)
    for _ in compilation.script(Style.BATCH):
        pass
    return (time.process_time() - start) / len(compilation.lab.nodes)


class Written(NamedTuple):
    """What a process that writes a file took: seconds of a processor, and MB of memory at most."""

    seconds: float
    memory: float
    size: int
    routes: int


def written(*argv: str | Path) -> Written:
    with TemporaryFile() as file:
        process = subprocess.Popen([*map(str, argv)], stdout=file)
        _, status, used = os.wait4(process.pid, 0)
        assert status == 0, argv
        size = file.tell()
        file.seek(0)
        routes = sum(line.startswith(b"route add ") for line in file)
    return Written(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, size, routes)


def bench_scale() -> None:
    """A fat tree whose routes are all written; and the time for each node, small labs against large."""
    with TemporaryDirectory() as folder:
        lab = Path(folder, "fat.topo")
        lab.write_text("use std/fat-tree as t with k=16\n")
        command = (live.MPC, "compile", "--no-lint", lab)
        found = written(*command)  # first: a process counts the memory of the one that it comes from
        reference = (sys.executable, "-c", REFERENCE, str(found.routes), str(found.size))
        least, ours = medians(5, lambda: written(*reference).seconds, lambda: written(*command).seconds)
    size = f"{found.size / 1e6:.0f} MB of text in {found.memory:.0f} MB of memory"
    say(f"compile a fat tree of k=16: {ours:.2f} s, {size}; the reference {least:.2f} s")
    ratio("that / rustworkx's distances and as many lines of text", ours / least, "at most 3")
    gc.set_threshold(GARBAGE)
    for name, sizes in SIZES.items():
        texts = [f"routing none\nuse std/{name} as t with {size}\n" for size in sizes]
        small = statistics.median(per_node(texts[0]) for _ in range(9))
        large = min(per_node(texts[1]) for _ in range(3))
        times = f"{small * 1e6:.0f} us a node with {sizes[0]}, {large * 1e6:.0f} with {sizes[1]}"
        say(f"compile a {name}: {times}")
        ratio("large / small", large / small, "at most 1.5")


# --- routes: what `aggregate` saves -----------------------------------------------------------------

TOPOLOGIES = {
    "line": "n=64",
    "ring": "n=64",
    "star": "n=64",
    "mesh": "n=32",
    "grid": "x=16 y=16",
    "torus": "x=32 y=32",
    "hypercube": "d=8",
    "tree": "width=4 depth=5",
    "leaf-spine": "spines=8 leaves=32 hosts=16",
    "fat-tree": "k=16",
    "dragonfly": "a=8 h=4 p=4",
}


def routes_of(text: str) -> int:
    lab = Compilation("lab.topo", text).lab
    return sum(len(route.targets) for node in lab.nodes for route in node.routes)


def bench_routes() -> None:
    say("| topology | routes | aggregated | ratio | script, MB | aggregated |\n" + "| --- " * 6 + "|")
    for name, words in TOPOLOGIES.items():
        texts = [f"routing shortest {word}\nuse std/{name} as t with {words}" for word in ("", "aggregate")]
        before, after = map(routes_of, texts)
        sizes = [sum(map(len, Compilation("lab.topo", text).script(Style.BATCH))) / 1e6 for text in texts]
        row = (f"{name} {words}", before, after, f"{before / after:.1f}", *(f"{size:.2f}" for size in sizes))
        say("|", " | ".join(map(str, row)), "|")


# --- up: a ring of 300 nodes ------------------------------------------------------------------------

NODES = 300
RATE = "100mbit"


@dataclass(frozen=True)
class RingLink:
    left: str
    right: str
    addresses: tuple[str, str]


def ring() -> list[RingLink]:
    names = [f"n{i}" for i in range(NODES)]
    base = IPv4Address("10.0.0.0")
    return [
        RingLink(names[i], names[(i + 1) % NODES], (f"{base + 4 * i + 1}/30", f"{base + 4 * i + 2}/30"))
        for i in range(NODES)
    ]


def ring_topology() -> str:
    lines = ["routing none", f"default link rate {RATE}"]
    lines += [f"router {link.left} address none" for link in ring()]
    lines += [
        f"link {link.left}:right -- {link.right}:left address {' '.join(link.addresses)}" for link in ring()
    ]
    return "\n".join(lines)


def ring_by_hand() -> str:
    """The same lab as people write it: a command a line, links made in the host and moved into place."""
    lines = ["set -e"]
    for link in ring():
        lines += _node_by_hand(f"hand-{link.left}")
    for number, link in enumerate(ring()):
        ends = f"v{number}r", f"v{number}l"
        lines.append(f"ip link add {ends[0]} type veth peer name {ends[1]}")
        lines += _end_by_hand(f"hand-{link.left}", ends[0], link.addresses[0])
        lines += _end_by_hand(f"hand-{link.right}", ends[1], link.addresses[1])
    return "\n".join(lines)


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


# Mininet's time is told from inside: without the start of Python and the imports, and without its
# change of limits of the whole machine.
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
print("seconds", time.perf_counter() - start)
net.stop()
"""


def has_mininet() -> bool:
    return live.run("/usr/bin/python3", "-c", "import mininet.net").returncode == 0


def up_mininet() -> float:
    printed = live.succeed("/usr/bin/python3", "-c", MININET, str(NODES), seconds=600)
    settle()
    return float(printed.split()[-1])


def up_by_hand() -> float:
    try:
        return seconds_of("bash", "-s", stdin=ring_by_hand())
    finally:
        live.run("bash", "-c", f"for i in {{0..{NODES - 1}}}; do ip netns del hand-n$i; done", seconds=120)
        settle()


def up_compiled(lab: live.Lab) -> float:
    try:
        return seconds_of("bash", "-s", stdin=lab.up_script)
    finally:
        live.run("bash", "-s", stdin=lab.down_script, seconds=120)
        settle()


def settle() -> None:
    """Waits until the kernel, which removes namespaces in the background, has done so."""
    count = namespace_objects()
    for _ in range(60):
        time.sleep(1)
        last, count = count, namespace_objects()
        if count == last:
            return


def namespace_objects() -> str:
    shown = Path("/proc/slabinfo").read_text() if os.access("/proc/slabinfo", os.R_OK) else ""
    return next((line.split()[1] for line in shown.splitlines() if line.startswith("net_namespace")), "")


def bench_up() -> None:
    lab = live.lab_of("ring", ring_topology())
    works = [lambda: up_compiled(lab), up_by_hand, *([up_mininet] if has_mininet() else [])]
    compiled, by_hand, *mininet = medians(3, *works)
    say(f"bring up a ring of {NODES}: {compiled:.2f} s, a command a line {by_hand:.2f} s")
    ratio("a command a line / compiled", by_hand / compiled, "at least 4")
    if mininet:
        say(f"  Mininet: {mininet[0]:.2f} s")
        ratio("Mininet / compiled", mininet[0] / compiled, "at least 6")
    else:
        say("  Mininet: not installed (Debian package mininet), left out")


# --- multipath --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A line of the table; `single` is the name to which one TCP connection takes the best path."""

    title: str
    lab: live.Lab
    ends: tuple[str, str]
    single: str = "b"
    spoil: Callable[[], None] = lambda: None


def cases() -> Iterator[Case]:
    for title, name, topology, single in (
        ("diamond, `mptcp a -- b`", "either", live.DIAMOND + "mptcp a -- b", "b"),
        ("diamond, `mptcp a -> b`", "client", live.DIAMOND + "mptcp a -> b", "b"),
        ("three paths of 5 Mbit/s", "three", live.THREE + "mptcp a -- b", "b"),
        ("paths of 20 and 10 Mbit/s", "unequal", live.UNEQUAL + "mptcp a -- b", "c.b"),
    ):
        yield Case(title, live.lab_of(name, topology), (f"{name}-a", f"{name}-b"), single)
    original = live.lab_of("original", live.GOLDEN / "original.topo", prefix="device")
    ends = "devicea", "deviceb"
    yield Case("the original, shaped where links leave", original, ends)
    yield Case("the original, with its own shaping rebuilt", original, ends, spoil=shape_like_the_original)


def shape_like_the_original() -> None:
    """In b, what comes in through either link passes one class of one ifb0: a bottleneck of both paths."""
    live.succeed("ip", "-n", "deviceb", "link", "add", "name", "ifb0", "type", "ifb")
    live.succeed("ip", "-n", "deviceb", "link", "set", "dev", "ifb0", "up")
    commands = [
        "qdisc add dev ifb0 root handle 2: htb",
        "class add dev ifb0 parent 2: classid 2:1 htb rate 5120kbit",
        "filter add dev ifb0 parent 2: protocol ip prio 1 u32 match u32 0 0 flowid 2:1",
    ]
    for dev in ("veth4", "veth6"):
        redirect = "u32 match u32 0 0 action mirred egress redirect dev ifb0"
        commands.append(f"qdisc add dev {dev} handle ffff: ingress")
        commands.append(f"filter add dev {dev} parent ffff: protocol ip {redirect}")
    live.succeed("tc", "-n", "deviceb", "-batch", "-", stdin="\n".join(commands) + "\n")


def measure(case: Case) -> str:
    """A row of the table."""
    client, server = case.ends
    with live.running(case.lab):
        case.spoil()
        tcp, mptcp = medians(
            3,
            lambda: live.iperf(server, client, case.single, seconds=8),
            lambda: live.iperf(server, client, "b", mptcp=True, seconds=8),
        )
    return f"| {case.title} | {tcp / MBIT:.2f} | {mptcp / MBIT:.2f} | {mptcp / tcp:.2f} |"


PINS = {
    "`signal` at both": "mptcp a -- b endpoints a:c signal, a:d signal, b:c signal, b:d signal",
    "`signal subflow` at both": "mptcp a -- b endpoints a:c signal subflow, a:d signal subflow,"
    " b:c signal subflow, b:d signal subflow",
    "`subflow` at a, `signal` at b": "mptcp a -> b endpoints a:c subflow, a:d subflow,"
    " b:c signal, b:d signal",
    "`subflow fullmesh` at a, `signal` at b": "mptcp a -> b endpoints a:c subflow fullmesh,"
    " a:d subflow fullmesh, b:c signal, b:d signal",
}
"""The diamond with other endpoints than are inferred, and the same rules."""

LONGER = {
    "ring of 6 routers": "router a r1 b r3 r4 r5\nlink a -- r1 -- b -- r3 -- r4 -- r5 -- a\nmptcp a -- b",
    "over a router in the middle": "host a b\nrouter c d e f g\nlink a -- {c,d} -- e -- {f,g} -- b\n"
    "mptcp a -- b",
    "one interface at a": "host a b\nrouter c\nlink a -- c rate 50mbit\nlink c -- b\nlink c -- b\n"
    "mptcp a -> b",
}
"""Paths that are not the routers' own choice, or not begun at two interfaces."""


def variants() -> Iterator[Case]:
    for number, (title, line) in enumerate(PINS.items()):
        yield Case(
            title, live.lab_of(f"pins{number}", live.DIAMOND + line), (f"pins{number}-a", f"pins{number}-b")
        )
    for number, (title, lines) in enumerate(LONGER.items()):
        lab = live.lab_of(f"long{number}", f"default link rate 5mbit\n{lines}")
        yield Case(title, lab, (f"long{number}-a", f"long{number}-b"))


def table(rows: Iterator[Case]) -> None:
    say("received Mbit/s, medians of 3 transfers of 8 s each, opened by a:\n")
    say("| lab | one TCP connection | MPTCP | ratio |\n| --- | --- | --- | --- |")
    for case in rows:
        say(measure(case))


def main() -> None:
    parts: dict[str, Callable[[], None]] = {
        "compile": bench_compile,
        "scale": bench_scale,
        "routes": bench_routes,
        "up": bench_up,
        "multipath": lambda: table(cases()),
        "variants": lambda: table(variants()),
    }
    for name in sys.argv[1:] or parts:
        if name not in ("compile", "scale", "routes") and os.geteuid() != 0:
            say(f"{name}: left out, it needs root")
        else:
            parts[name]()


if __name__ == "__main__":
    main()
