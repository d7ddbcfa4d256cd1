"""The figures of docs/figures.md and the README, each a ratio that is measured in one run.

`python tests/bench.py [PART ...]` runs the named parts, or all of them; `main` lists them. Alternatives are
measured in turns, and medians are reported, so that a drift of the machine's speed affects them alike.
"""

import gc
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import accuracy
import answer
import bloat
import live
import machine
from accuracy_labs import DELAYED, IN_TURN, LOGICAL, PLAIN, Lab, labs, parallel
from bench_containers import ways
from bench_graph import PICTURED, drawings, resolving
from bench_machines import compiling as compiling_over
from bench_machines import grid, ups
from bench_scale import (
    REFERENCE,
    SIZES,
    TOPOLOGIES,
    comparing,
    compiling,
    drafting,
    edited,
    expanding,
    formatting,
    per_node,
    reading,
    rechecking,
    routes_of,
    scripting,
    written,
)
from bench_up import (
    CHECKED,
    OF_CHECK,
    OF_UP,
    Work,
    by_check,
    by_floor,
    by_hand,
    by_mininet,
    by_mpc,
    by_netlink,
    by_programs,
    compiler,
    has_mininet,
    settle,
)

from compiler.cli import GARBAGE
from compiler.driver import Compilation
from compiler.model.trials import Transfer
from compiler.prediction.predict import Predictor
from compiler.scripts.bash import Style

MBIT = 1e6


def say(*words: object) -> None:
    print(*words, flush=True)


def medians(repeats: int, *works: Callable[[], float]) -> list[float]:
    """The median of each work, from measurements in turns."""
    rounds = [[work() for work in works] for _ in range(repeats)]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def ratio(what: str, value: float, target: str) -> None:
    say(f"  {what}: {value:.2f} (target: {target})")


def seconds_of(*argv: str | Path, stdin: str = "", limit: float = 300) -> float:
    start = time.perf_counter()
    live.succeed(*argv, stdin=stdin, seconds=limit)
    return time.perf_counter() - start


# --- compile ----------------------------------------------------------------------------------------


def bench_compile() -> None:
    """The whole command against the start of Python with the two libraries it cannot do without.

    "New to shellcheck" is a lab of which only the runtime is noted, as it is unlike all others before.
    """
    diamond = live.GOLDEN / "diamond.topo"
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the libraries' bytecode is kept too
    with TemporaryDirectory() as folder, patch.dict(os.environ, XDG_CACHE_HOME=folder):
        fresh = (Path(folder, f"d{number}.topo") for number in count())
        other = Path(folder, "other.topo")
        other.write_text("host a\n")

        def notes_after(lab: Path) -> set[Path]:
            live.succeed(live.MPC, "compile", lab)
            return set(Path(folder, "mpc").glob("lint-*"))

        both = notes_after(other)
        for note in both:
            note.unlink()
        of_runtime = both & notes_after(diamond)

        def another() -> float:
            """Of the same lab by another name, so that nobody has looked at its script."""
            return seconds_of(live.MPC, "compile", shutil.copy(diamond, next(fresh)))

        def unlike() -> float:
            for note in set(Path(folder, "mpc").glob("lint-*")) - of_runtime:
                note.unlink()
            return another()

        start, new, first, again, unlinted = medians(
            15,
            lambda: seconds_of(sys.executable, "-c", "import lark, click"),
            unlike,
            another,
            lambda: seconds_of(live.MPC, "compile", diamond),
            lambda: seconds_of(live.MPC, "compile", diamond, "--no-lint"),
        )
    say(f"compile the diamond: {first:.3f} s, again {again:.3f} s, --no-lint {unlinted:.3f} s")
    say(f"  new to shellcheck {new:.3f} s, imports alone {start:.3f} s")
    ratio("new to shellcheck / imports alone", new / start, "at most 2.0")
    ratio("the first time / imports alone", first / start, "at most 1.7")
    ratio("again / imports alone", again / start, "at most 1.4")
    ratio("--no-lint / imports alone", unlinted / start, "at most 1.3")


# --- scale: compiling large labs --------------------------------------------------------------------


def bench_scale() -> None:
    """A fat tree with all routes written out; and the time per node, of small labs against large ones."""
    with TemporaryDirectory() as folder:
        lab = Path(folder, "fat.topo")
        lab.write_text("use std/fat-tree as t with k=16\n")
        command = (live.MPC, "compile", "--no-lint", lab)
        found = written(*command)  # first, as the peak memory of a process includes that of its parent
        reference = (sys.executable, "-c", REFERENCE, str(found.routes), str(found.size))
        least, ours = medians(5, lambda: written(*reference).seconds, lambda: written(*command).seconds)
    size = f"{found.size / 1e6:.0f} MB of text in {found.memory:.0f} MB of memory"
    say(f"compile a fat tree of k=16: {ours:.2f} s, {size}; the reference {least:.2f} s")
    ratio("that / rustworkx's distances and as many lines of text", ours / least, "at most 3")
    gc.set_threshold(GARBAGE)
    for name, sizes in SIZES.items():
        texts = [f"routing none\nuse std/{name} as t with {size}\n" for size in sizes]
        small = statistics.median(per_node(texts[0]) for _ in range(9))
        large = min(per_node(texts[1]) for _ in range(3))
        times = f"{small * 1e6:.0f} us a node with {sizes[0]}, {large * 1e6:.0f} with {sizes[1]}"
        say(f"compile a {name}: {times}")
        ratio("large / small", large / small, "at most 1.5")


# --- expand and recheck: what is done over and over again with large labs -------------------------------


def bench_expand() -> None:
    """A fat tree with 1,344 nodes made flat, against reading the flat text, of 4,416 lines."""
    gc.set_threshold(GARBAGE)
    text = "routing none\nuse std/fat-tree as t with k=16\n"
    flat = Compilation("lab.topo", text).flat()
    made, read = medians(5, partial(expanding, text), partial(expanding, flat))
    say(f"expand a fat tree of k=16: {made:.2f} s; the {flat.count(chr(10))} lines of it: {read:.2f} s")
    ratio("expanding / reading what it becomes", made / read, "at most 1.5")


def bench_diff() -> None:
    """`mpc diff` of two labs, with one link more, against compiling both with all their scripts."""
    gc.set_threshold(GARBAGE)
    diamond = (live.GOLDEN / "diamond.topo").read_text()
    tree = "use std/fat-tree as t with k=8 rate=10mbit\n"
    cases = {
        "the diamond": (diamond, f"{diamond}link a -- b rate 1mbit\n"),
        "a fat tree of k=8": (tree, f"{tree}link t-h0-0-0 -- t-h1-0-0 rate 1mbit\n"),
    }
    for name, texts in cases.items():
        compiled, compared = medians(5, partial(scripting, texts), partial(comparing, texts))
        say(f"diff {name} and one link more: {compared:.2f} s; compiling both {compiled:.2f} s")
        ratio("diff / compiling both with all scripts", compared / compiled, "at most 2")


def bench_machines() -> None:
    """A grid over machines, against the same on one: compiled, and brought up."""
    gc.set_threshold(GARBAGE)
    one, _ = compiling_over(grid(100, 0))
    ten, largest = compiling_over(grid(100, 10))
    say(f"compile a grid of 10,000 nodes: {one:.1f} s; over ten machines {ten:.1f} s")
    ratio("over ten machines / on one", ten / one, "at most 3")
    say(f"the largest of the ten scripts: {largest / 1e6:.2f} MB")
    single, several = ups(20, (1, 4), 3)
    say(f"up of a grid of 400 nodes: {single:.2f} s; over four machines {several:.2f} s")
    ratio("over four machines / on one", several / single, "at most 1.3")


def bench_containers() -> None:
    """Twenty containers on a switch, against the bare engine with as many that have no network."""
    with ways() as (up, in_turn, at_once):
        mpc, loop, bare = medians(3, up, in_turn, at_once)
    say(f"20 containers: up {mpc:.2f} s; podman run in a loop {loop:.2f} s, all at once {bare:.2f} s")
    ratio("up / podman run, all at once", mpc / bare, "at most 1.3")


def bench_recheck() -> None:
    """A lab of 1,000 lines in one process, as an editor does it: while one types, and all of `mpc check`."""
    gc.set_threshold(GARBAGE)
    for routing in ("none", "shortest"):
        (seconds,) = medians(9, partial(drafting, edited(routing)))
        say(f"draft of 1,000 lines with routing {routing}: {seconds * 1000:.0f} ms (at most 150 ms)")
    for routing, target in (("none", "at most 150 ms"), ("shortest", "no target: 110,000 routes")):
        (seconds,) = medians(9, partial(rechecking, edited(routing)))
        say(f"recheck 1,000 lines with routing {routing}: {seconds * 1000:.0f} ms ({target})")


def bench_fmt() -> None:
    """The layout of a lab of 1,000 lines, against reading it to its tree, which is a part of that."""
    text = edited("none")
    read, laid_out = medians(9, partial(reading, text), partial(formatting, text))
    say(f"format 1,000 lines: {laid_out * 1000:.0f} ms; read them: {read * 1000:.0f} ms")
    ratio("formatting / reading", laid_out / read, "at most 3")


# --- expectations -----------------------------------------------------------------------------------


def bench_expect() -> None:
    """A fat tree of 128 hosts in which all pairs are expected to reach each other, against one without."""
    hosts = "t-h[0..7]-[0..3]-[0..3]"
    tree = "use std/fat-tree as t with k=8\n"
    gc.set_threshold(GARBAGE)
    texts = [tree, *(f"{tree}expect {hosts} -> {hosts} {claim}\n" for claim in ("reachable", "rtt 0ms..9ms"))]
    bare, *claimed = medians(3, *(partial(compiling, text) for text in texts))
    times = f"with 16,256 claims of two kinds {claimed[0]:.2f} and {claimed[1]:.2f} s"
    say(f"compile a fat tree of k=8: {bare:.2f} s; {times}")
    ratio("with claims / without", max(claimed) / bare, "at most 6")


# --- pictures ---------------------------------------------------------------------------------------


def bench_graph() -> None:
    gc.set_threshold(GARBAGE)
    for name, (text, forms) in PICTURED.items():
        works = drawings(text, forms)
        bare, *drawn = medians(3, partial(resolving, text), *works.values())
        told = (
            f"{form} {seconds:.2f} s, {seconds / bare:.1f}"
            for form, seconds in zip(works, drawn, strict=True)
        )
        say(f"  {name}, compiled in {bare:.2f} s: {'; '.join(told)} times that")


# --- routes: what `aggregate` saves -----------------------------------------------------------------


def bench_routes() -> None:
    say("| topology | routes | aggregated | ratio | script, MB | aggregated |\n" + "| --- " * 6 + "|")
    for name, words in TOPOLOGIES.items():
        texts = [f"routing shortest {word}\nuse std/{name} as t with {words}" for word in ("", "aggregate")]
        before, after = map(routes_of, texts)
        sizes = [sum(map(len, Compilation("lab.topo", text).script(Style.BATCH))) / 1e6 for text in texts]
        row = (f"{name} {words}", before, after, f"{before / after:.1f}", *(f"{size:.2f}" for size in sizes))
        say("|", " | ".join(map(str, row)), "|")


# --- up and down ------------------------------------------------------------------------------------


def bench_up(nodes: int) -> None:
    """A ring of nodes with rates, made and removed by several tools."""
    ways: dict[str, Work] = {
        "mpc": by_mpc(nodes),
        "a command a line": by_hand(nodes),
        "one process over netlink": by_netlink(nodes),
        **({"Mininet": by_mininet(nodes)} if has_mininet() else {}),
    }
    rounds: list[dict[str, tuple[float, float]]] = []
    for _ in range(3):
        rounds.append({})
        for name, work in ways.items():
            rounds[-1][name] = work()
            settle()
    medians = {name: [statistics.median(row[name][way] for row in rounds) for way in (0, 1)] for name in ways}
    say(f"a ring of {nodes} with rates, medians of 3:\n")
    say("| way | up, s | down, s | both, against mpc |\n| --- | --- | --- | --- |")
    for name, (up, down) in medians.items():
        say(f"| {name} | {up:.2f} | {down:.2f} | {(up + down) / sum(medians['mpc']):.2f} |")


def bench_floor(nodes: int) -> None:
    """A ring of nodes with rates against what the kernel alone takes to make it."""
    if compiler() is None:
        say("the floor: left out, as there is no compiler of C")
        return
    ways = by_mpc(nodes), by_floor(nodes), by_programs(nodes, OF_UP)
    rounds: list[tuple[float, ...]] = []
    for _ in range(5):
        rounds.append(())
        for work in ways:
            rounds[-1] += work()
            settle()
    up, down, least, deleted, idle, _ = (statistics.median(column) for column in zip(*rounds, strict=True))
    say(f"a ring of {nodes} with rates: up {up:.2f} s, down {down:.2f} s")
    say(
        f"  the floor, threads of C over netlink: {least:.2f} s, and {deleted:.2f} s to delete its namespaces"
    )
    say(f"  the programs that up starts in each namespace, with nothing to do: {idle:.2f} s")
    ratio("up / the floor", up / least, "at most 2.0")
    ratio("up / the floor and the programs", up / (least + idle), "at most 1.5")
    ratio("down / the floor", down / least, "at most 0.5")


def bench_ups() -> None:
    bench_up(300)
    bench_floor(1000)


def bench_check() -> None:
    """Checks of large labs, against bringing these up."""
    for title, text in CHECKED.items():
        work = by_check(text)
        rounds = []
        for _ in range(3):
            rounds.append(work())
            settle()
        up, check = (statistics.median(column) for column in zip(*rounds, strict=True))
        say(f"{title}: up {up:.2f} s, check {check:.2f} s")
        ratio("check / up", check / up, "at most 1.0")
    idle, asked = (by_programs(1024, programs)()[0] for programs in (OF_UP, OF_CHECK))
    say(f"the programs in 1,024 namespaces with nothing to do: of up {idle:.2f} s, of check {asked:.2f} s")
    ratio("programs of check / of up", asked / idle, "no target")


# --- multipath --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A row of the table; `single` is the name that one TCP connection reaches over the best path."""

    title: str
    lab: live.Lab
    ends: tuple[str, str]
    single: str = "b"
    spoil: Callable[[], None] = lambda: None


def cases() -> Iterator[Case]:
    for title, name, topology, single in (
        ("diamond, `mptcp a -- b`", "either", live.DIAMOND + "mptcp a -- b", "b"),
        ("diamond, `mptcp a -> b`", "client", live.DIAMOND + "mptcp a -> b", "b"),
        ("three paths of 5 Mbit/s", "three", live.THREE + "mptcp a -- b", "b"),
        ("paths of 20 and 10 Mbit/s", "unequal", live.UNEQUAL + "mptcp a -- b", "c.b"),
    ):
        yield Case(title, live.lab_of(name, topology), (f"{name}-a", f"{name}-b"), single)
    original = live.lab_of("original", live.GOLDEN / "original.topo", prefix="device")
    ends = "devicea", "deviceb"
    yield Case("the original, shaped where links leave", original, ends)
    yield Case("the original, with its own shaping rebuilt", original, ends, spoil=shape_like_the_original)


def shape_like_the_original() -> None:
    """In b, packets from both links pass one class of one ifb0: a shared bottleneck of both paths."""
    live.succeed("ip", "-n", "deviceb", "link", "add", "name", "ifb0", "type", "ifb")
    live.succeed("ip", "-n", "deviceb", "link", "set", "dev", "ifb0", "up")
    commands = [
        "qdisc add dev ifb0 root handle 2: htb",
        "class add dev ifb0 parent 2: classid 2:1 htb rate 5120kbit",
        "filter add dev ifb0 parent 2: protocol ip prio 1 u32 match u32 0 0 flowid 2:1",
    ]
    for dev in ("veth4", "veth6"):
        redirect = "u32 match u32 0 0 action mirred egress redirect dev ifb0"
        commands.append(f"qdisc add dev {dev} handle ffff: ingress")
        commands.append(f"filter add dev {dev} parent ffff: protocol ip {redirect}")
    live.succeed("tc", "-n", "deviceb", "-batch", "-", stdin="\n".join(commands) + "\n")


def measure(case: Case) -> str:
    """A row of the table."""
    client, server = case.ends
    with live.running(case.lab):
        case.spoil()
        tcp, mptcp = medians(
            3,
            lambda: live.iperf(server, client, case.single, seconds=8),
            lambda: live.iperf(server, client, "b", mptcp=True, seconds=8),
        )
    return f"| {case.title} | {tcp / MBIT:.2f} | {mptcp / MBIT:.2f} | {mptcp / tcp:.2f} |"


SPRAYED = {
    "10 and 10": ["rate 10mbit", "rate 10mbit"],
    "10 and 5": ["rate 10mbit", "rate 5mbit"],
    "10, 10 and 10": ["rate 10mbit"] * 3,
}
"""Paths that packets of one connection take in turn."""


def bench_spray() -> None:
    """One TCP connection to an interface of b, by one path, and to b itself, by packets in turn."""
    say("received Mbit/s by one TCP connection, medians of 3 transfers of 8 s each:\n")
    say("| paths | one path | in turn | ratio | of all |\n| --- | --- | --- | --- | --- |")
    for number, (title, paths) in enumerate(SPRAYED.items()):
        name, text = f"spray{number}", parallel(*paths, more="spray a -- b")
        ends = f"{name}-b", f"{name}-a"
        with live.running(live.lab_of(name, text)):
            alone, in_turn = medians(
                3, partial(live.iperf, *ends, "r0.b", seconds=8), partial(live.iperf, *ends, "b", seconds=8)
            )
        whole = Predictor(Compilation("-", text).lab).between("a", "b").goodput(Transfer()).expected
        figures = f"{alone / MBIT:.2f} | {in_turn / MBIT:.2f} | {in_turn / alone:.2f} | {in_turn / whole:.2f}"
        say(f"| {title} | {figures} |")


PINS = {
    "`signal` at both": "mptcp a -- b endpoints a:c signal, a:d signal, b:c signal, b:d signal",
    "`signal subflow` at both": "mptcp a -- b endpoints a:c signal subflow, a:d signal subflow,"
    " b:c signal subflow, b:d signal subflow",
    "`subflow` at a, `signal` at b": "mptcp a -> b endpoints a:c subflow, a:d subflow,"
    " b:c signal, b:d signal",
    "`subflow fullmesh` at a, `signal` at b": "mptcp a -> b endpoints a:c subflow fullmesh,"
    " a:d subflow fullmesh, b:c signal, b:d signal",
}
"""The diamond with other endpoints than the inferred ones, and the same rules."""

LONGER = {
    "ring of 6 routers": "router a r1 b r3 r4 r5\nlink a -- r1 -- b -- r3 -- r4 -- r5 -- a\nmptcp a -- b",
    "over a router in the middle": "host a b\nrouter c d e f g\nlink a -- {c,d} -- e -- {f,g} -- b\n"
    "mptcp a -- b",
    "one interface at a": "host a b\nrouter c\nlink a -- c rate 50mbit\nlink c -- b\nlink c -- b\n"
    "mptcp a -> b",
}
"""Paths other than the routers' own choice, or with one interface at an end."""


def variants() -> Iterator[Case]:
    for number, (title, line) in enumerate(PINS.items()):
        yield Case(
            title, live.lab_of(f"pins{number}", live.DIAMOND + line), (f"pins{number}-a", f"pins{number}-b")
        )
    for number, (title, lines) in enumerate(LONGER.items()):
        lab = live.lab_of(f"long{number}", f"default link rate 5mbit\n{lines}")
        yield Case(title, lab, (f"long{number}-a", f"long{number}-b"))


def table(rows: Iterator[Case]) -> None:
    say("received Mbit/s, medians of 3 transfers of 8 s each, opened by a:\n")
    say("| lab | one TCP connection | MPTCP | ratio |\n| --- | --- | --- | --- |")
    for case in rows:
        say(measure(case))


# --- accuracy ---------------------------------------------------------------------------------------

GUEST = "trixie"
"""The suite of the kernel for measurements if this one has no netem."""


def bench_accuracy() -> None:
    """Predictions against measurements: on this kernel, or in a guest if this one has no netem.

    A guest has one processor, so each lab has a guest to itself.
    """
    say("accuracy: medians of 2 transfers of 10 s, or with losses means of 2 of 180 s, CUBIC, sent by a\n")
    measure_accuracy("here", labs(PLAIN), here, at_once=5)
    if machine.has("netem"):
        measure_accuracy("delays and losses", labs(DELAYED), here, at_once=5)
    elif has_guest(GUEST):
        measure_accuracy("delays and losses, in a guest", labs(DELAYED), in_guest(GUEST), at_once=2)
    else:
        say("delays and losses: left out, as this kernel has no netem; ./dev guests fetches one that has")


def bench_turns() -> None:
    """Packets in turn and tunnels, on the kernels of two guests."""
    for suite in filter(has_guest, ("bookworm", GUEST)):
        found = labs(IN_TURN, plain=True)
        measure_accuracy("packets in turn, tunnels", found, in_guest(suite), at_once=2, rounds=1)


def bench_logical() -> None:
    """Bonds and teqls, on the kernels of two guests."""
    for suite in filter(has_guest, ("bookworm", GUEST)):
        found = labs(LOGICAL, plain=True)
        measure_accuracy("bonds and teqls", found, in_guest(suite), at_once=2, rounds=1)


def bench_joins() -> None:
    """MPTCP opened over each of three paths with different delays, on the kernels of two guests."""
    for suite in filter(has_guest, ("bookworm", GUEST)):
        measure_accuracy("three paths", labs({"ddd5": DELAYED["ddd5"]}), in_guest(suite), at_once=1)


def bench_answer() -> None:
    """All ways to use several paths, each over equal and unequal ones, with delays and without."""
    if not has_guest(GUEST):
        say("answer: left out, as it is measured in a guest, which ./dev guests fetches")
        return
    for line in answer.table(in_guest(GUEST, seconds=1800), here):
        say(line)


def bench_bloat() -> None:
    """Round trips beside TCP connections that fill a queue, by its kind."""
    if not has_guest(GUEST):
        say("bloat: left out, as it is measured in a guest, which ./dev guests fetches")
        return
    for line in bloat.table(in_guest(GUEST)):
        say(line)


def measure_accuracy(
    title: str, found: list[Lab], start: Callable[..., str], *, at_once: int, rounds: int = 2
) -> None:
    """Measures labs, `at_once` of them in parallel, and prints a table; `start` runs MEASURE."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(at_once) as pool:
        folder = Path(name)
        accuracy.prepare(folder, found)
        folders = [folder / lab.name for lab in longest_first(found)]
        list(pool.map(lambda own: start("bash", accuracy.MEASURE, own, str(rounds)), folders))
        say(f"{title}, Linux {(folders[0] / 'kernel').read_text().strip()}:\n")
        for line in accuracy.table(accuracy.rows(folder, found)):
            say(line)
        say()


def here(*argv: str | Path) -> str:
    return live.succeed(*argv, seconds=900)


def longest_first(found: list[Lab]) -> list[Lab]:
    return sorted(found, key=lambda lab: (-lab.seconds, "mptcp" not in lab.text))


def has_guest(suite: str) -> bool:
    return live.run("bash", "-c", f"[[ -d ~/.cache/mpc/guests/{suite} ]]").returncode == 0


def in_guest(suite: str, *, seconds: int = 900) -> Callable[..., str]:
    """A function that runs a MEASURE under a suite's kernel, in a new guest each time."""
    run = ("env", f"GUEST_SECONDS={seconds}", live.ROOT / "tests" / "guest" / "run", suite)
    return lambda *argv: live.succeed(*run, argv[2], *argv, seconds=seconds + 30)


WITHOUT_ROOT = {"compile", "scale", "routes", "expect", "expand", "recheck", "diff", "fmt", "graph"}
"""The parts that no namespaces are made for."""


def main() -> None:
    parts: dict[str, Callable[[], None]] = {
        "compile": bench_compile,
        "scale": bench_scale,
        "routes": bench_routes,
        "up": bench_ups,
        "large": lambda: bench_up(1000),
        "check": bench_check,
        "multipath": lambda: table(cases()),
        "variants": lambda: table(variants()),
        "spray": bench_spray,
        "expect": bench_expect,
        "expand": bench_expand,
        "recheck": bench_recheck,
        "diff": bench_diff,
        "fmt": bench_fmt,
        "graph": bench_graph,
        "accuracy": bench_accuracy,
        "turns": bench_turns,
        "logical": bench_logical,
        "joins": bench_joins,
        "containers": bench_containers,
        "machines": bench_machines,
        "answer": bench_answer,
        "bloat": bench_bloat,
    }
    for name in sys.argv[1:] or parts:
        if name not in WITHOUT_ROOT and os.geteuid() != 0:
            say(f"{name}: left out, it needs root")
        else:
            parts[name]()


if __name__ == "__main__":
    main()
