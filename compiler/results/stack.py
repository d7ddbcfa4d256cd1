"""Several elements of SVG as one, below each other."""

import re
from collections.abc import Sequence

_SIZE = re.compile(r' width="([\d.]+)pt"\s+height="([\d.]+)pt"')

GAP = 12.0
"""Points between two."""


def stacked(elements: Sequence[str]) -> str:
    """One file of SVG; each element has its size in points, as those of matplotlib and of dot."""
    placed, bottom, widest = [], 0.0, 0.0
    for text in elements:
        element = text[text.index("<svg") :]
        size = _SIZE.search(element)
        assert size
        width, height = float(size[1]), float(size[2])
        size_here = f' y="{bottom:.0f}" width="{width}" height="{height}"'
        placed.append(element.replace(size[0], size_here, 1))
        bottom, widest = bottom + height + GAP, max(widest, width)
    head = '<?xml version="1.0" encoding="utf-8"?>\n<svg xmlns="http://www.w3.org/2000/svg"'
    return f'{head} viewBox="0 0 {widest:.0f} {bottom:.0f}">\n' + "\n".join(placed) + "\n</svg>\n"
