"""`mpc watch` beside traffic: rates of links, in lines and in a terminal, and no namespace that it holds."""

import os
import pty
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import kernel
import live
import pytest

pytestmark = pytest.mark.live

LAB = "lab watched\nhost a b\nrouter r\nlink a -- r rate 20mbit\nlink r -- b rate 4mbit\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "watched.topo"
    path.write_text(LAB)
    return path


@pytest.fixture
def lab() -> Iterator[live.Lab]:
    with live.running(live.lab_of("watched", LAB.removeprefix("lab watched\n"))) as lab:
        yield lab


@contextmanager
def traffic() -> Iterator[None]:
    """UDP of 8 Mbit/s from a to b, of which the link to b takes half."""
    with live.listening("watched-b", ["iperf3", "--server"], 60):
        argv = live.bounded(30, *"ip netns exec watched-a iperf3 -c b -u -b 8M -l 1400 -t 20".split())
        sender = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            live.wait_until(lambda: sent("watched-r", "b") > 500_000)
            yield
        finally:
            sender.terminate()
            sender.wait(timeout=10)


def sent(ns: str, interface: str) -> int:
    path = f"/sys/class/net/{interface}/statistics/tx_bytes"
    return int(live.in_ns(ns, "cat", path).stdout)


def test_rates_beside_those_that_are_set(lab: live.Lab, file: Path) -> None:
    """Each interface that sends, as its own counter has it."""
    del lab
    with traffic():
        before, begun = sent("watched-r", "b"), time.monotonic()
        told = live.succeed(live.MPC, "watch", "--every", "0.5", "--for", "3", file)
        counted = (sent("watched-r", "b") - before) * 8 / (time.monotonic() - begun)
    head, *lines = [line.split("\t") for line in told.splitlines()]
    assert head == ["seconds", "from", "to", "sent", "rate", "share"]
    looks = {line[0] for line in lines}
    assert len(lines) == 4 * len(looks)
    assert 4 <= len(looks) <= 6
    rates: dict[str, list[float]] = {}
    for _, source, target, rate, limit, share in lines:
        rates.setdefault(f"{source} -> {target}", []).append(float(rate))
        assert limit == ("20000000" if "a" in source + target else "4000000")
        assert abs(float(share) - float(rate) / int(limit)) < 0.001
    means = {name: sum(found) / len(found) for name, found in rates.items()}
    assert 7e6 < means["a:r -> r:a"] < 10e6
    assert 3.6e6 < means["r:b -> b:r"] < 4.4e6
    assert means["r:b -> b:r"] == pytest.approx(counted, rel=0.15)
    assert means["b:r -> r:b"] < 1e5


@contextmanager
def in_terminal(file: Path, term: str, *words: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """`mpc watch` in a terminal of 100 columns and 30 lines, and what reads it."""
    reader, terminal = pty.openpty()
    environment = {**os.environ, "TERM": term, "COLUMNS": "100", "LINES": "30"}
    argv = [str(live.MPC), "watch", *words, str(file)]
    try:
        with subprocess.Popen(
            argv, stdin=terminal, stdout=terminal, stderr=terminal, env=environment
        ) as process:
            os.close(terminal)
            yield process, reader
            process.kill()
    finally:
        os.close(reader)


def rest(reader: int) -> str:
    """All that is written to a terminal until nobody has it open."""
    found = b""
    while True:
        try:
            piece = os.read(reader, 65536)
        except OSError:
            return found.decode()
        found += piece


def first(reader: int, word: str) -> str:
    """What is written to a terminal up to a word."""
    found = b""
    while word.encode() not in found:
        found += os.read(reader, 65536)
    return found.decode()


def test_a_terminal_has_a_table_until_ctrl_c(lab: live.Lab, file: Path) -> None:
    pytest.importorskip("rich")
    del lab
    with traffic(), in_terminal(file, "xterm-256color", "--every", "0.3") as (process, reader):
        text = first(reader, "watched, 1 s")
        process.send_signal(signal.SIGINT)
        text += rest(reader)
        assert process.wait(timeout=10) == 0
    assert "r:b -> b:r" in text
    assert "4mbit" in text
    assert "\u2588" in text
    assert "Traceback" not in text
    assert text.rstrip().endswith("\x1b[?25h")  # the cursor is shown again


def test_a_terminal_that_cannot_draw_has_lines(lab: live.Lab, file: Path) -> None:
    del lab
    with in_terminal(file, "dumb", "--every", "0.2", "--for", "0.5") as (process, reader):
        text = rest(reader)
        assert process.wait(timeout=10) == 0
    assert "\x1b" not in text
    assert "r:b\tb:r\t" in text


def test_it_ends_with_the_lab_and_holds_nothing_of_it(file: Path) -> None:
    """Down finds nothing at work, and the namespaces go while `mpc watch` waits for its next look."""
    lab = live.lab_of("watched", LAB.removeprefix("lab watched\n"))
    with live.running(lab):
        argv = [str(live.MPC), "watch", "--every", "3", str(file)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(0.7)  # it has looked once
            inodes = {Path(f"/run/netns/{name}").stat().st_ino for name in kernel.namespaces()}
            down = lab.down()
            assert "waiting" not in down.stderr
            assert process.poll() is None
            held = {(path).stat().st_ino for path in Path("/proc").glob(f"{process.pid}/task/*/ns/net")}
            assert not inodes & held
            _, said = process.communicate(timeout=20)
            assert process.returncode == 0
            assert "the lab is down" in said


def test_a_reader_that_has_gone(lab: live.Lab, file: Path) -> None:
    del lab
    command = f"{live.MPC} watch --every 0.1 {file} | head -2; echo ${{PIPESTATUS[0]}}"
    told = live.succeed("bash", "-c", command, seconds=20).splitlines()
    assert told[0].startswith("seconds\t")
    assert told[-1] == "141"
