"""The VRFs of routers, which links name for interfaces at their ends."""

from collections.abc import Sequence

from compiler.ground.diagnostics import listed, suggest
from compiler.language import syntax
from compiler.model.links import InterfaceName
from compiler.resolve.attributes import Values
from compiler.resolve.scope import Scope


def vrfs_of(ids: Sequence[InterfaceName], values: Values, scope: Scope) -> tuple[str, ...]:
    """The VRFs of both ends of a link with `vrf`: empty for none. One name is for each router at its ends."""
    written, span = values["vrf"].value, values["vrf"].span
    assert isinstance(written, tuple)
    are_routers = [id.node in scope.routers for id in ids]
    names = written if len(written) > 1 else tuple(written[0] if one else "" for one in are_routers)
    wrong = [
        id.node for id, name, is_router in zip(ids, names, are_routers, strict=True) if name and not is_router
    ]
    if wrong or not any(are_routers):
        node = (wrong or [ids[0].node])[0]
        message = f"`{node}` is no router, and VRFs are of routers"
        help = f"declare it as `router {node}`, or leave `vrf` out"
        if wrong and any(are_routers):
            help = "write `none` for that end"
        scope.diagnostics.error("MPC561", message, span, "no router", help)
        return "", ""
    for id, name in zip(ids, names, strict=True):
        if name:
            scope.vrfs.setdefault(id.node, {}).setdefault(name, span)
    return names


def known(router: str, word: syntax.Word, scope: Scope) -> bool:
    """Whether a router has a VRF; reports one that it has not."""
    own = scope.vrfs.get(router, {})
    if word.text in own or router in scope.incomplete:
        return True
    message = f"`{router}` has no VRF `{word.text}`"
    help = suggest(word.text, own) or (
        f"it has {listed(f'`{name}`' for name in own)}"
        if own
        else f"a link of it has one: `link {router} -- NODE vrf {word.text}`"
        if router in scope.routers
        else "VRFs are of routers"
    )
    scope.diagnostics.error("MPC562", message, word.span, "no link of it is in that", help)
    return False
