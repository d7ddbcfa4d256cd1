"""`mpc report`: its forms, and that what names say is text in each of them."""

import csv
import io
import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import needs_programs
from test_sweep import told

from compiler.cli import main
from compiler.driver import Compilation
from compiler.results.measured import result
from compiler.results.summary import curves, rows, swept
from compiler.results.tables import HEAD

needs_dot = needs_programs("dot")

LAB = "lab {}\nhost a b\nrouter c\nlink a -- c -- b rate 1mbit\n"
HOSTILE = [
    "<script>alert(1)</script>",
    "</style><b>&amp;",
    "]]><!--",
    "$\\frac{1}{0}$ 100%",
    "a_b^c_",
    "_left_out",
    "\x1b[31mred\x07\n| **x** | `y`",
    "\ud800\u202e",
    "=cmd()",
    "\"quoted' \\",
    "\U0001f600 \u4e2d",
]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def put(folder: Path, lab: str, rate: float = 9e5, **params: str) -> None:
    """Results of three runs, beside the lab."""
    text = LAB.format(lab)
    plan = Compilation("x", text).plan.digest
    stem = ".".join([lab, *(f"{name}={value}" for name, value in params.items())])
    (folder / f"{stem}.topo").write_text(text)
    for number, shift in enumerate((-20_000, 0, 20_000), 1):
        one = told(lab=lab, plan=plan, params=params)
        one["measurements"][0]["received"] = rate + shift
        (folder / f"{stem}.{number}.json").write_text(json.dumps(one))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for value in ("0", "0.5", "10"):
        put(tmp_path, "first", 9e5 - 1e4 * float(value), loss=value)
        put(tmp_path, "second", 8e5 - 1e4 * float(value), loss=value)
    return tmp_path


def test_the_table_has_predictions_beside_measurements(folder: Path) -> None:
    said = run(folder)
    assert said.exit_code == 0
    head, *lines = said.output.splitlines()
    assert head.split() == list(HEAD)
    assert [line.split()[:2] for line in lines] == [
        [lab, f"loss={value}"] for lab in ("first", "second") for value in ("0", "0.5", "10")
    ]
    assert lines[0].split()[-7:] == ["3", "0.90..0.96", "0.90", "0.90", "0.05", "0.88", "0.92"]


def test_confidence_and_curves() -> None:
    """The interval of three runs is 4.30 standard errors; a curve has one unit."""
    many = []
    for text in ("1ms", "2ms", "10ms", "3s", "x"):
        one = told(params={"delay": text, "n": "1"})
        many += [result(json.dumps(one).encode(), "x")]
    found = rows(many)
    assert [row.confidence for row in found] == [0.0] * 5
    (curve,) = curves(found, "delay")
    assert curve.values == (1, 2, 10)
    assert swept(found) == ["delay"]
    rates = [told() for _ in range(3)]
    for rate, one in zip((1, 2, 3), rates, strict=True):
        one["measurements"][0]["received"] = rate
    (row,) = rows(result(json.dumps(one).encode(), "x") for one in rates)
    assert (row.mean, row.median) == (2, 2)
    assert row.confidence == pytest.approx(4.30 / 3**0.5)


@needs_dot
@pytest.mark.parametrize("form", ["html", "svg"])
def test_pictures_and_charts(folder: Path, form: str) -> None:
    """Both labs beside each other, a curve of the sweep, rates over time; the same at any time."""
    pytest.importorskip("matplotlib")
    out = folder / f"report.{form}"
    assert run(folder, "-o", out).exit_code == 0
    text = out.read_text()
    for wanted in ("1mbit", "first: a -&gt; b using tcp", ">second<", ">predicted<", ">a:b<"):
        assert wanted in text
    assert "Received, by loss" in text or form == "svg"
    assert "http-equiv" in text or form == "svg"
    assert "<script" not in text
    if form == "svg":
        assert len(ET.fromstring(text).findall("{http://www.w3.org/2000/svg}svg")) == 5
    again = folder / f"again.{form}"
    assert run(folder, "-o", again).exit_code == 0
    assert again.read_text() == text


def test_events_of_a_play_are_on_the_curves(tmp_path: Path) -> None:
    """What was measured beside a play is another row than what was measured at rest."""
    pytest.importorskip("matplotlib")
    played = [{"seconds": 0.12, "due": 0.1, "event": "down a:b -- b:a"}]
    beside = told()
    beside["measurements"][0]["played"] = played
    for name, one in (("rest", told()), ("beside", beside)):
        (tmp_path / f"{name}.json").write_text(json.dumps(one))
    found = rows([result(json.dumps(one).encode(), "x") for one in (told(), beside)])
    assert [row.transfer for row in found] == [
        "a -> b using tcp",
        "a -> b using tcp, during the play",
    ]
    out = tmp_path / "x.svg"
    assert run(tmp_path, "-o", out).exit_code == 0
    assert out.read_text().count(">down a:b -- b:a<") == 1


def test_what_was_received_is_drawn_from_when_it_was_sent() -> None:
    charts = pytest.importorskip("compiler.results.charts")
    sent = ((0.1, 5.0), (0.2, 0.0), (0.3, 90.0), (0.4, 100.0))
    assert charts.begin([sent, ((0.1, 0.0), (0.2, 0.0))]) == 0.2
    assert charts.begin([]) == charts.begin([((0.1, 0.0),)]) == 0
    assert charts.later(((0.5, 1.0),), 0.25) == ((0.75, 1.0),)


@pytest.mark.parametrize("played", [3, [3], [{"seconds": "x", "event": "y"}], [{"seconds": 1}]])
def test_events_that_are_none(tmp_path: Path, played: object) -> None:
    one = told()
    one["measurements"][0]["played"] = played
    (tmp_path / "x.json").write_text(json.dumps(one))
    assert "no whole result" in run(tmp_path).output


def test_a_line_a_measurement(folder: Path) -> None:
    out = folder / "x.csv"
    assert run(folder, "-o", out).exit_code == 0
    lines = list(csv.DictReader(io.StringIO(out.read_text())))
    assert len(lines) == 18
    assert (lines[0]["lab"], lines[0]["params"], lines[0]["received"]) == ("first", "loss=0", "880000")


def hostile(name: str) -> dict[str, Any]:
    """A result in which each text is a name, and so is each interface."""
    found = told(
        lab=name, plan=name, params={name: name, "n": "1"}, kernel=name, tools={name: name}, began=name
    )
    one = found["measurements"][0]
    one |= {"source": name, "target": name, "transfer": name}
    one["over_time"]["interfaces"] = {f"{name}:{name}": [[0.1, 1], [0.2, 2]]}
    one["played"] = [{"seconds": 0.15, "due": 0.1, "event": name}]
    return found


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text(tmp_path: Path, name: str) -> None:
    """In HTML and SVG no element, in a terminal no code, in CSV no formula."""
    (tmp_path / "x.json").write_text(json.dumps(hostile(name)))
    said = run(tmp_path)
    assert said.exit_code == 0, said.output
    assert all(line.isprintable() for line in said.output.splitlines())
    assert len(said.output.splitlines()) == 2
    assert run(tmp_path, "-o", tmp_path / "x.csv").exit_code == 0
    (line,) = csv.DictReader(io.StringIO((tmp_path / "x.csv").read_text()))
    assert line["lab"][0] not in "=+-@"
    pytest.importorskip("matplotlib")
    for form in ("html", "svg"):
        out = tmp_path / f"x.{form}"
        assert run(tmp_path, "-o", out).exit_code == 0
        text = out.read_text()
        assert "<script" not in text
        assert "<b>" not in text
        assert "\x1b" not in text
        if form == "svg":
            shown = "".join(ET.fromstring(text).itertext())
            assert all(word in shown for word in name.split() if word.isprintable() and word.isascii())


def test_half_written_results_are_left_out(folder: Path) -> None:
    """And said, by name; where nothing is left, that is an error."""
    (folder / "cut.json").write_text((folder / "first.loss=0.1.json").read_text()[:300])
    (folder / "list.json").write_text("[]")
    (folder / "link.json").symlink_to("nowhere")
    said = run(folder)
    assert said.exit_code == 0
    for name in ("cut", "list", "link"):
        assert f"mpc: left out {folder}/{name}.json: it " in said.stderr
    said = run(folder / "cut.json")
    assert (said.exit_code, "there are no results" in said.output) == (2, True)


@pytest.mark.parametrize("name", ["none/x.csv", "x.pdf", "x", "x.text"])
def test_what_cannot_be_written(folder: Path, name: str) -> None:
    said = run(folder, "-o", folder / name)
    assert said.exit_code == 2
    assert "cannot write" in said.output or "ends in none of" in said.output
    assert not (folder / name).exists()


def test_without_matplotlib(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts say what they need; the table and CSV need nothing."""
    monkeypatch.delitem(sys.modules, "compiler.results.charts", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    said = run(folder, "-o", folder / "x.html")
    assert (said.exit_code, "pip install 'mpc[report]'" in said.stderr) == (2, True)
    assert not (folder / "x.html").exists()
    assert run(folder).exit_code == run(folder, "-o", folder / "x.csv").exit_code == 0


@needs_dot
def test_a_picture_of_another_plan_is_not_shown(folder: Path) -> None:
    pytest.importorskip("matplotlib")
    (folder / "first.loss=0.topo").write_text("lab first\nhost a b\nlink a -- b\n")
    said = run(folder, "-o", folder / "x.html")
    assert "mpc: no picture of first: no lab of the plan" in said.stderr
    assert said.exit_code == 0
