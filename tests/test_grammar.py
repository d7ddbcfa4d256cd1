"""The grammar: no conflict, no reserved word, and a result for everything that it can derive."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from labs import check_syntax, checked, codes, compiled

from compiler.ground.diagnostics import Diagnostics
from compiler.ground.names import RESERVED
from compiler.ground.source import Source
from compiler.language import syntax
from compiler.language.grammars import parser
from compiler.language.parse import MADE, NODES, TUPLES, parse
from compiler.language.syntax import LINK_ATTRIBUTES, NODE_ATTRIBUTES
from compiler.model.links import FORMS, Shaping
from compiler.resolve import attributes

LARK = parser("topo")
KEYWORDS = sorted(
    {t.pattern.value for t in LARK.terminals if t.pattern.type == "str" and t.pattern.value.isalpha()}.union(
        {"if"}
    ).difference(RESERVED)
)

# Each place where a name may stand: a whole lab, with X and Y to be replaced by keywords.
PLACES = {
    "host": "host z-z X\nhost Y\nlink X -- Y -- z-z",
    "switch": "switch z-z X\nhost Y\nlink X -- Y -- z-z",
    "switch's attributes": "switch X stp on subnet 10.0.0.0/24\nhost Y z-z\nlink {Y,z-z} -- X",
    "router": "router X\nrouter Y\nlink X -- Y",
    "attribute": "host X forward on\nhost Y address 192.0.2.1/32\nlink X -- Y",
    "braces": "host {X,Y}\nlink X -- Y",
    "link": "host {X,Y}\nlink X -- Y rate 1mbit",
    "interface": "host {X,Y}\nlink X:Y -- Y:X",
    "chain": "host X\nrouter Y\nhost z-z\nlink X -- Y -- z-z",
    "sets": "host {X,Y} z-z\nlink {X,Y} -- z-z",
    "shape": "host {X,Y}\nlink X -- Y\nshape X -> Y rate 1mbit",
    "shape a set": "host {X,Y} z-z\nlink {X,Y} -- z-z\nshape z-z -> {X,Y} rate 1mbit",
    "route": "host X\nrouter Y\nlink X -- Y\nroute X to Y via Y",
    "route to an interface": "host X\nrouter Y\nlink X -- Y\nroute X to Y:X via Y:X weight 2",
    "route in turn": "host X\nrouter Y\nlink X -- Y\nlink X -- Y\nroute X to Y via Y per-packet",
    "spray": "host {X,Y}\nlink X -- Y\nlink X -- Y\nspray X -- Y",
    "spray weights": "host {X,Y}\nlink X -- Y\nlink X -- Y\nspray X -> Y weights X:Y 2 Y:X.2 1",
    "mptcp": "host {X,Y}\nlink X -- Y\nlink X -- Y\nmptcp X -- Y",
    "client": "host {X,Y}\nlink X -- Y\nlink X -- Y\nmptcp X -> Y subflows 1 accept 0",
    "endpoints": "host {X,Y}\nlink X -- Y\nlink X -- Y\nmptcp X -> Y endpoints X:Y subflow, Y:X signal",
    "sysctl": "host {X,Y}\nlink X -- Y\nsysctl X net.ipv4.tcp_sack=1",
    "sysctl a set": "host {X,Y}\nlink X -- Y\nsysctl {X,Y} net.ipv4.tcp_sack=1",
    "masquerade": "host {X,Y}\nlink X -- Y\nmasquerade X",
    "masquerade out": "host {X,Y}\nlink X -- Y\nmasquerade X out Y",
    "masquerade family": "host {X,Y}\nlink X -- Y\nmasquerade X ipv4",
    "masquerade out family": "host {X,Y}\nlink X -- Y\nmasquerade X out Y ipv6",
    "masquerade sets": "host {X,Y} z-z\nlink {X,Y} -- z-z\nmasquerade {X,Y} out z-z",
    "forward": "host X\nrouter Y\nlink X -- Y\nforward Y tcp 80 to X:80",
    "uplink": "host X\nrouter Y\nlink X -- Y:p\nuplink Y",
    "uplink to": "host X\nrouter Y\nlink X -- Y:p\nuplink Y to z",
    "forward a set": "host z-z\nrouter {X,Y}\nlink {X,Y} -- z-z\nforward {X,Y} udp 80 to z-z:80",
    "expect": "host {X,Y}\nlink X -- Y\nexpect X -> Y reachable",
    "expect a rate": "host {X,Y} z-z\nlink {X,Y} -- z-z\nexpect {X,Y} -> z-z rate >= 1mbit using tcp",
    "expect of a set": "host {X,Y} z-z\nlink {X,Y} -- z-z\nexpect z-z -> {X,Y} rtt 0ms..9ms",
    "bench": "host {X,Y}\nlink X -- Y\nbench X -> Y using tcp, udp 2 for 1s",
    "event": "host {X,Y}\nlink X -- Y\nat 1s shape X -> Y rate 1mbit",
    "down": "host {X,Y}\nlink X -- Y\nat 1s down X -- Y",
    "capture": "host {X,Y}\nlink X -- Y\ncapture X:Y",
    "capture sets": "host {X,Y}\nlink X -- Y\ncapture {X:Y,Y:X} snap 96",
    "device": 'host {X,Y}\nlink X -- Y\ndevice X:z-z "true"',
    "device sets": 'host {X,Y}\nlink X -- Y\ndevice {X:z-z,Y:z-z} "true"',
    "device's address": 'host {X,Y}\nlink X -- Y\ndevice X:z-z "true" "Y" address 192.0.2.1/32',
    "run": 'host {X,Y}\nlink X -- Y\nrun X "true"',
    "run a word": "host {X,Y}\nlink X -- Y\nrun X Y",
    "run on a set": "host {X,Y}\nlink X -- Y\nrun {X,Y} X env A=Y",
    "container": 'container {X,Y} image "i"\nlink X -- Y',
    "container's attributes": 'container X image i ready Y options "-i"\nhost Y\nlink X -- Y',
    "run inside": 'container {X,Y} image "i"\nlink X -- Y\nrun X inside "Y"',
    "lab": "lab X\nhost {X,Y}\nlink X -- Y",
    "param": "param X = Y\nhost Y z-z\nlink Y -- z-z",
    "loop": "for X in {Y} { host [X] z-z }\nlink Y -- z-z",
    "use": "use std/ring as X with n=3\nhost Y\nlink Y -- X-r0",
    "netns": "host X netns Y\nhost Y netns X\nlink X -- Y",
}


def test_no_conflict() -> None:
    parser("topo", strict=True)


@pytest.mark.parametrize("place", PLACES)
def test_no_word_is_reserved(place: str) -> None:
    """Every keyword parses in every place, beside a quarter of the others; over all places, beside each."""
    failed = []
    turn = list(PLACES).index(place)
    for (i, first), (j, second) in product(enumerate(KEYWORDS), enumerate(KEYWORDS)):
        if (i + j + turn) % 4 or (place in ("host", "switch") and first in NODE_ATTRIBUTES):
            continue
        text = PLACES[place].replace("X", first).replace("Y", second)
        diagnostics = Diagnostics()
        statements = parse(Source("lab.topo", text), diagnostics)
        if diagnostics.failed or len(statements) != text.count("\n") + 1:
            failed.append((first, second))
    assert failed == []


@pytest.mark.parametrize("place", PLACES)
def test_a_lab_of_keywords_is_a_lab(place: str) -> None:
    """Each keyword as a name beside another one, compiled to a script."""
    for first, second in zip(KEYWORDS, [*KEYWORDS[1:], KEYWORDS[0]], strict=True):
        if place in ("host", "switch") and first in NODE_ATTRIBUTES:
            continue
        text = PLACES[place].replace("X", first).replace("Y", second)
        assert [code for code in codes(text) if code < "MPC7"] == [], text


@pytest.mark.parametrize("word", sorted(set(KEYWORDS) - set(LINK_ATTRIBUTES)))
def test_a_profile_can_be_named(word: str) -> None:
    text = f"host a b\nprofile {word} delay 1ms\ndefault link {word}\nlink a -- b {word} rate 1mbit"
    assert codes(text) == []


def test_whoever_reads_or_writes_attributes_knows_them_all() -> None:
    alternatives = [rule.expansion for rule in LARK.rules if rule.origin.name == "_keyword"]
    keywords = {LARK.get_terminal(terminal.name).pattern.value for (terminal,) in alternatives}
    varied = "address mac private queue loss duplicate corrupt reorder slot trunk vrf".split()
    assert {*keywords, *varied} == set(LINK_ATTRIBUTES)
    assert [*attributes.VALUES, "subnet", "address", "mac"] == LINK_ATTRIBUTES
    assert set(attributes.PER_DIRECTION) <= set(Shaping._fields)
    assert list(FORMS) == list(attributes.PER_DIRECTION)


@pytest.mark.parametrize("word", sorted(LINK_ATTRIBUTES))
def test_a_profile_cannot_be_named_like_an_attribute(word: str) -> None:
    assert "MPC210" in codes(f"host a b\nprofile {word} delay 1ms\nlink a -- b")


@pytest.mark.parametrize("words", ["host rate via to", "router link lab pool", "host {a,address} none"])
def test_keywords_in_a_declaration_list(words: str) -> None:
    statements = parse(Source("lab.topo", words), diagnostics := Diagnostics())
    assert not diagnostics.failed
    assert isinstance(statements[0], syntax.Declaration)


@pytest.mark.parametrize(
    "text",
    [
        "hosta b",
        "host a b # c",
        "linka -- b",
        "host a\r\nhost b\r\n",
        "\n\n  # only a comment\n\n",
        "",
        "host \\\n  a \\\r\n  b",
        "host a\\",
        "host a b\nlink a--b",
        "host a b\nlink a -- b\nshape a->b rate 1mbit",
        "host a-1 b--c",
        "host a -",
    ],
)
def test_lines_and_words(text: str) -> None:
    """Which of these are errors depends on the words only, not on their context."""
    failed = compiled(text)
    parse(failed.source, failed.diagnostics)
    assert failed.diagnostics.failed == (
        text in {"hosta b", "linka -- b", "host a\\", "host a-1 b--c", "host a -"}
    )


def test_braces_end_with_their_line() -> None:
    assert "MPC102" in codes("host {a,\nb}")


def test_braces_touch_no_word() -> None:
    assert "MPC106" in codes("host h{a,b}")
    assert "MPC106" in codes("host {a,b}h")


def test_every_line_reports_its_own_error() -> None:
    assert codes("host a b\nlink a -- b rate\nhots c\nlink a -- \nlink a -- b") == [
        "MPC102",
        "MPC101",
        "MPC102",
    ]


def test_every_rule_becomes_something() -> None:
    made = {"".join(rule.alias or rule.origin.name) for rule in LARK.rules}
    inlined = {rule.origin.name for rule in LARK.rules if rule.origin.name.startswith("_")}
    known = {*MADE, *NODES, *TUPLES}
    assert made - inlined == known
    assert not any(rule.options.expand1 for rule in LARK.rules)


def test_every_statement_has_a_class() -> None:
    kinds = {type(s) for s in parse(Source("x", ALL), Diagnostics())}
    assert kinds == set(syntax.Node.__args__)


ALL = """\
lab x
pool 10.0.0.0/8
host a b
profile p rate 1mbit
default link mtu 1400
link a -- b p
shape a -> b rate 2mbit
tunnel a -- b via c
bond a -- b over a:b mode active-backup
teql a -- b over a:b mtu 1400
routing none
route a vrf red to b via b
spray a -> b
mptcp a -- b
sysctl a net.ipv4.tcp_sack=1
masquerade a
forward a tcp 80 to b:80
uplink a
expect a -> b rate >= 1mbit
bench a -> b using tcp capture a:b
at 1s down a -- b
run a "true"
device a:d "true" address 10.9.0.1/24
capture a:b snap 96
device a:w "true" address 192.0.2.1/24
machine m ssh "root@192.0.2.1" rate 1gbit
place {a,b} on m
param n = 4
for i in 0..3 { host h[i] }
if n > 2 { host x } else if n { host y } else { host z }
use std/ring as r with n=4
"""


def test_spans_are_the_text_of_statements() -> None:
    found = parse(Source("x", ALL), Diagnostics())
    assert [statement.span.text for statement in found] == ALL.splitlines()


NAMES = st.sampled_from(
    ["a", "b", "c", "a:b", "b:a", "c:x", "h-1", "all", "lo", "default", "a.b", "rate", "wan"]
)
VALUES = st.sampled_from(
    (
        "1 0 1mbit 5ms 1% 10p 64kb 10.0.0.0/30 10.0.0.1/30 10.0.0.2/30 fd00::/126 fd00::1/126 2001:db8::1"
        " 192.0.2.1 dummy0 net.ipv4.tcp_sack a[1] x/y 1:2:3 % a[n] h[0..2] s[0..1]-[n+1] [i] std/ring"
    ).split()
)
SPELLED = from_lark(
    LARK,
    start="start",
    explicit={
        "WORD": NAMES | VALUES,
        "IF": st.sampled_from(["if 1", "if n > 2 ", "if 0", 'if n == "a"', "if ("]),
        "OVER": st.sampled_from(["in 0..2", "in n..3", "in 2..1 ", "in 5", "in 0..10**9"]),
        "STRING": st.sampled_from(['"1"', '"4096 1"', '""', '"a\\"b"', '"\'; exit"']),
        "_NL": st.sampled_from(["\n", "\r\n", "\n\n  "]),
        "__IGNORE_0": st.just(" "),
        "__IGNORE_1": st.sampled_from([" \\\n", "\\\r\n "]),
        "__IGNORE_2": st.just(" "),
        # A space is between any two words, wherever the grammar has them side by side.
        **{t.name: st.just(f" {t.pattern.value} ") for t in LARK.terminals if t.pattern.type == "str"},
    },
)
scripts: list[str] = []


@settings(max_examples=300)
@given(st.lists(SPELLED, max_size=4).map("\n".join), st.booleans())
def test_whatever_can_be_spelled_has_an_answer(text: str, declared: bool) -> None:
    """A script, or errors: never an exception. Some texts have nodes to refer to."""
    lab = "host a b\nrouter c h-1\nlink a -- b -- c -- h-1\nlink a -- c:x\n" if declared else ""
    script = checked(lab + text)
    if script:
        scripts.append(script)


def test_whatever_was_spelled_is_bash() -> None:
    assert scripts, "run the test before this one too"
    check_syntax(scripts)
