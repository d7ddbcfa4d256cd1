"""The difference between two compilations."""

import json
from functools import partial

from compiler.compare.difference import Broken, Difference, Side, difference, in_one_file, with_one_name
from compiler.compare.export import broken_as_json, difference_as_json
from compiler.compare.lines import Text, Wording, lines, text
from compiler.compare.markdown import markdown
from compiler.compare.sections import report, report_of_broken
from compiler.compare.show import show
from compiler.driver import Compilation, TopologyError
from compiler.ground.diagnostics import Diagnostic, Severity
from compiler.language import syntax
from compiler.language.write import write
from compiler.model.lab import Lab
from compiler.plan.planner import plans
from compiler.scripts.bash import Style
from compiler.scripts.kinds import KINDS


def compare(old: Compilation, new: Compilation) -> Difference | Broken:
    """Compares two labs, or their texts where one of them does not compile.

    A lab without a `lab` statement is named after its file. If neither has one, the old lab is compared under
    the name of the new one.
    """
    names = old.source.name, new.source.name
    told = _text(old, new)
    errors = _errors(old), _errors(new)
    if any(errors):
        return Broken(names, errors, told)
    before = in_one_file(old.lab, new.lab)
    if not (_is_named(old) or _is_named(new)):
        before = with_one_name(before, new.lab)
    return difference(names, _side(before, old), _side(new.lab, new), told)


def _errors(compilation: Compilation) -> tuple[Diagnostic, ...]:
    """The diagnostics of a lab that does not compile."""
    try:
        _ = compilation.lab
    except TopologyError:
        return tuple(compilation.diagnostics)
    return ()


def _is_named(compilation: Compilation) -> bool:
    return any(isinstance(statement, syntax.Lab) for statement in compilation.statements)


def _side(lab: Lab, compilation: Compilation) -> Side:
    scripts = {
        f"{machine}.{kind.name}" if machine else kind.name: partial(kind.make, lab, plan, Style.BATCH)
        for machine, plan in plans(lab).items()
        for kind in KINDS.values()
        if kind.is_called_for(lab)
    }
    warnings = tuple(one for one in compilation.diagnostics if one.severity is Severity.WARNING)
    return Side(lab, warnings, scripts)


def _text(old: Compilation, new: Compilation) -> Text:
    """What differs in the texts; where one of them cannot be expanded, how many lines."""
    sources = old.source.text, new.source.text
    flat = _flat(old), _flat(new)
    if flat[0] is None or flat[1] is None:
        wording = Wording.SAME if sources[0] == sources[1] else Wording.STATEMENTS
        return Text(wording, lines(sources[:1], sources[1:]))
    return text(sources, (flat[0], flat[1]))


def _flat(compilation: Compilation) -> list[str] | None:
    """The flat statements, a line each; None if there are none to be had."""
    try:
        return write(compilation.statements, "").splitlines()
    except TopologyError:
        return None


def told(found: Difference | Broken, form: str) -> str:
    """A difference as `text`, `markdown` or `json`."""
    if form == "json":
        data = broken_as_json(found) if isinstance(found, Broken) else difference_as_json(found)
        return json.dumps(data, indent=2, allow_nan=False) + "\n"
    told = report_of_broken(found) if isinstance(found, Broken) else report(found)
    return markdown(told) if form == "markdown" else show(told)
