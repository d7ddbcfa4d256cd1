"""`capture`: packets of interfaces in files, from before the first to down."""

import json
import random
import re
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import kernel
import live
import pytest
import random_labs
from drifts import drifts
from faults import PROGRAMS, Shims, moments, thorough
from test_live_faults import ASKING, interrupted, span

from compiler.driver import Compilation
from compiler.scripts.bash import Style

pytestmark = pytest.mark.live

RANDOM = 20 if thorough() else 4
"""How many random labs are captured."""
FOLDER = Path("/run/mpc-caught.d")
BOTH = "pool 10.0.0.0/8\npool fd00::/16\n"
PAIR = "host a b\nlink a -- b rate 100mbit\n"
ENDS = f"{BOTH}{PAIR}capture {{a:b,b:a}}\n"


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    with live.host_unchanged(live.lab_of("caught", PAIR)):
        yield
    assert not captures()


def captures() -> list[int]:
    """The processes of tcpdump(8) that write packets to a pipe."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        found += [int(folder.name)] if words[0] == b"tcpdump" and b"-w" in words else []
    return found


def lab_of(folder: Path, topology: str, style: Style = Style.BATCH) -> live.Lab:
    """A lab whose captures are written to a folder."""
    lab = live.lab_of("caught", topology, style)
    return replace(lab, up_script=f"set -- --captures {folder}\n{lab.up_script}")


def packets(path: Path) -> list[tuple[int, bytes]]:
    """Of each packet in a file, its length and what was captured of it; the file has to be whole."""
    data, found, at = path.read_bytes(), [], 24
    assert data[:4] == b"\xd4\xc3\xb2\xa1"
    while at < len(data):
        kept, length = struct.unpack_from("<II", data, at + 8)
        found.append((length, data[at + 16 : at + 16 + kept]))
        at += 16 + kept
    assert at == len(data)
    return found


def count(node: str, interface: str) -> int:
    """What an interface has sent and received."""
    folder = f"/sys/class/net/{interface}/statistics"
    files = (f"{folder}/rx_packets", f"{folder}/tx_packets")
    return sum(map(int, live.in_ns(f"caught-{node}", "cat", *files).stdout.split()))


def quiet(lab: live.Lab, *ends: tuple[str, str]) -> dict[tuple[str, str], int]:
    """The packets of interfaces, when no more can come: the kernel asks for nothing of its own any more."""
    for node, interface in ends:
        live.succeed("ip", "-n", lab.ns(node), "link", "set", "dev", interface, "down")
    return {end: count(*end) for end in ends}


@pytest.mark.parametrize("style", Style)
def test_every_packet_from_the_first_to_down(tmp_path: Path, style: Style) -> None:
    """Both files have as many packets as the interfaces have counted since they were made: those that the
    kernel sends when a link comes up, and those that came just before down."""
    with live.running(lab_of(tmp_path, ENDS, style)) as lab:
        assert live.in_ns("caught-a", "ping", "-f", "-c", "300", "b").returncode == 0
        counted = quiet(lab, ("a", "b"), ("b", "a"))
    files = {end: packets(tmp_path / f"caught.{end[0]}.{end[1]}.pcap") for end in counted}
    assert {end: len(found) for end, found in files.items()} == counted
    assert all(length == len(kept) for found in files.values() for length, kept in found)
    assert sorted(files["a", "b"]) == sorted(files["b", "a"])


def test_a_handshake_and_the_data_of_a_bench(tmp_path: Path) -> None:
    """Each connection of the bench begins and ends in the file."""
    text = "host a b\nrouter r\nlink a -- r -- b rate 5mbit\ncapture b:r\nbench a -> b using tcp for 1s\n"
    bench = Compilation("-", f"lab caught\n{text}").script("bench")
    with live.running(lab_of(tmp_path, text)):
        live.succeed("bash", "-s", "--", "--repeat", "1", stdin=bench, seconds=60)
    shown = live.succeed("tcpdump", "-n", "-r", tmp_path / "caught.b.r.pcap", "tcp port 5379").splitlines()
    flags = [re.search(r"Flags \[([^]]+)\]", line).group(1) for line in shown]  # type: ignore[union-attr]
    # iperf3 opens one connection for control, and one for data.
    assert flags.count("S.") == 2
    first = flags.index("S.")
    assert set(flags[:first]) <= {"S", "R."}  # (the sender may try before the receiver listens)
    assert flags[first - 1 : first + 2] == ["S", "S.", "."]
    assert sum("F" in one for one in flags) >= 2
    carried = sum(int(line.rpartition("length ")[2].partition(":")[0]) for line in shown)
    assert carried > 5e6 / 8 * 0.8


BENCH = """\
host a b
router r
link a -- r -- b rate 5mbit
bench a -> b using tcp, udp 2 for 1s capture {a:r,b:r} snap 96
"""


def test_each_transfer_of_a_bench_has_its_captures(tmp_path: Path) -> None:
    """From its first packet to its last, of the transfer alone; what is there is not overwritten."""
    bench = Compilation("-", f"lab caught\n{BENCH}").script("bench")
    arguments = ("--repeat", "2", "--captures", str(tmp_path))
    with live.running(live.lab_of("caught", BENCH)):
        told = live.succeed("bash", "-s", "--", "--json", *arguments, stdin=bench, seconds=90)
        assert not captures()
        named = [one["captures"] for one in json.loads(told)["measurements"]]
        assert next(iter(named[0].items())) == ("a:r", "caught.a.b.tcp-1.1.a.r.pcap")
        assert {name for one in named for name in one.values()} == {path.name for path in tmp_path.iterdir()}
        files = {path.name: packets(path) for path in tmp_path.iterdir()}
        ends = ("a.r", "b.r")
        rounds = [f"{one}.{number}" for one in ("tcp-1", "udp-2") for number in (1, 2)]
        wanted = {f"caught.a.b.{one}.{end}.pcap" for one in rounds for end in ends}
        assert files.keys() == wanted
        for name, found in files.items():
            assert all(len(kept) == min(length, 96) for length, kept in found), name
            assert sum(length for length, _ in found) > 5e6 / 8 * 0.8, name
        shown = live.succeed("tcpdump", "-n", "-r", tmp_path / "caught.a.b.tcp-1.2.b.r.pcap", "tcp port 5379")
        flags = re.findall(r"Flags \[([^]]+)\]", shown)
        assert flags.count("S.") == 2
        assert sum("F" in one for one in flags) >= 2
        again = live.run("bash", "-s", "--", *arguments, stdin=bench)
        assert (again.returncode, "already: --captures DIR" in again.stderr) == (1, True)
        none = live.run("bash", "-s", "--", "--captures", tmp_path / "none", stdin=bench)
        assert (none.returncode, "there is no folder" in none.stderr) == (1, True)
        assert {path.name for path in tmp_path.iterdir()} == wanted


def test_a_bench_with_captures_that_is_interrupted(tmp_path: Path) -> None:
    """It leaves no tcpdump, and what it has captured is whole."""
    script = tmp_path / "bench.sh"
    script.write_text(Compilation("-", f"lab caught\n{BENCH.replace('1s', '9s')}").script("bench"))
    out = tmp_path / "files"
    out.mkdir()
    with live.running(live.lab_of("caught", BENCH)):
        command = ["bash", str(script), "--captures", str(out)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            live.wait_until(lambda: len(captures()) == 2)
            time.sleep(1)
            process.terminate()
            assert process.wait(20)
        assert not captures()
        assert len(list(out.iterdir())) == 2
        assert all(packets(path) for path in out.iterdir())


def test_captures_of_random_labs_are_whole(tmp_path: Path) -> None:
    """Whatever a link is beside: each file has as many packets as its interface has counted, but for those
    of a device, which may have had some before."""
    tried = 0
    for number, text, compilation in random_labs.labs(31, 200):
        if not compilation.plan.captures or compilation.lab.uplink or tried == RANDOM:
            continue
        tried += 1
        folder = tmp_path / str(number)
        folder.mkdir()
        script = f"set -- --captures {folder}\n{live.without_dummy(compilation.up())}"
        lab = live.Lab(f"rnd{number}", script, compilation.down(), f"rnd{number}-")
        with live.running(lab):
            counted = {}
            for one in compilation.plan.captures:
                live.succeed("ip", "-n", one.namespace, "link", "set", "dev", one.interface, "down")
            for one in compilation.plan.captures:
                names = (f"/sys/class/net/{one.interface}/statistics/{way}_packets" for way in ("rx", "tx"))
                counted[one.file] = sum(map(int, live.in_ns(one.namespace, "cat", *names).stdout.split()))
        found = {path.name: len(packets(path)) for path in folder.iterdir()}
        devices = {one.file for one in compilation.plan.captured(devices=True)}
        assert all(found[file] <= counted[file] for file in devices), text
        assert found == counted | {file: found[file] for file in devices}, text
    assert tried == RANDOM


def test_snap_keeps_the_first_bytes(tmp_path: Path) -> None:
    with live.running(lab_of(tmp_path, f"{PAIR}capture a:b snap 60\ncapture b:a\n")):
        live.succeed("ip", "netns", "exec", "caught-a", "ping", "-c", "2", "-i", "0.2", "-s", "1000", "b")
    cut, whole = (packets(tmp_path / f"caught.{name}.pcap") for name in ("a.b", "b.a"))
    assert all(len(kept) == min(length, 60) for length, kept in cut)
    assert {len(kept) for length, kept in cut if length == 1042} == {60}
    assert {len(kept) for length, kept in whole if length == 1042} == {1042}


def test_a_port_of_a_switch_and_a_link_that_goes_down_meanwhile(tmp_path: Path) -> None:
    """A capture goes on when its interface is up again."""
    text = "host a b\nswitch s\nlink {a,b} -- s\ncapture {s:a,a:s}\nat 0s down a -- s\nat 0.3s up a -- s\n"
    compilation = Compilation("-", f"lab caught\n{text}")
    with live.running(lab_of(tmp_path, text)):
        assert live.pings("caught-a", "b")
        live.succeed("bash", "-s", stdin=compilation.script("play"))
        live.wait_until(lambda: live.pings("caught-a", "b"))
        live.succeed("bash", "-s", stdin=compilation.script("check"))
    for name in ("s.a", "a.s"):
        shown = live.succeed("tcpdump", "-n", "-r", tmp_path / f"caught.{name}.pcap", "icmp[0] == 8")
        assert len(shown.splitlines()) >= 2


def test_files_are_roots_and_nobody_else_writes_them(tmp_path: Path) -> None:
    with live.running(lab_of(tmp_path, ENDS)):
        pass
    found = {path.name: (path.stat().st_uid, path.stat().st_mode & 0o777) for path in tmp_path.iterdir()}
    assert found == {"caught.a.b.pcap": (0, 0o644), "caught.b.a.pcap": (0, 0o644)}


@pytest.mark.parametrize("style", Style)
def test_no_file_is_overwritten(tmp_path: Path, style: Style) -> None:
    """Up names what is there, whatever it is, and makes nothing."""
    kept, link = tmp_path / "caught.a.b.pcap", tmp_path / "caught.b.a.pcap"
    kept.write_text("precious")
    link.symlink_to("nowhere")
    result = lab_of(tmp_path, ENDS, style).up()
    assert result.returncode == 1
    assert str(kept) in result.stderr
    if style is Style.BATCH:
        assert f"the name {link}: something has it (--captures DIR" in result.stderr
    assert kept.read_text() == "precious"
    assert link.is_symlink()
    assert not link.exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    result = lab_of(tmp_path / "none", ENDS).up()
    assert result.returncode == 1
    assert f"a folder {tmp_path}/none that can be written, for captures" in result.stderr


def test_options_of_up(tmp_path: Path) -> None:
    """Only a lab with captures takes a folder for them."""
    text = live.lab_of("caught", PAIR).up_script
    result = live.run("bash", "-s", "--", "--captures", tmp_path, stdin=text)
    assert (result.returncode, "the lab has no captures" in result.stderr) == (2, True)
    result = live.run("bash", "-s", "--", "--captures", stdin=live.lab_of("caught", ENDS).up_script)
    assert (result.returncode, "--captures takes a folder" in result.stderr) == (2, True)
    script = live.lab_of("caught", ENDS).up_script
    result = live.run("bash", "-s", "--", "--captures", tmp_path, "--preflight", stdin=script)
    assert result.returncode == 0
    assert not list(tmp_path.iterdir())


def test_a_folder_of_any_name(tmp_path: Path) -> None:
    """But for a line end, as the claim has a line a file."""
    odd = tmp_path / ' it\'s $HOME `id` $(id) [x] \\n * "q" é'
    odd.mkdir()
    quoted = "'" + str(odd).replace("'", "'\\''") + "'"
    lab = live.lab_of("caught", ENDS)
    with live.running(replace(lab, up_script=f"set -- --captures {quoted}\n{lab.up_script}")) as up:
        assert f"captures are in {odd}/" in up.down().stderr
    assert all(packets(path) for path in odd.iterdir())
    assert len(list(odd.iterdir())) == 2
    (tmp_path / "a\nb").mkdir()
    result = replace(lab, up_script=f"set -- --captures $'{tmp_path}/a\\nb'\n{lab.up_script}").up()
    assert (result.returncode, "that can be written, for captures" in result.stderr) == (1, True)


def test_files_are_written_to_the_current_directory(tmp_path: Path) -> None:
    lab = live.lab_of("caught", ENDS)
    with live.running(replace(lab, up_script=f"cd {tmp_path}\n{lab.up_script}")):
        assert len(list(tmp_path.glob("caught.*.pcap"))) == 2


def test_without_tcpdump(tmp_path: Path) -> None:
    shims = Shims(tmp_path)
    result = shims.run(live.lab_of("caught", ENDS).up_script)
    assert "the command tcpdump (package tcpdump)" in result.stderr


def test_check_and_down_tell_of_a_capture_that_has_ended(tmp_path: Path) -> None:
    check = Compilation("-", f"lab caught\n{ENDS}").script("check")
    lab = lab_of(tmp_path, ENDS)
    with live.running(lab):
        assert live.run("bash", "-s", stdin=check).returncode == 0
        assert len(captures()) == 2
        for pid in captures():
            live.succeed("kill", "-9", str(pid))
        live.wait_until(lambda: len(list(FOLDER.glob("*.end"))) == 2)
        told = live.run("bash", "-s", stdin=check)
        assert told.returncode == 1
        assert "missing: the capture of a:b, which has ended with 137 (SIGKILL)" in told.stdout
        down = lab.down()
        assert "warning: the capture of b:a has ended early" in down.stderr


def test_what_a_check_compares_is_as_without_captures(tmp_path: Path) -> None:
    """Interfaces that were up and down before leave no trace; each capture that ends is named."""
    text = f"{ENDS}link a -- b\nmptcp a -- b\ncapture {{a:b.2,b:a.2}}\n"
    compilation, lab = Compilation("-", f"lab caught\n{text}"), lab_of(tmp_path, text)
    changes = [one for one in drifts(compilation.plan) if "the capture of" in one.named]
    assert len(changes) == 4
    with live.running(lab):
        told = live.run("bash", "-s", stdin=compilation.script("check"))
        assert told.returncode == 0, told.stdout
        for change in changes:
            live.succeed("sh", "-c", change.change)
        told = live.run("bash", "-s", stdin=compilation.script("check"))
        assert all(change.named in told.stdout for change in changes)


def test_a_capture_that_is_told_to_end_has_ended(tmp_path: Path) -> None:
    """It ends with 0, which a `run` may do."""
    check = Compilation("-", f"lab caught\n{ENDS}").script("check")
    with live.running(lab_of(tmp_path, ENDS)):
        for pid in captures():
            live.succeed("kill", str(pid))
        live.wait_until(lambda: len(list(FOLDER.glob("*.end"))) == 2)
        assert "the capture of a:b, which has ended with 0" in live.run("bash", "-s", stdin=check).stdout


def test_a_full_disk(tmp_path: Path) -> None:
    """The capture ends, check says so, and down says why."""
    live.succeed("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path)
    try:
        lab = lab_of(tmp_path, f"{PAIR}capture a:b\n")
        with live.running(lab):
            live.succeed("ip", "netns", "exec", "caught-a", "ping", "-f", "-c", "200", "-s", "1000", "b")
            live.wait_until((FOLDER / "a:b.end").exists)
            check = Compilation("-", f"lab caught\n{PAIR}capture a:b\n").script("check")
            told = live.run("bash", "-s", stdin=check).stdout
            assert "missing: the capture of a:b, which has ended with" in told
            down = lab.down()
            assert "warning: the capture of a:b has ended early" in down.stderr
            assert "No space left on device" in down.stderr
    finally:
        live.succeed("umount", tmp_path)


def test_packets_that_come_too_fast_are_counted(tmp_path: Path) -> None:
    """tcpdump is held up while more comes than the kernel keeps for it."""
    lab = lab_of(tmp_path, "host a b\nlink a -- b\ncapture a:b\n")
    with live.running(lab):
        (pid,) = captures()
        live.succeed("kill", "-STOP", str(pid))
        live.succeed("ip", "netns", "exec", "caught-a", "ping", "-f", "-c", "3000", "-s", "1400", "b")
        live.succeed("kill", "-CONT", str(pid))
        counted = quiet(lab, ("a", "b"))["a", "b"]
        told = lab.down().stderr
    lacks = re.search(r"warning: the capture of a:b lacks (\d+) packets", told)
    assert lacks
    assert len(packets(tmp_path / "caught.a.b.pcap")) + int(lacks[1]) == counted


def test_a_sweep_has_the_captures_of_each_run(tmp_path: Path) -> None:
    """Also where one was cut short before."""
    text = f"lab caught\nparam n = 1\n{PAIR}capture a:b snap 96\nbench a -> b using tcp for 1s\n"
    (tmp_path / "caught.topo").write_text(text)
    old = tmp_path / "out" / "caught.n=2.1.captures" / "caught.a.b.pcap"
    old.parent.mkdir(parents=True)
    old.write_text("of a run that was cut short")
    command = (live.MPC, "sweep", tmp_path / "caught.topo", "-D", "n=1,2", "-o", tmp_path / "out")
    live.succeed(*command, seconds=60)
    for number in (1, 2):
        assert packets(tmp_path / "out" / f"caught.n={number}.1.captures" / "caught.a.b.pcap")


# --- whatever fails, nothing is left ------------------------------------------------------------------


@pytest.mark.once
def test_every_fault_of_up_leaves_no_capture(tmp_path: Path) -> None:
    """No process and no file."""
    folder, shims_in = tmp_path / "files", tmp_path / "shims"
    folder.mkdir()
    shims_in.mkdir()
    lab, before = lab_of(folder, ENDS), kernel.snapshot()
    shims = Shims(shims_in, (*PROGRAMS, "tcpdump"))
    assert shims.run(lab.up_script).returncode == 0
    lone = {(program, call) for program, call, lines in shims.calls() if not lines}
    # (What has become a capture acts until down.)
    faults = [one for one in shims.faults() if (one.program, one.call) in lone and not one.acts]
    faults = [one for one in faults if one.program in ("ip", "tcpdump", "nsenter", "setsid", "mkdir")]
    assert lab.down().returncode == 0
    assert {one.program for one in faults} >= {"ip", "tcpdump", "nsenter", "setsid"}
    for path in folder.iterdir():
        path.unlink()
    for fault in faults:
        result = shims.run(lab.up_script, fault)
        assert result.returncode == 1, f"{fault}: {result.stderr}"
        assert not (left := kernel.differs(before)), f"{fault}: {left}"
        assert not captures(), fault
        assert not list(folder.iterdir()), fault


@pytest.mark.parametrize("signals", [ASKING, (signal.SIGKILL,)], ids=["asking", "KILL"])
def test_signals_while_captures_start(tmp_path: Path, signals: tuple[signal.Signals, ...]) -> None:
    """Rolled back without files, or up with all of them; after SIGKILL, down takes them away."""
    lab, before, chance = lab_of(tmp_path, ENDS), kernel.snapshot(), random.Random(5)
    whole = span(lab.up_script)
    assert lab.down().returncode == 0
    for _ in range(moments()):
        for path in tmp_path.iterdir():
            path.unlink()
        sign, after, group = chance.choice(signals), chance.uniform(0, whole), chance.random() < 0.5
        status = interrupted(lab.up_script, sign, after, group=group)
        whether = "\nup\n" in claim()
        if status == 0 or sign is signal.SIGKILL:
            assert lab.down().returncode == 0
        assert not (left := kernel.differs(before)), f"{sign.name} after {after:.3f} s: {left}"
        assert not captures()
        assert len(list(tmp_path.iterdir())) == (2 if whether else 0), f"{sign.name} after {after:.3f} s"


def claim() -> str:
    path = Path("/run/mpc-caught")
    return path.read_text() if path.exists() else ""


DEVICE = (
    "sysctl {a,b} net.ipv4.conf.all.arp_ignore=1\n"
    'device a:m0 "ip link add name m0 link b type macvlan mode bridge" address 10.9.1.1/24\n'
    'device b:m0 "ip link add name m0 link a type macvlan mode bridge" "ip link set dev m0 up"'
    ' "ip route add 192.0.2.0/24 dev m0" "echo it is listening on port 7" address 10.9.1.2/24\n'
)
"""Links answer for their own addresses alone, so that all packets to what is on top of them go by that."""


@pytest.mark.parametrize("style", Style)
def test_devices_are_captured(tmp_path: Path, style: Style) -> None:
    """What they carry, and beside that what the link does; one that was up keeps its routes."""
    text = f"{PAIR}{DEVICE}capture {{a:m0,b:m0}}\ncapture a:b snap 96\n"
    text += "bench a -> b using tcp for 1s capture a:m0\n"
    with live.running(lab_of(tmp_path, text, style)):
        live.succeed("ip", "netns", "exec", "caught-a", "ping", "-c", "3", "-i", "0.2", "10.9.1.2")
        assert "192.0.2.0/24 dev m0" in live.succeed("ip", "-n", "caught-b", "route")
        check = live.run("bash", "-s", stdin=Compilation("-", f"lab caught\n{text}").script("check"))
        assert check.returncode == 0, check.stdout
        bench = Compilation("-", f"lab caught\n{text}").script("bench")
        live.succeed("bash", "-s", "--", "--repeat", "1", "--captures", tmp_path, stdin=bench, seconds=60)
        log = Path("/run/mpc-caught.d/b:m0.log").read_text()
        assert log.startswith("it is listening on port 7\n")
        assert "listening on m0, " in log
    names = {"caught.a.m0.pcap", "caught.b.m0.pcap", "caught.a.b.pcap", "caught.a.b.tcp-1.1.a.m0.pcap"}
    assert {path.name for path in tmp_path.iterdir()} == names
    for name in sorted(names - {"caught.a.b.tcp-1.1.a.m0.pcap"}):
        shown = live.succeed("tcpdump", "-n", "-r", tmp_path / name, "icmp[icmptype] == icmp-echo")
        assert shown.count("10.9.1.1 > 10.9.1.2") == 3, name


def test_captures_of_devices_alone(tmp_path: Path) -> None:
    """And one that fails is taken away with all else."""
    text = f"{PAIR}{DEVICE}capture b:m0\n"
    with live.running(lab_of(tmp_path, text)):
        assert len(captures()) == 1
    assert not captures()
    (tmp_path / "caught.b.m0.pcap").unlink()
    broken = lab_of(tmp_path, f'{text}run a "exit 3" ready "false"\n').up()
    assert broken.returncode == 1
    assert "captures of devices" in broken.stderr
    assert not list(tmp_path.iterdir())
