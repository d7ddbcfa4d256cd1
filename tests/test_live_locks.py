"""Three of up, down, play and check in parallel, in any order of their steps on the claim.

A trap of bash stops a script before one of its commands, so that orders are enforced and not a matter of
time.
"""

import os
import random
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import kernel
import live
import pytest
from faults import thorough

from compiler.driver import Compilation

pytestmark = pytest.mark.live

LAB = "host a b\nlink a -- b\nat 50ms down a -- b\n"
COMPILATION = Compilation("-", f"lab raced\n{LAB}")
KINDS = ("up", "down", "play", "check")
NAMES = ["raced-a", "raced-b"]
CLAIM = Path("/run/mpc-raced")

FIRST = "\nset -eEuo pipefail"
HOLD = r"""
STEPS='^(claim|open_claim|exec .lock|flock|current|read_claim|\[\[ (! )?-[se] .CLAIM|printf .* >> .*CLAIM'
STEPS+='|note |guard|feed|trap|begin|owned|take_down|printf .netns del|remove_|rm |rmdir|umount|nsenter'
STEPS+='|set_clock|compare_all|say (up|down))'
step() {
  [[ $BASHPID == "$$" && $1 =~ $STEPS && $1 != "$last" ]] || { last=$1; return 0; }
  last=$1
  echo "${1%%$'\n'*}" >>"$HELD/steps"
  [[ $((++steps)) != "$HOLD_AT" ]] || { : >"$HELD/here"; until [[ -e $HELD/go ]]; do sleep 0.01; done; }
}
steps=0 last=
trap 'step "$BASH_COMMAND"' DEBUG
set -T
"""
"""Counts the commands on the claim or on state that others see, and stops before one of them."""
NEVER = 0


class Actor:
    """A running script that stops before one of its steps."""

    def __init__(self, kind: str, hold_at: int, folder: Path) -> None:
        self.kind, self.folder, self.killed = kind, folder, False
        folder.mkdir()
        script = folder / "script"
        script.write_text(COMPILATION.script(kind).replace(FIRST, HOLD + FIRST, 1))
        environment = {**os.environ, "HELD": str(folder), "HOLD_AT": str(hold_at)}
        with (folder / "said").open("w") as said:
            self.process = subprocess.Popen(
                live.bounded(60, "bash", script), env=environment, stdout=said, stderr=said
            )
        live.wait_until(self.rests, seconds=30)

    def rests(self) -> bool:
        """Whether it is stopped, or blocked."""
        return (self.folder / "here").exists() or self.is_through()

    def is_through(self) -> bool:
        """Whether it has ended, or is blocked by another script."""
        return self.process.poll() is not None or "waiting for an up" in self.said

    def go_on(self) -> None:
        (self.folder / "go").touch()

    def end(self) -> None:
        self.go_on()
        self.process.wait(timeout=70)

    @property
    def said(self) -> str:
        return (self.folder / "said").read_text()

    @property
    def steps(self) -> int:
        return len((self.folder / "steps").read_text().splitlines())

    @property
    def done(self) -> bool:
        return self.process.returncode == 0

    def __str__(self) -> str:
        return f"{self.kind} ended with {self.process.returncode}:\n{self.said}"


class Order(NamedTuple):
    """The first script is stopped at a step, then the second; the third runs; then the two continue."""

    up: bool
    kinds: tuple[str, str, str]
    first_at: int
    second_at: int
    first_goes_first: bool


def raced(order: Order, folder: Path) -> list[Actor]:
    """The three scripts of an order, after they have ended."""
    places = zip(order.kinds, (order.first_at, order.second_at, NEVER), "123", strict=True)
    actors = [Actor(kind, at, folder / name) for kind, at, name in places]
    held = actors[:2] if order.first_goes_first else actors[1::-1]
    for actor in held:
        actor.go_on()
        live.wait_until(actor.is_through, seconds=30)
    for actor in actors:
        actor.end()
    return actors


def problems(order: Order, actors: list[Actor]) -> Iterator[str]:
    ups, downs = (sum(one.kind == kind and one.done for one in actors) for kind in ("up", "down"))
    there = [name for name in kernel.namespaces() if name.startswith("raced-")]
    if ups > downs + (not order.up):
        yield "an up did not see another"
    if there:
        yield from what_is_broken(there)
    elif CLAIM.exists() or any(Path("/etc/netns", name).exists() for name in NAMES):
        yield "not all is gone"
    if not downs and (order.up or ups) and not there:
        yield "nobody took the lab down"
    if downs and not ups and there:
        yield "down left the lab"
    for one in actors:
        if one.kind != "check" and one.process.returncode not in (0, 1):
            yield "it did not end by itself"
        if one.kind != "check" and re.search("failed|No such|cannot make|left", one.said):
            yield f"{one.kind} met what it should not"


def what_is_broken(there: list[str]) -> Iterator[str]:
    """The missing parts of a lab that is there."""
    if there != NAMES or CLAIM.read_text().splitlines()[-1:] != ["up"]:
        yield "the lab is there in part"
    elif any("mpc:raced" not in kernel.read("ip", "-n", name, "link", "show", "dev", "lo") for name in NAMES):
        yield "a mark is missing"
    elif not live.pings("raced-a", "b"):
        yield "the lab that is up was harmed"


@contextmanager
def cleared() -> Iterator[None]:
    lab = live.lab_of("raced", LAB)
    try:
        yield
    finally:
        lab.clear_away()


def lengths(folder: Path) -> dict[str, int]:
    """The number of steps of each script when it runs alone."""
    return {kind: steps_of(Actor(kind, NEVER, folder / kind)) for kind in ("up", "play", "check", "down")}


def steps_of(actor: Actor) -> int:
    actor.end()
    assert actor.done, f"{actor}"
    return actor.steps


def orders(lengths: dict[str, int]) -> Iterator[Order]:
    """All orders in which the third script runs while two are stopped."""
    for up in (False, True):
        for first in KINDS:
            for second in KINDS:
                for third in KINDS:
                    for at in range(1, lengths[first] + 1):
                        for other in range(1, lengths[second] + 1):
                            yield Order(up, (first, second, third), at, other, bool((at + other) % 2))


def test_no_order_of_three_harms_another(tmp_path: Path) -> None:
    chance = random.Random(6)
    with cleared():
        every = list(orders(lengths(tmp_path)))
        known = [order for order in every if order.kinds == ("up", "down", "up") and not order.up]
        tried = (
            chance.sample(every, 1000) if thorough() else chance.sample(known, 8) + chance.sample(every, 12)
        )
        for number, order in enumerate(tried):
            folder = tmp_path / str(number)
            folder.mkdir()
            if order.up:
                live.succeed("bash", "-s", stdin=COMPILATION.up())
            actors = raced(order, folder)
            found = list(problems(order, actors))
            assert not found, "\n".join([str(order), *found, *map(str, actors)])
            down = live.run("bash", "-s", stdin=COMPILATION.down())
            assert down.returncode == 0, down.stderr
            assert not live.lab_of("raced", LAB).footprint()
