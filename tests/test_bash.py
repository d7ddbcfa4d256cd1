"""The scripts: golden files, the same commands in both styles, and no effect of a truncated script."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from conftest import Golden
from hypothesis import given
from hypothesis import strategies as st
from labs import GOLDEN, TESTS, bash_prints, bash_reads, compiled
from words import PRINTED

from compiler import resources
from compiler.driver import TopologyError
from compiler.lint import lint
from compiler.plan.commands import EACH, MAKE, Command
from compiler.plan.plan import Plan
from compiler.scripts import bash
from compiler.scripts.bash import Style

PLAIN = ("diamond", "original", "sysctl", "masquerade", "proved", "spanning-tree", "captures")
TRIED = [
    ("proved", "check"),
    ("proved", "bench"),
    ("proved", "play"),
    ("shaped", "check"),
    ("aggregate", "check"),
    ("textbook", "check"),
]
CUTS = 60

BATCH = re.compile(r"(?:feed|within ([\w.-]+)) (\w+)(?: -6)? -(?:batch|f) - (?:<<'END'|</dev/null)")

Commands = dict[str | None, list[str]]
"""The commands of each namespace, in order."""


def ids(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", GOLDEN, ids=ids)
def test_golden(path: Path, golden: Golden) -> None:
    compilation = compiled(path.read_text(), path.name)
    golden(path.with_suffix(".up.sh"), compilation.up())
    golden(path.with_suffix(".down.sh"), compilation.down())


@pytest.mark.parametrize("name", PLAIN)
def test_golden_plain(name: str, golden: Golden) -> None:
    path = TESTS / "golden" / f"{name}.topo"
    golden(path.with_suffix(".plain.sh"), compiled(path.read_text(), path.name).up(Style.PLAIN))


@pytest.mark.parametrize(("name", "kind"), TRIED)
def test_golden_trials(name: str, kind: str, golden: Golden) -> None:
    path = TESTS / "golden" / f"{name}.topo"
    golden(path.with_suffix(f".{kind}.sh"), compiled(path.read_text(), path.name).script(kind))


@pytest.mark.parametrize("path", GOLDEN, ids=ids)
def test_golden_labs_are_quiet(path: Path) -> None:
    compilation = compiled(path.read_text(), path.name)
    _ = compilation.plan
    told = {found.code for found in compilation.diagnostics}
    assert told == ({"MPC789"} if path.stem == "teql" else set())


@pytest.mark.parametrize("path", GOLDEN, ids=ids)
def test_the_runtime_is_the_same_in_all_scripts_of_a_kind(path: Path) -> None:
    """As the head of each script says; the lab's own part is before it."""
    compilation = compiled(path.read_text(), path.name)
    for kind in compilation.kinds:
        script = compilation.script(kind)
        own, runtime, call = re.split(
            r"^(# === the runtime .*?)(?=^# === the call )", script, flags=re.MULTILINE | re.DOTALL
        )
        assert runtime == bash.runtime(kind)
        assert f"# Runtime: sha256 {sha256(runtime.encode()).hexdigest()}\n" in own
        assert len(call.splitlines()) < 12


def test_a_bench_has_the_play_of_its_lab() -> None:
    """The play script, but for its headings and the line of its hash: a script has one runtime."""
    compilation = compiled((TESTS / "golden" / "proved.topo").read_text(), "proved.topo")
    inside = compilation.script("bench").partition("<<'PLAY' || true\n")[2].partition("\nPLAY\n")[0]
    play = compilation.script("play")
    assert inside.replace("# === the play's ", "# === the ").splitlines() == [
        line for line in play.splitlines() if not line.startswith("# Runtime: ")
    ]


def calls(command: Command) -> list[tuple[str, ...]]:
    """The arguments of each call of a command."""
    each = command.each or ("",)
    return [tuple(given if word == EACH else word for word in command.arguments) for given in each]


def planned(plan: Plan) -> Commands:
    found: Commands = {}
    for section in plan.sections:
        for command in section.commands:
            for words in calls(command):
                arguments = shlex.join(words).replace("'\"", '"').replace("\"'", '"')
                arguments = " ".join(words) if command.tool == (MAKE,) else arguments
                found.setdefault(command.namespace, []).append(f"{command.tool[0]} {arguments}")
    return found


def body(script: str) -> list[str]:
    """The lines that make the lab."""
    return script.partition("\nbuild() {\n")[2].partition("\n}\n\n# === the runtime ")[0].splitlines()


def _contained(made: re.Match[str]) -> str:
    """The commands that make a device, in one line of the form of a container's."""
    return f"contain {made[1]} {shlex.join(made[3].splitlines())}"


def of_batches(script: str) -> Commands:
    """The commands of a script in batch style, by namespace."""
    found: Commands = {}
    brief: Commands = {}
    lines = iter(_MADE.sub(_contained, "\n".join(body(script))).splitlines())
    namespaces: list[str | None] = []
    namespace = None
    for line in lines:
        if match := re.fullmatch(r"  ([\w.-]+) \\", line):
            namespaces.append(match[1])
        elif match := BATCH.fullmatch(line):
            namespace = match[1]
            within = rows(lines) if line.endswith("'END'") else []
            found.setdefault(namespace, []).extend(f"{match[2]} {row}" for row in within)
        elif line.startswith("attach "):
            attached = _ATTACH.sub(r"ip netns attach \1 \2:\3", "\n".join((line, *rows(lines), "END")))
            found.setdefault(None, []).append(attached)
        elif line == "take_slots <<'END'":
            found.setdefault(None, []).extend(f"take_slot {row}" for row in rows(lines))
        elif line.startswith(("contain ", "wrap ", "hold ", "raise_uplink ")):
            found.setdefault(None, []).append(_called(line))
        elif re.match(r"h\d+=|mine && routes ", line):
            brief.setdefault(namespace, []).append(line)
        elif line == "  <<'END'":
            settings = [f"sysctl {row}" for row in rows(lines)]
            for name in namespaces:
                found.setdefault(name, []).extend(settings)
            namespaces = []
    return {name: [*own, *routes(brief.get(name, []))] for name, own in found.items()}


def _called(line: str) -> str:
    """What a line of a script comes to that calls a function with a command, or makes an uplink itself."""
    words = shlex.split(line)
    return " ".join(words[{"hold": 2, "raise_uplink": 0}.get(words[0], 1) :])


def routes(brief: list[str]) -> list[str]:
    """Routes in brace expressions, as bash expands them."""
    program = ["mine() { :; }", 'routes() { printf "ip route add %s $1\\n" "${@:2}"; }', *brief]
    return bash_prints("\n".join(program)).splitlines() if brief else []


def rows(lines: Iterator[str], end: str = "END") -> list[str]:
    """The remaining lines of a here-document."""
    return list(iter(lambda: next(lines), end))


_MADE = re.compile(r"^(make_device \S+ \S+ \S+) <<'(END_*)'\n((?:.*\n)*?)\2$", re.MULTILINE)
"""The commands that make a device."""

SHOWN = ("ip", "tc", "bridge", "podman", "docker", "take_slot", "make_device", "raise_uplink")
CALLED = "".join(f"{tool}() {{ printf '%s\\37' {tool} \"$@\"; echo; }}\n" for tool in SHOWN)
"""Functions by which bash prints the words of each command as the tool would get them."""


_ATTACH = re.compile(r"^attach (\S+) (\S+) (\S+) <<'END'\n(?:.*\n)*?END$", re.MULTILINE)


def of_lines(script: str) -> Commands:
    """The commands of a script in plain style, as bash parses them."""
    head, lab = script.split("\n# === the lab ")
    lab = _ATTACH.sub(r"ip netns attach \1 \2:\3", lab)
    names = re.findall(r"^(?:LAB=|(?:NAMESPACES|ATTACHED)=\([^)]*\)).*$", head, re.MULTILINE)
    each = re.findall(r"^  +ip .*$", lab, re.MULTILINE)
    rest = re.findall(rf"^(?:{'|'.join(SHOWN)}) (?:.*\\\n)*.*$", lab, re.MULTILINE)
    made = 'for ns in "${NAMESPACES[@]}"; do [[ " ${ATTACHED[*]} " != *" $ns "* ]] || continue'
    program = [CALLED, *names, made, *(each or [":"]), "done", *rest]
    found: Commands = {}
    for line in bash_prints("\n".join(program)).splitlines():
        match line.split("\x1f")[:-1]:
            case ["ip", "netns", "exec", namespace, "sysctl", "-qw", *settings]:
                found.setdefault(namespace, []).extend(f"sysctl {setting}" for setting in settings)
            case ["ip", "netns", "exec", namespace, "nft", rule]:
                found.setdefault(namespace, []).append(f"nft {rule}")
            case [tool, "-n" | "-6" as option, *rest]:
                rest = rest[1:] if option == "-6" else rest
                found.setdefault(rest[0], []).append(" ".join([tool, *rest[1:]]))
            case [tool, *rest]:
                found.setdefault(None, []).append(" ".join([tool, *rest]))
    return found


def in_lines(commands: Commands) -> Commands:
    """The commands as the plain style writes them: namespaces are marked when made; no sysctl has a `*`."""
    made = re.findall(r"name (\S+)(?: mtu \d+)? netns (\S+)", "\n".join(commands[None]))
    found: Commands = {None: commands[None]}
    taken = [line.split()[1:3] for line in commands[None] if line.startswith("take_slot ")]
    for name, own in commands.items():
        added = [line.split() for line in own if line.startswith(("ip link add name ", "ip link add link "))]
        ends = [words[words.index("name") + 1].replace(".", "/") for words in added]
        devices = [
            "all",
            "default",
            "lo",
            *(device.replace(".", "/") for device, at in made if at == name),
            *ends,
            *(device for at, device in taken if at == name),
        ]
        each = [line.replace("*", device) for line in own for device in (devices if "*" in line else [""])]
        found[name] = sorted(each, key=lambda line: "alias mpc:" not in line)
    return found


def flat(commands: Commands) -> Commands:
    """Commands without quotes, which each style writes differently."""
    return {name: [re.sub(r"['\"]", "", line) for line in lines] for name, lines in commands.items()}


@pytest.mark.parametrize("path", GOLDEN, ids=ids)
def test_both_styles_do_what_is_planned(path: Path) -> None:
    compilation = compiled(path.read_text(), path.name)
    wanted = flat(planned(compilation.plan))
    assert flat(of_lines(compilation.up(Style.PLAIN))) == in_lines(wanted)
    found = flat(of_batches(compilation.up()))
    if compilation.lab.aggregate:  # brace expressions have their own order
        wanted, found = ({name: sorted(own) for name, own in each.items()} for each in (wanted, found))
    assert found == wanted


@pytest.mark.parametrize("path", GOLDEN, ids=ids)
def test_every_word_is_plain(path: Path) -> None:
    """No word for ip(8) or tc(8) needs quotes."""
    plan = compiled(path.read_text(), path.name).plan
    for section in plan.sections:
        for command in section.commands:
            if command.tool[0] in ("ip", "tc"):
                words = [word for arguments in calls(command) for word in arguments]
                assert all(re.fullmatch(r"[A-Za-z0-9_.:/%-]+", word) for word in words)
            assert "\n" not in "".join(command.arguments)


@pytest.mark.parametrize("path", GOLDEN, ids=ids)
@pytest.mark.parametrize("style", Style)
def test_shellcheck_is_content(path: Path, style: Style) -> None:
    compilation = compiled(path.read_text(), path.name)
    lint(compilation.up(style).splitlines(keepends=True))
    for kind in compilation.kinds[1:] if style is Style.BATCH else ():
        lint(compilation.script(kind).splitlines(keepends=True))


@pytest.mark.parametrize("value", ["$(touch x)", "`id`", "'", "a'b", '\\"', "END", "${IFS}", "a b", "#", "!"])
@pytest.mark.parametrize("style", Style)
def test_a_value_is_a_value(value: str, style: Style) -> None:
    script = compiled(f'host a b\nlink a -- b\nsysctl a net.x="{value}"').up(style)
    plain = value.replace('\\"', '"')
    if style is Style.PLAIN:
        assert f"sysctl net.x={plain}" in of_lines(script)["lab-a"]
    else:
        assert f"net.x={plain}" in body(script)
    assert bash_reads(script)


def test_the_same_bytes_under_any_hash_seed() -> None:
    """In separate processes, as the seed of `hash` is fixed when Python starts."""
    path = TESTS / "golden" / "dual-stack.topo"
    program = f"from labs import compiled; print(compiled(open({str(path)!r}).read()).up())"
    runs = [
        subprocess.run(
            [sys.executable, "-c", program], cwd=TESTS, env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, check=True,
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert runs[0] == runs[1]


def test_no_place_of_this_machine_is_in_a_script() -> None:
    text = "host a b\nlink a -- b"
    assert compiled(text, "/some/where/lab.topo").up() == compiled(text, "lab.topo").up()


TOOLS = "ip tc sysctl nft unshare mkdir rmdir rm umount modprobe stat sleep kill grep touch".split()


@pytest.fixture
def recorders(tmp_path: Path) -> Path:
    """A directory of commands that only record that they were called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        path = folder / tool
        path.write_text(f"#!/bin/bash\necho {tool} >>{tmp_path}/called\n")
        path.chmod(0o755)
    return folder


def run(script: bytes, recorders: Path) -> tuple[bool, str]:
    """Whether a script calls anything, and its output."""
    called = recorders.parent / "called"
    called.unlink(missing_ok=True)
    done = subprocess.run(
        ["/bin/bash"],
        input=script,
        env={"PATH": str(recorders)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    return called.exists(), done.stderr.decode(errors="replace")


CUT = """lab cut-short
host a b
link a -- b rate 5mbit
link a -- b
mptcp a -- b
bench a -> b using tcp
at 1s down a -- b
"""


@pytest.mark.parametrize("kind", ["up", "down", "bench", "play"])
def test_a_script_that_is_cut_does_nothing(kind: str, recorders: Path) -> None:
    script = compiled(CUT).script(kind).encode()
    assert "cut-short: " in run(script, recorders)[1], "the whole script says something"
    Path("/run/mpc-cut-short").unlink(missing_ok=True)  # the claim, which a root's script has made
    cut_everywhere(script, recorders)


def test_a_plain_script_that_is_cut_does_nothing(recorders: Path) -> None:
    cut_everywhere(compiled(CUT).up(Style.PLAIN).encode(), recorders)


def cut_everywhere(script: bytes, recorders: Path) -> None:
    step = len(script) // CUTS
    ends = [*range(0, len(script) - 30, step), *range(len(script) - 30, len(script) - 1)]
    for end in ends:
        called, said = run(script[:end], recorders)
        assert not called, f"cut at {end}"
        assert "cut-short: " not in said, f"cut at {end}"


@pytest.mark.parametrize("kind", ["up", "down", "check", "bench", "play"])
def test_a_script_says_how_it_is_called(kind: str, recorders: Path) -> None:
    """It prints its usage and changes nothing; an unknown option is an error."""
    script = compiled(CUT).script(kind)

    def called(*options: str) -> tuple[int, str, str]:
        done = subprocess.run(
            ["/bin/bash", "-s", "--", *options], input=script, env={"PATH": f"{recorders}"},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    status, told, wrong = called("--help")
    usage, what, *options = told.splitlines()
    assert (status, wrong, usage.split()[:2]) == (0, "", ["usage:", f"{kind}.sh"])
    assert re.fullmatch(r'[A-Z].* the lab "cut-short".*\.', what)
    taken = re.findall("--[a-z]+", usage)
    assert taken == re.findall("--[a-z]+", " ".join(option.strip().partition("  ")[0] for option in options))
    assert called("-h") == (status, told, wrong)
    assert called("--no-such") == (2, "", f"cut-short: error: no such option: --no-such; {usage}\n")
    assert not (recorders.parent / "called").exists()


@pytest.mark.parametrize("option", ["--help", "--no-such", "up"])
def test_a_plain_script_takes_one_word(option: str, recorders: Path) -> None:
    done = subprocess.run(
        ["/bin/bash", "-s", "--", option], input=compiled(CUT).up(Style.PLAIN), env={"PATH": f"{recorders}"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "usage: up.sh [down]\n")
    assert not (recorders.parent / "called").exists()


ENDING = resources.read("compiler/scripts/parts/ending.bash")
EXPANDING = f"""{{
set -eEuo pipefail
{ENDING}
undo() {{ :; }}
print() {{ echo x; }}
guard
while :; do x=$(print) : "$(print) x"; done
}}
"""
"""A script that is nearly always within a command substitution."""


@pytest.mark.parametrize("sign", [signal.SIGHUP, signal.SIGTERM])
def test_the_status_of_a_signal(sign: signal.Signals, tmp_path: Path) -> None:
    """Many scripts at once, as bash is in that state for a short time only."""
    script = tmp_path / "expanding.sh"
    script.write_text(EXPANDING)
    processes = [subprocess.Popen(["bash", script], stderr=subprocess.DEVNULL) for _ in range(25)]
    try:
        time.sleep(0.5)
        for process in processes:
            process.send_signal(sign)
        assert {process.wait(timeout=60) for process in processes} == {128 + sign}
    finally:
        for process in processes:
            process.kill()


@given(st.just("END") | st.text(PRINTED, min_size=1))
def test_a_command_arrives_byte_for_byte(command: str) -> None:
    """The lines that start a process, expanded by bash, for any command and any value of its environment."""
    text = command.replace("\\", "\\\\").replace('"', '\\"')
    compilation = compiled(f'host a b\nlink a -- b\nrun a "{text}" env X="{text}"')
    try:
        scripts = [compilation.up(style) for style in Style]
    except TopologyError:
        assert {found.code for found in compilation.diagnostics} <= {"MPC110", "MPC803"}
        return
    batch, plain = scripts
    told = re.search(r"^start .*?<<'(\w+)'\n.*?^\1$", batch, re.MULTILINE | re.DOTALL)
    assert told
    assert read_start(f'mapfile -t lines; set -- "$@" "${{lines[@]}}"\n{PRINT}', told[0], command)
    starts = [line for line in plain.splitlines() if line.startswith("start ")]
    assert read_start(PRINT, starts[-1], command)


PRINT = 'printf "%s\\0" "$@"'


def read_start(body: str, call: str, command: str) -> bool:
    """Whether a function in `body` receives the command and its environment unchanged from a call."""
    shown = subprocess.run(
        ["bash", "-c", f"start() {{ {body}\n}}\n{call}"],
        env={"LC_ALL": "C"}, capture_output=True, check=True,
    ).stdout  # fmt: skip
    return shown.decode().split("\0")[:-1] == ["lab-a", "a", command, f"X={command}"]


TOLD = """\
10 [   ESTABLISHED] token=86ebc2dc saddr4=10.0.0.1 daddr4=10.0.9.9
20 [   ESTABLISHED] token=005e0331 saddr4=10.0.0.1 daddr4=10.0.9.9
30 [SF_ESTABLISHED] token=86ebc2dc saddr4=10.0.0.5 daddr4=10.0.9.9 backup=0
31 [     SF_CLOSED] token=005e0331 saddr4=10.0.0.5
.
"""
"""The output of ss(8) for iperf3's control connection and its data connection, which lost a subflow; ss(8)
prints no leading zeros."""
CONTROL = "ESTAB 0 0 10.0.0.1:1 10.0.9.9:5201\n\t subflows:2 remote_key token:86ebc2dc snd_una:bf\n"
DATA = "\t subflows:1 remote_key token:5e0331 snd_una:46\n"


@pytest.mark.parametrize(
    ("sockets", "counted"),
    [(CONTROL + DATA, "1"), (CONTROL + DATA.replace("subflows:1 ", ""), "0"), (CONTROL, "")],
)
def test_subflows_are_those_of_the_data(sockets: str, counted: str, tmp_path: Path) -> None:
    (tmp_path / "events").write_text(TOLD)
    (tmp_path / "sockets").write_text(sockets)
    part = resources.read("compiler/scripts/parts/bench.bash")
    lines = [f"scratch={shlex.quote(str(tmp_path))}"]
    lines += [
        found[0] for found in re.finditer(r"^(field|read_events)\(\) {.*?^}", part, re.MULTILINE | re.DOTALL)
    ]
    lines += ["read_events", 'printf "%s\\n" "$counted" "${events[@]}"']
    told = ["20 ESTABLISHED 10.0.0.1 10.0.9.9", "31 SF_CLOSED 10.0.0.5 -"]
    assert bash_prints("\n".join(lines)).splitlines() == [counted, *told]
