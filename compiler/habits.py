"""The commands that have labs on a machine: each compiles a script and runs it there.

They are thin: `mpc up LAB` is `mpc compile LAB | sudo bash -s`, and with `--on HOST` it is `mpc compile LAB |
ssh HOST sudo bash -s`. The exit status is that of the script; 2 if it cannot be run.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import click

from compiler import kept, machine, resources
from compiler.command import (
    CANNOT,
    completes,
    examples,
    expands,
    fail,
    known_node,
    on_one_machine,
    read,
    report,
    say,
    takes_lab,
)
from compiler.driver import Compilation, Options, TopologyError
from compiler.ground.diagnostics import visible
from compiler.ground.names import is_name
from compiler.model.nodes import Node
from compiler.model.vrfs import whole
from compiler.scripts.bash import Style
from compiler.scripts.kinds import KINDS

takes_host = click.option("--on", "host", metavar="HOST", help="By ssh on HOST: [USER@]NAME, or an alias.")

takes_arguments = click.argument(
    "arguments", nargs=-1, type=click.UNPROCESSED, metavar="[OPTION OF THE SCRIPT...]"
)
PASSES_ON = {"ignore_unknown_options": True}
"""Options that mpc does not know are the script's."""


def run_script(
    compilation: Compilation, kind: str, host: str | None, arguments: Sequence[str] = ()
) -> NoReturn:
    """Compiles a script of a lab, and runs it in place of this process."""
    try:
        _ = compilation.plans
    except TopologyError:
        fail(compilation, "nothing is run")
    on_one_machine(compilation)
    report(compilation)
    if kind not in compilation.kinds:
        raise click.UsageError(f"{visible(compilation.source.name)} has no `{KINDS[kind].statement}`")
    _instead(machine.become_script, compilation.pieces(kind, Style.BATCH), arguments, host)


def _instead(become: Callable[..., NoReturn], *arguments: Any) -> NoReturn:
    """Has a command take the place of this process, or says what that lacks."""
    try:
        become(*arguments)
    except machine.CannotRunError as error:
        _give_up(error)


def _give_up(error: machine.CannotRunError) -> NoReturn:
    say(visible(str(error)))
    sys.exit(CANNOT)


@click.command(
    context_settings=PASSES_ON, epilog=examples("mpc up lab.topo", "mpc up --on root@host lab.topo")
)
@takes_lab
@takes_host
@takes_arguments
def up(compilation: Compilation, host: str | None, arguments: tuple[str, ...]) -> None:
    """Bring LAB up on this machine, or on HOST."""
    run_script(compilation, "up", host, arguments)


def _is_running(lab: str) -> bool:
    """Whether this is the name of a lab that is up, and no file."""
    return lab != "-" and not Path(lab).is_file() and is_name(lab)


@click.command(epilog=examples("mpc down lab.topo", "mpc down diamond", "mpc down --on host lab.topo"))
@click.argument("lab", shell_complete=completes("labs"))
@expands
@takes_host
def down(options: Options, lab: str, host: str | None) -> None:
    """Take LAB down, a file or the name of a lab that `mpc list` shows."""
    if not _is_running(lab):
        compilation = read(lab, options)
    else:
        # What is taken away is what has the lab's mark, whatever the topology says: it names nothing.
        compilation = Compilation("-", f"lab {lab}\n".encode(), kept.folder(), options)
    run_script(compilation, "down", host)


@click.command(
    context_settings=PASSES_ON, epilog=examples("mpc bench lab.topo", "mpc bench lab.topo --repeat 5 --json")
)
@takes_lab
@takes_host
@takes_arguments
def bench(compilation: Compilation, host: str | None, arguments: tuple[str, ...]) -> None:
    """Make the measurements of LAB that its `bench` statements ask for, while it is up."""
    run_script(compilation, "bench", host, arguments)


@click.command(context_settings=PASSES_ON, epilog=examples("mpc play lab.topo"))
@takes_lab
@takes_host
@takes_arguments
def play(compilation: Compilation, host: str | None, arguments: tuple[str, ...]) -> None:
    """Let the events of LAB's `at` statements happen, while it is up."""
    run_script(compilation, "play", host, arguments)


@click.command(
    "exec",
    context_settings={"allow_interspersed_args": False},
    epilog=examples(
        "mpc exec lab.topo a ping -c 3 b",
        "mpc exec lab.topo a",
        "mpc exec diamond a ip route",
        "mpc exec --inside lab.topo db redis-cli info",
        "mpc exec --on host lab.topo b ip route",
    ),
)
@click.argument("lab", shell_complete=completes("labs"))
@expands
@click.argument("node", shell_complete=completes("nodes"))
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@takes_host
@click.option("--inside", is_flag=True, help="With the programs of the node's container.")
def exec_(
    options: Options, lab: str, node: str, command: tuple[str, ...], host: str | None, inside: bool
) -> None:
    """Run COMMAND as root in the namespace of NODE, or a shell.

    LAB is up: a file, or the name of a lab that `mpc list` shows.
    """
    if _is_running(lab):
        if inside or options != Options():
            raise click.UsageError("--inside, -D, -I, --max-statements and --here need the file of the lab")
        namespace = f"{lab}-{node}" if host else _namespace(lab, node)
        words = command or ("bash",)
        _instead(machine.become, ["ip", "netns", "exec", namespace, *words], host, True)
    place = _place(read(lab, options), node)
    if inside and place.container is None:
        raise click.UsageError(f"`{node}` is no container")
    if not (host or Path("/run/netns", place.namespace).exists()):
        say(f"there is no namespace {place.namespace}: bring the lab up first")
        sys.exit(CANNOT)
    terminal = "-it" if sys.stdin.isatty() else "-i"
    enter = ["ip", "netns", "exec"]
    if inside and place.container:
        enter = [place.container.engine, "exec", terminal]
    name = place.container.attached if inside and place.container else ""
    words = command or ("sh" if inside else "bash",)
    _instead(machine.become, [*enter, name or place.namespace, *words], host, True)


def _place(compilation: Compilation, node: str) -> Node:
    """A node of a lab's file."""
    try:
        lab = compilation.lab
    except TopologyError:
        fail(compilation, "nothing is run")
    on_one_machine(compilation)
    found = {one.name: one for one in whole(lab).nodes}
    known_node(node, [*found])
    return found[node]


def _namespace(lab: str, node: str) -> str:
    """The namespace of a node of a lab that is up, by what claims its name; one that has a name of its own
    is named by that."""
    try:
        noted = Path(f"/run/mpc-{lab}").read_text("utf-8", "replace").splitlines()
    except OSError:
        say(f"no lab {lab} is up: `mpc list` shows those that are")
        sys.exit(CANNOT)
    found = {line.partition(" ")[2] for line in noted if line.startswith(("namespace ", "attached "))}
    known_node(node, sorted(name.removeprefix(f"{lab}-") for name in found))
    return next(name for name in (f"{lab}-{node}", node) if name in found)


class Listed(NamedTuple):
    """A lab of a machine, in the words of the file that claims its name."""

    lab: str
    state: str
    since: str
    namespaces: int
    source: str


@click.command("list", epilog=examples("mpc list", "mpc list --on host"))
@takes_host
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_(host: str | None, form: str) -> None:
    """List the labs that are up: since when, how many namespaces, and from which file."""
    try:
        told = machine.told(resources.read("compiler/scripts/parts/list.bash"), host)
    except machine.CannotRunError as error:
        _give_up(error)
    rows = [line.split("\t", 4) for line in told.splitlines()]
    found = [Listed(lab, state, since, int(count), source) for lab, state, since, count, source in rows]
    click.echo(json.dumps([one._asdict() for one in found], indent=2) if form == "json" else _table(found))


def _table(found: Iterable[Listed]) -> str:
    """Labs as columns, below their titles."""
    rows = [
        tuple(visible(str(cell)) for cell in row)
        for row in [("LAB", "STATE", "SINCE", "NAMESPACES", "FROM"), *found]
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
