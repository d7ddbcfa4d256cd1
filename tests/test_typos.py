"""Common mistakes: each is reported at its place, and every offered fix works."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
import typos
from click.testing import CliRunner

from compiler.cli import main
from compiler.driver import Compilation, TopologyError
from compiler.ground import foreign
from compiler.ground.diagnostics import Diagnostic, nearest
from compiler.ground.units import PERCENT, RATES, SIZES, TIMES
from compiler.language.complaints import STATEMENTS
from compiler.language.syntax import LINK_ATTRIBUTES, NODE_ATTRIBUTES

FOLDER = Path(__file__).resolve().parent / "errors"

OF_THE_LAB_ALONE = {"MPC701", "MPC708", "MPC715"}
"""Warnings that a single statement can cause: nodes without links, unused profiles."""

_MEND = re.compile(r"did you mean `(.+?)`\?")


def diagnosed(text: str, name: str = "lab.topo") -> list[Diagnostic]:
    compilation = Compilation(name, text)
    with suppress(TopologyError):
        _ = compilation.plans
    return [found for found in compilation.diagnostics if found.code not in OF_THE_LAB_ALONE]


def errors(text: str) -> list[str]:
    return [found.message for found in diagnosed(text) if found.severity == "error"]


def first(marked: str) -> Diagnostic:
    """The first diagnostic of a statement, which must be at the marked span."""
    head, rest = marked.split("«")
    place, tail = rest.split("»")
    found, *_ = diagnosed(f"{typos.LAB}{head}{place}{tail}\n")
    start = len(typos.LAB) + len(head)
    assert (found.span.start, found.span.end) == (start, start + len(place)), found
    return found


def mended(found: Diagnostic) -> str:
    """The text with the fix applied."""
    match = _MEND.match(found.help)
    assert match, found.help
    text = found.span.source.text
    return text[: found.span.start] + match[1] + text[found.span.end :]


@pytest.mark.parametrize("marked", typos.MENDED)
def test_a_mend_is_one(marked: str) -> None:
    found = first(marked)
    assert found.help.startswith(f"did you mean `{typos.MENDED[marked]}`?")
    left = diagnosed(mended(found))
    assert [one for one in left if one.severity == "error" or one.code == found.code] == []


@pytest.mark.parametrize("marked", typos.BEGUN)
def test_a_mend_is_the_first_step(marked: str) -> None:
    found = first(marked)
    assert found.help.startswith(f"did you mean `{typos.BEGUN[marked]}`?")
    left = [(one.message, one.span.start) for one in diagnosed(mended(found))]
    assert (found.message, found.span.start) not in left


@pytest.mark.parametrize("marked", typos.ADVISED)
def test_advice(marked: str) -> None:
    found = first(marked)
    assert found.help.startswith(typos.ADVISED[marked])
    assert not found.help.startswith("did you mean")


@pytest.mark.parametrize("case", sorted(path.name for path in FOLDER.glob("*.topo")))
def test_mends_of_golden_files(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Applied to the marked span, the fix removes the diagnostic."""
    monkeypatch.chdir(FOLDER)
    compilation = Compilation(case, (FOLDER / case).read_bytes())
    with suppress(TopologyError):
        _ = compilation.plans
    for found in compilation.diagnostics:
        if not (match := _MEND.match(found.help)) or found.span.source is not compilation.source:
            continue
        text = mended(found)
        again = [(one.code, one.span.start, one.message) for one in diagnosed(text, case)]
        assert (found.code, found.span.start, found.message) not in again, (found, match[1])


STATEMENT_LINES = """\
profile wan rate 20mbit delay 40ms
default link mtu 1400 cost 2
link a -- c queue 100p burst 16kb rate 10mbit
shape a -> c jitter 1ms loss 1% duplicate 1% corrupt 1%
link a -- c delay 1ms reorder 1% subnet 10.1.0.0/30
routing shortest by delay aggregate
route a to b via c weight 2
mptcp a -- b endpoints a:c subflow backup subflows 2 accept 2
sysctl a net.ipv4.tcp_sack=1
masquerade c out a
expect a -> b reachable
expect b -> a rate >= 1mbit using mptcp
bench a -> b using tcp
at 10s down a -- c
host e address 10.9.9.9 netns x forward off
router e forward off
switch s subnet 10.7.0.0/24 netns y
param n = 4
use std/ring as r with n=4
"""


@pytest.mark.parametrize("line", STATEMENT_LINES.splitlines())
def test_two_letters_in_the_wrong_order(line: str) -> None:
    """In each keyword of four letters or more: the error is reported, and the keyword suggested."""
    assert errors(f"{typos.LAB}{line}\n") == []
    checked = 0
    for word in re.finditer(r"\b[a-z]{4,}\b", line):
        keyword = word[0] in {*STATEMENTS, *LINK_ATTRIBUTES, *foreign.KEYWORDS.ours, "netns", "forward"}
        for i in range(len(word[0]) - 1) if keyword else ():
            wrong = word[0][:i] + word[0][i + 1] + word[0][i] + word[0][i + 2 :]
            if wrong == word[0]:
                continue
            found, *_ = diagnosed(f"{typos.LAB}{line[: word.start()]}{wrong}{line[word.end() :]}\n")
            assert found.span.text == wrong
            assert found.help.startswith(f"did you mean `{word[0]}`?")
            checked += 1
    assert checked or line.startswith(("use", "at"))


def test_foreign_words_are_not_ours() -> None:
    """No synonym is a keyword itself, and none is in a table twice."""
    ours = {
        "STATEMENTS": set(STATEMENTS),
        "LINK_ATTRIBUTES": set(LINK_ATTRIBUTES),
        "NODE_ATTRIBUTES": set(NODE_ATTRIBUTES),
    }
    for name, own in ours.items():
        words: foreign.Words = getattr(foreign, name)
        assert set(words.ours) <= own
        theirs = [word for text in (*words.ours.values(), *words.advice) for word in text.split()]
        assert [word for word in theirs if theirs.count(word) > 1] == []
        assert set(words.why) <= set(words.ours)
        assert not {word for text in words.ours.values() for word in text.split()} & own
    assert set(foreign.UNITS) <= {*RATES, *TIMES, *SIZES, *PERCENT, "p"}


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("nat", ["at", "route"], ""),
        ("forward", ["for", "host"], ""),
        ("pc1", ["PC1", "PC2"], "PC1"),
        ("PC1", ["pc1", "pc2"], "pc1"),
        ("of", ["off", "on"], "off"),
        ("tpc", ["tcp", "udp"], "tcp"),
        ("h-2", ["h1", "h2"], "h2"),
        ("x", ["y"], ""),
        ("a" * 101, ["a" * 100], ""),
    ],
)
def test_what_is_near(word: str, known: list[str], near: str) -> None:
    assert nearest(word, known) == near


def test_a_bad_name_of_the_file_hides_nothing() -> None:
    """All errors are reported in one run, also those of passes after name resolution."""
    text = "host a b c\nlink a -- b subnet 10.0.0.0/24\nlink b -- c subnet 10.0.0.128/30\n"
    named = {found.code for found in diagnosed(text)}
    assert named == {"MPC402"}
    assert {found.code for found in diagnosed(text, "01.topo")} == named | {"MPC203"}
    assert {found.code for found in diagnosed(f"lab 01\n{text}")} == named | {"MPC203"}


def test_names_in_braces_are_names() -> None:
    text = "host a {b,foward,on} {image,ubuntu}\nrouter r\nlink r -- {a,b,foward,on}\n"
    assert errors(text) == []
    assert errors("host a image ubuntu\nlink a -- image -- ubuntu\n") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chekc", "l.topo"], "'check'"),
        (["check", "--strct", "l.topo"], "'--strict'"),
        (["l.topo"], "`mpc compile l.topo`"),
        (["deploy", "l.topo"], "`mpc up l.topo`"),
        (["destroy", "l.topo"], "`mpc down l.topo`"),
        (["build", "l.topo"], "`mpc compile l.topo`"),
        (["validate", "l.topo"], "`mpc check l.topo`"),
        (["explain", "msc201"], "did you mean MPC201?"),
        (["explain", "201"], "did you mean MPC201?"),
        (["explain", "what"], "they are MPC101 to "),
        (["check", "-D", "n:4", "l.topo"], "did you mean `n=4`?"),
        (["check", "-D", "2n=4", "l.topo"], "`2n` cannot name a param"),
        (["paths", "l.topo", "A", "b"], "did you mean `a`?"),
    ],
)
def test_the_command_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("l.topo").write_text("param n = 4\nhost a b\nlink a -- b\n")
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr.replace("\n", " ")
