"""The direction of imports, and the modules that may import certain libraries."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAP = ROOT / "compiler" / "README.md"
_ROOM = re.compile(r"`(\w+)/`")
_FILE = re.compile(r"`(\w+)\.py`")

# The rooms of the compiler, each with its modules. A module may import what stands before it.
ROOMS = {
    "ground": """
        source diagnostics codes foreign mends text units names sarif reports
    """.split(),
    "model": """
        networks losses links machines routes multipath nodes events trials devices segments sites meanings
        gateways lab vlans vrfs
    """.split(),
    "language": """
        syntax lalr complaints characters stopped grammars tables recovery parse sets expressions formulas
        words flat references files expand write layout
    """.split(),
    "resolve": """
        varied attributes scope misnamed programs containers nodes pinned vlans vrfs links tunnels bonds
        routes pairs sprays uplinks services events trials devices machines resolve
    """.split(),
    "infer": """
        slots vlans vrfs sites macs subnets uplinks addressing graph prefixes forwarding sources trie circles
        explicit trees targets failover gateways routing bonds tunnels shaping machines neighbours bridging
        paths endpoints quotas steering backlog weights spraying multipath aggregation inlets
    """.split(),
    "prediction": """
        kernel lookup ways trips sprayed sharing maxflow subflows sawtooth window acknowledging timeouts tcp
        estimate predict advice quantities inbound groups rounds causes expectations turns unnoticed inlets
        verify reach joins passed outages anycast idle survey export show
    """.split(),
    "plan": """
        facts engines turns commands traffic settings known needs served plan inventory routing running
        crossing planner undo
    """.split(),
    "scripts": """
        braces quoting bash readiness batch naming plain identity measure drift check play bench share kinds
        ansible emit
    """.split(),
    "compare": """
        short names things changes inferred routes reached figures lines difference sections show
        markdown export
    """.split(),
    "pictures": """
        wording picture courses dot mermaid data drawing page forms
    """.split(),
    "results": """
        values measured summary tables charts page stack
    """.split(),
}
BEFORE = ["compiler", "compiler.resources", "compiler.kept"]
AFTER = [
    "compiler.library",
    "compiler.revision",
    "compiler.driver",
    "compiler.diff",
    "compiler.lint",
    "compiler.replace",
    "compiler.sweep",
    "compiler.report",
    "compiler.streams",
    "compiler.completion",
    "compiler.editor",
    "compiler.editor.answers",
    "compiler.editor.highlight",
    "compiler.editor.server",
    "compiler.command",
    "compiler.machine",
    "compiler.habits",
    "compiler.measuring",
    "compiler.counters",
    "compiler.filling",
    "compiler.screen",
    "compiler.watching",
    "compiler.cli",
    "compiler.__main__",
]
ORDER = [
    *BEFORE,
    *(f"compiler.{room}.{module}" for room, modules in ROOMS.items() for module in modules),
    *AFTER,
]

# What only these modules may import: the parser, the command line, and input and output.
# (`pathlib.PurePath` only computes, so any module may.)
ONLY = {
    "matplotlib": {"compiler.results.charts"},
    "rich": {"compiler.screen"},
    "lark": {"compiler.language.grammars", "compiler.language.stopped"},
    "click": {
        "compiler.cli",
        "compiler.command",
        "compiler.completion",
        "compiler.habits",
        "compiler.measuring",
        "compiler.streams",
        "compiler.watching",
    },
    "os": {
        "compiler.command",
        "compiler.counters",
        "compiler.kept",
        "compiler.library",
        "compiler.machine",
        "compiler.replace",
        "compiler.streams",
        "compiler.watching",
    },
    "pathlib.Path": {
        "compiler.cli",
        "compiler.command",
        "compiler.completion",
        "compiler.counters",
        "compiler.editor.server",
        "compiler.habits",
        "compiler.kept",
        "compiler.language.tables",
        "compiler.library",
        "compiler.lint",
        "compiler.measuring",
        "compiler.replace",
        "compiler.resources",
        "compiler.results.measured",
        "compiler.revision",
        "compiler.report",
        "compiler.sweep",
    },
    "shutil": {"compiler.lint", "compiler.machine", "compiler.pictures.drawing"},
    "subprocess": {
        "compiler.lint",
        "compiler.machine",
        "compiler.pictures.drawing",
        "compiler.revision",
        "compiler.sweep",
    },
    "sys": {
        "compiler.cli",
        "compiler.command",
        "compiler.habits",
        "compiler.language.tables",
        "compiler.lint",
        "compiler.machine",
        "compiler.measuring",
        "compiler.streams",
        "compiler.watching",
    },
    "tempfile": {"compiler.replace"},
}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted((ROOT / "compiler").rglob("*.py"))}


def imports(module: str) -> Iterator[str]:
    """All imports of a module, also within functions, by full name: `from a import b` is `a.b`."""
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


def test_the_map_shows_each_module_in_its_room() -> None:
    """Rooms are in their order; a section lists each module of its room, and no other."""
    sections = MAP.read_text().split("\n## ")
    shown = {found[1]: _FILE.findall(section) for section in sections if (found := _ROOM.match(section))}
    assert list(shown) == list(ROOMS)
    for room, files in shown.items():
        assert set(files) == set(ROOMS[room]), room


@pytest.mark.parametrize("module", [module for module in ORDER if module in MODULES])
def test_imports_run_one_way(module: str) -> None:
    below = ORDER[ORDER.index(module) :]
    assert [name for name in imports(module) if any(is_within(name, other) for other in below)] == []


@pytest.mark.parametrize("module", MODULES)
def test_the_world_has_its_doors(module: str) -> None:
    closed = [key for key, owners in ONLY.items() if module not in owners]
    assert [name for name in imports(module) if any(is_within(name, key) for key in closed)] == []
