"""The work of a compilation is linear in the size of the lab, in function calls, as times vary too much."""

import sys
from contextlib import suppress
from types import FrameType

import pytest

from compiler.driver import Compilation, TopologyError

SMALL, LARGE = 100, 800
MOST = 1.1
"""The most calls per node of the large lab, as a multiple of those of the small one."""

LABS = {
    "ring": "use std/ring as r with n={n}",
    "torus": "use std/torus as r with x=10 y=[{n} // 10]",
    "flat": "host h[0..{n}-1]\n" + "for i in 0..{n}-2 {{ link h[i] -- h[i+1] rate 1mbit }}",
    "profiles": "profile p rate 1mbit\nrouter r[0..{n}-1]\nfor i in 1..{n}-1 {{ link r[i-1]:w -- r[i]:e p }}",
    "one statement": "router c\nhost h[0..{n}-1]\nlink c -- h[0..{n}-1] rate 5mbit",
    "settings": "host h[0..{n}-1]\nfor i in 1..{n}-1 {{ link h[0] -- h[i]\nsysctl h[i] net.x=[i]\n}}",
    "shapes": "host h[0..{n}-1]\nfor i in 1..{n}-1 {{ link h[0] -- h[i]\nshape h0 -> h[i] rate [i]mbit\n}}",
    "mistakes of one statement": "host h[0..{n}-1]\nfor i in 0..{n}-1 {{ link h[i] -- x[i] }}",
    "one switch": "switch s subnet 10.0.0.0/16\nhost h[1..{n}]\nlink h[1..{n}] -- s rate 5mbit",
    "many switches": "host h[1..{n}]\nswitch s[1..{n}]\nfor i in 1..{n} {{ link h[i] -- s[i] }}",
    "ring of switches": "host a b\nswitch s[1..{n}] stp on\nlink a -- s1\nlink b -- s2\n"
    "for i in 1..{n} {{ link s[i] -- s[i % {n} + 1] }}",
    "masquerades": "router r[0..{n}-1]\nfor i in 1..{n}-1 {{ link r0 -- r[i]\nmasquerade r[i] out r0\n}}",
    "routes": "router r[0..{n}-1]\nfor i in 1..{n}-1 {{ link r[i-1] -- r[i]\n"
    "route r[i-1] to 10.[i // 256].[i % 256].0/24 via r[i]\n}}",
    "expectations": "host h0 address 192.0.2.1\nhost h[1..{n}-1]\n"
    "for i in 1..{n}-1 {{ link h0 -- h[i]\nroute h0 to h[i] via h[i]\n"
    "route h[i] to h0 via h0\nexpect h0 -> h[i] rtt 0ms..1s\nexpect h0 -> h[i] rate >= 1mbit\n}}",
    "expectations on a switch": "switch s subnet 10.0.0.0/16\nhost h[1..{n}]\nlink h[1..{n}] -- s\n"
    "for i in 2..{n} {{ route h1 to h[i] via h[i]\nroute h[i] to h1 via h1\nexpect h1 -> h[i] reachable\n}}",
    "pinned pairs": "host h[0..{n}-1]\nfor i in 1..{n}-1 {{ link h[i-1] -- h[i]\nlink h[i-1] -- h[i]\n"
    "mptcp h[i-1] -> h[i] subflows 1\n}}",
    "trials": "host h[0..{n}-1]\nfor i in 1..{n}-1 {{ link h0 -- h[i]\n"
    "bench h0 -> h[i] using tcp\nat [i]ms shape h0 -> h[i] rate 1mbit\nrun h[i] x\n}}",
}


def calls(text: str) -> int:
    """The number of calls of functions and resumptions of generators in a compilation."""
    compilation = Compilation("lab.topo", f"routing none\n{text}")
    count = 0

    def seen(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    with suppress(TopologyError):
        sys.setprofile(seen)
        try:
            compilation.up()
        finally:
            sys.setprofile(None)
    return count


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """Loads modules and fills caches, so that this is not counted."""
    Compilation("lab.topo", "use std/ring").up()


@pytest.mark.parametrize("name", LABS)
def test_work_for_a_node_is_constant(name: str) -> None:
    small, large = (calls(LABS[name].format(n=n)) / n for n in (SMALL, LARGE))
    assert large / small <= MOST
