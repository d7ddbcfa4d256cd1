"""Inputs made to be large: each ends in scripts or diagnostics, in bounded memory, and before it is stopped.

They are smaller here than what `mpc` takes, so that all can be tried; what takes the square of their size is
stopped all the same.
"""

import resource
import subprocess
import sys
from collections.abc import Callable

import pytest

from compiler.frontend.files import LARGEST

SIZE = 2**15
MEMORY = 600 * 2**20
"""Bytes of address space, with some 100 MiB for Python itself."""
SECONDS = 60


def fill(line: str, size: int) -> str:
    return line * (size // len(line))


def numbered(line: str, size: int, separator: str = "\n") -> str:
    """Lines with a number each in the place of `%`."""
    count = size // (len(line) + 5)
    return separator.join(line.replace("%", str(number)) for number in range(count))


def two_sets(statement: str, size: int) -> str:
    left, right = (numbered(f"{name}%", size // 2, ",") for name in "ab")
    return f"host {{{left}}} {{{right}}}\nrouting none\n{statement.format(left, right)}"


KNOWN = "routing none\nhost a b\nlink a -- b\n"

CASES: dict[str, Callable[[int], str]] = {
    "comment": lambda size: "#" + "x" * size,
    "word": lambda size: "host " + "a" * size,
    "name with hyphens": lambda size: "host " + "a-" * (size // 2) + "a",
    "number": lambda size: KNOWN + "link a -- b rate " + "9" * size + "mbit",
    "prefix length": lambda size: KNOWN + "link a -- b subnet 10.0.0.0/" + "9" * size,
    "string": lambda size: KNOWN + 'sysctl a net.x="' + "x" * size + '"',
    "open string": lambda size: KNOWN + fill('sysctl a net.x="y\n', size),
    "braces": lambda size: "host " + "{" * size,
    "brackets": lambda size: "host " + "[" * size,
    "brackets in words": lambda size: "host " + fill("a[", size),
    "parentheses": lambda size: "host a[" + "(" * size + "]",
    "blocks": lambda size: fill("if 1 {\n", size) + fill("}\n", size // 4),
    "continued lines": lambda size: "host a" + " \\\n" * (size // 3),
    "newlines": lambda size: "\n" * size,
    "carriage returns": lambda size: "\r" * size,
    "zeros": lambda size: "\0" * size,
    "not statements": lambda size: fill("x y\n", size),
    "not characters": lambda size: fill("host a ;\n", size),
    "errors on one line": lambda size: "host a " + fill("; ", size),
    "one node many times": lambda size: fill("host a\n", size),
    "one name many times": lambda size: "host {" + fill("a,", size) + "a}",
    "unknown nodes": lambda size: numbered("host h%\nlink x% -- y%", size),
    "unknown interfaces": lambda size: numbered("shape a:x% -> b rate 1mbit", size) + "\n" + KNOWN,
    "no neighbours": lambda size: KNOWN + numbered("route a to b via a:x%", size),
    "nodes": lambda size: numbered("host h%", size),
    "nodes in one line": lambda size: "host " + numbered("h%", size, " "),
    "links": lambda size: "routing none\n" + numbered("host h%\nlink h% -- hub", size) + "\nhost hub",
    "parallel links": lambda size: KNOWN + fill("link a -- b\n", size),
    "chain": lambda size: KNOWN + "link a" + fill(" -- b -- a", size),
    "chain of one pair": lambda size: "host a b\nlink a" + fill(" -- b -- a", size) + "\nmptcp a -- b",
    "routes": lambda size: numbered("router r%", size),
    "ring": lambda size: numbered("router r%\nlink r% -- hub", size // 2) + "\nrouter hub",
    "pairs of sets": lambda size: two_sets("link {{{}}} -- {{{}}}", size),
    "shapes of sets": lambda size: two_sets("shape {{{}}} -> {{{}}} rate 1mbit", size),
    "mptcp of sets": lambda size: two_sets("mptcp {{{}}} -- {{{}}}", size),
    "masquerade of sets": lambda size: two_sets("masquerade {{{}}} out {{{}}}", size),
    "expectations of sets": lambda size: two_sets("expect {{{}}} -> {{{}}} reachable", size),
    "benches of sets": lambda size: two_sets("bench {{{}}} -> {{{}}} using tcp, udp, mptcp", size),
    "transfers": lambda size: KNOWN + "bench a -> b using tcp" + numbered(", tcp %", size),
    "runs": lambda size: KNOWN + fill('run {a,b} "x"\n', size),
    "a long command": lambda size: KNOWN + 'run a "' + "x" * size + '"',
    "variables": lambda size: KNOWN + "run a x env " + numbered("A%=1", size, " "),
    "events": lambda size: KNOWN + "link a -- b\n" + numbered("at 1% down a -- b", size // 2),
    "events of sets": lambda size: two_sets("at 1s shape {{{}}} -> {{{}}} rate 1mbit", size),
    "sysctls": lambda size: KNOWN + "sysctl {a,b} " + numbered("net.x%=1", size, " "),
    "profiles": lambda size: numbered("profile p% rate 1mbit", size),
    "nested blocks": lambda size: fill("for i in 0..1 {", size // 2) + fill("}", size // 30),
    "turns of loops": lambda _: "for i in 0..999 { for j in 0..999 { for k in 0..9 { host h } } }",
    "endless range": lambda _: "host h[0..10**300]",
    "ranges in a word": lambda size: "host " + fill("h[0..1]", size),
    "operations": lambda size: "host h[" + fill("1+", size) + "1]",
    "powers": lambda size: "host h[" + fill("9**", size) + "9]",
    "one mistake in all turns": lambda _: "for i in 0..99999 { link a[i] -- b[i] }",
    "rates": lambda size: "host a b\nrouting shortest by rate\n" + numbered("link a -- b rate 99%kbit", size),
    "endpoints": lambda size: KNOWN + "mptcp a -- b endpoints " + fill("a:b subflow, ", size) + "b:a subflow",
    "largest ring": lambda _: "use std/ring with n=1264",
    "largest torus": lambda _: "routing shortest aggregate\nuse std/torus with x=32 y=32",
    "large costs": lambda _: (
        "routing shortest by rate\nrouter r[0..399]\n"
        "for i in 0..399 { link r[i] -- r[(i+1) % 400] rate [1000003+2*i]bit }"
    ),
    "pinned subnets": lambda size: "host a b\n" + numbered("link a -- b subnet 10.0.0.0/2%", size),
}


def bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def compile_(text: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "compiler", "compile", "--no-lint", "-"],
        input=text.encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        timeout=SECONDS,
        preexec_fn=bounded,
    )


@pytest.mark.parametrize("case", CASES)
def test_large_input_has_an_answer(case: str) -> None:
    run = compile_(CASES[case](SIZE))
    assert run.returncode in (0, 1), run.stderr[-2000:].decode()
    assert b"Traceback" not in run.stderr
    assert len(run.stderr) < 100 * SIZE


@pytest.mark.parametrize("size", [LARGEST + 1, 10 * LARGEST])
def test_what_is_too_large_is_refused(size: int) -> None:
    run = compile_("#" * size)
    assert run.returncode == 2
    assert b"larger than 2 MiB" in run.stderr
