"""Runs scripts with recorders in place of all tools, and finds effects that no lab should have.

They run as root of their own namespaces, with the root file system read-only and /run and /etc empty, so that
nothing real is read or changed. Sleeping advances their clock without waiting.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from shapes import (
    ADDRESS,
    COMMANDS,
    EVENTS,
    IMAGE,
    INTERFACE,
    KEY,
    NAME,
    NAMESPACE,
    NUMBER,
    STP,
    TUNNEL,
    UNDO,
    UNDONE,
    VALUE,
    is_command,
    is_container,
    is_host,
    is_note,
    is_process,
    is_trial,
)

from compiler import resources
from compiler.driver import Compilation
from compiler.scripts.bash import Style

TOOLS = "ip tc sysctl nft nsenter unshare mount umount modprobe nproc sleep".split()
TOOLS += "setsid bash flock ln mkdir rm rmdir sh stat".split()
TOOLS += "awk ping iperf3 mptcpize ss cat grep mktemp sort bridge date xargs podman docker timeout".split()
SHIM = Path(__file__).with_name("recorder.sh")

NAMESPACES = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--net", "--ipc"]

INSIDE = """
mount -t tmpfs none /run && mount -t tmpfs none /etc || exit 1
mount --bind "$RECORDS" "$RECORDS" && mount -o remount,bind,ro / || exit 1
mount --bind "$RECORDS/uptime" /proc/uptime || exit 1
for script; do
  PATH=$RECORDS/bin /bin/bash "$script" </dev/null >"$script.said" 2>&1
  status=$?
  ((status < 2)) || echo "$script ended with $status" >&2
  find /run /etc -type f -exec cat {} + >"$script.wrote"
done
find /run /etc -mindepth 1 ! -path "/run/mount*"
"""
"""Hides the machine, runs the scripts in order, and prints the files that they leave."""


class Call(NamedTuple):
    """A tool's name, arguments and input."""

    argv: tuple[str, ...]
    input: str


class Record(NamedTuple):
    """The effects of scripts: their calls, the lines of files that they wrote, and the files that they left.

    `said` has the output of up and down, and `trials` that of the other scripts, by kind.
    """

    calls: list[Call]
    written: set[str]
    left: str
    said: str
    trials: dict[str, str]


def possible() -> bool:
    """Whether this user may make the namespaces."""
    return subprocess.run([*_namespaces(), "true"], capture_output=True, check=False).returncode == 0


def record(compilation: Compilation) -> Record:
    """The effects of up, in each style, and of each down after it, and of all other scripts in between."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        _write_shims(folder / "bin")
        (folder / "uptime").write_text("100.00 100.00\n")
        kinds = compilation.kinds[2:]
        trials = map(compilation.script, kinds)
        up, plain = (compilation.up(style) for style in Style)
        paths = []
        down = compilation.down()
        texts = [up, *trials, down, plain, down, plain, f"set -- down\n{plain}"]
        for number, text in enumerate(texts):
            paths.append(folder / f"{number}.sh")
            paths[-1].write_text(text)
        run = _run(folder, paths, f"mpc:{compilation.lab.name}")
        written = {line for path in folder.glob("*.wrote") for line in path.read_text().splitlines()}
        first, *told, down, plain, by_down, plain_again, by_plain = (
            Path(f"{path}.said").read_text() for path in paths
        )
        said = run.stderr + first + down + plain + by_down + plain_again + by_plain
        begun = [path for path in folder.glob("*.call") if path.stat().st_size]  # or it was killed before
        return Record(
            [_call(path) for path in begun], written, run.stdout, said, dict(zip(kinds, told, strict=True))
        )


def _namespaces() -> list[str]:
    return NAMESPACES if os.geteuid() == 0 else [*NAMESPACES, "--map-root-user"]


def _write_shims(folder: Path) -> None:
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(SHIM)
    awk = Path(shutil.which("awk") or "/usr/bin/awk")
    (folder.parent / "awk").symlink_to(awk.resolve())  # a link of Debian's, by /etc, which is hidden


def _run(folder: Path, paths: list[Path], mark: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "RECORDS": str(folder), "TMPDIR": str(folder)}
    return subprocess.run(
        [*_namespaces(), "bash", "-c", INSIDE, "record", *map(str, paths)],
        env={**environment, "RECORDED_MARK": mark},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _call(path: Path) -> Call:
    argv = path.read_bytes().decode().split("\0")[:-1]
    read = path.with_suffix(".input")
    return Call(tuple(argv), read.read_text() if read.exists() else "")


# --- what calls may be ------------------------------------------------------------------------------

STARTED = "ip netns exec NAMESPACE bash -c BECOME bash PID COMMAND".split()
"""The arguments of setsid, up to the environment of a process."""

CLAIM = rf"/run/mpc-{NAME}"
SCRATCH = r"/tmp/[a-z0-9_]+/tmp\.[A-Za-z0-9]+"
NAMES = rf"/etc/netns/{NAMESPACE}"
WHERE = rf"(?:-6 )?(?:-n {NAMESPACE} )?"

PUT = (
    resources.read("compiler/scripts/parts/batch.bash")
    .partition("<<'PUT' || true\n")[2]
    .partition("PUT\n")[0]
)
RUN = "(?:exec )?(?:put|lines ip|ip -batch|ip -6 -batch|tc -batch|bridge -batch|nft -f) -"
STEP = rf'{RUN} <<"END"(?: \|\| exit 10[0-3])?'
VISIT = re.compile(rf"{re.escape(PUT)}(?:{STEP}\n(?:(?!END$).*\n)*?END\n)+", re.MULTILINE)
"""What a shell reads in a namespace where up is at work; what its tools read shows in their own calls."""
KINDS = "(?: (?:bridge|tunnel|bond|device|tag|vlan|vrf))*"
PROCESSES = rf"(?: {NAME}(?:\.{NUMBER}|:{INTERFACE})?)*"
SYSCTLS_OF = r"(?:\.|[a-z0-9]+)(?: [A-Za-z0-9_./-]+)+"
SPACED = rf"{KINDS}|{PROCESSES}|{SYSCTLS_OF}"
SPACED += rf"|%i %n|inode %n %i %z|\+%F %T %Z| [A-Za-z0-9.-]+\$|# mpc:{NAME}|made /(?:etc|run)/netns"
SPACED += "|module sch_teql"
"""Words of calls that have spaces in them."""

PING = rf"-nq -i 0\.2 (?:-I {ADDRESS} )?-c [0-9]+ -[wW] [0-9]+ {ADDRESS}"
SENDS = rf"-c {ADDRESS} -p 5379 -P {NUMBER} -f k(?: -i 0\.1)?(?: -R)? -t {NUMBER}"
SENDS += rf"(?: -O 2)?(?: -u -b {NUMBER})?(?: -C [a-z0-9_-]+)?"
TRANSFER = rf"(?:-s -1(?: -B {ADDRESS})? -p 5379 -f k(?: -i 0\.1)?|{SENDS})"
IPERF = f"iperf3 {TRANSFER}"
SOCKETS, COUNTS = "-HtMn dport = :5379", "-Mni dport = :5379"
LISTENS = f"-Hltn sport = :{NUMBER}"
WATCH = f"-c COUNT - {NUMBER} 5379"
OVER_TIME = rf"-c WATCH - {NAME} {NUMBER} (?:-|[ds]port = :5379)"
SOCKETS_OVER_TIME = "-tinHO [ds]port = :5379"
SYSCTLS = "(?:[A-Za-z0-9_./-]+ ?)*"
COPIED = r"ipv(?:[46]|\[46\])/(?:conf|neigh)/\*/\w+ \w+"
TESTS = f"-s(?: {COPIED})+"


def _quoted(part: str, name: str) -> str:
    """The value that a part of the scripts sets a variable to."""
    text = resources.read(f"compiler/scripts/parts/{part}.bash")
    return text.partition(f"\n{name}='")[2].partition("'\n")[0]


COMPARE = (
    resources.read("compiler/scripts/parts/compare.bash")
    .partition("<<'COMPARE' || true\n")[2]
    .rpartition("COMPARE\n")[0]
)
SERIES = (
    resources.read("compiler/scripts/parts/watch.bash")
    .partition("<<'SERIES' || true\n")[2]
    .rpartition("SERIES\n")[0]
)
INNER = {
    _quoted("bench", "COUNT"): "COUNT",
    _quoted("watch", "WATCH"): "WATCH",
    _quoted("up", "LINK"): "LINK",
    _quoted("drift", "ENTER"): "ENTER",
    COMPARE: "COMPARE",
    SERIES: "SERIES",
}
"""Programs that a bench, an up and a check give to others, and what they are called here."""
ASKS = rf"sh {SCRATCH}/questions {NAMESPACE} {KINDS} {PROCESSES} [0-9 ]*{SYSCTLS}"

TRIED = (
    f"(?:ping {PING}|(?:mptcpize run )?{IPERF}|ss {SOCKETS}|bash (?:{WATCH}|{OVER_TIME})|"
    "cat /proc/net/(?:dev|snmp)|"
    r"sh -s -|(?:ip|tc|bridge) (?:-(?:force|o) )?-batch -|ip mptcp monitor)"
)
"""The calls of check, bench and play in a namespace."""

ENGINES = ("podman", "docker")
MOUNTS = r"-c mount -n -t tmpfs tmpfs /run && ip netns (?:add p|attach p \$\$)"
PUTS_BACK = rf"-c PUT_BACK bash {CLAIM}\.d/{NAMESPACE}\.sysctls"
SYSCTLS_THAT_WERE = "-rsH  /proc/sys/net/core /proc/sys/net/ipv4 /proc/sys/net/ipv6 /proc/sys/net/mptcp"
"""How its sysctls are noted, and set again."""
ENGINE = [
    rf"ps --all(?: --no-trunc)? --filter label=mpc\.lab={NAME}(?: --format \{{\{{.*\}}\}})?",
    rf"image inspect --format \{{\{{\.Id\}}\}}(?: {IMAGE})+",
    rf"container inspect --format \{{\{{\S.*\}}\}}(?: {NAMESPACE})+",
    rf"(?:stop -t 5|rm --force --volumes)(?: {NAMESPACE})*",
    rf"rm --force {NAMESPACE}",
]
"""What is asked of each engine, besides the starts of containers."""

CALLS = {
    "ip": [
        rf"netns exec {NAMESPACE} nft .*",
        rf"netns pids {NAMESPACE}",
        rf"(?:-n {NAMESPACE} )?link show dev {INTERFACE}",
        r"link add name typed type \w+",
        "link del dev typed",
        rf"-n {NAMESPACE} -d link show type bridge_slave",
        rf"(?:-n {NAMESPACE} )?(?:-d )?-o link show",
        rf"-o link show dev (?:{INTERFACE}|teql[0-9]+)",
        rf"-n {NAMESPACE} link del dev {INTERFACE}",
        "link set dev lo up",
        "link set dev lo gso_max_segs 1",
        "link add name p type veth peer name q",
        "link add name s type bridge mcast_snooping 0",
        "link add name t type bridge stp_state 1 forward_delay 200",
        "link add name f type bridge vlan_filtering 1 vlan_default_pvid 0",
        "link add name r type vrf table 10",
        "link add name d type dummy",
        rf"link add name [a-z0-9-]+ type {TUNNEL}",
        "link add name b type bond mode balance-rr",
        "route add 10.0.0.0/8 nexthop dev lo nexthop dev lo",
        "netns add p",
        "mptcp limits set subflows 1",
        rf"{WHERE}-batch -",
        r"-(?:force|o|d -o) -batch -",
        "-6 -o rule show",
        "mptcp monitor",
        "-V",
        "link show dev lo",
        "netns identify [0-9]+",
        rf"netns attach {NAMESPACE} [0-9]+",
        "mptcp limits",
        "-o link show",
        UNDONE.replace("ip ", ""),
        "mptcp endpoint show",
        "mptcp limits set ?",
        "-d (?:-o )?link show type bridge_slave",
    ],
    "tc": [
        r"(?:-force )?-batch -",
        "qdisc show",
        "-s -j qdisc show",
        r"qdisc (?:add|replace) dev lo root (?:tbf|netem|pfifo|bfifo|fq_codel|cake|pie|red)(?: [a-z0-9]+)*",
    ],
    "sh": [
        "",
        "-s -",
        "-c ENTER sh COMPARE",
        f"{SCRATCH}/asked.{NUMBER}",
        ASKS.removeprefix("sh "),
        rf"-c LINK sh {NAMES}/hosts",
    ],
    "ln": [
        rf"{NAMES}/hosts {NAMES}/",
        rf"-s {NAMES}/(?:hosts|resolv\.conf) {SCRATCH}/same/",
        rf"-s -t {SCRATCH}/few/{NUMBER}\.{NUMBER}(?: {SCRATCH}/netns/{NAMESPACE})*",
    ],
    "awk": ["COMPARE", rf"-v MOVED=\S* -v DATA={NUMBER} -v FLOWS={NUMBER} SERIES .*"],
    "nft": [
        "-f -",
        "-st list ruleset",
        r"add table inet mpc; add set .* update @away \{ meta mark \}",
        r"add table inet mpc; add set .* update @away[46] \{ meta mark \. @th,[0-9,]+ \}",
        r'add table inet mpc; [a-z ]+\{[a-z ;]+\}; [a-z ]+ "lo" masquerade',
        r"add table inet mpc; add chain inet mpc in [^\n]* dnat ip to [0-9.:]+; [^\n]* snat ip to [0-9.]+",
    ],
    "unshare": [
        f"--net --mount bash {TESTS}",
        "--mount sh -c ENTER sh COMPARE",
        "--net tc -batch -",
        "--net ip -d -o -batch -",
        "--net grep -sH  -r /proc/sys/net/mptcp",
    ],
    "nsenter": [
        rf"--net=/run/netns/{NAMESPACE} ip link show dev {INTERFACE}",
        rf"--net=/run/netns/{NAMESPACE} ss {LISTENS}",
        rf"--net=/run/netns/{NAMESPACE} ip -d -o link show type bridge_slave",
        rf"--net=/run/netns/{NAMESPACE} ip (?:-d )?-o link show",
        rf"--net=/run/netns/{NAMESPACE} {TRIED}",
        rf"--net={SCRATCH}/netns/{NAMESPACE} {ASKS}",
        r"--net=/proc/[0-9]+/ns/net (?:ip mptcp limits|ip -o link show)",
        rf"--net=/proc/[0-9]+/ns/net grep {SYSCTLS_THAT_WERE}",
        rf"--net=/run/netns/{NAMESPACE} (?:{UNDONE}|ip mptcp endpoint show|ip mptcp limits set ?)",
        rf"--net=/run/netns/{NAMESPACE} bash {PUTS_BACK}",
    ],
    "ping": [PING],
    "iperf3": [TRANSFER, "--version"],
    "mptcpize": [f"run {IPERF}", "run env"],
    "ss": [SOCKETS, SOCKETS_OVER_TIME, COUNTS, LISTENS],
    "cat": ["", "/proc/net/(?:dev|snmp)"],
    "date": [r"\+%F %T %Z"],
    "xargs": ["-r kill(?: -KILL)?", "-r (?:podman|docker) (?:stop -t 5|rm --force --volumes)"],
    "podman": [r"ps --all --external --format \{\{.*\}\}", *ENGINE],
    "docker": [r"ps --all --format \{\{.*\}\}", r"context inspect --format \{\{.*\}\}", *ENGINE],
    "grep": [
        rf"-qi  [A-Za-z0-9.-]+\$ {NAMES}/hosts",
        rf"-qsx (?:# mpc:{NAME} {NAMES}/hosts|(?:made /(?:etc|run)/netns|module sch_teql) {CLAIM})",
        r"-v \\\.net\$",
        rf"-qx {NAMESPACE}",
        f"-sH  {SYSCTLS}",
        SYSCTLS_THAT_WERE,
        "-qs libmptcpwrap /proc/[0-9]+/maps",
        r"\^LD_PRELOAD=",
        "-sH  -r /proc/sys/net/mptcp",
    ],
    "bridge": ["fdb show", "vlan show", "-batch -"],
    "mktemp": ["-du"],
    "sort": ["(?:-n)?"],
    "bash": [
        r"-c said=\$\(ip link add name typed type .* bash \w+",
        PUTS_BACK,
        TESTS,
        WATCH,
        OVER_TIME,
        MOUNTS,
    ],
    "mount": [
        "-n -t tmpfs tmpfs /run",
        f"--rbind /run/netns {SCRATCH}/netns",
        rf"-n -t tmpfs tmpfs {SCRATCH}/few",
        rf"--bind {SCRATCH}/few/{NUMBER}\.{NUMBER} /run/netns",
    ],
    "umount": ["-n /(?:etc|run)/netns"],
    "flock": ["-[nw] (?:1 |60 )?[0-9]+"],
    "mkdir": [
        rf"{CLAIM}\.d",
        f"-m 700 {SCRATCH}",
        rf"-p {NAMES}(?: {NAMES})*",
        "-p /etc/netns",
        f"-m 700 {SCRATCH}",
        NAMES,
        f"-m 700 {SCRATCH}",
        f"-p {SCRATCH}/files {SCRATCH}/same",
        rf"{SCRATCH}/(?:netns {SCRATCH}/few|few/{NUMBER}\.{NUMBER})",
    ],
    "rm": [
        rf"-f {NAMES}/hosts(?: {NAMES}/(?:hosts|resolv\.conf))*",
        rf"-rf {CLAIM} {CLAIM}\.d",
        f"-f {CLAIM}",
        rf"-r {CLAIM}\.d",
        f"-rf {SCRATCH}",
        f"{SCRATCH}/room",
        f"{NAMES}/hosts",
    ],
    "rmdir": [rf"{NAMES}(?: {NAMES})*", "/(?:etc|run)/netns"],
    "stat": [
        rf"-Lc inode %n %i %z(?: /run/netns/{NAMESPACE})+",
        rf"-Lc %i %n(?: /run/netns/{NAMESPACE})+",
        "-Lc %i /proc/[0-9]+/ns/net",
        r"-Lc %i %n(?: /proc/[0-9]+/ns/net)+",
        # (That of one which has ended meanwhile has no tasks, so the pattern stays.)
        r"-Lc %i %n(?: /proc/[0-9]+/task/(?:[0-9]+|\[0-9\]\*)/ns/net)+",
    ],
    "modprobe": [
        r"-q (?:dummy numdummies|bonding max_bonds)=0",
        f"-q sch_teql max_equalizers={NUMBER}",
        "-qr sch_teql",
    ],
    "nproc": [""],
    "sleep": [r"[0-9]+(?:\.[0-9]{1,2})?"],
}
"""The calls of tools besides the commands of labs."""

REFERENCE = [
    f"link add name b type bridge (?:{STP} )?(?:vlan_filtering 1 vlan_default_pvid 0 )?mcast_snooping 0",
    "link add name p type veth peer name q",
    "link del dev [pb]",
]
"""The commands by which a check learns how ip(8) prints a bridge."""

SHOWN_IN_PART = ["route show table all", "mptcp limits", "neighbour show (?:nud permanent|proxy)"]
SHOWN = ("link", "address", "rule", "mptcp endpoint", "qdisc")
_PUT = re.compile(rf"/proc/sys/net/[A-Za-z0-9_.*/-]+ {VALUE}")
_TRIED = re.compile("|".join([*EVENTS, *(f"{thing} show" for thing in SHOWN), *SHOWN_IN_PART, *REFERENCE]))
_CALLS = {tool: re.compile("|".join(patterns)) for tool, patterns in CALLS.items()}


_WAS = re.compile(rf"/proc/sys/net/[^:]+:.*|ip mptcp limits set |{UNDO}")


def strange(record: Record) -> list[str]:
    """The effects of scripts that no lab should have."""
    found = [f"call: {call.argv}" for call in record.calls if not _is_known(call)]
    found += [f"input of {call.argv}: {line!r}" for call in record.calls for line in _strange_input(call)]
    found += [f"written: {line!r}" for line in record.written if not _is_written(line)]
    return found + [f"left: {path}" for path in record.left.splitlines()]


def _is_written(line: str) -> bool:
    """Whether scripts may write a line: to a hosts file, the claim, a PID, a log, or notes of what was."""
    fits = is_host(line) or is_note(line) or line.isdigit() or _WAS.fullmatch(line) is not None
    return fits or line == "listening on an interface"


def _named(word: str) -> str:
    """A word of a call, or the name of the program that it is."""
    inside = re.fullmatch(r'put_back \(\) \n\{.*\n\}\nput_back "\$1"', word, re.DOTALL)
    return "PUT_BACK" if inside else INNER.get(word, word)


def _is_known(call: Call) -> bool:
    tool, *arguments = map(_named, call.argv)
    if _is_users(tool, arguments):
        return True
    if tool == "ip" and arguments[:2] == ["netns", "exec"] and arguments[3:4] == ["sysctl"]:
        tool, *arguments = arguments[3:]
    if tool == "sysctl":
        return arguments[:1] == ["-qw"] and all(
            re.fullmatch(f"{KEY}={VALUE}", word) for word in arguments[1:]
        )
    if tool in ENGINES:
        return _CALLS[tool].fullmatch(" ".join(arguments)) is not None
    spaced = [word for word in arguments if " " in word and not re.fullmatch(f"{SPACED}|{COPIED}", word)]
    if spaced and not (spaced == arguments[-1:] and {"nft", "bash", "sh"} & set(call.argv)):
        return False
    said = " ".join(arguments)
    if tool in COMMANDS and is_command(tool, re.sub(f"^{WHERE}", "", said)):
        return True
    return tool in _CALLS and _CALLS[tool].fullmatch(said) is not None


def _is_users(tool: str, arguments: list[str]) -> bool:
    """Whether a call runs what a lab says, which may be anything, in the way of mpc."""
    match [tool, *arguments]:
        case ["setsid", *_]:
            return _is_start(arguments)
        case ["podman" | "docker", "run", *_]:
            return is_container([tool, *arguments])
        case ["timeout", "-k", "5", "5", *rest]:
            return is_trial(rest)
        case ["ip", "netns", "exec", _, "bash", *_]:
            return is_trial([tool, *arguments])
        case ["bash", "-n", "-c", "--", _] | ["bash", "-c", 'type -P -- "$1"', "bash", _]:
            return True
        case ["bash", "-c", "--", _] | ["podman" | "docker", "exec", *_]:
            return True
    return False


def _is_start(arguments: list[str]) -> bool:
    """Whether a call starts a process: with a command as one argument, which only bash in the lab reads."""
    if entered := re.fullmatch(r"nsenter --net=/run/netns/(\S+)", " ".join(arguments[:2])):
        arguments = ["ip", "netns", "exec", entered[1], *arguments[2:]]
    named = dict(zip(STARTED, arguments, strict=False))
    pid = re.fullmatch(rf"{CLAIM}\.d/(.*)", named.get("PID", ""))
    fixed = all(named[word] == word for word in STARTED if word.islower() or word == "-c")
    own = re.fullmatch(r'(?:become|attend) \(\) \n\{.*\nattend "\$@"', named["BECOME"], re.DOTALL) is not None
    return (
        pid is not None
        and fixed
        and own
        and is_process(named["NAMESPACE"], pid[1], arguments[len(STARTED) :])
    )


def _is_visit(text: str) -> bool:
    """Whether a shell in a namespace does what up has it do."""
    rows = text.partition('put - <<"END"')[2].partition("\n")[2].partition("\nEND\n")[0].splitlines()
    return VISIT.fullmatch(text) is not None and all(map(_PUT.fullmatch, rows))


def _strange_input(call: Call) -> list[str]:
    """The lines of a batch that are not commands of labs; input of shells shows in their own calls."""
    tool, lines = call.argv[0], list(filter(None, call.input.splitlines()))
    if tool == "sh":
        return [] if call.argv[1:2] != ("-s",) or _is_visit(call.input) else [call.input]
    if tool not in COMMANDS:
        return []
    return [line for line in lines if not (is_command(tool, line) or _TRIED.fullmatch(line))]
