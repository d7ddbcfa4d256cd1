"""Loops, choices, params and computed words: their expansion, scopes of names, and bounds."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labs import GOLDEN, TESTS, codes, compiled
from words import PRINTED

from compiler.driver import Compilation, Options, TopologyError
from compiler.ground.diagnostics import Diagnostic, render

STANDARD = sorted((TESTS.parent / "grammar" / "std").glob("*.topo"))


def expanded(text: str, **settings: str) -> list[str]:
    """The flat statements of a text, without the name of the lab."""
    compilation = Compilation("lab.topo", text, options=Options(settings))
    try:
        return compilation.flat().splitlines()[1:]
    except TopologyError:
        raise AssertionError([found.message for found in compilation.diagnostics]) from None


def found_in(text: str, options: Options | None = None, name: str = "lab.topo") -> list[Diagnostic]:
    compilation = Compilation(name, text, options=options)
    with pytest.raises(TopologyError):
        _ = compilation.lab
    return list(compilation.diagnostics)


def messages(text: str, options: Options | None = None) -> list[str]:
    return [found.message for found in found_in(text, options)]


CONTROL = """\
for x in {a,"b"} {
  for i in 0..2 + 1 { host [x][i] }
  param n = 4
  if n == 4 and x == "a" { link a0 -- [x][1..3] rate [n]mbit } else if n > 4 { host c } else { host d }
}
use std/ring as r with n=3 rate="1mbit"
link {a0,b0} -- r-r[0..2] mtu 1400
run {a0,b[1..2]} "sleep  \\"1 \\\\" env A="x  y" B=2
"""

_BLANKS = re.compile(r'"(?:[^"\\]|\\.)*"|\[[^\]]*\]|#.*|( +)')


@pytest.mark.parametrize(
    "path", [*GOLDEN, *STANDARD, None], ids=lambda path: path.stem if path else "control"
)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_a_line_goes_on_wherever_a_blank_stands(path: Path | None, end: str) -> None:
    text = path.read_text() if path else CONTROL
    continued = _BLANKS.sub(lambda found: f" \\{end} " if found[1] else found[0], text)
    assert continued.count("\\") > text.count("\\")
    assert expanded(continued) == expanded(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("host h[0..3]", "host h0 h1 h2 h3"),
        ("host s[0..1]-[0..1]", "host s0-0 s0-1 s1-0 s1-1"),
        ("host {a,h[0..1]} b", "host a h0 h1 b"),
        ("host a[2*3-5] b[1/4 + 3/4]", "host a1 b1"),
        ("link {a,h[0..1]} -- s[0..1]", "link {a,h0,h1} -- {s0,s1}"),
        ("link a:v[0..1] -- b", "link {a:v0,a:v1} -- b"),
        ("link a -- b rate [1/3]mbit delay [2*5]ms", "link a -- b rate 0.333333mbit delay 10ms"),
        (
            "link a -- b address 10.0.[1+1].1/[32-2] 10.0.2.2/30",
            "link a -- b address 10.0.2.1/30 10.0.2.2/30",
        ),
        ('sysctl a net.x=["4 5"] net.y=[0-1] net.z="[1]"', 'sysctl a net.x="4 5" net.y="-1" net.z="[1]"'),
        ('host [ "a" ][1 - 1]', "host a0"),
        ("route a to default via b[1] weight [1+1], c", "route a to default via b1 weight 2, c"),
        ("mptcp a -- b[0] endpoints a:b[0] subflow", "mptcp a -- b0 endpoints a:b0 subflow"),
        ("shape h[0..1] -> a rate 1mbit", "shape {h0,h1} -> a rate 1mbit"),
        ("masquerade r[0..1] out a", "masquerade {r0,r1} out a"),
        ("expect h[0..1] -> a rtt [2*5]ms..[4*5]ms", "expect {h0,h1} -> a rtt 10ms..20ms"),
        ("expect a -> b rate >= [1/2]mbit using tcp [2]", "expect a -> b rate >= 0.5mbit using tcp 2"),
        ("bench a -> b using tcp, mptcp [2] for [2*5]s", "bench a -> b using tcp, mptcp 2 for 10s"),
        ("at [1+1]s shape h[0..1] -> a rate 1mbit", "at 2s shape {h0,h1} -> a rate 1mbit"),
        ("at 2s down a -- h[0..1]", "at 2s down a -- {h0,h1}"),
        ('run a[1] ["x y"] env A=[1+1] B=["c d"]', 'run a1 "x y" env A=2 B="c d"'),
        ('host {["address"],a}', "host {address,a}"),
        ("switch s[1..2] subnet 10.0.[1+1].0/24 stp on", "switch s1 s2 subnet 10.0.2.0/24 stp on"),
        ("link a[1] -- s address 10.0.0.[5+2]/24", "link a1 -- s address 10.0.0.7/24"),
    ],
)
def test_computed_words(text: str, wanted: str) -> None:
    assert expanded(text) == [wanted]


@pytest.mark.parametrize(
    "text",
    [
        "host h[1..0]",
        "link a -- h[1..0]",
        "link a -- h[1..0] -- b",
        "shape h[1..0] -> a rate 1mbit",
        "mptcp h[1..0] -- a",
        "route h[1..0] to a via b",
        "sysctl h[1..0] net.x=1",
        "masquerade h[1..0]",
        "masquerade a out h[1..0]",
        "expect h[1..0] -> a reachable",
        "bench a -> h[1..0] using tcp",
        "at 1s down a -- h[1..0]",
        "at 1s shape h[1..0] -> a rate 1mbit",
        "run h[1..0] x",
        "link a[1] -- a[0+1]",
        "for i in 1..0 { host a }",
        "for i in {h[1..0]} { host a }",
    ],
)
def test_nothing_is_made_of_nothing(text: str) -> None:
    assert expanded(text) == []


def test_a_computed_node_is_not_linked_with_itself() -> None:
    """The rest of the chain is linked."""
    loop = "for i in 0..1 { for j in 0..1 { link h[i] -- h[j] } }"
    assert expanded(loop) == ["link h0 -- h1", "link h1 -- h0"]
    assert expanded("link a -- h[0] -- h[0] -- b") == ["link a -- h0 -- b"]
    assert expanded("link a -- h[0]:x -- h[0]:y -- b") == ["link a -- h0:x", "link h0:y -- b"]
    assert codes("host a[0]\nlink a0 -- a0") == ["MPC212"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("for i in 0..2 { host h[i] }", "h0 h1 h2"),
        ("for x in {a,b,10mbit} { host x[x] }", "xa xb x10mbit"),
        ('for x in {h[0..1],"c d",[1/2 + 1/2]} { if x != "c d" { host x[x] } }', "xh0 xh1 x1"),
        ("for i in {1,2} { for j in {[i*10]} { host h[i+j] } }", "h11 h22"),
        ("for i in 0..1 {\n\n  for j in i..1 { host h[i]-[j] }\n}", "h0-0 h0-1 h1-1"),
        ("for in in 0..1 { host in[in] }", "in0 in1"),
        ("for for in {in} { host [for] }", "in"),
        ("for i in 0..\\\n 1 { host h[i] }", "h0 h1"),
    ],
)
def test_loops(text: str, wanted: str) -> None:
    assert expanded(text) == [f"host {name}" for name in wanted.split()]


@pytest.mark.parametrize(("n", "wanted"), [("0", "none"), ("1", "one"), ("2", "more"), ("word", "word")])
def test_choice(n: str, wanted: str) -> None:
    text = (
        'param n = 0\nif n == "word" { host word } else if not n { host none } else if n == 1 {\nhost one\n}'
    )
    assert expanded(text + " else { host more }", n=n) == [f"host {wanted}"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("param x = 1\nhost h[x]", "h1"),
        ('param x = "a"\nhost h[x]', "ha"),
        ("param x = [1/3]\nhost h[3*x]", "h1"),
        ("param x = a[1]\nhost h[x]", "ha1"),
        ("if 1 { param x = 1 }\nhost h[x]", "h1"),
        ("param x = 1\nfor i in 0..1 { param y = [x+i]\nhost h[y] }", "h1 h2"),
        ("param x = 1\nfor x in 5..5 { host h[x] }\nhost h[x]", "h5 h1"),
        ("param x = 1\nfor i in 5..5 {\n param x = 2\n host h[x]\n}\nhost h[x]", "h2 h1"),
        ("param x = 0.50\nhost h[2*x]", "h1"),
        ("param x = 007\nhost h[x]", "h7"),
    ],
)
def test_scope(text: str, wanted: str) -> None:
    assert expanded(text) == [f"host {name}" for name in wanted.split()]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("host h[x]\nparam x = 1", "MPC214"),
        ("for i in 0..1 { param x = 1 }\nhost h[x]", "MPC214"),
        ("for i in 0..1 { host a[i] }\nhost b[i]", "MPC214"),
        ("param x = [x + 1]", "MPC214"),
        ("param x = 1\nparam x = 1", "MPC206"),
        ("param x = 1\nif 1 { param x = 1 }", "MPC206"),
        ("for i in 0..1 { param i = 1 }", "MPC206"),
        ("param a-b = 1", "MPC203"),
        ("for not in 0..1 { host a }", "MPC203"),
        ("for i in 5 { host a }", "MPC105"),
        ("if 0..1 { host a }", "MPC109"),
        ("link a -- b rate [1..2]mbit", "MPC109"),
        ("route a to b via h[0..1]", "MPC109"),
        ('host h["a b"]', "MPC308"),
        ('host [""]', "MPC308"),
        ("host h-[0-1]", "MPC116"),
        ("host h[0..1] h1", "MPC202"),
        ("host a[1..11][1..11]", "MPC202"),
        ("for i in 0..1 { host a }", "MPC202"),
        ("host a b\nlink a -- b\nfor i in 0..1 { sysctl a net.x=1 }", "MPC206"),
        ("host a b\nlink a -- b\nfor i in 0..1 { shape a -> b rate 1mbit }", "MPC206"),
        ("for i in 0..1 { lab x }\nhost a b\nlink a -- b", "MPC206"),
    ],
)
def test_refused(text: str, code: str) -> None:
    assert {found.code for found in found_in(text)} == {code}


def test_what_follows_from_a_param_is_no_error() -> None:
    assert messages("param x = [1/0]\nhost h[x]\nparam y = [x]\nhost g[y]\nfor i in 0..x { host z }") == [
        "this divides by zero"
    ]


def test_an_error_names_its_turn_and_stands_once() -> None:
    text = "for i in 0..99 {\n  for x in {a,b} {\n    link h[i] -- [x]\n  }\n}\nhost h[0..99] a"
    (found,) = found_in(text)
    assert found.message == "unknown node `b`"
    assert [note.message for note in found.all_notes] == ["in for x = b", "in for i = 0"]
    assert [note.span.text for note in found.all_notes] == ["for x in {a,b}", "for i in 0..99"]
    assert found.more == 99
    assert "and 99 more like this one" in render(found)


def test_errors_of_one_turn_are_all_reported() -> None:
    text = "for i in 0..9 {\n  link a -- x[i] rate 5\n  shape a -> b rate 1mbit\n}\nhost a b\nlink a -- b"
    assert [found.code for found in found_in(text)] == ["MPC201", "MPC301", "MPC206"]


@pytest.mark.parametrize(
    "text",
    [
        "for i in 0..10**12 { host h }",
        "for i in 0..10**300 { host h }",
        "for i in 0..999 { for j in 0..999 { for k in 0..9 { link a -- b } } }",
        "host h[0..10**9]",
        "host h[0..10**300]",
        "host h[0..999]-[0..999]-[0..999]",
        "link h[0..9999] -- s[0..9999]",
        "link {a,h[0..9999]} -- s[0..9999]",
    ],
)
def test_expansion_is_bounded(text: str) -> None:
    assert [found.code for found in found_in(text)] == ["MPC309"]


def test_the_bound_can_be_moved() -> None:
    text = "for i in 0..9 { host h[i] }\nlink h0 -- h[1..9]"
    assert messages(text, Options(most_statements=20)) == [
        "the lab expands to more than 20 statements, turns of loops, links and words"
    ]
    assert compiled(text).lab.ip_nodes[9].name == "h9"
    assert len(Compilation("lab.topo", text, options=Options(most_statements=40)).lab.ip_nodes) == 10


def test_blocks_are_bounded_in_depth() -> None:
    deep = "if 1 {\n" * 51 + "host a\n" + "}\n" * 51
    assert [found.code for found in found_in(deep)] == ["MPC309"]
    assert expanded("if 1 {\n" * 50 + "host a\n" + "}\n" * 50) == ["host a"]
    assert [found.code for found in found_in("if 1 {\n" * 20_000 + "}\n" * 20_000)] == ["MPC309"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("for i of 0..3 {\n  host x\n  lnik a\n}\nhost y", [("MPC102", 1), ("MPC101", 3)]),
        ("for i in 0..3 { lnik a }\nhots y", [("MPC101", 1), ("MPC101", 2)]),
        ("for i in 0..3 { for j in 1..2 { lnik a {b} } }\nhots y", [("MPC101", 1), ("MPC101", 2)]),
        ("for i in 0..3 {\n  host a\n", [("MPC108", 1)]),
        ("for i in 0..3 {\n  if 1 {\n  }\n  link a --", [("MPC108", 1), ("MPC102", 4)]),
        ("}\nhots a", [("MPC101", 1), ("MPC101", 2)]),
        ("if 1 { host a }\nelse {\n  hots b\n}\nhots c", [("MPC101", 2), ("MPC101", 3), ("MPC101", 5)]),
        ("if 1\n{\n  host a\n}\nhots b", [("MPC102", 1), ("MPC101", 2), ("MPC101", 5)]),
        ("for i in 0..3 {\n  link a -- }\nhots b", [("MPC102", 2), ("MPC101", 3)]),
        ("if 1 { host x } esle { host y }\nhots z", [("MPC102", 1), ("MPC101", 2)]),
        ("if 1 { host x } else host y\nhots z", [("MPC102", 1), ("MPC101", 2)]),
        ('for i in {a,"} {\n  hots b\n}', [("MPC104", 1), ("MPC101", 2)]),
        ("for i in 0..3 { # {\n  hots b\n}\nhots c", [("MPC101", 2), ("MPC101", 4)]),
    ],
)
def test_syntax_errors_in_blocks(text: str, wanted: list[tuple[str, int]]) -> None:
    """Each is reported once, without errors that follow from it."""
    found = [(one.code, one.span.source.position(one.span.start)[0]) for one in found_in(text)]
    assert found == wanted


@pytest.mark.parametrize("path", [*GOLDEN, *STANDARD], ids=lambda path: path.stem)
def test_flat_text_compiles_to_the_same_scripts(path: Path) -> None:
    compilation = Compilation(str(path), path.read_text())
    flat = compiled(compilation.flat(), path.name)
    assert flat.up() == compilation.up()
    assert flat.down() == compilation.down()
    assert flat.flat() == compilation.flat()


@given(st.text(PRINTED), st.booleans())
def test_a_text_is_written_as_it_is_read(text: str, computed: bool) -> None:
    """Any string, of a file or of `-D`, is printed unchanged by `mpc expand`."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    param, value = 'param p = ""' if computed else f'param p = "{escaped}"', "[p]"
    lab = f'{param}\nhost a b\nlink a -- b\nrun a "x" env A={value} B="{escaped}"'
    compilation = Compilation("lab.topo", lab, options=Options({"p": text} if computed else {}))
    try:
        flat = compilation.flat()
    except TopologyError:
        assert {found.code for found in compilation.diagnostics} == {"MPC110"}
        return
    assert compiled(flat).flat() == flat
    (run,) = compiled(flat).lab.runs
    assert run.environment[1] == ("B", text)
    assert run.environment[0][1] == text or computed  # `-D` reads a number as one
