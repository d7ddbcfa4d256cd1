"""`mpc watch` without a kernel: what counts come to, which rows have room, and how they are shown."""

import builtins
import io
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from compiler import counters, machine, watching
from compiler.cli import main
from compiler.counters import Count
from compiler.driver import Compilation
from compiler.filling import Direction, Filling, directions, fillings, fullest
from compiler.screen import BESIDE, Screen

LAB = "lab x\nhost a b netns other\nrouter c\nlink a -- c rate 5mbit\nshape c -> a rate 1mbit\nlink b -- c\n"


def ways(count: int) -> list[Direction]:
    return [Direction(f"h{n}:r", f"r:h{n}", f"x-h{n}", "r", 10**6) for n in range(count)]


def test_both_directions_of_each_link_with_their_rates() -> None:
    lab = Compilation("-", LAB.replace(" netns other", "")).lab
    assert [(one.source, one.target, one.namespace, one.device, one.rate) for one in directions(lab)] == [
        ("a:c", "c:a", "x-a", "c", 5 * 10**6),
        ("c:a", "a:c", "x-c", "a", 10**6),
        ("b:c", "c:b", "x-b", "c", None),
        ("c:b", "b:c", "x-c", "b", None),
    ]


def test_rates_are_those_between_two_looks() -> None:
    (way,) = ways(1)
    key = (way.namespace, way.device)
    (found,) = fillings([way], {key: Count(1000, 10.0)}, {key: Count(63500, 10.5)})
    assert found.sent == 10**6
    assert found.share == 1.0
    (anew,) = fillings([way], {key: Count(10**6, 10.0)}, {key: Count(125, 11.0)})
    assert anew.sent == 1000
    assert [one.sent for one in fillings([way], {}, {key: Count(9, 1.0)})] == [0]
    assert [one.sent for one in fillings([way], {key: Count(9, 1.0)}, {})] == [0]
    assert Filling(way._replace(rate=None), 5.0).share is None


def test_the_fullest_have_room_in_the_order_of_the_lab() -> None:
    found = [Filling(way, 1000.0 * (number % 7)) for number, way in enumerate(ways(20))]
    assert fullest(found, 20) == found
    some = fullest(found, 4)
    assert [found.index(one) for one in some] == [5, 6, 12, 13]
    assert fullest(found, 1)[0].sent == 6000.0


def drawn(found: Sequence[Filling], height: int, colour: str | None = None) -> str:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=100, height=height, color_system=colour)  # type: ignore[arg-type]
    with Screen("x", console) as screen:
        screen.show(3.0, found)
    return text.getvalue()


def test_a_screen_shows_shares_and_rates() -> None:
    full, half, open_ = (
        Filling(Direction("a:b", "b:a", "n", "b", 10**6), 0.98e6),
        Filling(Direction("c:d", "d:c", "n", "d", 10**7), 5e6),
        Filling(Direction("e:f", "f:e", "n", "f", None), 3.5e9),
    )
    lines = drawn([full, half, open_], 30).splitlines()
    assert any("x, 3 s; Ctrl-C ends" in line for line in lines)
    by_end = {line.split()[0].split("\x1b")[0]: line for line in lines if " -> " in line}
    assert by_end["a:b"].split()[-3:] == ["98%", "0.98", "1mbit"]
    assert by_end["c:d"].split()[-3:] == ["50%", "5.00", "10mbit"]
    assert by_end["e:f"].split()[-3:] == ["-", "3500.00", "-"]
    assert by_end["a:b"].count("\u2588") > by_end["c:d"].count("\u2588") > 0 == by_end["e:f"].count("\u2588")
    assert "\x1b[31" in drawn([full], 30, "standard")


@pytest.mark.parametrize("height", [1, 5, 12, 300])
def test_a_screen_has_no_more_lines_than_the_terminal(height: int) -> None:
    found = [Filling(way, 1000.0 * number) for number, way in enumerate(ways(200))]
    text = drawn(found, height)
    shown = set(re.findall(r"h\d+:r -> ", text))
    assert len(shown) == max(1, min(200, height - BESIDE))
    assert (f"{200 - len(shown)} more, which are less full" in text) == (height < 200)


def run(*words: str) -> Any:
    return CliRunner().invoke(main, ["watch", *words, "-"], input=LAB.replace(" netns other", ""))


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


@pytest.mark.usefixtures("as_root")
def test_lines_with_tabs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where standard output is no terminal; a look is late by no more than another takes."""
    looks = iter(range(100))

    def read(_: object) -> dict[tuple[str, str], Count]:
        number = next(looks)
        return {("x-a", "c"): Count(number * 62500, number * 0.1)}

    monkeypatch.setattr(counters, "read", read)
    said = run("--every", "0.1", "--for", "0.3")
    assert said.exit_code == 0
    head, *lines = said.output.splitlines()
    assert head.split("\t") == ["seconds", "from", "to", "sent", "rate", "share"]
    assert 8 <= len(lines) <= 12
    assert lines[0].split("\t")[1:] == ["a:c", "c:a", "5000000", "5000000", "1.000"]
    assert lines[2].split("\t")[1:] == ["b:c", "c:b", "0", "-", "-"]


@pytest.mark.usefixtures("as_root")
def test_a_lab_that_is_not_up() -> None:
    said = run()
    assert said.exit_code == 2
    assert "the lab is not up: there is no namespace x-a" in said.stderr


@pytest.mark.usefixtures("as_root")
def test_without_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(counters, "read", read)
    said = run()
    assert (said.exit_code, "cannot enter the lab's namespaces" in said.stderr) == (2, True)


def test_not_as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """sudo runs the same command again, which could not read the lab again from standard input."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "with a LAB that is a file" in run().stderr
    became: list[list[str]] = []
    monkeypatch.setattr(machine, "become", lambda words, _: became.append(words))
    monkeypatch.setattr(sys, "orig_argv", ["python", "/bin/mpc", "watch", "x.topo"])
    watching._become_root(Compilation("x.topo", LAB))  # noqa: SLF001
    assert became == [[sys.executable, "/bin/mpc", "watch", "x.topo"]]


def test_without_rich(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Lines take the place of the table, and why is told."""
    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == "compiler.screen":
            raise ImportError("No module named 'rich'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    view = watching._view("x")  # noqa: SLF001
    assert type(view).__name__ == "_Lines"
    assert "pip install 'mpc[watch]'" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--every", "0"], ["--for", "0"], ["--every", "x"]])
def test_times_that_are_none(words: list[str]) -> None:
    assert run(*words).exit_code == 2
