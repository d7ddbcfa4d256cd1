"""`mpc graph`: what is drawn of a lab, and its forms as text; `test_page.py` has the page.

`pictures/LAB.dot` and `.mmd` are of labs of `golden/`; `./dev golden` writes them.
"""

import html
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from shutil import which

import networkx as nx
import pytest
from click.testing import CliRunner, Result
from conftest import Golden, needs_programs
from hypothesis import given, settings
from hypothesis import strategies as st
from labs import GOLDEN, compiled, lab_of

from compiler.cli import main
from compiler.ground.diagnostics import visible
from compiler.model.lab import Lab
from compiler.model.nodes import Role
from compiler.model.vrfs import whole
from compiler.pictures import drawing
from compiler.pictures.courses import COLOURS, courses, places
from compiler.pictures.data import graph
from compiler.pictures.dot import dot, layout
from compiler.pictures.forms import ENDINGS, FORMS
from compiler.pictures.mermaid import mermaid
from compiler.pictures.picture import MOST_LABELS, THICK, THIN, Course, Edge, Picture, Vertex, picture
from compiler.prediction.predict import Predictor

ROOT = Path(__file__).resolve().parent.parent
CASES: list[tuple[str, tuple[str, str] | None]] = [
    ("diamond", ("a", "b")),
    ("tunnels", ("a", "b")),
    ("spray", ("a", "b")),
    ("spanning-tree", None),
    ("lan", None),
    ("masquerade", ("pc", "server")),
]
OFFICE = ROOT / "docs" / "office.topo"
SVG = "{http://www.w3.org/2000/svg}"

needs_dot = needs_programs("dot")


def mpc(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["graph", *map(str, arguments)])


def drawn(text: str) -> Picture:
    return picture(lab_of(text))


@pytest.mark.parametrize(("lab", "pair"), CASES)
@pytest.mark.parametrize(("form", "ending"), [("dot", "dot"), ("mermaid", "mmd")])
def test_text(lab: str, pair: tuple[str, str] | None, form: str, ending: str, golden: Golden) -> None:
    path = ["--path", *pair] if pair else []
    result = mpc(ROOT / "tests" / "golden" / f"{lab}.topo", "--format", form, *path)
    assert (result.exit_code, result.stderr) == (0, "")
    golden(ROOT / "tests" / "pictures" / f"{lab}.{ending}", result.stdout)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_each_node_and_link_is_in_each_text(path: Path) -> None:
    lab = whole(compiled(path.read_text(), path.name).lab)
    text, flow, data = (FORMS[form](lab, None) for form in ("dot", "mermaid", "json"))
    assert len(re.findall(r'^  "[\w-]+" \[', text, re.MULTILINE)) == len(lab.nodes)
    assert len(re.findall(r'^  "[\w-]+" -- "[\w-]+" \[', text, re.MULTILINE)) == len(lab.links)
    assert len(re.findall(r"^  n\d+\W.*:::(host|router|switch|container)$", flow, re.MULTILINE)) == len(
        lab.nodes
    )
    assert len(re.findall(r"^  n\d+ (---|===|-\.-).* n\d+$", flow, re.MULTILINE)) == len(lab.links)
    read = nx.node_link_graph(json.loads(data), edges="links")
    assert set(read.nodes) == {node.name for node in lab.nodes}
    ends = Counter(frozenset((link.left.node, link.right.node)) for link in lab.links)
    assert Counter(frozenset(edge[:2]) for edge in read.edges) == ends


# What is drawn.


def test_a_label_that_most_links_share_stands_once() -> None:
    found = drawn("host a b\nrouter r s\nlink a -- r -- s -- b rate 5mbit\nlink r -- s\n")
    assert [line.label for line in found.lines] == ["", "", "", "not shaped"]
    assert found.caption == ("links without a label: 5mbit",)
    assert drawn("host a b\nrouter r s\nlink a -- {r,s} -- b rate 5mbit").caption == ("every link: 5mbit",)


def test_a_label_for_each_direction() -> None:
    found = drawn("host a b\nlink a -- b rate 5mbit delay 20ms\nshape a -> b rate 1mbit loss 1%\n")
    assert found.lines[0].label == "from a: 1mbit 20ms loss 1%\nfrom b: 5mbit 20ms"


def test_of_many_labels_none_is_drawn_and_width_shows_the_rate() -> None:
    lines = "".join(f"link r -- h{n} rate {n}mbit\n" for n in range(1, MOST_LABELS + 2))
    hosts = f"router r\nhost {' '.join(f'h{n}' for n in range(1, MOST_LABELS + 2))}\n"
    found = drawn(hosts + lines)
    assert not any(line.label for line in found.lines)
    assert "wider lines have higher rates" in dot(found)
    widths = [line.width for line in found.lines]
    assert widths == sorted(widths)
    assert (widths[0], widths[-1]) == (THIN, THICK)
    fewer = drawn(hosts + "".join(lines.splitlines(keepends=True)[:-1]))
    assert sum(bool(line.label) for line in fewer.lines) == MOST_LABELS
    assert "wider" not in dot(fewer)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_what_lines_and_nodes_are(path: Path) -> None:
    """Dashed lines are spare links, double ones tunnels; both are in the caption; each role has its shape."""
    lab = whole(compiled(path.read_text(), path.name).lab)
    text, found = dot(picture(lab)), picture(lab)
    assert text.count("style=dashed") == sum(link.spare for link in lab.links)
    assert text.count(":transparent:") == sum(link.tunnel is not None for link in lab.links)
    for spare, tunnel, form in (("dashed:", "double:", text), ("dotted:", "thick:", mermaid(found))):
        assert (spare in form) == any(link.spare for link in lab.links)
        assert (tunnel in form) == any(link.tunnel for link in lab.links)
    for role in Role:
        assert text.count(f"class={role} ") == sum(node.role is role for node in lab.nodes)
    for node, vertex in zip(lab.nodes, found.nodes, strict=True):
        assert ("sprays" in vertex.does) == bool(node.sprays)
        assert ("nat" in vertex.does) == bool(node.masquerade)


def test_hovering_shows_interfaces_and_addresses() -> None:
    lab = lab_of("host a b\nlink a:veth0 -- b:veth1 rate 5mbit\n")
    text = dot(picture(lab))
    for interface in lab.interfaces.values():
        assert f"{interface.name} {interface.addresses[0]} 5mbit" in text
    assert 'tooltip="a:veth0 -- b:veth1\\n' in text


@pytest.mark.parametrize(
    ("text", "engine", "layers"),
    [
        ("host a b\nrouter c d\nlink {a,b} -- {c,d}\nmptcp a -- b", "dot", "rankdir=LR"),
        ("use std/fat-tree as f with k=4", "dot", "rankdir=BT"),
        ("use std/leaf-spine as f", "dot", "rankdir=BT"),
        ("use std/dragonfly as f with a=2 h=1 p=1", "neato", ""),
        ("use std/ring as r with n=120", "neato", ""),
        ("use std/ring as r with n=121", "sfdp", ""),
    ],
)
def test_the_structure_decides_the_layout(text: str, engine: str, layers: str) -> None:
    found = layout(drawn(text))
    assert found.engine == engine
    assert layers in found.attributes
    assert (found.ranks is not None) == bool(layers)


def test_levels_are_those_of_a_tree() -> None:
    found = drawn("use std/fat-tree as f with k=4")
    assert found.levels is not None
    heights = {node.name: level for node, level in zip(found.nodes, found.levels, strict=True)}
    assert {heights[name] for name in heights if "core" in name} == {3}
    assert {heights[name] for name in heights if "-h" in name} == {0}
    assert (
        drawn("host a b c\nrouter r s t\nlink a -- r\nlink b -- s\nlink c -- t\nlink r -- s -- t").levels
        is None
    )


# The ways between two nodes.


@pytest.mark.parametrize(("name", "pair"), [case for case in CASES if case[1]])
def test_courses_are_the_ways_of_paths(name: str, pair: tuple[str, str]) -> None:
    """Each follows the nodes of a way that is predicted, and has its bottleneck."""
    lab = compiled((ROOT / "tests" / "golden" / f"{name}.topo").read_text()).lab
    families = Predictor(lab).families(*pair)
    found = courses(families, places(lab))
    trips = [trip for one in families for trip in (*one.trips, *one.detours)]
    assert len({course.over for course in found}) == len(found)
    for course in found:
        trip = next(trip for trip in trips if course.said.startswith(" ".join(trip.out.nodes) + ": "))
        carrying = [place for place in course.over if not lab.links[place].tunnel]
        crossed = [crossing.out for crossing in trip.out.crossings]
        assert [set(lab.links[place].ends) & {out} for place, out in zip(carrying, crossed, strict=True)] == [
            {out} for out in crossed
        ]
        assert course.bottleneck is not None
        assert trip.bottleneck in {end.id for end in lab.links[course.bottleneck].ends}


def test_a_line_has_the_colours_of_all_courses_over_it() -> None:
    lab = lab_of("host a b\nrouter r c d\nlink a -- r\nlink r -- {c,d} -- b rate 5mbit")
    text = FORMS["dot"](lab, ("a", "b"))
    first = re.search('"a" -- "r" .*', text)
    assert first
    assert f'color="{COLOURS[0]}:{COLOURS[1]}"' in first[0]
    assert len(re.findall('label="bottleneck"', text)) == 2


def test_a_bond_is_labelled_with_an_mtu_of_its_own_alone() -> None:
    text = "host a b\nlink a -- b rate 1mbit\nlink a -- b rate 1mbit\nbond a -- b"
    assert "mtu" not in FORMS["mermaid"](lab_of(text), None)
    assert "mtu 1400" in FORMS["mermaid"](lab_of(f"{text} mtu 1400"), None)


@pytest.mark.parametrize("kind", ["bond", "teql"])
def test_a_way_over_legs_colours_what_sends_over_them(kind: str) -> None:
    lab = lab_of(
        f"host a b\nrouter c d\nlink {{a,b}} -- {{c,d}} rate 5mbit\ntunnel a -- b via {{c,d}}\n{kind} a -- b"
    )
    above = next(place for place, link in enumerate(lab.links) if link.bond)
    found = courses(Predictor(lab).families("a", "b"), places(lab))
    assert len(found) == 2
    for course in found:
        assert above in course.over
        assert course.bottleneck is not None
        assert not lab.links[course.bottleneck].bond
        assert "Mbit/s at a:" in course.said


def test_there_are_no_more_courses_than_colours() -> None:
    lab = lab_of("use std/grid as g with x=5 y=5")
    assert len(courses(Predictor(lab).families("g-r0-0", "g-r4-4"), places(lab))) <= len(COLOURS)


def test_a_way_that_is_lost_says_so() -> None:
    lab = lab_of("routing none\nhost a b\nrouter r\nlink a -- r -- b")
    (found,) = courses(Predictor(lab).families("a", "b"), places(lab))
    assert "no route at a" in found.said
    assert found.over == ()


# Text that looks like markup.

HOSTILE = [
    "<b>x</b>",
    "</script><script>",
    "&amp;",
    '"];',
    "\\N",
    "\\",
    "a\\n",
    "\x1b[31m",
    "%%{init}%%",
    "#35;",
]
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20))


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    names = draw(st.lists(TEXTS.filter(str.strip), min_size=2, max_size=5, unique_by=visible))
    roles = [draw(st.sampled_from(Role)) for _ in names]
    nodes = tuple(Vertex(name, role, (), (draw(TEXTS),)) for name, role in zip(names, roles, strict=True))
    lines = (Edge((0, 1), draw(TEXTS), facts=(draw(TEXTS),)),)
    return Picture(draw(TEXTS), nodes, lines, (draw(TEXTS),), courses=(Course(draw(TEXTS), (0,), 0),))


def shown(text: str) -> str:
    """A text as a picture shows it, without its spaces, which are laid out."""
    return "".join(visible(text).split())


@needs_dot
@given(pictures())
@settings(max_examples=60)
def test_any_text_is_text_in_svg(found: Picture) -> None:
    root = ET.fromstring(drawing.svg(found))
    texts = ["".join("".join(one.itertext()).split()) for one in root.iter(f"{SVG}text")]
    whole = "".join(texts)
    for node in found.nodes:
        assert shown(node.name) in texts
    label = found.lines[0].label.replace("\n", "")
    for said in (found.name, found.caption[0], found.courses[0].said, label):
        assert shown(said) in whole
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= set(
        "svg g title polygon ellipse path polyline text a".split()
    )


@given(pictures())
def test_any_text_is_text_in_mermaid(found: Picture) -> None:
    """Nothing but letters, digits and harmless signs stands in quotes; all else is by its number."""
    lines = mermaid(found).splitlines()
    quoted = [one for line in lines[3:] for one in re.findall(r'"([^"]*)"', line)]
    assert all(line.count('"') in (0, 2) for line in lines)
    read = {
        "".join(html.unescape(re.sub(r"#(\d+);", r"&#\1;", one.replace("<br>", ""))).split())
        for one in quoted
    }
    assert {shown(node.name) for node in found.nodes} <= read
    for one in quoted:
        assert not set(one.replace("<br>", "")) & set('<>[](){}|`&"\\')


@given(pictures())
def test_any_text_is_on_lines_of_its_own_in_dot(found: Picture) -> None:
    """There are no control characters, and a line is a statement."""
    for line in dot(found).splitlines():
        assert line.isprintable()


def test_words_of_the_languages_are_names() -> None:
    words = "graph node edge subgraph strict digraph end style linkStyle class click constructor __proto__"
    names = [word for word in words.split() if word[0] != "_"]
    lab = lab_of(f"router {' '.join(names)}\nlink {' -- '.join(names)}")
    assert all(f'  "{name}" [label="{name}" ' in dot(picture(lab)) for name in names)
    assert all(f'(["{name}"])' in mermaid(picture(lab)) for name in names)


# The command.


def test_the_form_is_that_of_the_ending(tmp_path: Path) -> None:
    for ending, form in ENDINGS.items():
        if form in ("svg", "html") and not which("dot"):
            continue
        path = tmp_path / f"lab.{ending}"
        result = mpc(OFFICE, "-o", path)
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
        assert path.stat().st_mode & 0o777 == 0o644
        assert path.read_text()[:4] == {
            "dot": "grap", "mermaid": "---\n", "svg": "<?xm", "html": "<!do", "json": '{\n  '
        }[form]  # fmt: skip
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    for file in (tmp_path / "none" / "x.dot", OFFICE / "x.dot"):
        result = mpc(OFFICE, "-o", file)
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"cannot write {file}" in result.stderr
    full = tmp_path / "full.dot"
    full.symlink_to("/dev/full")
    result = mpc(OFFICE, "-o", full)
    assert result.exit_code == 2
    assert "No space left on device" in result.stderr
    assert Path("/dev/full").is_char_device()
    assert mpc(OFFICE, "-o", tmp_path).exit_code == 2


def test_a_wrong_command_line(tmp_path: Path) -> None:
    for arguments, said in (
        (["-o", str(tmp_path / "x.png")], "x.png ends in none of .dot"),
        (["--path", "desk1"], "requires 2 arguments"),
        (["--path", "desk1", "desk9"], "did you mean"),
        (["--path", "desk1", "core"], "the lab has no node `core`"),
        (["--path", "web", "web"], "`web` is both ends"),
        (["--format", "png"], "'png' is not one of"),
    ):
        result = mpc(OFFICE, *arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_vrf_is_no_node_of_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "lab.topo"
    path.write_text("host a b\nrouter r\nlink {a,b} -- r vrf red\nexpect a -> r:b reachable\n")
    for form in FORMS:
        result = mpc("--format", form, "--path", "a", "r.red", path)
        assert (result.exit_code, result.stdout) == (2, ""), form
        assert "the lab has no node `r.red`" in result.stderr


@needs_dot
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_each_lab_has_a_page(path: Path) -> None:
    assert FORMS["html"](compiled(path.read_text(), path.name).lab, None)


def test_of_a_wrong_lab_nothing_is_drawn(tmp_path: Path) -> None:
    lab = tmp_path / "lab.topo"
    lab.write_text("host a\nlink a -- b\n")
    result = mpc(lab, "-o", tmp_path / "lab.dot")
    assert result.exit_code == 1
    assert "nothing is drawn" in result.stderr
    assert not (tmp_path / "lab.dot").exists()


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (None, "there is no `dot`, which is of Graphviz (Debian: apt-get install graphviz)"),
        ("#!/bin/sh\necho broken >&2\nexit 3\n", "exit status 3: broken"),
        ("no script", "Exec format error"),
        ("#!/bin/sh\nexec sleep 60\n", "took more than 1 seconds"),
    ],
)
def test_without_a_dot_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str | None, said: str
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin" if program else str(tmp_path))
    monkeypatch.setattr(drawing, "LONGEST", 1)
    if program:
        (tmp_path / "dot").write_text(program)
        (tmp_path / "dot").chmod(0o755)
    for form in ("svg", "html"):
        result = mpc(OFFICE, "-o", tmp_path / f"x.{form}")
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr
        assert "`--format dot`, `mermaid` and `json` are made without a program" in result.stderr
        assert not (tmp_path / f"x.{form}").exists()
    assert mpc(OFFICE, "--format", "mermaid").exit_code == 0


def _ring(count: int) -> Picture:
    nodes = tuple(Vertex(f"n{place}", Role.ROUTER) for place in range(count))
    return Picture("ring", nodes, tuple(Edge((place, (place + 1) % count)) for place in range(count)))


def test_a_lab_too_large_to_be_seen() -> None:
    with pytest.raises(
        drawing.CannotDrawError, match="10,000 nodes and 10,000 links are more than can be seen"
    ):
        drawing.svg(_ring(10_000))
    assert dot(_ring(10_000)).count(" -- ") == 10_000
    assert mermaid(_ring(10_000)).count(" --- ") == 10_000


def test_mermaid_says_what_it_does_not_draw(tmp_path: Path) -> None:
    lab = tmp_path / "lab.topo"
    lab.write_text("use std/ring as r with n=501\nrouting none\n")
    result = mpc(lab, "--format", "mermaid")
    assert result.exit_code == 0
    assert "the picture has 501 links and " in result.stderr
    assert "Mermaid draws 500 and 50,000, unless its `maxEdges` and `maxTextSize` are set" in result.stderr
    assert "Mermaid" not in mpc(lab, "--format", "dot").stderr
    assert "Mermaid" not in mpc(OFFICE, "--format", "mermaid").stderr


# JSON.


def test_json_has_interfaces_shaping_and_paths() -> None:
    text = "host a b\nrouter c\nlink a -- c rate 5mbit delay 20ms loss 1%\nlink c -- b\n"
    data = json.loads(FORMS["json"](lab_of(text), ("a", "b")))
    first = data["links"][0]
    assert (first["source"], first["target"], first["kind"]) == ("a", "c", "veth")
    assert first["ends"][0] | {"addresses": []} == {
        "interface": "c", "addresses": [], "rate": 5_000_000, "delay": 20_000, "jitter": 0,
        "loss": 0.01, "duplicate": 0, "corrupt": 0, "reorder": 0,
    }  # fmt: skip
    assert data["paths"]["ways"][0]["nodes"] == ["a", "c", "b"]
    assert "paths" not in graph(lab_of(text))


def test_json_says_over_what_a_tunnel_is() -> None:
    lab = compiled((ROOT / "tests" / "golden" / "tunnels.topo").read_text()).lab
    links = [link for link in json.loads(FORMS["json"](lab, None))["links"] if link["over"]]
    assert [(link["kind"], link["over"]) for link in links] == [
        ("vxlan", ["a:c -- c:a", "c:b -- b:c"]),
        ("gretap", ["a:d -- d:a", "d:e -- e:d", "e:b -- b:e"]),
    ]


# The pictures of the documentation.


def texts_of(svg: str) -> list[str]:
    return sorted("".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text"))


@needs_dot
@pytest.mark.parametrize(
    ("lab", "pair", "file"),
    [(ROOT / "tests/golden/diamond.topo", ("a", "b"), "diamond.svg"), (OFFICE, None, "office.svg")],
)
def test_pictures_of_the_documentation_are_of_now(lab: Path, pair: tuple[str, str] | None, file: str) -> None:
    """What they say; where it stands depends on the version of Graphviz."""
    found: Lab = compiled(lab.read_text(), lab.name).lab
    assert texts_of((ROOT / "docs" / file).read_text()) == texts_of(FORMS["svg"](found, pair))
