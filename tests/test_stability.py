"""A small edit of a lab makes a small diff of its script."""

import difflib
import random
from collections import Counter

import pytest
from labs import compiled

NODES = 60
RING = [f"link r{i} -- r{(i + 1) % NODES} rate {10 + i}mbit" for i in range(NODES)]
HEAD = ["routing none", *(f"router r{i} address 10.250.{i}.1" for i in range(NODES))]


def up(lines: list[str]) -> list[str]:
    return compiled("\n".join(lines)).up().splitlines()


def changed(before: list[str], after: list[str]) -> list[str]:
    """The lines of a diff with their signs, except the one with the plan's hash."""
    before, after = map(without_hash, (before, after))
    rows = difflib.unified_diff(before, after, n=0, lineterm="")
    return [row for row in rows if row[:1] in "+-" and row[:3] not in ("+++", "---")]


def without_hash(lines: list[str]) -> list[str]:
    """A script without the line with the plan's hash."""
    return [line for line in lines if not line.startswith("plan ")]


@pytest.mark.parametrize("place", [0, NODES // 2, NODES])
def test_a_link_in_the_middle(place: int) -> None:
    lines = [*HEAD, *RING]
    lines.insert(len(HEAD) + place, "link r7 -- r31 rate 5mbit")
    found = changed(up([*HEAD, *RING]), up(lines))
    assert 0 < len(found) <= 12, found
    assert not [row for row in found if row.startswith("-")]


def test_a_rate() -> None:
    lines = [*HEAD, *RING]
    lines[len(HEAD) + 30] = "link r30 -- r31 rate 99mbit"
    found = changed(up([*HEAD, *RING]), up(lines))
    assert len(found) == 4
    assert all(row[1:].startswith(("qdisc add dev r30 ", "qdisc add dev r31 ")) for row in found)


def test_a_node_that_is_away_takes_its_own_lines_only() -> None:
    """A leaf is removed; no other address, table or name changes."""
    text = ["routing none", "host x", *HEAD[1:], *RING]
    found = changed(up([*text, "link x -- r5"]), up([*HEAD, *RING]))
    assert not [row for row in found if row.startswith("+")]


@pytest.mark.parametrize("head", [HEAD, HEAD[1:21]])
def test_order_and_direction_change_nothing_but_order(head: list[str]) -> None:
    """With routes too: next hops of one route may be reordered, so words are compared, not lines."""
    links = RING[: len(head) - 2]
    flipped = [" ".join([w[0], w[3], w[2], w[1], *w[4:]]) for link in links if (w := link.split(" "))]
    shuffled = [*head, *flipped]
    random.Random(1).shuffle(shuffled)
    before, after = (Counter(map(words, without_hash(up(lines)))) for lines in ([*head, *links], shuffled))
    assert after - before == before - after == Counter()


def words(line: str) -> str:
    """The sorted words of a line of ip(8)."""
    return " ".join(sorted(line.removesuffix(" \\").split()))


def test_a_comment_changes_nothing() -> None:
    assert up([*HEAD, *RING]) == up(["# A comment.", "", *HEAD, "# and another", *RING, ""])


def test_a_pair_adds_and_moves_nothing() -> None:
    head = ["host a b x y", "router c d", "link {a,b} -- {c,d}", "link x -- y", "link x -- y", "mptcp a -- b"]
    found = changed(up(head), up([*head, "mptcp x -- y"]))
    assert [row for row in found if row.startswith("+mptcp endpoint add")]
    assert not [row for row in found if row.startswith(("-route", "-rule", "-address", "-link", "-mptcp"))]
