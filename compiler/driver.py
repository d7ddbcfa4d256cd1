"""A compilation: one property a phase, each made when it is first asked for."""

from functools import cached_property

from compiler.backend import bash
from compiler.backend.plan import Plan, plan
from compiler.frontend.diagnostics import Diagnostics, TooManyError
from compiler.frontend.parse import parse
from compiler.frontend.resolve import resolve
from compiler.frontend.source import Source, Span
from compiler.ir.addressing import assign
from compiler.ir.lab import Lab
from compiler.ir.multipath import connect
from compiler.ir.routing import route
from compiler.ir.shaping import size


class TopologyError(Exception):
    """The topology has errors; `Compilation.diagnostics` has them."""


class Compilation:
    """From the text of a lab to its scripts.

    `name` is the file's name, or `-` for standard input. `tables` is a file of this user's own in which the
    parser's tables are kept between runs.
    """

    def __init__(self, name: str, text: bytes | str, tables: str | None = None) -> None:
        self.diagnostics = Diagnostics()
        self.tables = tables
        self.source = Source(name, text) if isinstance(text, str) else self._decode(name, text)

    def _decode(self, name: str, data: bytes) -> Source:
        source = Source(name, data.decode("utf-8-sig", "replace"))
        place = source.text.find("\N{REPLACEMENT CHARACTER}")
        try:
            data.decode("utf-8-sig")
        except UnicodeDecodeError:
            span = Span(source, place, place + 1)
            self.diagnostics.error("MPC107", "this file is not UTF-8 text", span, "not a character")
        return source

    @cached_property
    def lab(self) -> Lab:
        """The lab with all that is inferred; raises TopologyError where it has errors.

        A phase whose input has errors is left out, so that no error is reported that another one caused.
        """
        try:
            return self._lab()
        except TooManyError:
            raise TopologyError from None

    def _lab(self) -> Lab:
        if self.diagnostics.failed:
            raise TopologyError
        statements = parse(self.source, self.diagnostics, self.tables)
        lab = resolve(statements, self.source, self.diagnostics)
        for run in (assign, size, route, connect):
            if self.diagnostics.failed:
                break
            lab = run(lab, self.diagnostics)
        if self.diagnostics.failed:
            raise TopologyError
        return lab

    @cached_property
    def plan(self) -> Plan:
        return plan(self.lab)

    def up(self, style: bash.Style = bash.Style.BATCH) -> str:
        return bash.up(self.plan, style)

    def down(self) -> str:
        return bash.down(self.plan)
