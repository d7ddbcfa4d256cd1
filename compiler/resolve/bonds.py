"""`bond` and `teql` statements: links that send over others, their legs."""

from collections.abc import Iterable, Iterator

from compiler.ground.diagnostics import Note, suggest
from compiler.ground.mends import did_you_mean
from compiler.ground.names import INTERFACE_BYTES, LEG, shortened
from compiler.language import syntax
from compiler.language.sets import pairs, unique
from compiler.model.links import Bond, InterfaceName, Leg, Link, LinkKind, Mode, Port
from compiler.resolve import attributes
from compiler.resolve.links import Linker
from compiler.resolve.pinned import pinned
from compiler.resolve.scope import AskedBond, Scope

MODES = {str(mode): mode for mode in Mode}

REFUSED = ("balance-tlb", "balance-alb")
"""Modes that send a flow over one leg, as `balance-xor` does, and have no monitor for tunnels."""

OTHER_WORDS = {
    "lacp": Mode.LACP,
    "rr": Mode.TURNS,
    "round-robin": Mode.TURNS,
    "failover": Mode.BACKUP,
    "backup": Mode.BACKUP,
    "xor": Mode.HASH,
    **dict(zip("01234", (Mode.TURNS, Mode.BACKUP, Mode.HASH, Mode.ALL, Mode.LACP), strict=True)),
}
"""What else modes are called: by ip-link(8) and the kernel's documentation, their numbers too."""

ATTRIBUTES = ("mtu", "cost", "subnet", "address", "private")


def add(statement: syntax.Bond | syntax.Teql, linker: Linker) -> None:
    """Adds the bonds or teqls of one statement: one for each pair of ends."""
    scope = linker.scope
    kind = LinkKind.TEQL if isinstance(statement, syntax.Teql) else LinkKind.BOND
    chosen, others = scope.single(statement.items, "mode")
    read = attributes.read(others, ATTRIBUTES, f"a {kind}", scope.diagnostics)
    mode = _mode(chosen, scope)
    scope.stands_for(len(statement.left.words) * len(statement.right.words), statement.span)
    ends = pairs(statement.left, statement.right)
    if not scope.refuse_switches(ends, f"be the end of a {kind}") and mode:
        over = tuple(word for nodes in statement.over or () for word in unique(nodes))
        for (left, right), own in zip(ends, pinned(read, ends, scope), strict=True):
            linker.ask(left, right, own, read.values, AskedBond(kind, mode, over))


def _mode(chosen: syntax.Attribute | None, scope: Scope) -> Mode | None:
    if chosen is None:
        return Mode.TURNS
    word = chosen.value
    if word.text not in MODES:
        help = suggest(word.text, MODES) or f"a bond has one of {', '.join(f'`{mode}`' for mode in MODES)}"
        if meant := OTHER_WORDS.get(word.text.lower()):
            help = did_you_mean(meant)
        message = f"`{word.text}` is no mode of a bond"
        if word.text in REFUSED:
            message = f"a bond cannot have the mode `{word.text}`"
            help = "write `balance-rr` for all legs at once, or `balance-xor` for one leg a flow"
        scope.diagnostics.error("MPC301", message, word.span, "value of `mode`", help)
    return MODES.get(word.text)


def choose(scope: Scope) -> None:
    """Finds the legs of all bonds and teqls, whose interfaces then have no addresses."""
    for place, asked in scope.bonds.items():
        bond = scope.links[place]
        between = scope.between[frozenset(end.node for end in bond.ends)]
        links = [index for index in between if index not in scope.bonds]
        named = [scope.ports.get(id) for word in asked.over if (id := scope.interface(word))]
        legs = [index for index in dict.fromkeys(named) if index in links] if asked.over else links
        if len(legs) < 2 and not {end.node for end in bond.ends} & scope.incomplete:
            _too_few(bond, legs, asked.over, len(links), scope)
        for leg in legs:
            _add_leg(leg, place, scope)
    _check_named(scope)
    _name_bridges(scope)


def _too_few(bond: Link, legs: list[int], over: tuple[syntax.Word, ...], links: int, scope: Scope) -> None:
    message = f"a {bond.kind} of `{bond.left.node}` and `{bond.right.node}` has {len(legs) or 'no'} leg"
    message += "s" * (not legs)
    help = f"write a further link `{bond.left.node} -- {bond.right.node}`, or a tunnel over other nodes"
    help = "name the interfaces of two links at least" if links > 1 else help
    if any(scope.ports.get(id) in scope.bonds for id in map(scope.interface, over) if id):
        help = "name the interfaces of links and tunnels: a bond or teql is no leg of another"
    scope.diagnostics.error("MPC526", message, bond.span, "two at least", help)


def _add_leg(leg: int, place: int, scope: Scope) -> None:
    """Takes a link for a leg of a bond or teql, unless it cannot be one, which is reported."""
    link, bond = scope.links[leg], scope.links[place]
    if leg in scope.legs:
        other = scope.links[scope.legs[leg]]
        both = f"two {bond.kind}s" if other.kind is bond.kind else f"a {other.kind} and a {bond.kind}"
        message = f"the link of `{link.left.id}` and `{link.right.id}` is a leg of {both}"
        note = Note("the other one", other.span)
        help = "write `over` and the interfaces of its own legs for each of them"
        scope.diagnostics.error("MPC527", message, bond.span, "its leg again", help, note)
    elif link.kind is LinkKind.IPIP:
        message = f"an `ipip` tunnel cannot be a leg of a {bond.kind}, as it carries no frames"
        note = Note("the tunnel", link.span)
        scope.diagnostics.error(
            "MPC527", message, bond.span, "over it", "write `kind vxlan` or `kind gre`", note
        )
    elif link.pins:
        ends = f"`{link.left.id}` and `{link.right.id}`"
        message = f"the link of {ends} is a leg of a {bond.kind}, and a leg has no address"
        help = f"give the address or the subnet to the {bond.kind}"
        note = Note(f"the {bond.kind}", bond.span)
        scope.diagnostics.error("MPC527", message, link.pins[0].span, "an address of a leg", help, note)
    else:
        scope.legs[leg] = place
        scope.links[leg] = link._replace(leg=True)
        for end in link.ends:
            del scope.interfaces[end.id]


def _check_named(scope: Scope) -> None:
    """Reports interfaces after `over` that are on no link of any bond or teql of their statement."""
    used = {end.id for leg in scope.legs for end in scope.links[leg].ends}
    words = {word: asked.kind for asked in scope.bonds.values() for word in asked.over}
    for word, kind in words.items():
        id = scope.called(InterfaceName(*word.text.partition(":")[::2]))
        if id in scope.ports and id not in used and not scope.diagnostics.failed:
            message = f"`{id}` is on no link of this {kind}"
            help = "name interfaces of links between its two ends"
            scope.diagnostics.error("MPC526", message, word.span, "leads elsewhere", help)


def _name_bridges(scope: Scope) -> None:
    """Names the bridges over the legs of teqls; one that has the name of an interface is reported."""
    legs = [leg for leg, place in scope.legs.items() if scope.links[place].kind is LinkKind.TEQL]
    wholes: dict[str, dict[str, Port]] = {}
    for end in (end for leg in legs for end in scope.links[leg].ends):
        wholes.setdefault(end.node, {})[f"{LEG}{end.name}"] = end
    for node, own in wholes.items():
        long = {whole for whole in own if len(whole) > INTERFACE_BYTES}
        taken = (*(id.name for id in scope.ports if id.node == node), *(own.keys() - long))
        short = shortened(long, taken)
        for whole, end in own.items():
            scope.bridges[end.id] = name = short.get(whole, whole)
            if (other := scope.ports.get(InterfaceName(node, name))) is not None:
                first = next(one for one in scope.links[other].ends if one.node == node)
                message = f"`{node}` has two interfaces named `{name}`: the bridge over the leg `{end.id}`"
                note = Note("the leg", end.span)
                help = "name this interface otherwise"
                scope.diagnostics.error("MPC208", message, first.span, "named so here", help, note)


def bonded(links: Iterable[Link], scope: Scope) -> tuple[Link, ...]:
    """The links, with legs and MTU for each bond or teql; all legs of one have its MTU."""
    found = list(links)
    for place, asked in scope.bonds.items():
        legs = [leg for leg, bond in scope.legs.items() if bond == place]
        if not legs:
            continue
        bond, most = found[place], min(found[leg].packet for leg in legs)
        if bond.mtu is not None and bond.mtu > most:
            message = f"an MTU of {bond.mtu} is too large for a {bond.kind} over links of {most} bytes"
            help = f"write at most `mtu {most}`, or leave it out"
            scope.diagnostics.error("MPC312", message, bond.span, "packets would not get through", help)
        mtu = bond.mtu or most
        for leg in legs:
            own = found[leg]
            found[leg] = own._replace(mtu=own.mtu if own.packet == mtu else mtu)
        can_probe = asked.kind is LinkKind.BOND and asked.mode is not Mode.LACP
        probes = can_probe and any(found[leg].tunnel for leg in legs)
        made = Bond(asked.mode, tuple(_legs(bond, (found[leg] for leg in legs), scope)), probes)
        found[place] = bond._replace(mtu=mtu, bond=made)
    return tuple(found)


def _legs(bond: Link, links: Iterable[Link], scope: Scope) -> Iterator[Leg]:
    """The legs from the left end of a bond or teql to the right one."""
    for link in links:
        near, far = link.ends if link.left.node == bond.left.node else reversed(link.ends)
        named = bond.kind is LinkKind.TEQL
        bridges = (scope.bridges[near.id], scope.bridges[far.id]) if named else None
        yield Leg(near.id, far.id, link.carriers(near), link.carriers(far), bridges)
