"""A report as a page of HTML that needs no other file and runs no script."""

from collections.abc import Iterator, Sequence
from html import escape

from compiler.results.measured import Result
from compiler.results.summary import Row
from compiler.results.tables import HEAD, cells

STYLE = """
body { max-width: 60rem; margin: 1rem auto; padding: 0 1rem; font: 15px/1.45 Helvetica, Arial, sans-serif }
table { border-collapse: collapse; font-size: 13px }
td, th { padding: .15rem .6rem; border-bottom: 1px solid #ddd; text-align: right }
td:nth-child(-n+3), th:nth-child(-n+3) { text-align: left }
svg { max-width: 100%; height: auto }
.labs { display: flex; flex-wrap: wrap; gap: 2rem } figure { margin: 0; flex: 1 1 20rem }
"""

POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(
    results: Sequence[Result],
    rows: Sequence[Row],
    pictures: Sequence[tuple[str, str]],
    charts: Sequence[tuple[str, str]],
) -> str:
    """The page; pictures and charts are titles with SVG, or with an empty text where there is none."""
    return "\n".join(_lines(results, rows, pictures, charts)) + "\n"


def _lines(
    results: Sequence[Result],
    rows: Sequence[Row],
    pictures: Sequence[tuple[str, str]],
    charts: Sequence[tuple[str, str]],
) -> Iterator[str]:
    title = escape(", ".join(dict.fromkeys(one.lab for one in results)))
    yield from ("<!doctype html>", '<html lang="en">', '<meta charset="utf-8">')
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield from (f"<title>{title}</title>", f"<style>{STYLE}</style>", f"<h1>{title}</h1>")
    if pictures:
        yield '<div class="labs">'
        for name, svg in pictures:
            yield f"<figure>{_drawn(svg)}<figcaption>{escape(name)}</figcaption></figure>"
        yield "</div>"
    for name, svg in charts:
        yield from (f"<h2>{escape(name)}</h2>", _drawn(svg))
    yield from ("<h2>Mbit/s</h2>", "<table>", _row(HEAD, "th"))
    yield from (_row(cells(row), "td") for row in rows)
    yield from ("</table>", "<h2>Measured</h2>", "<ul>")
    yield from (f"<li>{escape(line)}</li>" for line in dict.fromkeys(map(_about, results)))
    yield "</ul>"


def _drawn(svg: str) -> str:
    """The element of an SVG file."""
    return svg[svg.index("<svg") :] if svg else ""


def _row(texts: Sequence[str], element: str) -> str:
    inner = "".join(f"<{element}>{escape(text)}</{element}>" for text in texts)
    return f"<tr>{inner}</tr>"


def _about(result: Result) -> str:
    tools = ", ".join(f"{name} {version}" for name, version in result.tools.items())
    point = f" with {result.point}" if result.point else ""
    return f"{result.lab}{point}: plan {result.plan}, Linux {result.kernel}, {tools}"
