"""shellcheck over a script in two parts, with line numbers of the whole, and its cache of clean parts."""

import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from labs import compiled
from words import HOSTILE, PRINTED

from compiler import lint as module
from compiler.driver import Compilation, TopologyError
from compiler.lint import LintError, NoLintError, lint
from compiler.scripts.bash import Style

LAB = compiled("host a b\nlink a -- b")
UP, PLAIN = (LAB.up(style).splitlines(keepends=True) for style in Style)


def spoilt(before: str, script: list[str] = UP) -> tuple[list[str], int]:
    """A script with an error for shellcheck before a line, and the number of that line."""
    place = script.index(f"{before}\n")
    return [*script[:place], "echo $unknown\n", *script[place:]], place + 1


@pytest.mark.parametrize("before", ["NAMESPACES=(", "parts=()", "turn=0", "claim", "complete"])
def test_every_part_is_looked_at(before: str) -> None:
    script, line = spoilt(before)
    with pytest.raises(LintError, match=rf"^-:{line}:\d+: warning: unknown is referenced"):
        lint(script)


@pytest.mark.parametrize(
    "before", ["down() {", "mkdir -p /etc/netns", "ip -n lab-a link set dev b up", "say up"]
)
def test_every_part_of_a_plain_script_is_looked_at(before: str) -> None:
    script, line = spoilt(before, PLAIN)
    with pytest.raises(LintError, match=rf"^-:{line}:\d+: warning: unknown is referenced"):
        lint(script)


def test_a_plain_script_has_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lint(PLAIN, str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 1
    monkeypatch.setattr(module, "_shellcheck", pytest.fail)
    lint(PLAIN, str(tmp_path))


def test_what_is_clean_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shared part has one cache entry for all scripts, and the rest its own; a changed part has none."""
    lint(UP, str(tmp_path))
    notes = set(tmp_path.iterdir())
    assert len(notes) == 2
    lint(compiled("host c").pieces("up"), str(tmp_path))
    both = set(tmp_path.iterdir())
    assert both > notes
    assert len(both) == 3
    for before in ("turn=0", "claim"):
        with pytest.raises(LintError):
            lint(spoilt(before)[0], str(tmp_path))
    assert set(tmp_path.iterdir()) == both
    monkeypatch.setattr(module, "_shellcheck", pytest.fail)
    lint(UP, str(tmp_path))


def test_labs_that_are_alike_share_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What tells them apart are words that mean nothing to a shell, and how often something is called."""
    texts = [
        "lab one\nhost a b\nrouter r\nlink a -- r -- b rate 5mbit\nmptcp a -- b",
        "lab two-2\nhost if b-2 c\nrouter for\nlink {if,b-2,c} -- for rate 1gbit\nmptcp if -- c",
    ]
    both = [compiled(text) for text in texts]
    for kind in ("up", "down", "check"):
        lint(both[0].pieces(kind), str(tmp_path))
    monkeypatch.setattr(module, "_shellcheck", pytest.fail)
    for kind in ("up", "down", "check"):
        lint(both[1].pieces(kind), str(tmp_path))


STAYS = ["need_x $x", "within a b; ls", "say $(x)", "within a >b", "unknown_call a", "within a * b", "  a b"]
STAYS += [
    "within a ~",
    "LAB=$x",
    "LAB='a'b",
    "within a \\",
    "# shellcheck shell=sh",
    "within a <<END",
    "a & b",
]


@pytest.mark.parametrize("line", STAYS)
def test_only_calls_of_plain_words_are_passed_over(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All else that can stand in a script stays, for shellcheck to look at."""
    place, seen = UP.index("build() {\n") + 1, list[str]()
    monkeypatch.setattr(module, "_shellcheck", seen.append)
    lint([*UP[:place], "within a b\n", f"{line}\n", *UP[place:]])
    assert f"build() {{\n:\n{line}\n" in seen[1]


def test_old_notes_are_forgotten(tmp_path: Path) -> None:
    """Other files in that directory stay."""
    old, other = tmp_path / "lint-0", tmp_path / "tables"
    for path in (old, other):
        path.touch()
        os.utime(path, (0, 0))
    lint(UP, str(tmp_path))
    assert not old.exists()
    assert other.exists()


def test_what_no_shell_reads_is_passed_over() -> None:
    """A here-document of a lab can be larger than shellcheck can read."""
    place = UP.index("netns add lab-a\n")
    lint([*UP[:place], "echo $unknown\n" * 100_000, *UP[place:]])


def test_routes_are_passed_over() -> None:
    """Lines that can only be routes, of which a lab can have thousands."""
    place = UP.index("complete\n")
    harmless = [
        "h1='via 10.0.0.1 dev b'\n",
        'mine && routes "nexthop $h1" 10.{0..3}.{0,1}.0/24 fd00::{1,2}\n',
        "ip -n lab-a route add 10.0.0.0/8 nexthop via 10.0.0.1 dev b nexthop dev c  # a, b and 3 more\n",
        "tc -n lab-a qdisc add dev b root netem loss 1%\n",
    ] * 2_000
    with pytest.raises(LintError, match="unknown"):
        lint([*UP[:place], *harmless, "echo $unknown\n", *UP[place:]])
    for line in (
        'mine && routes "$unknown" 10.0.0.1/32; echo $unknown\n',
        "h1='a'$unknown\n",
        "ip -n lab-a $unknown\n",
        "tc qdisc; echo $unknown  # a\n",
    ):
        with pytest.raises(LintError, match="unknown"):
            lint([*UP[:place], line, *UP[place:]])


COMMANDS = "alias cat cd cp cut date echo exit export find grep head join kill link ln ls make mkdir"
COMMANDS += " mv read rm set sed shift sleep sort split stat sudo tail tar tee test time touch trap wait"
RESERVED = "case coproc do done elif else esac fi for function if in select then until while"
SHELL = [*COMMANDS.split(), *RESERVED.split(), "END", "HOSTS", "LAB", "PATH"]
"""Names that are words of a shell; a lab may have any of them."""

QUOTED = ["echo $HOME", "awk '{print $1}'", "`id`", "a\\", "then", "# shellcheck shell=sh", "grep '*.c'"]
QUOTED += ["echo \u2018a\u2019 \u201cb\u201d", "x=1 y=$x", "cd /tmp && ls *", "[ $a == b ]", "rm -rf $x/*"]
QUOTED += ["END", "END_", "# === the lab", "a\u00a0b", "' \"$x\" '", "start x x <<'END'"]
"""Texts for which shellcheck would report something, if it read them."""


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A cache with the parts that all scripts share, which makes the rest fast."""
    return str(tmp_path_factory.mktemp("notes"))


def lint_all(compilation: Compilation, notes: str) -> None:
    """Runs shellcheck on every script of a lab."""
    lint(compilation.pieces("up", Style.PLAIN), notes)
    for kind in compilation.kinds:
        lint(compilation.pieces(kind), notes)


def test_a_lab_can_be_called_like_a_word_of_a_shell() -> None:
    """All at once, which is fast: only the line with the lab's name, in one script."""
    script = list(compiled("lab x\nhost a").pieces("down"))
    scripts = (compiled(f"lab {name}\nhost a").pieces("down") for name in SHELL)
    names = [line for script in scripts for line in script if line.startswith("LAB=")]
    assert names[:1] == ["LAB='alias'\n"]
    assert len(names) == len(SHELL)
    lint([line for one in script for line in (names if one.startswith("LAB=") else [one])])


def test_names_can_be_words_of_a_shell(notes: str) -> None:
    """Of nodes, switches, interfaces and namespaces, wherever a script has them."""
    lines = [f"router {name} netns {name}\nlink hub -- {name} rate 1mbit" for name in SHELL]
    lines += [f"bench do -> {name} using tcp" for name in ("done", "then")]
    lines += ["router hub", "switch fork netns while_", "link {do,done} -- fork", "link do -- done"]
    lines += ["mptcp do -- done", 'run {do,then} "then"', "expect do -> done reachable"]
    lines += ["at 1s shape done -> do rate 2mbit", "at 2s down do -- done", "masquerade then out hub"]
    lint_all(compiled("\n".join(lines)), notes)


def written(text: str) -> str:
    """A text as a string literal of the language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


FREE = st.sampled_from(QUOTED) | st.sampled_from(HOSTILE) | st.text(PRINTED, min_size=1)


@settings(max_examples=3)
@given(st.lists(FREE, min_size=60, max_size=60), st.text(PRINTED | st.just("\n"), max_size=20))
@example([], "it's `a` $b")
def test_nothing_is_said_of_free_text(notes: str, texts: list[str], name: str) -> None:
    """Commands, variables, values of sysctls and of params, file names: everything that compiles passes."""
    base = "lab x\nhost a b\nlink a -- b"
    lines: list[str] = []
    for number, text in enumerate(texts):
        param = f"param p{number} = {written(text)}\nrun a [p{number}] env A={written(text)}"
        sysctl = f"sysctl a net.x.y{number}={written(text)}"
        lines += [line for line in (param, f"run b {written(text)}", sysctl) if compiles(f"{base}\n{line}")]
    lint_all(compiled("\n".join([base, *lines]), f"{name}.topo"), notes)


def compiles(text: str) -> bool:
    try:
        _ = compiled(text).plan
    except TopologyError:
        return False
    return True


def program(folder: Path, text: str) -> str:
    path = folder / "shellcheck"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [("echo it crashed >&2; exit 1", "exit status 1\nit crashed"), ("exit 4", "4"), ("kill -9 $$", "-9")],
)
def test_a_shellcheck_that_fails_has_no_verdict(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = program(tmp_path, text)
    monkeypatch.setattr(module, "_program", lambda: path)
    with pytest.raises(NoLintError, match=said):
        lint(UP)


def test_a_shellcheck_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_program", lambda: "/nowhere/shellcheck")
    with pytest.raises(NoLintError, match="/nowhere/shellcheck: No such file"):
        lint(UP)
