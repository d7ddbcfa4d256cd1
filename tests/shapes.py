"""The allowed lines of scripts, as regular expressions: of every command, and of the lines around commands.

A command that matches none is one that the language cannot express, so it must not be in a script.
"""

import re
import shlex
from collections.abc import Sequence
from functools import cache, lru_cache

from compiler.driver import Compilation
from compiler.scripts.bash import Style
from compiler.scripts.quoting import join

NAME = r"[A-Za-z][A-Za-z0-9_-]{0,62}"
NAMESPACE = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
INTERFACE = r"[A-Za-z0-9_.-]{1,15}"
NUMBER = r"[0-9]{1,10}"
ADDRESS = r"[0-9a-f.:]{2,39}"
PREFIX = rf"{ADDRESS}/[0-9]{{1,3}}"
KEY = r"net\.[A-Za-z0-9_./*-]+"
VALUE = r"[ -~]{1,255}"
RATE = rf"{NUMBER}[kmg]?bit"
TIME = rf"{NUMBER}(?:s|ms|us)"
PERCENT = r"[0-9]{1,3}(?:\.[0-9]{1,6})?%"
MAC = "(?:[0-9a-f]{2}:){5}[0-9a-f]{2}"
HOP = rf"via {ADDRESS} dev {INTERFACE}"
ONLINK = rf"dev {INTERFACE}"
WEIGHED = rf"nexthop {HOP}(?: weight {NUMBER})?(?: onlink)?"
SOURCE = rf"(?:src {ADDRESS} )?(?:metric {NUMBER} )?"
SENT = rf"(?: onlink)?(?: src {ADDRESS})?(?: metric {NUMBER})?(?: onlink)?"
"""How a check writes a route after its next hop."""
FROM = rf"(?:{ADDRESS}|{PREFIX})"
IN_TABLE = rf"(?: table {NUMBER})?"
REFUSED = rf"(?:blackhole|unreachable|prohibit) (?:default|{FROM}){IN_TABLE}(?: metric {NUMBER})?{IN_TABLE}"
HOPS = rf"{WEIGHED}(?: {WEIGHED})+"
LEADS = rf"(?:{HOP}|{HOPS}|{ONLINK})(?: onlink)?(?: table {NUMBER})?"
FLAGS = "(?: (?:signal|subflow|fullmesh|backup))*"
VETH = rf"name {INTERFACE}(?: mtu {NUMBER})? netns {NAMESPACE}"
BETWEEN = rf"local {ADDRESS} remote {ADDRESS}"
TUNNEL = (
    rf"(?:vxlan id {NUMBER} {BETWEEN} dstport 4789 ttl 64 nolearning|(?:ip6)?gretap {BETWEEN} ttl 64"
    rf"|(?:ipip|ip6tnl mode any) {BETWEEN} ttl 64)"
)
MACHINES = rf"id {NUMBER} {BETWEEN} dstport 14789"
"""What an end of a link between machines is."""
MONITOR = rf"(?:miimon 100|arp_interval 200 (?:arp_ip|ns_ip6)_target {ADDRESS})"
BOND = (
    rf"mode (?:balance-rr|active-backup|balance-xor|broadcast|802\.3ad) {MONITOR}"
    rf"(?: xmit_hash_policy layer3\+4)?(?: primary {INTERFACE})?"
)
VLANS = "vlan_filtering 1 vlan_default_pvid 0"
STP = rf"stp_state 1 priority {NUMBER} forward_delay 200 hello_time 100"
NETEM = (
    rf"netem limit {NUMBER}(?: delay {TIME}(?: {TIME}(?: distribution (?:normal|pareto|paretonormal))?)?)?"
    rf"(?: loss (?:{PERCENT}(?: {PERCENT})?|gemodel(?: {PERCENT}){{4}}))?"
    + "".join(rf"(?: {name} {PERCENT}(?: {PERCENT})?)?" for name in ("duplicate", "corrupt", "reorder"))
    + rf"(?: slot {TIME} {TIME})?"
)
PLACE = "(?:root handle 1|parent 1:1 handle 10|parent 10:1 handle 20):"
PEAK = rf"(?: overhead {NUMBER})?(?: peakrate {RATE} mtu {NUMBER})?"
TBF = rf"tbf rate {RATE} burst {NUMBER}b{PEAK} limit {NUMBER}b"
MANAGED = (
    rf"(?:fq_codel limit {NUMBER} quantum {NUMBER} (?:no)?ecn|pie limit {NUMBER} (?:no)?ecn"
    rf"|red limit {NUMBER}b min {NUMBER}b max {NUMBER}b avpkt {NUMBER} burst {NUMBER} bandwidth {RATE}"
    rf"(?: ecn)?)"
)
CHAIN = r"\{ type nat hook postrouting priority srcnat; \}"
MARK = "0x[0-9a-f]{8}"
MARKED = rf"fwmark 0x[0-9a-f]+ lookup (?:main suppress_prefixlength {NUMBER}|{NUMBER})"
MARKS = rf"\{{ (?:{NUMBER}|{MARK}) : {MARK}(?:, (?:{NUMBER}|{MARK}) : {MARK})* \}}"
MADE = rf"meta mark set (?:numgen inc mod {NUMBER}|meta mark) map {MARKS}"
TURN = r"to-[A-Za-z0-9_.-]+"
TO = rf"(?:ip daddr (?:{ADDRESS}|{PREFIX})|ip6 daddr (?:{ADDRESS}|{PREFIX})|meta nfproto ipv[46])"
HOOKS = {
    "sent": "type route hook output priority mangle;",
    "passed": r"type filter hook prerouting priority dstnat \+ 10;",
}
ANSWER = r"icmp(?:v6)? type (?:destination-unreachable icmp(?:v6)? code \{ [a-z, -]+ \}|time-exceeded)"
OF_PREFIXES = r"typeof meta mark \. @nh,(?:128,32|192,128)"
NOTED_OF = {
    version: rf"meta mark set {MARK} update @away{version} \{{ meta mark \. @th,{inner} \}} "
    "meta mark set 0x00000000"
    for version, inner in ((4, "192,32"), (6, "256,128"))
}
NOTED = rf"meta mark set {MARK} update @away \{{ meta mark \}} meta mark set 0x00000000"
PORT_FORWARD = (
    rf"fib daddr type local (?:tcp|udp) dport {NUMBER} dnat (?:ip to {ADDRESS}|ip6 to \[{ADDRESS}\]):{NUMBER}"
)
HAIRPIN = (
    rf'meta nfproto ipv[46] iifname "{INTERFACE}" oifname "{INTERFACE}" ct status dnat'
    rf" (?:snat ip6? to {ADDRESS}|masquerade)"
)
TURNS = [
    (TURN, rf"(?:meta mark (?:@away|\. @nh,128,32 @away4|\. @nh,192,128 @away6) )?{MADE}"),
    ("sent", rf"{TO} goto {TURN}"),
    ("passed", rf'(?:iifname "{INTERFACE}" )?{TO} goto {TURN}'),
    ("passed", f"{ANSWER} goto unreached"),
    ("unreached", rf'iifname "{INTERFACE}" @th,(?:192,32|256,128) 0x[0-9a-f]+ {NOTED}'),
    ("unreached", rf'meta nfproto ipv4 iifname "{INTERFACE}" {NOTED_OF[4]}'),
    ("unreached", rf'meta nfproto ipv6 iifname "{INTERFACE}" {NOTED_OF[6]}'),
]
"""Rules of nftables that send packets in turn, each with its chain."""

IMAGE = r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,400}"
STARTED = [
    *"podman run --detach --pull never --name NS --hostname NAME --label mpc.lab=NAME".split(),
    *"--log-driver k8s-file --network ns:/run/netns/NS --volume /etc/netns/NS/hosts:/etc/hosts:ro".split(),
    *"--volume /run/mpc-NAME.d/resolv.conf:/etc/resolv.conf:ro".split(),
]
"""The words that start a container, up to those that a lab may say: variables, options, image and command."""
STARTED_BY_DOCKER = [
    *"docker run --detach --pull never --name NS --label mpc.lab=NAME --log-driver json-file".split(),
    *"--network container:NS --mount type=bind,src=/etc/netns/NS/hosts,dst=/etc/hosts,readonly".split(),
    *"--mount type=bind,src=/run/mpc-NAME.d/resolv.conf,dst=/etc/resolv.conf,readonly".split(),
]
"""The same for docker."""
BASE = [
    word for at in ("/lib", "/lib64", "/usr") for word in ("--mount", f"type=bind,src={at},dst={at},readonly")
]
"""This machine's programs, for an anchor."""
HELD = [
    *"docker run --detach --pull never --name NS --hostname NAME --label mpc.lab=NAME".split(),
    *"--log-driver json-file --network none --user 0 --cap-drop ALL --cap-add SYS_ADMIN".split(),
    *"--no-healthcheck --stop-signal KILL --env LD_PRELOAD= --env LD_LIBRARY_PATH=".split(),
    *"--mount type=bind,src=/run/netns/NS,dst=/netns,readonly --entrypoint /usr/bin/nsenter".split(),
]
"""The words that start an anchor, up to its image."""
WRAPPED = ["--volume", "FILE:/libmptcpwrap.so:ro", "--env", "LD_PRELOAD=/libmptcpwrap.so"]
"""The library by which programs get MPTCP."""
SLEEPS = ["--net=/netns", "/usr/bin/sleep", "infinity"]
"""What it does."""

COMMANDS = {
    "ip": [
        rf"netns add {NAMESPACE}",
        rf"netns del {NAMESPACE}",
        rf"link add name {INTERFACE} netns {NAMESPACE} type dummy",
        rf"link add {VETH} type veth peer {VETH}",
        rf"link add name {INTERFACE} netns {NAMESPACE} type bridge(?: {STP}| {VLANS})? mcast_snooping 0",
        rf"link add link {INTERFACE} name {INTERFACE} type vlan id {NUMBER}",
        rf"link add name {INTERFACE} netns {NAMESPACE} type vrf table {NUMBER}",
        r"rule (?:add pref 32765|del pref 0) lookup local",
        rf"link add name {INTERFACE} mtu {NUMBER} type {TUNNEL}",
        rf"link add name {INTERFACE} mtu {NUMBER} netns {NAMESPACE} type vxlan {MACHINES} nolearning",
        rf"link add name {INTERFACE} mtu {NUMBER} type bond {BOND}",
        rf"link set dev {INTERFACE} master {INTERFACE}",
        rf"link set dev teql[0-9]+ netns {NAMESPACE} name {INTERFACE}",
        rf"link set dev {INTERFACE} netns {NUMBER}(?: name teql[0-9]+)?",
        rf"link set dev {INTERFACE} up(?: alias mpc:{NAME})?",
        rf"link set dev {INTERFACE} master {INTERFACE} up",
        rf"link set dev {INTERFACE} type bridge_slave cost 2",
        rf"address add {PREFIX} dev {INTERFACE}(?: nodad)?",
        rf"route (?:add|append) (?:default|{ADDRESS}|{PREFIX}) {SOURCE}(?:table {NUMBER} )?{LEADS}",
        rf"route add {REFUSED}",
        rf"link set dev {INTERFACE} gso_max_segs 1",
        rf"link set dev {INTERFACE} address {MAC}",
        rf"rule add pref {NUMBER} (?:from {FROM}|to {ADDRESS}|iif {INTERFACE}) lookup {NUMBER}",
        rf"rule add pref {NUMBER} from {FROM} lookup main suppress_prefixlength 0",
        rf"rule add pref {NUMBER} {MARKED}",
        r"mptcp limits set subflows [0-8] add_addr_accepted [0-8]",
        rf"mptcp endpoint add {ADDRESS} dev {INTERFACE}(?: port {NUMBER})?{FLAGS}",
    ],
    "tc": [
        rf"qdisc add dev {INTERFACE} root (?:noqueue|teql[0-9]+|pfifo limit 1000)",
        rf"qdisc add dev {INTERFACE} {PLACE} (?:{NETEM}(?: rate {RATE})?|{TBF})",
        rf"qdisc add dev {INTERFACE} parent (?:1|10|20):1 (?:pfifo limit {NUMBER}|bfifo limit {NUMBER}b)",
        rf"qdisc add dev {INTERFACE} parent (?:1|10):1 (?:cake|{MANAGED})",
    ],
    "bridge": [rf"vlan add dev {INTERFACE} vid {NUMBER}(?: pvid untagged)?"],
    "sysctl": [rf"{KEY}={VALUE}"],
    "nft": [
        "add table inet mpc",
        rf"add chain inet mpc out {CHAIN}",
        r"add chain inet mpc in \{ type nat hook prerouting priority dstnat; \}",
        rf"add rule inet mpc in {PORT_FORWARD}",
        rf"add rule inet mpc out {HAIRPIN}",
        rf'add rule inet mpc out (?:meta nfproto ipv[46] )?oifname "{INTERFACE}" masquerade',
        r"add set inet mpc away \{ type mark; size 64; flags dynamic,timeout; timeout 5s; \}",
        rf"add set inet mpc away[46] \{{ {OF_PREFIXES}; size 4096; flags dynamic,timeout; timeout 5s; \}}",
        *(rf"add chain inet mpc {name} \{{ {form} \}}" for name, form in HOOKS.items()),
        rf"add chain inet mpc (?:unreached|{TURN})",
        *(f"add rule inet mpc {name} {rule}" for name, rule in TURNS),
    ],
}
"""The allowed arguments of each tool, in a call or a line of a batch."""


ROUTE = rf"(?:default|{ADDRESS}|{PREFIX})"
FACTS = [
    rf"mark mpc:{NAME}",
    rf"link {INTERFACE} mtu {NUMBER} up(?: noarp(?: void)?)?(?: master {INTERFACE})?(?: to {NAMESPACE})?",
    rf"(?:bridge|port) {INTERFACE} {NUMBER}",
    rf"tunnel {INTERFACE} {TUNNEL}",
    rf"tunnel {INTERFACE} vxlan {MACHINES} ttl auto nolearning",
    rf"bond {INTERFACE} {BOND}",
    rf"leg {INTERFACE} UP",
    rf"interface {INTERFACE} up",
    rf"teql {INTERFACE}(?: {INTERFACE})+",
    rf"type bridge (?:{STP} |{VLANS} )?mcast_snooping 0",
    rf"tag {INTERFACE} of {INTERFACE} 802\.1Q {NUMBER}",
    rf"vlan {INTERFACE} {NUMBER}(?: PVID Egress Untagged)?",
    rf"vrf {INTERFACE} table {NUMBER}",
    r"rule (?:-6 )?pref (?:1000 from all lookup \[l3mdev-table\]|32765 from all lookup local)",
    rf"connected (?:{ADDRESS}|{PREFIX}) dev {INTERFACE}",
    rf"process {NAME}(?:\.{NUMBER}|:{INTERFACE})?",
    rf"container {NAMESPACE} {IMAGE}",
    rf"attached {NAMESPACE}",
    rf"address {PREFIX} dev {INTERFACE}",
    rf"route {ROUTE} (?:table {NUMBER} )?(?:{HOP}(?: weight {NUMBER})?|{ONLINK}){SENT}",
    rf"route {REFUSED}",
    rf"rule (?:-6 )?pref {NUMBER} (?:from {FROM}|to {ADDRESS}|iif {INTERFACE}) lookup {NUMBER}",
    rf"rule (?:-6 )?pref {NUMBER} from {FROM} lookup main suppress_prefixlength 0",
    rf"rule (?:-6 )?pref {NUMBER} {MARKED}",
    rf"device {INTERFACE} gso_max_segs 1",
    rf"mac {INTERFACE} {MAC}",
    rf"name {ADDRESS} {NAME}",
    rf"nft (?:set inet mpc away[46]?|chain inet mpc (?:sent|passed|unreached|{TURN}))",
    r"nft in inet mpc away: (?:type mark|size 64|flags dynamic,timeout|timeout 5s)",
    rf"nft in inet mpc away[46]: (?:{OF_PREFIXES}|size 4096|flags dynamic,timeout|timeout 5s)",
    *(f"nft in inet mpc {name}: {form}" for name, form in HOOKS.items()),
    *(f"nft in inet mpc {name}: {rule}" for name, rule in TURNS),
    r"limits subflows [0-8] add_addr_accepted [0-8]",
    rf"endpoint {ADDRESS} dev {INTERFACE}(?: port {NUMBER})?{FLAGS}",
    rf"sysctl {KEY} = (?:{VALUE})?",
    r"nft (?:chain )?inet mpc(?: out| in)?",
    rf'nft in inet mpc out: (?:meta nfproto ipv[46] )?oifname "{INTERFACE}" masquerade',
    rf"nft in inet mpc out: {HAIRPIN}",
    rf"nft in inet mpc in: (?:{PORT_FORWARD}|type nat hook prerouting priority dstnat;)",
    r"nft in inet mpc out: type nat hook postrouting priority srcnat;",
    rf"qdisc {INTERFACE} {NUMBER}",
]
"""The facts that a check compares a namespace with."""

EVENTS = [
    rf"link set dev {INTERFACE} (?:up|down)",
    rf"address replace {PREFIX} dev {INTERFACE}(?: nodad)?",
    rf"route replace {ROUTE} {SOURCE}(?:table {NUMBER} )?{LEADS}",
    rf"qdisc change dev {INTERFACE} {PLACE} (?:{NETEM}(?: rate {RATE})?|{TBF})",
    rf"qdisc change dev {INTERFACE} parent (?:1|10|20):1 (?:pfifo limit {NUMBER}|bfifo limit {NUMBER}b)",
    rf"qdisc change dev {INTERFACE} parent (?:1|10):1 (?:cake|{MANAGED})",
    rf"qdisc del dev {INTERFACE} root",
    r"qdisc replace dev lo root (?:tbf|netem|pfifo|bfifo|fq_codel|cake|pie|red)(?: [a-z0-9]+)*",
]
"""The commands of a play besides those of labs."""

LONE = rf"{HOP}(?: weight 1)?(?: src {ADDRESS})?"
SHARED = rf"(?:{WEIGHED}|\$h[0-9]+)"
BRIEF = [
    rf"within {NAMESPACE} ip -batch - </dev/null",
    rf"h[0-9]+='(?:{WEIGHED}|{HOP})'",
    rf'mine && routes "{SOURCE}(?:{LONE}|{SHARED}(?: {SHARED})*)" [0-9a-f.:/{{}},]+',
]
"""Routes as brace expressions."""

CALLS = "ask be_alone begin compare compare_all compare_lab file refer refer_bridges throughput".split()
CALLS += "need_nodes need_queues row reverse record likely over".split()
CALLS += "alter again await happened within await_ports await_port await_run_port await_anchor".split()
CALLS += "meanwhile hear_tests refer_containers await_legs need_address need_route join_machines".split()
CALLS += "need_uplink raise_uplink find_servers".split()
CALLS += "need_slots take_slots take_slot load_teql capture attach need_attached".split()
CALLS += "see_wrapped make_device write_first".split()
"""The functions that scripts consist of besides the commands of labs."""

CONTAINER = rf"(?:podman|docker):{NAMESPACE}"
UNDONE = (
    rf"ip link del dev {INTERFACE}|ip address del {PREFIX} dev lo|nft delete table inet mpc"
    rf"|ip (?:-6 )?rule del pref {NUMBER} (?:(?:from|to) {ADDRESS}|iif {INTERFACE}) lookup {NUMBER}"
)
"""Commands that take away what is added to an attached namespace."""
UNDO = rf"limits|endpoint {ADDRESS}|{UNDONE}"
"""The rows by which that is done."""
_NOTE = re.compile(
    rf"up|made /(?:etc|run)/netns|made /run/mpc-{NAME}\.d|(?:namespace|attached) {NAMESPACE}|source [ -~]*"
    rf"|container {CONTAINER}|slot {NAMESPACE} {INTERFACE} teql[0-9]+|module sch_teql"
    r"|capture [ -~]*\.pcap"
    rf"|inode /run/netns/{NAMESPACE} \d+ [0-9.: +-]+|plan [0-9a-f]{{12}}"
    r"|since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+"
)
_HOST = re.compile(rf"{ADDRESS} [A-Za-z0-9_.-]+|# mpc:{NAME}|# This lab has no name server\.")
_COMMAND = {tool: re.compile("|".join(patterns)) for tool, patterns in COMMANDS.items()}


def is_command(tool: str, arguments: str) -> bool:
    """Whether arguments of a tool, joined by spaces, are a command of a lab."""
    return _COMMAND[tool].fullmatch(arguments) is not None


def is_note(line: str) -> bool:
    """Whether a line may be in the claim."""
    return _NOTE.fullmatch(line) is not None


def is_host(line: str) -> bool:
    """Whether a line may be in a namespace's hosts file."""
    return _HOST.fullmatch(line) is not None


# --- a script's text --------------------------------------------------------------------------------

PATTERN = """
lab Pattern
routing shortest aggregate
pool 10.0.0.0/8
pool fd00:77::/48
host Qa address 192.0.2.1 on dummy0
host Qb
router Qc Qd Qe
switch Qf Qg Qh stp on
link Qf -- Qg -- Qh -- Qf
link {Qa,Qb} -- Qf
link {Qa,Qb} -- {Qc,Qd} rate 5mbit queue 10p delay 2ms
link {Qc,Qd} -- Qe -- Qb rate 9mbit delay 2ms
mptcp Qa -- Qb
masquerade Qe
masquerade Qd out Qe ipv4
forward Qe tcp 80 to Qb:80
forward Qe udp 80 to Qb:81
host Qm address none
router Qn address none
link Qm -- {Qn,Qe}
link Qn -- Qc mac 02:00:00:00:00:01 none
uplink Qe to Pattern
container Qi image pattern ready 80 mptcpize on
container Qj image pattern ready "true"
container Qk image pattern engine docker
container Ql attach "Pattern"
link {Qi,Qj,Qk,Ql} -- Qe
mptcp Ql -- Qb
masquerade Ql
run Qi inside "true" ready "true"
run Qk inside "true" ready "true"
run Ql inside "true" ready "true"
sysctl Qa net.Pattern=1
run Qa "true" ready "true" env Q=1
run Qb "true" ready 80
device {Qa:Qm,Qb:Qm} "true" "exit 0"
device Qc:Qq "true" address 192.0.2.9/24
device Qf:Qo "true"
device Ql:Qp "true"
capture {Qa:Qc,Qc:Qa}
capture Qb:Qc snap 96
capture Qa:Qm
expect Qa -> Qb reachable
expect Qa -> Qb rate >= 1kbit using mptcp
bench Qa -> Qb using tcp reverse, mptcp capture Qa:Qc
at 1s shape Qa -> Qc rate 1mbit
at 2s down Qa -- Qc
route Qa to 198.51.100.0/24 dev Qa:Qc
route Qc to 198.51.100.0/24 blackhole
route Qc from 198.51.100.0/24 to default prohibit metric 9
route Qc from 198.51.100.1 to 192.0.2.1 via Qa
sysctl {Qa,Qb} net.ipv4.conf.Qc.rp_filter=1
switch Qo
link Qa -- Qo vlan 10 rate 9mbit queue red ecn
link Qb -- Qo vlan 20 rate 9mbit queue fq_codel
link Qe -- Qo trunk 10,20 rate 9mbit queue pie loss gemodel 1% 10% duplicate 45% 5% slot 1ms
sysctl Qa net.ipv4.tcp_ecn=1
"""
ONE_FAMILY = """
lab Pattern
routing shortest failover
pool {}
host Qa Qb
router Qc Qd
link {{Qa,Qb}} -- {{Qc,Qd}}
tunnel Qa -- Qb via Qc kind vxlan
tunnel Qa -- Qb via Qc kind gre
tunnel Qa -- Qb via Qc kind ipip
link Qc -- Qd
link Qc -- Qd
bond Qc -- Qd over Qc:Qd Qc:Qd.2
link Qc:Qm -- Qd
link Qc:Qn -- Qd
teql Qc -- Qd over Qc:Qm Qc:Qn
host Qe
link Qe -- {{Qc,Qd}}
tunnel Qb -- Qe via Qc
tunnel Qb -- Qe via Qd
bond Qb -- Qe
spray Qa -- Qb
route Qb to default via Qc, Qd per-packet
route Qa to Qb via Qc, Qd metric 2000
at 1s down Qa -- Qc
"""
SEVERAL = """\
lab Pattern
machine Pattern ssh "192.0.2.1"
machine Other ssh "192.0.2.2"
host Qa Qb
link Qa -- Qb
place Qa on Pattern
place Qb on Other
at 1s down Qa -- Qb
bench Qa -> Qc using tcp
host Qc
link Qa -- Qc
place Qc on Pattern
uplink Qa
"""
"""A lab over several machines, one of which measures nothing."""
VRFS = """\
lab Pattern
pool 10.0.0.0/8
pool fd00::/16
host Qa Qb
router Qc
link {Qa,Qb} -- Qc vrf Qv
link {Qa,Qb} -- Qc vrf Qw
route Qc vrf Qv to 198.51.100.0/24 via Qb
container Qi image pattern  # without the name servers of an uplink
"""
LEAST = "lab Pattern\nrouting none\nhost Qa Qb\nrouter Qc\nlink Qa -- Qc -- Qb\n"

PATTERNS = (PATTERN, ONE_FAMILY.format("10.0.0.0/8"), ONE_FAMILY.format("fd00::/48"), SEVERAL, VRFS, LEAST)
"""Labs with everything that a script can contain, under recognizable names."""


def strange_lines(script: str) -> list[str]:
    """The lines of a script that are neither a command of a lab nor a known line around commands."""
    rest = _MADE.sub("", _SLOTS.sub("", _STARTS.sub(_started, script)))
    return [line for line in rest.splitlines() if not _is_known(line)]


_SLOTS = re.compile(
    rf"^take_slots <<'END'\n(?:{NAMESPACE} {INTERFACE}(?: {INTERFACE})+\n)+END\n", re.MULTILINE
)
"""Which namespaces take teql devices, what these are called there, and the legs of each."""


_MADE = re.compile(rf"^make_device {NAMESPACE} {NAME} {INTERFACE} <<'(END_*)'\n(?:.*\n)+?\1\n", re.MULTILINE)
"""The commands that make a device, whatever they are, in an unbroken here-document."""


_STARTS = re.compile(r"^start(?:_inside)? (\S+) (\S+) <<'(\w+)'\n(.*)\n((?:.*\n)*?)\3\n", re.MULTILINE)


def _started(start: re.Match[str]) -> str:
    """An empty text for the lines that start a process, with any command in an unbroken here-document."""
    namespace, name, _, _, environment = start.groups()
    fits = is_process("".join(shlex.split(namespace)), name, environment.splitlines())
    return "" if fits else start[0]


@lru_cache(maxsize=100_000)
def _is_known(line: str) -> bool:
    known = _frames().fullmatch(line) or _BATCHED.fullmatch(line) or _PLAIN.fullmatch(line)
    known = known or _IMAGE.fullmatch(line) or _MACHINE.fullmatch(line) or _ATTACHED.fullmatch(line)
    known = known or re.fullmatch(UNDO, line) or _HERE.fullmatch(line)
    own = (_is_plain, _is_call, _is_start, _is_claim, _is_contained, _is_need)
    return bool(known) or any(is_own(line) for is_own in own)


_HERE = re.compile(
    rf"\[\[ -n \$\(ip -o address show to {ADDRESS}\) \]\] \|\|"
    rf' say "warning: this is not {NAME}, as it does not have the address {ADDRESS}"'
)
"""How a check looks whether this is its machine."""
_ATTACHED = re.compile(rf"# Attached: {NAMESPACE} of (?:podman|docker), as {NAMESPACE}")
_MACHINE = re.compile(rf"# Machine: {NAME}, which others reach at {ADDRESS}")
_IMAGE = re.compile(rf"# Image: {IMAGE} of (?:podman|docker), for {NAME}(?: {NAME})*")


_KNOWN = re.compile(
    rf"a command line that bash takes, for {NAME}:{INTERFACE}"
    r"|the command [A-Za-z0-9_./+-]+(?: \(package \S+\))?"
    r"|devices of the type \w+|tun and tap devices \(module tun\)"
)
"""What is known of the commands of devices before they are run."""


def _is_need(line: str) -> bool:
    """Whether a line tests for what such a command needs, and runs none."""
    words = _words(line) if line.startswith("need ") else []
    if not words or join(words) != line or not _KNOWN.fullmatch(words[1]):
        return False
    reads, asks = (
        words[2:6] == ["bash", "-n", "-c", "--"],
        words[2:4] == ["bash", "-c"] and words[5] == "bash",
    )
    return (len(words) == 7 and (reads or asks)) or words[2:] == ["test", "-c", "/dev/net/tun"]


def _is_contained(line: str) -> bool:
    """Whether a line starts a container, or waits for a command of the user's, which may be anything."""
    if not re.match(r"(?:contain |wrap |hold \S+ )?(?:podman|docker) run |await_command |await_run ", line):
        return False
    line = re.sub(r'^(podman|docker) run "\$\{(?:BASE|WRAPPER)\[@\]\}" ', r"\1 run ", line)
    words = shlex.split(line)
    if join(words) != line:
        return False
    if words[0] == "await_run":
        return re.fullmatch(LOG, words[1]) is not None and is_trial(words[2:])
    if words[0] in ("await_command", "hold") and not re.fullmatch(NAMESPACE, words[1]):
        return False
    return words[0] == "await_command" or is_container(
        words[{"contain": 1, "wrap": 1, "hold": 2}.get(words[0], 0) :]
    )


def is_container(words: Sequence[str]) -> bool:
    """Whether words start a container of a lab: as mpc has it, and then with what a lab may say."""
    words = [*words[:2], *words[2 + len(BASE) :]] if list(words[2:][: len(BASE)]) == BASE else words
    if [re.sub("^/.*:/", "FILE:/", word) for word in words[2:6]] == WRAPPED:
        words = [*words[:2], *words[6:]]
    if _begins(HELD, words):
        image, *rest = words[len(HELD) :]
        return re.fullmatch(IMAGE, image) is not None and rest == SLEEPS
    started = STARTED if words[0] == "podman" else STARTED_BY_DOCKER
    if not _begins(started, words):
        return False
    rest = list(words[len(started) :])
    while rest[:1] == ["--env"] and re.match(r"[A-Za-z_][A-Za-z0-9_]*=", rest[1]):
        rest = rest[2:]
    while rest and re.match(r"-[A-Za-z](?:=|$)|--[a-z][a-z0-9-]*(?:=|$)", rest[0]):
        rest = rest[1:]
    return bool(rest) and re.fullmatch(IMAGE, rest[0]) is not None


def _begins(fixed: Sequence[str], words: Sequence[str]) -> bool:
    """Whether words begin with others, in which NS and NAME are any names."""
    forms = (word.replace(".", r"\.").replace("NS", NAMESPACE).replace("NAME", NAME) for word in fixed)
    return len(words) >= len(fixed) and all(map(re.fullmatch, forms, words))


_TOOL = rf"(?:(?:ip|tc|nft|sysctl|bridge)(?: -[a-z0-9]+)*(?: {NAMESPACE})? )?"
_BATCHED = re.compile(
    _TOOL
    + "(?:"
    + "|".join(shape for shapes in (*COMMANDS.values(), FACTS, EVENTS, BRIEF) for shape in shapes)
    + ")"
)


CONTAINED = rf"{CONTAINER}(?: {CONTAINER})*"
NAMES = rf"(?:{NAMESPACE}|'{NAMESPACE}')(?: (?:{NAMESPACE}|'{NAMESPACE}'))*"
SETS = rf"(?:{KEY}|net\.ipv[46]\.conf\.\{{all,default,lo(?:,[A-Za-z0-9_./-]{{1,15}})*\}}\.[a-z_]+)"
CALLED = "[A-Za-z0-9_:. -]+(?:, [A-Za-z0-9_.-]+)*(?: and [0-9]+ more)?(?: via [A-Za-z0-9_., -]+)?"
"""The comment after a route or a rule in the plain style."""
_PLAIN = re.compile(
    rf"(?:NAMESPACES|ATTACHED|PCAPS)=\((?:{NAMES})?\)|CONTAINERS=\((?:{CONTAINED})?\)|  {NAMES}|  {CONTAINED}"
    rf"|WIRES=\(|  '{NAMESPACE}(?: {INTERFACE})+'"
)


def _is_plain(line: str) -> bool:
    """Whether a line is one command, quoted for bash, with a comment that names its addresses."""
    if line.startswith(("ip ", "tc ", "bridge ")) and " sysctl -qw" not in line:
        command, _, called = line.partition("  # ")
        words = shlex.split(command)
        known = join(words) == command and _BATCHED.fullmatch(" ".join(_inside(words)))
        return known is not None and (not called or re.fullmatch(CALLED, called) is not None)
    line = re.sub(rf"^ip netns exec (?:{NAMES}) sysctl -qw", " ", line).removesuffix(" \\")
    return line.startswith("  net.") and all(map(_is_set, _split(line[2:])))


def _split(line: str) -> list[str]:
    """The words of a line, with their quotes."""
    return re.findall(r"(?:[^\s'\"]|'[^']*'|\"[^\"]*\")+", line)


def _is_set(word: str) -> bool:
    """Whether a word sets a sysctl to a value that needs no further quotes."""
    key, _, value = word.partition("=")
    return re.fullmatch(SETS, key) is not None and join(shlex.split(value)) == value


def _is_start(line: str) -> bool:
    """Whether a line of the plain style starts a process, with a command as one word."""
    starts = line.startswith(("start ", "start_inside ", "make_device ")) and " <<'" not in line
    words = shlex.split(line) if starts else []
    if words[:1] == ["make_device"]:
        forms = zip((NAMESPACE, NAME, INTERFACE), words[1:], strict=False)
        return len(words) > 4 and join(words) == line and all(re.fullmatch(*one) for one in forms)
    return len(words) > 3 and join(words) == line and is_process(words[1], words[2], words[4:])


def _is_claim(line: str) -> bool:
    """Whether a line of the plain style writes the lab's claim, with quoted words."""
    notes, _, rest = line.partition(' "since $(')
    words = shlex.split(notes) if line.startswith("printf ") and rest else []
    return len(words) == CLAIMS and join(words) == notes and all(map(is_note, words[2:])) and rest in _SINCE


CLAIMS = 4
_NOTED = """date '+%F %T %Z')" "${NAMESPACES[@]/#/namespace }\""""
_MORE = (' "${CONTAINERS[@]/#/container }"', ' "${ATTACHED[@]/#/attached }"')
_SINCE = tuple(f'{_NOTED}{more} >"$CLAIM"' for more in ("", *_MORE, "".join(_MORE)))


def _is_call(line: str) -> bool:
    """Whether a line calls a function of a script with words that need no quotes."""
    call = line.removeprefix("  ").removesuffix(" <<'END'")
    words = _words(call) if call.split(" ")[0] in CALLS else []
    return bool(words) and join(words) == call and all(re.fullmatch(_HARMLESS, word) for word in words)


def _words(line: str) -> list[str]:
    """The words of a line; none if it is no whole command."""
    try:
        return shlex.split(line)
    except ValueError:
        return []


_HARMLESS = r"[A-Za-z0-9_.,:;%>=/ -]+"


LOG = rf"{NAME}(?:\.{NUMBER}|:{INTERFACE})?"
"""The name of what a process writes its log to."""


def is_trial(words: Sequence[str]) -> bool:
    """Whether words run a command of the user's, by bash or in a container."""
    if words[0] in ("podman", "docker"):
        return words[1] == "exec" and re.fullmatch(NAMESPACE, words[2]) is not None
    fixed = ["ip", "netns", "exec", "bash", "-c", "--"]
    return len(words) == 8 and [*words[:3], *words[4:7]] == fixed and bool(re.fullmatch(NAMESPACE, words[3]))


def is_process(namespace: str, name: str, environment: Sequence[str]) -> bool:
    """Whether a process of a lab can have this namespace, log name and environment."""
    names = re.fullmatch(NAMESPACE, namespace) and re.fullmatch(LOG, name)
    return bool(names) and all(re.match(r"[A-Za-z_][A-Za-z0-9_]*=", word) for word in environment)


def _inside(words: list[str]) -> list[str]:
    """The command that a command runs in a namespace, or the command itself."""
    return words[4:] if words[:3] == ["ip", "netns", "exec"] else words


_USAGE = r"usage: bench\.sh \[--tsv \| --json\] \[--repeat N\](?: \[--during-play\])?(?: \[--captures DIR\])?"
"""Options of a bench are those that something in the lab calls for."""


@cache
def _frames() -> re.Pattern[str]:
    """The lines around commands in the scripts of PATTERNS, with any names."""
    lines: set[str] = set()
    for compilation in (Compilation("Pattern.topo", text) for text in PATTERNS):
        kinds = [("up", Style.PLAIN), *((kind, Style.BATCH) for kind in compilation.kinds)]
        scripts = [
            "".join(compilation.pieces(*kind, name)) for name in compilation.machines for kind in kinds
        ]
        lines |= {line for script in scripts for line in script.splitlines()}
    return re.compile("|".join([_HOST.pattern, "plan [0-9a-f]{12}", _USAGE, *sorted(map(_frame, lines))]))


def _frame(line: str) -> str:
    """A regular expression for a line of the scripts of PATTERNS, with any names."""
    pattern = re.escape(line).replace(r"Pattern\.topo", "[ -~]*").replace(r"net\.Pattern", KEY)
    pattern = re.sub(r"Pattern\\-Q[a-o]", f"(?:{NAMESPACE}|'{NAMESPACE}')", pattern)
    pattern = pattern.replace(r"await_legs\ 8\ ", r"await_legs\ [18]\ ")
    return pattern.replace("Pattern", NAME)
