"""shellcheck over a script in two parts, each with the line numbers of the whole, and notes of clean ones."""

from pathlib import Path

import pytest
from labs import compiled

from compiler.lint import LintError, lint

UP = compiled("host a b\nlink a -- b").up().splitlines(keepends=True)


def spoilt(before: str) -> tuple[list[str], int]:
    """The script with something that shellcheck objects to before a line, and the number of that line."""
    place = UP.index(f"{before}\n")
    return [*UP[:place], "echo $unknown\n", *UP[place:]], place + 1


@pytest.mark.parametrize("before", ["NAMESPACES=(", "parts=()", "turn=0", "claim", "complete"])
def test_every_part_is_looked_at(before: str) -> None:
    script, line = spoilt(before)
    with pytest.raises(LintError, match=rf"^-:{line}:\d+: warning: unknown is referenced"):
        lint(script)


def test_what_is_clean_is_noted(tmp_path: Path) -> None:
    """And what is changed has no note, nor has the part that differs from lab to lab."""
    lint(UP, str(tmp_path))
    notes = sorted(tmp_path.iterdir())
    assert len(notes) == 1
    lint(compiled("host c").pieces("up"), str(tmp_path))
    assert sorted(tmp_path.iterdir()) == notes
    for before in ("turn=0", "claim"):
        with pytest.raises(LintError):
            lint(spoilt(before)[0], str(tmp_path))
    assert sorted(tmp_path.iterdir()) == notes


def test_what_no_shell_reads_is_passed_over() -> None:
    """A here-document of a lab can be larger than shellcheck can read."""
    place = UP.index("netns add lab-a\n")
    lint([*UP[:place], "echo $unknown\n" * 100_000, *UP[place:]])


def test_routes_are_passed_over() -> None:
    """Those that can be nothing else, of which a lab can have thousands."""
    place = UP.index("complete\n")
    harmless = [
        "h1='via 10.0.0.1 dev b'\n",
        'routes "nexthop $h1" 10.{0..3}.{0,1}.0/24 fd00::{1,2}\n',
    ] * 10_000
    with pytest.raises(LintError, match="unknown"):
        lint([*UP[:place], *harmless, "echo $unknown\n", *UP[place:]])
    for line in ('routes "$unknown" 10.0.0.1/32; echo $unknown\n', "h1='a'$unknown\n"):
        with pytest.raises(LintError, match="unknown"):
            lint([*UP[:place], line, *UP[place:]])
