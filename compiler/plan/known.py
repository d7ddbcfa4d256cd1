"""What is known of command lines before they are run: programs and types of devices that they name.

Nothing is run to find that out, and a line that is no plain call is not guessed at.
"""

import shlex
from collections.abc import Iterator, Sequence

_BUILTIN = frozenset(
    """
    . : [ [[ alias bg bind break builtin caller case cd command compgen complete compopt continue coproc
    declare dirs disown do done echo elif else enable esac eval exec exit export false fc fg fi for function
    getopts hash help history if in jobs kill let local logout mapfile popd printf pushd pwd read readarray
    readonly return select set shift shopt source suspend test then time times trap true type typeset ulimit
    umask unalias unset until wait while { } !
    """.split()
)
"""The builtins and reserved words of bash(1), which are no programs."""

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-")

_VALUED = frozenset(
    "name dev link mtu index address broadcast txqueuelen txqlen group alias netns addrgenmode"
    " numtxqueues numrxqueues gso_max_size gso_max_segs".split()
)
"""The keywords of `ip link add` before its type that take a value."""


def program(line: str) -> str | None:
    """The program that a command line begins with; None where that is not plain to see."""
    word = next(iter(line.split()), "")
    return word if word not in _BUILTIN and word and _PLAIN.issuperset(word) else None


def type_of(line: str) -> str | None:
    """The type of the device that a command line adds by ip(8), if it does nothing else."""
    try:
        words = shlex.split(line)
    except ValueError:
        return None
    if words[:3] != ["ip", "link", "add"]:
        return None
    return next(_type(words[3:]), None)


def _type(words: Sequence[str]) -> Iterator[str]:
    """The word after `type`, where it is a keyword, and plain."""
    place = 0
    while place + 1 < len(words) and words[place] != "type":
        place += 2 if words[place] in _VALUED else 1
    if place + 1 < len(words) and words[place + 1].replace("_", "").isalnum():
        yield words[place + 1]


def is_of_tun(line: str) -> bool:
    """Whether a command line makes a tun or tap device."""
    return line.split()[:2] == ["ip", "tuntap"]
