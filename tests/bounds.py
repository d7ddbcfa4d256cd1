"""The table of quantities of the language reference, as data."""

import re
from dataclasses import dataclass
from pathlib import Path

REFERENCE = Path(__file__).resolve().parent.parent / "grammar" / "README.md"


@dataclass(frozen=True)
class Bounds:
    """A row of the table of quantities of the reference."""

    units: frozenset[str]
    least: str
    most: str
    step: str


def _bounds() -> dict[str, Bounds]:
    row = re.compile(r"^\| (\w[\w ]*) \| (.*) \| `(\S+)` \| `(\S+)` \| `(\S+)` \|$", re.MULTILINE)
    rows = {found[1]: found for found in row.finditer(REFERENCE.read_text())}
    named = {
        name: frozenset(word for words in re.findall(r"`([^`]*)`", found[2]) for word in words.split())
        for name, found in rows.items()
    }
    named |= dict.fromkeys(("delay", "jitter"), named["time"]) | {"queue length": named["size"] | {"p"}}
    return {name: Bounds(named[name], found[3], found[4], found[5]) for name, found in rows.items()}


BOUNDS = _bounds()
