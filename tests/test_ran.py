"""Live tests that ran on no kernel are found, also those that only this machine skipped."""

from pathlib import Path

import pytest
import ran

SKIPPED = '<skipped message="not for this kernel: netem"/>'


def report(path: Path, **cases: str) -> Path:
    """A report of pytest, with the tests' names and the content of their elements."""
    tests = "".join(
        f'<testcase classname="tests.test_live" name="{name}">{inside}</testcase>'
        for name, inside in cases.items()
    )
    path.write_text(f"<testsuites><testsuite>{tests}</testsuite></testsuites>")
    return path


def test_each_test_ran_somewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = report(tmp_path / "here.xml", everywhere="", delay=SKIPPED)
    parts = [report(tmp_path / "other.0.xml", delay="<failure/>"), report(tmp_path / "other.1.xml", more="")]
    assert ran.main([here, *parts]) == 0
    shown = capsys.readouterr().out
    assert "other: 2 live tests ran\n" in shown
    assert "not for every kernel: tests.test_live::delay: other\n" in shown
    assert "everywhere" not in shown


def test_one_ran_nowhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = report(tmp_path / "here.xml", everywhere="", delay=SKIPPED)
    other = report(tmp_path / "other.xml", delay=SKIPPED)
    assert ran.main([here, other]) == 1
    assert "tests.test_live::delay: RAN ON NONE" in capsys.readouterr().out
    assert ran.main([here]) == 1
