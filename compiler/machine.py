"""Commands as root on this machine, or by ssh on another.

Each takes the place of this process, so that signals, the terminal and the exit status are its own.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from shutil import which
from typing import NoReturn

AS_ROOT = 'test "$(id -u)" = 0 || exec sudo -- "$@"; exec "$@"'
"""What a shell on a host does with the words that it is given."""


class CannotRunError(Exception):
    """A program is missing that a command needs."""


def become(words: Sequence[str], host: str | None, terminal: bool = False) -> NoReturn:
    """Runs a command as root in place of this process; on a host, words are quoted for the shells between.

    `terminal` has ssh make one on the host if this process has one. Raises CannotRunError.
    """
    if host:
        remote = shlex.join(["sh", "-c", AS_ROOT, "sh", *words])
        words = ["ssh", *(["-t"] if terminal and sys.stdin.isatty() else []), "--", host, remote]
    elif os.geteuid() != 0:
        words = ["sudo", "--", *words]
    program = which(words[0])
    if program is None:
        why = "this needs root, and " if words[0] == "sudo" else ""
        raise CannotRunError(f"{why}the command {words[0]} is missing")
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(program, [*words])


def become_script(script: Iterable[str], arguments: Sequence[str], host: str | None) -> NoReturn:
    """Runs a script of bash likewise, with arguments. It is the standard input of bash."""
    file = os.memfd_create("script", 0)
    with os.fdopen(file, "wb", closefd=False) as text:
        text.writelines(map(str.encode, script))
    os.lseek(file, 0, os.SEEK_SET)
    os.dup2(file, 0)
    become(["bash", "-s", "--", *arguments], host)


def told(script: str, host: str | None) -> str:
    """What a script of bash prints, which needs no root. Raises CannotRunError."""
    words = ["ssh", "--", host, "bash -s"] if host else ["bash", "-s"]
    try:
        run = subprocess.run(words, input=script, stdout=subprocess.PIPE, text=True, check=False)
    except OSError as error:
        raise CannotRunError(f"{words[0]}: {error.strerror}") from error
    if run.returncode:
        raise CannotRunError(f"{words[0]} ended with the status {run.returncode}")
    return run.stdout
