"""The text files of the packages: grammars, parts of scripts, explanations."""

from pathlib import Path

ROOT = Path(__file__).parent.parent


def read(path: str) -> str:
    """The text of a file, by its path from the folder of `compiler` and `grammar`.

    importlib.resources does the same, but its import takes as long as loading the parser's tables.
    """
    return (ROOT / path).read_text("utf-8")


def names(folder: str, ending: str) -> list[str]:
    """The names of the files in a folder with an ending, without the ending."""
    return sorted(path.name.removesuffix(ending) for path in (ROOT / folder).glob(f"*{ending}"))
