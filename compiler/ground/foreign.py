"""Synonyms of this language's words in Mininet, containerlab, netlab, ip(8), tc(8) and English.

By the place of a word: the synonyms of each of our words, or advice for a word that has no counterpart.
Imported for errors only.
"""

from typing import NamedTuple


class Words(NamedTuple):
    """The foreign words of one place, as lists of words in one text.

    `ours` has the synonyms of each of our words, `advice` the advice for each list of words, `why` an
    explanation of each of our words that needs one.
    """

    ours: dict[str, str]
    advice: dict[str, str]
    why: dict[str, str]

    def help(self, word: str) -> str:
        """A help line for a foreign word, or an empty text."""
        lowered = word.lower().rstrip(":")
        for words, advice in self.advice.items():
            if lowered in words.split():
                return advice
        if our := self.our(word):
            return f"did you mean `{our}`? {self.why.get(our, '')}".rstrip()
        return ""

    def our(self, word: str) -> str:
        """Our word for a foreign one, or an empty text."""
        lowered = word.lower().rstrip(":")
        return next((our for our, theirs in self.ours.items() if lowered in theirs.split()), "")


_DAEMONS = "ospf bgp rip isis is-is frr bird"

STATEMENTS = Words(
    ours={
        "lab": "name topo topology title",
        "host": (
            "node nodes pc vm server client computer station workstation endhost docker linux addhost"
            " net.addhost add-host namespace netns ns"
        ),
        "router": "rtr addrouter net.addrouter",
        "switch": "bridge bridges br ovs hub vswitch lan addswitch net.addswitch",
        "link": "connect connection edge wire cable p2p addlink net.addlink join veth-pair",
        "profile": "class template linktype",
        "route": "static static-route static_route ip-route addroute",
        "masquerade": "nat snat masq nat44",
        "uplink": "internet external outside wan nat-cloud natcloud",
        "forward": "dnat port-forward port_forward portforward forward-port redirect publish expose",
        "spray": "stripe aggregate round-robin roundrobin load-balance loadbalance balance",
        "mptcp": "multipath mp_tcp mp-tcp",
        "expect": "test assert validate verify ping reachable",
        "bench": "iperf iperf3 benchmark measure",
        "run": "exec cmd command start spawn daemon sh bash",
        "device": "wireguard wg wg0 tun tap tuntap macvlan macvtap ipvlan l2tp xfrm vti ebpf bpf",
        "capture": "tcpdump pcap wireshark tshark sniff dump record trace",
        "at": "after when event schedule on",
        "param": "var let const define variable parameter def local",
        "for": "foreach while loop repeat",
        "use": "include import source require load",
    },
    advice={
        "gateway gw default-gateway": (
            "a node that forwards is a `router`; a way out is written `route NODE to default via ROUTER`"
        ),
        "veth interface interfaces iface nic intf port dev eth": (
            "interfaces come with links: `link a:eth0 -- b:eth0` makes a veth pair and names both ends"
        ),
        "ip ifconfig address addr ipaddr ipv4 ipv6": (
            "an address stands where it belongs: `host a address ADDRESS`, `link a -- b address ONE OTHER`"
        ),
        "tc qdisc netem tbf htb qos": (
            "attributes shape: `link a -- b rate 10mbit delay 20ms` both ways, `shape a -> b` one way"
        ),
        "rate bw bandwidth delay latency jitter loss queue mtu cost burst": (
            "this is an attribute of links: `link a -- b ATTRIBUTE`, or `default link ATTRIBUTE` for all"
        ),
        "forward forwarding ip_forward": "a `router` forwards, and so does `host NAME forward on`",
        "subnet network net prefix cidr": (
            "all addresses are taken from `pool PREFIX`; those of one link from `link a -- b subnet PREFIX`"
        ),
        "iptables nft nftables firewall acl": 'write it as `run NODE "COMMAND"`',
        _DAEMONS: "`routing shortest` computes routes; `run` starts a daemon, in `routing daemon`",
        "ecmp": "equally short paths share flows by themselves",
        "vrf vrfs": "a VRF is that of links of a router: `link a -- r vrf red`",
        "vlan vxlan": "VLANs are those of links: `link h -- s vlan 10`, `link r -- s trunk 10,20`",
        "end endif endfor fi done esac": "a block ends in `}`",
        "elif elseif elsif": "`else if` stands on the line of the `}` before it",
        "set": "a param is set by `param NAME = VALUE`, a sysctl by `sysctl NODE KEY=VALUE`",
        "down up fail": "an event has a time: `at 10s down a -- b`",
        "// /* / %": "a comment begins with `#`",
        "dns dhcp": "each node knows the names of all; what else it needs is started by `run`",
        "image kind": 'a node with an image is a container: `container NAME image "REF"`',
    },
    why={
        "host": "A `host` is a namespace that does not forward, a `router` one that does",
        "switch": "A `switch` is a bridge in a namespace of its own",
        "link": "A link is written `link a -- b`",
        "masquerade": "It gives what leaves a node the address that it leaves by",
        "forward": "`forward gw tcp 8080 to web:80` has what arrives at a port of a node go on to another",
        "expect": "`expect a -> b reachable` has one node ping another",
        "bench": "`bench a -> b using tcp` measures with iperf3",
        "run": 'A command is a string: `run a "COMMAND"`',
        "capture": "`capture a:b` writes the packets of an interface to a file, by tcpdump",
        "device": '`device a:wg0 "COMMAND"` has commands make an interface that has no statement of its own',
        "at": "`at 10s down a -- b` is an event",
        "param": "A param is set by `param NAME = VALUE`",
        "for": "`for i in 0..3 { ... }` goes over a range",
        "use": '`use "FILE"` takes over what another file says',
        "route": "`route a to b via c`",
        "spray": "`spray a -- b` sends the packets between two nodes over all paths in turn",
    },
)

_OF_LINKS = "is set on a link: `link a -- b"

LINK_ATTRIBUTES = Words(
    ours={
        "rate": "bandwidth bw speed capacity throughput linkspeed datarate data_rate bitrate",
        "delay": "latency lat propagation ping oneway",
        "jitter": "jtr variation delay_variation max_jitter",
        "loss": "packetloss packet_loss packet-loss pktloss plr drop drops loss_rate lossrate error",
        "duplicate": "dup duplication duplicates",
        "corrupt": "corruption ber",
        "reorder": "reordering",
        "queue": (
            "buffer buf buffers qlen txqueuelen limit max_queue_size queue_size queuesize queuelen"
            " qsize buffer_size queue_length"
        ),
        "burst": "bucket burst_size cburst maxburst",
        "mtu": "mss packet_size",
        "cost": "metric weight distance ospf_cost igp_cost",
        "address": "ip ips addr ipv4 ipv6 inet inet6 ipaddr",
        "subnet": "prefix net network cidr",
        "private": "internal inside hidden",
        "mac": "hwaddr lladdr ether macaddr",
        "vrf": "l3mdev routing-instance routing_instance rdomain",
    },
    advice={
        "rtt": "`delay` is one way: half of a round trip time",
        "vlans tag vid pvid access tagged untagged": (
            "`vlan 10` is an access port of a switch, and `trunk 10,20` a trunk"
        ),
        "name iface dev interface interfaces intf intf1 intf2 ifname endpoints port": (
            "an interface's name stands behind its node: `link a:eth0 -- b:eth0`"
        ),
        "type kind": "every link is a veth pair",
        "up down uplink downlink upload download asymmetric": "`shape a -> b rate 1mbit` sets one direction",
        "duplex bidirectional symmetric": "both directions have the attributes of a link",
        "aqm red codel fq_codel cake pie ecn qdisc": (
            "what manages a queue stands behind `queue`: `queue fq_codel`, `queue pie ecn`"
        ),
    },
    why={
        "queue": "Its length is in packets (`100p`) or bytes (`64kb`); or it is managed: `queue fq_codel`",
        "cost": "It counts for `routing shortest by cost`",
    },
)

NODE_ATTRIBUTES = Words(
    ours={
        "address": "ip ips addr ipv4 ipv6 inet inet6 ipaddr loopback",
        "anycast": "shared_address any_cast",
        "forward": "forwarding ip_forward ip-forward ipforward forwards fwd",
        "netns": "namespace ns",
        "stp": "rstp spanning spanning_tree spanning-tree",
        "subnet": "net network prefix cidr",
        "private": "internal inside hidden",
    },
    advice={
        "mtu": f"the MTU {_OF_LINKS} mtu 9000`",
        "rate bw bandwidth": f"a rate {_OF_LINKS} rate 10mbit`",
        "delay latency": f"a delay {_OF_LINKS} delay 10ms`",
        "loss": f"loss {_OF_LINKS} loss 1%`",
        "cost metric": f"a cost {_OF_LINKS} cost 10`",
        "gateway gw default defaultroute default-gateway via": (
            "a node with one router beside it uses it; others need `route NODE to default via ROUTER`"
        ),
        "mac hwaddr lladdr": f"a MAC address {_OF_LINKS} mac 02:00:00:00:00:01 none`",
        "image kind type docker container os": (
            'this is a namespace with the programs of the machine; `container NAME image "REF"` has an image'
        ),
        "cpu cpus memory mem ram cores": "nodes have no limits of their own",
        "vrf vrfs": "a VRF is that of links of a router: `link a -- r vrf red`",
        "vlan vlans": "VLANs are those of links: `link h -- s vlan 10`, `link r -- s trunk 10,20`",
        f"{_DAEMONS} asn": "`routing shortest` computes routes; `run` starts a daemon, in `routing daemon`",
        "interface interfaces iface nic eth0 ports": "interfaces come with links: `link a:eth0 -- b:eth0`",
        "exec cmd run command": 'a command is a statement of its own: `run NODE "COMMAND"`',
        "sysctl sysctls": "`sysctl NODE KEY=VALUE` is a statement of its own",
        "dns nameserver": "each node knows the names of all",
    },
    why={},
)

YES_AND_NO = {
    "on": "yes true 1 enable enabled y t dev device",
    "off": "no false 0 disable disabled n f",
}

_METRICS = {
    "hops": "hop hopcount hop_count length",
    "delay": "latency lat rtt time",
    "rate": "bandwidth bw speed capacity throughput goodput bitrate",
    "cost": "metric weight weights costs",
}

KEYWORDS = Words(
    ours={
        **YES_AND_NO,
        **_METRICS,
        "none": "off no static manual disabled false",
        "shortest": f"auto automatic dijkstra spf on default dynamic {_DAEMONS}",
        "aggregate": "aggregated summary summarize",
        "by": "metric using with",
        "to": "-> -- towards dst into for",
        "via": "gw gateway through dev using over nexthop next-hop by",
        "weight": "metric w",
        "out": "on via to dev over through iface oif towards",
        "->": "-- to => and",
        "--": "-> to and with",
        "reachable": "reach ping pingable connected up ok alive reached pings",
        "unreachable": "down blocked isolated disconnected",
        "rtt": "delay latency",
        "using": "with over via",
        "_during": "during duration time lasting",
        "env": "with environment",
        "with": "using where params set",
        ",": "nexthop and",
        "as": "named name prefix",
        "in": "= of over from",
        "per-packet": "per_packet perpacket packet-by-packet spray round-robin",
        "weights": "weight weighted by ratio",
        "subflows": "limit limits max_subflows subflow",
        "accept": "add_addr_accepted accepted",
        "endpoints": "endpoint interfaces over",
        "signal": "announce advertise",
        "tcp": "iperf iperf3 cubic reno bbr",
        "reverse": "reversed back backward backwards return download downlink r",
        "down": "fail break cut disable off remove",
        "up": "restore repair enable on",
    },
    advice={
        "iperf iperf3": "a transfer is `tcp`, `tcp 8` for eight connections at once, `mptcp` or `udp`",
        "not": "what does not answer is `unreachable`",
        _DAEMONS: "`routing shortest` computes routes; `run` starts a daemon, in `routing daemon`",
    },
    why={"->": "An arrow says from where to where", "--": "A line joins two nodes, either way round"},
)

COMMANDS = Words(
    ours={
        "compile": "build generate make gen emit",
        "up": "deploy start run create apply launch",
        "down": "destroy stop clean remove delete teardown rm",
        "check": "validate verify lint test diagnose",
        "bench": "benchmark measure",
        "exec": "enter shell sh attach ssh",
        "list": "ls ps inspect status show labs",
        "watch": "top monitor live bmon iftop nload",
        "diff": "compare delta",
        "expand": "flatten preprocess",
        "paths": "path trace traceroute predict",
        "explain": "why code error",
    },
    advice={},
    why={"compile": "It prints a script: `mpc compile LAB | sudo bash` brings the lab up"},
)

UNITS = {
    "kbit": "k kb kbits kb/s kbit/s kbits/s",
    "mbit": "m mb mbits mb/s mbit/s mbits/s",
    "gbit": "g gb gbits gb/s gbit/s gbits/s",
    "bit": "b bits bit/s b/s",
    "us": "micros microsecond microseconds usecond",
    "ms": "millis millisecond milliseconds msecond",
    "s": "second seconds",
    "p": "packet packets pkt pkts pk frames",
    "b": "byte bytes",
    "kb": "kib kbyte kbytes",
    "mb": "mib mbyte mbytes",
    "gb": "gib gbyte gbytes",
    "%": "percent pct perc",
}
"""The synonyms of each unit; `units.py` has the units that a quantity takes."""

MININET = {"rate": "mbit", "loss": "%", "delay": "ms", "jitter": "ms", "queue": "p"}
"""The units of the parameters of Mininet's `TCLink`, which are written without one."""
