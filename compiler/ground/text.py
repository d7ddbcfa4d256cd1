"""Characters that make a text look different from what it means.

Bidirectional controls can show a statement as part of a comment, or a comment as a statement
(CVE-2021-42574), and so can characters that are displayed as line ends and are none.
"""

import re

from compiler.ground.diagnostics import Diagnostics
from compiler.ground.source import Source, Span

DIRECTIONS = "\u202a-\u202e\u2066-\u2069"
"""The embeddings, overrides and isolates of the Unicode bidirectional algorithm (UAX 9), and their ends."""

CONTROLS = "\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029"
"""Control characters but the tab and the newline, and the two line separators of Unicode."""

HIDING = re.compile(rf"([{DIRECTIONS}])|(?!\r\n)[{CONTROLS}]")

HIDING_IN_A_LINE = re.compile(rf"([{DIRECTIONS}])|[{CONTROLS}\n]")


def check(source: Source, diagnostics: Diagnostics, *, one_line: bool = False) -> None:
    """Reports each such character, in comments and strings too."""
    for match in (HIDING_IN_A_LINE if one_line else HIDING).finditer(source.text):
        char, span = match[0], Span(source, match.start(), match.end())
        if match[1]:
            what, label = "changes the direction of writing", "what follows is not shown as it is read"
        else:
            what, label = "is a control character", "not shown, or shown as something else"
        message = f"U+{ord(char):04X} {what}, so this line is not what it looks like"
        diagnostics.error("MPC110", message, span, label, "take it out")
