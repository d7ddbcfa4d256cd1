"""The kinds of scripts: the statements that each requires, and the function that generates it.

Generators are imported at their use, as most commands need only one.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from compiler.model.lab import Lab
from compiler.plan.plan import Plan
from compiler.scripts import bash, batch
from compiler.scripts.share import share


class Kind(NamedTuple):
    """A kind of script, `LAB.NAME.sh`: its action on a lab, and the statement that requires it."""

    name: str
    does: str
    make: Callable[[Lab, Plan, bash.Style], Iterator[str]]
    statement: str | None = None
    is_called_for: Callable[[Lab], bool] = lambda _: True


def _up(lab: Lab, plan: Plan, style: bash.Style) -> Iterator[str]:
    if style is bash.Style.BATCH:
        return batch.up(plan)
    from compiler.scripts import plain

    return plain.up(lab, plan)


def _check(lab: Lab, plan: Plan, _: bash.Style) -> Iterator[str]:
    from compiler.scripts.check import check

    return check(share(lab, plan), plan)


def _bench(lab: Lab, plan: Plan, _: bash.Style) -> Iterator[str]:
    from compiler.scripts.bench import bench

    return bench(share(lab, plan), plan)


def _play(lab: Lab, plan: Plan, _: bash.Style) -> Iterator[str]:
    from compiler.scripts.play import play

    return play(lab, plan)


UP = Kind("up", "brings the lab up", _up)
OTHERS = (
    Kind("down", "takes the lab down", lambda _, plan, __: batch.down(plan)),
    Kind("check", "compares the machine with the lab", _check),
    Kind("bench", "makes the measurements of `bench`", _bench, "bench", lambda lab: bool(lab.benches)),
    Kind("play", "plays the events of `at`", _play, "at", lambda lab: bool(lab.events)),
)
"""All kinds except the up script, which is the default."""
KINDS = {kind.name: kind for kind in (UP, *OTHERS)}
