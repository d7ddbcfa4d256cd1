"""The examples of the language reference compile as their labels say.

A block of grammar/README.md is ```topo if it compiles without diagnostics, ```topo warning MPC714 if it
compiles with that warning, and ```topo-error MPC206 if it gives that error and nothing else.
"""

import re
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from compiler.driver import Compilation, TopologyError
from compiler.ground.diagnostics import Severity
from compiler.scripts.bash import Style

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "grammar" / "README.md"
FENCED = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LABELS = re.compile(r"text|topo(?: warning(?: MPC7\d\d)+)?|topo-error MPC\d\d\d")


@dataclass(frozen=True)
class Block:
    line: int
    label: str
    text: str

    @property
    def codes(self) -> set[str]:
        """The codes in the label."""
        return set(re.findall(r"MPC\d\d\d", self.label))


def blocks() -> list[Block]:
    text = REFERENCE.read_text()
    return [
        Block(text.count("\n", 0, found.start()) + 1, found[1], found[2]) for found in FENCED.finditer(text)
    ]


def labelled(first_word: str) -> list[Block]:
    return [block for block in blocks() if block.label.split()[:1] == [first_word]]


def place(block: Block) -> str:
    return f"line{block.line}"


def found_in(block: Block) -> dict[Severity, set[str]]:
    """The codes of a compilation to scripts."""
    compilation = Compilation("-", block.text)
    with suppress(TopologyError):
        for machine in compilation.machines:
            "".join(compilation.pieces("up", machine=machine))
    return {
        severity: {found.code for found in compilation.diagnostics if found.severity is severity}
        for severity in (Severity.ERROR, Severity.WARNING)
    }


def test_blocks_are_labelled() -> None:
    """A block with a misspelt label would not be tested."""
    assert [block for block in blocks() if not LABELS.fullmatch(block.label)] == []
    assert REFERENCE.read_text().count("```") == 2 * len(blocks())


@pytest.mark.parametrize("block", labelled("topo"), ids=place)
def test_example_compiles(block: Block) -> None:
    assert found_in(block) == {Severity.ERROR: set(), Severity.WARNING: block.codes}


@pytest.mark.parametrize("block", labelled("topo-error"), ids=place)
def test_wrong_example_is_refused(block: Block) -> None:
    assert found_in(block) == {Severity.ERROR: block.codes, Severity.WARNING: set()}


def test_scripts_are_bash(tmp_path: Path) -> None:
    """The scripts of all examples, parsed in one run of bash that names those with errors."""
    for block in labelled("topo"):
        compilation = Compilation("-", block.text)
        for style in Style:
            for machine in compilation.machines:
                script = "".join(compilation.pieces("up", style, machine))
                (tmp_path / f"line{block.line}.{style}.{machine}.up.sh").write_text(script)
    check = 'for script; do bash -n "$script" || failed=1; done; exit "${failed:-0}"'
    argv = ["bash", "-c", check, "bash", *map(str, sorted(tmp_path.iterdir()))]
    run = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_the_readme_shows_what_is_compiled() -> None:
    """Its first topology is the diamond, and its excerpts of bash are from the diamond's script."""
    shown = FENCED.findall((ROOT / "README.md").read_text())
    script = (ROOT / "out" / "diamond.up.sh").read_text()
    pieces = [text for label, text in shown if label == "bash"]
    assert len(pieces) > 1
    assert all(f"\n{piece}" in script for piece in pieces)
    assert ("topo", (ROOT / "tests" / "golden" / "diamond.topo").read_text()) in shown
