"""Brace expressions: bash expands them to exactly the original words."""

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network

from hypothesis import given
from hypothesis import strategies as st
from labs import bash_prints

from compiler.scripts.braces import braces

FEW = st.integers(0, 5)
PLACES = st.tuples(FEW, FEW, FEW, st.sampled_from([32, 30, 28]))


def of_ipv4(a: int, b: int, c: int, length: int) -> str:
    """A word like a route's target."""
    network = IPv4Network((f"10.{a}.{b}.{4 * c}", length), strict=False)
    return str(network) if length < 32 else str(network.network_address)


def of_ipv6(a: int, b: int, c: int, length: int) -> str:
    network = IPv6Network((f"fd00:{a}:{10 * b}::{9 * c:x}", 96 + length), strict=False)
    return str(network) if length < 32 else str(network.network_address)


@given(st.sets(PLACES, min_size=1, max_size=60), st.sampled_from([of_ipv4, of_ipv6]))
def test_bash_expands_to_the_words(
    places: set[tuple[int, int, int, int]], write: Callable[[int, int, int, int], str]
) -> None:
    words = {write(*place) for place in places}
    assert sorted(bash_prints(f"printf '%s\\n' {braces(sorted(words))}").split()) == sorted(words)


def test_products_are_short() -> None:
    words = [f"10.{a}.{b}.{c}/30" for a in range(1, 30) for b in (7, 9) for c in range(0, 256, 4)]
    assert braces(words) == "10.{1..29}.{7,9}.{0..252..4}/30"
    assert braces(["10.0.0.1"]) == "10.0.0.1"
    assert braces(["10.0.0.0/8", "10.0.0.0/16"]) == "10.0.0.0/{8,16}"
