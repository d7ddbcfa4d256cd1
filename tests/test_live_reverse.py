"""Transfers in reverse: the source opens the connection, and the target sends."""

import json
from collections.abc import Iterator
from typing import Any

import live
import pytest

from compiler.driver import Compilation

pytestmark = pytest.mark.live

HOME = """
host phone web
router home
link phone -- home private
link home -- web
shape home -> web rate 5mbit
shape web -> home rate 20mbit
masquerade home out web
expect phone -> web rate >= 8mbit using tcp reverse
bench phone -> web using tcp, tcp reverse, tcp 4 reverse, udp reverse for 3s
"""
"""A client that the server cannot open a connection to, over a line with two rates."""


@pytest.fixture(scope="module")
def lab() -> Iterator[live.Lab]:
    with live.running(live.lab_of("turned", HOME)) as lab:
        yield lab


def benched(text: str, *options: str) -> live.Result:
    script = Compilation("-", text).script("bench")
    return live.run("bash", "-s", "--", "--repeat", "1", *options, stdin=script, seconds=60)


@pytest.fixture(scope="module")
def measured(lab: live.Lab) -> list[dict[str, Any]]:
    assert lab.ns("phone")
    result = benched(f"lab turned\n{HOME}", "--json")
    assert result.returncode == 0, result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)["measurements"]
    return found


@pytest.mark.every_kernel
def test_data_has_the_rate_of_its_direction(measured: list[dict[str, Any]]) -> None:
    """Measured where it is received, behind the node that masquerades."""
    assert [one["reverse"] for one in measured] == [False, True, True, True]
    assert {(one["source"], one["target"]) for one in measured} == {("phone", "web")}
    there, *back = measured
    assert 1e6 < there["received"] < there["arrived"] < 6e6
    for one in back:
        assert 8e6 < one["received"] < 20.5e6, one
        assert one["received"] < one["arrived"]
        assert one["predicted"] == pytest.approx(19.1e6, rel=0.03)


def test_what_is_told_over_time_is_of_who_sends(measured: list[dict[str, Any]]) -> None:
    for one in measured[1:]:
        over = one["over_time"]
        assert {*one["interfaces"]} == {"web:home", "home:phone"} == {*over["interfaces"]}
        assert len(over["received"]) >= 10
        subflows = 0 if one["transfer"] == "udp" else one["flows"]
        # (One of four may come to send next to nothing in a second, which is not told.)
        assert min(1, subflows) <= len(over["subflows"]) <= subflows
        assert all(subflow["source"].endswith(":5379") for subflow in over["subflows"])
        assert (one["retransmitted"] is None) == (one["transfer"] == "udp")


@pytest.mark.usefixtures("lab")
def test_it_is_named_in_tables_and_lines() -> None:
    text = f"lab turned\n{HOME}".partition("bench ")[0] + "bench phone -> web using tcp 4 reverse for 1s\n"
    told = benched(text)
    assert "phone -> web using tcp 4 reverse, the last time:" in told.stdout
    assert "transfer 1 of 1: phone -> web using tcp 4 reverse, 1 s" in told.stderr
    head, row = (line.split("\t") for line in benched(text, "--tsv").stdout.splitlines() if line[0] != "#")
    assert (head[-1], row[-1], row[3]) == ("reverse", "yes", "tcp")


@pytest.mark.usefixtures("lab")
def test_an_expectation_in_reverse_is_tried() -> None:
    said = live.run("bash", "-s", stdin=Compilation("-", f"lab turned\n{HOME}").script("check"), seconds=60)
    assert said.returncode == 0, said.stdout
    assert "- phone -> web rate >= 8mbit using tcp reverse" in said.stdout


BOTH = """
host a b
router c d
link {a,b} -- {c,d}
shape a -> {c,d} rate 2mbit
shape {c,d} -> a rate 10mbit
mptcp a -> b
at 1s shape c -> a rate 2mbit
bench a -> b using mptcp reverse for 4s
"""


@pytest.mark.every_kernel
def test_mptcp_that_only_one_end_opens_takes_all_ways_back() -> None:
    with live.running(live.lab_of("turnedboth", BOTH)):
        result = benched(f"lab turnedboth\n{BOTH}", "--json")
        assert result.returncode == 0, result.stderr
        (one,) = json.loads(result.stdout)["measurements"]
        assert {"c:a", "d:a"} < {*one["interfaces"]}
        assert one["received"] > 6e6
        assert one["subflows"] >= 1
        played = benched(f"lab turnedboth\n{BOTH}", "--json", "--during-play")
        (slower,) = json.loads(played.stdout)["measurements"]
        assert [event["event"] for event in slower["played"]] == ["shape c:a rate 2mbit"]
        assert 6e6 < slower["received"] < 15e6


def test_captures_and_an_end_that_is_an_interface(tmp_path: Any) -> None:
    """Files of both directions do not take each other's place."""
    text = (
        "host a b\nlink a -- b rate 5mbit\nbench a:b -> b using tcp, tcp reverse for 1s capture a:b snap 96\n"
    )
    with live.running(live.lab_of("turnedfile", text)):
        result = benched(f"lab turnedfile\n{text}", "--json", "--captures", str(tmp_path))
        assert result.returncode == 0, result.stderr
        for one in json.loads(result.stdout)["measurements"]:
            assert one["arrived"] > one["received"] > 1e6
            assert {*one["interfaces"]} == ({"b:a"} if one["reverse"] else {"a:b"})
        stems = ("turnedfile.a:b.b.tcp-1.1.a.b.pcap", "turnedfile.a:b.b.tcp-1-reverse.1.a.b.pcap")
        assert {file.name for file in tmp_path.iterdir()} == {*stems}
