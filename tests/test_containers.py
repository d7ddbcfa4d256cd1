"""What containers are started with: words, variables, options and references of any text, or a refusal."""

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labs import codes, compiled

from compiler.model.nodes import Role
from compiler.pictures import dot, mermaid
from compiler.plan.commands import commands
from compiler.plan.facts import MptcpEndpoint
from compiler.plan.undo import undo


def written(text: str) -> str:
    """A text as a string of the language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def started(attributes: str) -> list[str]:
    """The words that start a container, after those of mpc itself and the three variables."""
    lab = f"lab l\ncontainer a b {attributes}\nlink a -- b"
    plan = compiled(lab).plan
    first, *_ = (next(iter(commands(fact))) for fact in plan.containers)
    words = list(first.arguments)
    return words[words.index("MPC_NETNS=l-a") + 1 :]


TEXT = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), max_size=20)
"""Any text of one line."""

QUOTED = st.lists(
    st.sampled_from(["a", " ", "'", '"', "\\", "$", "`", "#", ";", "*", "~", "  ", "é"]), max_size=9
)


@settings(max_examples=50)
@given(st.lists(TEXT, min_size=1, max_size=5), TEXT)
def test_words_arrive_byte_for_byte(words: list[str], value: str) -> None:
    """Words that are quoted for a shell are the words of the program; a variable has its value."""
    line = shlex.join(words)
    found = started(f'image "i:1" command {written(line)} env V={written(value)}')
    assert found == ["--env", f"V={value}", "i:1", *words]


@settings(max_examples=50)
@given(QUOTED.map("".join))
def test_words_are_those_of_a_shell(line: str) -> None:
    """Where bash expands nothing (`set -f`, no variable), words are as it splits them, or both refuse."""
    if "$" in line or "`" in line or "#" in line or ";" in line or "~" in line or not line.strip():
        return
    script = f"set -f\nfor word in {line}\ndo printf '%s\\0' \"$word\"\ndone"
    bash = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    text = f'container a b image "i" command {written(line)}\nlink a -- b'
    if bash.returncode or "MPC903" in codes(text):
        assert bash.returncode
        assert codes(text) == ["MPC903"]
    else:
        assert started(f'image "i" command {written(line)}')[1:] == bash.stdout.split("\0")[:-1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--memory 64m --init", ["--memory=64m", "--init"]),
        ("--memory=64m -v /a:/b:ro -t", ["--memory=64m", "-v=/a:/b:ro", "-t"]),
        ("--label-not 'a b' -e 'X=y z'", ["--label-not=a b", "-e=X=y z"]),
        ("--read-only=false --cap-add NET_ADMIN", ["--read-only=false", "--cap-add=NET_ADMIN"]),
        ("-m1g", ["-m=1g"]),
        ("--entrypoint '' --init", ["--entrypoint=", "--init"]),
        ("--sysctl kernel.msgmax=9", ["--sysctl=kernel.msgmax=9"]),
    ],
)
def test_options_are_one_word_each(options: str, words: list[str]) -> None:
    """So that none of their values can be taken for the image."""
    assert started(f'image "i" options "{options}"') == [*words, "i"]


@pytest.mark.parametrize(
    "options",
    [
        *("alpine", "--init alpine", "--memory", "-it", "--", "-", "--Memory 1g", "- x", "--privileged --rm"),
        *("--network host", "--net=host", "--name x", "-h x", "--rm", "-d", "-p 80:80", "--userns keep-id"),
        *("--sysctl net.ipv4.ip_forward=1", "--sysctl=net.core.somaxconn=9"),
        *("--restart always", "--pod x", "--dns 10.0.0.1", "--add-host a:10.0.0.1", "--hostname x", "-l x"),
    ],
)
def test_options_that_are_refused(options: str) -> None:
    assert codes(f'container a b image "i" options "{options}"\nlink a -- b') == ["MPC904"]


@pytest.mark.parametrize(
    "image",
    [
        *("redis", "redis:7", "localhost/redis:7", "example.org:5000/a/b_c/d-e:1.2", "0123456789ab"),
        "a@sha256:" + "0" * 64,
        "localhost:5000/x:y@sha256:" + "f" * 64,
    ],
)
def test_references(image: str) -> None:
    assert started(f'image "{image}"') == [image]


@pytest.mark.parametrize(
    "image", ["", "-v", "--help", "A", "a b", "a:", "a//b", "/a", "a/", "a:b:c", "a@b", "$x", "é", "a" * 256]
)
def test_no_references(image: str) -> None:
    assert codes(f'container a b image "{image}"\nlink a -- b') in (["MPC902"], ["MPC901"])


@settings(max_examples=50)
@given(TEXT)
def test_any_reference_is_one_word_or_refused(image: str) -> None:
    text = f"container a b image {written(image)}\nlink a -- b"
    assert codes(text) in (["MPC901"], ["MPC902"]) or started(f"image {written(image)}") == [image]


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ("", "MPC901"),
        ('image "i" image "j"', "MPC206"),
        ('image "i" command " "', "MPC803"),
        ('image "i" command "a \'b"', "MPC903"),
        ('image "i" ready 0', "MPC301"),
        ('image "i" ready 65536', "MPC301"),
        ('image "i" options "--expose 80" engine docker', "MPC904"),
        ('image "i" engine docker netns a', "MPC906"),
        ('image "i" engine dokcer', "MPC905"),
        ('image "i" env MPC_NODE=b', "MPC804"),
        ('image "i" env A=1 A=2', "MPC206"),
        ('image "i" netns _a', "MPC906"),
        ('image "i" mptcpize on options "-e LD_PRELOAD=x"', "MPC912"),
        ('image "i" mptcpize on env LD_PRELOAD=x', "MPC912"),
        ('image "i" mptcpize yes', "MPC102"),
        ('attach "x1" mptcpize on', "MPC909"),
        ('attach "x"', "MPC911"),
        ('attach "-x1"', "MPC911"),
        ('attach "x1" command "y"', "MPC909"),
        ('attach "x1" ready 80', "MPC909"),
        ('attach "x1" attach "x2"', "MPC206"),
        ('attach "x1" engine dokcer', "MPC905"),
        ('image "i" subnet 10.0.0.0/8', "MPC102"),
    ],
)
def test_mistakes(attributes: str, code: str) -> None:
    assert code in codes(f"container a {attributes}\nhost b\nlink a -- b")


NETNS = ("ip", "netns", "exec")


def test_a_command_inside_is_split_and_one_beside_is_not() -> None:
    lab = compiled(
        'container a b image "i"\nlink a -- b\nrun a inside "x \'y z\'" env A=1\nrun b "x \'y z\'"'
    )
    inside, beside = lab.plan.processes
    assert inside.command == "exec podman exec --env A=1 lab-a x 'y z'"
    assert (inside.inside, inside.environment, beside.command) == (True, (), "x 'y z'")
    inside, beside = compiled(
        'container a b image "i"\nlink a -- b\nrun a inside x ready "y \'z  z\'"\nrun b x ready "y z" env A=1'
    ).plan.processes
    assert inside.ready == ("podman", "exec", "lab-a", "y", "z  z")
    assert (beside.ready, beside.environment) == ((*NETNS, "lab-b", "bash", "-c", "--", "y z"), ("A=1",))
    assert codes('container a image "i"\nhost b\nlink a -- b\nrun {a,b} inside "x"') == ["MPC908"]


def test_one_is_attached_once() -> None:
    """A container of one engine is not that of another, and a loop may name several."""
    two = 'container a attach "x1"\ncontainer b attach "x1"{}\nlink a -- b'
    assert codes(two.format("")) == codes('container a b attach "x1"\nlink a -- b') == ["MPC910"]
    assert codes(two.format(" engine docker")) == []
    assert codes("for i in 1..2 {\ncontainer x[i] attach y[i]\n}\nlink x1 -- x2") == []


def test_an_attached_one_is_neither_made_nor_marked() -> None:
    """Its network is the same in all else; what runs inside is told the lab, by which it is known."""
    text = "lab l\n{} a{}\nhost b\nrouter c d\nlink {{a,b}} -- {{c,d}} rate 5mbit\nmptcp a -- b"
    host, attached = (
        compiled(text.format(*kind)).plan for kind in (("host", ""), ("container", ' attach "x1"'))
    )
    differ = {one for plan in (host, attached) for one in plan.facts} - (
        set(host.facts) & set(attached.facts)
    )
    assert {type(one).__name__ for one in differ} == {"Namespace", "Attached", "Mark"}
    rows = undo(attached, "l-a")
    assert rows[:2] == ["ip link del dev c", "ip link del dev d"]
    assert {
        "limits",
        *(
            f"endpoint {end.endpoint.address}"
            for end in attached.facts
            if isinstance(end, MptcpEndpoint) and end.namespace == "l-a"
        ),
    } <= set(rows)
    (process,) = compiled(
        'lab l\ncontainer a attach "x1"\nhost b\nlink a -- b\nrun a inside "y"'
    ).plan.processes
    assert process.command.endswith("--env MPC_NETNS=l-a x1 y")


def test_docker_has_each_beside_an_anchor() -> None:
    """The anchor has nothing of what the lab says but the image, and the container is where that is."""
    lab = compiled(
        'lab l\ncontainer a b image "i" options "--memory 1g" command "x" engine docker\nlink a -- b'
    )
    anchor, started, *_ = (command for one in lab.plan.containers for command in commands(one))
    assert anchor.arguments[-4:] == ("i", "--net=/netns", "/usr/bin/sleep", "infinity")
    assert "--memory=1g" not in anchor.arguments
    assert started.arguments[-3:] == ("--memory=1g", "i", "x")
    assert "container:l-a.net" in started.arguments


def test_an_anchor_has_a_name_of_its_own() -> None:
    """Whichever comes first, and whoever runs it; one of podman has none."""
    text = 'lab l\ncontainer {} image "i"{}\ncontainer {} image "i"{}\nlink a -- b'
    one, other = ("a", " engine docker"), ("b", " netns l-a.net")
    assert codes(text.format(*one, *other)) == codes(text.format(*other, *one)) == ["MPC907"]
    assert codes(text.format("a", "", *other)) == []


@pytest.mark.parametrize("image", ['image "i"', 'image "i" engine docker'])
def test_a_container_changes_nothing_of_the_network(image: str) -> None:
    """A lab has the same network whether its nodes are hosts or containers."""
    text = "{} a b {}\nrouter c d\nlink {{a,b}} -- {{c,d}} rate 5mbit\nmptcp a -- b"
    hosts, boxes = (compiled(text.format(*kind)) for kind in (("host", ""), ("container", image)))
    assert list(hosts.plan.network) == list(boxes.plan.network)
    assert [one.namespace for one in boxes.plan.containers] == ["lab-a", "lab-b"]


@pytest.mark.parametrize("role", Role)
def test_every_role_is_drawn(role: Role) -> None:
    """In each form of `mpc graph` that needs no other program, with names and without."""
    assert {role} <= dot.SHAPES.keys() & dot.SMALL.keys() & mermaid.SHAPES.keys() & mermaid.FILLS.keys()
