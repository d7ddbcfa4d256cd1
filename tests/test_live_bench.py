"""Bench: its output in each format, and that none of its processes outlives it."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kernel
import live
import pytest

from compiler.driver import Compilation, Options

pytestmark = pytest.mark.live

LAB = """
host a b x
router c d
link {a,b} -- {c,d} rate 5mbit
link x -- c
mptcp a -- b
bench a -> b using tcp for 1s
bench a -> b using mptcp for 2s
bench b -> a using udp for 1s
bench x -> c using tcp 2 for 1s
"""


def without(script: str, row: str) -> str:
    """A bench without some of its transfers."""
    return re.sub(rf"^{row}.*\n(?:(?:over|likely) .*\n)*", "", script, flags=re.MULTILINE)


SCRIPT = Compilation("-", f"lab benched\n{LAB}").script("bench")
SHORT = without(SCRIPT, "row .* (?:tcp 1|udp) ")
"""The script with the second and the last of its transfers only."""


@pytest.fixture(scope="module")
def lab() -> Iterator[live.Lab]:
    with live.running(live.lab_of("benched", LAB)) as lab:
        yield lab


def bench(*options: str, script: str = SCRIPT) -> live.Result:
    return live.run("bash", "-s", "--", *options, stdin=script, seconds=60)


def rows(told: str) -> list[str]:
    """The measurements among lines with tabs, after what they are of and the names of columns."""
    return [line for line in told.splitlines() if not line.startswith("# ")][1:]


def residents(lab: live.Lab) -> list[str]:
    """The processes in the lab, which has none without a bench."""
    return [pid for node in "abxcd" for pid in kernel.lines("ip", "netns", "pids", lab.ns(node))]


@pytest.fixture(scope="module")
def measured(lab: live.Lab) -> list[dict[str, Any]]:
    """Two rounds, as JSON."""
    result = bench("--json", "--repeat", "2")
    assert result.returncode == 0, result.stderr
    assert not residents(lab)
    found = json.loads(result.stdout)
    digest = Compilation("-", f"lab benched\n{LAB}").plan.digest
    assert (found["lab"], found["plan"], found["up"], found["params"]) == ("benched", digest, digest, {})
    assert found["kernel"] == os.uname().release
    assert {*found["tools"]} == {"bash", "iproute2", "iperf3"}
    times = [found["began"], *(one["began"] for one in found["measurements"]), found["ended"]]
    assert times == sorted(times)
    measurements: list[dict[str, Any]] = found["measurements"]
    return measurements


def test_all_is_measured_as_often_as_is_asked_for(measured: list[dict[str, Any]]) -> None:
    rows = [(one["round"], one["source"], one["target"], one["transfer"], one["flows"]) for one in measured]
    one_round = [("a", "b", "tcp", 1), ("a", "b", "mptcp", 1), ("b", "a", "udp", 1), ("x", "c", "tcp", 2)]
    assert rows == [(number, *row) for number in (1, 2) for row in one_round]
    assert {one["seconds"] for one in measured} == {1, 2}


def test_what_programs_receive_and_what_arrives_agree(measured: list[dict[str, Any]]) -> None:
    """A path carries at most its rate: with headers a little more than without, and the best nearly all."""
    for one in measured[:3] + measured[4:7]:
        paths = 2 if one["transfer"] == "mptcp" else 1
        assert 0 < one["received"] <= paths * 5_000_000
        assert one["received"] < one["arrived"] < paths * 6_500_000
        assert one["predicted"] < paths * 5_000_000
    assert measured[3]["predicted"] is None
    assert (
        max(one["received"] for one in measured if one["transfer"] == "tcp" and one["flows"] == 1) > 3_000_000
    )


LAYERS = [
    pytest.param(
        "router c d\nlink {a,b} -- {c,d} rate 5mbit\ntunnel a -- b via {c,d}\nroute a to b via b",
        marks=pytest.mark.every_kernel("vxlan"),
    ),
    pytest.param(
        "link a -- b rate 5mbit\nlink a -- b rate 5mbit\nbond a -- b",
        marks=pytest.mark.every_kernel("bond"),
    ),
    pytest.param(
        "switch s\nlink a -- s vlan 5 rate 10mbit\nlink b -- s trunk 5,6 rate 10mbit",
        marks=pytest.mark.every_kernel("vlan"),
    ),
]


@pytest.mark.parametrize("layer", LAYERS)
def test_what_arrives_over_interfaces_that_are_above_others_is_counted_once(layer: str) -> None:
    text = f"lab layers\nhost a b\n{layer}\nbench a -> b using tcp, tcp reverse for 1s\n"
    with live.running(live.lab_of("layers", text.partition("\n")[2])):
        script = Compilation("-", text).script("bench")
        told = live.succeed("bash", "-s", "--", "--json", "--repeat", "1", stdin=script, seconds=60)
    for one in json.loads(told)["measurements"]:
        assert 0 < one["received"] < one["arrived"] < 13_000_000, one


def test_bytes_are_seen_on_their_paths(measured: list[dict[str, Any]]) -> None:
    """One connection is on one path, MPTCP on both; paths with acknowledgements only are not listed."""
    tcp, mptcp, udp, unshaped = ({*one["interfaces"]} for one in measured[:4])
    assert tcp in ({"a:c", "c:b"}, {"a:d", "d:b"})
    assert mptcp == {"a:c", "c:b", "a:d", "d:b"}
    assert udp in ({"b:c", "c:a"}, {"b:d", "d:a"})
    assert unshaped == {"x:c"}


def test_subflows_are_told(measured: list[dict[str, Any]]) -> None:
    """The subflows of data connections, without iperf3's control connection, with their times.

    The kernel reports no end of a subflow that the other end closes before it has read all.
    """
    for one in (one for one in measured if one["transfer"] == "mptcp"):
        events = [event["event"] for event in one["events"]]
        assert events[:3] == ["ESTABLISHED", "SF_ESTABLISHED", "SF_ESTABLISHED"]
        assert events[3:] in ([], ["CLOSED"])
        assert one["subflows"] == 2
        began, *joined = one["events"][:3]
        assert began["source"] == "10.219.189.202"
        assert {event["source"] for event in joined} == {"10.39.131.69", "10.86.184.181"}
        assert all(0 <= began["seconds"] <= event["seconds"] for event in joined)
        last = max(event["seconds"] for event in joined)
        assert all(last < end["seconds"] - 1.5 for end in one["events"][3:])
    others = [one for one in measured if one["transfer"] != "mptcp"]
    assert all(one["events"] == [] and one["subflows"] is None for one in others)


def test_what_happens_over_time(measured: list[dict[str, Any]]) -> None:
    """At the receiver, at the interfaces that carried it, in their queues, and of each subflow."""
    for one in (*measured[:3], *measured[4:7]):
        over = one["over_time"]
        assert len(over["received"]) >= 9 * one["seconds"]
        assert {*over["interfaces"]} == {*over["queues"]} == {*one["interfaces"]}
        for series in (over["received"], *over["interfaces"].values(), *over["queues"].values()):
            times = [entry[0] for entry in series]
            assert times == sorted(times)
            assert times[0] >= 0
        mean = sum(rate for _, rate in over["received"]) / len(over["received"])
        assert mean == pytest.approx(one["received"], rel=0.3)
        assert any(size > 0 for series in over["queues"].values() for _, size, _ in series)
        assert all(0 <= packets <= 40 for series in over["queues"].values() for _, _, packets in series)
    flows = {"tcp": 1, "mptcp": 3, "udp": 0}
    for one in measured[:3]:
        subflows = one["over_time"]["subflows"]
        assert len(subflows) <= flows[one["transfer"]]
        assert bool(subflows) == (one["transfer"] != "udp")
        assert all(
            len({len(subflow[kind]) for kind in ("sent", "window", "rtt", "retransmitted")}) == 1
            for subflow in subflows
        )
        assert (one["retransmitted"] is None) == (one["transfer"] == "udp")


@pytest.mark.usefixtures("lab")
def test_a_bench_of_another_plan_says_so() -> None:
    """So that a result is not taken for one of the lab that it names."""
    other = Compilation("-", f"lab benched\n{LAB}".replace("5mbit", "6mbit")).script("bench")
    result = bench("--tsv", "--repeat", "1", script=without(other, "row (?!x c )"))
    assert re.search(r"warning: what is up has the plan [0-9a-f]{12}, and this script is of", result.stderr)


def test_params_are_named_whatever_they_are() -> None:
    """As JSON in ASCII, in the here-document of the script's head."""
    value = '"</script>$(id)`é\\"'
    script = Compilation("-", f"param x = 1\n{LAB}", options=Options({"x": value})).script("bench")
    (line,) = (line for line in script.splitlines() if line.startswith("params "))
    assert line.isascii()
    assert json.loads(line.removeprefix("params ")) == {"x": value}


@pytest.mark.usefixtures("lab")
def test_a_table_and_lines_with_tabs() -> None:
    result = bench("--repeat", "1", script=SHORT)
    assert result.returncode == 0
    head, *rest = result.stdout.partition("\n\n")[0].splitlines()
    assert head.split() == ["Mbit/s", "predicted", "received", "least", "..", "most", "arrived"]
    assert [line[:32].strip() for line in rest] == ["a -> b using mptcp", "x -> c using tcp 2"]
    assert rest[1].split()[6] == "-"
    assert "a -> b using mptcp, the last time:\n" in result.stdout
    said = result.stderr.splitlines()
    assert said[1] == "benched: round 1 of 1, transfer 2 of 2: x -> c using tcp 2, 1 s"
    told = bench("--tsv", "--repeat", "1", script=SHORT).stdout.splitlines()
    head, *rest = (line for line in told if not line.startswith("# "))
    assert len(rest) == 2
    assert {line.count("\t") for line in (head, *rest)} == {13}
    assert rest[1].split("\t")[6] == "-"


def signalled(script: str, sign: signal.Signals, after: float, *, group: bool) -> int:
    with subprocess.Popen(
        ["bash", "-s"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    ) as process:
        assert process.stdin
        process.stdin.write(script)
        process.stdin.close()
        time.sleep(after)
        (os.killpg if group else os.kill)(process.pid, sign)
        return process.wait(timeout=20)


@pytest.mark.parametrize("group", [True, False], ids=["group", "alone"])
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_it_starts_ends_with_it(
    lab: live.Lab, sign: signal.Signals, group: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """During a transfer; also on Ctrl-C, which signals all processes of a terminal."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert signalled(SCRIPT, sign, 0.6 if group else 2.6, group=group) == 128 + sign
    assert not residents(lab)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("lab")
def test_a_transfer_that_fails_is_told_and_the_rest_measured() -> None:
    """The first one goes to an address that nobody has."""
    wrong = SHORT.replace("10.249.89.74 mptcp 1", "10.99.99.99 mptcp 1")
    assert wrong != SHORT
    result = bench("--tsv", "--repeat", "1", script=wrong)
    received = [int(line.split("\t")[7]) for line in rows(result.stdout)]
    assert received[0] == 0 < min(received[1:])
    assert "benched: warning: unable to connect to server" in result.stderr
    assert result.returncode == 1


def controls(lab: live.Lab, script: str) -> tuple[set[str], str]:
    """The congestion controls of transfers from a to b, and the output of bench."""
    found: set[str] = set()
    with subprocess.Popen(
        ["bash", "-c", script, "bench", "--repeat", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while process.poll() is None:
            for line in kernel.lines("ss", "-N", lab.ns("a"), "-Htin", "dport", "=", ":5379"):
                sent = re.search(r"bytes_sent:(\d+)", line)
                if sent and int(sent[1]) > 50_000:  # iperf3's messages on its transfers are ignored
                    found.update({"cubic", "reno", "bbr"}.intersection(line.split()))
            time.sleep(0.1)
        assert process.stderr
        return found, process.stderr.read()


TO_B = without(SCRIPT, "row (?:b a|x c) ")
"""TCP and MPTCP from a to b."""


@pytest.mark.every_kernel
def test_the_congestion_control_is_the_one_that_predictions_are_for(lab: live.Lab) -> None:
    """CUBIC, whatever the host's is, for all subflows."""
    found, said = controls(lab, TO_B)
    assert found == {"cubic"}
    assert "warning" not in said


def test_the_lab_says_which_congestion_control() -> None:
    text = LAB + "sysctl a net.ipv4.tcp_congestion_control=reno\n"
    with live.running(live.lab_of("chosen", text)) as lab:
        script = Compilation("-", f"lab chosen\n{text}").script("bench")
        assert controls(lab, without(script, "row (?:b a|x c) "))[0] == {"reno"}


def test_a_congestion_control_that_is_not_to_be_had_is_told(lab: live.Lab) -> None:
    """The default of the namespace is measured instead, and named in the output."""
    own = live.in_ns(lab.ns("a"), "sysctl", "-n", "net.ipv4.tcp_congestion_control").stdout.strip()
    script = SHORT.replace(" cubic\n", " nosuch\n")
    assert script.count(" nosuch\n") == 2
    result = bench("--tsv", "--repeat", "1", script=script)
    assert result.returncode == 0, result.stderr
    assert all(int(line.split("\t")[7]) > 0 for line in rows(result.stdout))
    assert f"benched: warning: this machine has no nosuch for mptcp, so {own} is measured" in result.stderr


@pytest.mark.parametrize("options", [["--repeat"], ["--repeat", "0"], ["--csv"], ["x"]])
def test_wrong_options(options: list[str]) -> None:
    result = bench(*options)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.endswith("; usage: bench.sh [--tsv | --json] [--repeat N]\n")


def test_a_lab_that_is_not_up() -> None:
    script = Compilation("-", f"lab nowhere\n{LAB}").script("bench")
    result = bench(script=script)
    assert (result.returncode, result.stdout) == (1, "")
    assert "the lab is not up: there is no namespace nowhere-a" in result.stderr


def interrupted(form: str, after: float) -> tuple[int, str]:
    """The output of a bench that receives SIGINT after some seconds."""
    with subprocess.Popen(
        ["bash", "-c", SHORT, "bench", form], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        time.sleep(after)
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=20)
        return process.returncode, told


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("after", [1.0, 4.5])
def test_what_was_measured_before_an_interrupt_is_whole(after: float) -> None:
    """As valid JSON, or as whole lines."""
    status, told = interrupted("--json", after)
    assert status == 128 + signal.SIGINT
    assert all(one["received"] for one in json.loads(told)["measurements"])
    status, told = interrupted("--tsv", after)
    assert status == 128 + signal.SIGINT
    assert told.endswith("\n")
    assert {line.count("\t") for line in rows(told)} <= {13}


@pytest.mark.usefixtures("lab")
def test_one_bench_at_a_time() -> None:
    """The second reports the first and does not disturb it; nor can a check with transfers start then."""
    text = f"lab benched\n{LAB}expect a -> b rate >= 1kbit\n"
    with subprocess.Popen(
        ["bash", "-c", SHORT, "bench", "--tsv", "--repeat", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as first:  # fmt: skip
        time.sleep(1)
        second = bench("--tsv", script=SHORT)
        check = live.run("bash", "-s", stdin=Compilation("-", text).script("check"))
        told, _ = first.communicate(timeout=40)
    assert (second.returncode, second.stdout) == (1, "")
    assert "benched: error: another bench or check measures in this lab now" in second.stderr
    assert (check.returncode, check.stdout.splitlines()[-1]) == (
        2,
        "Bail out! a bench or another check measures in this lab now",
    )
    assert first.returncode == 0
    assert all(int(line.split("\t")[7]) > 0 for line in rows(told))


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
def test_no_room_for_what_programs_say(tmp_path: Path, later: bool) -> None:
    """The failure is reported, without empty rows."""
    fill = f"dd if=/dev/zero of={tmp_path}/full bs=4k status=none 2>/dev/null"
    script = SHORT.replace("\nrun_all", f"\n{{ sleep 1; {fill}; }} &\nrun_all") if later else SHORT
    mount = f"mount -t tmpfs -o size=4m tmpfs {tmp_path}; {':' if later else fill}"
    run = f'{mount}; TMPDIR={tmp_path} bash -c "$0" bench --tsv --repeat 9'
    result = live.run("unshare", "--mount", "bash", "-c", run, script, seconds=60)
    assert result.returncode == 2
    assert f"benched: error: there is no room in {tmp_path}" in result.stderr
    assert all(int(line.split("\t")[7]) > 0 for line in rows(result.stdout))
