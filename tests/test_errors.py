"""Every error and warning: what it looks like, and that its explanation is true.

`errors/NAME.topo` gives `errors/NAME.stderr`, which `./dev golden` writes. A case is named after its code.
"""

import json
import re
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner, Result
from conftest import Golden

from compiler.cli import main
from compiler.driver import Compilation, TopologyError
from compiler.frontend.codes import EXPLANATIONS
from compiler.frontend.diagnostics import Diagnostic

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "errors"
CASES = sorted(path.name for path in FOLDER.glob("*.topo"))

CODES = {
    code
    for path in (ROOT / "compiler").rglob("*.py")
    for code in re.findall(r'"(MPC[0-9]{3})"', path.read_text("utf-8"))
}
"""Those that the compiler's source can give."""

WIDTH = 90
"""Of an explanation, in columns."""

_HEADLINE = re.compile(r"^(?:error|warning)\[(MPC[0-9]{3})\]: .*\n *--> .*:([0-9]+):([0-9]+)$", re.MULTILINE)
_EXAMPLES = re.compile(r"^Wrong.*:\n((?: {4}.*\n)+)Mended:\n((?: {4}.*(?:\n|\Z))+)\Z", re.MULTILINE)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cases are checked from their folder, so that diagnostics show no path."""
    monkeypatch.chdir(FOLDER)


def check(case: str, *options: str) -> Result:
    result = CliRunner().invoke(main, ["check", *options, case])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def places(stderr: str) -> list[tuple[str, int, int]]:
    """The code, line and column of each diagnostic of a text."""
    return [(code, int(line), int(column)) for code, line, column in _HEADLINE.findall(stderr)]


def diagnosed(text: bytes) -> list[Diagnostic]:
    compilation = Compilation("lab.topo", text)
    try:
        _ = compilation.plan
    except TopologyError:
        assert compilation.diagnostics.failed
    return list(compilation.diagnostics)


def examples(code: str) -> tuple[bytes, bytes]:
    """The wrong example of an explanation and its mend; `\\xNN` in it is one byte."""
    match = _EXAMPLES.search(EXPLANATIONS[code])
    assert match, f"the explanation of {code} has no examples in the form of `codes.py`"
    wrong, mended = (
        re.sub(rb"\\x([0-9a-f]{2})", lambda byte: bytes.fromhex(byte[1].decode()), dedent(text).encode())
        for text in match.groups()
    )
    return wrong, mended


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
    assert check(case, "--strict").exit_code == 1
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
    wrong, mended = map(diagnosed, examples(code))
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
