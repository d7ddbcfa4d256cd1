"""The plan: the order that the kernel requires, and steps that cover the whole lab."""

from pathlib import Path

import pytest
from labs import GOLDEN, compiled

from compiler.plan.commands import MAKE, RAISE, TAKE, Command
from compiler.plan.facts import Attached, Container, Tunnel
from compiler.plan.plan import UPLINKS, Plan

TITLES = [
    "namespaces",
    "attached",
    "links",
    "vlans",
    "tunnels",
    "bonds",
    "teqls",
    "settings",
    "interfaces",
    "routes",
    UPLINKS,
    "devices",
    "addresses",
    "containers",
]
ENTER = {"flock", "nsenter", "unshare"}
"""Tools that only run other commands, in a namespace or under a lock."""
BASE = {"bash", "test"}
"""Tools of the base system."""


def plan_of(path: Path) -> Plan:
    return compiled(path.read_text(), path.name).plan


def commands(plan: Plan) -> list[Command]:
    return [command for section in plan.sections for command in section.commands]


@pytest.fixture(params=GOLDEN, ids=lambda path: path.stem)
def plan(request: pytest.FixtureRequest) -> Plan:
    return plan_of(request.param)


def test_sections_come_in_order(plan: Plan) -> None:
    titles = [section.title for section in plan.sections]
    assert titles == [title for title in TITLES if title in titles]
    assert all(section.commands for section in plan.sections)


def test_what_is_outside_of_namespaces_has_an_undo(plan: Plan) -> None:
    """All else is deleted with its namespace: a veth pair is made inside of two, a dummy inside of one."""
    for command in commands(plan):
        if command.tool in (("podman",), ("docker",)):
            name = command.arguments[command.arguments.index("--name") + 1]
            assert command.undo == (*command.tool, "rm", "--force", name)
        elif command.tool[0] in (TAKE, MAKE, RAISE):  # the claim says what, and down gives it back
            assert command.namespace is None
        elif command.namespace is None and command.arguments[0] != "link":
            assert command.undo == ("ip", "netns", "del", command.arguments[2])
        if command.arguments[0] == "link" and command.namespace is None:
            assert command.arguments.count("netns") == command.arguments.count("name")


def test_namespaces_are_used_after_they_are_made(plan: Plan) -> None:
    made = [command.arguments[2] for command in commands(plan) if command.arguments[0] == "netns"]
    assert sorted(made) == sorted(plan.namespaces)
    assert len(set(made)) == len(made)
    assert {command.namespace for command in commands(plan)} - {None} <= set(made)


def test_devices_are_named_after_a_keyword(plan: Plan) -> None:
    """ip(8) accepts prefixes of keywords, so the name `d` could be one."""
    devices = {words[words.index("name") + 1] for c in commands(plan) if "name" in (words := c.arguments)}
    for command in commands(plan):
        words = command.arguments
        if command.tool[0] in ("nft", TAKE, MAKE) or "netns" in words[:1]:
            continue
        for place, word in enumerate(words):
            if word in devices and (word, words[0]) != ("up", "link"):
                before = ("dev", "link", "name", "iif", "master", "primary")
                assert command.tool in ((TAKE,), (RAISE,)) or words[place - 1] in before, words


def test_both_ends_are_up_before_the_first_route(plan: Plan) -> None:
    order = [command.arguments[:2] for section in plan.network for command in section.commands]
    ups = [place for place, words in enumerate(order) if words == ("link", "set")]
    routes = [place for place, words in enumerate(order) if words == ("route", "add")]
    assert not routes or max(ups) < min(routes)


def test_tools_are_those_that_are_called(plan: Plan) -> None:
    called = {command.tool[0] for command in commands(plan)} - {TAKE, MAKE, RAISE} | {
        need.command[0] for need in plan.needs
    }
    ready: list[object] = [fact.started.ready for fact in plan.facts if isinstance(fact, Container)]
    ready += [process.ready for process in plan.processes]
    called |= {fact.engine for fact in plan.facts if isinstance(fact, Attached)}
    called |= {"mptcpize"} if plan.mptcpized else set()
    called |= {"ss" if isinstance(one, int) else "timeout" for one in ready if one is not None}
    called |= {"setsid", *["tcpdump"] * bool(plan.captures)} if plan.processes or plan.captures else set()
    assert set(plan.tools) == called - BASE | ENTER


def test_no_command_twice(plan: Plan) -> None:
    found = [command for command in commands(plan) if "@away" not in command.arguments]
    assert len(set(found)) == len(found)  # but where the next of several next hops is taken, and again


def test_hosts_have_every_address_once(plan: Plan) -> None:
    names = [line.split()[1] for line in plan.hosts]
    adding = (c for c in commands(plan) if c.arguments[:2] == ("address", "add"))
    places = {(c.namespace, c.arguments[2].split("/")[0]) for c in adding}
    given = [address for _, address in places]
    outer = {str(fact.local) for fact in plan.facts if isinstance(fact, Tunnel)}
    lines = [line.split() for line in plan.hosts if line.split()[1] != "localhost"]
    of_links = {address for address, name in lines if "." in name}
    told = ((address, name) for address, name in lines if "." in name or address not in of_links)
    listed = [address for address, _ in {(address, name.rpartition(".")[2]) for address, name in told}]
    assert len({tuple(line) for line in lines}) == len(lines)
    shared = {address for address in given if given.count(address) > 1} - of_links  # which no name means
    assert sorted(listed) == sorted(address for address in given if address not in outer | shared)
    assert "localhost" in names


def test_a_node_may_be_called_localhost() -> None:
    plan = compiled("host localhost b\nlink localhost -- b").plan
    assert [line.split()[1] for line in plan.hosts].count("localhost") == 1


def test_forwarding_comes_before_rp_filter() -> None:
    """Writing ip_forward resets net.ipv4.conf."""
    plan = compiled("router a b\nlink a -- b").plan
    keys = [c.arguments[0].partition("=")[0] for c in commands(plan) if c.tool == ("sysctl",)]
    assert keys[0] == "net.ipv4.ip_forward"


def test_settings_come_between_the_making_of_interfaces_and_their_coming_up() -> None:
    plan = compiled("host a b\nlink a -- b\nsysctl a net.ipv4.conf.b.rp_filter=1").plan
    order = [command.arguments for command in commands(plan)]
    made = next(place for place, words in enumerate(order) if words[:2] == ("link", "add"))
    up = next(place for place, words in enumerate(order) if words[:2] == ("link", "set"))
    assert made < order.index(("net.ipv4.conf.b.rp_filter=1",)) < up


def test_what_is_set_for_new_interfaces_is_set_for_those_of_the_lab() -> None:
    """The later of two settings applies: of all interfaces, of new ones, or of one."""
    settings = "net.ipv4.conf.default.rp_filter=2 net.ipv4.conf.b.rp_filter=1"
    plan = compiled(f"host a b\nlink a -- b\nlink a -- b\nlink a:x.y -- b\nsysctl a {settings}").plan
    said = [c.arguments[0] for c in commands(plan) if c.tool == ("sysctl",) and c.namespace == "lab-a"]
    assert [line for line in said if "rp_filter" in line] == [
        "net.ipv4.conf.*.rp_filter=0",
        "net.ipv4.conf.default.rp_filter=2",
        "net.ipv4.conf.b.rp_filter=1",
        "net.ipv4.conf.b/2.rp_filter=2",
        "net.ipv4.conf.x/y.rp_filter=2",
    ]


def test_an_interface_is_shaped_before_it_is_up(plan: Plan) -> None:
    for number, command in enumerate(commands(plan)):
        if command.tool == ("tc",):
            start = ("link", "set", "dev", command.arguments[3])
            later = [c.arguments for c in commands(plan)[number:] if c.namespace == command.namespace]
            assert any(said[:4] == start and {"up", "master"} & set(said[4:]) for said in later)


def test_a_user_setting_stands_over_an_inferred_one() -> None:
    plan = compiled("router a b\nlink a -- b\nsysctl a net.ipv4.ip_forward=0").plan
    own = [c.arguments[0] for c in commands(plan) if c.tool == ("sysctl",) and c.namespace == "lab-a"]
    assert own.count("net.ipv4.ip_forward=0") == 1
    assert "net.ipv4.ip_forward=1" not in own
