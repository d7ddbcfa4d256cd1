"""The inventory and the playbooks of a lab over several machines, by which Ansible runs its scripts.

A playbook runs the scripts beside it by the module `script`, which needs no Python on a machine. An up is
taken back without `block` and `rescue`: which machines rescue differs between versions (ansible#83854).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from string import Template

from compiler import __version__, resources
from compiler.model.lab import Lab
from compiler.model.machines import Machine
from compiler.model.trials import Throughput
from compiler.scripts.bash import Style, origin

INVENTORY = "inventory"

FORKS = 5
"""The machines that Ansible is at work on at once, where it is told no other number."""

DOES = {
    INVENTORY: "Names the machines of",
    "up": "Brings up",
    "down": "Takes down",
    "check": "Checks",
    "bench": "Measures",
    "play": "Plays the events of",
}
"""What each file does with a lab, for its head; all but the inventory are playbooks."""


def files(lab: Lab, kinds: Iterable[str], style: Style) -> dict[str, Callable[[], Iterator[str]]]:
    """The inventory and the playbooks of some kinds of scripts, in pieces, by the middle of their names.

    The lab names machines. `style` is that of the up scripts: plain ones test nothing first.
    """
    playbooks = {kind: partial(_playbook, lab, kind, style) for kind in kinds}
    return {INVENTORY: partial(_inventory, lab), **playbooks}


def is_of(text: bytes, lab: str) -> bool:
    """Whether a file is a complete inventory or playbook of a lab of this name."""
    told = re.match(_HEAD, text)
    return told is not None and told[1] == lab.encode() and text.endswith(b"\n...\n")


_HEAD = rb"""---
# [A-Z][a-z ]+ the lab "([\w-]+)"\. Written by mpc """


def _inventory(lab: Lab) -> Iterator[str]:
    yield from _head(lab, INVENTORY)
    hosts = "\n".join(line for machine in lab.machines for line in _host(lab, machine))
    yield _part(INVENTORY, group=_group(lab), hosts=hosts)
    yield "...\n"


def _host(lab: Lab, machine: Machine) -> Iterator[str]:
    """A machine, by a name that no group has and that its scripts begin with."""
    yield f"    {lab.name}.{machine.name}:"
    yield f"      ansible_host: {_quoted(machine.host)}"
    if machine.port:
        yield f"      ansible_port: {machine.port}"
    if machine.user:
        yield f"      ansible_user: {_quoted(machine.user)}"
    if machine.user not in {None, "root"}:
        yield "      ansible_become: true"


def _quoted(text: str) -> str:
    """What ssh can be told, as a string of YAML: letters, digits, and signs that mean nothing in quotes."""
    return f'"{text}"'


def _playbook(lab: Lab, kind: str, style: Style) -> Iterator[str]:
    rated = any(isinstance(one.claim, Throughput) for one in lab.expectations)
    preflight = _part("preflight") if style is Style.BATCH else ""
    one_by_one = "1" if rated else "0"
    yield from _head(lab, kind)
    yield _part(kind, lab=lab.name, group=_group(lab), preflight=preflight, throttle=one_by_one)
    yield "...\n"


def _head(lab: Lab, name: str) -> Iterator[str]:
    yield f'---\n# {DOES[name]} the lab "{lab.name}". Written by mpc {__version__} from {origin(lab)}:\n'
    yield "# do not edit, change the topology and compile it again.\n"
    if name != INVENTORY:
        forks = f" -f {len(lab.machines)}" if len(lab.machines) > FORKS else ""
        yield f"# ansible-playbook -i {lab.name}.{INVENTORY}.yml{forks} {lab.name}.{name}.yml\n"


def _group(lab: Lab) -> str:
    """The group of the machines of a lab; a group's name has no hyphens."""
    return f"mpc_{lab.name.replace('-', '_')}"


def _part(name: str, **words: str) -> str:
    return Template(resources.read(f"compiler/scripts/parts/{name}.yml")).substitute(words)
