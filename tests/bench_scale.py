"""Measurements of the compiler on large labs, and the reference that they are compared with."""

import gc
import os
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

from compiler import kept
from compiler.diff import compare, told
from compiler.driver import Compilation
from compiler.ground.diagnostics import Diagnostics
from compiler.ground.source import Source
from compiler.language.parse import parse

SIZES = {
    "ring": ("n=100", "n=10000"),
    "torus": ("x=10 y=10", "x=100 y=100"),
    "fat-tree": ("k=6", "k=32"),
}
"""Standard topologies with about 100 and about 10,000 nodes."""

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
    """Processor seconds per node of a lab, in a process that has compiled before."""
    gc.collect()
    start = time.process_time()
    compilation = Compilation("lab.topo", text)
    for _ in compilation.pieces("up"):
        pass
    return (time.process_time() - start) / len(compilation.lab.ip_nodes)


def scripting(texts: Iterable[str]) -> float:
    """Processor seconds for some labs and all their scripts."""
    gc.collect()
    start = time.process_time()
    for compilation in (Compilation("lab.topo", text) for text in texts):
        for kind in compilation.kinds:
            for _ in compilation.pieces(kind):
                pass
    return time.process_time() - start


def comparing(texts: tuple[str, str]) -> float:
    """Processor seconds for compiling two labs and telling what differs."""
    gc.collect()
    start = time.process_time()
    old, new = (Compilation("lab.topo", text) for text in texts)
    told(compare(old, new), "text")
    return time.process_time() - start


def compiling(text: str) -> float:
    """Processor seconds for a lab and its script."""
    gc.collect()
    start = time.process_time()
    for _ in Compilation("lab.topo", text).pieces("up"):
        pass
    return time.process_time() - start


def expanding(text: str) -> float:
    """Seconds of a processor for the flat statements of a lab."""
    gc.collect()
    start = time.process_time()
    _ = Compilation("lab.topo", text).statements
    return time.process_time() - start


def edited(routing: str) -> str:
    """A lab of 1,000 lines: a ring of 333 routers with rates, delays and sysctls."""
    lines = [f"routing {routing}"]
    for place in range(333):
        link = f"link r{place} -- r{(place + 1) % 333} rate {1 + place % 9}mbit delay {1 + place % 7}ms"
        lines += [f"router r{place}", link, f"sysctl r{place} net.ipv4.tcp_ecn={place % 2}"]
    return "\n".join(lines) + "\n"


def rechecking(text: str) -> float:
    """Seconds of a processor for all that `mpc check` says of a lab."""
    gc.collect()
    start = time.process_time()
    compilation = Compilation("lab.topo", text)
    compilation.survey()
    assert not compilation.diagnostics.failed
    return time.process_time() - start


def drafting(text: str) -> float:
    """Seconds of a processor for the diagnostics that an editor has while one types: without routes."""
    gc.collect()
    start = time.process_time()
    compilation = Compilation("lab.topo", text, kept.folder())
    _ = compilation.draft
    return time.process_time() - start


def reading(text: str) -> float:
    """Seconds of a processor for reading a lab to its syntax tree."""
    gc.collect()
    start = time.process_time()
    assert parse(Source("lab.topo", text), Diagnostics(), kept.folder())
    return time.process_time() - start


def formatting(text: str) -> float:
    """Seconds of a processor for the layout of a lab, from its text."""
    gc.collect()
    start = time.process_time()
    assert Compilation("lab.topo", text, kept.folder()).layout() != text
    return time.process_time() - start


class Written(NamedTuple):
    """The processor seconds and the peak memory in MB of a process that writes a file."""

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
    return sum(len(route.targets) for node in lab.ip_nodes for route in node.routes)
