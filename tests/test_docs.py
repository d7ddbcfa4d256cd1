"""docs/multipath.md: the codes and tests that each rule cites exist, and no rule is missing."""

import re
from pathlib import Path

import pytest

from compiler.ground.codes import EXPLANATIONS

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "multipath.md").read_text()
ROWS = dict(re.findall(r"^\| ([A-Z]\d\d) \| (.*) \|$", PAGE, re.MULTILINE))
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").glob("test_*.py"))
CASES = [path.stem for path in (ROOT / "tests" / "errors").glob("*.topo")]

WANTED = {"M": 23, "E": 14, "T": 4, "Q": 6, "S": 7}
"""How many rules there are, by their first letter."""


def test_no_rule_is_left_out() -> None:
    assert list(ROWS) == [f"{kind}{n:02}" for kind, count in WANTED.items() for n in range(1, count + 1)]


@pytest.mark.parametrize("rule", ROWS)
def test_what_a_rule_names_is_there(rule: str) -> None:
    what, verdict, by = (part.strip() for part in f"{ROWS[rule]} ".split(" | "))
    assert what
    tests, codes = re.findall(r"`(test_\w+)`", by), re.findall(r"MPC\d{3}", by)
    assert all(f"def {test}(" in TESTS for test in tests)
    assert all(code in EXPLANATIONS and any(code in case for case in CASES) for code in codes)
    assert bool(tests or codes) == (not verdict.startswith("not decided") or rule == "M18")
    assert bool(codes) >= ("diagnostic" in verdict)


@pytest.mark.parametrize("link", re.findall(r"\]\((\.\./[^)#]+)", PAGE))
def test_links_lead_to_files(link: str) -> None:
    assert (ROOT / "docs" / link).exists()
