"""Fault injection for scripts: a directory for PATH in which every program can fail at one of its calls.

A program fails before or after it acts; one that reads a batch, at one of its lines.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import live

# Programs that a script calls. PATH has nothing else, so that a missing one here is noticed.
PROGRAMS = (
    "bash env flock ip ln mkdir modprobe mount nft nproc nsenter rm rmdir setsid sh sleep stat tc umount "
    "unshare"
).split()

# Counts the calls of a program under a lock, as they come side by side, and writes each down with the number
# of lines of its batch (nsenter's is for what it starts; a shell's are sysctls, which it sets first, from row
# `first` on).
# The file `fault` has the call that is to fail.
SHIM = """#!{bash}
program=${{0##*/}} lines=0 batch='' first=0 number=1 status=1
case "$program ${{*: -1}}" in
  "sh -" | "ip -" | "tc -" | "nft -") batch=1 && mapfile -t rows ;;
esac
if [[ $program == sh && $batch ]]; then
  status=100
  for row in "${{rows[@]}}"; do
    if [[ $row == END ]]; then
      break
    elif ((first)); then
      ((++lines))
    elif [[ $row == "put - <<"* ]]; then
      first=$number
    fi
    ((++number))
  done
elif [[ $batch ]]; then
  lines=${{#rows[@]}}
fi
exec {{lock}}>>{folder}/lock && {flock} "$lock"
call=1
while read -r other _; do [[ $other != "$program" ]] || ((++call)); done <{folder}/calls
echo "$program $call $lines" >>{folder}/calls
exec {{lock}}>&-
feed() {{
  if [[ $batch ]]; then printf '%s\n' "${{rows[@]}}" | "$@"; else "$@"; fi
}}
read -r failing at line acts <{folder}/fault
if [[ "$program $call" == "$failing $at" ]]; then
  ((line == 0)) || {{ rows=("${{rows[@]:0:first + line - 1 + acts}}"); }}
  ((line == 0)) || [[ $program != sh ]] || rows+=(END)
  ((line == 0 && acts == 0)) || feed {command} >&2
  echo "made to fail" >&2
  ((line)) || exit 1
  echo "Command failed -:$line" >&2
  exit "$status"
fi
[[ $batch || $program == nproc ]] || exec {command}
feed {command}
"""


@dataclass(frozen=True)
class Fault:
    """A program that fails at a call (from 1), at a line of its batch (0: none), after acting or not."""

    program: str
    call: int
    line: int = 0
    acts: bool = False

    def __str__(self) -> str:
        where = f"call {self.call} of {self.program}" + (f" at line {self.line}" if self.line else "")
        return f"{where}, {'after' if self.acts else 'before'} it acts"


NONE = Fault("none", 0)


class Shims:
    """A directory for PATH. Its nproc reports one processor, so that calls have one order.

    With `only`, it has but these programs, and others and the environment are the machine's.
    """

    def __init__(self, folder: Path, only: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.path = str(folder) if not only else f"{folder}:{os.environ['PATH']}"
        self.environment = [] if only else ["-i"]
        real = {name: shutil.which(name) for name in (*PROGRAMS, *only)}
        for name, path in real.items():
            if path is None or name not in (only or PROGRAMS):
                continue
            command = "echo 1" if name == "nproc" else f'{path} "$@"'
            (folder / name).write_text(SHIM.format(**real, command=command, folder=folder))
            (folder / name).chmod(0o755)

    def run(self, script: str, fault: Fault = NONE) -> live.Result:
        """Runs a script with a fault; afterwards, `calls` has its calls."""
        fields = fault.program, fault.call, fault.line, int(fault.acts)
        (self.folder / "fault").write_text(" ".join(map(str, fields)) + "\n")
        (self.folder / "calls").write_text("")
        bash = shutil.which("bash") or "bash"
        return live.run("env", *self.environment, f"PATH={self.path}", bash, "-s", stdin=script, seconds=60)

    def calls(self) -> list[tuple[str, int, int]]:
        """The calls of the last run: program, number of the call, lines of its batch."""
        rows = (line.split() for line in (self.folder / "calls").read_text().splitlines())
        return [(program, int(call), int(lines)) for program, call, lines in rows]

    def reached(self, fault: Fault) -> bool:
        """Whether the last run reached the call of a fault."""
        return any((fault.program, fault.call) == (program, call) for program, call, _ in self.calls())

    def faults(self) -> Iterator[Fault]:
        """All faults for the calls of the last run.

        A fault after a line equals one before the next, so only the last line has both.
        """
        for program, call, lines in self.calls():
            yield Fault(program, call)
            yield Fault(program, call, acts=True)
            for line in range(1, lines + 1):
                yield Fault(program, call, line)
            if lines:
                yield Fault(program, call, lines, acts=True)


def thorough() -> bool:
    """Whether to try everything, which takes many minutes (`./dev faults`), or a sample."""
    return "MPC_FAULTS" in os.environ


def moments() -> int:
    """The number of random moments at which a test interrupts a script."""
    return 100 if thorough() else 15


def sample(faults: list[Fault]) -> list[Fault]:
    """About 60 faults, evenly spread, unless all are tried."""
    return faults if thorough() else faults[:: max(1, len(faults) // 60)]
