"""The output of a check, in TAP."""

import re
from typing import NamedTuple

import live


class Point(NamedTuple):
    holds: bool
    said: list[str]


def points(result: live.Result) -> dict[str, Point]:
    """The test points of a check, each with its result and its diagnostic; asserts that the form is TAP's.

    What the check is of stands before the first."""
    version, plan, *rest = result.stdout.splitlines()
    assert version == "TAP version 14"
    found: dict[str, Point] = {}
    for line in rest:
        if not found and line.startswith("# "):
            continue
        if match := re.fullmatch(r"(not )?ok (\d+) - (.+)", line):
            assert int(match[2]) == len(found) + 1
            found[match[3]] = Point(not match[1], [])
        elif not re.fullmatch(r"# \d+ of \d+ failed", line):
            assert line.startswith("# ")
            list(found.values())[-1].said.append(line[2:])
    assert plan == f"1..{len(found)}"
    assert result.returncode == int(not all(point.holds for point in found.values()))
    return found
