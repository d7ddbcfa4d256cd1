"""The command `mpc`: files, streams, colour and exit statuses. All content that it prints is the driver's.

Exit status: 0 success, with warnings or without; 1 the topology has errors; 2 a wrong command line, or a
failure of something that mpc needs (a file, standard output, shellcheck, memory); 3 a bug of mpc; 130
interrupted; 141 the reader of standard output has gone. Modules that only some commands need are imported by
these, as imports take about as long as a compilation.
"""

import gc
import re
import sys
from collections.abc import Callable, Container, Iterable, Mapping
from functools import partial, wraps
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NoReturn

import click

from compiler import __version__, kept, streams
from compiler.command import (
    BUG,
    CANNOT,
    INTERRUPTED,
    WRONG_TOPOLOGY,
    completes,
    examples,
    exclusive,
    expands,
    fail,
    known_node,
    not_too_large,
    read,
    report,
    say,
    several_labs,
    takes_lab,
    takes_labs,
    write_file,
)
from compiler.driver import Compilation, Options, TopologyError
from compiler.ground.diagnostics import Diagnostic, Severity, nearest, suggest, visible
from compiler.model.lab import Lab
from compiler.model.networks import Address
from compiler.plan.plan import HERE
from compiler.scripts import bash
from compiler.scripts.bash import PARTS, Style, is_of
from compiler.scripts.kinds import KINDS, OTHERS, UP

DEEPEST_TRACE = 8
"""The innermost calls that the report of a bug shows."""

GARBAGE = 10**6
"""Allocations between garbage collections. Almost nothing becomes garbage, and collecting a large lab takes
as long as compiling it."""


HABITS = {
    "up": "up", "down": "down", "bench": "bench", "play": "play", "exec": "exec_", "list": "list_",
}  # fmt: skip
"""The commands that `compiler.habits` has, by name, and what they are called there."""

MODULES = {
    **{name: ("habits", called) for name, called in HABITS.items()},
    "sweep": ("measuring", "sweep"),
    "report": ("measuring", "report"),
    "watch": ("watching", "watch"),
}
"""The module of `compiler` that has a command, which is imported where that is called, and its name there."""


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

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *MODULES})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in MODULES:
            return super().get_command(ctx, cmd_name)
        module, called = MODULES[cmd_name]
        command: click.Command = getattr(import_module(f"compiler.{module}"), called)
        return command

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except MemoryError:
            say("out of memory: this lab is too large for this machine")
            sys.exit(CANNOT)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands, each with its whole summary, which click would cut at the end of the line."""
        commands = [self.get_command(ctx, name) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(one.name or "", one.help or "") for one in commands if one])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from compiler.ground.foreign import COMMANDS

            name, lab = args[0], next((arg for arg in args if arg.endswith(".topo")), "LAB")
            command = "compile" if name == lab else COMMANDS.our(name)
            if not command:
                raise
            help = f"did you mean `mpc {command} {visible(lab)}`? {COMMANDS.why.get(command, '')}".rstrip()
            raise click.UsageError(f"there is no command `{visible(name)}`; {help}", error.ctx) from None


def _bug(error: Exception) -> NoReturn:
    import traceback

    click.echo("".join(traceback.format_exception(error, limit=-DEEPEST_TRACE)), err=True, nl=False)
    say("this is a bug of mpc: please report it, with the topology and the lines above")
    sys.exit(BUG)


@click.group(
    cls=_Main,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("mpc compile lab.topo > up.sh", "mpc compile lab.topo | ssh host sudo bash -s"),
)
@click.version_option(__version__, "-V", "--version", message="mpc %(version)s")
def main() -> None:
    """Compile a network topology to bash scripts that bring it up in namespaces and take it down."""
    gc.set_threshold(GARBAGE)


def takes_kind(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that choose a script other than up to a command."""

    @wraps(command)
    def run(compilation: Compilation, **rest: object) -> None:
        given = {f"--{kind.name}": rest.pop(kind.name) for kind in OTHERS}
        exclusive(given)
        chosen = (name.strip("-") for name, value in given.items() if value)
        command(compilation, kind=next(chosen, UP.name), **rest)

    for kind in reversed(OTHERS):
        run = click.option(f"--{kind.name}", is_flag=True, help=f"Print the script that {kind.does}.")(run)
    return run


@main.command(
    "compile",
    epilog=examples(
        "mpc compile lab.topo > up.sh",
        "mpc compile --down lab.topo | ssh host sudo bash -s",
        "mpc compile -o out lab.topo",
        "mpc compile --check lab.topo | ssh host sudo bash -s",
        "mpc compile --style plain - < lab.topo",
        "mpc compile --on m1 lab.topo | ssh host1 sudo bash -s",
    ),
)
@takes_lab
@takes_kind
@click.option(
    "-o",
    "directory",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Write all scripts of the lab, as DIR/LAB.up.sh and so on; over machines, playbooks too.",
)
@click.option(
    "--style",
    type=click.Choice([style.value for style in Style]),
    help="Of up: `batch` is fast (the default), `plain` is short, a command a line, with its way down.",
)
@click.option("--on", "machine", metavar="MACHINE", help="Print the script for one of the machines of LAB.")
@click.option("--emit", type=click.Choice(["lab", "plan"]), help="Print a phase as JSON, not a script.")
@click.option("--no-lint", is_flag=True, help="Do not run shellcheck over the scripts.")
def compile_(
    compilation: Compilation,
    kind: str,
    directory: str | None,
    style: str | None,
    machine: str | None,
    emit: str | None,
    no_lint: bool,
) -> None:
    """Compile LAB (`-` is standard input) and print the script that brings it up."""
    other = kind != UP.name
    exclusive({"--emit": emit, f"--{kind}": other, "-o": directory})
    exclusive({"--on": machine, "-o": directory})
    for option, given in (("--style", style), ("--no-lint", no_lint)):
        exclusive({"--emit": emit, option: given})
    exclusive({f"--{kind}": other, "--style": style})
    try:
        machines = _machines(compilation, machine, every=bool(directory) or emit == "lab")
        if emit:
            _print_phase(compilation, emit, machines[0])
            return
        kinds = [one for one in (compilation.kinds if directory else (kind,)) if one in compilation.kinds]
        _ = compilation.plans
    except TopologyError:
        fail(compilation, "no script is written")
    report(compilation)
    if not kinds:
        raise click.UsageError(f"{visible(compilation.source.name)} has no `{KINDS[kind].statement}`")
    scripts = _scripts(compilation, machines, kinds, Style(style or Style.BATCH))
    if not no_lint:
        lint_all(scripts)
    if directory:
        files = _files(compilation.lab, scripts, kinds, Style(style or Style.BATCH))
        _replace(Path(directory), compilation.lab, files)
    else:
        _print(scripts)


def _print(scripts: "Scripts") -> None:
    for script in scripts.values():
        sys.stdout.writelines(script())
    sys.stdout.flush()


def _scripts(
    compilation: Compilation, machines: Iterable[str], kinds: Iterable[str], style: Style
) -> "Scripts":
    pairs = [(machine, kind) for machine in machines for kind in kinds]
    return {
        script_name(machine, kind): partial(compilation.pieces, kind, style, machine)
        for machine, kind in pairs
    }


def _files(lab: Lab, scripts: "Scripts", kinds: Iterable[str], style: Style) -> "Scripts":
    """Scripts by the names of their files; with them what Ansible reads, where a lab is over machines."""
    files = {f"{lab.name}.{name}.sh": script for name, script in scripts.items()}
    if lab.machines:
        from compiler.scripts import ansible

        files |= {f"{lab.name}.{name}.yml": text for name, text in ansible.files(lab, kinds, style).items()}
    return files


def _machines(compilation: Compilation, machine: str | None, *, every: bool) -> tuple[str, ...]:
    """The machines to write scripts for: the one that is asked for, or all."""
    known = compilation.machines
    if machine is not None:
        if machine not in known:
            name, near = visible(machine), nearest(machine, known) if known != (HERE,) else ""
            help = f"; did you mean `{near}`?" if near else ""
            raise click.UsageError(f"{visible(compilation.source.name)} has no machine `{name}`{help}")
        return (machine,)
    if not every and known != (HERE,):
        raise click.UsageError(
            f"{visible(compilation.source.name)} is over several machines: -o DIR writes the scripts of"
            f" all, --on MACHINE prints one (of {', '.join(known)}), --here has all nodes on one machine"
        )
    return known


def script_name(machine: str, kind: str) -> str:
    """The middle of the name of a script's file."""
    return f"{machine}.{kind}" if machine else kind


FORMATS = ("text", "json", "sarif", "github", "gitlab", "gcc")
"""The forms of `mpc check`: a rendering for people, and those of `compiler.ground.reports`."""


@main.command(
    epilog=examples(
        "mpc check lab.topo",
        "mpc check --strict --format sarif labs/*.topo > mpc.sarif",
    )
)
@takes_labs
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@click.option(
    "--live", is_flag=True, help="Compare LAB, which is up, with its plan, and try what it expects."
)
@click.option("--on", "host", metavar="HOST", help="Do that by ssh on HOST.")
def check(compilations: Iterable[Compilation], form: str, strict: bool, live: bool, host: str | None) -> None:
    """Print the errors, warnings and notes of each LAB (`-` is standard input), and no script."""
    if live or host:
        exclusive({"--live": True, "--strict": strict, f"--format {form}": form != "text"})
        _check_live([*compilations], host)
    failed = False
    diagnostics: list[Diagnostic] = []
    for compilation in compilations:
        failed |= not _passes(compilation, strict=strict)
        if form == "text":
            report(compilation)
        diagnostics += compilation.diagnostics
    if form != "text":
        from compiler.ground.reports import FORMS

        click.echo(FORMS[form](diagnostics), nl=False)
    sys.exit(WRONG_TOPOLOGY if failed else 0)


def _check_live(compilations: list[Compilation], host: str | None) -> NoReturn:
    from compiler.habits import run_script

    if len(compilations) > 1:
        raise click.UsageError("--live takes one LAB at a time")
    run_script(compilations[0], "check", host)


def _passes(compilation: Compilation, *, strict: bool) -> bool:
    """Whether a lab has no errors, and where that is `strict` no warnings."""
    try:
        _ = compilation.lab
        compilation.survey()
    except TopologyError:
        return False
    return not (strict and compilation.diagnostics.count(Severity.WARNING))


@main.command(
    epilog=examples("mpc fmt lab.topo", "mpc fmt --check --diff labs/*.topo", "mpc fmt - < lab.topo")
)
@several_labs
@click.option("--check", is_flag=True, help="Write nothing; fail where a lab would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
def fmt(labs: tuple[str, ...], check: bool, diff: bool) -> None:
    """Write each LAB anew in the one layout of labs (`-`: from standard input to output)."""
    statuses = [_format(read(lab, Options()), check=check, diff=diff) for lab in labs]
    sys.exit(max(statuses))


def _format(compilation: Compilation, *, check: bool, diff: bool) -> int:
    """Formats one lab; returns the exit status. A lab with syntax errors is reported, and stays as it is."""
    try:
        text = compilation.layout()
    except TopologyError:
        report(compilation, "left as it is")
        return WRONG_TOPOLOGY
    old, name = compilation.source.text, compilation.source.name
    if diff:
        from compiler.language.layout import difference

        sys.stdout.writelines(difference(visible(name), old, text))
        sys.stdout.flush()
    if check and text != old:
        say(f"{visible(name)} is not in its layout, which `mpc fmt` writes")
        return WRONG_TOPOLOGY
    if not (check or diff):
        return _rewrite(name, old, text)
    return 0


def _rewrite(name: str, old: str, text: str) -> int:
    """Writes a formatted lab, standard input to standard output; returns the exit status."""
    if name == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
    elif text != old:
        from compiler.replace import rewrite

        try:
            rewrite(name, text.encode())
        except OSError as error:
            say(f"cannot write {visible(name)}: {error.strerror}")
            return CANNOT
        say(f"{visible(name)} is formatted")
    return 0


@main.command(epilog=examples("mpc expand lab.topo", "mpc expand -D n=8 lab.topo > flat.topo"))
@takes_lab
def expand(compilation: Compilation) -> None:
    """Print LAB (`-` is standard input) flat, without loops, params and uses, as a lab of its own."""
    try:
        text = compilation.flat()
    except TopologyError:
        fail(compilation, "nothing is expanded")
    click.echo(text, nl=False)


@main.command(epilog=examples("mpc paths lab.topo a b", "mpc paths --format json lab.topo a b"))
@takes_lab
@click.argument("source", metavar="A", shell_complete=completes("nodes"))
@click.argument("target", metavar="B", shell_complete=completes("nodes"))
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
    """Print the ways from A to B of LAB (nodes, `a:c`, or B an address), and what transfers will reach."""
    try:
        lab = compilation.lab
    except TopologyError:
        fail(compilation, "nothing is predicted")
    source, target = _met(lab, source), _met(lab, target)
    _known_ends(lab, source, target)
    if lab.daemon:
        from compiler.prediction.survey import tell_daemon

        tell_daemon(lab, compilation.diagnostics)
    report(compilation)
    click.echo(_prediction(lab, source, target, form, flows), nl=False)


@main.command(
    epilog=examples(
        "mpc diff old.topo new.topo",
        "mpc diff HEAD:lab.topo lab.topo",
        "mpc diff --format markdown main:lab.topo HEAD:lab.topo",
    )
)
@click.argument("old", shell_complete=completes("labs"))
@click.argument("new", shell_complete=completes("labs"))
@expands
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 when anything differs.")
def diff(options: Options, old: str, new: str, form: str, exit_code: bool) -> None:
    """Print what differs between the labs OLD and NEW: files, or `REV:path` of git."""
    from compiler import diff
    from compiler.compare.difference import Broken

    if old == new == "-":
        raise click.UsageError("OLD and NEW are both standard input")
    compilations = [_read_any(name, options) for name in (old, new)]
    found = diff.compare(*compilations)
    for compilation in compilations:
        if compilation.diagnostics.failed:
            report(compilation)
    click.echo(diff.told(found, form), nl=False)
    if isinstance(found, Broken):
        sys.exit(CANNOT)
    sys.exit(int(exit_code and not found.is_empty))


def _read_any(lab: str, options: Options) -> Compilation:
    """The compilation of a file, of standard input, or of `REV:path`."""
    from compiler.revision import Revision, RevisionError, is_revision

    if not is_revision(lab):
        return read(lab, options)
    revision = Revision(lab, options.folders)
    try:
        data = revision.content(lab)
    except RevisionError as error:
        raise click.UsageError(f"cannot read {visible(lab)}: {visible(str(error))}") from error
    if data is None:
        raise click.UsageError(f"cannot read {visible(lab)}: no such file, and none in git")
    return Compilation(lab, not_too_large(lab, data), kept.folder(), options, revision)


@main.command(
    epilog=examples(
        "mpc graph lab.topo -o lab.html",
        "mpc graph --path a b lab.topo -o lab.svg",
        "mpc graph --format mermaid lab.topo",
    )
)
@takes_lab
@click.option(
    "--format",
    "form",
    type=click.Choice(["dot", "mermaid", "svg", "html", "json"]),
    help="By default, the ending of FILE, or dot.",
)
@click.option(
    "--path",
    "pair",
    metavar="A B",
    nargs=2,
    shell_complete=completes("nodes"),
    help="Colour the ways from node A to node B, and mark their bottlenecks.",
)
@click.option(
    "-o", "file", metavar="FILE", type=click.Path(dir_okay=False), help="Write FILE, not standard output."
)
def graph(compilation: Compilation, form: str | None, pair: tuple[str, str] | None, file: str | None) -> None:
    """Draw LAB (`-` is standard input) as DOT, Mermaid, SVG, a page of HTML or JSON."""
    from compiler.pictures.forms import ENDINGS

    chosen = form or (ENDINGS.get(Path(file).suffix.lower().lstrip("."), "") if file else "dot")
    if not chosen:
        endings = ", ".join(f".{ending}" for ending in ENDINGS)
        raise click.UsageError(f"{visible(str(file))} ends in none of {endings}: choose a --format")
    try:
        lab = compilation.lab
    except TopologyError:
        fail(compilation, "nothing is drawn")
    if pair:
        _known_pair([node.name for node in lab.ip_nodes if not node.vrf], *pair)
    report(compilation)
    text = _drawn(lab, chosen, pair)
    if file:
        write_file(Path(file), text)
    else:
        click.echo(text, nl=False)


@main.command(epilog=examples("mpc runtime up --hash"))
@click.argument("kind", type=click.Choice(list(PARTS)))
@click.option("--hash", "hashed", is_flag=True, help="Print the SHA-256 of these lines.")
def runtime(kind: str, hashed: bool) -> None:
    """Print the lines that all scripts of KIND have in common, whatever the lab."""
    click.echo(f"{bash.runtime_hash(kind)}\n" if hashed else bash.runtime(kind), nl=False)


def _address_of(lab: Lab, text: str) -> Address | None:
    """The address of the lab that a text is; None for any other text."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    own = {one.address.ip for node in lab.ip_nodes for one in node.all_addresses}
    own |= {one.ip for end in lab.interfaces.values() for one in end.addresses}
    if address not in own:
        raise click.UsageError(f"nobody in the lab has the address `{visible(text)}`")
    return address


def _known_ends(lab: Lab, source: str, target: str) -> None:
    """As `_known_pair`, of nodes or of interfaces of nodes; the target may be an address."""
    is_address = _address_of(lab, target) is not None
    for end in (source,) if is_address else (source, target):
        known = [str(id) for id, own in lab.interfaces.items() if own.addresses]
        if ":" in end and end not in known:
            help = suggest(end, known)
            message = f"the lab has no interface `{visible(end)}` with an address{help and '; ' + help}"
            raise click.UsageError(message)
    near, far = source.partition(":")[0], target.partition(":")[0]
    if is_address:
        known_node(near, [node.name for node in lab.ip_nodes])
    else:
        _known_pair([node.name for node in lab.ip_nodes], near, far)


def _met(lab: Lab, end: str) -> str:
    """An end as packets meet it: `r.red:a` for the interface `r:a` that is in the VRF red."""
    from compiler.model.vlans import home

    found = (str(id) for id in lab.interfaces if str(home(id)) == end)
    return next(found, end) if ":" in end and lab.has_vrfs else end


def _known_pair(known: list[str], source: str, target: str) -> None:
    for name in (source, target):
        known_node(name, known)
    if source == target:
        raise click.UsageError(f"`{visible(source)}` is both ends")


def _drawn(lab: Lab, form: str, pair: tuple[str, str] | None) -> str:
    from compiler.pictures.drawing import CannotDrawError
    from compiler.pictures.forms import FORMS
    from compiler.pictures.mermaid import MOST_LINES, MOST_TEXT

    try:
        text = FORMS[form](lab, pair)
    except CannotDrawError as error:
        say(f"cannot draw the lab: {visible(str(error))}")
        say("`--format dot`, `mermaid` and `json` are made without a program, for labs of any size")
        sys.exit(CANNOT)
    if form == "mermaid" and (len(lab.links) > MOST_LINES or len(text) > MOST_TEXT):
        size = f"{len(lab.links):,} links and {len(text):,} characters"
        bounds = f"{MOST_LINES:,} and {MOST_TEXT:,}, unless its `maxEdges` and `maxTextSize` are set"
        say(f"the picture has {size}; Mermaid draws {bounds}")
    return text


def _prediction(lab: Lab, source: str, target: str, form: str, flows: int) -> str:
    from compiler.prediction.predict import Predictor

    predictor, address = Predictor(lab), _address_of(lab, target)
    families = [predictor.to_address(source, address)] if address else predictor.families(source, target)
    if form == "json":
        import json

        from compiler.prediction.export import predictions_as_json

        return json.dumps(predictions_as_json(families, flows), indent=2, allow_nan=False) + "\n"
    from compiler.prediction.show import show

    return show(families, flows)


@main.command(epilog=examples("mpc lsp"))
def lsp() -> None:
    """Serve an editor on standard input and output, by the Language Server Protocol."""
    try:
        from compiler.editor import server
    except ImportError as error:
        say(f"{error.name or 'pygls'} is missing: install mpc with its extra, mpc[lsp]")
        sys.exit(CANNOT)
    server.run()


@main.command(epilog=examples("mpc explain MPC201"))
@click.argument("code", shell_complete=completes("codes"))
def explain(code: str) -> None:
    """Print what an error or warning means, with an example and the mend."""
    from compiler.ground.codes import EXPLANATIONS

    text = EXPLANATIONS.get(code.upper())
    if text is None:
        meant = f"MPC{code[-3:]}" if f"MPC{code[-3:]}" in EXPLANATIONS else nearest(code, EXPLANATIONS)
        help = f"did you mean {meant}?" if meant else f"they are {min(EXPLANATIONS)} to {max(EXPLANATIONS)}"
        raise click.UsageError(f"there is no code {visible(code)}; {help}")
    click.echo(f"{code.upper()}: {text}")


def _print_phase(compilation: Compilation, emit: str, machine: str) -> None:
    import json

    from compiler.scripts.emit import phase_as_json

    phase = compilation.lab if emit == "lab" else compilation.plans[machine]
    report(compilation)
    click.echo(json.dumps(phase_as_json(phase), indent=2))


Scripts = Mapping[str, Callable[[], Iterable[str]]]
"""The text of each script in pieces, by the middle of its file name, or of each file by its name."""


def lint_all(scripts: Scripts) -> None:
    """Runs shellcheck on scripts; a finding is a bug of the compiler, never an error of the topology."""
    from compiler.lint import LintError, NoLintError, lint

    for name, script in scripts.items():
        try:
            lint(script(), kept.folder())
        except NoLintError as error:
            say(f"shellcheck cannot be run, and --no-lint does without it: {visible(str(error))}")
            sys.exit(CANNOT)
        except LintError as error:
            click.echo(f"mpc: shellcheck objects to the {name} script:\n{error}", err=True)
            click.echo("This is a bug of mpc: please report it. --no-lint leaves the check out.", err=True)
            sys.exit(BUG)


def _replace(directory: Path, lab: Lab, files: Scripts) -> None:
    """Has a directory hold these files of a lab, and no others that mpc wrote for it."""
    _write(directory, files)
    _clear(directory, lab, files)


def _write(directory: Path, files: Scripts) -> None:
    """Writes files, scripts executable, each replaced atomically."""
    from compiler.replace import replace

    path = directory
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            path = directory / name
            replace(path, map(str.encode, text()), 0o755 if path.suffix == ".sh" else 0o644)
    except OSError as error:
        raise click.UsageError(f"cannot write {visible(str(path))}: {error.strerror}") from error


def _clear(directory: Path, lab: Lab, known: Container[str]) -> None:
    """Deletes files of a lab that mpc wrote and that the lab no longer needs."""
    kinds = "|".join(KINDS)
    form = re.compile(rf"{re.escape(lab.name)}\.(?:(?:([\w-]+)\.)?({kinds})\.sh|(inventory|{kinds})\.yml)")
    try:
        found = sorted(path.name for path in directory.iterdir())
    except OSError as error:
        raise click.UsageError(f"cannot read {visible(str(directory))}: {error.strerror}") from error
    for name in found:
        if (match := form.fullmatch(name)) and name not in known and (directory / name).is_file():
            lacks = _lacks_playbook(lab, match[3]) if match[3] else _lacks(lab, match[1] or HERE, match[2])
            _remove(directory / name, lab, lacks)


def _remove(path: Path, lab: Lab, lacks: str) -> None:
    """Deletes a file of a lab, unless mpc did not write it; tells what the lab lacks."""
    from compiler.scripts import ansible

    is_own = is_of if path.suffix == ".sh" else ansible.is_of
    try:
        if own := is_own(path.read_bytes(), lab.name):
            path.unlink()
    except OSError as error:
        raise click.UsageError(f"cannot remove {visible(str(path))}: {error.strerror}") from error
    what = "removed" if own else "left alone what mpc did not write:"
    click.echo(f"mpc: {what} {visible(str(path))}; {lacks}", err=True)


def _lacks(lab: Lab, machine: str, kind: str) -> str:
    """Why a script is not one of a lab."""
    machines = [one.name for one in lab.machines]
    if machine and machine not in machines:
        return f"the lab has no machine `{machine}`"
    if machines and not machine:
        return "the lab is over several machines"
    return f"the lab has no `{KINDS[kind].statement}`"


def _lacks_playbook(lab: Lab, kind: str) -> str:
    """Why an inventory or a playbook is not one of a lab."""
    return _lacks(lab, lab.machines[0].name, kind) if lab.machines else "the lab names no machines"
