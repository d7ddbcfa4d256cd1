"""Imports run one way, and what a module may touch is its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Each module may import those above it and none below it.
ORDER = [
    "compiler",
    "compiler.resources",
    "compiler.frontend.source",
    "compiler.frontend.diagnostics",
    "compiler.frontend.codes",
    "compiler.frontend.foreign",
    "compiler.frontend.mends",
    "compiler.frontend.text",
    "compiler.frontend.units",
    "compiler.ir.trials",
    "compiler.ir.lab",
    "compiler.ir.segments",
    "compiler.frontend.syntax",
    "compiler.frontend.complaints",
    "compiler.frontend.characters",
    "compiler.frontend.recovery",
    "compiler.frontend.parse",
    "compiler.frontend.names",
    "compiler.frontend.sets",
    "compiler.frontend.expressions",
    "compiler.frontend.formulas",
    "compiler.frontend.words",
    "compiler.frontend.flat",
    "compiler.frontend.references",
    "compiler.frontend.files",
    "compiler.frontend.expand",
    "compiler.frontend.write",
    "compiler.frontend.attributes",
    "compiler.frontend.scope",
    "compiler.frontend.misnamed",
    "compiler.frontend.nodes",
    "compiler.frontend.pins",
    "compiler.frontend.links",
    "compiler.frontend.routes",
    "compiler.frontend.pairs",
    "compiler.frontend.services",
    "compiler.frontend.events",
    "compiler.frontend.trials",
    "compiler.frontend.resolve",
    "compiler.ir.pins",
    "compiler.ir.slots",
    "compiler.ir.addressing",
    "compiler.ir.graph",
    "compiler.ir.prefixes",
    "compiler.ir.forwarding",
    "compiler.ir.sources",
    "compiler.ir.trie",
    "compiler.ir.circles",
    "compiler.ir.explicit",
    "compiler.ir.trees",
    "compiler.ir.targets",
    "compiler.ir.routing",
    "compiler.ir.shaping",
    "compiler.ir.neighbours",
    "compiler.ir.bridging",
    "compiler.ir.paths",
    "compiler.ir.endpoints",
    "compiler.ir.sharing",
    "compiler.ir.steering",
    "compiler.ir.backlog",
    "compiler.ir.multipath",
    "compiler.ir.aggregation",
    "compiler.prediction.kernel",
    "compiler.prediction.lookup",
    "compiler.prediction.ways",
    "compiler.prediction.trips",
    "compiler.prediction.sharing",
    "compiler.prediction.maxflow",
    "compiler.prediction.subflows",
    "compiler.prediction.sawtooth",
    "compiler.prediction.window",
    "compiler.prediction.acknowledging",
    "compiler.prediction.timeouts",
    "compiler.prediction.tcp",
    "compiler.prediction.estimate",
    "compiler.prediction.predict",
    "compiler.prediction.advice",
    "compiler.prediction.quantities",
    "compiler.prediction.inbound",
    "compiler.prediction.rounds",
    "compiler.prediction.expectations",
    "compiler.prediction.verify",
    "compiler.prediction.reach",
    "compiler.prediction.joins",
    "compiler.prediction.passed",
    "compiler.prediction.survey",
    "compiler.prediction.export",
    "compiler.prediction.show",
    "compiler.backend.traffic",
    "compiler.backend.settings",
    "compiler.backend.needs",
    "compiler.backend.plan",
    "compiler.backend.words",
    "compiler.backend.braces",
    "compiler.backend.quoting",
    "compiler.backend.bash",
    "compiler.backend.measure",
    "compiler.backend.drift",
    "compiler.backend.check",
    "compiler.backend.benchmark",
    "compiler.backend.play",
    "compiler.backend.export",
    "compiler.library",
    "compiler.driver",
    "compiler.lint",
    "compiler.streams",
    "compiler.completion",
    "compiler.cli",
    "compiler.__main__",
]

# What only these modules may import: the parser, the command line, and the world outside.
# (`pathlib.PurePath` only computes, so anybody may.)
ONLY = {
    "lark": {"compiler.frontend.parse", "compiler.frontend.recovery", "compiler.frontend.formulas"},
    "click": {"compiler.cli", "compiler.completion", "compiler.streams"},
    "os": {"compiler.cli", "compiler.library", "compiler.streams"},
    "pathlib.Path": {
        "compiler.cli",
        "compiler.completion",
        "compiler.library",
        "compiler.lint",
        "compiler.resources",
    },
    "shutil": {"compiler.lint"},
    "subprocess": {"compiler.lint"},
    "sys": {"compiler.cli", "compiler.lint", "compiler.streams"},
    "tempfile": {"compiler.cli"},
}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted((ROOT / "compiler").rglob("*.py"))}


def imports(module: str) -> Iterator[str]:
    """All that a module imports anywhere, by its whole name: `from a import b` is `a.b`."""
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by dots; write the whole name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_within(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def test_order_is_whole() -> None:
    with_code = {module for module, path in MODULES.items() if ast.parse(path.read_text()).body[1:]}
    assert with_code <= set(ORDER), "put them where they belong in ORDER"
    assert set(ORDER) <= set(MODULES), "gone; take them out of ORDER"


@pytest.mark.parametrize("module", [module for module in ORDER if module in MODULES])
def test_imports_run_one_way(module: str) -> None:
    below = ORDER[ORDER.index(module) :]
    assert [name for name in imports(module) if any(is_within(name, other) for other in below)] == []


@pytest.mark.parametrize("module", MODULES)
def test_the_world_has_its_doors(module: str) -> None:
    closed = [key for key, owners in ONLY.items() if module not in owners]
    assert [name for name in imports(module) if any(is_within(name, key) for key in closed)] == []
