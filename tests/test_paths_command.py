"""`mpc paths`: its output as text and as JSON.

`paths/LAB-A-B.txt` is its output for a lab of `golden/`; `./dev golden` writes it.
"""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import Golden

from compiler.cli import main

TESTS = Path(__file__).resolve().parent
CASES = [
    ("diamond", "a", "b"),
    ("three-paths", "laptop", "server"),
    ("unequal", "phone", "server"),
    ("dual-stack", "a", "b"),
    ("masquerade", "pc", "server"),
    ("original", "a", "b"),
    ("mptcp-pins", "laptop", "server"),
    ("shaped", "home", "office"),
    ("ring", "h0", "h3"),
    ("bare", "a", "b"),
    ("chain", "a", "b"),
]


def paths(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["paths", *arguments])


@pytest.mark.parametrize(("lab", "source", "target"), CASES)
def test_text(lab: str, source: str, target: str, golden: Golden) -> None:
    result = paths(str(TESTS / "golden" / f"{lab}.topo"), source, target)
    assert result.exit_code == 0, result.output
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    golden(TESTS / "paths" / f"{lab}-{source}-{target}.txt", result.stdout)


def test_every_golden_text_has_its_case() -> None:
    assert {path.stem for path in (TESTS / "paths").iterdir()} == {"-".join(case) for case in CASES}


@pytest.mark.parametrize(("lab", "source", "target"), CASES)
def test_json_says_the_same(lab: str, source: str, target: str) -> None:
    file = str(TESTS / "golden" / f"{lab}.topo")
    found = json.loads(paths("--format", "json", "--flows", "3", file, source, target).stdout)
    assert (found["from"], found["to"]) == (source, target)
    assert set(found["goodput"]) == {"tcp", "tcp 3", "mptcp", "udp"}
    assert sum(way["share"] for way in found["ways"]) == pytest.approx(1)
    for way in found["ways"]:
        assert way["nodes"][0] == source
        assert len(way["nodes"]) == len(way["crossings"]) + 1


def test_what_links_do_not_bound_is_null() -> None:
    file = str(TESTS / "golden" / "bare.topo")
    found = json.loads(paths("--format", "json", file, "a", "b").stdout)
    assert found["bound"] == {"rate": None, "links": []}
    assert found["rtt"] is None
    assert found["ways"][0]["ends"] == "no route at a"


@pytest.fixture
def lab(tmp_path: Path) -> str:
    path = tmp_path / "lab.topo"
    path.write_text("host alpha beta\nlink alpha -- beta\n")
    return str(path)


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (("alpha", "bets"), "the lab has no node `bets`; did you mean `beta`?"),
        (("x", "beta"), "the lab has no node `x`"),
        (("\x1b[1m", "beta"), "no node `"),
        (("alpha", "alpha"), "`alpha` is both ends"),
    ],
)
def test_a_wrong_node_is_a_wrong_command_line(lab: str, ends: tuple[str, str], said: str) -> None:
    result = paths(lab, *ends)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "\x1b" not in result.stderr


def test_a_wrong_lab_has_no_paths(tmp_path: Path) -> None:
    path = tmp_path / "lab.topo"
    path.write_text("host a b\nlink a -- c\n")
    result = paths(str(path), "a", "b")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "MPC201" in result.stderr
    assert "nothing is predicted" in result.stderr


def test_many_ways_are_shown_in_part(tmp_path: Path) -> None:
    path = tmp_path / "lab.topo"
    path.write_text("host a b\nrouter c[0..19]\nlink {a,b} -- c[0..19] rate 1mbit\n")
    result = paths(str(path), "a", "b")
    assert "and 12 more" in result.stdout
    assert result.stdout.count("1mbit at") == 8


def test_an_interface_in_a_vrf_is_named_as_in_the_lab(tmp_path: Path) -> None:
    path = tmp_path / "lab.topo"
    path.write_text("host a b\nrouter r\nlink {a,b} -- r vrf red\nexpect a -> r:b reachable\n")
    assert "a --r-- r.red\n" in paths(str(path), "a", "r:b").stdout
    assert "r.red -- a\n" in paths(str(path), "r:b", "a").stdout
    assert paths(str(path), "a", "r.red:b").exit_code == 0
    assert "no interface `r:c`" in paths(str(path), "a", "r:c").stderr
