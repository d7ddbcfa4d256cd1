"""The command that shows how full links are, while a lab is up."""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

import click

from compiler import counters, machine
from compiler.command import CANNOT, examples, fail, on_one_machine, say, takes_lab
from compiler.driver import Compilation, TopologyError
from compiler.filling import Filling, directions, fillings
from compiler.ground.diagnostics import visible


class _View(Protocol):
    """Where it is shown."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, seconds: float, found: Sequence[Filling]) -> None: ...


class _Lines:
    """Lines of values with tabs between them, for programs and for terminals that cannot draw."""

    def __enter__(self) -> Self:
        click.echo("seconds\tfrom\tto\tsent\trate\tshare")
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def show(self, seconds: float, found: Sequence[Filling]) -> None:
        for one in found:
            limit = "-" if one.direction.rate is None else str(one.direction.rate)
            share = "-" if one.share is None else f"{one.share:.3f}"
            ends = one.direction.source, one.direction.target
            click.echo("\t".join((f"{seconds:.1f}", *ends, f"{one.sent:.0f}", limit, share)))


@click.command(
    epilog=examples(
        "mpc watch lab.topo",
        "mpc watch --every 0.5 --for 60 lab.topo",
        "mpc watch lab.topo > rates.tsv",
    )
)
@takes_lab
@click.option(
    "--every",
    metavar="SECONDS",
    type=click.FloatRange(0.1, 3600),
    default=1.0,
    show_default=True,
    help="Look as often.",
)
@click.option(
    "--for", "length", metavar="SECONDS", type=click.FloatRange(0.1), help="End then, and not with Ctrl-C."
)
def watch(compilation: Compilation, every: float, length: float | None) -> None:
    """Show how full the links of LAB are, each direction beside its rate, while it is up.

    A terminal has a table, by rich; elsewhere, lines have values with tabs between them, in bit/s.
    """
    try:
        lab = compilation.lab
    except TopologyError:
        fail(compilation, "nothing is watched")
    on_one_machine(compilation)
    if os.geteuid() != 0:
        _become_root(compilation)
    try:
        with suppress(KeyboardInterrupt), _view(lab.name) as view:
            _look(compilation, view, every, length)
    except counters.GoneError as error:
        say(f"the lab is not up: there is no namespace {error}")
        sys.exit(CANNOT)
    except PermissionError as error:
        say(f"cannot enter the lab's namespaces: {error.strerror}")
        sys.exit(CANNOT)


def _look(compilation: Compilation, view: _View, every: float, length: float | None) -> None:
    """Looks until the time is over or the lab is down; raises GoneError where it is not up at first."""
    ways = directions(compilation.lab)
    namespaces = dict.fromkeys(one.namespace for one in ways)
    before, begun = counters.read(namespaces), time.monotonic()
    number = 1
    while length is None or (number - 0.5) * every < length:
        time.sleep(max(0.0, begun + number * every - time.monotonic()))
        try:
            after = counters.read(namespaces)
        except counters.GoneError:
            say("the lab is down")
            return
        view.show(time.monotonic() - begun, fillings(ways, before, after))
        before = after
        number = max(number + 1, int((time.monotonic() - begun) / every) + 1)


def _view(lab: str) -> _View:
    """A screen where standard output is a terminal that can draw, and rich is there; else lines."""
    if not sys.stdout.isatty() or os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        return _Lines()
    try:
        from compiler.screen import Screen
    except ImportError as error:
        say(f"a table needs rich, which `pip install 'mpc[watch]'` installs: {visible(str(error))}")
        return _Lines()
    return Screen(lab)


def _become_root(compilation: Compilation) -> None:
    """Has this command run as root in place of this process."""
    if compilation.source.name == "-":
        say("this needs root, and sudo runs it again, with a LAB that is a file")
        sys.exit(CANNOT)
    try:
        machine.become([sys.executable, *sys.orig_argv[1:]], None)
    except machine.CannotRunError as error:
        say(visible(str(error)))
        sys.exit(CANNOT)
