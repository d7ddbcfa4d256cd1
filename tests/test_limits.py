"""Very large inputs: each gives scripts or diagnostics, in bounded memory and time.

They are smaller here than the bounds of `mpc`, so that all can be tried; work that is quadratic in their size
is detected all the same.
"""

import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from compiler.language.files import LARGEST

SIZE = 2**15
MEMORY = 600 * 2**20
"""The limit of the address space in bytes, of which Python itself takes some 100 MiB."""
SECONDS = 60


def fill(line: str, size: int) -> str:
    return line * (size // len(line))


def numbered(line: str, size: int, separator: str = "\n") -> str:
    """Numbered copies of a line, the number in the place of `%`."""
    count = size // (len(line) + 5)
    return separator.join(line.replace("%", str(number)) for number in range(count))


def two_sets(statement: str, size: int) -> str:
    left, right = (numbered(f"{name}%", size // 2, ",") for name in "ab")
    return f"host {{{left}}} {{{right}}}\nrouting none\n{statement.format(left, right)}"


def doubled(count: int) -> str:
    """Params, each twice as long as the one before."""
    return "\n".join(f"param s{number} = [s{number - 1}][s{number - 1}]" for number in range(1, count + 1))


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
    "texts of texts": lambda _: 'param s0 = "x"\n' + doubled(40) + "\nhost h[s40]",
    "texts in words": lambda size: KNOWN + f'param s = "{"x" * 60_000}"\nrun a {fill("[s]", size)}',
    "texts in turns": lambda _: (
        f'{KNOWN}param s = "{"x" * 60_000}"\nfor i in 0..99999 {{ run a [s] env A=[i][s] }}'
    ),
    "texts of nodes": lambda _: f'param s = "{"x" * 60_000}"\nfor i in 0..99999 {{ host [s][0..9] }}',
    "commands in turns": lambda _: KNOWN + f'for i in 0..99999 {{ run a "{"x" * 60_000}" }}',
    "a long variable": lambda _: KNOWN + f'run a x env A="{"x" * 70_000}"',
    "a long list": lambda size: "for x in {" + fill('"y",', size) + '"y"} { host h[x] }',
    "values of turns": lambda _: f'for s in {{"{"x" * 60_000}"}} {{ for i in 0..99999 {{ host a }} }}',
    "params in turns": lambda _: "for i in 0..999999 {\n" + numbered("param p% = [i]", 2**14) + "\n}",
    "params above turns": lambda size: (
        numbered("param p% = %", size) + "\nhost a\nfor i in 0..19999 { if i < 0 { host b } }"
    ),
    "choices in turns": lambda size: (
        "for i in 0..999999 {\nif 0 { host a } " + fill("else if 0 { host a } ", size) + "\n}"
    ),
    "towers of powers": lambda _: "host h[" + "**".join("2" * 90) + "] g[0 ** 10 ** 300] f[(1/3) ** -(9**9)]",
    "huge fractions": lambda _: (
        "param x = [1 / 3]\nfor i in 0..9999 {\nparam y = [(x + 1/(i+7)) ** 99 / (x + 1/(i+2)) ** 99]\n}"
    ),
    "long words that fit nowhere": lambda size: (
        KNOWN + "bench a -> b using tcp for " + "a" * 2 * size + " %\nhost " + "a" * size + "{b,c}"
    ),
    "signs": lambda size: "host h[" + "-" * size + "1]",
    "nots": lambda size: "host h[" + fill("not ", size) + "1]",
    "calls": lambda size: "host h[" + fill("max(", size) + "1" + ")" * (size // 4) + "]",
    "arguments": lambda size: "host h[max(" + fill("1,", size) + "1)]",
    "blanks in a condition": lambda size: "if 1" + " \\\n" * (size // 3) + "+" + " " * size + "1 { host a }",
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


DEEP = 50


@pytest.mark.parametrize("use", ['use "l{}.topo"', 'use "l{}.topo" as n with p=1', 'if 1 { use "l{}.topo" }'])
@pytest.mark.parametrize("most", [1000, 1_000_000])
def test_uses_of_uses_are_bounded(use: str, most: int, tmp_path: Path) -> None:
    """A chain of files, each with two uses of the next one and nothing else."""
    for level in range(DEEP - 2):
        line = use.replace("{}", str(level + 1))
        (tmp_path / f"l{level}.topo").write_text(f"param p = 0\n{line}\n{line.replace('as n', 'as m')}\n")
    (tmp_path / f"l{DEEP - 2}.topo").write_text("param p = 0\n")
    run = subprocess.run(
        [sys.executable, "-m", "compiler", "check", f"--max-statements={most}", tmp_path / "l0.topo"],
        capture_output=True,
        check=False,
        timeout=SECONDS,
        preexec_fn=bounded,
    )
    assert run.returncode == 1
    assert re.search(rb"error\[MPC(309|203)\]", run.stderr)
    assert b"Traceback" not in run.stderr


@pytest.mark.parametrize("size", [LARGEST + 1, 10 * LARGEST])
def test_what_is_too_large_is_refused(size: int) -> None:
    run = compile_("#" * size)
    assert run.returncode == 2
    assert b"larger than 2 MiB" in run.stderr
