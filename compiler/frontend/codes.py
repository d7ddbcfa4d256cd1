"""What `mpc explain` prints, by code.

The texts are beside this module in `explanations`, a file a hundred. An entry is `CODE: ` and a sentence,
why it is so, and an example under `Wrong` with its mend under `Mended`, which the tests compile.
"""

import re
from importlib.resources import files


def _read() -> dict[str, str]:
    folder = files("compiler").joinpath("frontend", "explanations")
    found: dict[str, str] = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        _, *parts = re.split(r"^(MPC[0-9]{3}): ", file.read_text("utf-8"), flags=re.MULTILINE)
        found |= zip(parts[::2], map(str.strip, parts[1::2]), strict=True)
    return found


EXPLANATIONS = _read()
