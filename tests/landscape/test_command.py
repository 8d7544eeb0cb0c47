"""`trainvitals landscape`: words on standard output, pictures in files, mistakes that are named."""

import io
import json
import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from trainvitals.diagnostics.cli import main
from trainvitals.diagnostics.landscape import generic
from trainvitals.diagnostics.landscape.picture import Curve, Landscape, Mark, Plot, Scale, Surface
from trainvitals.diagnostics.render.landscape import html, layout, png, svg
from trainvitals.diagnostics.render.landscape import json as landscape_json
from trainvitals.diagnostics.render.landscape.shapes import Line, Text

TYPES = ("spatial", "eos", "article", "softce", "causal_lm")
ROOT = Path(__file__).resolve().parents[2]
SVG = "{http://www.w3.org/2000/svg}"
HUBER = "where(e < 1, e**2 / 2, e - 0.5)"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["landscape", *map(str, arguments)])


@pytest.mark.parametrize("name", TYPES)
def test_every_loss_type_has_words_and_a_picture(name: str, tmp_path: Path) -> None:
    target = tmp_path / "x.svg"
    result = run(name, "-o", target)
    assert result.exit_code == 0
    assert result.stdout.count("· ") > 2
    assert max(map(len, result.stdout.splitlines())) <= 110, "a table may be wider than the page"
    drawn = ET.parse(target).getroot()
    assert len(drawn.findall(f"{SVG}path")) > 10
    places = [float(n) for text in drawn.findall(f"{SVG}text") for n in (text.get("x", ""), text.get("y", ""))]
    assert all(map(math.isfinite, places))
    width, height = float(drawn.get("width", "")), float(drawn.get("height", ""))
    for text in drawn.findall(f"{SVG}text"):
        assert 0 <= float(text.get("x", "")) <= width
        assert 0 <= float(text.get("y", "")) <= height


def test_a_picture_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg", "a.html", "b.html"):
        assert run("spatial", "-o", tmp_path / name).exit_code == 0
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    page = (tmp_path / "a.html").read_text("utf-8")
    assert page == (tmp_path / "b.html").read_text("utf-8")
    assert page.count("<svg") == 3
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="', page)


def test_a_png_shows_the_same_as_the_svg(tmp_path: Path) -> None:
    from PIL import Image

    found = generic.landscape(generic.Definition(HUBER, high=3.0))
    size = layout.whole(found)
    with Image.open(io.BytesIO(png.render(found))) as image:
        assert image.size == (round(2 * size.width), round(2 * size.height))
        colours = {colour for _, colour in image.getcolors(1 << 20)}
    assert {(0, 114, 178), (213, 94, 0), (255, 255, 255)} <= colours, "both curves, on white"


def test_json_holds_the_data_of_the_pictures() -> None:
    result = run("spatial", "--loss", "0.05", "--format", "json")
    document = json.loads(result.stdout)
    assert (document["schema"], document["name"]) == (1, "spatial")
    assert [panel["kind"] for panel in document["panels"]] == ["plot", "plot", "surface"]
    curve = document["panels"][0]["curves"][0]
    assert None in curve["y"], "the curve is interrupted at its jumps"
    assert any("33.6 to 43.2 px" in sentence for sentence in document["sentences"])


def test_any_number_of_classes_has_colours(tmp_path: Path) -> None:
    classes = ",".join(f"C{i}={i + 1}" for i in range(12))
    for name in ("x.png", "x.svg"):
        assert run("eos", "--counts", f"{classes},EOS=1", "-o", tmp_path / name).exit_code == 0
    assert set(re.findall(r'class="(?:line|dashed) c(\d+)"', (tmp_path / "x.svg").read_text())) == set("0123456"), (
        "and no white one"
    )


def test_the_constants_of_the_staged_loss_can_be_changed() -> None:
    assert run("spatial", "--multipliers", "5,1").stdout.startswith("staged distance loss: 5 d^2 below 0.05 | d^2")
    closed = run("spatial", "--multipliers", "1,1", "--slope", "0.2", "--constant", "-0.01")
    assert "jump" not in closed.stdout


def test_a_run_goes_its_way_over_the_surface() -> None:
    result = run("article", "--run", ROOT / "sample_logs" / "article" / "weight-too-high", "--format", "json")
    document = json.loads(result.stdout)
    assert "weight 300" in document["title"], "the weight is that of the run"
    way = document["panels"][-1]["curves"][-1]
    assert way["name"] == "weight-too-high"
    assert len(way["x"]) == 150
    assert (way["x"][0], way["y"][0]) == pytest.approx((6.222, 6.242), abs=1e-3)


def test_any_loss_in_a_file_is_analysed(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('loss = "where(error < 0.5, error, error - 0.25)"\nunit = "px"\nfactor = 100\ntitle = "my loss"\n')
    told = run("loss", path).stdout
    assert told.startswith("my loss\n")
    assert "jump at 50 px: the loss falls from 0.5000 to 0.2500" in told
    assert run("loss", "--expression", HUBER, "--high", "3").stdout.count("· ") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("spatail",), "spatail"),
        (("spatial", "-o", "x.pdf"), "'x.pdf' must end in .svg, .png, .html"),
        (("spatial", "-o", "no/such/folder.svg"), "no/such/folder.svg"),
        (("spatial", "-o", "no/such/folder.png"), "no/such/folder.png"),
        (("spatial", "--thresholds", "0.1,0.05"), "thresholds must rise"),
        (("spatial", "--multipliers", "ten"), "--multipliers: 'ten'"),
        (("spatial", "--loss", "nan"), "'nan' is no finite number"),
        (("eos", "--counts", "COORD"), "--counts: 'COORD'"),
        (("eos", "--counts", "COORD=3"), "must have tokens of EOS"),
        (("article", "--share", "1"), "share between 0 and 1"),
        (("article", "--run", str(ROOT / "sample_logs" / "article")), "runs with values, not one"),
        (("article", "--run", str(ROOT / "sample_logs" / "eos" / "healthy-0")), "no article_loss"),
        (("article", "--run", "no/such/run"), "no/such/run"),
        (("softce", "--sigma", "0"), "sigma"),
        (("causal_lm", "--vocabulary", "1"), "two words"),
        (("loss",), "either a file or --expression"),
        (("loss", "missing.toml"), "missing.toml"),
        (("loss", "--expression", "open('x')"), "not allowed"),
        (("loss", "--expression", "log(-1)"), "no finite value"),
        (("loss", "--expression", "e", "--low", "2"), "no range"),
    ],
)
def test_wrong_usage_is_answered_with_what_is_wrong(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert "internal error" not in result.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loss = 3", "loss: 3 is not text"),
        ("los = 'e'", "los: unknown key"),
        ("high = 2", "loss: missing"),
        ("= =", ""),
    ],
)
def test_a_definition_that_cannot_be_used_is_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(text)
    result = run("loss", tmp_path / "x.toml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_python_function_is_drawn_too() -> None:
    found = generic.of_callable(lambda e: e if e < 2 else 1.0, 0.0, 3.0, title="mine")
    assert found.sentences[0].startswith("jump at 2: the loss falls from 2.0000 to 1.0000")
    loss = found.panels[0]
    assert isinstance(loss, Plot)
    assert np.isnan(loss.curves[0].y).sum() == 1


NAME = "</title><script>&\x1b[2J"


def test_hostile_names_are_inert_in_every_picture() -> None:
    x = np.array([0.0, 1.0])
    plot = Plot(NAME, Scale(NAME), Scale(NAME), (Curve(NAME, x, x),), (Mark(0.5, NAME),))
    surface = Surface(NAME, Scale(NAME), Scale(NAME), NAME, x, x, np.eye(2), (Curve(NAME, x, x),), (Mark(0, NAME, 0),))
    found = Landscape(NAME, NAME, (NAME,), (plot, surface))
    for text in (svg.render(found), html.render(found)):
        assert "<script" not in text
        assert "\x1b" not in text
    ET.fromstring(svg.render(found))
    assert "\x1b" not in landscape_json.render(found)
    assert png.render(found).startswith(b"\x89PNG")


def test_a_loss_beyond_all_bounds_is_drawn_as_far_as_it_goes() -> None:
    found = generic.landscape(generic.Definition("exp(50 * e)", high=20.0))
    assert found.sentences[-1] == "not finite from 14.2 to 20"
    drawn = ET.fromstring(svg.render(found))
    assert not re.search("nan|inf", " ".join(path.get("d", "") for path in drawn.findall(f"{SVG}path")))


def test_words_of_marks_do_not_lie_on_each_other() -> None:
    x = np.array([0.0, 1.0])
    marks = tuple(Mark(0.5, f"mark {i}", 0.5) for i in range(4))
    drawn = layout.drawing(Plot("", Scale(""), Scale(""), (Curve("", x, x),), marks))
    rows = [shape.y for shape in drawn.shapes if isinstance(shape, Text) and shape.words.startswith("mark")]
    assert len(rows) == 4
    assert min(np.diff(sorted(rows))) >= 13


def test_a_curve_is_interrupted_where_it_has_no_value() -> None:
    x, y = np.arange(6.0), np.array([1.0, 2.0, math.nan, 3.0, math.inf, 4.0])
    drawn = layout.drawing(Plot("", Scale(""), Scale(""), (Curve("", x, y),)))
    assert [len(s.points) for s in drawn.shapes if isinstance(s, Line) and s.style == "line"] == [2]
