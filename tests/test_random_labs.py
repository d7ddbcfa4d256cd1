"""Random labs are those of a seed and a number alone."""

from random import Random

import pytest
from random_labs import Writer


def all_of_them(_: str) -> bool:
    return True


def none_of_them(_: str) -> bool:
    return False


@pytest.mark.parametrize("number", range(100))
def test_a_lab_is_drawn_alike_whatever_the_kernel(number: int) -> None:
    """That of a kernel without a feature is that of one with it, less some words."""
    chances = [Random(f"drawn {number}") for _ in range(2)]
    rich = iter(Writer(chances[0], "x", all_of_them).write().split())
    poor = Writer(chances[1], "x", none_of_them).write().split()
    assert chances[0].getstate() == chances[1].getstate()
    assert all(word in rich for word in poor)
