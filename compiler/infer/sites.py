"""A check of what cannot be said of private networks (`model.sites`)."""

from compiler.ground.diagnostics import Diagnostics
from compiler.model.lab import Lab


def check(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Reports pairs of `mptcp` and `spray` that need routes into a site from outside."""
    sites = lab.sites
    for statement, pairs in (("mptcp", lab.pairs), ("spray", lab.sprays)):
        for pair in pairs:
            for inner, outer in ((pair.left, pair.right), (pair.right, pair.left)):
                if sites.hides(inner, outer):
                    message = f"`{inner}` is in a private network that `{outer}` is outside of"
                    help = f"`{statement}` is for nodes that have routes to each other: join others"
                    diagnostics.error("MPC425", message, pair.span, f"no routes for `{statement}`", help)
                    break
    return lab
