"""`mpc fmt`: what a layout keeps of a lab, and what it looks like."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from random import Random

import hostile
import pytest
from click.testing import CliRunner
from formatted import FILES, documents, in_layout
from labs import GOLDEN

from compiler.cli import main
from compiler.driver import Compilation, TopologyError
from compiler.ground.diagnostics import Diagnostics
from compiler.ground.source import Source, Span
from compiler.language import syntax, tables
from compiler.language.layout import DEEPEST, WIDEST_GAP
from compiler.language.parse import parse


class Nothing:
    """A maker without values."""

    def token(self, kind: str, text: str, start: int) -> object:
        del kind, text, start
        return ()

    def rule(self, name: str, start: int, end: int, children: list[object]) -> object:
        del name, start, end, children
        return ()


def tokens(text: str) -> list[tuple[str, str, int]]:
    return tables.tokens("topo", text, Nothing(), None)


def gaps(text: str) -> Iterator[tuple[str, str, str]]:
    """What stands before each token, the kind of the token, and its text; last what is at the end."""
    end = 0
    for kind, word, start in tokens(text):
        yield text[end:start], kind, word
        end = start + len(word)
    yield text[end:], "", ""


def comments(text: str) -> list[str]:
    return [gap[gap.index("#") :].rstrip() for gap, _, _ in gaps(text) if "#" in gap]


def bare(value: object) -> object:
    """A tree without places; of a formula, continued lines are spaces."""
    if isinstance(value, Span):
        return None
    if isinstance(value, syntax.Formula):
        return re.sub(r"[ \t]*(\\\r?\n[ \t]*)+", " ", value.text)
    return (type(value).__name__, *map(bare, value)) if isinstance(value, tuple) else value


def tree(text: str) -> object:
    """The tree of a text; None if it has errors."""
    diagnostics = Diagnostics()
    found = parse(Source("lab.topo", text), diagnostics)
    return None if diagnostics.failed else bare(found)


def layout(text: str) -> str | None:
    """The layout of a text, after a check of what all layouts keep; None for a text with errors."""
    compilation = Compilation("lab.topo", text)
    try:
        found = compilation.layout()
    except TopologyError:
        assert compilation.diagnostics.failed
        return None
    assert tree(found) == tree(text)
    assert comments(found) == comments(text)
    assert Compilation("lab.topo", found).layout() == found
    lines = found.replace("\r\n", "\n")
    assert not re.search(
        r"[ \t]\n|\n\n\n|\A\n|\n\n\Z|[^\n]\Z|\t", re.sub(r"#.*|\"(?:[^\"\\]|\\.)*\"", "x", lines)
    )
    return found


def held(texts: Iterator[str]) -> int:
    """Of how many texts the layout holds; the others have errors."""
    count = 0
    for text in texts:
        try:
            count += layout(text) is not None
        except Exception as error:
            error.add_note(repr(text))
            raise
    return count


def test_hostile_labs_keep_their_content() -> None:
    """Damaged labs, and derivations of the grammar."""
    count = held(hostile.lab(2, number)[1] for number in range(1500))
    assert 300 < count < 1500


NOISE = [" ", "   ", "\t", " \\\n  ", "\\\n", " \\\r\n"]
LINE_NOISE = ["  ", " # noise", "#n", "\n\n\n", "\n   # a line of its own \\\n", " \\\n", "\r\n", "   \n\t\n"]


def noisy(text: str, chance: Random) -> str:
    """A text with other spaces, continued lines, comments and blank lines between its tokens."""
    parts = []
    for gap, kind, word in gaps(text):
        noise = ""
        if chance.random() < 0.25 and "#" not in gap:
            noise = chance.choice(LINE_NOISE if kind in ("_NL", "") else NOISE)
        inner = chance.choice(NOISE) if kind in ("IF", "OVER") and chance.random() < 0.5 else ""
        parts.append(f"{gap}{noise}{word[:2]}{inner}{word[2:]}" if inner else f"{gap}{noise}{word}")
    return "".join(parts)


def test_noise_between_tokens_changes_nothing_but_the_layout() -> None:
    chance = Random(7)
    texts = [path.read_text() for path in FILES] + [block for _, block in documents()]
    assert held(noisy(chance.choice(texts), chance) for _ in range(1200)) > 900


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_scripts_stay_the_same(path: Path) -> None:
    text = noisy(path.read_text(), Random(path.stem))
    found = layout(text)
    assert found is not None
    before, after = Compilation(str(path), text), Compilation(str(path), found)
    assert [after.script(kind) for kind in after.kinds] == [before.script(kind) for kind in before.kinds]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_labs_of_the_project_are_in_their_layout(path: Path) -> None:
    """`./dev golden` writes it."""
    assert layout(path.read_text()) == path.read_text()


def test_labs_of_the_documents_are_in_their_layout() -> None:
    """`./dev golden` writes it."""
    assert [block for _, block in documents() if block != in_layout(block)] == []


LAYOUTS = {
    "columns": (
        "host a b\nrouter c address 10.0.0.1\nlink a -- c\nlink {a, b} -- c rate 5mbit",
        "host   a b\nrouter c  address 10.0.0.1\nlink   a -- c\nlink   {a,b} -- c  rate 5mbit\n",
    ),
    "a longer keyword stands out": (
        "masquerade c out b\ndefault link rate 5mbit\nlab x",
        "masquerade c  out b\ndefault link rate 5mbit\nlab x\n",
    ),
    "comments": (
        "host a#x\nhost bcd   #  y\n\n\n\n# z\nhost e",
        "host a    #x\nhost bcd  #  y\n\n# z\nhost e\n",
    ),
    "params": ("param n=4\nparam long  =  2", "param n    = 4\nparam long = 2\n"),
    "blocks": (
        "for i in  0..n-1{\n\n# c\nhost h[i]\nif(i>0){link h[i]--h[i-1]}else{host x[i]}\n\n}",
        "for i in 0..n-1 {\n  # c\n  host h[i]\n  if (i>0) { link h[i] -- h[i-1] } else { host x[i] }\n}\n",
    ),
    "continued lines": (
        "mptcp a -- b endpoints a:c\\\n subflow,\\\n\tb:c signal",
        "mptcp a -- b  endpoints a:c \\\n  subflow, \\\n  b:c signal\n",
    ),
    "continued formulas": (
        "if n > 2 \\\n and m \\\n {\nhost a\n}",
        "if n > 2 \\\n  and m \\\n  {\n  host a\n}\n",
    ),
    "assignments": (
        'sysctl {a ,b} net.x = 1 net.y="2 3"\nuse std/ring as r with n = 8',
        'sysctl {a,b}  net.x=1 net.y="2 3"\nuse    std/ring as r with n=8\n',
    ),
    "line ends": ("host  a\r\n\r\n\r\nhost b", "host a\r\n\r\nhost b\r\n"),
    "nothing": ("\n\n", ""),
    "routes": (
        "route a to b via c weight 2 ,d per-packet\nroute aa to 10.0.0.0/8 via c",
        "route a to b            via c weight 2, d per-packet\nroute aa to 10.0.0.0/8  via c\n",
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_a_layout_looks_like(name: str) -> None:
    text, wanted = LAYOUTS[name]
    assert layout(text) == wanted


def test_a_run_of_columns_ends_where_padding_would_be_wide() -> None:
    long = "h" * (WIDEST_GAP + 2)
    text = f"link a -- b rate 1mbit\nlink a -- {long} rate 1mbit\nlink {long} -- c rate 1mbit\n"
    found = (layout(text) or "").splitlines()
    assert found == [line.replace(" rate", "  rate") for line in text.splitlines()]
    near = text.replace(long, long[1:])
    assert len({line.index("rate") for line in (layout(near) or "").splitlines()}) == 1


def test_a_deep_lab_stays_small() -> None:
    text = "if 1 {\n" * 3000 + "host a\n" + "}\n" * 3000
    found = Compilation("lab.topo", text).layout()
    assert max(map(len, found.splitlines())) < 2 * DEEPEST + 10


LOOSE, NEAT, WRONG = "host a   b\nlink a--b\n", "host a b\nlink a -- b\n", "host a b\nlink a - b\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {"loose": LOOSE, "neat": NEAT, "wrong": WRONG}.items():
        (tmp_path / f"{name}.topo").write_text(text)
    return tmp_path


def fmt(*arguments: str | Path, given: str = "") -> tuple[int, str, str]:
    """The exit status, standard output and standard error."""
    result = CliRunner().invoke(main, ["fmt", *map(str, arguments)], input=given)
    return result.exit_code, result.stdout, result.stderr


def test_labs_are_written_in_place(folder: Path) -> None:
    neat, loose = folder / "neat.topo", folder / "loose.topo"
    loose.chmod(0o640)
    before = neat.stat()
    assert fmt("loose.topo", "neat.topo") == (0, "", "mpc: loose.topo is formatted\n")
    assert loose.read_text() == NEAT
    assert stat.S_IMODE(loose.stat().st_mode) == 0o640
    assert (neat.stat().st_ino, neat.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert sorted(path.name for path in folder.iterdir()) == ["loose.topo", "neat.topo", "wrong.topo"]


def test_a_damaged_lab_is_reported_and_others_are_written(folder: Path) -> None:
    status, _, said = fmt("wrong.topo", "loose.topo")
    assert status == 1
    assert "error[MPC103]" in said
    assert "mpc: 1 error in wrong.topo; left as it is\n" in said
    assert (folder / "wrong.topo").read_text() == WRONG
    assert (folder / "loose.topo").read_text() == NEAT


def test_a_check_writes_nothing(folder: Path) -> None:
    status, out, said = fmt("--check", "loose.topo", "neat.topo")
    assert (status, out, said) == (1, "", "mpc: loose.topo is not in its layout, which `mpc fmt` writes\n")
    assert fmt("--check", "neat.topo") == (0, "", "")
    assert (folder / "loose.topo").read_text() == LOOSE


def test_a_diff_is_printed(folder: Path) -> None:
    (folder / "cut.topo").write_bytes(b"host  a")
    status, out, _ = fmt("--diff", "loose.topo", "cut.topo", "neat.topo")
    assert status == 0
    wanted = (
        "--- loose.topo\n+++ loose.topo\n@@ -1,2 +1,2 @@\n-host a   b\n-link a--b\n+host a b\n+link a -- b\n"
    )
    assert out.startswith(wanted)
    assert "-host  a\n\\ No newline at end of file\n+host a\n" in out
    assert (folder / "loose.topo").read_text() == LOOSE
    assert fmt("--diff", "--check", "loose.topo")[0] == 1


def test_standard_input_is_printed() -> None:
    assert fmt("-", given=LOOSE) == (0, NEAT, "")
    assert fmt("-", given=WRONG)[:2] == (1, "")
    assert fmt("--check", "-", given=LOOSE)[:2] == (1, "")


def test_a_link_to_a_lab_stays_a_link(folder: Path) -> None:
    (folder / "link.topo").symlink_to("loose.topo")
    assert fmt("link.topo")[0] == 0
    assert (folder / "link.topo").is_symlink()
    assert (folder / "loose.topo").read_text() == NEAT


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes every file")
def test_a_lab_that_may_not_be_written(folder: Path) -> None:
    (folder / "loose.topo").chmod(0o444)
    assert fmt("loose.topo") == (2, "", "mpc: cannot write loose.topo: Permission denied\n")


def test_a_lab_that_cannot_be_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fchmod", full)
    assert fmt("loose.topo", "neat.topo") == (
        2,
        "",
        "mpc: cannot write loose.topo: No space left on device\n",
    )
    assert (folder / "loose.topo").read_text() == LOOSE
    assert sorted(path.name for path in folder.iterdir()) == ["loose.topo", "neat.topo", "wrong.topo"]
