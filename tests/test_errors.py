"""Every error, warning and note: its rendering, and the examples of its explanation.

`errors/NAME.topo` gives `errors/NAME.stderr`, which `./dev golden` writes. A case is named after its code.
"""

import json
import re
from functools import cache
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner, Result
from conftest import Golden

from compiler.cli import main
from compiler.driver import Compilation, TopologyError
from compiler.ground.codes import EXPLANATIONS
from compiler.ground.diagnostics import Diagnostic, render

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "errors"
CASES = sorted(path.name for path in FOLDER.glob("*.topo"))

CODES = {
    code
    for path in (ROOT / "compiler").rglob("*.py")
    for code in re.findall(r'"(MPC[0-9]{3})"', path.read_text("utf-8"))
}
"""The codes in the compiler's source."""

NOTES = {f"MPC{number}" for number in (570, 740, 741, 742, 743, 744, 745, 746, 748, 751, 756, 765, 776, 777)}
"""Codes of notes, which `mpc check` reports; the examples of other codes may give them too."""

WIDTH = 90
"""The most columns of an explanation."""

_HEADLINE = re.compile(
    r"^(?:error|warning|note)\[(MPC[0-9]{3})\]: .*\n *--> .*:([0-9]+):([0-9]+)$", re.MULTILINE
)
_EXAMPLES = re.compile(r"^Wrong.*:\n((?: {4}.*\n)+)Mended:\n((?: {4}.*(?:\n|\Z))+)\Z", re.MULTILINE)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cases are compiled in their directory, so that diagnostics contain no path."""
    monkeypatch.chdir(FOLDER)


@cache
def check(case: str, *options: str) -> Result:
    result = CliRunner().invoke(main, ["check", *options, case])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def places(stderr: str) -> list[tuple[str, int, int]]:
    """The code, line and column of each diagnostic of a text."""
    return [(code, int(line), int(column)) for code, line, column in _HEADLINE.findall(stderr)]


def diagnosed(text: bytes, *, notes: bool = False) -> list[Diagnostic]:
    compilation = Compilation("lab.topo", text)
    try:
        _ = compilation.plans
        if notes:
            compilation.survey()
    except TopologyError:
        assert compilation.diagnostics.failed
    return list(compilation.diagnostics)


def examples(code: str) -> tuple[bytes, bytes]:
    """The wrong example of an explanation and the fixed one.

    `\\xNN` in it is one byte, and `a1,...,a9` stands for all names in between too.
    """
    match = _EXAMPLES.search(EXPLANATIONS[code])
    assert match, f"the explanation of {code} has no examples in the form of `codes.py`"
    wrong, mended = (_written_out(dedent(text).encode()) for text in match.groups())
    return wrong, mended


def _written_out(text: bytes) -> bytes:
    text = re.sub(rb"\\x([0-9a-f]{2})", lambda byte: bytes.fromhex(byte[1].decode()), text)
    return re.sub(rb"([a-z])1,\.\.\.,\1([0-9]+)", _all_names, text)


def _all_names(names: re.Match[bytes]) -> bytes:
    return b",".join(b"%b%d" % (names[1], number) for number in range(1, int(names[2]) + 1))


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("case", CASES)
def test_message(case: str, golden: Golden) -> None:
    result = check(case)
    assert result.stdout == ""
    golden(FOLDER / case.replace(".topo", ".stderr"), result.stderr)


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("case", CASES)
def test_status_and_code(case: str) -> None:
    result = check(case)
    assert result.exit_code == ("\nerror[" in f"\n{result.stderr}")
    assert check(case, "--strict").exit_code == bool(
        re.search(r"^(error|warning)\[", result.stderr, re.MULTILINE)
    )
    code = case.partition("-")[0]
    assert code == "many" or code in {found for found, _, _ in places(result.stderr)}


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("case", CASES)
def test_json_says_the_same(case: str) -> None:
    text, result = check(case), check(case, "--format", "json")
    found = [(item["code"], item["line"], item["column"]) for item in json.loads(result.stdout)]
    assert found == places(text.stderr)
    files = {item["file"] for item in json.loads(result.stdout)}
    assert all(name == case or name.startswith("files/") for name in files)
    assert (result.exit_code, result.stderr) == (text.exit_code, "")


def test_no_golden_file_is_left_over() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.stderr")) == [
        case.removesuffix(".topo") for case in CASES
    ]


def test_every_code_has_a_case() -> None:
    assert {case.partition("-")[0] for case in CASES} - {"many"} == CODES


def test_every_code_has_an_explanation() -> None:
    assert set(EXPLANATIONS) == CODES


@pytest.mark.parametrize("code", EXPLANATIONS)
def test_explanation_is_true(code: str) -> None:
    wrong, mended = (diagnosed(text, notes=code in NOTES) for text in examples(code))
    assert {found.code for found in wrong} >= {code}
    assert mended == []


@pytest.mark.parametrize("code", EXPLANATIONS)
def test_explanation_reads_well(code: str) -> None:
    headline, blank, *rest = f"{code}: {EXPLANATIONS[code]}".splitlines()
    assert headline.endswith(".")
    assert blank == ""
    assert [line for line in (headline, *rest) if len(line) > WIDTH] == []


def test_explain_prints_it() -> None:
    result = CliRunner().invoke(main, ["explain", "mpc201"])
    assert (result.exit_code, result.stdout) == (0, f"MPC201: {EXPLANATIONS['MPC201']}\n")


@pytest.mark.parametrize(("text", "severity"), [("x y\n", "error"), ("host h%\n", "warning")])
def test_a_hundred_are_enough(text: str, severity: str, tmp_path: Path) -> None:
    """Of each severity; the output says that there are more."""
    path = tmp_path / "lab.topo"
    path.write_text("".join(text.replace("%", str(number)) for number in range(101)))
    result = check(str(path))
    assert result.stderr.count(f"\n{severity}[") + result.stderr.startswith(f"{severity}[") == 100
    assert result.stderr.endswith(f"mpc: 100 {severity}s in {path}, and there are more\n")


def test_a_long_line_is_shown_in_part() -> None:
    found = diagnosed(b"host a b # " + b"-" * 500 + b"\nhost " + b"x" * 40 + b" ; " + b"y" * 500)
    shown = render(found[0]).splitlines()
    assert shown[3].startswith("2 | host xxxx")
    assert shown[4].index("^") == shown[3].index(";")
    found = diagnosed(b"host a b\nlink a " + b" " * 300 + b"-- b ; " + b" " * 300)
    shown = render(found[0]).splitlines()
    assert shown[3].startswith("2 | ...   ")
    assert shown[3].endswith("  ...")
    assert shown[4].index("^") == shown[3].index(";")
