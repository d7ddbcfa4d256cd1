"""The state of the kernel as comparable text: a listing of the host, and of one namespace."""

import difflib
import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Listing = dict[str, list[str]]

# Directories of /run in which daemons of the host make and remove files: systemd's units and
# sessions, udev's database, the journal, and the state of container engines.
CHURN = {f"/run/{name}" for name in ("systemd", "user", "udev", "log", "docker", "containerd", "runc")}
# Settings that a namespace inherits, or that a script could set in the host by mistake.
SYSCTLS = (
    "ipv4/ip_forward",
    "ipv4/conf/all/rp_filter",
    "ipv4/conf/default/rp_filter",
    "ipv4/fib_multipath_hash_policy",
    "ipv6/conf/all/forwarding",
    "ipv6/fib_multipath_hash_policy",
    "mptcp/enabled",
)
BITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}


def read(*argv: str) -> str:
    """The output of a command that must succeed."""
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30).stdout


def rows(*argv: str) -> list[dict[str, Any]]:
    """The output of a command as JSON; ip(8) prints nothing where there is nothing."""
    return list(json.loads(read(*argv) or "[]"))


def lines(*argv: str) -> list[str]:
    """The output of a command as lines without needless space."""
    return [" ".join(line.split()) for line in read(*argv).splitlines() if line.strip()]


# --- the host ---------------------------------------------------------------------------------------


def snapshot() -> Listing:
    """Everything on the host that a lab could leave behind; `assert_same` compares two of them.

    Nothing else may make namespaces on this machine in between.
    """
    return {
        "links": [f"{link['ifindex']} {_link(link)} {link.get('address', '')}" for link in rows(*IP, "link")],
        "namespaces": namespaces(),
        "/etc/netns": sorted(_tree(Path("/etc/netns"), contents=True)),
        "/run": sorted(_tree(Path("/run"), contents=False)),
        "mounts": _namespace_mounts(),
        "addresses": [f"{dev} {address}" for dev, all_of in addresses().items() for address in all_of],
        "rules": rules(),
        "routes": routes(),
        "qdiscs": qdiscs(),
        "endpoints": endpoints(),
        "limits": limits(),
        "nftables": ruleset(),
        "sysctls": sysctls(),
    }


def difference(before: Listing, after: Listing) -> str:
    """A diff of the sections that differ, if any do."""
    diff: list[str] = []
    for name in before | after:
        old, new = before.get(name, []), after.get(name, [])
        diff += difflib.unified_diff(old, new, f"{name} before", f"{name} after", n=0, lineterm="")
    return "\n".join(["the kernel's state differs", *diff] if diff else [])


def assert_same(before: Listing, after: Listing) -> None:
    """Fails with a diff of the sections that differ."""
    assert not (found := difference(before, after)), found


def differs(before: Listing) -> str:
    """The difference of the host from its state before."""
    return difference(before, snapshot())


def namespaces() -> list[str]:
    return sorted(line.split()[0] for line in lines("ip", "netns", "list"))


def _tree(root: Path, *, contents: bool) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if f"{folder}/{name}" not in CHURN]
        yield f"{folder}/"
        for name in files:
            path = Path(folder, name)
            yield f"{path} {hashlib.sha256(path.read_bytes()).hexdigest()}" if contents else str(path)


def _namespace_mounts() -> list[str]:
    """Mount points of namespaces, without their ids."""
    mounts = (line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return sorted(mount[4] for mount in mounts if "netns" in mount[4])


# --- a namespace, or the host where none is named ---------------------------------------------------

IP = ("ip", "-j", "-d")


def _in(tool: str, ns: str) -> tuple[str, ...]:
    return (tool, "-n", ns) if ns else (tool,)


def facts(ns: str) -> dict[str, Any]:
    """The facts of a namespace in the table of `original.py`."""
    return {
        "links": links(ns),
        "addresses": addresses(ns),
        "routes": routes(ns),
        "rules": rules(ns),
        "endpoints": endpoints(ns),
        "limits": limits(ns),
        "rates": rates(ns),
        "masquerade": masquerade(ns),
    }


def state(ns: str) -> Listing:
    """The whole state of a namespace, to compare the effects of two scripts."""
    hosts = Path("/etc/netns", ns, "hosts")
    return {
        "links": [f"{name} {what}" for name, what in links(ns).items()],
        "addresses": [f"{dev} {address}" for dev, all_of in addresses(ns).items() for address in all_of],
        "routes": routes(ns),
        "rules": rules(ns),
        "endpoints": endpoints(ns),
        "limits": limits(ns),
        "qdiscs": qdiscs(ns),
        "nftables": ruleset(ns),
        "sysctls": sysctls(ns),
        "hosts": hosts.read_text().splitlines() if hosts.exists() else [],
    }


def links(ns: str) -> dict[str, str]:
    """The kind of each link, whether it is up, and the peer of a veth."""
    names = {peer["nsid"]: peer.get("name", "?") for peer in rows(*_in("ip", ns), "-j", "netns", "list-id")}
    found: dict[str, str] = {}
    for link in rows(*_in("ip", ns), "-j", "-d", "link"):
        found[link["ifname"]] = _link(link)
        if "link_netnsid" in link:
            found[link["ifname"]] += f" to {_peer(names[link['link_netnsid']], link['link_index'])}"
    return found


def _peer(ns: str, index: int) -> str:
    return next(
        f"{ns}:{link['ifname']}" for link in rows("ip", "-n", ns, "-j", "link") if link["ifindex"] == index
    )


def _link(link: dict[str, Any]) -> str:
    kind = link.get("linkinfo", {}).get("info_kind", link["link_type"])
    return f"{kind} {'up' if 'UP' in link['flags'] else 'down'} mtu {link['mtu']}"


def addresses(ns: str = "") -> dict[str, list[str]]:
    """Global addresses by device; the kernel assigns those of other scopes itself."""
    found: dict[str, list[str]] = {}
    for link in rows(*_in("ip", ns), "-j", "address"):
        of_link = [f"{a['local']}/{a['prefixlen']}" for a in link["addr_info"] if a["scope"] == "global"]
        found |= {link["ifname"]: of_link} if of_link else {}
    return found


def routes(ns: str = "") -> list[str]:
    """Routes of both families and all tables but `local`, which follows from the addresses."""
    found = [
        _route(route)
        for family in ("-4", "-6")
        for route in rows(*_in("ip", ns), "-j", family, "route", "show", "table", "all")
        if route.get("table") != "local" and not route["dst"].startswith(("fe80:", "ff00:"))
    ]
    return sorted(found)


def _route(route: dict[str, Any]) -> str:
    """A route in the words of ip(8), without its protocol and its flags."""
    kept = ("table", "scope", "prefsrc", "metric")
    words = [
        route.get("type", ""),
        route["dst"],
        _next_hop(route),
        *(f"{k} {route[k]}" for k in kept if k in route),
    ]
    words += [f"nexthop {_next_hop(hop)} weight {hop['weight']}" for hop in route.get("nexthops", ())]
    return " ".join(word for word in words if word)


def _next_hop(hop: dict[str, Any]) -> str:
    gateway = hop.get("gateway") or hop.get("via", {}).get("host")
    return (f"via {gateway} " if gateway else "") + (f"dev {hop['dev']}" if "dev" in hop else "")


def rules(ns: str = "") -> list[str]:
    return lines(*_in("ip", ns), "-4", "rule") + lines(*_in("ip", ns), "-6", "rule")


def endpoints(ns: str = "") -> list[str]:
    """MPTCP endpoints. The kernel may add some for a connection, so read them before any traffic."""
    return lines(*_in("ip", ns), "mptcp", "endpoint")


def limits(ns: str = "") -> list[str]:
    return lines(*_in("ip", ns), "mptcp", "limits")


def qdiscs(ns: str = "") -> list[str]:
    """Queueing disciplines, and the classes of htb; handles that the kernel chose are left out."""
    found = lines(*_in("tc", ns), "qdisc")
    for dev in sorted({words[4] for line in found if (words := line.split())[1] == "htb"}):
        found += [f"{dev} {line}" for line in lines(*_in("tc", ns), "class", "show", "dev", dev)]
    return sorted(re.sub(r"\b[89a-f][0-9a-f]{3}:", "auto:", line) for line in found)


def rates(ns: str) -> dict[str, int]:
    """The rate in bits a second at which each shaped device sends, by its root qdisc or root class."""
    found: dict[str, int] = {}
    for dev in links(ns):
        shown = lines("tc", "-n", ns, "qdisc", "show", "dev", dev) + lines(
            "tc", "-n", ns, "class", "show", "dev", dev
        )
        rate = re.search(r" root .*?\brate ([0-9.]+)([KMG]?)bit", "\n".join(shown))
        found |= {dev: round(float(rate[1]) * BITS[rate[2]])} if rate else {}
    return found


def ruleset(ns: str = "") -> list[str]:
    """The rules of nft(8) without counters."""
    enter = ("ip", "netns", "exec", ns) if ns else ()
    return lines(*enter, "nft", "--stateless", "list", "ruleset")


def masquerade(ns: str) -> list[str]:
    """The devices on which a namespace masquerades."""
    found = (re.search(r'oifname "([^"]+)".*masquerade', line) for line in ruleset(ns))
    return sorted(match[1] for match in found if match)


def sysctls(ns: str = "") -> list[str]:
    keys = [f"net/{key}" for key in SYSCTLS if Path("/proc/sys/net", key).exists()]
    enter = ("ip", "netns", "exec", ns) if ns else ()
    return lines(*enter, "sysctl", *keys)
