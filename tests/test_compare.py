"""The difference between two labs: what it shows, and that it shows all."""

import json
import random
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labs import GOLDEN, compiled, lab_of
from random_labs import labs

from compiler.compare.changes import Change, Value
from compiler.compare.difference import Broken, Difference
from compiler.compare.lines import Wording, lines
from compiler.compare.reached import Sets
from compiler.compare.routes import RouteChange
from compiler.compare.short import names_of, short
from compiler.diff import compare, told
from compiler.driver import Compilation, TopologyError
from compiler.ground.diagnostics import Diagnostics
from compiler.ground.source import Source
from compiler.language import syntax
from compiler.language.parse import parse
from compiler.prediction.predict import Predictor
from compiler.prediction.reach import arrives

COUNT = 16
"""How many random labs are tried."""


def difference(old: str, new: str, names: tuple[str, str] = ("lab.topo", "lab.topo")) -> Difference:
    found = compare(compiled(old, names[0]), compiled(new, names[1]))
    assert isinstance(found, Difference)
    return found


def text_of(old: str, new: str) -> str:
    return told(difference(old, new), "text")


@cache
def texts() -> tuple[str, ...]:
    return tuple(text for _, text, _ in labs(17, COUNT))


def edits(text: str, seed: int) -> Iterator[tuple[str, str]]:
    """Edits of one line each, that line with them; those that do not compile are left out."""
    lines = text.splitlines()
    chance = random.Random(seed)
    for place in chance.sample(range(len(lines)), k=min(6, len(lines))):
        line = lines[place]
        for edited in (None, *_edited(line)):
            other = "\n".join([*lines[:place], *([edited] if edited else []), *lines[place + 1 :]]) + "\n"
            try:
                _ = compiled(other).lab
            except TopologyError:
                continue
            yield line, other


def _edited(line: str) -> Iterator[str]:
    for old, new in (
        ("rate 5mbit", "rate 6mbit"),
        ("delay 2ms", "delay 3ms"),
        (" -- ", " -> "),
        ("loss 0.5%", ""),
    ):
        if old in line and not (line.startswith("link") and old == " -- "):
            yield line.replace(old, new)
    if line.startswith("link ") and " mtu " not in line:
        yield f"{line} mtu 1300"


PAIRS = [
    pytest.param(text, line, other, id=f"{number}-{place}")
    for number, text in enumerate(texts())
    for place, (line, other) in enumerate(edits(text, number))
]


# --- sets of names ----------------------------------------------------------------------------------


@given(st.sets(st.from_regex(r"[a-c]{1,2}(-?[0-9]{1,2}){0,3}", fullmatch=True), min_size=1))
def test_a_short_set_has_the_same_names(names: set[str]) -> None:
    written = short(sorted(names))
    assert len(found := names_of(written)) == len(names)
    assert set(found) == names


@pytest.mark.parametrize(
    ("names", "written"),
    [
        ("a", "a"),
        ("a b", "{a,b}"),
        ("h0 h1", "{h0,h1}"),
        ("h0 h1 h2 x", "{h[0..2],x}"),
        ("h2 h0 h1 h4", "{h[0..2],h4}"),
        ("h00 h01 h02", "{h00,h01,h02}"),
        ("t-h0-0 t-h0-1 t-h0-2 t-h1-0 t-h1-1 t-h1-2 t-h2-0 t-h2-1 t-h2-2", "t-h[0..2]-[0..2]"),
    ],
)
def test_sets_are_short(names: str, written: str) -> None:
    assert short(names.split()) == written


def test_a_short_set_is_one_of_the_language() -> None:
    names = [f"t-h{i}-{j}" for i in range(4) for j in range(5)] + ["x", "y7"]
    lab = lab_of(f"host {short(names)[1:-1].replace(',', ' ')}\n")
    assert {node.name for node in lab.nodes} == set(names)


def test_a_long_set_is_cut() -> None:
    assert short("abcdef", most=2) == "{a,b,and 4 more}"
    assert short("abcdef", "fedcba") == "all"


# --- nothing is made up, and nothing is left out ----------------------------------------------------


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_lab_does_not_differ_from_itself(path: object) -> None:
    found = compare(*(Compilation(str(path), path.read_bytes()) for _ in range(2)))  # type: ignore[attr-defined]
    assert isinstance(found, Difference)
    assert found.is_empty
    assert not any([*found.changes, *found.addresses, *found.settings, *found.routes, *found.scripts])
    assert told(found, "text") == "no difference\n"


def test_a_random_lab_does_not_differ_from_itself() -> None:
    for text in texts():
        assert difference(text, text).is_empty


@pytest.mark.parametrize(("text", "line", "other"), PAIRS)
def test_each_changed_statement_is_shown(text: str, line: str, other: str) -> None:
    """A change of the scripts, of a lab at rest or not, is one that is told; so is the statement itself."""
    found = difference(text, other)
    assert not found.is_empty
    assert bool(found.scripts) <= bool(found.changes or found.renamed)
    if not found.in_network:
        assert line in found.text.gone or found.text.wording is not Wording.STATEMENTS
        return
    keyword, *_ = names = re.findall(r"[\w.-]+", line)
    assert any(_is_about(one, keyword, set(names)) for one in found.changes)


def _is_about(change: Change, keyword: str, nodes: set[str]) -> bool:
    if keyword in ("lab", "pool", "routing"):
        return change.kind == "lab"
    if keyword == "use":
        return all(name.startswith("t-") for name in change.nodes)
    kind = {"masquerade": ("router", "host"), "sysctl": ("router", "host")}.get(keyword, (keyword,))
    return change.kind in kind and nodes.issuperset(change.nodes)


@pytest.mark.parametrize(("text", "line", "other"), PAIRS)
def test_the_other_way_round_is_the_mirror(text: str, line: str, other: str) -> None:
    del line
    there, back = difference(text, other), difference(other, text)
    assert _sorted(map(_swapped, there.changes)) == _sorted(map(_bare, back.changes)) or there.renamed
    if not there.renamed:  # else each has the names of its new lab
        for own, others in ((there.addresses, back.addresses), (there.settings, back.settings)):
            assert _sorted(one._replace(old=one.new, new=one.old) for one in own) == _sorted(others)
        routes = [one._replace(old=one.new, new=one.old) for one in _routes(there)]
        assert _sorted(routes) == _sorted(_routes(back))
        forecasts = [one._replace(old=one.new, new=one.old) for one in there.forecasts.found]
        assert _sorted(forecasts) == _sorted(back.forecasts.found)
    lost = [(set(one.lost), set(one.gained)) for one in there.reachable]
    assert lost == [(set(one.gained), set(one.lost)) for one in back.reachable]
    assert {kind: one[::-1] for kind, one in there.scripts.items()} == back.scripts
    messages = [[one.message for one in own] for own in there.warnings[::-1]]
    assert messages == [[one.message for one in own] for own in back.warnings]


def _sorted(found: Iterable[object]) -> list[object]:
    return sorted(found, key=repr)


def _bare(change: Change) -> Change:
    return change._replace(values=tuple(sorted(change.values)))


def _swapped(change: Change) -> Change:
    values = tuple(sorted(Value(one.what, one.direction, one.new, one.old) for one in change.values))
    return change._replace(old=change.new, new=change.old, values=values)


def _routes(found: Difference) -> list[RouteChange]:
    return [one._replace(targets=tuple(sorted(one.targets))) for one in found.routes]


@pytest.mark.parametrize(("text", "line", "other"), PAIRS[::5])
def test_reachability_is_that_of_packets(text: str, line: str, other: str) -> None:
    del line
    found = difference(text, other)
    labs = [compiled(one).lab for one in (text, other)]
    common = [node.name for node in labs[0].ip_nodes if node.name in {own.name for own in labs[1].ip_nodes}]
    for version in (4, 6):
        before, after = (_reached(Predictor(lab), version, common) for lab in labs)
        mine = [one for one in found.reachable if one.version == version]
        lost = {pair for one in mine for sets in one.lost for pair in pairs_of(sets)}
        gained = {pair for one in mine for sets in one.gained for pair in pairs_of(sets)}
        assert (lost, gained) == (before - after, after - before)
        assert [one.lost_pairs for one in mine] in ([], [len(lost)])


def _reached(predictor: Predictor, version: int, names: list[str]) -> set[tuple[str, str]]:
    """The pairs of which all packets to all addresses that stand for the target arrive, and all answers, by
    following each."""
    found = set()
    for target in names:
        for source in names:
            if source == target or not any(ip.version == version for ip in predictor.lookup.own[source]):
                continue
            own = predictor.lab.meanings.tried(target, source)
            targets = [ip for ip in own if ip.version == version]
            trips = [trip for ip in targets for trip in predictor.between(source, target, ip).trips]
            if trips and all(map(arrives, trips)):
                found.add((source, target))
    return found


def pairs_of(sets: Sets) -> set[tuple[str, str]]:
    """The pairs of nodes of two sets."""
    found = {(source, target) for source in sets.sources for target in sets.targets if source != target}
    return found | {(target, source) for source, target in found} if sets.mutual else found


# --- what is the same network -----------------------------------------------------------------------

DIAMOND = """\
host   a b
router c d
link   {a,b} -- {c,d}  rate 5mbit
mptcp  a -- b
"""


def test_comments_and_layout() -> None:
    found = difference(DIAMOND, "# said\n\n" + DIAMOND.replace("   ", " "))
    assert (found.in_network, found.differs, found.is_empty) == (False, False, False)
    assert told(found, "text").startswith(
        "no difference in the network; other in the text: comments and layout\n"
    )


def test_the_order_of_statements() -> None:
    for path in GOLDEN:
        lines = path.read_text().splitlines()
        if any("{" in line and line.rstrip().endswith("{") for line in lines):
            continue
        found = compare(
            Compilation(str(path), "\n".join(lines)), Compilation(str(path), "\n".join(_shuffled(lines)))
        )
        assert isinstance(found, Difference)
        assert not found.in_network, path
        assert found.text.wording in (Wording.ORDER, Wording.SAME, Wording.LAYOUT)


def _shuffled(lines: list[str]) -> list[str]:
    """Declarations in another order."""
    hosts = [line for line in lines if line.startswith("host ")]
    others = [line for line in lines if line not in hosts]
    return [*others[:1], *hosts[::-1], *others[1:]] if len(hosts) > 1 else lines


def test_the_order_of_nodes_and_links() -> None:
    old = "host a b c\nlink a -- b rate 1mbit\nlink b -- c\n"
    new = "host c\nlink c -- b\nhost b a\nlink b -- a rate 1mbit\n"
    found = difference(old, new)
    assert not found.in_network
    assert not any([found.addresses, found.routes, found.settings, *found.reachable, *found.forecasts.found])
    assert found.text.wording is Wording.STATEMENTS
    assert "link b -- c" in found.text.gone


def test_another_name_of_an_interface() -> None:
    """Its inferred addresses follow from it, and stand for themselves; routes do not differ."""
    old = "host a b\nrouter c\nlink a:x -- c -- b\nroute a to default via c:a\n"
    found = difference(old, old.replace("a:x", "a:y"))
    assert not found.in_network
    assert found.renamed == (("a:x", "a:y"),)
    assert {one.what for one in found.addresses} == {"a:y", "c:a"}
    assert found.routes == ()
    shown = told(found, "text")
    assert "no difference in the network" in shown
    assert "a:x => a:y" in shown


def test_what_names_an_interface_follows_its_name() -> None:
    old = "host a b\nrouter c\nlink a:x -- c -- b\nroute c to b via b:c\nat 1s down a -- c\n"
    old += "mptcp a -- b endpoints a:x subflow\n"
    assert not difference(old, old.replace("a:x", "a:y")).in_network


def test_parallel_links_are_told_apart() -> None:
    old = "host a b\nlink a:x -- b\nlink a -- b rate 5mbit\n"
    new = "host a b\nlink a -- b rate 5mbit\nlink a:y -- b\n"
    assert not difference(old, new).in_network
    found = difference(old, "host a b\nlink a -- b rate 5mbit\n")
    assert [(one.old, one.new) for one in found.changes] == [("link a:x -- b", None)]


PARTED = (
    "host a b\nrouter r\nlink {a,b} -- r vrf red\n",
    "host a b\nrouter r\nswitch s\nlink a -- s vlan 10\nlink b -- s vlan 20\nlink r -- s trunk 10,20\n",
)


@pytest.mark.parametrize("text", [DIAMOND, *PARTED])
def test_labs_of_two_files_have_one_name(text: str) -> None:
    assert difference(text, text, ("old.topo", "new.topo")).is_empty


def test_unnamed_labs_of_two_files_have_one_name() -> None:
    found = difference(f"lab x\n{DIAMOND}", DIAMOND, ("old.topo", "new.topo"))
    assert [(one.kind, one.values[0][2:]) for one in found.changes] == [("lab", ("x", "new"))]


# --- what is told -----------------------------------------------------------------------------------


def test_a_rate() -> None:
    found = difference(DIAMOND, DIAMOND.replace("5mbit", "10mbit"))
    assert {(one.new, one.values) for one in found.changes} == {
        (f"link {end} -- {middle}", (Value("rate", "", "5mbit", "10mbit"),))
        for end in "ab"
        for middle in "cd"
    }
    (forecast,) = (one for one in found.forecasts.found if one.named)
    assert (forecast.source, forecast.target) == ("a", "b")
    assert forecast.new.rates["mptcp"] == pytest.approx(2 * (forecast.old.rates["mptcp"] or 0), rel=0.02)
    assert "rate 5mbit => 10mbit" in told(found, "text")


def test_one_direction() -> None:
    found = difference(DIAMOND, f"{DIAMOND}shape a -> c rate 1mbit\n")
    (change,) = found.changes
    assert change.values == (Value("rate", "a -> c", "5mbit", "1mbit"),)
    assert "rate a -> c: 5mbit => 1mbit" in told(found, "text")


def test_lost_reachability_is_grouped() -> None:
    old = "host h[0..9]\nrouter r1 r2 r3\nlink r1 -- r2 -- r3\nlink h[0..4] -- r1\nlink h[5..9] -- r2\n"
    new = old.replace("r1 -- r2 -- r3", "r2 -- r3")
    shown = text_of(old, new)
    assert re.search(r"- 84 pairs lost over IPv4\n +-   \{h\[0\.\.4\],r1\} -- \{h\[5\.\.9\],r2,r3\}", shown)
    assert "+ 84 pairs gained over IPv4" in text_of(new, old)


def test_a_family_that_goes_is_lost() -> None:
    old = f"pool 10.0.0.0/8\npool fd00::/32\n{DIAMOND}"
    found = difference(old, DIAMOND)
    assert [one.version for one in found.reachable] == [6]
    assert found.reachable[0].lost_pairs == 10


def test_warnings() -> None:
    found = difference("host a b\nlink a -- b\n", "host a b c\nlink a -- b\n")
    assert [one.code for one in found.warnings[1]] == ["MPC701"]
    assert "+ warning[MPC701]: " in told(found, "text")
    assert found.warnings[0] == ()


def test_lines_are_counted_as_a_multiset() -> None:
    assert lines(["a\nb\n", "b\n"], ["b\n", "c\n", "a\n"]) == (1, 1)
    assert lines(["plan 1\na\n"], ["a\nplan 2\n"]) == (0, 0)


LEGS = "link a -- b\nlink a -- b\n"
PLACED = 'machine m ssh "root@192.0.2.1"\nplace {a,b,c,d} on m'
STATEMENTS = {
    'run a "sleep 9"': 'run a "sleep 8"',
    "capture a:c": "capture a:c snap 96",
    "expect a -> b rtt 0ms..9ms": "expect a -> b rtt 0ms..8ms",
    "bench a -> b using tcp": "bench a -> b using tcp for 3s",
    "bench b -> a using tcp": "bench b -> a using tcp reverse",
    "at 1s down a -- c": "at 2s down a -- c",
    "spray a -- b": "spray a -> b",
    "masquerade c": "masquerade c out b",
    "masquerade d": "masquerade d ipv4",
    "forward c tcp 80 to a:80": "forward c tcp 80 to b:80",
    "uplink c": "uplink c to eth0",
    "link a -- c private": "link a -- c",
    "host xd private\nlink xd -- c": "host xd\nlink xd -- c",
    "sysctl a net.ipv4.tcp_ecn=1": "sysctl a net.ipv4.tcp_ecn=0",
    "route a to b via c": "route a to b via c weight 2, d",
    "route a to b via d metric 9": "route a to b via d",
    "route a to 192.0.2.0/24 dev a:c": "route a to 192.0.2.0/24 blackhole",
    "route a from 10.0.0.0/9 to b via d": "route a from 10.0.0.0/8 to b via d",
    "routing shortest by delay": "routing shortest by rate",
    "routing shortest failover": "routing shortest",
    "tunnel a -- b via c": "tunnel a -- b via d",
    f"{LEGS}bond a -- b": f"{LEGS}bond a -- b mode active-backup",
    f"{LEGS}teql a -- b": f"{LEGS}teql a -- b mtu 1400",
    'container x image "i:1"': 'container x image "i:2"',
    'container xa image "i:1" engine docker': 'container xa image "i:1"',
    'container xb image "i:1" mptcpize on': 'container xb image "i:1" mptcpize off',
    'container xc attach "y1"': 'container xc attach "y2"',
    "mptcp a -- b": "mptcp a -- b subflows 3",
    "profile slow rate 5mbit\nlink a -- c slow": "profile slow rate 6mbit\nlink a -- c slow",
    "default link delay 1ms": "default link delay 2ms",
    "host x address 192.0.2.1": "host x address 192.0.2.2",
    "host ns1 ns2 anycast 192.0.2.53\nlink ns1 -- a\nlink ns2 -- b": (
        "host ns1 ns2 anycast 192.0.2.54\nlink ns1 -- a\nlink ns2 -- b"
    ),
    "switch s stp on": "switch s",
    "link a -- c subnet 192.0.2.0/30": "link a -- c subnet 192.0.2.4/30",
    "link a -- c address 192.0.2.1/24 192.0.2.2/24": "link a -- c address 192.0.2.1/24 192.0.2.3/24",
    "link a -- c mac none 02:00:00:00:00:01": "link a -- c mac none 02:00:00:00:00:02",
    "link a -- c vrf red\nlink b -- c vrf red": "link a -- c vrf blue\nlink b -- c vrf blue",
    "link a -- c vrf red\nroute c vrf red to 192.0.2.0/24 via b": (
        "link a -- c vrf red\nroute c to 192.0.2.0/24 via b"
    ),
    "link a -- c mtu 1400": "link a -- c mtu 1401",
    "link a -- c cost 2": "link a -- c cost 3",
    "shape a -> c queue 20p": "shape a -> c queue 30p",
    'device a:w "true"': 'device a:w "true" address 192.0.2.9/24',
    "pool 10.0.0.0/9": "pool 10.0.0.0/10",
    PLACED: PLACED.replace("192.0.2.1", "192.0.2.2"),
    "host y netns n1": "host y netns n2",
    "router z forward off": "router z",
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_each_kind_of_statement(statement: str) -> None:
    """It comes, it goes, and it changes; each is told with what is said of it."""
    base = DIAMOND.replace("mptcp  a -- b\n", "")
    base = (
        base if not statement.startswith("link a -- c") else base.replace("{a,b} -- {c,d}", "{b,d} -- {c,a}")
    )
    for old, new in (("", statement), (statement, ""), (statement, STATEMENTS[statement])):
        found = difference(f"{base}{old}\n", f"{base}{new}\n")
        assert found.in_network, (old, new)
        assert json_is_whole(told(found, "json"))


def test_no_kind_of_statement_is_left_out() -> None:
    """Each changes the network but `lab`, which names it."""
    tried = {
        type(statement)
        for both in STATEMENTS.items()
        for text in both
        for statement in parse(Source("-", f"{text}\n"), Diagnostics())
    }
    assert tried == set(get_args(syntax.Statement)) - {syntax.Lab}


def json_is_whole(text: str) -> bool:
    found = json.loads(text)
    return set(found) == {
        "old", "new", "errors", "differs", "in_network", "changes", "renamed", "reachability", "predictions",
        "not_predicted", "addresses", "settings", "routes", "warnings", "scripts", "text",
    }  # fmt: skip


# --- hostile and large labs ---------------------------------------------------------------------------

HOSTILE = [
    "`a`",
    "``` x",
    "| x |",
    "<img src=x>",
    "**b**",
    "@someone",
    "[x](y)",
    "</details>",
    "&amp;",
    "```\\n# x",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_is_text(text: str) -> None:
    """In Markdown, all that labs say stands in code; nothing of it is outside of a block or a span."""
    written = text.replace("\\", "\\\\")
    found = difference(DIAMOND, f'{DIAMOND}run a "{written}"\n')
    shown = told(found, "markdown")
    outside = re.sub(r"^(`{3,})diff\n.*?^\1$", "", shown, flags=re.DOTALL | re.MULTILINE)
    outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)
    assert text not in outside.removesuffix("</details>\n")
    assert text in shown


def test_terminal_codes_are_text() -> None:
    old, new = compiled(DIAMOND, "\x1b[31mold.topo"), compiled(DIAMOND.replace("5mbit", "6mbit"), "n\nw.topo")
    with pytest.raises(TopologyError):
        _ = old.lab
    found = compare(old, new)
    for form in ("text", "markdown", "json"):
        assert "\x1b" not in told(found, form)


def test_a_comment_is_never_too_long() -> None:
    """GitHub takes 65,536 characters."""
    old = "use std/fat-tree as t with k=4 rate=10mbit\n"
    new = "use std/fat-tree as t with k=6 rate=20mbit delay=2ms\n"
    new += "expect t-h[0..3]-0-0 -> t-h[0..3]-0-0 reachable\n"
    new += "".join(f'run t-h0-0-0 "echo {"x" * 3000} {n}"\n' for n in range(20))
    shown = told(difference(old, new), "markdown")
    assert len(shown) < 65_536
    assert re.search(r"^and \d+ more$", shown, re.MULTILINE)


def test_a_broken_side_is_told() -> None:
    found = compare(compiled(DIAMOND), compiled(f"{DIAMOND}link a -- x\n", "new.topo"))
    assert isinstance(found, Broken)
    assert [[one.code for one in own] for own in found.errors] == [[], ["MPC201"]]
    shown = told(found, "text")
    assert shown.startswith("new.topo does not compile")
    assert "+ link a -- x" in shown
    assert "MPC201" in told(found, "json")
    found = compare(compiled("host a[x]\n"), compiled("hots\n", "new.topo"))
    assert isinstance(found, Broken)
    assert all(found.errors)
    assert "lab.topo and new.topo do not compile" in told(found, "text")
