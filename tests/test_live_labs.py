"""A sample of the random labs of `./dev labs`: a check passes after up, and fails when one fact changes."""

from random import Random

import pytest
import random_labs
from try_labs import try_lab

pytestmark = pytest.mark.live

SEED = 3
LABS = 6
SMALL = 30
"""The smallest of 60 labs that has both switches with a spanning tree and MTUs, by number."""


def test_random_labs_come_up_are_as_planned_and_leave_nothing() -> None:
    for number, text, compilation in random_labs.labs(SEED, LABS):
        assert try_lab(compilation, Random(f"{SEED} {number} drifts")) == [], text


@pytest.mark.every_kernel
def test_a_random_lab_with_switches_on_every_kernel() -> None:
    """A small one with MTUs and a spanning tree; with delays if this kernel has netem."""
    ((number, text, compilation),) = random_labs.labs(SEED, 1, SMALL)
    assert "stp on" in text
    assert "mtu" in text
    assert try_lab(compilation, Random(f"{SEED} {number} drifts")) == [], text
