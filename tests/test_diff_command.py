"""`mpc diff`: files and revisions of git, exit statuses, and the examples of docs/diff.md.

The page has what its commands print; `./dev golden` writes that.
"""

import json
import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import Golden

from compiler.cli import main

PAGE = Path(__file__).resolve().parent.parent / "docs" / "diff.md"
CONSOLE = re.compile(r"(?<=^````console\n).*?(?=^````$)", re.MULTILINE | re.DOTALL)

GOOD = "host a b\nlink a -- b\n"

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository as the current directory, and mpc on the PATH."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    settings = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "HOME": str(tmp_path)}
    who = {
        f"GIT_{role}_{part}": "x@example.org"
        for role in ("AUTHOR", "COMMITTER")
        for part in ("NAME", "EMAIL")
    }
    path = f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"
    for name, value in {**settings, **who, "PATH": path, "XDG_CACHE_HOME": str(tmp_path / ".cache")}.items():
        monkeypatch.setenv(name, value)
    succeed("git init -q .")
    return tmp_path


def succeed(command: str) -> str:
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def diff(*arguments: str | Path, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["diff", *map(str, arguments)], input=stdin)


def commit(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    succeed(f"git add {path} && git commit -qm x")


@pytest.mark.usefixtures("folder")
def test_the_page_shows_what_is_printed(golden: Golden) -> None:
    text = PAGE.read_text()
    old, new = re.findall(r"^```topo\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    commit("lab.topo", old)
    Path("lab.topo").write_text(new)
    golden(PAGE, CONSOLE.sub(_printed, text))


def _printed(block: re.Match[str]) -> str:
    """The commands of a block, each with what it prints now."""
    commands = [line for line in block[0].splitlines() if line.startswith("$ ")]
    return "".join(f"{command}\n{succeed(command[2:])}" for command in commands)


def test_the_page_tells_each_key() -> None:
    old = CliRunner().invoke(main, ["diff", "--format", "json", "/dev/null", "/dev/null"])
    keys = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", PAGE.read_text(), re.MULTILINE)
    told = {key for cell in keys for key in re.findall(r"`(\w+)`", cell)}
    assert told == set(json.loads(old.stdout))


@pytest.mark.usefixtures("folder")
def test_exit_codes() -> None:
    Path("a.topo").write_text(GOOD)
    Path("b.topo").write_text(f"{GOOD}# said\n")
    Path("c.topo").write_text("host a b c\nlink a -- b -- c\n")
    for old, new, status in (("a", "a", 0), ("a", "b", 1), ("a", "c", 1)):
        assert diff(f"{old}.topo", f"{new}.topo").exit_code == 0
        for form in ("text", "markdown", "json"):
            result = diff("--exit-code", "--format", form, f"{old}.topo", f"{new}.topo")
            assert (result.exit_code, result.stderr) == (status, "")
    assert json.loads(diff("--format", "json", "a.topo", "b.topo").stdout)["in_network"] is False


@pytest.mark.usefixtures("folder")
def test_a_lab_that_does_not_compile() -> None:
    Path("a.topo").write_text(GOOD)
    Path("b.topo").write_text(f"{GOOD}link a -- x\n")
    for old, new, sign in (("a", "b", "+"), ("b", "a", "-")):
        result = diff("--exit-code", f"{old}.topo", f"{new}.topo")
        assert result.exit_code == 2
        assert "error[MPC201]" in result.stderr
        assert f"{sign} link a -- x" in result.stdout
        assert "b.topo does not compile; other in the text: statements\n" in result.stdout
        found = json.loads(diff("--format", "json", f"{old}.topo", f"{new}.topo").stdout)
        assert [len(found["errors"][side]) for side in ("old", "new")] == ([0, 1] if new == "b" else [1, 0])


@pytest.mark.usefixtures("folder")
def test_the_same_lab_that_does_not_compile() -> None:
    Path("a.topo").write_text("host a b\nlink a -- x\n")
    result = diff("a.topo", "a.topo")
    assert (result.exit_code, result.stdout) == (
        2,
        "a.topo and a.topo do not compile; the text is the same\n",
    )


@pytest.mark.usefixtures("folder")
def test_revisions() -> None:
    """Paths from the top and from the current directory, the index, symbolic links, and a colon in a name."""
    commit("sub/lab.topo", GOOD)
    succeed("ln -s lab.topo sub/link.topo && git add . && git commit -qm link")
    commit("sub/lab.topo", "host a b c\nlink a -- b -- c\n")
    Path("sub/lab.topo").write_text(GOOD)
    Path("HEAD:x.topo").write_text(GOOD)
    same = "no difference\n"
    assert diff("HEAD~1:sub/lab.topo", "sub/lab.topo").stdout == same
    assert diff("HEAD^{/link}:sub/lab.topo", "sub/lab.topo").stdout == same
    assert diff("HEAD~1:sub/link.topo", "sub/lab.topo").stdout == same
    assert diff("HEAD:x.topo", "sub/lab.topo").stdout == same
    assert "- link b -- c" in diff(":sub/lab.topo", "sub/lab.topo").stdout
    assert diff("-", "sub/lab.topo", stdin=GOOD).stdout == same
    os.chdir("sub")
    assert diff("HEAD~1:./lab.topo", "lab.topo").stdout == same


@pytest.mark.usefixtures("folder")
def test_used_files_are_of_the_revision() -> None:
    for number in (2, 3):
        commit("labs/parts/rack.topo", f"host h[1..{number}]\nrouter r\nlink h[1..{number}] -- r\n")
        commit("labs/lab.topo", f'use "parts/rack.topo" as x\nuse std/line as t with n={number}\n')
    assert "+ host x-h3" in diff("HEAD~2:labs/lab.topo", "HEAD:labs/lab.topo").stdout
    os.chdir("labs/parts")
    Path("rack.topo").unlink()
    assert "+ host x-h3" in diff("HEAD~2:../lab.topo", "HEAD:../lab.topo").stdout
    Path("../more.topo").write_text(GOOD)
    for path, said in (
        ("more.topo", "there is no file `more.topo` in HEAD"),
        ("../x.topo", "`../x.topo` leads out of the lab's folder"),
        ("/etc/passwd", "`/etc/passwd` is an absolute path"),
    ):
        commit("../lab.topo", f'use "{path}" as y\n')
        assert said in diff("HEAD:labs/lab.topo", "HEAD:./../lab.topo").stderr
    commit("../lab.topo", 'use "more.topo" as y\n')
    Path("../own").mkdir()
    Path("../own/more.topo").write_text(GOOD)
    assert diff("-I", "../own", "HEAD:labs/lab.topo", "HEAD:labs/lab.topo").stdout == "no difference\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["lab.topo"],
        ["lab.topo", "missing.topo"],
        ["lab.topo", "HEAD:missing.topo"],
        ["lab.topo", "nobody:lab.topo"],
        ["lab.topo", "HEAD:."],
        ["lab.topo", "--output=x:lab.topo"],
        ["lab.topo", "HEAD:a\nb"],
        ["-", "-"],
        ["--format", "xml", "lab.topo", "lab.topo"],
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_wrong_command_line(arguments: list[str]) -> None:
    commit("lab.topo", GOOD)
    result = diff(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: " in result.stderr
    assert not Path("x:lab.topo").exists()


@pytest.mark.usefixtures("folder")
def test_no_repository_and_no_git(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("lab.topo").write_text(GOOD)
    shutil.rmtree(".git")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(Path.cwd().parent))
    assert "not a git repository" in diff("lab.topo", "HEAD:lab.topo").stderr
    monkeypatch.setenv("PATH", "/nowhere")
    assert "git cannot be run" in diff("lab.topo", "HEAD:lab.topo").stderr


@pytest.mark.usefixtures("folder")
def test_a_file_that_is_too_large() -> None:
    commit("lab.topo", "# " + "x" * 2**21 + "\n")
    result = diff("HEAD:lab.topo", "HEAD:lab.topo")
    assert result.exit_code == 2
    assert "larger than 2 MiB" in result.stderr


@pytest.mark.usefixtures("folder")
def test_params_are_of_both() -> None:
    Path("lab.topo").write_text("param n = 2\nhost h[1..n]\nlink h1 -- h[2..n]\n")
    assert diff("-D", "n=4", "lab.topo", "lab.topo").stdout == "no difference\n"
