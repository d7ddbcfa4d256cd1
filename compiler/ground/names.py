"""The forms of names, and the interface names that are inferred."""

import re
from collections.abc import Container, Iterable
from hashlib import sha256
from itertools import count
from pathlib import PurePath

INTERFACE_BYTES = 15
"""IFNAMSIZ of linux/if.h, less the closing NUL."""

BASE_32, DIGITS = "0123456789abcdefghijklmnopqrstuv", 5
"""The digits of the hash in an interface's name, and how many there are."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*")
_WORD = re.compile(r"[A-Za-z0-9_:/%]+(?:(?:\.\.?|-)[A-Za-z0-9_:/%]+)*")
_VARIABLE = re.compile(r"(?!(?:and|or|not)\Z)[A-Za-z][A-Za-z0-9_]*")
_INTERFACE = re.compile(r"[A-Za-z0-9_.-]{1,15}")
_NAMESPACE = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,126}[A-Za-z0-9_])?")
_DUMMY = re.compile(r"dummy[0-9]{1,9}")
_SYSCTL = re.compile(r"net(?:\.[A-Za-z0-9_][A-Za-z0-9_/-]*)+")

RESERVED = frozenset({"lo", "all", "default"})
"""Names that the kernel gives a meaning: a device, and two folders of its sysctls."""

LABEL_BYTES = 63
"""The length of a DNS label (RFC 1035), as nodes' names are host names."""

NAME_FORM = "a name is up to 63 letters, digits, `_` and single inner hyphens, and starts with a letter"
VARIABLE_FORM = "a letter, then letters, digits and `_`; not `and`, `or` or `not`"
INTERFACE_FORM = "an interface name is 1 to 15 of letters, digits, `_`, `.` and `-`"


def is_name(word: str) -> bool:
    """Whether a word can name a lab, a node or a profile."""
    return len(word) <= LABEL_BYTES and _NAME.fullmatch(word) is not None and word not in RESERVED


def is_word(text: str) -> bool:
    """Whether a text can stand in a file as one word; WORD of `grammar/topo.lark` without brackets."""
    return _WORD.fullmatch(text) is not None


def is_variable(word: str) -> bool:
    """Whether a word can name a param or the variable of a loop."""
    return _VARIABLE.fullmatch(word) is not None


def is_interface(word: str) -> bool:
    return _INTERFACE.fullmatch(word) is not None and word not in RESERVED | {".", ".."}


def default_name(file: str) -> str:
    """The name of a lab that has none: the stem of its file's name, or `lab` for standard input."""
    return "lab" if file == "-" else PurePath(file).stem


def fault(word: str, most: int) -> str:
    """What is wrong with a name of at most `most` characters, as a label."""
    if word in RESERVED:
        return "a name of the kernel's own"
    return f"{len(word)} characters" if len(word) > most else "not a name"


def is_namespace(word: str) -> bool:
    return _NAMESPACE.fullmatch(word) is not None


def is_address_device(word: str) -> bool:
    """Whether a node's own address can be on this device: `lo` or `dummyN`."""
    return word == "lo" or (len(word) <= INTERFACE_BYTES and _DUMMY.fullmatch(word) is not None)


MACHINE_SYSCTLS = ("net.netfilter.nf_hooks_lwtunnel",)
"""Those below `net` that each namespace shows as its own, and whose value is one for the whole machine.

A test changes all that a namespace lets it change, and looks which show outside.
"""


def is_network_sysctl(word: str) -> bool:
    """Whether a word is a key below `net` in the dotted form of sysctl(8), with no way out of it."""
    return _SYSCTL.fullmatch(word) is not None


def is_of_machine(sysctl: str) -> bool:
    """Whether a network sysctl, in either form of sysctl(8), would be changed for the whole machine."""
    return sysctl.replace("/", ".") in MACHINE_SYSCTLS


def shown_file(name: str) -> str:
    """A file's name as scripts show it: printable ASCII on one line, with `?` for all else."""
    return re.sub("[^ -~]", "?", name)


def whole_name(peer: str, number: int) -> str:
    """The name of the `number`th parallel link to `peer` (from 1), for an end that is not pinned.

    It can be too long for the kernel.
    """
    return peer if number == 1 else f"{peer}.{number}"


def shortened(wholes: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """What interfaces of one node are called whose names are too long for the kernel.

    Each name keeps its head and takes a hash of the whole, or on a collision the next number that is free.
    They are taken in order, so that one more moves another only where both hash to one number. `taken` are
    the names of the node's other interfaces. Names are compared without regard to case, as they resolve.
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
    """The last digits of a number in base 32."""
    return "".join(BASE_32[number >> 5 * place & 31] for place in reversed(range(DIGITS)))


def bridge_name(switch: str) -> str:
    """The name of the device of a switch."""
    return switch if len(switch) <= INTERFACE_BYTES else shortened([switch], ())[switch]


def other_name(name: str, taken: Container[str]) -> str:
    """A name like one that is taken, which is not; it is a word of the language."""
    for number in count(2):
        end = f"-{number}"
        head = re.split(r"[.-]{2}|[.-]\Z", name[: INTERFACE_BYTES - len(end)])[0]
        if (other := f"{head}{end}") not in taken:
            return other
    raise AssertionError
