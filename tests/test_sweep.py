"""`mpc sweep`: the values of params, and the files of results; `test_live_sweep.py` has the runs."""

import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from compiler.cli import main
from compiler.driver import Compilation, Options
from compiler.results.measured import NoResultError, read, result, results, stem
from compiler.results.values import ValuesError, points, values
from compiler.sweep import Run, SweepError, duration, missing, point

LAB = "param x = 1\nhost a b\nlink a -- b rate [x]mbit\nbench a -> b using tcp, udp for 2s\n"


def told(**changed: Any) -> dict[str, Any]:
    """A whole result of a bench."""
    series = [[0.1, 900000], [0.2, 1000000]]
    measurement = {
        "round": 1, "source": "a", "target": "b", "transfer": "tcp", "flows": 1, "seconds": 2,
        "predicted": 950000, "likely": [900000, 960000], "received": 940000, "arrived": 990000,
        "interfaces": {"a:b": 990000}, "events": [], "subflows": None, "began": "2026-01-01T00:00:00Z",
        "retransmitted": 3,
        "over_time": {"received": series, "interfaces": {"a:b": series}, "queues": {}, "subflows": []},
    }  # fmt: skip
    return {
        "lab": "x", "mpc": "0.1.0", "plan": "0" * 12, "params": {"x": "1"}, "up": "0" * 12, "kernel": "6.18",
        "began": "2026-01-01T00:00:00Z", "tools": {"bash": "5.2"}, "measurements": [measurement],
        "ended": "2026-01-01T00:00:09Z", **changed,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0..2:0.5", ["0", "0.5", "1", "1.5", "2"]),
        ("1..3", ["1", "2", "3"]),
        ("1..4:2", ["1", "3"]),
        ("10ms..30ms:10ms", ["10ms", "20ms", "30ms"]),
        ("0.1%..0.3%:0.1", ["0.1%", "0.2%", "0.3%"]),
        ("-1..1", ["-1", "0", "1"]),
        ("100..300:100", ["100", "200", "300"]),
        ("a,b,a", ["a", "b"]),
        ("5", ["5"]),
        ("", [""]),
    ],
)
def test_values(text: str, wanted: list[str]) -> None:
    assert list(values(text)) == wanted


@pytest.mark.parametrize("text", ["1ms..2s", "1..2:1s", "2..1", "1..2:0", "1..2:-1", "0..999999:0.001"])
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(ValuesError):
        list(values(text))


@given(st.decimals("-99", "99", places=3), st.integers(0, 50), st.decimals("0.001", "9", places=3))
def test_a_range_has_what_its_steps_reach(first: Decimal, count: int, step: Decimal) -> None:
    """Exactly, as binary fractions do not."""
    found = list(values(f"{first}..{first + count * step}:{step}"))
    assert list(map(Decimal, found)) == [first + number * step for number in range(count + 1)]


def test_points_are_all_combinations() -> None:
    assert points({"a": "1,2", "b": "x,y"}) == [
        {"a": a, "b": b} for a, b in (("1", "x"), ("1", "y"), ("2", "x"), ("2", "y"))
    ]
    assert points({}) == [{}]
    with pytest.raises(ValuesError, match="combinations"):
        points({"a": "1..200", "b": "1..200"})


@given(st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.text(max_size=300), max_size=4))
def test_any_values_make_a_file_name(params: dict[str, str]) -> None:
    name = stem("lab", params)
    assert "/" not in name
    assert len(name.encode()) < 200
    assert name.isascii()


def test_different_values_have_different_files() -> None:
    settings = [{"x": one} for one in ("1,y=2", "1", "a/b", "a%2Fb", "..", "x" * 999, "x" * 998)]
    assert len({stem("lab", one) for one in [*settings, {"x": "1", "y": "2"}]}) == 8


def test_a_result_is_read() -> None:
    found = result(json.dumps(told()).encode(), "x.json")
    (one,) = found.measurements
    assert (found.lab, found.point, one.name, one.predicted) == (
        "x", "x=1", "a -> b using tcp", (950000, 900000, 960000),
    )  # fmt: skip
    assert one.paths == {"a:b": ((0.1, 900000), (0.2, 1000000))}


@given(st.data())
def test_half_a_result_is_none(data: st.DataObject) -> None:
    """A file that was cut anywhere."""
    text = json.dumps(told()).encode()
    with pytest.raises(NoResultError):
        result(text[: data.draw(st.integers(0, len(text) - 1))], "x")


SCALARS = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner)
)


@given(st.data(), JSON)
def test_another_value_anywhere_is_read_or_refused(data: st.DataObject, value: Any) -> None:
    found: Any = told()
    place = found
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = value
    with suppress(NoResultError):
        result(json.dumps(found).encode(), "x")


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b"\xff", b"[" * 99999, b'{"lab": 1}'])
def test_what_is_no_result(text: bytes) -> None:
    with pytest.raises(NoResultError):
        result(text, "x")


def test_an_interrupted_bench_is_no_whole_result() -> None:
    """Its JSON can be read, and has fewer measurements than the lab; a sweep does not keep it."""
    assert result(json.dumps(told(measurements=[])).encode(), "x").measurements == ()


def compiled(**params: str) -> Compilation:
    return Compilation("x.topo", LAB, options=Options(params))


def test_what_has_a_result_is_not_measured_again(tmp_path: Path) -> None:
    found = [point(compiled(x=value)) for value in "12"]
    assert found[0].seconds == 4
    runs = missing(found, 2, tmp_path)
    assert [(run.point.params["x"], run.round) for run in runs] == [("1", 1), ("2", 1), ("1", 2), ("2", 2)]
    path = runs[1].file(tmp_path)
    path.write_text(json.dumps(told(plan=found[1].plan, params={"x": "2"}))[:-20])
    assert missing(found, 2, tmp_path) == runs
    path.write_text(json.dumps(told(plan=found[1].plan, params={"x": "2"})))
    assert missing(found, 2, tmp_path) == [runs[0], *runs[2:]]
    path.write_text(json.dumps(told(plan="1" * 12)))
    with pytest.raises(SweepError, match="another folder"):
        missing(found, 2, tmp_path)


def test_files_of_a_folder(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", ".a.json.tmp", ".c.json", "a.topo"):
        (tmp_path / name).write_text("{}")
    assert [path.name for path in results([tmp_path, tmp_path / "a.topo"])] == ["a.json", "b.json", "a.topo"]
    with pytest.raises(NoResultError, match="cannot be read"):
        read(tmp_path / "none.json")
    assert Run(point(compiled(x="3")), 2).file(tmp_path) == tmp_path / "x.x=3.2.json"


@pytest.mark.parametrize(
    ("seconds", "wanted"), [(0, "0 s"), (59.6, "1 min 00 s"), (3599, "59 min 59 s"), (7260, "2 h 01 min")]
)
def test_durations(seconds: float, wanted: str) -> None:
    assert duration(seconds) == wanted


def sweep(tmp_path: Path, text: str, *arguments: str) -> Result:
    (tmp_path / "x.topo").write_text(text)
    return CliRunner().invoke(main, ["sweep", str(tmp_path / "x.topo"), *arguments])


@pytest.mark.parametrize(
    ("text", "arguments", "status", "said"),
    [
        (LAB, ["-D", "x=2..1", "-o", "OUT"], 2, "goes up"),
        (LAB, ["-D", "y=1", "-o", "OUT"], 1, "no param"),
        (LAB, ["-D", "x=1,0", "-o", "OUT"], 1, "1 of 2 labs have errors; nothing is measured"),
        (LAB, ["-D", "x=1,0,2", "-o", "OUT"], 1, "the lab with -D x=0:\nerror[MPC301]"),
        (f"param y = 1\n{LAB}", ["-D", "x=0..-9:1", "-D", "y=1,2", "-o", "OUT"], 2, "goes up"),
        (f"param y = 1\n{LAB}", ["-D", "x=0,-1", "-D", "y=1,2", "-o", "OUT"], 1, "-D x=-1 -D y=1:"),
        (
            "param x = 1\nif x == 2 {\n" + LAB.replace("param x = 1\n", "") + "}\nhost c\n",
            ["-D", "x=2,3", "-o", "OUT"],
            2,
            "has no `bench` with -D x=3",
        ),
        (LAB, ["-o", "/proc/none/there"], 2, "cannot write in"),
        (LAB, [], 2, "Missing option '-o'"),
        ("host a\n", ["-o", "OUT"], 2, "has no `bench`"),
        ("host a a\n", ["-o", "OUT"], 1, "nothing is measured"),
    ],
)
def test_what_cannot_begin(tmp_path: Path, text: str, arguments: list[str], status: int, said: str) -> None:
    """It is said before anything runs, and leaves no folder."""
    words = [word.replace("OUT", str(tmp_path / "out")) for word in arguments]
    found = sweep(tmp_path, text, *words)
    assert (found.exit_code, said in found.output) == (status, True), found.output
    assert not (tmp_path / "out").exists()
