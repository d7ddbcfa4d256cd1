"""A compilation: one lazy property per phase.

Modules that expand a lab are imported only if needed, as importing takes longer than most compilations.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from compiler.ground.diagnostics import Diagnostics, TooManyError
from compiler.ground.names import default_name
from compiler.ground.source import Source, Span
from compiler.ground.text import check
from compiler.infer.addressing import assign
from compiler.infer.bridging import bridge
from compiler.infer.multipath import connect
from compiler.infer.routing import route
from compiler.infer.shaping import size
from compiler.language import syntax
from compiler.language.files import Files, decode
from compiler.language.parse import parse
from compiler.model.lab import Lab
from compiler.plan.plan import HERE, Plan
from compiler.plan.planner import plans
from compiler.resolve.resolve import check_name, resolve
from compiler.scripts import bash
from compiler.scripts.kinds import KINDS

if TYPE_CHECKING:
    from compiler.language.expand import Setting
    from compiler.library import Library


Pass = Callable[[Lab, Diagnostics], Lab]
"""A pass over a lab; `BEFORE_ROUTES` are the first ones."""


class TopologyError(Exception):
    """The topology has errors, which are in `Compilation.diagnostics`."""


class Options(NamedTuple):
    """User options of a lab: values of its params, directories that `use` searches, a bound of its size, and
    whether all of it is on one machine, as if no machine was written (`here`)."""

    settings: Mapping[str, str] = MappingProxyType({})
    folders: tuple[str, ...] = ()
    most_statements: int = 1_000_000
    here: bool = False


class Compilation:
    """From the text of a lab to its scripts.

    `name` is the file name, or `-` for standard input. `tables` is a directory that only this user can write,
    for parser tables that are kept between runs. `library` has the files that the lab uses, where they are
    not beside it.
    """

    def __init__(
        self,
        name: str,
        text: bytes | str,
        tables: str | None = None,
        options: Options | None = None,
        library: "Library | None" = None,
    ) -> None:
        self.diagnostics = Diagnostics()
        self.library = library
        self.tables = tables
        self.options = options or Options()
        self.source = Source(name, text) if isinstance(text, str) else decode(name, text, self.diagnostics)

    @cached_property
    def statements(self) -> tuple[syntax.Statement, ...]:
        """The flat statements; raises TopologyError if expansion has errors.

        Of a text that needs no expansion, statements that do not parse are left out.
        """
        try:
            return self._flat_statements()
        except TooManyError:
            raise TopologyError from None

    def _flat_statements(self) -> tuple[syntax.Statement, ...]:
        self._stop_at_errors()
        tree = parse(self.source, self.diagnostics, self.tables)
        if _is_flat(tree, self.source) and not self.options.settings:
            return tuple(node for node in tree if isinstance(node, syntax.Statement))
        self._stop_at_errors()
        statements = self._expanded(tree)
        self._stop_at_errors()
        return statements

    def _stop_at_errors(self) -> None:
        if self.diagnostics.failed:
            raise TopologyError

    def _expanded(self, tree: Iterable[syntax.Node]) -> tuple[syntax.Statement, ...]:
        from compiler.language.expand import expand
        from compiler.library import Library

        library = self.library or Library(self.source.name, self.options.folders)
        files = Files(self.source, library.key, library, self.diagnostics, self.tables)
        settings = {name: self._setting(name, value) for name, value in self.options.settings.items()}
        self._stop_at_errors()
        return expand(tree, self.source, files, settings, self.diagnostics, self.options.most_statements)

    def _setting(self, name: str, value: str) -> "Setting":
        """The value that `-D` sets a param to, parsed as in a file, with the text as its source."""
        from compiler.language.expand import Setting
        from compiler.language.expressions import ExpressionError, value_of

        written = f"{name}={value}".encode("utf-8", "surrogatepass")  # bytes that are not UTF-8
        source = decode("-D", written, self.diagnostics)
        check(source, self.diagnostics, one_line=True)
        span = Span(source, 0, len(name))
        try:
            return Setting(value_of(value), span)
        except ExpressionError as error:
            self.diagnostics.error("MPC308", str(error.args[0]), span, "cannot be computed", error.help)
            return Setting(0, span)

    def flat(self) -> str:
        """The lab as a text without anything to expand; its names are not resolved yet."""
        from compiler.language.write import write

        statements = self.statements
        self._stop_at_errors()
        return write(statements, default_name(self.source.name))

    def layout(self) -> str:
        """The text in the one layout of labs; raises TopologyError if it has syntax errors.

        Line ends are those of the text.
        """
        from compiler.language.layout import formatted

        self._stop_at_errors()
        try:
            parse(self.source, self.diagnostics, self.tables)
        except TooManyError:
            raise TopologyError from None
        self._stop_at_errors()
        return formatted(self.source.text, self.tables)

    @cached_property
    def lab(self) -> Lab:
        """The lab after all passes; raises TopologyError if it has errors.

        A phase is skipped if its input has errors, so that no error is reported that follows from another.
        """
        try:
            return self._lab()
        except TooManyError:
            raise TopologyError from None

    @cached_property
    def draft(self) -> Lab:
        """The lab without routes, for diagnostics as one types; raises TopologyError if it has errors."""
        try:
            lab = self._passed(resolve(self._placed(), self.source, self.diagnostics), BEFORE_ROUTES)
            self._stop_at_errors()
        except TooManyError:
            raise TopologyError from None
        return lab

    def _passed(self, lab: Lab, passes: Iterable[Pass]) -> Lab:
        for run in passes:
            if self.diagnostics.failed:
                break
            lab = run(lab, self.diagnostics)
        return lab

    def _lab(self) -> Lab:
        lab = resolve(self._placed(), self.source, self.diagnostics)
        lab = self._passed(
            lab, (*BEFORE_ROUTES, route, _carry, connect, _keep_separate, _aggregate, _forward)
        )
        self._verify(lab)
        check_name(self.statements, self.source, self.diagnostics)
        self._stop_at_errors()
        return replace(lab, params=tuple(self.options.settings.items())) if self.options.settings else lab

    def _placed(self) -> tuple[syntax.Statement, ...]:
        """The statements; without those of machines, where all is to be on one."""
        if not self.options.here:
            return self.statements
        return tuple(one for one in self.statements if not isinstance(one, syntax.Machine | syntax.Place))

    def _verify(self, lab: Lab) -> None:
        """Checks expectations and pins; for a lab with neither, the import is saved."""
        pinned = any(pair.pins or (pair.subflows, pair.accept) != (None, None) for pair in lab.pairs)
        if (
            lab.expectations
            or lab.explicit_routes
            or lab.sprays
            or lab.port_forwards
            or pinned
            or any(node.sysctls for node in lab.ip_nodes)
        ):
            from compiler.prediction.verify import verify

            verify(lab, self.diagnostics)

    def survey(self) -> None:
        """Adds the notes of `mpc check` to the diagnostics of a lab without errors."""
        from compiler.prediction.survey import survey

        survey(self.lab, self.diagnostics)

    @cached_property
    def plans(self) -> dict[str, Plan]:
        """The plan of each machine, by name."""
        return plans(self.lab)

    @property
    def machines(self) -> tuple[str, ...]:
        """The names of the machines; of a lab that names none, HERE."""
        return tuple(machine.name for machine in self.lab.machines) or (HERE,)

    @property
    def plan(self) -> Plan:
        """The plan of a lab on one machine."""
        return self.plans[HERE]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of scripts that the lab needs."""
        return tuple(kind.name for kind in KINDS.values() if kind.is_called_for(self.lab))

    def pieces(self, kind: str, style: bash.Style = bash.Style.BATCH, machine: str = HERE) -> Iterator[str]:
        """The script of a kind for a machine, in pieces of whole lines; `style` is for up only."""
        return KINDS[kind].make(self.lab, self.plans[machine], style)

    def script(self, kind: str, style: bash.Style = bash.Style.BATCH) -> str:
        return "".join(self.pieces(kind, style))

    def up(self, style: bash.Style = bash.Style.BATCH) -> str:
        return self.script("up", style)

    def down(self) -> str:
        return self.script("down")


def _split(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Parts the switches of a lab that has VLANs."""
    pinned = any(node.bridge and node.bridge.vlan_pins for node in lab.nodes)
    if not pinned and not any(link.access or link.trunk for link in lab.links):
        return lab
    from compiler.infer.vlans import split

    return split(lab, diagnostics)


def _separate(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Parts the routers of a lab that has VRFs."""
    if not any(end.vrf for link in lab.links for end in link.ends):
        return lab
    from compiler.infer.vrfs import split

    return split(lab, diagnostics)


def _keep_separate(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Checks that nothing joins the VRFs of a lab that has any."""
    if not lab.has_vrfs:
        return lab
    from compiler.infer.vrfs import separate

    return separate(lab, diagnostics)


def _bond(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Checks the bonds of a lab that has any."""
    if any(link.bond for link in lab.links):
        from compiler.infer.bonds import check

        check(lab, diagnostics)
    return lab


def _keep_private(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Checks what cannot be said of the private networks of a lab that has any."""
    if not lab.has_private:
        return lab
    from compiler.infer.sites import check

    return check(lab, diagnostics)


def _join(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Joins a lab that has an uplink to the machine's own network."""
    if not lab.uplink:
        return lab
    from compiler.infer.uplinks import join

    return join(lab, diagnostics)


def _number(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Numbers the links between machines of a lab that has several."""
    if not lab.machines:
        return lab
    from compiler.infer.machines import number

    return number(lab, diagnostics)


def _carry(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Routes the tunnels of a lab that has any."""
    if not any(link.tunnel for link in lab.links):
        return lab
    from compiler.infer.tunnels import carry

    return carry(lab, diagnostics)


def _forward(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Forwards ports, in a lab that has any."""
    if not lab.port_forwards:
        return lab
    from compiler.infer.inlets import forward

    return forward(lab, diagnostics)


def _aggregate(lab: Lab, _: Diagnostics) -> Lab:
    """Aggregates the routes of a lab with `aggregate`."""
    if not lab.aggregate:
        return lab
    from compiler.infer.aggregation import aggregate

    return aggregate(lab)


def _is_flat(tree: Iterable[syntax.Node], source: Source) -> bool:
    """Whether a file contains nothing to expand."""
    return "[" not in source.text and all(isinstance(node, syntax.Statement) for node in tree)


BEFORE_ROUTES: tuple[Pass, ...] = (
    _split,
    _separate,
    assign,
    size,
    bridge,
    _bond,
    _number,
    _keep_private,
    _join,
)
