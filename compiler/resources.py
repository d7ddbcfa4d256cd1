"""The text files that are part of these packages: the grammar, the parts of scripts, the explanations."""

from pathlib import Path

ROOT = Path(__file__).parent.parent


def read(path: str) -> str:
    """The text of a file, by its path from the folder that `compiler` and `grammar` stand in.

    importlib.resources does the same, and takes as long to load as the parser's tables.
    """
    return (ROOT / path).read_text("utf-8")


def names(folder: str, ending: str) -> list[str]:
    """The files of a folder that have an ending, without it."""
    return sorted(path.name.removesuffix(ending) for path in (ROOT / folder).glob(f"*{ending}"))
