"""The forms of names, and the interface names that are inferred."""

import re
from hashlib import sha256
from pathlib import PurePath

INTERFACE_BYTES = 15
"""IFNAMSIZ of linux/if.h, less the closing NUL."""

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


def inferred_interface(peer: str, number: int) -> str:
    """The name of the `number`th parallel link to `peer` (from 1), for an end that is not pinned.

    A name that is too long for the kernel keeps its head and takes a short hash of the whole.
    """
    whole = peer if number == 1 else f"{peer}.{number}"
    if len(whole) <= INTERFACE_BYTES:
        return whole
    digest = sha256(whole.encode()).hexdigest()[:4]
    return f"{whole[: INTERFACE_BYTES - 5]}-{digest}"
