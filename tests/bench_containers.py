"""Containers of a lab against the bare engine, which starts as many of the same image."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import engine
import live

COUNT = 20

LAB = f"""
container n[1..{COUNT}] image "{engine.IMAGE}" command "sleep 9999" options "--stop-signal KILL"
switch s
link n[1..{COUNT}] -- s
"""


@contextmanager
def ways() -> Iterator[tuple[Callable[[], float], ...]]:
    """Ways to start the containers, each with its seconds: mpc, the engine in a loop, the engine at once."""
    lab = live.lab_of("many", LAB)
    with TemporaryDirectory() as folder, engine.private("podman", Path(folder)):
        yield partial(_up, lab), partial(_bare, at_once=False), partial(_bare, at_once=True)


def _up(lab: live.Lab) -> float:
    start = time.perf_counter()
    live.succeed("bash", "-s", stdin=lab.up_script, seconds=300)
    taken = time.perf_counter() - start
    live.succeed("bash", "-s", stdin=lab.down_script, seconds=300)
    return taken


def _bare(*, at_once: bool) -> float:
    """The engine by itself, with containers that have a namespace and nothing in it."""
    start = time.perf_counter()
    argv = [*"podman run --detach --network none --stop-signal KILL".split(), engine.IMAGE, "sleep", "9999"]
    begun = []
    for _ in range(COUNT):
        begun.append(subprocess.Popen(argv, stdout=subprocess.DEVNULL))
        if not at_once:
            begun[-1].wait()
    assert [one.wait() for one in begun] == [0] * COUNT
    taken = time.perf_counter() - start
    live.succeed("podman", "rm", "--all", "--force", seconds=300)
    return taken
