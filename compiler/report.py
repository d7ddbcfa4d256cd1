"""A report on files of results: what was measured beside what was predicted, in several forms."""

from collections.abc import Callable, Iterable
from pathlib import Path

from compiler.driver import Compilation, TopologyError
from compiler.ground.diagnostics import visible
from compiler.language.files import LARGEST
from compiler.pictures.drawing import CannotDrawError, svg
from compiler.pictures.picture import picture
from compiler.results.measured import NoResultError, Result, read, results
from compiler.results.page import page
from compiler.results.stack import stacked
from compiler.results.summary import rows
from compiler.results.tables import as_csv, table

MOST_PICTURES = 4
"""The most labs that are drawn."""

Say = Callable[[str], None]


class NoChartsError(Exception):
    """matplotlib is missing."""


def gathered(paths: Iterable[Path], say: Say) -> list[Result]:
    """The results in files and folders; says which files are none."""
    found = []
    for path in results(list(paths)):
        try:
            found.append(read(path))
        except NoResultError as error:
            say(f"left out {visible(str(path))}: {error}")
    return [one for one in found if one.measurements]


def _html(found: list[Result], say: Say) -> str:
    of = rows(found)
    return page(found, of, _pictures(found, say), _charts(found))


def _svg(found: list[Result], say: Say) -> str:
    drawn = [one for _, one in (*_pictures(found, say), *_charts(found)) if one]
    return stacked(drawn)


def _charts(found: list[Result]) -> list[tuple[str, str]]:
    try:
        from compiler.results.charts import charts
    except ImportError as error:
        raise NoChartsError(str(error)) from error
    return charts(rows(found))


def _pictures(found: Iterable[Result], say: Say) -> list[tuple[str, str]]:
    """The picture of each lab, as it was when its first result was measured."""
    first: dict[str, Result] = {}
    for one in found:
        first.setdefault(one.lab, one)
    drawn = []
    for one in [*first.values()][:MOST_PICTURES]:
        try:
            drawn.append((f"{one.lab} {one.point}".rstrip(), _picture(one)))
        except (CannotDrawError, NoResultError) as error:
            say(f"no picture of {one.lab}: {visible(str(error))}")
    return drawn


def _picture(result: Result) -> str:
    """The picture of the lab beside a result: `x.topo` of `x.json` or `x.1.json`, if it has the same plan."""
    path = Path(result.file)
    names = (path.with_suffix("").with_suffix(".topo"), path.with_suffix(".topo"))
    for name in names:
        if not name.is_file():
            continue
        with name.open("rb") as file:
            compilation = Compilation(str(name), file.read(LARGEST))
        try:
            if result.plan in (plan.digest for plan in compilation.plans.values()):
                return svg(picture(compilation.lab))
        except TopologyError:
            continue
    raise NoResultError(f"no lab of the plan {result.plan} is beside {path.name}")


FORMS: dict[str, Callable[[list[Result], Say], str]] = {
    "html": _html,
    "svg": _svg,
    "csv": lambda found, _: as_csv(found),
    "text": lambda found, _: table(rows(found)),
}
"""What makes each form of a report. html and svg raise NoChartsError."""
