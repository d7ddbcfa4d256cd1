"""Random labs on this machine's kernel: `./dev labs [COUNT] [SEED]`.

Each is brought up, and a check must pass. Then one fact is changed in each of its namespaces, and a check
must report each change. After down, the host must be as before. A lab depends on the seed and its number
only, so a failure can be reproduced.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import kernel
import live
import random_labs
from drifts import Drift, drifts
from tap import points

from compiler.driver import Compilation
from compiler.scripts.bash import Style


def try_lab(compilation: Compilation, chance: Random, style: Style | None = None) -> list[str]:
    """The failures of a lab, as lines. A plain script may be its own down."""
    style = style or chance.choice((Style.BATCH, Style.BATCH, Style.PLAIN))
    name = compilation.lab.name
    script = live.without_dummy(compilation.up(style))
    own = style is Style.PLAIN and chance.choice((False, True))
    lab = live.Lab(name, script, f"set -- down\n{script}" if own else compilation.down(), f"{name}-")
    with _card(compilation), TemporaryDirectory() as folder:
        before = kernel.snapshot()
        captured = [one.file for one in compilation.plan.captures]
        if captured:
            lab = replace(lab, up_script=f"set -- --captures {folder}\n{script}")
        try:
            up = lab.up()
            found = _findings(compilation, chance) if up.returncode == 0 else [f"up: {up.stderr}"]
            down = lab.down()
            found += [f"down: {down.stderr}"] * (down.returncode != 0)
            return found + kernel.differs(before).splitlines() + _not_captured(Path(folder), captured)
        finally:
            lab.clear_away()


@contextmanager
def _card(compilation: Compilation) -> Iterator[None]:
    """The interface that the uplink of a lab leads to, if it has one."""
    if not compilation.lab.uplink:
        yield
        return
    live.succeed("ip", "link", "add", "name", random_labs.CARD, "type", "bridge")
    live.succeed("ip", "address", "add", "203.0.113.2/24", "dev", random_labs.CARD)
    live.succeed("ip", "link", "set", "dev", random_labs.CARD, "up")
    try:
        yield
    finally:
        live.succeed("ip", "link", "del", "dev", random_labs.CARD)


def _not_captured(folder: Path, files: list[str]) -> list[str]:
    """What is not as it is to be of the files of captures: their names, and how they begin."""
    there = sorted(path.name for path in folder.iterdir())
    begun = all(path.read_bytes()[:4] == b"\xd4\xc3\xb2\xa1" for path in folder.iterdir())
    return [] if begun and there == sorted(files) else [f"captures: {there}, and not {files}"]


def _findings(compilation: Compilation, chance: Random) -> list[str]:
    """Failures of a check right after up, and changes that a check does not report."""
    first = points(_check(compilation)).items()
    found = [f"right after up, not {what}: {point.said}" for what, point in first if not point.holds]
    changed = []
    for drift in _some(compilation, chance):
        result = _inside(drift.namespace, drift.change)
        if result.returncode:
            found.append(f"cannot be changed: {drift}: {result.stderr}")
        else:
            changed.append(drift)
    told = points(_check(compilation))
    for drift in changed:
        _inside(drift.namespace, drift.back)
        said = told[f"the namespace {drift.namespace} is as planned"].said
        if not any(line.startswith(drift.named) for line in said):
            found.append(f"not named: {drift}: {said}")
    return found


def _inside(namespace: str, command: str) -> live.Result:
    return live.run("nsenter", f"--net=/run/netns/{namespace}", "sh", "-c", command)


def _check(compilation: Compilation) -> live.Result:
    return live.run("bash", "-s", stdin=compilation.script("check"), seconds=60)


def _some(compilation: Compilation, chance: Random) -> list[Drift]:
    """One random change for each namespace."""
    every: dict[str, list[Drift]] = {}
    for drift in drifts(compilation.plan):
        every.setdefault(drift.namespace, []).append(drift)
    return [chance.choice(own) for own in every.values()]


def main(count: str = "300", seed: str = "1", first: str = "0") -> int:
    failed = 0
    labs = random_labs.labs(int(seed), int(count), int(first))
    for done, (number, text, compilation) in enumerate(labs, 1):
        found = try_lab(compilation, Random(f"{seed} {number} drifts"))
        if found:
            failed += 1
            print(f"--- lab {number} of seed {seed}", text, *found, sep="\n", flush=True)
        if done % 10 == 0:
            print(f"labs: {done} tried, {failed} with findings", file=sys.stderr, flush=True)
    return bool(failed)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main(*sys.argv[1:]))
