"""The interval of requests of ARP and neighbour discovery."""

import pytest
from labs import compiled

from compiler.plan.settings import Settings


def patience(text: str) -> dict[str, str]:
    """The values set in all namespaces: milliseconds, by `node:interface` and family."""
    lab, found = compiled(text).lab, {}
    for node in lab.ip_nodes:
        for key, value in Settings(lab).of(node, ()).items():
            if key.endswith(".retrans_time_ms"):
                version, name = key.removeprefix("net.ipv").split(".neigh.")
                found[f"{node.name}:{name.removesuffix('.retrans_time_ms')} {version}"] = value
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("host a b\nlink a -- b delay 10s", {"a:b 4": "20000", "b:a 4": "20000"}),
        ("host a b\nlink a -- b delay 500ms", {}),
        ("host a b\nlink a -- b delay 450ms\nshape b -> a jitter 101ms", {"a:b 4": "2000", "b:a 4": "2000"}),
        ("host a b\nlink a:x.1 -- b\nshape a -> b delay 3s", {"a:x/1 4": "3000", "b:a 4": "3000"}),
        ("host a b\nlink a -- b rate 100kbit queue 100p", {"a:b 4": "25000", "b:a 4": "25000"}),
        ("host a b\nlink a -- b rate 10mbit queue 100p", {}),
        ("host a b\nlink a -- b\nat 1s shape a -> b delay 2s", {"a:b 4": "2000", "b:a 4": "2000"}),
        ("host a b\nlink a -- b delay 2s\nat 1s shape a -> b delay 0s", {"a:b 4": "4000", "b:a 4": "4000"}),
        ("host a b\nlink a -- b rate 8bit queue 4095mb", {"a:b 4": "86400000", "b:a 4": "86400000"}),
        (
            "pool 10.0.0.0/8\npool fd00::/48\nhost a b c\nlink a -- b delay 1s\nlink b -- c",
            {f"{end} {version}": "2000" for end in ("a:b", "b:a") for version in (4, 6)},
        ),
        (
            "host a b c\nswitch s t\nlink a -- s -- t -- b delay 200ms\nlink t -- c",
            {"a:s 4": "2000", "b:t 4": "2000", "c:t 4": "2000"},
        ),
        (
            "host a b\nswitch s t u stp on\nlink s -- t -- u -- s\nlink a -- t\nshape t -> u delay 9s",
            {},
        ),
    ],
)
def test_only_where_an_answer_takes_over_a_second(text: str, found: dict[str, str]) -> None:
    """A round trip over all links between two neighbours, except those that a spanning tree blocks."""
    assert patience(text) == found


def test_what_the_source_sets_counts() -> None:
    key = "net.ipv4.neigh.b.retrans_time_ms"
    assert patience(f"host a b\nlink a -- b delay 10s\nsysctl a {key}=7") == {"a:b 4": "7", "b:a 4": "20000"}
