"""Private networks on a real kernel: who reaches whom."""

import live
import pytest
from tap import points

from compiler.driver import Compilation

pytestmark = pytest.mark.live

HOMES = """
lab test-homes
pool 10.0.0.0/8
pool fd00:7::/32
host   pc1 pc2 web
router home1 home2 isp
switch lan1 lan2  private subnet 192.168.1.0/24
link   home1 -- lan1  address 192.168.1.1/24
link   home2 -- lan2  address 192.168.1.1/24
link   pc1 -- lan1
link   pc2 -- lan2
link   {home1,home2} -- isp -- web
masquerade {home1,home2}  out isp
expect web -> {pc1,pc2}   unreachable
expect {pc1,pc2} -> web   reachable
expect pc1 -> pc2         unreachable
"""


@pytest.mark.every_kernel
def test_two_homes_with_one_prefix() -> None:
    compilation = Compilation("-", HOMES)
    lab = live.Lab("test-homes", compilation.up(), compilation.down(), "test-homes-")
    with live.running(lab):
        found = points(live.run("bash", "-s", stdin=compilation.script("check"), seconds=90))
        assert found
        assert all(point.holds for point in found.values()), found
        for name in ("isp", "web"):
            assert live.in_ns(f"test-homes-{name}", "ping", "-c1", "-W1", "192.168.1.1").returncode
        for name in ("pc1", "pc2"):
            assert live.pings(f"test-homes-{name}", "192.168.1.1")
