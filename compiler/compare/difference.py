"""The whole difference between two labs."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from compiler.compare.changes import Change, Value, changes, differing_texts
from compiler.compare.figures import Forecasts, forecasts
from compiler.compare.inferred import addresses_of, settings_of
from compiler.compare.lines import Lines, Text, Wording, lines
from compiler.compare.names import Names, matched
from compiler.compare.reached import Reachable, reachability
from compiler.compare.routes import RouteChange, route_changes
from compiler.compare.things import things
from compiler.ground.diagnostics import Diagnostic
from compiler.model.lab import Lab
from compiler.model.vlans import whole_of
from compiler.model.vrfs import whole
from compiler.prediction.predict import Predictor

AT_REST = {"expect", "bench", "at", "run", "capture"}
"""The kinds of statements that leave the network of a lab at rest as it is."""


class Side(NamedTuple):
    """One lab: its warnings, and its scripts in pieces, by kind."""

    lab: Lab
    warnings: tuple[Diagnostic, ...]
    scripts: Mapping[str, Callable[[], Iterable[str]]]


class Difference(NamedTuple):
    """What differs between two labs.

    `changes` is what they state, in which interfaces have their new names, and `renamed` are those that had
    another. `addresses`, `settings` and `routes` are inferred. `warnings` are those of old alone,
    and of new alone. `scripts` has the kinds of which a line differs.
    """

    names: tuple[str, str]
    changes: tuple[Change, ...]
    renamed: tuple[tuple[str, str], ...]
    reachable: tuple[Reachable, ...]
    forecasts: Forecasts
    addresses: tuple[Value, ...]
    settings: tuple[Value, ...]
    routes: tuple[RouteChange, ...]
    warnings: tuple[tuple[Diagnostic, ...], tuple[Diagnostic, ...]]
    scripts: Mapping[str, Lines]
    text: Text

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs, in the texts neither."""
        return not self.differs and self.text.wording is Wording.SAME

    @property
    def differs(self) -> bool:
        """Whether anything but the texts differs."""
        stated = self.changes, self.renamed, *self.warnings
        return any((*stated, self.addresses, self.settings, self.routes, self.scripts))

    @property
    def in_network(self) -> bool:
        """Whether the labs state other things, beside names of interfaces."""
        return bool(self.changes)


class Broken(NamedTuple):
    """Two labs of which at least one does not compile: the diagnostics of each that does not."""

    names: tuple[str, str]
    errors: tuple[tuple[Diagnostic, ...], tuple[Diagnostic, ...]]
    text: Text


def difference(names: tuple[str, str], old: Side, new: Side, text: Text) -> Difference:
    """Compares two labs; `names` are those of their files."""
    shown = whole(old.lab), whole(new.lab)
    same = matched(*shown)
    called = Names(old.lab, {**same.renamed, **same.gone}), Names(new.lab, {})
    written = things(shown[0], same.old, Names(old.lab, same.renamed))
    stated = tuple(changes(written, things(shown[1], same.new, called[1])))
    moving = [one for one in stated if one.kind not in AT_REST]
    predictors = Predictor(old.lab), Predictor(new.lab)
    interfaces = {str(old): str(new) for old, new in same.renamed.items()}
    return Difference(
        names=names,
        changes=stated,
        renamed=tuple(interfaces.items()),
        reachable=tuple(reachability(*predictors)) if moving else (),
        forecasts=forecasts(*predictors, moving, interfaces) if moving else Forecasts((), 0),
        addresses=tuple(differing_texts(*_both(addresses_of, old, new, called))),
        settings=tuple(differing_texts(*_both(settings_of, old, new, called))),
        routes=tuple(route_changes(old.lab, new.lab, called)),
        warnings=(_beside(old.warnings, new.warnings), _beside(new.warnings, old.warnings)),
        scripts=_scripts(old, new),
        text=text,
    )


def _both(
    told: Callable[[Lab, Names], dict[str, str]], old: Side, new: Side, called: tuple[Names, Names]
) -> tuple[dict[str, str], dict[str, str]]:
    return told(old.lab, called[0]), told(new.lab, called[1])


def _beside(found: Iterable[Diagnostic], others: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The diagnostics that are not among the others, by code and message."""
    known = Counter((one.code, one.message) for one in others)
    own = []
    for one in found:
        key = one.code, one.message
        known[key] -= 1
        if known[key] < 0:
            own.append(one)
    return tuple(own)


def _scripts(old: Side, new: Side) -> dict[str, Lines]:
    """The lines that differ, by the kind of script; of one that only one side has, all."""
    found = {
        kind: lines(*(side.scripts[kind]() if kind in side.scripts else () for side in (old, new)))
        for kind in dict.fromkeys((*old.scripts, *new.scripts))
    }
    return {kind: one for kind, one in found.items() if any(one)}


def in_one_file(old: Lab, new: Lab) -> Lab:
    """The old lab as it is if its file has the name of that of the new one."""
    return replace(old, source=new.source)


def with_one_name(old: Lab, new: Lab) -> Lab:
    """The old lab under the name of the new one. A VLAN or VRF has the namespace of its node."""
    nodes = tuple(
        node._replace(namespace=f"{new.name}-{whole_of(node.name)}")
        if node.namespace == f"{old.name}-{whole_of(node.name)}"
        else node
        for node in old.nodes
    )
    return replace(old, name=new.name, nodes=nodes)
