"""What a result of check or bench names itself by, as a variable of the script."""

import json
from collections.abc import Iterator

from compiler import __version__
from compiler.model.lab import Lab
from compiler.plan.plan import Plan
from compiler.scripts.bash import text


def identity(lab: Lab, plan: Plan) -> Iterator[str]:
    """The version of mpc, the hash of the plan, and as JSON the params that `-D` set."""
    params = json.dumps(dict(lab.params))
    return text("RESULT", (f"mpc {__version__}", f"plan {plan.digest}", f"params {params}"))
