"""Shell completion of labs, their params and nodes, and codes.

It must be fast, as a shell waits for it, and silent about files that cannot be read.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from click.shell_completion import CompletionItem

from compiler.driver import Compilation, Options, TopologyError
from compiler.ground.diagnostics import Diagnostics
from compiler.language import syntax
from compiler.language.parse import parse

LARGEST = 256 * 1024
"""The most bytes of a lab that is read for completion."""

MOST_STATEMENTS = 20_000
"""The most statements that it is expanded to; of a larger one, nodes in the text itself are completed."""


def labs(given: Mapping[str, object], begun: str, tables: str | None) -> list[CompletionItem]:
    """The labs in a directory, and its subdirectories.

    If there are subdirectories only, they are left to the shell, which puts no space after one.
    """
    del given, tables
    head, slash, tail = begun.rpartition("/")
    folder = Path(head + slash or ".").expanduser()
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    shown = [one for one in entries if one.name.startswith(tail) and (tail or not one.name.startswith("."))]
    files = [one.name for one in shown if one.suffix == ".topo" and not one.is_dir()]
    folders = [f"{one.name}/" for one in shown if one.is_dir()]
    if folders and not files:
        return [CompletionItem(begun, type="dir")]
    return [CompletionItem(head + slash + name) for name in (*files, *folders)]


def nodes(given: Mapping[str, object], begun: str, tables: str | None) -> list[CompletionItem]:
    """The hosts and routers of the lab on the command line, except one that is already there."""
    try:
        compilation = _compilation(given, tables)
        names = dict.fromkeys(_declared(compilation)) if compilation else {}
    except Exception:  # noqa: BLE001 - no error of a lab is reported during completion
        return []
    return [CompletionItem(name) for name in names if name.startswith(begun) and name != given.get("source")]


def params(given: Mapping[str, object], begun: str, tables: str | None) -> list[CompletionItem]:
    """The params of the lab on the command line, with their values in the file."""
    try:
        compilation = _compilation(given, tables)
        tree = parse(compilation.source, Diagnostics(), tables) if compilation else ()
    except Exception:  # noqa: BLE001 - as above
        return []
    values = {node.name.text: node.value.span.text for node in tree if isinstance(node, syntax.Param)}
    return [
        CompletionItem(f"{name}={value}" if _is_plain(value) else f"{name}=")
        for name, value in values.items()
        if name.startswith(begun)
    ]


def codes(given: Mapping[str, object], begun: str, tables: str | None) -> list[CompletionItem]:
    """The codes of diagnostics, with the title of each."""
    del given, tables
    from compiler.ground.codes import EXPLANATIONS

    return [
        CompletionItem(code, help=text.partition("\n")[0])
        for code, text in EXPLANATIONS.items()
        if code.startswith(begun.upper())
    ]


def _compilation(given: Mapping[str, object], tables: str | None) -> Compilation | None:
    """The lab on the command line, if it is a file of at most LARGEST bytes."""
    lab, settings, folders = (given.get(name) for name in ("lab", "settings", "folders"))
    if not isinstance(lab, str) or not (path := Path(lab)).is_file() or path.stat().st_size > LARGEST:
        return None
    options = Options(
        settings if isinstance(settings, dict) else {},
        folders if isinstance(folders, tuple) else (),
        MOST_STATEMENTS,
    )
    return Compilation(lab, path.read_bytes(), tables, options)


def _declared(compilation: Compilation) -> Iterator[str]:
    """The names of hosts and routers; of a lab with errors, the words in its declarations."""
    statements: tuple[syntax.Node, ...]
    try:
        statements = compilation.statements
    except TopologyError:
        statements = parse(compilation.source, Diagnostics(), compilation.tables)
    for statement in statements:
        if isinstance(statement, syntax.Declaration) and statement.kind.text != "switch":
            yield from (word.text for word in statement.names if "[" not in word.text)


def _is_plain(value: str) -> bool:
    """Whether a value needs no quotes in a shell."""
    return not set(value) & set("\"'\\[]{}$ ")
