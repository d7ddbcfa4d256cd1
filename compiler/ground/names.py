"""The lexical forms of names, and the interface names that are inferred."""

import re
from collections.abc import Container, Iterable
from hashlib import sha256
from itertools import count
from pathlib import PurePath

INTERFACE_BYTES = 15
"""The longest name of an interface: IFNAMSIZ of linux/if.h, less the closing NUL."""

BASE_32, DIGITS = "0123456789abcdefghijklmnopqrstuv", 5
"""The digits of the hash in a shortened interface name, and how many it has."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*")
_WORD = re.compile(r"[A-Za-z0-9_:/%]+(?:(?:\.\.?|-)[A-Za-z0-9_:/%]+)*")
_VARIABLE = re.compile(r"(?!(?:and|or|not)\Z)[A-Za-z][A-Za-z0-9_]*")
_INTERFACE = re.compile(r"[A-Za-z0-9_.-]{1,15}")
_NAMESPACE = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,126}[A-Za-z0-9_])?")
_DUMMY = re.compile(r"dummy[0-9]{1,9}")
_SYSCTL = re.compile(r"net(?:\.[A-Za-z0-9_][A-Za-z0-9_/-]*)+")

_OF_MODULES = re.compile(
    r"(?:bond|teql)[0-9]+|(?:ip6?)?gre0|gretap0|erspan0|tunl0|sit0|ip6tnl0|ip_vti0|ip6_vti0"
)
"""Devices that modules of the kernel make by themselves, most of them in every namespace."""

RESERVED = frozenset({"lo", "all", "default"})
"""Names with a meaning in the kernel: a device, and two directories of its sysctls."""

LABEL_BYTES = 63
"""The longest name of a node, as it is a host name: a DNS label of RFC 1035."""

NAME_FORM = "a name is up to 63 letters, digits, `_` and single inner hyphens, and starts with a letter"
VARIABLE_FORM = "a letter, then letters, digits and `_`; not `and`, `or` or `not`"
INTERFACE_FORM = "an interface name is 1 to 15 of letters, digits, `_`, `.` and `-`"


def is_name(word: str) -> bool:
    """Whether a word can name a lab, a node or a profile."""
    return len(word) <= LABEL_BYTES and _NAME.fullmatch(word) is not None and word not in RESERVED


def is_word(text: str) -> bool:
    """Whether a text is one word in a file: WORD of `grammar/topo.lark`, without brackets."""
    return _WORD.fullmatch(text) is not None


def is_variable(word: str) -> bool:
    """Whether a word can name a param or a loop variable."""
    return _VARIABLE.fullmatch(word) is not None


def is_interface(word: str) -> bool:
    return _INTERFACE.fullmatch(word) is not None and word not in RESERVED | {".", ".."}


def is_of_module(word: str) -> bool:
    """Whether a module of the kernel makes an interface of this name, in a namespace that may be a lab's."""
    return _OF_MODULES.fullmatch(word) is not None


def default_name(file: str) -> str:
    """The name of a lab without a `lab` statement: the stem of the file name, or `lab` for standard input.

    Of `REV:path`, a file in a revision of git, it is that of the path.
    """
    return "lab" if file == "-" else PurePath(file.rpartition(":")[2]).stem


def fault(word: str, most: int) -> str:
    """The fault of a name that may have `most` characters, as a label of a diagnostic."""
    if word in RESERVED or is_of_module(word):
        return "a name of the kernel's own"
    return f"{len(word)} characters" if len(word) > most else "not a name"


def is_namespace(word: str) -> bool:
    return _NAMESPACE.fullmatch(word) is not None


def is_address_device(word: str) -> bool:
    """Whether a word names a device that can have an address of the node itself: `lo` or `dummyN`."""
    return word == "lo" or (len(word) <= INTERFACE_BYTES and _DUMMY.fullmatch(word) is not None)


MACHINE_SYSCTLS = ("net.netfilter.nf_hooks_lwtunnel",)
"""Sysctls below `net` that each namespace lists, and whose value is shared by the whole machine.

The list is complete: a test sets every writable sysctl of a namespace, and looks which change on the host.
"""


def is_network_sysctl(word: str) -> bool:
    """Whether a word is a key below `net` in the dotted form of sysctl(8), which cannot name another path."""
    return _SYSCTL.fullmatch(word) is not None


def is_of_machine(sysctl: str) -> bool:
    """Whether a network sysctl, in either form of sysctl(8), belongs to the whole machine."""
    return sysctl.replace("/", ".") in MACHINE_SYSCTLS


def shown_file(name: str) -> str:
    """A file's name as scripts show it: printable ASCII on one line, with `?` for other characters."""
    return re.sub("[^ -~]", "?", name)


LOGICAL = {"bond": "bond-", "teql": "teql-"}
"""What the name of the end of a link over others begins with, before that of the node at the other end, by
the statement."""

LEG = "q."
"""What the name of the bridge over a leg of a `teql` begins with, before that of the leg's interface."""


def whole_name(peer: str, number: int) -> str:
    """The name of the end of the `number`th parallel link to `peer` (from 1), where none is pinned.

    It can be longer than INTERFACE_BYTES.
    """
    return peer if number == 1 else f"{peer}.{number}"


def shortened(wholes: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """Short names for the interfaces of one node whose names are longer than INTERFACE_BYTES.

    A short name is the head of the whole name and a hash of it; on a collision, the next free number. Names
    are assigned in sorted order, so that a further name changes another only if their hashes collide. `taken`
    are the names of the node's other interfaces. Names are compared without regard to case, as they are
    resolved.
    """
    used = {name.lower() for name in taken}
    found = {}
    for whole in sorted(wholes):
        head = whole[: INTERFACE_BYTES - DIGITS - 1].rstrip(".-")  # a word has no `.-` and no `--`
        number = int.from_bytes(sha256(whole.encode()).digest()[:4], "big")
        while (name := f"{head}-{_digits(number)}").lower() in used:
            number += 1
        used.add(name.lower())
        found[whole] = name
    return found


def _digits(number: int) -> str:
    """The last DIGITS digits of a number in base 32."""
    return "".join(BASE_32[number >> 5 * place & 31] for place in reversed(range(DIGITS)))


def bridge_name(switch: str) -> str:
    """The name of the bridge device of a switch."""
    return switch if len(switch) <= INTERFACE_BYTES else shortened([switch], ())[switch]


def other_name(name: str, taken: Container[str]) -> str:
    """A free name derived from a taken one; it is a valid word of the language."""
    for number in count(2):
        end = f"-{number}"
        head = re.split(r"[.-]{2}|[.-]\Z", name[: INTERFACE_BYTES - len(end)])[0]
        if (other := f"{head}{end}") not in taken:
            return other
    raise AssertionError
