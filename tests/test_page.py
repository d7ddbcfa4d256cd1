"""The page of `mpc graph`, in headless Chromium: hovering, clicks, search, zoom, dark and light."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from browser import PROGRAM, Page, browser
from conftest import needs_programs
from hypothesis import given, settings
from labs import compiled, lab_of
from test_graph import OFFICE, pictures

from compiler.model.lab import Lab
from compiler.pictures import page as pages
from compiler.pictures.courses import COLOURS
from compiler.pictures.drawing import svg
from compiler.pictures.forms import FORMS
from compiler.pictures.picture import Picture, picture
from compiler.prediction.predict import Predictor

pytestmark = [needs_programs("dot"), needs_programs(PROGRAM or "chromium")]

DIAMOND = "host a b\nrouter c d\nlink {a,b} -- {c,d} rate 5mbit delay 1ms\nmptcp a -- b\n"


@pytest.fixture(scope="module")
def window() -> Iterator[Page]:
    with browser() as page:
        yield page


def opened(window: Page, tmp_path: Path, lab: Lab, pair: tuple[str, str] | None = None) -> Page:
    path = tmp_path / "lab.html"
    path.write_text(FORMS["html"](lab, pair))
    window.faults.clear()
    window.mouse("mouseMoved", (1270, 790))
    window.open(path)
    return window


def node(name: str) -> str:
    return f'[aria-label="{name}"]'


def drawn(window: Page) -> set[str]:
    """The colours of the courses that are drawn."""
    return set(
        window.value("[...document.querySelectorAll('.course')].map(one => one.getAttribute('stroke'))")
    )


def items(window: Page) -> list[str]:
    found: list[str] = window.value(
        "[...document.querySelectorAll('#courses li')].map(one => one.textContent)"
    )
    return found


def test_two_clicks_show_the_ways_with_their_prediction(window: Page, tmp_path: Path) -> None:
    opened(window, tmp_path, lab_of(DIAMOND))
    window.click(node("a"))
    assert window.text("pair") == "from a: click another node"
    assert items(window) == []
    window.click(node("b"))
    assert window.text("pair") == "a to b"
    ways = items(window)
    assert [way.partition(":")[0] for way in ways] == ["a c b", "a d b"]
    assert all("5mbit" in way and "rtt 4ms" in way for way in ways)
    assert drawn(window) == set(COLOURS[:2])
    assert window.value("document.querySelectorAll('.narrow').length") == 2
    assert re.search(r"^ *MPTCP, 3 subflows +9\.\d+ Mbit/s", window.text("rates"), re.MULTILINE)
    window.click(node("c"))
    assert window.text("pair") == "from c: click another node"
    assert (drawn(window), items(window), window.text("rates")) == (set(), [], "")
    window.click(node("c"))
    assert window.text("pair") == ""
    assert window.faults == []


def test_escape_and_the_keyboard(window: Page, tmp_path: Path) -> None:
    opened(window, tmp_path, lab_of(DIAMOND))
    for name in ("b", "a"):
        window.value(f"document.querySelector({json.dumps(node(name))}).focus()")
        window.press("Enter")
    assert window.text("pair") == "b to a"
    assert len(drawn(window)) == 2
    window.press("Escape")
    assert (window.text("pair"), drawn(window)) == ("", set())


def test_a_pair_that_is_chosen_from_the_start(window: Page, tmp_path: Path) -> None:
    opened(window, tmp_path, lab_of(DIAMOND), ("b", "a"))
    assert window.text("pair") == "b to a"
    assert len(items(window)) == 2


def test_each_pair_of_hosts_has_the_ways_of_paths(window: Page, tmp_path: Path) -> None:
    lab = compiled(OFFICE.read_text(), OFFICE.name).lab
    opened(window, tmp_path, lab)
    predictor = Predictor(lab)
    for source, target in (("desk1", "web"), ("web", "desk8"), ("printer", "files"), ("desk3", "isp2")):
        window.press("Escape")
        window.click(node(source))
        window.click(node(target))
        wanted = [
            " ".join(trip.out.nodes) for one in predictor.families(source, target) for trip in one.trips
        ]
        assert [way.partition(":")[0] for way in items(window)] == wanted
    window.press("Escape")
    window.click(node("desk1"))
    window.click(node("core"))
    assert items(window) == ["A switch has no addresses: choose hosts or routers."]


def test_hovering_shows_addresses_and_rates(window: Page, tmp_path: Path) -> None:
    lab = lab_of(DIAMOND)
    opened(window, tmp_path, lab)
    window.hover(node("a"))
    assert window.text("name") == "a"
    for name, interface in lab.interfaces.items():
        assert (f"{interface.addresses[0]} 5mbit 1ms" in window.text("facts")) == (name.node == "a")
    window.value("near = document.querySelector('#l0 .near')")
    point = "near.getPointAtLength(near.getTotalLength() / 3).matrixTransform(near.getScreenCTM())"
    x, y = window.value(f"(point => [point.x, point.y])({point})")
    window.mouse("mouseMoved", (x, y))
    assert window.text("name") == "a:c -- c:a"
    assert "5mbit 1ms" in window.text("facts")


def view(window: Page) -> list[float]:
    found: list[float] = window.value("(v => [v.x, v.y, v.width, v.height])(svg.viewBox.baseVal)")
    return found


def test_zoom_and_movement(window: Page, tmp_path: Path) -> None:
    opened(window, tmp_path, lab_of(DIAMOND))
    whole = view(window)
    window.click("#in")
    assert view(window)[2] == pytest.approx(whole[2] / 1.4)
    window.click("#out")
    assert view(window) == pytest.approx(whole)
    before = window.place(node("c"))
    window.mouse("mouseWheel", before, deltaX=0, deltaY=-100)
    window.wait(f"svg.viewBox.baseVal.width < {whole[2] * 0.9}")
    assert window.place(node("c")) == pytest.approx(before, abs=3)
    window.drag(before, (60, 30))
    assert window.place(node("c")) == pytest.approx((before[0] + 60, before[1] + 30), abs=3)
    assert window.text("pair") == ""
    window.click("#fit")
    assert view(window) == pytest.approx(whole)


def test_search(window: Page, tmp_path: Path) -> None:
    opened(window, tmp_path, lab_of("use std/ring as r with n=200\nrouting none"))
    window.click("#search")
    window.type("r-r1")
    assert window.text("count") == "111 nodes"
    window.type("37")
    assert window.text("count") == "1 node"
    assert window.value("document.querySelectorAll('.node.found').length") == 1
    window.press("Enter")
    assert window.text("name") == "r-r137"
    middle, map_ = window.place(node("r-r137")), window.place("#map svg")
    assert middle == pytest.approx(map_, abs=5)


def test_dark_and_light(window: Page, tmp_path: Path) -> None:
    def paper() -> str:
        found: str = window.value("getComputedStyle(document.body).backgroundColor")
        return found

    for scheme, first, other in (("light", "rgb(255, 255, 255)", 22), ("dark", "rgb(22, 24, 28)", 255)):
        window.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        opened(window, tmp_path, lab_of(DIAMOND))
        assert paper() == first
        window.click("#theme")
        assert paper().startswith(f"rgb({other}, ")
    window.ask("Emulation.setEmulatedMedia", features=[])


def test_a_pair_that_is_not_in_the_page(
    window: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large lab has predictions up to a bound, those that it names first."""
    monkeypatch.setattr(pages, "MOST_TRIPS", 10)
    opened(window, tmp_path, lab_of("use std/leaf-spine as s\nbench s-h3-1 -> s-h0-0 using tcp"))
    window.click(node("s-h3-1"))
    window.click(node("s-h0-0"))
    assert len(items(window)) == 2
    window.press("Escape")
    window.click(node("s-h3-0"))
    window.click(node("s-h2-0"))
    (said,) = items(window)
    assert said.startswith("Not in this page, which has ")
    assert said.endswith(": mpc paths LAB s-h3-0 s-h2-0")


class Reader(HTMLParser):
    """The elements of a page, and the text of its data."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.data, self.inside = "", False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.inside = ("id", "data") in attrs

    def handle_data(self, data: str) -> None:
        self.data += data if self.inside else ""
        self.inside = False


@given(pictures())
@settings(max_examples=25)
def test_any_text_is_text_in_a_page(found: Picture) -> None:
    """No name adds an element, and the data are read as they were written."""
    lab = lab_of("host a b\nlink a -- b")
    reader = Reader()
    reader.feed(page_of(lab, found))
    assert reader.tags.count("script") == 2
    assert reader.tags.count("g") == svg(found._replace(courses=())).count("<g ")
    data: dict[str, Any] = json.loads(reader.data)
    assert [node["name"] for node in data["nodes"]] == [node.name for node in found.nodes]
    assert not set(reader.tags) & {"b", "img", "iframe"}


def page_of(lab: Lab, found: Picture) -> str:
    """The page of a picture of other nodes than the lab's, without predictions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "_predictions", lambda *_: iter(()))
        return pages.page(lab, found, None)


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "\\u003c"]
)
def test_a_name_that_looks_like_markup_is_shown(window: Page, tmp_path: Path, name: str) -> None:
    lab = lab_of("host a b\nlink a -- b")
    plain, path = picture(lab), tmp_path / "x.html"
    found = plain._replace(name=name, nodes=(plain.nodes[0]._replace(name=name), plain.nodes[1]))
    path.write_text(page_of(lab, found))
    window.faults.clear()
    window.open(path)
    window.hover("#n0")
    assert window.text("name") == name
    assert window.value("document.title") == name
    assert window.value("document.querySelector('#n0 text').textContent") == name
    assert window.faults == []


def test_a_page_needs_no_other_file() -> None:
    text = FORMS["html"](lab_of(DIAMOND), None)
    assert "default-src 'none'" in text
    assert re.findall(r'(?:src|href)="(?!")[^"]*"', text) == []
