"""Highlighting: files of editors are new, and all of a lab has a colour."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from labs import GOLDEN
from pygments.token import Comment, Error, Keyword, Name, Number, String

from compiler.editor.highlight import STARTS, WORDS, TopoLexer

EDITORS = Path(__file__).resolve().parent.parent / "editors"
sys.path.insert(0, str(EDITORS))

import editor_files  # noqa: E402 - it is no package


@pytest.mark.parametrize("path", editor_files.files())
def test_files_are_new(path: str) -> None:
    """`./dev golden` writes them."""
    assert (EDITORS / path).read_text() == editor_files.files()[path]


@pytest.mark.parametrize("path", sorted(EDITORS.rglob("*.json")), ids=lambda path: path.name)
def test_json_is_valid(path: Path) -> None:
    assert json.loads(path.read_text())


def test_patterns_are_regular_expressions() -> None:
    for pattern in json.loads(editor_files.textmate())["patterns"]:
        re.compile(pattern["match"])


def test_words() -> None:
    assert {"host", "link", "tunnel", "bond", "for", "else"} <= set(STARTS)
    assert {"rate", "per-packet", "shortest", "engine"} <= set(WORDS)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_no_character_is_lost(path: Path) -> None:
    """The lexer gives back the text, and each statement's first word is a keyword."""
    text = path.read_text()
    tokens = list(TopoLexer(ensurenl=False, stripnl=False).get_tokens(text))
    assert "".join(value for _, value in tokens) == text
    assert not [value for kind, value in tokens if kind is Error]


def test_kinds() -> None:
    line = 'link a:x -- c[1] address 10.0.0.1/30 rate 5mbit # fast\nrun a "x"\n'
    found = {value.strip(): kind for kind, value in TopoLexer().get_tokens(line) if value.strip()}
    assert found["link"] is found["run"] is Keyword.Declaration
    assert found["address"] is found["rate"] is Keyword
    assert found["a:x"] is Name
    assert found["[1]"] is String.Interpol
    assert found["10.0.0.1/30"] is found["5mbit"] is Number
    assert found["# fast"] is Comment
    assert found['"x"'] is String


def test_vim_reads_its_file(tmp_path: Path) -> None:
    if subprocess.run(["sh", "-c", "command -v vim"], capture_output=True, check=False).returncode:
        pytest.skip("there is no vim")
    lab = tmp_path / "x.topo"
    lab.write_text("host a\n")
    said = tmp_path / "said"
    steps = f"set rtp+={EDITORS / 'vim'}", "syntax on", "set ft=topo", f"redir! > {said}", "syn list", "qa!"
    subprocess.run(["vim", "-es", "-u", "NONE", "-c", " | ".join(steps), lab], timeout=20, check=False)
    assert "topoStatement" in said.read_text()
