"""Random valid labs, each a function of a seed and a number.

What the machine's kernel lacks (netem, dummy) is left out of a lab, which is the same lab otherwise: all is
drawn, whatever the kernel, and only then left out.

Each has some of all that the language has, over a random graph: families, switches with and without
spanning trees, pinned names and addresses, shapes, MTUs, explicit routes, MPTCP, sprays, private networks,
VRFs, masquerade, an uplink, sysctls, processes, devices, captures, standard topologies.
"""

from collections.abc import Callable, Iterator
from random import Random

import machine

from compiler.driver import Compilation, TopologyError

NAMES = "a b c d e x1 y-2 pc Web long-name-of-a-node dev via table proto nexthop default-gw up port".split()
POOLS = ("pool 10.0.0.0/8", "pool fd00:7::/32", "pool 10.64.0.0/10\npool fd00:8::/32")
STANDARD = ["line with n=3", "ring with n=4", "star with n=3", "mesh with n=3", "grid with x=2 y=2 net=11"]
STANDARD += ["leaf-spine with spines=2 leaves=2 hosts=1 net=12", "tree with width=2 depth=2 net=13"]

RATES = ("", "", " rate 5mbit", " rate 100mbit queue 20p", " rate 1gbit", " rate 3mbit queue 60kb")
MANAGED = (
    " rate 5mbit queue fq_codel",
    " rate 20mbit queue cake",
    " rate 2mbit queue pie ecn",
    " rate 5mbit queue red ecn",
)
MORE_DELAYS = (
    " delay 4ms jitter 1ms distribution normal",
    " loss gemodel 0.5% 50%",
    " delay 1ms duplicate 35% 25% corrupt 0.1% reorder 50% 25%",
    " delay 1ms slot 1ms 2ms",
)
DELAYS = ("", "", "", " delay 2ms", " delay 5ms jitter 1ms", " loss 0.5%", *MORE_DELAYS)
CARD = "card0"
"""The interface that uplinks lead to, which whoever brings a lab up makes."""

SYSCTLS = ('tcp_rmem="4096 131072 4194304"', "conf.default.rp_filter=2", "tcp_fin_timeout=33")


class Writer:
    """Writes one lab, for a kernel that has some features."""

    def __init__(self, chance: Random, name: str, has: Callable[[str], bool] = machine.has) -> None:
        self.chance = chance
        self.has = has
        self.lines = [f"lab {name}"]
        names = chance.sample(NAMES, k=chance.randint(3, 8))
        routers = chance.randint(0, len(names) - 2)
        self.hosts, self.routers = names[routers:], names[:routers]
        self.switches = [f"sw{number}" for number in range(chance.choice((0, 0, 1, 2, 3)))]
        self.family = chance.choice(POOLS)
        self.pinned = 0
        self.joined: list[tuple[str, str]] = []

    def maybe(self, share: float) -> bool:
        return self.chance.random() < share

    def write(self) -> str:
        self.lines += [self.family]
        if self.maybe(0.6):
            metric = self.chance.choice(("", " by delay", " by rate", " by cost"))
            option = self.chance.choice(("", "", " aggregate", " aggregate", " failover"))
            self.lines.append(f"routing shortest{metric}{option}")
        self.nodes()
        self.links()
        self.tunnels()
        self.bonds()
        self.teqls()
        self.services()
        self.devices()
        self.inlets()
        self.captures()
        self.uplink()
        return "\n".join(self.lines) + "\n"

    def nodes(self) -> None:
        for name in self.hosts:
            self.lines.append(f"host {name}{self.attributes(name)}")
        for name in self.routers:
            self.lines.append(f"router {name}{' forward off' * self.maybe(0.05)}")
        stp = self.maybe(0.4)
        for name in self.switches:
            self.lines.append(f"switch {name}{' stp on' * stp}{' private' * self.maybe(0.2)}")
        if stp and len(self.switches) > 1:
            ring = [*self.switches, self.switches[0]] if len(self.switches) > 2 else self.switches
            self.lines.append(f"link {' -- '.join(ring)}")
        elif len(self.switches) > 1 and self.maybe(0.5):
            self.lines.append(f"link {self.switches[0]} -- {self.switches[1]}")
        if self.maybe(0.1):
            self.lines.append("switch lonely")

    def attributes(self, name: str) -> str:
        place = self.hosts.index(name)
        found = " address none" if self.maybe(0.05) else ""
        if not found and self.maybe(0.2):
            found = f" address 172.16.{place}.1 on lo"
            found += f" address 172.17.{place}.9/24 on dummy0" * (self.maybe(0.5) and self.has("dummy"))
        found += " private" * self.maybe(0.05)
        found += " anycast 192.0.2.53" * self.maybe(0.2)
        return found + f" netns {self.lines[0].split()[1]}-own.{place}" * self.maybe(0.05)

    def links(self) -> None:
        ends = [*self.routers, *self.hosts]
        self.chance.shuffle(ends)
        for place, end in enumerate(ends[1:], 1):
            self.link(end, self.chance.choice(ends[:place]))
        for _ in range(self.chance.randint(0, 4)):
            self.link(*self.chance.sample(ends, k=2))
        for switch in self.switches:
            mtu = f" mtu {self.chance.choice((1280, 1400, 9000))}" * self.maybe(0.4)
            for end in self.chance.sample(ends, k=min(len(ends), self.chance.randint(1, 4))):
                self.lines.append(f"link {end} -- {switch}{mtu}{self.shape()}{self.vlan(end)}")

    def vlan(self, end: str) -> str:
        """Whether a port of a switch is in a VLAN, or at a router a trunk of two."""
        if any("stp on" in line for line in self.lines) or self.maybe(0.5):
            return ""
        found = " trunk 10,20" if end in self.routers else f" vlan {self.chance.choice((10, 20))}"
        return found * self.has("vlan")

    def link(self, left: str, right: str) -> None:
        self.joined.append((left, right))
        left += f":p{len(self.joined)}" * self.maybe(0.1)
        vrf = self.vrf(left, right)
        self.lines.append(f"link {left} -- {right}{self.pin()}{self.shape()}{self.mtu()}{self.cost()}{vrf}")

    def vrf(self, left: str, right: str) -> str:
        """Whether a link of a router is in one of two VRFs: of few labs, as these are refused more often."""
        chance, ends = Random(f"{self.lines[0]} {left} {right}"), {left.partition(":")[0], right}
        some = Random(f"{self.lines[0]} vrfs").random() < 0.2 and self.has("vrf")
        if not some or ends.isdisjoint(self.routers) or chance.random() < 0.3:
            return ""
        return f" vrf {chance.choice(('red', 'blue'))}"

    def tunnels(self) -> None:
        """Over a node that both ends are linked with; where that is no path, the lab is refused."""
        near = {frozenset(pair) for pair in self.joined}
        for via in self.routers:
            ends = [
                name
                for name in (*self.hosts, *self.routers)
                if frozenset((name, via)) in near and name != via
            ]
            if len(ends) > 1 and self.maybe(0.3):
                left, right = self.chance.sample(ends, k=2)
                cost = f" cost {self.chance.randint(1, 9)}" * self.maybe(0.3)
                self.lines += [f"tunnel {left} -- {right} via {via}{cost}"] * self.has("vxlan")

    def bonds(self) -> None:
        """Over two further links of nodes that have one, whose interfaces have names of their own."""
        for place, (left, right) in enumerate(self.joined):
            if self.maybe(0.1):
                mode = self.chance.choice(("balance-rr", "active-backup", "balance-xor", "broadcast"))
                legs = [f"{left}:l{place}-{number}" for number in (1, 2)]
                lines = [f"link {leg} -- {right}" for leg in legs]
                lines.append(f"bond {left} -- {right} over {' '.join(legs)} mode {mode}")
                self.lines += lines * self.has("bond")

    def teqls(self) -> None:
        """Likewise."""
        for place, (left, right) in enumerate(self.joined):
            if self.maybe(0.1) and self.has("teql"):
                legs = [f"{left}:t{place}-{number}" for number in (1, 2)]
                self.lines += [f"link {leg} -- {right}" for leg in legs]
                self.lines.append(f"teql {left} -- {right} over {' '.join(legs)}")

    def pin(self) -> str:
        if not self.maybe(0.2):
            return " address none" * self.maybe(0.05)
        self.pinned += 1
        if "10." not in self.family:
            return f" subnet fd01:{self.pinned}::/64"
        if self.maybe(0.5):
            return f" address 192.168.{self.pinned}.1/24 192.168.{self.pinned}.77/24{self.ends()}"
        return f" subnet 192.168.{self.pinned}.0/{self.chance.choice((24, 30, 31))}"

    def ends(self) -> str:
        """Further addresses of the left end, and MAC addresses."""
        more = f" address 192.168.{self.pinned}.5/24 none" * self.maybe(0.3)
        more += f" address 198.51.{self.pinned}.1/24 none" * self.maybe(0.3)
        return more + f" mac none 02:00:00:00:00:{self.pinned % 256:02x}" * self.maybe(0.3)

    def shape(self) -> str:
        rate, delay = self.chance.choice(RATES + MANAGED), self.chance.choice(DELAYS)
        return rate * (rate not in MANAGED or self.has("aqm")) + delay * self.has("netem")

    def mtu(self) -> str:
        return f" mtu {self.chance.choice((1280, 1400, 1499, 9000))}" * self.maybe(0.2)

    def cost(self) -> str:
        return f" cost {self.chance.randint(1, 9)}" * self.maybe(0.2)

    def routes(self) -> None:
        left, right = self.chance.choice(self.joined)
        target = self.chance.choice(("172.30.0.0/16", "10.200.0.0/16", "172.31.1.1/32"))
        target = target if "10." in self.family else "fd99::/64"
        turns = self.chance.choice((" per-packet", "", " metric 70", " metric 2000"))
        self.lines.append(f"route {left} to {target} via {right}{turns}")
        if self.maybe(0.4):
            refusal = self.chance.choice(("blackhole", "unreachable", "prohibit"))
            self.lines.append(f"route {right} to {target} {refusal}")
        if self.maybe(0.4):
            within = "10.0.0.0/9" if "10." in self.family else "fd00::/8"
            self.lines.append(f"route {left} from {within} to default via {right}")

    def inlets(self) -> None:
        if self.maybe(0.3) and self.routers:
            gate, port = self.chance.choice(self.routers), self.chance.randint(1, 65535)
            protocol = self.chance.choice(("tcp", "udp"))
            self.lines.append(f"forward {gate} {protocol} {port} to {self.chance.choice(self.hosts)}:80")

    def services(self) -> None:
        if self.maybe(0.4) and len(self.hosts) > 1:
            left, right = self.chance.sample(self.hosts, k=2)
            self.lines.append(f"mptcp {left} {self.chance.choice(('--', '->'))} {right}")
        if self.maybe(0.3) and self.routers:
            family = self.chance.choice(("", "", " ipv4", " ipv6"))
            self.lines.append(f"masquerade {self.chance.choice(self.routers)}{family}")
        if self.maybe(0.3):
            key = self.chance.choice(SYSCTLS)
            self.lines.append(f"sysctl {self.chance.choice(self.hosts)} net.ipv4.{key}")
        if self.maybe(0.3):
            command = self.chance.choice(("sleep 9999", "exec sleep 9999", "true"))
            ready = ' ready "true"' * self.maybe(0.3)
            self.lines.append(f'run {self.chance.choice(self.hosts)} "{command}"{ready}')
        if self.maybe(0.3):
            self.routes()
        if self.maybe(0.3) and len(self.hosts) > 1:
            left, right = self.chance.sample([*self.hosts, *self.routers], k=2)
            self.lines.append(f"spray {left} {self.chance.choice(('--', '->'))} {right}")
        if self.maybe(0.15):
            name, _, rest = self.chance.choice(STANDARD).partition(" ")
            self.lines.append(f"use std/{name} as t {rest}")

    def captures(self) -> None:
        """Of both ends of a link; where these have pinned names, the lab is refused."""
        if self.maybe(0.25):
            left, right = self.chance.choice(self.joined)
            snap = self.chance.choice(("", " snap 96"))
            self.lines.append(f"capture {{{left}:{right},{right}:{left}}}{snap}")

    def uplink(self) -> None:
        if self.maybe(0.15):
            self.lines.append(f"uplink {self.chance.choice([*self.routers, *self.hosts])} to {CARD}")

    def devices(self) -> None:
        """What commands make, under a name that nothing else has."""
        if self.maybe(0.3):
            node = self.chance.choice([*self.hosts, *self.routers])
            own = ("", " address 198.18.0.1/24", " address 198.18.0.1/24 address fd98::1/64")
            address = self.chance.choice(own)
            self.lines.append(f'device {node}:own "ip link add name own type bridge" "true"{address}')
            self.lines += [f"capture {node}:own"] * self.maybe(0.3)


def labs(seed: int, count: int, start: int = 0) -> Iterator[tuple[int, str, Compilation]]:
    """A number of labs, with their numbers and texts; those that the compiler rejects are left out."""
    number = start
    while count:
        text = Writer(Random(f"{seed} {number}"), f"rnd{number}").write()
        compilation = Compilation("-", text)
        try:
            _ = compilation.lab
        except TopologyError:
            pass
        else:
            yield number, text, compilation
            count -= 1
        number += 1
