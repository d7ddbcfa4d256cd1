"""Random labs, a few of those that `./dev labs` tries: as planned after up, and not when one fact changes."""

from random import Random

import pytest
import random_labs
from try_labs import try_lab

pytestmark = pytest.mark.live

SEED = 3
LABS = 6


def test_random_labs_come_up_are_as_planned_and_leave_nothing() -> None:
    for number, text, compilation in random_labs.labs(SEED, LABS):
        assert try_lab(compilation, Random(f"{SEED} {number} drifts")) == [], text


@pytest.mark.every_kernel
def test_a_random_lab_with_switches_on_every_kernel() -> None:
    """The smallest of 60 with MTUs and a spanning tree; with delays where this kernel has netem."""
    labs = [lab for lab in random_labs.labs(SEED, 60) if "stp on" in lab[1] and "mtu" in lab[1]]
    number, text, compilation = min(labs, key=lambda lab: len(lab[2].plan.namespaces))
    assert try_lab(compilation, Random(f"{SEED} {number} drifts")) == [], text
