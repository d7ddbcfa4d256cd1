"""Labs at the bounds of kernel and tools, and routes that some kernels refuse."""

import live
import pytest

from compiler.driver import Compilation

pytestmark = pytest.mark.live


def said_by_check(name: str, topology: str) -> str:
    """The output of a check on a lab that is up."""
    check = Compilation("-", f"lab {name}\n{topology}").script("check")
    return live.succeed("bash", "-s", stdin=check, seconds=120)


MANY = """
pool 10.0.0.0/8
pool fd00::/32
routing none
host a
host b address 10.99.0.1 address fd00:99::1
for i in 1..150 { link a -- b }
route a to b via b weight 3
"""


def test_more_next_hops_than_a_batch_has_words_for() -> None:
    """In IPv6, they also exceed a message of ip(8)."""
    with live.running(live.lab_of("many", MANY)):
        assert "not ok" not in said_by_check("many", MANY)


ITSELF = """
pool fd00::/32
host a
router b q r
link a:x1 -- b:y1
link a:x2 -- b:y2
link a:x3 -- b:y3
link a -- {q,r} -- b
switch s
link {a,b,q} -- s
route a to b:y1 via b
route a to b:y2 via b:y1, b:y2 weight 2
route a to b:y3 via b:y3
route a to b via b, q
route a to q via b:y1
route a to 2001:db8::/48 via b:y2
route b to a:x1 via a:x2
route b to a:x2 via a:x1
route b to 2001:db8:1::/48 via a:x1, a:x2
"""


@pytest.mark.every_kernel
def test_gateways_that_have_routes_of_their_own() -> None:
    """The kernel refuses a gateway that it would reach through another one."""
    with live.running(live.lab_of("itself", ITSELF)) as lab:
        assert all(live.pings(lab.ns("a"), f"{name}.b", "-6") for name in ("y1", "y2", "y3"))
        assert "not ok" not in said_by_check("itself", ITSELF)
