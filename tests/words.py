"""Words for hostile labs, with a meaning to a shell, the kernel, a terminal, or the language."""

from hypothesis import strategies as st

PRINTED = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], include_characters="\t")
"""The characters that strings of the language may contain, most of them."""

BASH = "' \" ` ; & | \\ { } [ ] ( ) < > # * ~ ! $ = % / , -- -> -n -batch --help $(reboot) ${IFS} <<X".split()
BASH += "&&reboot >/run/x \\' '\"'\"' $'\\n' !! SYSCTL END IP TC HOSTS EOF".split()
"""Words with a meaning to a shell, and delimiters of here-documents."""

ODD = list("\0\b\n\r\f\v\x7f\x85\xa0\u0661\u0430\u200b\u2028\u202e\u2066\ufeff\uff0d\N{SNOWMAN}\U000e0041")
ODD += ["\x1b[31m", "e\u0301"]
"""Characters that look like others, or are invisible."""

LONG = ["a" * 70_000, "9" * 5000, "a-" * 3000 + "a", "\\\n" * 500]
LONG += [sign * 2000 for sign in "-:[{"]

KNOWN = "a b c d a b c d a b c d s a:c b:d".split()
"""Nodes and interfaces of LAB, nodes more often than interfaces."""

NAMES = "a b c d a:c b:d a:-x a:..x a:. a:.. a:lo a:all a:dummy0 c: :c h-1 A up host rate link".split()
NAMES += "default lo all mpc localhost dummy0 END HOSTS".split()
NAMES += ["x" * 63, "x" * 64, "a:" + "y" * 15, "a:" + "y" * 16]

VALUES = "0 1 -1 08 0x10 1e9 256 65536 1mbit 0.5kbit 1tbit 1.1tbit 5ms 2147s 1% 100% 101% 10p 64kb".split()
VALUES += "10.0.0.0/30 10.0.0.1/30 10.0.0.2/30 0.0.0.0/0 10.0.0.0/8 255.255.255.255/32".split()
VALUES += "10.0.0.1/255.0.0.0 192.0.2.1 fd00::/126 fd00::1/126 fd00::2/126 ::/0 fe80::1%eth0".split()
VALUES += "fe80::1/64 ::ffff:10.0.0.1/128 2001:db8::1 dummy0 dummy999999999 net. net.x".split()
VALUES += "net.ipv4.conf.a.rp_filter net.ipv4.conf.c/2.rp_filter net.ipv4/../x kernel.core_pattern".split()
VALUES += ["a[1]", "h[0..3]", "9" * 19, "1" * 41 + "mbit", "0." + "3" * 39 + "%"]

STRINGS = ['"1"', '"4096 1"', '""', '" "', '"a\tb"', '"a\\"b"', '"\\\\"', '"\'; reboot #"', '"$(reboot)"']
STRINGS += ['"`id`"', '"-w"', '"SYSCTL"', '"END"', '"%s%n"', '"\u202e"', f'"{"v" * 255}"', f'"{"v" * 256}"']

HOSTILE = [*BASH, *ODD, *LONG, *NAMES, *VALUES, *STRINGS]

FILE_NAMES = "lab.topo lab .topo .. - $(reboot).topo `id`.topo '.topo \" } x\\ é.topo \u202e.topo".split(" ")
FILE_NAMES += ["", "a b.topo", "lab\nreboot\n#.topo", "lab\rx.topo", "\udcff.topo"]

FITTING = {
    "LAB PROFILE": "p wan host END",
    "RATE BURST QUEUE": "1mbit 64kb 10p 1tbit 2047mb",
    "DELAY JITTER": "5ms 0ms 1us 2147s",
    "LOSS DUPLICATE CORRUPT REORDER": "1% 0% 100% 0.000001%",
    "MTU COST WEIGHT PORT": "1 68 256 1280 65535",
    "SUBFLOWS ACCEPT": "0 1 8",
    "POOL SUBNET": "10.0.0.0/8 fd00::/48 192.168.0.0/30 fd01::/127",
    "ADDRESS": "10.9.9.9/32 fd09::9/128 192.168.1.1/30 192.168.1.2/30",
    "ON NETNS": "dummy0 dummy999999999 lo n.s END " + "x" * 128,
    "RTT": "0ms..1ms 40ms..44ms 2ms..1ms 1ms",
    "_AT_LEAST": "1mbit 9kbit 1tbit",
    "TCP UDP": "1 8 128 129",
    "AT _DURING": "1s 10s 0s 1500ms",
    "EQUAL": "1 bbr END a:b net.x",
}
"""Words that are often valid after a keyword."""

KEYS = "net.x net.ipv4.tcp_ecn net.ipv4.tcp_rmem net.ipv4.tcp_sack net.ipv4.conf.c.rp_filter".split()

LAB = """\
host a b
router c d h-1
link {a,b} -- {c,d} rate 5mbit
link c:x -- h-1
link a:-x -- b
switch s
link {a,c} -- s
"""
"""A lab with the names of KNOWN."""
