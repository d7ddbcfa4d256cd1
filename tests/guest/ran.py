"""Tells which live tests ran on which kernel: `python tests/guest/ran.py REPORT...`.

The reports are JUnit's XML, one a kernel, as pytest writes them; the first is this machine's, and has every
live test. Ends with 1 where a test ran on none of the kernels.
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
    """Prints a line a kernel, and the tests that are not for this one or ran on none."""
    by_kernel = {report.stem: ran(report) for report in reports}
    for kernel, tests in by_kernel.items():
        print(f"{kernel}: {sum(tests.values())} live tests ran")
    nowhere = 0
    for test, here in next(iter(by_kernel.values())).items():
        elsewhere = [kernel for kernel, tests in by_kernel.items() if tests.get(test)]
        if not here:
            print(f"not for this kernel: {test}: {', '.join(elsewhere) or 'RAN ON NO KERNEL'}")
        nowhere += not elsewhere
    if nowhere:
        print(f"{nowhere} LIVE TESTS RAN ON NO KERNEL")
    return 1 if nowhere else 0


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
