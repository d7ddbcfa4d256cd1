"""The inventory and the playbooks of labs over machines: their text, their data, and when they are written.

`golden/machines/` has all files of such a lab; `./dev golden` writes them.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from conftest import Golden
from labs import TESTS, compiled

from compiler.cli import main
from compiler.scripts import ansible
from compiler.scripts.bash import Style
from compiler.scripts.kinds import KINDS

FOLDER = TESTS / "golden" / "machines"
WIDE = (FOLDER / "wide.topo").read_text()
SMALL = """\
host a b c
link a -- {b,c}
machine m1 ssh "192.0.2.1"
machine m2 ssh "[2001:db8::2]:22" address 192.0.2.2
place {a,c} on m1
place b on m2
"""
TRIED = f"{SMALL}bench a -> c using tcp\nat 1s down a -- b\n"


def playbooks(text: str, name: str = "lab.topo", style: Style = Style.BATCH) -> dict[str, str]:
    compilation = compiled(text, name)
    files = ansible.files(compilation.lab, compilation.kinds, style)
    return {name: "".join(pieces()) for name, pieces in files.items()}


def read(text: str) -> Any:
    return yaml.safe_load(text)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def written(text: str, *options: str) -> list[str]:
    """Compiles a lab into a folder, and returns what is said of that."""
    Path("lab.topo").write_text(text)
    result = CliRunner().invoke(main, ["compile", "--no-lint", "-o", "out", *options, "lab.topo"])
    assert result.exit_code == 0, result.output
    return result.stderr.splitlines()


def names(ending: str) -> set[str]:
    return {path.name for path in Path("out").glob(f"*{ending}")}


# --- golden files -----------------------------------------------------------------------------------


def test_golden(golden: Golden) -> None:
    compilation = compiled(WIDE, "wide.topo")
    expected = {"wide.topo"}
    for machine in compilation.machines:
        for kind in compilation.kinds:
            name = f"wide.{machine}.{kind}.sh"
            golden(FOLDER / name, "".join(compilation.pieces(kind, machine=machine)))
            expected.add(name)
    for kind, text in playbooks(WIDE, "wide.topo").items():
        golden(FOLDER / f"wide.{kind}.yml", text)
        expected.add(f"wide.{kind}.yml")
    assert {path.name for path in FOLDER.iterdir()} == expected


# --- what they say ----------------------------------------------------------------------------------


def test_an_inventory_has_what_is_written() -> None:
    assert read(playbooks(WIDE, "wide.topo")["inventory"])["mpc_wide"]["hosts"] == {
        "wide.m1": {"ansible_host": "192.0.2.1", "ansible_user": "root"},
        "wide.m2": {
            "ansible_host": "node2", "ansible_port": 2222, "ansible_user": "lab", "ansible_become": True,
        },
    }  # fmt: skip
    assert read(playbooks(SMALL)["inventory"])["mpc_lab"]["hosts"] == {
        "lab.m1": {"ansible_host": "192.0.2.1"},
        "lab.m2": {"ansible_host": "2001:db8::2", "ansible_port": 22},
    }


@pytest.mark.parametrize("lab", ["on", "null", "e1", "Y", "true", "a-b", "mpc_on"])
@pytest.mark.parametrize("machine", ["no", "localhost", "ungrouped", "mpc_on", "x-y"])
def test_names_are_texts_and_name_one_thing(lab: str, machine: str) -> None:
    """Whatever they mean to YAML, and to Ansible, which has groups and hosts of its own."""
    text = f"lab {lab}\n{SMALL}".replace("m1", machine)
    files = {name: read(text) for name, text in playbooks(text).items()}
    ((group, inventory),) = files.pop("inventory").items()
    assert list(inventory["hosts"]) == [f"{lab}.{machine}", f"{lab}.m2"]
    assert re.fullmatch(r"mpc_\w+", group)
    assert group not in inventory["hosts"]
    assert {play["hosts"] for plays in files.values() for play in plays} == {group}


@pytest.mark.parametrize("user", ["0x1f", "1", "no", "_x", "1.5", "1e3"])
@pytest.mark.parametrize("host", ["on", "12", "1.5", "0o7", "2001", "n"])
def test_users_and_hosts_are_texts(user: str, host: str) -> None:
    text = SMALL.replace('ssh "192.0.2.1"', f'ssh "{user}@{host}" address 192.0.2.1')
    found = read(playbooks(text)["inventory"])["mpc_lab"]["hosts"]["lab.m1"]
    assert (found["ansible_user"], found["ansible_host"]) == (user, host)


@pytest.mark.parametrize(
    "name", ["{{ x }}: #.topo", "'\"&*!|>%@`.topo", "\u0085\u2028- a.topo", "a\n- b.topo"]
)
def test_a_file_name_stays_a_comment(name: str) -> None:
    text = f"lab x\n{SMALL}"
    plainly = {kind: read(text) for kind, text in playbooks(text).items()}
    assert {kind: read(text) for kind, text in playbooks(text, name).items()} == plainly


def test_each_playbook_runs_scripts_that_are_there() -> None:
    compilation = compiled(WIDE, "wide.topo")
    for kind, text in playbooks(WIDE, "wide.topo").items():
        commands = re.findall(r'cmd: "\{\{ inventory_hostname \}\}\.(\w+)\.sh', text)
        assert set(commands) <= set(compilation.kinds), kind
        assert kind == "inventory" or kind in commands


def test_each_kind_of_script_has_a_playbook() -> None:
    assert list(ansible.DOES) == [ansible.INVENTORY, *KINDS]


def test_many_machines_at_once_are_asked_for() -> None:
    """Ansible has five at a time, unless it is told."""
    nodes = ",".join(f"h{n}" for n in range(1, 7))
    text = f"host {{{nodes}}}\nrouting none\nlink h1 -- {{h2,h3,h4,h5,h6}}\n"
    text += "".join(f'machine m{n} ssh "192.0.2.{n}"\nplace h{n} on m{n}\n' for n in range(1, 7))
    assert "# ansible-playbook -i lab.inventory.yml -f 6 lab.up.yml\n" in playbooks(text)["up"]


def test_transfers_of_checks_do_not_meet() -> None:
    throttles = [read(playbooks(text)["check"])[0]["tasks"][0]["throttle"] for text in (SMALL, WIDE)]
    assert throttles == [0, 1]


def test_a_plain_up_has_no_preflight() -> None:
    (play,) = read(playbooks(SMALL, style=Style.PLAIN)["up"])
    assert "--preflight" not in str(play)
    assert "up.sh" in play["tasks"][0]["ansible.builtin.script"]["cmd"]


# --- when they are written --------------------------------------------------------------------------


@pytest.mark.usefixtures("folder")
def test_they_stand_beside_the_scripts() -> None:
    assert written(TRIED) == []
    kinds = {"up", "down", "check", "bench", "play"}
    assert names(".yml") == {f"lab.{kind}.yml" for kind in {*kinds, "inventory"}}
    assert names(".sh") == {f"lab.{machine}.{kind}.sh" for machine in ("m1", "m2") for kind in kinds}
    assert {path.stat().st_mode & 0o111 for path in Path("out").glob("*.yml")} == {0}


@pytest.mark.usefixtures("folder")
def test_they_go_with_what_calls_for_them() -> None:
    written(TRIED)
    said = written(SMALL)
    assert "mpc: removed out/lab.bench.yml; the lab has no `bench`" in said
    assert "mpc: removed out/lab.play.yml; the lab has no `at`" in said
    assert names(".yml") == {f"lab.{kind}.yml" for kind in ("inventory", "up", "down", "check")}
    assert "mpc: removed out/lab.inventory.yml; the lab names no machines" in written(SMALL, "--here")
    assert names(".yml") == set()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("edit", ["", "---\n", "{text}# more\n", "{half}", "{other}"])
def test_what_mpc_did_not_write_stays(edit: str) -> None:
    written(SMALL)
    text, other = (playbooks(f"lab {name}\n{TRIED}")["play"] for name in ("lab", "other"))
    mine = edit.format(text=text, half=text[: len(text) // 2], other=other)
    Path("out/lab.play.yml").write_text(mine)
    said = written(SMALL)
    assert said == ["mpc: left alone what mpc did not write: out/lab.play.yml; the lab has no `at`"]
    assert Path("out/lab.play.yml").read_text() == mine
