"""The commands that measure labs many times, and show what was measured."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from compiler import kept
from compiler.command import (
    CANNOT,
    WRONG_TOPOLOGY,
    completes,
    examples,
    expands,
    fail,
    on_one_machine,
    read,
    say,
    write_file,
)
from compiler.command import report as report_of
from compiler.driver import Compilation, Options, TopologyError
from compiler.ground.diagnostics import visible
from compiler.results.values import ValuesError, points
from compiler.sweep import Point, SweepError, heed_signals, missing, point, prepare
from compiler.sweep import sweep as sweep_over

MOST_WRONG = 3
"""The most labs of a sweep whose errors are shown."""


@click.command(
    epilog=examples(
        "mpc sweep lab.topo -D loss=0..2:0.5 --repeat 3 -o results",
        "mpc sweep lab.topo -D rate=1mbit,10mbit -D delay=10ms..50ms:20ms -o results",
    )
)
@click.argument(
    "lab", type=click.Path(exists=True, dir_okay=False, allow_dash=True), shell_complete=completes("labs")
)
@expands
@click.option(
    "--repeat",
    metavar="N",
    type=click.IntRange(1, 999),
    default=3,
    show_default=True,
    help="Measure N times.",
)
@click.option(
    "-o",
    "directory",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep results in DIR, and measure only what is missing there.",
)
def sweep(options: Options, lab: str, repeat: int, directory: Path) -> None:
    """Bring LAB up, measure its `bench` and take it down, with each combination of values of params.

    -D gives a param values: FIRST..LAST:STEP, or with commas between them.
    """
    first = read(lab, options)
    if first.diagnostics.failed:
        fail(first, "nothing is measured")

    def compiled(params: Mapping[str, str]) -> Compilation:
        return Compilation(lab, first.source.text, kept.folder(), options._replace(settings=params))

    try:
        found = _points([compiled(params) for params in points(options.settings)])
        prepare(directory)
        runs = missing(found, repeat, directory)
        heed_signals()
        failed = sweep_over(runs, compiled, directory, say)
    except (ValuesError, SweepError) as error:
        raise click.UsageError(visible(str(error))) from error
    all_runs = len(found) * repeat
    lacking = f", of which {failed} have no result" if failed else ""
    done = f"{all_runs} run{'s' * (all_runs > 1)}, {len(runs)} of them now{lacking}"
    say(f"{done}; results are in {visible(str(directory))}")
    sys.exit(CANNOT if failed else 0)


@click.command(epilog=examples("mpc report results", "mpc report results other -o report.html"))
@click.argument(
    "paths", nargs=-1, required=True, metavar="RESULT...", type=click.Path(exists=True, path_type=Path)
)
@click.option(
    "-o",
    "file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write FILE, which ends in .html, .svg or .csv, not a table on standard output.",
)
def report(paths: tuple[Path, ...], file: Path | None) -> None:
    """Show what was measured beside what was predicted: files of `bench --json`, or folders of them."""
    from compiler.report import FORMS, NoChartsError, gathered

    form = file.suffix.lower().lstrip(".") if file else "text"
    if form not in FORMS or (file and form == "text"):
        raise click.UsageError(f"{visible(str(file))} ends in none of .html, .svg, .csv")
    found = gathered(paths, say)
    if not found:
        raise click.UsageError("there are no results")
    try:
        text = FORMS[form](found, say)
    except NoChartsError as error:
        say(f"charts need matplotlib, which `pip install 'mpc[report]'` installs: {visible(str(error))}")
        sys.exit(CANNOT)
    if file:
        write_file(file, text)
    else:
        click.echo(text, nl=False)


def _points(compilations: list[Compilation]) -> list[Point]:
    """The points of a sweep. What is wrong with the labs of some is reported, and ends the command."""
    found = []
    wrong = 0
    for compilation in compilations:
        try:
            found.append(_point(compilation))
        except TopologyError:
            wrong += 1
            if wrong <= MOST_WRONG and compilation.options.settings:
                say(f"the lab{_values(compilation)}:")
            if wrong <= MOST_WRONG:
                report_of(compilation)
    if wrong:
        count = len(compilations)
        of = f"{wrong} of {count} labs have errors" if count > 1 else "the lab has errors"
        say(f"{of}; nothing is measured")
        sys.exit(WRONG_TOPOLOGY)
    return found


def _point(compilation: Compilation) -> Point:
    """A point of a sweep; raises TopologyError where its lab has errors."""
    lab = compilation.lab
    on_one_machine(compilation)
    if not lab.benches:
        name = visible(compilation.source.name)
        raise click.UsageError(f"{name} has no `bench`{_values(compilation)}")
    return point(compilation)


def _values(compilation: Compilation) -> str:
    """The values of params that a lab is compiled with, as options of this command."""
    named = [visible(f"{name}={value}") for name, value in compilation.options.settings.items()]
    return " with" * bool(named) + "".join(f" -D {one}" for one in named)
