"""The byte counters of interfaces in network namespaces, all read by one process."""

import ctypes
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

FOLDER = Path("/run/netns")
DEVICES = Path("/proc/thread-self/net/dev")
NETWORK = 0x40000000
"""CLONE_NEWNET of setns(2)."""

_COLUMN = 8
"""The place of the bytes that were sent in a line of /proc/net/dev."""


class GoneError(Exception):
    """A namespace is not there, or no more."""


class Count(NamedTuple):
    """The bytes that an interface has sent since it was made, and when that was so, in seconds."""

    sent: int
    time: float


Counts = dict[tuple[str, str], Count]
"""By namespace and interface."""


def read(namespaces: Iterable[str]) -> Counts:
    """What each interface has sent; raises GoneError, and PermissionError without CAP_SYS_ADMIN.

    A thread enters one namespace after another and ends, so that this process is in none of them, and holds
    none that a lab takes down.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_read, list(namespaces)).result()


def _read(namespaces: list[str]) -> Counts:
    found: Counts = {}
    for namespace in namespaces:
        _enter(namespace)
        lines = DEVICES.read_text("ascii", "replace").splitlines()
        now = time.monotonic()
        for line in lines[2:]:
            name, _, numbers = line.partition(":")
            found[namespace, name.strip()] = Count(int(numbers.split()[_COLUMN]), now)
    return found


def _enter(namespace: str) -> None:
    """Has this thread enter a namespace."""
    try:
        file = os.open(FOLDER / namespace, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise GoneError(namespace) from None
    try:
        if _LIBC.setns(file, NETWORK):
            number = ctypes.get_errno()
            if number == 1:  # EPERM
                raise PermissionError(number, os.strerror(number))
            raise GoneError(namespace)  # a name whose namespace is gone
    finally:
        os.close(file)


_LIBC = ctypes.CDLL(None, use_errno=True)
