"""How full links are, in a terminal, by rich, which nothing else imports."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.bar import Bar
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from compiler.filling import Filling, fullest
from compiler.ground.units import format_rate

WIDTH = 30
"""Characters of a bar."""

BESIDE = 4
"""The lines beside those of directions: title, head, one for those that have no room, and the cursor's."""

FULL, BUSY = 0.9, 0.6
"""The shares of a rate from which on a bar is red, and yellow."""


class Screen:
    """A table of directions that is drawn anew at each look."""

    def __init__(self, lab: str, console: Console | None = None) -> None:
        self.lab = lab
        self.console = console or Console(highlight=False)
        self.live = Live(console=self.console, auto_refresh=False, vertical_overflow="crop")

    def __enter__(self) -> Self:
        self.live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.__exit__(kind, error, trace)

    def show(self, seconds: float, found: Sequence[Filling]) -> None:
        """Draws what directions send, of as many as there is room for."""
        some = fullest(found, max(1, self.console.height - BESIDE))
        self.live.update(self._table(seconds, some, len(found) - len(some)), refresh=True)

    def _table(self, seconds: float, some: Sequence[Filling], left: int) -> Table:
        more = f"{left} more, which are less full" if left else None
        title = Text(f"{self.lab}, {seconds:.0f} s; Ctrl-C ends", style="bold")
        table = Table(box=None, pad_edge=False, title=title, title_justify="left", caption=more)
        table.add_column("direction", no_wrap=True, overflow="ellipsis")
        table.add_column("", width=WIDTH)
        for name in ("share", "Mbit/s", "of"):
            table.add_column(name, justify="right", no_wrap=True)
        for one in some:
            table.add_row(*_row(one))
        return table


def _row(one: Filling) -> tuple[Text | Bar, ...]:
    share, limit = one.share, one.direction.rate
    full = min(share or 0.0, 1.0)
    colour = "red" if full >= FULL else "yellow" if full >= BUSY else "green"
    bar = Text("") if share is None else Bar(1.0, 0.0, full, width=WIDTH, color=colour)
    told = ("-", "-") if share is None or limit is None else (f"{share:.0%}", format_rate(limit))
    columns = told[0], f"{one.sent / 10**6:.2f}", told[1]
    return Text(f"{one.direction.source} -> {one.direction.target}"), bar, *map(Text, columns)
