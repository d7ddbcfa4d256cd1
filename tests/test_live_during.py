"""Bench with `--during-play`: events beside transfers, with their times, and the lab as it was after them."""

import json
import os
import signal
import subprocess
import time
from typing import Any

import live
import pytest

from compiler.driver import Compilation

pytestmark = pytest.mark.live

PATH = "host a b\nrouter r\nlink a -- r -- b rate 8mbit\n"
SLOWER = (
    f"{PATH}bench a -> b using tcp for 4s\nat 1s shape a -> r rate 1mbit\nat 3s shape a -> r rate 4mbit\n"
)
LATER = "at 99s down a -- r\n"


def script(text: str, kind: str = "bench") -> str:
    return Compilation("-", f"lab during\n{text}").script(kind)


def bench(text: str, *options: str) -> live.Result:
    return live.run("bash", "-s", "--", "--during-play", *options, stdin=script(text), seconds=90)


def as_up_left_it(text: str) -> bool:
    return live.run("bash", "-s", stdin=script(text, "check")).returncode == 0


def mean(series: list[list[float]], begin: float, end: float) -> float:
    rates = [rate for seconds, rate in series if begin < seconds <= end]
    return sum(rates) / len(rates)


def test_events_happen_at_their_times_and_show_in_what_is_received() -> None:
    text = SLOWER + LATER
    with live.running(live.lab_of("during", text)):
        found = json.loads(bench(text, "--json", "--repeat", "2").stdout)
        assert as_up_left_it(text)
    measurements: list[dict[str, Any]] = found["measurements"]
    assert len(measurements) == 2
    for one in measurements:
        played = one["played"]
        assert [(event["due"], event["event"]) for event in played] == [
            (1, "shape a:r rate 1mbit"),
            (3, "shape a:r rate 4mbit"),
        ]
        for event in played:
            assert event["due"] <= event["seconds"] < event["due"] + 0.9
        sent = one["over_time"]["interfaces"]["r:b"]
        slower, faster = (event["seconds"] for event in played)
        assert mean(sent, 0.4, slower - 0.1) > 5e6
        assert mean(sent, slower + 0.8, faster) < 1.3e6
        assert 2.5e6 < mean(sent, faster + 0.3, faster + 0.9) < 4.5e6


def test_a_table_tells_events_and_nothing_else_has_changed() -> None:
    with live.running(live.lab_of("during", SLOWER)):
        told = bench(SLOWER, "--repeat", "1").stdout
        plain = live.succeed("bash", "-s", "--", "--repeat", "1", "--json", stdin=script(SLOWER), seconds=60)
    assert " s shape a:r rate 1mbit\n" in told
    assert "played" not in json.loads(plain)["measurements"][0]


def test_a_path_that_is_gone_at_the_end_is_there_again_for_iperf3() -> None:
    """The transfer ends in its time, with what came before."""
    text = f"{PATH}bench a -> b using tcp for 3s\nat 1s down a -- r\n"
    with live.running(live.lab_of("during", text)):
        begun = time.monotonic()
        result = bench(text, "--json", "--repeat", "1")
        assert time.monotonic() - begun < 30
        assert as_up_left_it(text)
    (one,) = json.loads(result.stdout)["measurements"]
    assert result.returncode == 0, result.stderr
    assert 1e6 < one["received"] < 5e6
    assert [event["event"] for event in one["played"]] == ["down a:r -- r:a"]


def test_while_another_play_is_at_work() -> None:
    """The transfer is measured, and that its play failed is told."""
    with live.running(live.lab_of("during", SLOWER)):
        other = subprocess.Popen(
            ["bash", "-s", "--", "--for", "60"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert other.stdin
        assert other.stdout
        other.stdin.write(script(SLOWER, "play").encode())
        other.stdin.close()
        assert other.stdout.readline()  # it has begun
        try:
            result = bench(SLOWER, "--json", "--repeat", "1")
        finally:
            other.terminate()
            other.stdout.close()
            assert other.wait(timeout=20) == 143
    assert result.returncode == 1
    assert "the play failed: during: error: an up, a down or a play of this lab is at work" in result.stderr
    assert json.loads(result.stdout)["measurements"][0]["played"] == []


@pytest.mark.parametrize("group", [False, True])
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_bench_leaves_the_lab_as_up_left_it(sign: signal.Signals, group: bool) -> None:
    with live.running(live.lab_of("during", SLOWER)):
        with subprocess.Popen(
            ["bash", "-s", "--", "--during-play", "--json"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            assert process.stdin
            process.stdin.write(script(SLOWER).encode())
            process.stdin.close()
            live.wait_until(lambda: "rate 1Mbit" in live.succeed("tc", "-n", "during-a", "qdisc", "show"))
            (os.killpg if group else os.kill)(process.pid, sign)
            assert process.stdout
            told = process.stdout.read()
            assert process.wait(timeout=20) == 128 + sign
        assert json.loads(told)["measurements"] == []
        assert as_up_left_it(SLOWER)


def test_only_where_there_are_events() -> None:
    result = bench(f"{PATH}bench a -> b using tcp\n")
    assert result.returncode == 2
    assert "the lab has no events that are played here" in result.stderr
