"""The explanations that `mpc explain` prints, by code.

The texts are beside this module in `explanations`, one file per hundred codes. An entry is `CODE: ` and a
sentence, the reason, an example under `Wrong`, and the corrected example under `Mended`; tests compile both.
"""

import re

from compiler import resources

FILES = (
    "1-syntax",
    "2-names",
    "3-values",
    "4-addresses",
    "5-routes",
    "6-mptcp",
    "7-warnings",
    "8-trials",
    "9-containers",
)


def _read() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in FILES:
        text = resources.read(f"compiler/ground/explanations/{name}.txt")
        _, *parts = re.split(r"^(MPC[0-9]{3}): ", text, flags=re.MULTILINE)
        found |= zip(parts[::2], map(str.strip, parts[1::2]), strict=True)
    return found


EXPLANATIONS = _read()
