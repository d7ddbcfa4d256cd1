"""Tells which live tests ran on which kernel: `python tests/ran.py REPORT...`.

The reports are JUnit's XML as pytest writes them, one a kernel, and together have every live test. Ends with
1 where a test ran on none of the kernels.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET


def ran(report: Path) -> dict[str, bool]:
    """The tests of a report, and whether each ran to an end, good or bad."""
    cases = ET.parse(report).iter("testcase")
    return {f"{case.get('classname')}::{case.get('name')}": case.find("skipped") is None for case in cases}


def main(reports: Sequence[Path]) -> int:
    """Prints a line a kernel, and where the tests ran that some kernel is not for."""
    by_kernel = {report.stem: ran(report) for report in reports}
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
