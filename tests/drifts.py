"""Changes of one fact of a running lab: each command of its plan undone or altered, and additions."""

from collections.abc import Iterator
from ipaddress import ip_interface
from typing import NamedTuple

from compiler.plan.commands import Command
from compiler.plan.plan import Plan


class Drift(NamedTuple):
    """A change, as a command of sh(1) in a namespace, and the prefix of the check's line that reports it."""

    namespace: str
    change: str
    named: str
    back: str = ""
    """A command that reverts a change which would keep down from removing the lab."""


def drifts(plan: Plan) -> Iterator[Drift]:
    """All changes of a plan, each in one namespace."""
    for section in plan.sections:
        for command in section.commands:
            for call in command.calls:
                yield from _altered(command, call)
                yield from _vlan(command.namespace or "", (*command.tool, *call))
                yield from _vrf(command.namespace or "", (*command.tool, *call))
    for device in plan.devices:
        for change in (f"ip link del dev {device.name}", f"ip link set dev {device.name} down"):
            yield Drift(device.namespace, change, f"missing: interface {device.name} up")
    for process in plan.processes:
        if process.command != "true":
            kill = f"kill -9 $(cat /run/mpc-{plan.lab}.d/{process.name}.pid); sleep 0.2"
            named = f"missing: the process {process.name}, which has ended with 137 (SIGKILL)"
            yield Drift(process.namespace, kill, named)
    for capture in plan.captures:
        kill = f"kill -9 $(cat /run/mpc-{plan.lab}.d/{capture.name}.pid); sleep 0.2"
        named = f"missing: the capture of {capture.name}, which has ended with 137 (SIGKILL)"
        yield Drift(capture.namespace, kill, named)
    made = {device.namespace for device in plan.devices}
    for namespace in plan.namespaces:
        foreign = (Drift(namespace, *foreign) for foreign in FOREIGN)
        yield from (one for one in foreign if namespace not in made or not one.named.startswith(OF_COMMANDS))
        yield from _names(namespace)


def _altered(command: Command, call: tuple[str, ...]) -> Iterator[Drift]:
    here = command.namespace or ""
    match command.tool[0], *call:
        case "ip", "link", "add", "name", device, "mtu", mtu, "type", kind, *_ if here:
            yield from _tunnel(here, device, int(mtu), kind)
        case "ip", "link", "add", "name", device, *rest:
            yield from _links(device, rest)
        case "ip", "link", "set", "dev", device, *rest:
            yield from _set(here, device, rest)
        case "ip", "mptcp", *rest:
            yield from _mptcp(here, rest)
        case "ip", "address" | "route" | "rule", *_ if call[-1] != "local":
            yield from _gone(here, command.tool, call)
        case "tc", "qdisc", "add", "dev", device, *rest:
            yield from _queue(here, device, rest)
        case "take_slot", there, device, *legs:
            yield from _teql(there, device, legs)
        case "sysctl", setting:
            yield from _sysctls(here, *setting.split("=", 1))
        case "nft", "add", kind, family, table, name, *rest:
            yield from _nft(here, kind, f"{family} {table} {name}", rest)


def _vlan(here: str, words: tuple[str, ...]) -> Iterator[Drift]:
    """A VLAN device, or the VLAN of a port, that is gone; a port with one more."""
    match words:
        case "ip", "link", "add", "link", parent, "name", device, *_:
            yield Drift(here, f"ip link del dev {device}", f"missing: tag {device} of {parent} ")
        case "bridge", "vlan", "add", "dev", device, "vid", number, *_:
            change = f"bridge vlan del dev {device} vid {number}"
            yield Drift(here, change, f"missing: vlan {device} {number}")
            yield Drift(here, f"bridge vlan add dev {device} vid 4094", f"unexpected: vlan {device} 4094")


def _vrf(here: str, words: tuple[str, ...]) -> Iterator[Drift]:
    """A VRF that is gone, and the rule for own addresses in its old place."""
    match words:
        case "ip", "link", "add", "name", device, "netns", there, "type", "vrf", *_:
            yield Drift(there, f"ip link del dev {device}", f"missing: vrf {device} table ")
        case "ip", *family, "rule", "add", "pref", priority, "lookup", "local":
            told = " ".join([*family, "rule"])
            change = f"ip {told} add pref 0 lookup local && ip {told} del pref {priority}"
            yield Drift(here, change, f"missing: {' '.join(['rule', *family])} pref {priority} ")


def _nft(here: str, kind: str, name: str, rest: list[str]) -> Iterator[Drift]:
    """A rule or a set, gone with others of its chain or table, and a chain with another policy."""
    family, table, own = name.split()
    flushed = f"nft flush table {family} {table}"
    if kind == "set":
        yield Drift(here, f"{flushed}; nft delete set {name}", f"missing: nft set {name}")
    elif kind == "rule":
        told = f"missing: nft in {name}: {rest[0]}"
        yield Drift(here, f"nft flush chain {name}", told)
        yield Drift(here, f"nft delete table {family} {table}", told)
        if own in ("in", "out", "sent", "passed"):
            yield Drift(here, f"nft 'chain {name} {{ policy drop; }}'", f"missing: nft in {name}: type ")


def _set(here: str, device: str, words: list[str]) -> Iterator[Drift]:
    if "gso_max_segs" in words:
        change = f"ip link set dev {device} gso_max_segs 2"
        yield Drift(here, change, f"missing: device {device} gso_max_segs 1")
        return
    if words[0] == "address":
        change = f"ip link set dev {device} address 02:00:00:00:ff:ff"
        yield Drift(here, change, f"missing: mac {device} {words[1]}")
        return
    yield Drift(here, f"ip link set dev {device} down", f"missing: link {device} mtu ")
    if "alias" in words:
        mark = f"ip link set dev {device} alias {words[-1]}"
        yield Drift(here, f"ip link set dev {device} alias mpc:other", "missing: mark ", mark)
    if "master" in words:
        yield Drift(here, f"ip link set dev {device} nomaster", f"missing: link {device} mtu ")
        if "up" not in words:  # a leg of a bond, or an interface in a VRF
            return
        for flag in ("isolated on", "learning off", "flood off", "hairpin on"):
            change = f"bridge link set dev {device} {flag}"
            yield Drift(here, change, f"missing: port {device} {flag.split()[0]}")


def _mptcp(here: str, words: list[str]) -> Iterator[Drift]:
    match words:
        case "limits", *_:
            yield Drift(here, "ip mptcp limits set subflows 0 add_addr_accepted 8", "missing: limits ")
        case "endpoint", "add", address, *_:
            yield Drift(here, "ip mptcp endpoint flush", f"missing: endpoint {address} ")


def _gone(here: str, tool: tuple[str, ...], call: tuple[str, ...]) -> Iterator[Drift]:
    """Deletions of what a command adds."""
    kind, _, first, *rest = call
    if kind != "rule":
        tool = ("ip", "-6" if ":" in " ".join(call[2:4]) else "-4")
    told = ("rule", *tool[1:], first) if kind == "rule" else (kind, first)
    yield Drift(here, " ".join((*tool, kind, "del", first, *rest)), f"missing: {' '.join(told)} ")
    if kind == "address" and rest[1] != "lo" and ip_interface(first).network.num_addresses > 1:
        network = ip_interface(first).network
        change = f"ip route del {network} dev {rest[1]}"
        yield Drift(here, change, f"missing: connected {network} dev {rest[1]}")


def _links(device: str, words: list[str]) -> Iterator[Drift]:
    """Deletion of a veth pair at both ends, or of a bridge or a dummy."""
    for end in " ".join(["name", device, *words]).split(" peer "):
        options = dict(zip(end.split()[::2], end.split()[1::2], strict=True))
        here, name, mtu = options["netns"], options["name"], int(options.get("mtu", "1500"))
        yield Drift(here, f"ip link set dev {name} mtu {mtu - 1}", f"missing: link {name} mtu ")
        yield Drift(here, f"ip link set dev {name} promisc on", f"missing: link {name} mtu ")
        for option, value in BRIDGE.items() if options.get("type") == "bridge" else ():
            if options.get(option) != value:
                change = f"ip link set dev {name} type bridge {option} {value}"
                yield Drift(here, change, f"missing: bridge {name} {option} ")


def _tunnel(here: str, device: str, mtu: int, kind: str) -> Iterator[Drift]:
    """Changes of the end of a tunnel or of a bond."""
    yield Drift(here, f"ip link set dev {device} mtu {mtu - 1}", f"missing: link {device} mtu ")
    if kind == "bond":
        change = f"ip link set dev {device} type bond xmit_hash_policy layer2+3"
        yield Drift(here, change, f"missing: bond {device} mode ")
        yield Drift(here, f"ip link del dev {device}", f"missing: bond {device} mode ")
        return
    other = "2001:db8::1" if kind.startswith("ip6") else "192.0.2.1"
    if kind != "vxlan":  # to which ip-link(8) wants its `id` said again
        yield Drift(
            here, f"ip link set dev {device} type {kind} remote {other}", f"missing: tunnel {device} "
        )
    yield Drift(here, f"ip link del dev {device}", f"missing: tunnel {device} ")


def _queue(here: str, device: str, rest: list[str]) -> Iterator[Drift]:
    """A queueing discipline that is gone, or is another; that of a tunnel is none."""
    if rest != ["root", "noqueue"]:
        place = " ".join(rest[: 1 if rest[0] == "root" else 2])
        yield Drift(here, f"tc qdisc del dev {device} {place}", "missing: qdisc ")
    yield Drift(here, f"tc qdisc replace dev {device} root pfifo limit 7", "unexpected: qdisc pfifo ")


def _teql(here: str, device: str, legs: list[str]) -> Iterator[Drift]:
    """Changes of the end of a teql, and of its legs."""
    yield Drift(here, f"ip link set dev {device} mtu 1000", f"missing: link {device} mtu ")
    for leg in legs:
        yield Drift(here, f"tc qdisc del dev {leg} root", "missing: qdisc teql")
        yield Drift(here, f"ip link del dev {leg}", f"missing: link {leg} mtu ")


BRIDGE = {"stp_state": "1", "mcast_snooping": "1", "group_fwd_mask": "8"}


def _sysctls(here: str, key: str, value: str) -> Iterator[Drift]:
    """Another value in each scope of a key with `*`, and in `lo` if that has it from `all`."""
    keys = [key.replace("*", scope) for scope in (("all", "default", "lo") if "*" in key else ("",))]
    if key == "net.ipv4.ip_forward" or key.startswith("net.ipv6.conf.all.forwarding"):
        keys.append(f"net.ipv{key[7]}.conf.lo.forwarding")
    for own in keys:
        path = "/proc/sys/" + "/".join(part.replace("/", ".") for part in own.split("."))
        change = f"echo {_other(value)} >{path}"
        yield Drift(here, change, f"missing: sysctl {own} = ")


def _other(value: str) -> str:
    """Another valid value of a sysctl; hash policies end at 3."""
    *rest, last = value.split()
    if last.startswith("0x"):
        return hex(int(last, 16) - 1)
    if not last.isdigit():
        return "reno" if value != "reno" else "cubic"
    return " ".join([*rest, {"0": "1", "1": "0", "3": "0"}.get(last, str(int(last) + 1))])


def _names(namespace: str) -> Iterator[Drift]:
    folder = f"/etc/netns/{namespace}"
    yield Drift(namespace, f"echo 192.0.2.9 strange >>{folder}/hosts", "unexpected: in ")
    yield Drift(namespace, f"sed -i '/^::1 /d' {folder}/hosts", "missing: in ")
    yield Drift(namespace, f"rm {folder}/hosts", "missing: the file ")
    yield Drift(namespace, f"echo >{folder}/protocols", "unexpected: the file ", f"rm {folder}/protocols")


FOREIGN = (
    ("ip address add 198.51.100.1/32 dev lo", "unexpected: address 198.51.100.1/32 dev lo"),
    ("ip address add 198.51.100.1/32 dev lo scope host", "unexpected: address 198.51.100.1/32 dev lo"),
    (
        "ip link add name strange type veth peer name other && ip link set strange up",
        "unexpected: link strange ",
    ),
    ("ip route add blackhole 198.51.100.0/24", "unexpected: route blackhole 198.51.100.0/24"),
    (
        "ip route add unreachable 198.51.100.0/24 metric 1024",
        "unexpected: route unreachable 198.51.100.0/24 metric 1024",
    ),
    ("ip route add prohibit 198.51.100.0/24 table 77", "unexpected: route prohibit 198.51.100.0/24 table 77"),
    ("ip route add throw 198.51.100.0/24", "unexpected: route throw 198.51.100.0/24"),
    (
        "ip route add local 198.51.100.0/24 dev lo",
        "unexpected: route local table local 198.51.100.0/24 dev lo",
    ),
    (
        "ip route add 198.51.100.0/24 dev lo proto static",
        "unexpected: route 198.51.100.0/24 dev lo proto static",
    ),
    (
        "ip rule add pref 99 from 198.51.100.1 lookup main",
        "unexpected: rule pref 99 from 198.51.100.1 lookup main",
    ),
    ("ip -6 rule add pref 99 iif lo lookup 77", "unexpected: rule -6 pref 99 iif lo lookup 77"),
    ("ip rule del pref 32767", "missing: rule pref 32767 from all lookup default"),
    ("ip -6 rule add pref 0 blackhole iif lo", "unexpected: rule -6 pref 0 "),
    ("tc qdisc add dev lo root pfifo limit 3", "unexpected: qdisc pfifo dev lo root"),
    ("tc qdisc add dev lo clsact", "unexpected: qdisc clsact"),
    (
        "ip neighbour add 198.51.100.7 lladdr 02:00:00:00:00:07 dev lo nud permanent",
        "unexpected: neighbour ",
    ),
    ("ip neighbour add proxy 198.51.100.7 dev lo", "unexpected: neighbour 198.51.100.7 dev lo proxy"),
    ("ip mptcp endpoint add 198.51.100.8 signal", "unexpected: endpoint 198.51.100.8 signal"),
    ("nft add table ip filter", "unexpected: nft ip filter"),
    ("ip link set dev lo down", "missing: link lo mtu 65536 up"),
)
"""Additions that are in no plan, for every namespace."""
OF_COMMANDS = ("unexpected: rule ", "unexpected: nft ", "unexpected: qdisc clsact")
"""What is no drift in a namespace with devices, as their commands may have added it."""
