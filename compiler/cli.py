"""The command `mpc`: files, streams, colour and exit statuses. All content that it prints is the driver's.

Exit status: 0 success, with warnings or without; 1 the topology has errors; 2 a wrong command line, or a
failure of something that mpc needs (a file, standard output, shellcheck, memory); 3 a bug of mpc; 130
interrupted; 141 the reader of standard output has gone. Modules that only some commands need are imported by
these, as imports take about as long as a compilation.
"""

import gc
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from compiler import __version__, kept, streams
from compiler.driver import Compilation, Options, TopologyError
from compiler.ground.diagnostics import Severity, diagnostic_as_json, nearest, plain, render, suggest, visible
from compiler.ground.names import VARIABLE_FORM, is_variable
from compiler.language.files import LARGEST
from compiler.model.lab import Lab
from compiler.scripts import bash
from compiler.scripts.bash import PARTS, Style, is_of
from compiler.scripts.kinds import KINDS, OTHERS, UP

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

WRONG_TOPOLOGY, CANNOT, BUG, INTERRUPTED = 1, 2, 3, 130

DEEPEST_TRACE = 8
"""The innermost calls that the report of a bug shows."""

GARBAGE = 10**6
"""Allocations between garbage collections. Almost nothing becomes garbage, and collecting a large lab takes
as long as compiling it."""

STYLES = {
    "error": ("red", True),
    "warning": ("yellow", True),
    "note": ("cyan", True),
    "frame": ("blue", True),
    "strong": (None, True),
}
"""The colour and boldness of each style of `diagnostics.Paint`."""


def _examples(*lines: str) -> str:
    return "\n\n".join(["Examples:", "\b\n" + "\n".join(f"  {line}" for line in lines)])


class _Main(click.Group):
    """The group of commands; reports any exception of a command, and the misspelt name of one."""

    def main(self, *arguments: Any, **extra: Any) -> Any:
        streams.prepare()
        try:
            return super().main(*arguments, **extra)
        except streams.CannotWriteError as error:  # click does not handle exceptions of completion
            error.show()
            sys.exit(error.exit_code)
        except click.exceptions.Exit as error:
            sys.exit(error.exit_code)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a bug
            _bug(error)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except MemoryError:
            _say("out of memory: this lab is too large for this machine")
            sys.exit(CANNOT)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from compiler.ground.foreign import COMMANDS, SCRIPTS

            name, lab = args[0], next((arg for arg in args if arg.endswith(".topo")), "LAB")
            command = "compile" if name == lab else COMMANDS.our(name) or SCRIPTS.our(name)
            if not command:
                raise
            help = f"did you mean `mpc {command} {visible(lab)}`? {COMMANDS.why.get(command, '')}".rstrip()
            raise click.UsageError(f"there is no command `{visible(name)}`; {help}", error.ctx) from None


def _bug(error: Exception) -> NoReturn:
    import traceback

    click.echo("".join(traceback.format_exception(error, limit=-DEEPEST_TRACE)), err=True, nl=False)
    _say("this is a bug of mpc: please report it, with the topology and the lines above")
    sys.exit(BUG)


def _say(message: str) -> None:
    click.echo(f"mpc: {message}", err=True)


def _completes(what: str) -> Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]:
    """The completion of an argument, by a function of `compiler.completion`."""

    def complete(context: click.Context, parameter: click.Parameter, begun: str) -> "list[CompletionItem]":
        del parameter
        from compiler import completion

        # Where the word is an option's value, what stands before the option is not read as an argument yet.
        given = {"lab": next(iter(context.args), None)}
        given |= {name: value for name, value in context.params.items() if value is not None}
        found: list[CompletionItem] = getattr(completion, what)(given, begun, kept.folder())
        return found

    return complete


@click.group(
    cls=_Main,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_examples("mpc compile lab.topo > up.sh", "mpc compile lab.topo | ssh host sudo bash -s"),
)
@click.version_option(__version__, "-V", "--version", message="mpc %(version)s")
def main() -> None:
    """Compile a network topology to bash scripts that bring it up in namespaces and take it down."""
    gc.set_threshold(GARBAGE)


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


def takes_lab(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the argument LAB to a command, as a Compilation, and the options for expanding it."""

    @click.argument(
        "lab",
        type=click.Path(exists=True, dir_okay=False, allow_dash=True),
        shell_complete=_completes("labs"),
    )
    @click.option(
        "-D",
        "settings",
        metavar="NAME=VALUE",
        multiple=True,
        callback=_settings,
        shell_complete=_completes("params"),
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
    @wraps(command)
    def run(
        lab: str, settings: dict[str, str], folders: tuple[str, ...], max_statements: int, **rest: object
    ) -> None:
        command(_read(lab, Options(settings, folders, max_statements)), **rest)

    return run


def takes_kind(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that choose a script other than up to a command."""

    @wraps(command)
    def run(compilation: Compilation, **rest: object) -> None:
        given = {f"--{kind.name}": rest.pop(kind.name) for kind in OTHERS}
        _exclusive(given)
        chosen = (name.strip("-") for name, value in given.items() if value)
        command(compilation, kind=next(chosen, UP.name), **rest)

    for kind in reversed(OTHERS):
        run = click.option(f"--{kind.name}", is_flag=True, help=f"Print the script that {kind.does}.")(run)
    return run


@main.command(
    "compile",
    epilog=_examples(
        "mpc compile lab.topo > up.sh",
        "mpc compile --down lab.topo | ssh host sudo bash -s",
        "mpc compile -o out lab.topo",
        "mpc compile --check lab.topo | ssh host sudo bash -s",
        "mpc compile --style plain - < lab.topo",
    ),
)
@takes_lab
@takes_kind
@click.option(
    "-o",
    "directory",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Write all scripts of the lab, as DIR/LAB.up.sh and so on.",
)
@click.option(
    "--style",
    type=click.Choice([style.value for style in Style]),
    help="Of up: `batch` is fast (the default), `plain` is short, a command a line, with its way down.",
)
@click.option("--emit", type=click.Choice(["lab", "plan"]), help="Print a phase as JSON, not a script.")
@click.option("--no-lint", is_flag=True, help="Do not run shellcheck over the scripts.")
def compile_(
    compilation: Compilation,
    kind: str,
    directory: str | None,
    style: str | None,
    emit: str | None,
    no_lint: bool,
) -> None:
    """Compile LAB (`-` is standard input) and print the script that brings it up."""
    other = kind != UP.name
    _exclusive({"--emit": emit, f"--{kind}": other, "-o": directory})
    _exclusive({"--emit": emit, "--style": style})
    _exclusive({"--emit": emit, "--no-lint": no_lint})
    _exclusive({f"--{kind}": other, "--style": style})
    try:
        if emit:
            _print_phase(compilation, emit)
            return
        kinds = [one for one in (compilation.kinds if directory else (kind,)) if one in compilation.kinds]
        _ = compilation.plan
    except TopologyError:
        _fail(compilation, "no script is written")
    _report(compilation)
    if not kinds:
        raise click.UsageError(f"{visible(compilation.source.name)} has no `{KINDS[kind].statement}`")
    scripts = {one: partial(compilation.pieces, one, Style(style or Style.BATCH)) for one in kinds}
    if not no_lint:
        _lint(scripts)
    if directory:
        _write(Path(directory), compilation.lab.name, scripts)
        _clear(Path(directory), compilation.lab.name, [kind for kind in KINDS if kind not in kinds])
    else:
        for script in scripts.values():
            sys.stdout.writelines(script())
        sys.stdout.flush()


@main.command(epilog=_examples("mpc check lab.topo", "mpc check --strict --format json lab.topo"))
@takes_lab
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
def check(compilation: Compilation, form: str, strict: bool) -> None:
    """Print the errors, warnings and notes of LAB (`-` is standard input), and no script."""
    try:
        _ = compilation.lab
        compilation.survey()
    except TopologyError:
        failed = True
    else:
        failed = strict and compilation.diagnostics.count(Severity.WARNING) > 0
    if form == "json":
        import json

        click.echo(json.dumps([diagnostic_as_json(found) for found in compilation.diagnostics], indent=2))
    else:
        _report(compilation)
    sys.exit(WRONG_TOPOLOGY if failed else 0)


@main.command(epilog=_examples("mpc expand lab.topo", "mpc expand -D n=8 lab.topo > flat.topo"))
@takes_lab
def expand(compilation: Compilation) -> None:
    """Print LAB (`-` is standard input) flat, without loops, params and uses, as a lab of its own."""
    try:
        text = compilation.flat()
    except TopologyError:
        _fail(compilation, "nothing is expanded")
    click.echo(text, nl=False)


@main.command(epilog=_examples("mpc paths lab.topo a b", "mpc paths --format json lab.topo a b"))
@takes_lab
@click.argument("source", metavar="A", shell_complete=_completes("nodes"))
@click.argument("target", metavar="B", shell_complete=_completes("nodes"))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--flows",
    metavar="N",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="TCP flows at once to predict for, beside one.",
)
def paths(compilation: Compilation, source: str, target: str, form: str, flows: int) -> None:
    """Print the ways that packets take from node A to node B of LAB, and what transfers will reach."""
    try:
        lab = compilation.lab
    except TopologyError:
        _fail(compilation, "nothing is predicted")
    for name in (source, target):
        _known(name, [node.name for node in lab.ip_nodes])
    if source == target:
        raise click.UsageError(f"`{visible(source)}` is both ends")
    _report(compilation)
    click.echo(_prediction(lab, source, target, form, flows), nl=False)


@main.command(epilog=_examples("mpc runtime up --hash"))
@click.argument("kind", type=click.Choice(list(PARTS)))
@click.option("--hash", "hashed", is_flag=True, help="Print the SHA-256 of these lines.")
def runtime(kind: str, hashed: bool) -> None:
    """Print the lines that all scripts of KIND have in common, whatever the lab."""
    click.echo(f"{bash.runtime_hash(kind)}\n" if hashed else bash.runtime(kind), nl=False)


def _known(name: str, nodes: list[str]) -> None:
    if name not in nodes:
        help = suggest(name, nodes)
        raise click.UsageError(f"the lab has no node `{visible(name)}`{help and '; ' + help}")


def _prediction(lab: Lab, source: str, target: str, form: str, flows: int) -> str:
    from compiler.prediction.predict import Predictor

    families = Predictor(lab).families(source, target)
    if form == "json":
        import json

        from compiler.prediction.export import predictions_as_json

        return json.dumps(predictions_as_json(families, flows), indent=2, allow_nan=False) + "\n"
    from compiler.prediction.show import show

    return show(families, flows)


@main.command(epilog=_examples("mpc explain MPC201"))
@click.argument("code", shell_complete=_completes("codes"))
def explain(code: str) -> None:
    """Print what an error or warning means, with an example and the mend."""
    from compiler.ground.codes import EXPLANATIONS

    text = EXPLANATIONS.get(code.upper())
    if text is None:
        meant = f"MPC{code[-3:]}" if f"MPC{code[-3:]}" in EXPLANATIONS else nearest(code, EXPLANATIONS)
        help = f"did you mean {meant}?" if meant else f"they are {min(EXPLANATIONS)} to {max(EXPLANATIONS)}"
        raise click.UsageError(f"there is no code {visible(code)}; {help}")
    click.echo(f"{code.upper()}: {text}")


def _exclusive(options: dict[str, object]) -> None:
    given = [name for name, value in options.items() if value]
    if len(given) > 1:
        raise click.UsageError(f"{given[0]} and {given[1]} do not go together")


def _read(lab: str, options: Options) -> Compilation:
    try:
        with click.open_file(lab, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise click.UsageError(f"cannot read {visible(lab)}: {error.strerror}") from error
    if len(data) > LARGEST:
        raise click.UsageError(f"{visible(lab)} is larger than 2 MiB, which no topology is")
    return Compilation(lab, data, kept.folder(), options)


def _paint(text: str, style: str) -> str:
    colour, bold = STYLES[style]
    return click.style(text, fg=colour, bold=bold)


def _report(compilation: Compilation, outcome: str = "") -> None:
    """Prints all diagnostics and a line that counts them, on standard error."""
    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    for found in compilation.diagnostics:
        click.echo(render(found, _paint if coloured else plain), err=True, color=coloured)
    counts = [(compilation.diagnostics.count(severity), severity) for severity in Severity]
    said = " and ".join(f"{n} {severity}{'s' * (n > 1)}" for n, severity in counts if n)
    more = ", and there are more" if compilation.diagnostics.incomplete else ""
    if said:
        name = visible(compilation.source.name)
        _say(f"{said} in {name}{more}{outcome and '; ' + outcome}")


def _fail(compilation: Compilation, outcome: str) -> NoReturn:
    _report(compilation, outcome)
    sys.exit(WRONG_TOPOLOGY)


def _print_phase(compilation: Compilation, emit: str) -> None:
    import json

    from compiler.scripts.emit import phase_as_json

    phase = compilation.lab if emit == "lab" else compilation.plan
    _report(compilation)
    click.echo(json.dumps(phase_as_json(phase), indent=2))


Scripts = Mapping[str, Callable[[], Iterable[str]]]
"""The text of each script in pieces, by the middle of its file name."""


def _lint(scripts: Scripts) -> None:
    """Runs shellcheck on scripts; a finding is a bug of the compiler, never an error of the topology."""
    from compiler.lint import LintError, NoLintError, lint

    for name, script in scripts.items():
        try:
            lint(script(), kept.folder())
        except NoLintError as error:
            _say(f"shellcheck cannot be run, and --no-lint does without it: {visible(str(error))}")
            sys.exit(CANNOT)
        except LintError as error:
            click.echo(f"mpc: shellcheck objects to the {name} script:\n{error}", err=True)
            click.echo("This is a bug of mpc: please report it. --no-lint leaves the check out.", err=True)
            sys.exit(BUG)


def _write(directory: Path, lab: str, scripts: Scripts) -> None:
    """Writes scripts, executable, each replaced atomically."""
    path = directory
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, script in scripts.items():
            path = directory / f"{lab}.{name}.sh"
            _replace(path, script())
    except OSError as error:
        raise click.UsageError(f"cannot write {visible(str(path))}: {error.strerror}") from error


MOST_OF_A_NAME = 100
"""The most characters of a script's name in that of its temporary file; a file name has at most 255 bytes."""


def _clear(directory: Path, lab: str, kinds: Iterable[str]) -> None:
    """Deletes scripts of a lab that mpc wrote and that the lab no longer needs."""
    for kind in kinds:
        path = directory / f"{lab}.{kind}.sh"
        try:
            if not path.is_file():
                continue
            if own := is_of(path.read_bytes(), lab):
                path.unlink()
        except OSError as error:
            raise click.UsageError(f"cannot remove {visible(str(path))}: {error.strerror}") from error
        what = "removed" if own else "left alone what mpc did not write:"
        click.echo(f"mpc: {what} {visible(str(path))}; the lab has no `{KINDS[kind].statement}`", err=True)


def _replace(path: Path, pieces: Iterable[str]) -> None:
    from tempfile import NamedTemporaryFile

    prefix = f".{path.name[:MOST_OF_A_NAME]}."
    with NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=prefix, delete=False
    ) as file:
        try:
            file.writelines(pieces)
            os.fchmod(file.fileno(), 0o755)
            file.flush()
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
