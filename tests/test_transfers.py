"""How often a client of iperf3 tries to reach its server, by what it says."""

import re
import subprocess

import pytest

from compiler.scripts.bash import runtime

STREAM = "[  5] local 10.0.0.1 port 40000 connected to 10.0.0.2 port 5380\n"
CLOSED = "iperf3: error - control socket has closed unexpectedly\n"
RESET = "iperf3: error - unable to receive control message: Connection reset by peer\n"
SAID = {
    "iperf3: error - unable to connect to server: Connection refused\n": True,
    "iperf3: error - the server is busy running a test. try again later\n": True,
    RESET: True,
    CLOSED: True,
    STREAM + RESET: False,
    STREAM + CLOSED: False,
    STREAM: False,
    "iperf3: error - unable to connect to server: Network is unreachable\n": False,
}
"""What clients say (iperf3 3.12), and whether they are to try again."""


@pytest.mark.parametrize("said", SAID)
def test_only_what_has_not_begun_is_tried_again(said: str) -> None:
    (patience,) = re.findall(r"^patience\(\) \{$.*?^\}$", runtime("bench"), re.MULTILINE | re.DOTALL)
    script = f'{patience}\npatience "$1"'
    told = subprocess.run(["bash", "-c", script, "bash", said], capture_output=True, text=True, check=True)
    assert (int(told.stdout) > 1) == SAID[said]
