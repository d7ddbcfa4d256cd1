"""What commands share: exit statuses, arguments, how a lab is read, and what is reported."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from compiler import kept
from compiler.driver import Compilation, Options
from compiler.ground.diagnostics import Severity, plain, render, suggest, visible
from compiler.ground.names import VARIABLE_FORM, is_variable
from compiler.language.files import LARGEST

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

WRONG_TOPOLOGY, CANNOT, BUG, INTERRUPTED = 1, 2, 3, 130


STYLES = {
    "error": ("red", True),
    "warning": ("yellow", True),
    "note": ("cyan", True),
    "frame": ("blue", True),
    "strong": (None, True),
}
"""The colour and boldness of each style of `diagnostics.Paint`."""


def examples(*lines: str) -> str:
    return "\n\n".join(["Examples:", "\b\n" + "\n".join(f"  {line}" for line in lines)])


def say(message: str) -> None:
    click.echo(f"mpc: {message}", err=True)


def completes(what: str) -> Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]:
    """The completion of an argument, by a function of `compiler.completion`."""

    def complete(context: click.Context, parameter: click.Parameter, begun: str) -> "list[CompletionItem]":
        del parameter
        from compiler import completion

        # Where the word is an option's value, what stands before the option is not read as an argument yet.
        given = {"lab": next(iter(context.args), None)}
        given |= {name: value for name, value in context.params.items() if value is not None}
        given["lab"] = next(iter(context.params.get("labs") or ()), given["lab"])
        found: list[CompletionItem] = getattr(completion, what)(given, begun, kept.folder())
        return found

    return complete


def _settings(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """The params that `-D` sets, by name."""
    found: dict[str, str] = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals:
            help = f"; did you mean `{text.replace(':', '=', 1)}`?" if ":" in text else ""
            raise click.BadParameter(f"`{visible(text)}` is not NAME=VALUE{visible(help)}", context, option)
        if not is_variable(name):
            message = f"`{visible(name)}` cannot name a param: its name is {VARIABLE_FORM}"
            raise click.BadParameter(message, context, option)
        if name in found:
            raise click.BadParameter(f"`{name}` is set twice", context, option)
        found[name] = value
    return found


def _argument(name: str, **extra: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """An argument that is a lab, or several."""
    path = click.Path(exists=True, dir_okay=False, allow_dash=True)
    return click.argument(name, type=path, shell_complete=completes("labs"), **extra)


several_labs = _argument("labs", nargs=-1, required=True, metavar="LAB...")


def expands(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options for expanding labs to a command, which are its first argument."""

    @click.option(
        "-D",
        "settings",
        metavar="NAME=VALUE",
        multiple=True,
        callback=_settings,
        shell_complete=completes("params"),
        help="Set a param of LAB.",
    )
    @click.option(
        "-I",
        "folders",
        metavar="DIR",
        multiple=True,
        type=click.Path(exists=True, file_okay=False),
        help="Search DIR as well for files that LAB uses.",
    )
    @click.option(
        "--max-statements",
        metavar="N",
        type=click.IntRange(1),
        default=Options().most_statements,
        show_default=True,
        help="What LAB may expand to.",
    )
    @click.option("--here", is_flag=True, help="Have all of LAB on one machine, as if it named none.")
    @wraps(command)
    def run(
        settings: dict[str, str], folders: tuple[str, ...], max_statements: int, here: bool, **rest: object
    ) -> None:
        command(Options(settings, folders, max_statements, here), **rest)

    return run


def takes_lab(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the argument LAB to a command, as a Compilation, and the options for expanding it."""

    @_argument("lab")
    @expands
    @wraps(command)
    def run(options: Options, lab: str, **rest: object) -> None:
        command(read(lab, options), **rest)

    return run


def takes_labs(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the arguments LAB... to a command, as Compilations, each read when its turn comes."""

    @several_labs
    @expands
    @wraps(command)
    def run(options: Options, labs: tuple[str, ...], **rest: object) -> None:
        command((read(lab, options) for lab in labs), **rest)

    return run


def known_node(name: str, nodes: list[str]) -> None:
    if name not in nodes:
        help = suggest(name, nodes)
        raise click.UsageError(f"the lab has no node `{visible(name)}`{help and '; ' + help}")


def exclusive(options: dict[str, object]) -> None:
    given = [name for name, value in options.items() if value]
    if len(given) > 1:
        raise click.UsageError(f"{given[0]} and {given[1]} do not go together")


def read(lab: str, options: Options) -> Compilation:
    try:
        with click.open_file(lab, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise click.UsageError(f"cannot read {visible(lab)}: {error.strerror}") from error
    return Compilation(lab, not_too_large(lab, data), kept.folder(), options)


def not_too_large(lab: str, data: bytes) -> bytes:
    if len(data) > LARGEST:
        raise click.UsageError(f"{visible(lab)} is larger than 2 MiB, which no topology is")
    return data


def _paint(text: str, style: str) -> str:
    colour, bold = STYLES[style]
    return click.style(text, fg=colour, bold=bold)


def report(compilation: Compilation, outcome: str = "") -> None:
    """Prints all diagnostics and a line that counts them, on standard error."""
    plainly = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    coloured = sys.stderr.isatty() and not plainly
    for found in compilation.diagnostics:
        click.echo(render(found, _paint if coloured else plain), err=True, color=coloured)
    counts = [(compilation.diagnostics.count(severity), severity) for severity in Severity]
    said = " and ".join(f"{n} {severity}{'s' * (n > 1)}" for n, severity in counts if n)
    more = ", and there are more" if compilation.diagnostics.incomplete else ""
    if said:
        name = visible(compilation.source.name)
        say(f"{said} in {name}{more}{outcome and '; ' + outcome}")


def fail(compilation: Compilation, outcome: str) -> NoReturn:
    report(compilation, outcome)
    sys.exit(WRONG_TOPOLOGY)


def write_file(path: Path, text: str) -> None:
    """Writes a file, replaced atomically; a device or a pipe is written to."""
    from compiler.replace import replace

    try:
        path = path.resolve()
        if path.exists() and not path.is_file():
            path.write_text(text, "utf-8")
        else:
            replace(path, [text.encode()], 0o644)
    except OSError as error:
        raise click.UsageError(f"cannot write {visible(str(path))}: {error.strerror}") from error


def on_one_machine(compilation: Compilation) -> None:
    """Refuses a lab over several machines: this is about one."""
    if machines := [machine.name for machine in compilation.lab.machines]:
        name = visible(compilation.source.name)
        raise click.UsageError(
            f"{name} is over machines ({', '.join(machines)}): `mpc compile -o DIR` writes scripts for each,"
            " and --here has all nodes on one machine"
        )
