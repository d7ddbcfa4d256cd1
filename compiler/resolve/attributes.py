"""The attributes of links: their values, and the precedence of default, profile, link and shape."""

import re
from collections.abc import Callable, Iterable
from ipaddress import ip_interface, ip_network
from typing import NamedTuple, TypeVar

from compiler.ground import units
from compiler.ground.diagnostics import Diagnostics, Note
from compiler.ground.source import Span
from compiler.language import syntax
from compiler.model.links import MOST_VLAN, MOST_VNI
from compiler.model.networks import AddressWithPrefix, Network, bounds
from compiler.resolve import varied

MOST_OVERHEAD = 255
"""Bytes that a link adds to each frame; those of Ethernet are 24."""

VALUES: dict[str, Callable[[str], object]] = {
    "rate": units.rate,
    "delay": units.delay,
    "jitter": units.jitter,
    "distribution": units.distribution,
    "loss": units.percent,
    "duplicate": units.percent,
    "corrupt": units.percent,
    "reorder": units.percent,
    "slot": units.time,
    "queue": units.queue,
    "burst": units.size,
    "overhead": lambda word: units.number(word, 0, MOST_OVERHEAD),
    "mtu": lambda word: units.number(word, 68, 65535),
    "cost": lambda word: units.number(word, 1, 2**32 - 1),
    "vni": lambda word: units.number(word, 1, MOST_VNI),
    "vlan": lambda word: units.number(word, 1, MOST_VLAN),
    "trunk": lambda word: units.number(word, 1, MOST_VLAN),
    "private": bool,
    "vrf": str,
}
PER_DIRECTION = tuple(
    name for name in VALUES if name not in ("mtu", "cost", "vni", "vlan", "trunk", "private", "vrf")
)
SHARED = tuple(name for name in VALUES if name not in ("vni", "vlan", "trunk", "vrf"))
"""The attributes that several links can have alike."""


Quantity = TypeVar("Quantity")


class Value(NamedTuple):
    """An attribute's value, the place where it is set, and its words for tc(8) where these are several."""

    value: object
    span: Span
    words: tuple[str, ...] = ()


Values = dict[str, Value]


Ends = tuple[AddressWithPrefix | None, ...]
"""The addresses of the ends of a link, where `none` is None: of one or of both."""


class LinkAttributes:
    """The attributes of one `link` statement: values by name, and pinned subnets, addresses and MAC
    addresses."""

    def __init__(self) -> None:
        self.values: Values = {}
        self.subnets: list[tuple[Network, Span]] = []
        self.addresses: list[tuple[Ends, Span]] = []
        self.macs: list[tuple[tuple[str | None, ...], Span]] = []
        self.is_trunk = False
        """Whether each of several VLANs has addresses."""


def read(
    items: Iterable[syntax.Attribute], allowed: Iterable[str], where: str, diagnostics: Diagnostics
) -> LinkAttributes:
    """The attributes of one statement; those not `allowed` are reported, as attributes that `where` lacks."""
    found = LinkAttributes()
    items = tuple(items)
    found.is_trunk = any(item.keyword.text == "trunk" for item in items)
    for item in items:
        name = item.keyword.text
        if name not in allowed:
            help = f"set it on a `link`; {where} takes {', '.join(allowed)}"
            diagnostics.error("MPC302", f"{where} cannot set `{name}`", item.span, "not here", help)
        elif name == "subnet":
            _read_subnet(item, found, diagnostics)
        elif name == "address":
            _read_addresses(item, found, diagnostics)
        elif name == "mac":
            _read_macs(item, found, diagnostics)
        else:
            _read_value(item, found.values, diagnostics)
    return found


def _read_value(item: syntax.Attribute, values: Values, diagnostics: Diagnostics) -> None:
    name = item.keyword.text
    if name in varied.READERS:
        if found := varied.READERS[name](item.words, diagnostics):
            merge(values, {name: Value(found[0], item.span, found[1])}, diagnostics)
        return
    value = quantity(item.value, VALUES[name], name, diagnostics)
    if name == "queue" and item.second and isinstance(value, units.Queue):
        value = _marking(value, item, diagnostics)
    if value is not None:
        merge(values, {name: Value(value, item.span)}, diagnostics)


def _marking(queue: units.Queue, item: syntax.Attribute, diagnostics: Diagnostics) -> units.Queue | None:
    """A queue that marks packets; one that drops at its tail has nothing to mark."""
    if queue.discipline is None:
        message = "a queue that drops at its tail marks no packets"
        help = "disciplines mark them: write `queue fq_codel ecn`, or leave `ecn` out"
        diagnostics.error("MPC313", message, item.span, "no discipline", help)
        return None
    return queue._replace(ecn=True)


def quantity(
    word: syntax.Word, form: Callable[[str], Quantity], what: str, diagnostics: Diagnostics
) -> Quantity | None:
    """A quantity; reports a malformed one, and warns of a rate in bytes, as bits may be meant."""
    try:
        value = form(word.text)
    except units.UnitError as error:
        diagnostics.error("MPC301", str(error), word.span, f"value of `{what}`", error.help)
        return None
    if form is units.rate and (bits := units.bits_for_bytes(word.text)):
        assert isinstance(value, int)
        rate = units.format_rate(value)
        message = f"`{word.text}` is {rate}: as in tc(8), `bps` is bytes a second"
        help = f"did you mean `{bits}`? Where bytes are meant, write `{rate}`"
        diagnostics.warning("MPC760", message, word.span, "bytes a second", help)
    return value


def merge(into: Values, values: Values, diagnostics: Diagnostics) -> None:
    """Adds values to others of the same precedence; an attribute that is set twice is an error."""
    for name, value in values.items():
        if name in into:
            first = Note("first set here", into[name].span)
            diagnostics.error("MPC206", f"`{name}` is set twice", value.span, "set again", "", first)
        else:
            into[name] = value


def _read_subnet(item: syntax.Attribute, found: LinkAttributes, diagnostics: Diagnostics) -> None:
    if subnet := read_subnet(item.value, "a link", "10.0.0.0/30", diagnostics):
        _once_a_family(subnet.version, found, item.span, diagnostics)
        found.subnets.append((subnet, item.span))


def read_subnet(word: syntax.Word, of: str, like: str, diagnostics: Diagnostics) -> Network | None:
    """A subnet that interfaces can have addresses in; messages say `of` what, with `like` as an example."""
    subnet = read_network(word)
    if subnet is None:
        bad_network(word, like, diagnostics)
        return None
    if has_unusable(subnet.version, *bounds(subnet)):
        message = f"addresses of `{subnet}` cannot be given to interfaces"
        diagnostics.error("MPC407", message, word.span, "not for hosts", NO_ADDRESSES_HELP)
        return None
    if subnet.max_prefixlen - subnet.prefixlen < 1:
        message = f"`{subnet}` is too small for {of}"
        diagnostics.error("MPC405", message, word.span, "holds one address", f"{of} needs two")
        return None
    return subnet


def _read_addresses(item: syntax.Attribute, found: LinkAttributes, diagnostics: Diagnostics) -> None:
    words = (item.value, item.second) if item.second else (item.value,)
    ends = tuple(None if word.text == "none" else read_address(word, diagnostics) for word in words)
    own = [end for end in ends if end]
    if len(own) < sum(word.text != "none" for word in words):
        return
    if len(own) > 1 and (own[0].network != own[1].network or own[0].ip == own[1].ip):
        message = f"`{own[0]}` and `{own[1]}` are not two addresses of one subnet"
        diagnostics.error("MPC404", message, item.span, "the ends of one link", "")
        return
    known = {end.ip: span for others, span in found.addresses for end in others if end}
    if again := next((end for end in own if end.ip in known), None):
        first = Note("the other one", known[again.ip])
        message = f"the address `{again.ip}` is pinned twice"
        diagnostics.error("MPC403", message, item.span, "pinned again", "", first)
        return
    if own:
        _once_a_family(own[0].version, found, item.span, diagnostics, several=True)
    found.addresses.append((ends, item.span))


MAC = re.compile(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")


def _read_macs(item: syntax.Attribute, found: LinkAttributes, diagnostics: Diagnostics) -> None:
    """The MAC addresses of ends; reports what is none, or that of a group, which no interface can have."""
    words = (item.value, item.second) if item.second else (item.value,)
    for word in (word for word in words if word.text != "none"):
        is_own = MAC.fullmatch(word.text) and not int(word.text[1], 16) & 1 and word.text.strip("0:")
        if not is_own:
            is_mac = MAC.fullmatch(word.text)
            message = f"`{word.text}` {'cannot be that of an interface' if is_mac else 'is no MAC address'}"
            label = "of a group, or of nobody" if is_mac else "not six bytes in hexadecimal digits"
            help = "write one of your own, like `02:00:00:00:00:01`: its first byte is even"
            diagnostics.error("MPC414", message, word.span, label, help)
            return
    if found.macs:
        first = Note("first set here", found.macs[0][1])
        diagnostics.error("MPC206", "`mac` is set twice", item.span, "set again", "", first)
        return
    macs = tuple(None if word.text == "none" else word.text.lower() for word in words)
    found.macs.append((macs, item.span))


def _once_a_family(
    version: int, found: LinkAttributes, span: Span, diagnostics: Diagnostics, *, several: bool = False
) -> None:
    """Reports addresses of a family beside a subnet of it, or of two subnets; `several` addresses may be."""
    if found.is_trunk:
        return
    places = [place for subnet, place in found.subnets if subnet.version == version]
    others = [] if several else found.addresses
    places += [place for ends, place in others for end in ends if end and end.version == version]
    if places:
        message = f"the IPv{version} addresses of this link are set twice"
        diagnostics.error("MPC206", message, span, "set again", "", Note("first set here", places[0]))


def read_network(word: syntax.Word, *, of_one: bool = False) -> Network | None:
    """A network without host bits, or None; with `of_one`, an address alone is a network too."""
    known = ("/" in word.text or of_one) and "%" not in word.text
    try:
        return ip_network(word.text) if known else None
    except ValueError:
        return None


def bad_network(word: syntax.Word, like: str, diagnostics: Diagnostics) -> None:
    """Reports a word that `read_network` rejects; `like` is an example of a network."""
    message, help = f"`{word.text}` is not a network", f"write it with its prefix length, like `{like}`"
    try:
        found = ip_interface(word.text)
    except ValueError:
        pass
    else:
        if "/" in word.text:
            message = f"`{word.text}` has bits set beyond its prefix length"
            help = f"did you mean `{found.network}`?"
        else:
            message = f"`{word.text}` has no prefix length"
    diagnostics.error("MPC401", message, word.span, "not a network", help)


def read_address(
    word: syntax.Word, diagnostics: Diagnostics, *, on_link: bool = True
) -> AddressWithPrefix | None:
    """An address that an interface can have; with `on_link`, a prefix length is required.

    A node address may be the first of its prefix, as the kernel accepts it; on a link, neighbours could not
    reach that address.
    """
    try:
        found = ip_interface(word.text)
    except ValueError:
        found = None
    if found is None or "%" in word.text or (on_link and "/" not in word.text):
        message = f"`{word.text}` has no prefix length" if found else f"`{word.text}` is not an address"
        help = "write an address and its prefix length, like `10.0.0.1/30` or `fd00::1/126`"
        diagnostics.error("MPC401", message, word.span, "not an address with its length", help)
        return None
    if has_unusable(found.version, int(found), int(found)) or (on_link and not _is_inner(found)):
        message = f"`{word.text}` cannot be the address of an interface"
        diagnostics.error("MPC407", message, word.span, "not a host's address")
        return None
    return found


NO_ADDRESSES = {
    4: [bounds(ip_network(prefix)) for prefix in ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3")],
    6: [bounds(ip_network(prefix)) for prefix in ("::/16", "fe80::/9", "ff00::/8")],
}
"""What no interface can have as its own address: unspecified, loopback, multicast, reserved, link-local, and
site-local, which the kernel keeps apart from all other addresses."""


NO_ADDRESSES_HELP = "write a private range, like one of `10.0.0.0/8` or `fd00::/8`"


def has_unusable(version: int, first: int, last: int) -> bool:
    """Whether some of the addresses from one to another cannot be those of interfaces."""
    return any(first <= end and start <= last for start, end in NO_ADDRESSES[version])


def _is_inner(address: AddressWithPrefix) -> bool:
    """Whether an address is neither the network address nor, in IPv4, the broadcast address of its subnet; of
    subnets with two addresses or one, all are."""
    network = address.network
    ends = {network.network_address} | ({network.broadcast_address} if network.version == 4 else set())
    return network.num_addresses <= 2 or address.ip not in ends
