"""Measurements of labs over several machines: what compiling them takes, and what bringing them up does."""

import gc
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from machines import Machines, machines

from compiler.driver import Compilation

LAB = "lab wide\nrouting none\nuse std/grid as g with x={0} y={0} rate=10mbit\n"
PLACES = """\
for m in 0..{last} {{ machine m[m + 1] ssh 192.0.2.[m + 1] }}
for i in 0..{most} {{
  for j in 0..{most} {{ place g-r[i]-[j] on m[i * {count} // {size} + 1] }}
}}
"""


def grid(size: int, count: int) -> str:
    """A grid of size x size nodes in bands over some machines, or on this one where there are none."""
    own = LAB.format(size)
    return own + PLACES.format(last=count - 1, most=size - 1, count=count, size=size) if count else own


def scripts(text: str, kind: str) -> dict[str, str]:
    compilation = Compilation("wide.topo", text)
    return {name: "".join(compilation.pieces(kind, machine=name)) for name in compilation.machines}


def compiling(text: str) -> tuple[float, int]:
    """Processor seconds for the up scripts of all machines of a lab, and the bytes of the largest."""
    gc.collect()
    start = time.process_time()
    made = scripts(text, "up")
    return time.process_time() - start, max(map(len, made.values()))


def ups(size: int, counts: tuple[int, int], rounds: int) -> tuple[float, float]:
    """Seconds in which a grid is up over as many machines, for two numbers of them: medians of rounds."""
    texts = [grid(size, count) for count in counts]
    with TemporaryDirectory() as folder, machines(Path(folder), max(counts)) as found:
        times = [[_up(found, text) for text in texts] for _ in range(rounds)]
    few, many = (median(column) for column in zip(*times, strict=True))
    return few, many


def _up(found: Machines, text: str) -> float:
    made, unmade = scripts(text, "up"), scripts(text, "down")
    try:
        start = time.monotonic()
        up = found.everywhere(made)
        seconds = time.monotonic() - start
    finally:
        down = found.everywhere(unmade)
    assert not any(one.returncode for one in (*up.values(), *down.values())), up
    return seconds
