"""A picture as SVG, drawn by the program dot of Graphviz."""

import subprocess
from shutil import which

from compiler.pictures.dot import dot
from compiler.pictures.picture import Picture

MOST_NODES, MOST_LINES = 2_000, 10_000
"""The largest picture that is drawn. dot takes some ten seconds for it, and minutes for one of five times as
many nodes, in which there is little to be seen."""

LONGEST = 120
"""Seconds after which dot is ended."""


class CannotDrawError(Exception):
    """There is no picture; the message says why."""


def svg(picture: Picture) -> str:
    nodes, lines = len(picture.nodes), len(picture.lines)
    if nodes > MOST_NODES or lines > MOST_LINES:
        size = f"{nodes:,} nodes and {lines:,} links"
        raise CannotDrawError(f"{size} are more than can be seen, and than {MOST_NODES:,} and {MOST_LINES:,}")
    program = which("dot")
    if not program:
        raise CannotDrawError("there is no `dot`, which is of Graphviz (Debian: apt-get install graphviz)")
    try:
        run = subprocess.run(
            [program, "-Tsvg"], input=dot(picture).encode(), capture_output=True, check=False, timeout=LONGEST
        )
    except OSError as error:
        raise CannotDrawError(f"{program}: {error.strerror}") from error
    except subprocess.TimeoutExpired:
        raise CannotDrawError(f"{program} took more than {LONGEST} seconds") from None
    if run.returncode != 0:
        said = run.stderr.decode(errors="replace").strip()
        raise CannotDrawError(f"{program}: exit status {run.returncode}: {said}")
    return run.stdout.decode()
