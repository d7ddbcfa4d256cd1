"""Check: facts as planned, drifts, and expectations, with output in TAP."""

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import kernel
import live
import pytest
from tap import points

from compiler.driver import Compilation

pytestmark = pytest.mark.live

# Every statement with effects that a check compares.
LAB = """
pool 10.0.0.0/8
pool fd00::/16
host a b e f
router c d
link {a,b} -- {c,d} rate 5mbit mtu 1400
link a -- b rate 100mbit queue 10p
link a -- b
link {e,f} -- {c,d}
route a to 10.77.0.0/16 via b weight 2, c
mptcp e -- f endpoints e:c subflow backup, f:c signal port 7001
masquerade c out b
sysctl a net.ipv4.conf.b.rp_filter=2 net.ipv4.conf.b/2.rp_filter=1 net.ipv4.tcp_rmem="4096  131072 6291456"
"""


def compiled(name: str, text: str) -> Compilation:
    return Compilation("-", f"lab {name}\n{text}")


def script_of(compilation: Compilation) -> str:
    """The script of a check, with shorter transfers."""
    return compilation.script("check").replace("-t 5 -O 2", "-t 1")


def check(compilation: Compilation) -> live.Result:
    """Runs a check, with a timeout of a minute."""
    return live.run("bash", "-s", stdin=script_of(compilation), seconds=60)


@pytest.fixture(scope="module")
def lab() -> Iterator[live.Lab]:
    with live.running(live.lab_of("checked", LAB)) as lab:
        yield lab


COMPILED = compiled("checked", LAB)

WIDE = "10.77.0.0/16 nexthop via 10.111.165.30 dev b weight 2 nexthop via 10.66.169.66 dev b.2 weight 2"
WIDE += " nexthop via 10.39.131.70 dev c weight 1"

# Changes of a lab in a namespace, each with the line by which check reports it, and its reversal.
DRIFTS = {
    "route": (
        "a",
        "ip route del 10.77.0.0/16",
        ["missing: route 10.77.0.0/16 via 10.111.165.30 dev b weight 2"],
        f"ip route add {WIDE}",
    ),
    "further route": (
        "a",
        "ip route add 10.78.0.0/16 via 10.39.131.70",
        ["unexpected: route 10.78.0.0/16 via 10.39.131.70 dev c"],
        "ip route del 10.78.0.0/16",
    ),
    "IPv6 route": (
        "a",
        "ip -6 route add fd99::/64 via fd00::92a7:8346",
        ["unexpected: route fd99::/64 via fd00::92a7:8346 dev c"],
        "ip -6 route del fd99::/64",
    ),
    "address": (
        "b",
        "ip address add 10.99.0.1/24 dev c",
        ["unexpected: address 10.99.0.1/24 dev c"],
        "ip address del 10.99.0.1/24 dev c",
    ),
    "MTU": (
        "c",
        "ip link set dev a mtu 1399",
        ["missing: link a mtu 1400 up to checked-a", "unexpected: link a mtu 1399 up to checked-a"],
        "ip link set dev a mtu 1400",
    ),
    "link": (
        "c",
        "ip link add name own type bridge && ip link set dev own up",
        ["unexpected: link own mtu 1500 "],
        "ip link del dev own",
    ),
    "rate": (
        "b",
        "tc qdisc change dev c root handle 1: tbf rate 6mbit burst 5656b limit 15625b",
        ["missing: qdisc tbf 1: dev c root rate 5Mbit", "unexpected: qdisc tbf 1: dev c root rate 6Mbit"],
        "tc qdisc change dev c root handle 1: tbf rate 5mbit burst 5656b limit 15625b",
    ),
    "queue": (
        "b",
        "tc qdisc change dev a parent 1:1 pfifo limit 11",
        [
            "missing: qdisc pfifo dev a parent 1:1 limit 10p",
            "unexpected: qdisc pfifo dev a parent 1:1 limit 11p",
        ],
        "tc qdisc change dev a parent 1:1 pfifo limit 10",
    ),
    "further shaping": (
        "c",
        "tc qdisc add dev e root tbf rate 1mbit burst 5kb limit 5kb",
        ["unexpected: qdisc tbf dev e root rate 1Mbit"],
        "tc qdisc del dev e root",
    ),
    "sysctl": (
        "d",
        "sysctl -qw net.ipv4.ip_forward=0",
        ["missing: sysctl net.ipv4.ip_forward = 1", "unexpected: sysctl net.ipv4.ip_forward = 0"],
        "sysctl -qw net.ipv4.ip_forward=1",
    ),
    "sysctl of an interface": (
        "a",
        "sysctl -qw net.ipv4.conf.b/2.rp_filter=0",
        ["missing: sysctl net.ipv4.conf.b/2.rp_filter = 1"],
        "sysctl -qw net.ipv4.conf.b/2.rp_filter=1",
    ),
    "rule": (
        "a",
        "ip rule add pref 1234 from 10.1.2.3 lookup 10000",
        ["unexpected: rule pref 1234 from 10.1.2.3 lookup 10000"],
        "ip rule del pref 1234",
    ),
    "IPv6 rule": (
        "a",
        "ip -6 rule add pref 1234 iif c lookup 10000",
        ["unexpected: rule -6 pref 1234 iif c lookup 10000"],
        "ip -6 rule del pref 1234",
    ),
    "MPTCP limits": (
        "e",
        "ip mptcp limits set subflows 1",
        [
            "missing: limits subflows 2 add_addr_accepted 2",
            "unexpected: limits subflows 1 add_addr_accepted 2",
        ],
        "ip mptcp limits set subflows 2",
    ),
    "masquerade": (
        "c",
        "nft flush chain inet mpc out",
        ['missing: nft in inet mpc out: oifname "b" masquerade'],
        "nft add rule inet mpc out oifname b masquerade",
    ),
}


@pytest.mark.usefixtures("lab")
def test_a_lab_is_as_planned_and_stays_so() -> None:
    """A check passes for every namespace, changes nothing, and reports exactly each drift."""
    before = {ns: kernel.state(ns) for ns in kernel.namespaces()}
    found = points(check(COMPILED))
    assert {what: said for what, (_, said) in found.items()} == {
        "the lab checked is up": [],
        **{f"the namespace checked-{node} is as planned": [] for node in "abefcd"},
    }
    assert all(holds for holds, _ in found.values())
    assert {ns: kernel.state(ns) for ns in kernel.namespaces()} == before


@pytest.mark.parametrize("name", DRIFTS)
def test_a_drift_is_named(lab: live.Lab, name: str) -> None:
    node, change, wanted, back = DRIFTS[name]
    live.succeed("ip", "netns", "exec", lab.ns(node), "bash", "-c", change)
    found = points(check(COMPILED))
    live.succeed("ip", "netns", "exec", lab.ns(node), "bash", "-c", back)
    assert [what for what, (holds, _) in found.items() if not holds] == [
        f"the namespace {lab.ns(node)} is as planned"
    ]
    _, said = found[f"the namespace {lab.ns(node)} is as planned"]
    missing = [any(line.startswith(start) for line in said) for start in wanted]
    assert all(missing), said
    assert all(holds for holds, _ in points(check(COMPILED)).values()), "what was changed is not taken back"


def test_the_other_end_of_a_foreign_link_is_named(lab: live.Lab) -> None:
    """A check looks for few names in /run/netns, and for all where an interface leads to none of them."""
    live.succeed("ip", "netns", "add", "elsewhere")
    try:
        own = ("name", "own", "type", "veth", "peer", "name", "own", "netns", "elsewhere")
        live.succeed("ip", "-n", lab.ns("d"), "link", "add", *own)
        live.succeed("ip", "-n", lab.ns("d"), "link", "set", "dev", "own", "up")
        said = points(check(COMPILED))[f"the namespace {lab.ns('d')} is as planned"].said
    finally:
        live.succeed("ip", "netns", "del", "elsewhere")
    assert "unexpected: link own mtu 1500 up without a carrier to elsewhere" in said
    live.wait_until(lambda: "own" not in live.succeed("ip", "-n", lab.ns("d"), "link"))


@pytest.mark.usefixtures("lab")
def test_the_same_is_told_by_any_number_of_processors() -> None:
    """OMP_NUM_THREADS sets the number that nproc(1) prints."""
    bash = [("env", f"OMP_NUM_THREADS={number}", "bash", "-s") for number in (1, 2, 5, 50)]
    told = [live.run(*argv, stdin=script_of(COMPILED), seconds=60) for argv in bash]
    assert len({re.sub("# began .*", "", one.stdout) for one in told}) == 1
    assert len(points(told[0])) == 7


def test_a_lab_that_is_not_up() -> None:
    text = "host a b\nlink a -- b\nexpect a -> b reachable\nexpect b -> a rate >= 1kbit"
    found = points(check(compiled("nowhere", text)))
    assert found["the lab nowhere is up"] == (False, ["the lab is not up: there is no /run/mpc-nowhere"])
    assert found["the namespace nowhere-a is as planned"] == (False, ["missing: the namespace nowhere-a"])
    assert found["a -> b reachable"] == (False, ["the lab is not up"])
    assert found["b -> a rate >= 1kbit using tcp"] == (False, ["the lab is not up"])


EXPECTING = """
host a b x
router c d
link {a,b} -- {c,d} rate 5mbit
link x -- c
mptcp a -- b
expect a -> b reachable
expect d -> x unreachable
expect {a,b} -> {a,b} rtt 0ms..2s
expect a -> b rate >= 6mbit using mptcp
expect a -> b rate >= 3mbit using udp
"""


def test_expectations() -> None:
    """True ones pass, others report the actual value; no process remains."""
    with live.running(live.lab_of("expecting", EXPECTING)) as lab:
        found = points(check(compiled("expecting", EXPECTING)))
        assert [what for what, (holds, _) in found.items() if not holds] == []
        assert re.fullmatch(r"10\..*: \d+\.\d{3} ms at the fastest", found["b -> a rtt 0us..2s"][1][0])
        assert re.fullmatch(
            r"\d\.\d\d Mbit/s at the best of [123]", found["a -> b rate >= 3mbit using udp"][1][0]
        )
        assert not kernel.lines("ip", "netns", "pids", lab.ns("b"))


# The compiler rejects what it can refute, so the expectations in a script are edited.
OTHERWISE = {
    "a -> b reachable": (" reachable 0 0 ", " unreachable 0 0 ", r"10\..* answers"),
    "d -> x unreachable": (" unreachable 0 0 ", " reachable 0 0 ", r"10\..* does not answer"),
    "a -> b rtt 0us..2s": (
        " rtt 0 2000000 ",
        " rtt 1500000 2000000 ",
        r"10\..*: \d+\.\d{3} ms at the fastest",
    ),
    "a -> b rate >= 3mbit using udp": (" 3000000 ", " 6000000 ", r"[0-4]\.\d\d Mbit/s at the best of 3"),
}


def test_what_does_not_hold_is_told() -> None:
    script = script_of(compiled("expecting", EXPECTING)).splitlines()
    for what, (old, new, _) in OTHERWISE.items():
        (place,) = (place for place, line in enumerate(script) if f"'{what}'" in line)
        assert old in script[place]
        script[place] = script[place].replace(old, new)
    kept = [line for line in script if not line.startswith("throughput ") or "udp" in line]
    with live.running(live.lab_of("expecting", EXPECTING)):
        result = live.run(
            "bash", "-s", stdin="\n".join(kept).replace("begin 12", "begin 11") + "\n", seconds=60
        )
    found = points(result)
    assert {what for what, (holds, _) in found.items() if not holds} == set(OTHERWISE)
    for what, (_, _, said) in OTHERWISE.items():
        assert re.fullmatch(said, found[what][1][0])


def test_a_check_ends_with_all_that_it_started() -> None:
    text = EXPECTING.replace("rate >= 6mbit", "rate >= 1kbit")
    with live.running(live.lab_of("expecting", text)) as lab:
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with subprocess.Popen(
                ["bash", "-s"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
                text=True,
            ) as process:
                assert process.stdin
                process.stdin.write(compiled("expecting", text).script("check"))
                process.stdin.close()
                live.wait_until(lambda: bool(kernel.lines("ip", "netns", "pids", lab.ns("b"))), seconds=30)
                process.send_signal(sign)
                assert process.wait(timeout=20) == 128 + sign
            assert not kernel.lines("ip", "netns", "pids", lab.ns("a"))
            assert not kernel.lines("ip", "netns", "pids", lab.ns("b"))


SHAPED = (live.GOLDEN / "shaped.topo").read_text()


@pytest.mark.every_kernel("netem")
def test_delay_lines_are_as_planned() -> None:
    """Whatever this kernel and tc(8) print of the numbers of netem and tbf."""
    compilation = Compilation("shaped.topo", SHAPED)
    name = compilation.lab.name
    with live.running(live.lab_of(name, live.GOLDEN / "shaped.topo")):
        found = points(check(compilation))
        assert all(holds for holds, _ in found.values()), found
        end = next(end for link in compilation.lab.links for end in link.ends if end.shaping.alone)
        node, place = end.node, "parent 1:1 handle 10: netem delay 77ms".split()
        live.succeed("tc", "-n", f"{name}-{node}", "qdisc", "change", "dev", end.name, *place)
        _, said = points(check(compilation))[f"the namespace {name}-{node} is as planned"]
        assert any("delay 77ms" in line and line.startswith("unexpected: qdisc netem") for line in said)


@pytest.mark.every_kernel
def test_a_lab_is_as_planned_on_every_kernel() -> None:
    text = LAB.replace("masquerade c out b\n", "")
    with live.running(live.lab_of("checked2", text)):
        found = points(check(compiled("checked2", text)))
        assert all(holds for holds, _ in found.values()), found


WORDS = """
pool 10.0.0.0/8
pool fd00::/48
host a b
router table nexthop via peer proto weight metric signal backup port root
link a -- {table,nexthop,signal,backup} -- b
link a -- {peer,proto,weight,metric} -- b
router z
link z -- {port,root,via,table,proto}
mptcp a -> b endpoints a:signal subflow, a:backup subflow, b:table signal subflows 2
at 1s down a -- nexthop
at 2s down a -- table
at 3s up a -- table
"""


def test_nodes_that_are_called_like_words_of_ip() -> None:
    """Their interfaces are distinguished from keywords, both in plans and in output of ip(8)."""
    compilation = compiled("words", WORDS)
    with live.running(live.lab_of("words", WORDS)):
        found = points(check(compilation))
        assert len(found) == 15
        assert all(holds for holds, _ in found.values()), found
    events = compilation.script("play").partition("\nevents() {\n")[2].splitlines()
    routes = [line for line in events if line.startswith("route replace ")]
    assert any(" dev table nexthop via " in line and " dev signal" in line for line in routes)
    assert not any(" dev nexthop" in line for line in routes)


def test_a_kernel_that_lacks_what_the_lab_needs_says_so(tmp_path: Path) -> None:
    (tmp_path / "unshare").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "unshare").chmod(0o755)
    result = live.run(
        "env", f"PATH={tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin", "bash", "-s", stdin=COMPILED.script("check")
    )
    assert result.returncode == 2
    assert result.stdout.splitlines()[-1].startswith("Bail out! ")


def test_a_lab_of_another_plan() -> None:
    """The lab is up as it was before an edit: missing, different and additional facts are reported."""
    old = "host a b gone\nlink a -- b\nlink gone -- b"
    with live.running(live.lab_of("edited", old)):
        found = points(check(compiled("edited", "host a b new\nlink a -- b rate 5mbit\nlink new -- b")))
    assert found["the lab edited is up"] == (False, ["unexpected: the namespace edited-gone"])
    assert found["the namespace edited-new is as planned"] == (False, ["missing: the namespace edited-new"])
    said = found["the namespace edited-a is as planned"].said
    assert any(line.startswith("missing: qdisc tbf 1: dev b root rate 5Mbit") for line in said)
    assert any(line.startswith("unexpected: in /etc/netns/edited-a/hosts: ") for line in said)


def test_a_lab_that_is_half_up() -> None:
    """A claim that is incomplete, and a name of a namespace that does not exist."""
    Path("/run/mpc-half").touch()
    Path("/run/netns").mkdir(exist_ok=True)
    Path("/run/netns/half-a").touch()
    try:
        found = points(check(compiled("half", "host a b\nlink a -- b")))
    finally:
        Path("/run/mpc-half").unlink()
        Path("/run/netns/half-a").unlink()
    assert found["the lab half is up"] == (False, ["an up of the lab is at work, or was cut short"])
    only = ["missing: the namespace half-a, of which only the name is left"]
    assert found["the namespace half-a is as planned"] == (False, only)


def test_processes_that_have_ended() -> None:
    """An exit status other than 0 is reported; a process that ended with 0 is no drift."""
    text = 'host a\nrun a "true"\nrun a "sleep 86401"\nrun a "exit 3"\nrun a "sleep 86402"'
    with live.running(live.lab_of("ended", text)):
        live.succeed("bash", "-c", "kill $(cat /run/mpc-ended.d/a.2.pid)")
        live.wait_until(Path("/run/mpc-ended.d/a.2.end").exists)
        found = points(check(compiled("ended", text)))
    assert found["the namespace ended-a is as planned"] == (
        False,
        [
            "missing: the process a.2, which has ended with 143 (SIGTERM); see /run/mpc-ended.d/a.2.log",
            "missing: the process a.3, which has ended with 3; see /run/mpc-ended.d/a.3.log",
            "a has ended with 0",
        ],
    )


@pytest.mark.usefixtures("lab")
def test_nobody_reads_what_it_tells() -> None:
    """It ends silently, with the status of a program killed by SIGPIPE."""
    ends = 'bash -c "$0" | head -n 1; echo "${PIPESTATUS[0]}"'
    script = script_of(COMPILED).replace("compare_each\n", "compare_each; sleep 1\n")
    result = live.run("bash", "-c", ends, script, seconds=30)
    assert (result.stdout, result.stderr) == ("TAP version 14\n141\n", "")
    full = live.run("bash", "-c", 'bash -c "$0" >/dev/full', script, seconds=30)
    assert (full.returncode, full.stderr) == (
        141,
        "checked: error: what there is to tell cannot be written\n",
    )


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("kind", ["check", "bench", "play"])
def test_an_old_bash_is_told(kind: str) -> None:
    """A bash before 4.4 is simulated by its version number."""
    script = compiled("checked", LAB + "bench a -> b using tcp\nat 1s down a -- c").script(kind)
    old = script.replace("BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1]", "403")
    assert old != script
    result = live.run("bash", "-s", stdin=old)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("checked: error: this needs bash 4.4 or later")


def test_bridges_have_the_mtu_of_their_ports_and_ports_are_settled() -> None:
    """Right after up, with one MTU and with several; a switch without links too."""
    text = """
    host a b c
    switch small large mixed lonely
    switch t1 t2 t3 stp on
    link {a,b} -- small mtu 1400
    link {a,b} -- large mtu 9000
    link a -- mixed mtu 1280
    link b -- mixed mtu 9000
    link t1 -- t2 -- t3 -- t1
    link {a,b,c} -- {t1,t2}
    """
    with live.running(live.lab_of("mtus", text)):
        assert all(point.holds for point in points(check(compiled("mtus", text))).values())
