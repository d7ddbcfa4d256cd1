"""Aggregated tables in the kernel: it takes them, and every address of the lab answers."""

import live
import pytest

pytestmark = pytest.mark.live

TREE = "routing shortest aggregate\nuse std/fat-tree as t with k=4"


def test_every_address_answers() -> None:
    lab = live.lab_of("few", TREE)
    with live.running(lab):
        ends = live.in_ns(lab.ns("t-h0-0-0"), "cat", "/etc/hosts").stdout.split()[1::1]
        names = sorted({word for word in ends if word.endswith(tuple("0123456789")) and "t-" in word})
        assert len(names) == 36 + 2 * 48
        for source in ("t-h0-0-0", "t-core1-1", "t-agg3-0"):
            command = 'for name; do ping -c 1 -W 3 "$name" >/dev/null || echo "$name"; done'
            lost = live.in_ns(lab.ns(source), "bash", "-c", command, "-", *names, seconds=120)
            assert (lost.returncode, lost.stdout) == (0, ""), source
