"""Options, golden files, and a report of skipped live tests."""

import difflib
import os
import signal
from collections.abc import Callable, Generator
from pathlib import Path
from shutil import which

import machine
import pytest
from _pytest.runner import runtestprotocol

Golden = Callable[[Path, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write golden files anew; runs only what has them")


def pytest_configure() -> None:
    """Restores the default handling of signals for child processes, also under nohup(1) or behind `&`."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compares a text with the golden file at a path, or with --update writes the file."""

    def hold(path: Path, text: str) -> None:
        before = path.read_text() if path.exists() else ""
        if request.config.getoption("--update"):
            path.write_text(text)
        elif text != before:
            diff = difflib.unified_diff(before.splitlines(), text.splitlines(), str(path), "now", lineterm="")
            pytest.fail("\n".join([*diff, "run ./dev golden if this is meant"]), pytrace=False)

    return hold


def live_required() -> bool:
    return os.environ.get("MPC_LIVE") == "require"


def needs_programs(*names: str) -> pytest.MarkDecorator:
    """A mark for tests of programs that are not everywhere; with MPC_LIVE=require they fail without them."""
    missing = [name for name in names if not which(name)]
    reason = f"there is no {' and no '.join(missing)}"
    return pytest.mark.skipif(bool(missing) and not live_required(), reason=reason)


def needed(item: pytest.Item) -> set[str]:
    """The features that a test needs and some kernels lack."""
    return {str(feature) for marker in item.iter_markers("every_kernel") for feature in marker.args}


def lacking(item: pytest.Item) -> list[str]:
    """The features that a test needs and this kernel lacks."""
    return sorted(feature for feature in needed(item) if not machine.has(feature))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out tests without golden files where those are updated.

    In guests, MPC_LACKING=FEATURES leaves those that need one of these, which another kernel lacks, and
    MPC_PART=0/2 every second one of what is selected.
    """
    kept = items
    if config.getoption("--update"):
        kept = [item for item in items if "golden" in getattr(item, "fixturenames", ())]
    if features := os.environ.get("MPC_LACKING"):
        kept = [item for item in kept if needed(item) & set(features.split())]
    if part := os.environ.get("MPC_PART"):
        place, count = map(int, part.split("/"))
        kept = kept[place::count]
    if kept is not items:
        known = set(kept)
        config.hook.pytest_deselected(items=[item for item in items if item not in known])
        items[:] = kept


def pytest_runtest_setup(item: pytest.Item) -> None:
    if not item.get_closest_marker("live"):
        return
    if missing := machine.missing():
        reason = "live tests need " + ", ".join(missing)
        if live_required():
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    if features := lacking(item):
        pytest.skip("not for this kernel: " + ", ".join(features))


RUNS = 3


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Runs a live test that fails again, at most `RUNS` times in all, unless it has the marker `once`.

    A machine that others load stalls for seconds, and what a test measures then says nothing. The summary
    tells which tests ran again. The plugin rerunfailures would do this, but its workers have to reach a
    socket of the controller, and ours are in network namespaces of their own.
    """
    if not item.get_closest_marker("live") or item.get_closest_marker("once"):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for _ in range(RUNS - 1):
        reason = next((str(report.longrepr) for report in reports if report.failed), None)
        if reason is None:
            break
        item.user_properties.append(("again", reason))
        item._initrequest()  # type: ignore[attr-defined] # noqa: SLF001 - what rerunfailures does
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Names skipped live tests, and with MPC_LIVE=require makes them failures.

    Tests that are not for this kernel are excluded: they have to run on another one (tests/ran.py).
    """
    report = yield
    elsewhere = not machine.missing() and lacking(item)
    if report.skipped and item.get_closest_marker("live") and not elsewhere:
        report.user_properties.append(("live", "skipped"))
        if live_required():
            report.outcome, report.longrepr = "failed", "a live test was skipped under MPC_LIVE=require"
    return report


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Counts skipped live tests, and tells which ran again, by reports, which also workers of xdist send."""
    finished = [report for reports in terminalreporter.stats.values() for report in reports]
    for report in (report for report in finished if getattr(report, "when", None) == "teardown"):
        for name, reason in report.user_properties:
            if name == "again":
                terminalreporter.write_sep("-", f"RAN AGAIN: {report.nodeid}")
                terminalreporter.write_line(reason)
    skipped = terminalreporter.stats.get("skipped", [])
    if count := sum(("live", "skipped") in map(tuple, report.user_properties) for report in skipped):
        reason = "; missing: " + ", ".join(machine.missing()) if machine.missing() else ""
        line = f"{count} LIVE TESTS SKIPPED: the scripts were not run on a kernel{reason}"
        terminalreporter.write_sep("!", line, red=True, bold=True)
