"""Checks that every live test ran on some kernel: `python tests/ran.py REPORT...`.

The reports are JUnit XML of pytest, `KERNEL.xml`, or `KERNEL.PART.xml` for each part of a kernel's tests. The
exit status is 1 if a test ran on no kernel.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET


def ran(report: Path) -> dict[str, bool]:
    """The tests of a report, and whether each was run, passing or not."""
    cases = ET.parse(report).iter("testcase")
    return {f"{case.get('classname')}::{case.get('name')}": case.find("skipped") is None for case in cases}


def main(reports: Sequence[Path]) -> int:
    """Prints a line per kernel, and where the tests ran that are not for some kernel."""
    by_kernel: dict[str, dict[str, bool]] = {}
    for report in reports:
        by_kernel.setdefault(report.name.partition(".")[0], {}).update(ran(report))
    for kernel, tests in by_kernel.items():
        print(f"{kernel}: {sum(tests.values())} live tests ran")
    skipped = {test for tests in by_kernel.values() for test, done in tests.items() if not done}
    nowhere = 0
    for test in sorted(skipped):
        where = [kernel for kernel, tests in by_kernel.items() if tests.get(test)]
        print(f"not for every kernel: {test}: {', '.join(where) or 'RAN ON NONE'}")
        nowhere += not where
    if nowhere:
        print(f"{nowhere} LIVE TESTS RAN ON NO KERNEL")
    return 1 if nowhere else 0


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
