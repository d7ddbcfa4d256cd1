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
    """With delays where this kernel has netem, MTUs, and a spanning tree."""
    labs = random_labs.labs(SEED, 60)
    number, text, compilation = next(lab for lab in labs if "stp on" in lab[1] and "mtu" in lab[1])
    assert try_lab(compilation, Random(f"{SEED} {number} drifts")) == [], text
