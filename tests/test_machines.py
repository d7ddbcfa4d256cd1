"""Labs over several machines: what each machine's scripts have, and what one edit changes of them."""

import difflib
import re
from collections import Counter
from itertools import cycle
from pathlib import Path

import pytest
from click.testing import CliRunner
from labs import GOLDEN, compiled, lab_of
from shapes import strange_lines

from compiler.cli import main
from compiler.driver import Compilation, Options, TopologyError
from compiler.model.vrfs import whole
from compiler.plan import served
from compiler.plan.facts import BridgePort, Fact, Veth, Vxlan
from compiler.scripts.bash import Style

DIAMOND = """\
lab    diamond
host   a b
router c d
link   {a,b} -- {c,d} rate 5mbit
mptcp  a -- b
expect a -> b reachable
at 1s  down a -- d
at 2s  shape b -> c rate 2mbit
run    b "sleep 9"
"""
TWO = """\
machine m1 ssh "root@192.0.2.1"
machine m2 ssh "root@192.0.2.2"
place {a,c} on m1
place {b,d} on m2
"""
SIX = TWO.replace("192.0.2.1", "[2001:db8::1]").replace("192.0.2.2", "[2001:db8::2]")
LARGE = '\nmachine m{0} ssh "host{0}" address 192.0.2.{0} mtu 9000'
KINDS = ("up", "down", "check", "play")


def scripts(text: str) -> dict[str, str]:
    lab = compiled(text, "diamond.topo")
    return {
        f"{machine}.{kind}": "".join(lab.pieces(kind, machine=machine))
        for machine in lab.machines
        for kind in lab.kinds
    }


def facts(text: str, machine: str) -> list[Fact]:
    return list(compiled(text).plans[machine].facts)


def vxlans(text: str, machine: str) -> list[Vxlan]:
    return [fact for fact in facts(text, machine) if isinstance(fact, Vxlan)]


# --- the plan of each machine -----------------------------------------------------------------------


def test_the_ends_of_a_link_agree() -> None:
    ends = [vxlans(DIAMOND + TWO, machine) for machine in ("m1", "m2")]
    assert [sorted((end.namespace, end.name) for end in own) for own in ends] == [
        [("diamond-a", "d"), ("diamond-c", "b")],
        [("diamond-b", "c"), ("diamond-d", "a")],
    ]
    told = [{(end.number, end.local, end.remote, end.mtu) for end in own} for own in ends]
    assert told[0] == {(number, remote, local, mtu) for number, local, remote, mtu in told[1]}
    assert {end.mtu for own in ends for end in own} == {1450}


def spread(text: str, count: int) -> str | None:
    """A lab on some machines whose network takes as large packets as its own, its nodes in turn.

    None if it has what cannot go over several.
    """
    lab = compiled(text).lab
    names = cycle(f"m{number}" for number in range(1, count + 1))
    places = "".join(f"\nplace {{{node.name}}} on {next(names)}" for node in whole(lab).nodes)
    machines = "".join(LARGE.format(number) for number in range(1, count + 1))
    over = f"{text}{machines}{places}\n"
    compilation = compiled(over)
    try:
        _ = compilation.lab
    except TopologyError:
        assert {one.code for one in compilation.diagnostics if one.severity == "error"} <= {
            "MPC529",
            "MPC550",
            "MPC312",
        }
        return None
    return over


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_machines_have_together_what_one_has(path: Path, count: int) -> None:
    """Each fact is on one machine, but for veth pairs in whose place is a VXLAN on each of two machines."""
    text = f"lab x\n{re.sub(r'^lab .*', '', path.read_text(), flags=re.MULTILINE)}"
    over = spread(text, count)
    if over is None:
        pytest.skip("this lab has what cannot go over several machines")
    one, plans = compiled(text).plan, compiled(over).plans
    assert sorted(name for plan in plans.values() for name in plan.namespaces) == sorted(one.namespaces)
    assert {plan.hosts for plan in plans.values()} == {one.hosts}
    whole = Counter(map(_alike, one.facts))
    parts = Counter(_alike(fact) for plan in plans.values() for fact in plan.facts)
    gone, new = whole - parts, parts - whole
    assert all(fact.startswith("Veth") for fact in gone)
    assert all(fact.startswith("Vxlan") for fact in new)
    assert new.total() == 2 * gone.total()
    for name, plan in plans.items():
        for fact in plan.facts:
            assert not isinstance(fact, Veth) or {end.namespace for end in fact.ends} <= set(plan.namespaces)
        assert plan.machine is not None
        assert name == plan.machine.name


def _alike(fact: Fact) -> str:
    """A fact, without the size of packets of a veth pair that stays as it is, and the cost of a port."""
    if isinstance(fact, BridgePort):
        return repr(fact._replace(cost=None))
    return repr(fact._replace(mtu=None)) if isinstance(fact, Veth) and fact.mtu == 1500 else repr(fact)


def test_a_broadcast_domain_has_one_mtu() -> None:
    text = f"host a b c\nswitch s t\nlink {{a,b}} -- s -- t -- c\n{TWO}".replace("{a,c}", "{a,s}")
    text = text.replace("{b,d}", "{b,t,c}")
    assert {link.mtu for link in lab_of(text).links} == {1450}
    assert [one.code for one in compiled(text).diagnostics] == []


def test_ipv6_between_machines_takes_more() -> None:
    assert {end.mtu for end in vxlans(DIAMOND + SIX, "m1")} == {1430}


def test_a_vni_can_be_pinned() -> None:
    text = f"host a b\nlink a -- b vni 77\nlink a -- b\n{TWO}".replace("{a,c}", "a").replace("{b,d}", "b")
    assert vxlans(text, "m1")[0].number == 77
    assert vxlans(text, "m2")[0].number == 77


# --- scripts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("machines", [TWO, SIX], ids=["ipv4", "ipv6"])
def test_all_lines_are_known(machines: str) -> None:
    lab = compiled(DIAMOND + machines)
    for machine in lab.machines:
        for style in Style:
            assert strange_lines("".join(lab.pieces("up", style, machine))) == []
        for kind in ("down", "check", "play"):
            assert strange_lines("".join(lab.pieces(kind, machine=machine))) == []


def changed(old: str, new: str) -> dict[str, list[str]]:
    """The lines that differ, by script; without those of the source's hash."""
    before, after = scripts(old), scripts(new)
    found = {}
    for name in before.keys() | after.keys():
        lines = difflib.ndiff(before.get(name, "").splitlines(), after.get(name, "").splitlines())
        own = [line[2:] for line in lines if line[0] in "+-" and not line[2:].startswith("plan ")]
        if own:
            found[name] = own
    return found


def test_an_edit_of_a_link_is_in_scripts_of_its_machines() -> None:
    base = "lab x\nhost a b c d\nlink a -- b rate 5mbit\nlink b -- c rate 5mbit\nlink c -- d rate 5mbit\n"
    base += "routing none\n" + TWO.replace("{a,c}", "{a,b}").replace("{b,d}", "c") + "place d on m3\n"
    base += 'machine m3 ssh "192.0.2.3"\n'
    found = changed(base, base.replace("link b -- c rate 5mbit", "link b -- c rate 6mbit"))
    assert {name.partition(".")[0] for name in found} == {"m1", "m2"}
    for lines in found.values():
        assert all(re.search(r"rate [56]mbit|qdisc [a-z] \d|^(?:refer|qdisc) ", line) for line in lines), (
            lines
        )
    found = changed(base, base.replace("link a -- b rate 5mbit", "link a -- b rate 6mbit"))
    assert {name.partition(".")[0] for name in found} == {"m1"}


def test_here_is_as_if_no_machine_was_written() -> None:
    alone = Compilation("lab.topo", DIAMOND)
    here = Compilation("lab.topo", DIAMOND + TWO, options=Options(here=True))
    assert alone.kinds == here.kinds
    assert [alone.script(kind) for kind in KINDS] == [here.script(kind) for kind in KINDS]


def test_processes_and_expectations_are_where_they_begin() -> None:
    found = scripts(DIAMOND + TWO)
    assert "a -> b reachable" in found["m1.check"]
    assert "a -> b reachable" not in found["m2.check"]
    assert "sleep 9" in found["m2.up"]
    assert "sleep 9" not in found["m1.up"]
    assert "the link a:d -- d:a on m2 carries packets" in found["m1.check"]
    assert "the link b:c -- c:b on m1 carries packets" in found["m2.check"]


def test_a_used_file_places_nothing(tmp_path: Path) -> None:
    (tmp_path / "rack.topo").write_text(
        f"host a b\nlink a -- b\n{TWO}".replace("{a,c}", "a").replace("{b,d}", "b")
    )
    lab = tmp_path / "lab.topo"
    lab.write_text('use "rack.topo" as r\n')
    assert Compilation(str(lab), lab.read_text()).lab.machines == ()


# --- the command ------------------------------------------------------------------------------------


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    path = tmp_path / "diamond.topo"
    path.write_text(DIAMOND + TWO)
    return path


def mpc(*words: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, [*map(str, words)])
    return result.exit_code, result.stdout, result.stderr


def test_one_script_is_printed_or_all_are_written(lab: Path, tmp_path: Path) -> None:
    status, _, said = mpc("compile", lab)
    assert status == 2
    assert all(option in said for option in ("-o DIR", "--on MACHINE", "--here"))
    status, told, _ = mpc("compile", "--on", "m2", "--check", lab)
    assert (status, told) == (0, scripts(lab.read_text())["m2.check"])
    out = tmp_path / "out"
    assert mpc("compile", "--here", "-o", out, lab)[0] == 0
    (out / "diamond.m1.bench.sh").write_text("mine")
    status, _, said = mpc("compile", "-o", out, lab)
    assert status == 0
    assert "left alone what mpc did not write" in said
    names = {f"diamond.{machine}.{kind}.sh" for machine in ("m1", "m2") for kind in KINDS}
    names |= {f"diamond.{kind}.yml" for kind in (*KINDS, "inventory")}
    assert {path.name for path in out.iterdir()} == {*names, "diamond.m1.bench.sh"}
    assert mpc("compile", "--here", "-o", out, lab)[0] == 0
    left = {f"diamond.{kind}.sh" for kind in KINDS}
    assert {path.name for path in out.iterdir()} == {*left, "diamond.m1.bench.sh"}


@pytest.mark.parametrize(
    "words",
    [("compile", "--on", "m3"), ("compile", "--on", "m1", "-o", "out"), ("up",), ("down",), ("exec",)],
    ids=" ".join,
)
def test_what_is_about_one_machine_is_refused(lab: Path, words: tuple[str, ...]) -> None:
    status, told, _ = mpc(*words, lab, *(["a"] if words == ("exec",) else []))
    assert (status, told) == (2, "")


def test_a_lab_without_machines_has_none_by_name(tmp_path: Path) -> None:
    path = tmp_path / "lab.topo"
    path.write_text(DIAMOND)
    assert mpc("compile", "--on", "m1", path)[0] == 2


def test_one_machine_measures_each_transfer_and_the_other_serves_it() -> None:
    """A node has one server for all that other machines open, by MPTCP if any of it is."""
    text = """
        machine m1 ssh "192.0.2.1"
        machine m2 ssh "192.0.2.2"
        host a b c
        place {a,b} on m1
        place c on m2
        link a -- c
        link a -- c
        link a -- b
        link b -- c
        mptcp a -> c
        run c "sleep 1"
        bench c -> a using tcp, mptcp
        bench a -> b using tcp
        expect a -> c rate >= 1kbit using tcp
        expect b -> c rate >= 1kbit using udp
    """
    made = compiled(text)
    logs = {name: [(one.name, one.command) for one in plan.processes] for name, plan in made.plans.items()}
    address = {node.name: str(node.addresses[0].address.ip) for node in made.lab.nodes}
    serve = f"iperf3 -s -B {{}} -p {served.PORT} -f k -i 0.1"
    assert logs == {
        "m1": [("a", f"exec {serve.format(address['a'])}")],
        "m2": [("c", "sleep 1"), ("c.2", f"exec mptcpize run {serve.format(address['c'])}")],
    }
    rows = {
        name: re.findall(r"^row (.*)", "".join(made.pieces("bench", machine=name)), re.MULTILINE)
        for name in logs
    }
    lines = {name: [line.split()[:2] + line.split()[4:6] for line in found] for name, found in rows.items()}
    assert lines == {
        "m1": [["c", "a", "lab-a", "-"], ["a", "b", "lab-a", "lab-b"]],
        "m2": [["c", "a", "lab-c", "-"]],
    }
    assert f"\nSERVED={served.PORT}\n" in "".join(made.pieces("check", machine="m1"))
    assert set(served.programs([True])) <= set(made.plans["m2"].tools)
