"""Pictures: what they show is where the data are, and they can stand in any page."""

import base64
import io
import re
import subprocess
import sys
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from mixingbuddy.tools.loudness import loudness_range_edges_lufs, loudness_range_lu
from mixingbuddy.tools.plot_faders import FaderRow, draw_faders
from mixingbuddy.tools.plot_loudness import LoudnessCurve, Section, TimedFinding, draw_loudness
from mixingbuddy.tools.plot_masking import MaskedSpot, MaskingMap, draw_masking
from mixingbuddy.tools.plot_spectrum import SpectrumLines, draw_spectrum, usual_spectrum
from mixingbuddy.tools.plot_style import DARK, LIGHT, NARROW_PX, WIDE_PX, Picture
from mixingbuddy.tools.plot_svg import page_svg, to_png, to_svg
from mixingbuddy.tools.plot_waveforms import draw_waveforms, wave_of
from mixingbuddy.tools.plot_words import clock, fitted, number, signed, text_px

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '<b>&"</text><script>'
Element = ElementTree.Element
BASELINE_PX = 0.35 * 11  # from the middle of small words down to where they stand
CENTRES_HZ, (LOW_DB, HIGH_DB) = usual_spectrum()
EDGES_HZ = np.geomspace(50, 12_800, 9)
ROWS = [
    FaderRow(HOSTILE, -9.4, -3.8, 6.0, (-8.0, -2.0)),
    FaderRow("a$b$ \\alpha", -3.7, -8.1, -4.0, (-6.0, -4.0)),
    FaderRow("keys", -10.6, -11.0),
    FaderRow("ボーカル", None, None),
]


def masking_map(stems: int = 3, columns: int = 40, column_s: float = 0.5) -> MaskingMap:
    """Stem 0 sounds only in the lowest band of the first half, hidden; the others in all, audible."""
    hidden, loudness = np.zeros((stems, 8, columns), np.float32), np.ones((stems, 8, columns), np.float32)
    loudness[0], hidden[0] = 0, 1
    loudness[0, 0, : max(1, columns // 2)] = 1
    names = (HOSTILE, *(f"stem {index}" for index in range(1, stems)))
    spots = (MaskedSpot(HOSTILE, names[1:3], 2.0, 8.0, 100.0, 3200.0, "major"),)
    return MaskingMap(names, hidden, loudness, EDGES_HZ, column_s, spots)


def loudness_curve(findings: tuple[TimedFinding, ...] = (), duration_s: float = 60.0) -> LoudnessCurve:
    at_s = np.arange(0, duration_s - 3, 0.1)
    short_term = -18 + 4 * np.sin(at_s / 9)
    momentary = np.append(short_term, np.full(26, -20.0)) + 1
    sections = (Section("A", 0, duration_s / 2), Section("B & C", duration_s / 2, duration_s))
    return LoudnessCurve(duration_s, 0.1, short_term, -17.5, momentary, findings, sections)


FINDINGS = (
    TimedFinding(f"{HOSTILE} masked", 6, 30, "major"),
    TimedFinding("clicks", 40, 41, "minor"),
    TimedFinding("hum", 0, 60),
)
SINE = (0.5 * np.sin(np.arange(44_100) / 7)).astype(np.float32)[None]
WAVE = wave_of(SINE, 44_100, -6.0)
LOUD = wave_of(np.clip(3 * SINE, -1, 1), 44_100, 0.4, ((0.25, 0.3), (0.75, 0.75)))
MIX_DB = tuple(np.linspace(-8, -30, len(CENTRES_HZ)).tolist())
REFERENCE_DB = tuple((np.array(MIX_DB) - np.where(np.arange(len(MIX_DB)) < 3, 4.0, 0.0)).tolist())
DRAWN: dict[str, Callable[[int], Picture]] = {
    "faders": lambda width: draw_faders(ROWS, width),
    "spectrum": lambda width: draw_spectrum(SpectrumLines(CENTRES_HZ, MIX_DB, REFERENCE_DB), width),
    "masking": lambda width: draw_masking(masking_map(), width),
    "loudness": lambda width: draw_loudness(loudness_curve(FINDINGS), width),
    "waveforms": lambda width: draw_waveforms(WAVE, LOUD, -1.0, width),
}
EACH = pytest.mark.parametrize("name", DRAWN)


def parsed(picture: Picture) -> Element:
    return ElementTree.fromstring(to_svg(picture))


def marked(root: Element, mark: str) -> list[Element]:
    return [group for group in root.iter(f"{SVG}g") if mark in (group.get("class") or "").split()]


def words(root: Element, mark: str = "") -> list[str]:
    groups = marked(root, mark) if mark else [root]
    return [text.text or "" for group in groups for text in group.iter(f"{SVG}text")]


def points(group: Element) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Every point of the group's first path, shape (points, 2)."""
    path = next(group.iter(f"{SVG}path"))
    return np.array(re.findall(r"-?[\d.]+", path.attrib["d"]), np.float64).reshape(-1, 2)


def box(group: Element) -> tuple[float, float, float, float]:
    """Left, right, upper and lower end."""
    at = points(group)
    return at[:, 0].min(), at[:, 0].max(), at[:, 1].min(), at[:, 1].max()


def axis(root: Element, mark: str, along: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Slope and start of the line that the axis' own labels give: pixels = slope * value + start."""
    texts = [text for group in marked(root, mark) for text in group.iter(f"{SVG}text")]
    values = [_seconds_or_number(text.text or "") for text in texts]
    at = [float(text.attrib[along]) - (BASELINE_PX if along == "y" else 0) for text in texts]
    assert len(set(values)) >= 3
    fit = np.polyfit(values, at, 1)
    np.testing.assert_allclose(np.polyval(fit, values), at, atol=0.05)
    return np.asarray(fit)


def _seconds_or_number(label: str) -> float:
    if ":" in label:
        return 60 * float(label.split(":")[0]) + float(label.split(":")[1])
    return float(label.replace("−", "-").removesuffix(" s"))


@EACH
@pytest.mark.parametrize("width_px", [WIDE_PX, NARROW_PX])
def test_a_picture_stands_in_any_page(name: str, width_px: int) -> None:
    svg = to_svg(DRAWN[name](width_px))
    root = ElementTree.fromstring(svg)
    assert svg.startswith("<svg ")
    assert len(svg) < 300_000
    assert root.get("viewBox") == f"0 0 {width_px} {root.get('height')}"
    assert not [element for element in root.iter() if element.tag.split("}")[-1] in ("script", "style", "metadata")]
    for element in root.iter():
        assert "style" not in element.attrib
        assert element.tag.startswith(SVG)
        assert element.get("href", "#").startswith(("#", "data:image/png;base64,"))
        for paint in (element.get("fill", "none"), element.get("stroke", "none")):
            assert paint == "none" or re.fullmatch(r"var\(--[a-z]+, (currentColor|#[0-9a-f]{6,8})\)", paint), paint
    assert "matplotlib" not in svg.lower()
    assert "DejaVu" not in svg
    assert len(words(root)) > 5


@EACH
def test_a_picture_is_told_in_words(name: str) -> None:
    root = parsed(DRAWN[name](WIDE_PX))
    told = {element.get("id"): element.text for element in root if element.tag in (f"{SVG}title", f"{SVG}desc")}
    assert root.get("role") == "img"
    assert (root.get("aria-labelledby") or "").split() == list(told)
    facts = {
        "faders": "2 of 4",
        "spectrum": "reference",
        "masking": "hidden by stem 1",
        "loudness": "−17.5",
        "waveforms": "−6.0 dBTP, 5.0 dB under",
    }
    assert facts[name] in (next(iter(told.values())) or "")
    assert all(text and len(text) > 15 for text in told.values())


@EACH
def test_the_same_input_gives_the_same_bytes(name: str) -> None:
    assert to_svg(DRAWN[name](WIDE_PX)) == to_svg(DRAWN[name](WIDE_PX))
    assert to_png(DRAWN[name](NARROW_PX)) == to_png(DRAWN[name](NARROW_PX))


def test_ids_do_not_collide_in_one_page() -> None:
    page = "".join(page_svg(draw) for draw in DRAWN.values()) + to_svg(draw_faders(ROWS[:2]))
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) > 2 * 11
    assert len(ids) == len(set(ids))
    used = re.findall(r'href="#([^"]+)"', page) + re.findall(r"url\(#([^)]+)\)", page)
    assert used
    assert set(used) <= set(ids)
    assert page.count("plot-wide") == len(DRAWN) + 1
    assert page.count("plot-narrow") == len(DRAWN)


def test_drawing_needs_no_pyplot_and_leaves_settings_alone() -> None:
    program = (
        "import sys, warnings\n"
        "from mixingbuddy.tools import plot_loudness, plot_masking, plot_spectrum, plot_waveforms, plot_svg\n"
        "from mixingbuddy.tools.plot_faders import FaderRow, draw_faders\n"
        "assert 'matplotlib' not in sys.modules\n"
        "import matplotlib\n"
        "matplotlib.rcParams['font.size'] = 40\n"
        "before = matplotlib.rcParams.copy(), list(warnings.filters)\n"
        "svg = plot_svg.to_svg(draw_faders([FaderRow('kick', -3.0, -2.0, 1.0)]))\n"
        "plot_svg.to_png(draw_faders([FaderRow('kick', -3.0, -2.0, 1.0)]))\n"
        "assert before == (matplotlib.rcParams.copy(), list(warnings.filters))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert '>kick<' in svg\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_faders_stand_where_the_axis_says() -> None:
    root = parsed(draw_faders(ROWS))
    fit = axis(root, "plot-level", "x")
    for mark, levels in (("plot-before", [-9.4, -3.7, -10.6]), ("plot-after", [-3.8, -8.1, -11.0])):
        at = [float(dot.attrib["x"]) for group in marked(root, mark) for dot in group.iter(f"{SVG}use")]
        np.testing.assert_allclose(at, np.polyval(fit, levels), atol=0.05)
    bands = [box(group)[:2] for group in marked(root, "plot-usual")]
    np.testing.assert_allclose(bands, np.polyval(fit, [[-8, -2], [-6, -4]]), atol=0.05)
    assert words(root, "plot-move") == ["+6.0 dB", "−4.0 dB", "0 dB", "0 dB"]
    assert words(root, "plot-stem") == [row.name for row in ROWS]
    assert "silent" in words(root)
    assert "&lt;b&gt;&amp;" in to_svg(draw_faders(ROWS))


def test_groups_stand_above_the_stems_have_no_fader_and_tell_what_is_out_of_range() -> None:
    rows = [FaderRow("all drums", -2.0, -3.0, 0.0, (-9.0, -4.0), is_group=True), FaderRow("kick", -9.0, -8.0, 1.0)]
    picture = draw_faders(rows)
    root = parsed(picture)
    assert picture.title == "1 of 1 faders moves; all drums 1.0 LU above the usual"
    assert words(root, "plot-group") == ["all drums"]
    assert words(root, "plot-move") == ["+1.0 dB"]
    divider = points(marked(root, "plot-divider")[0])[0, 1]
    above, below = (float(dot.attrib["y"]) for group in marked(root, "plot-after") for dot in group.iter(f"{SVG}use"))
    assert above < divider < below


def test_a_balance_without_moves_has_no_after() -> None:
    picture = draw_faders([FaderRow("kick", -9.0, None, 0.0, (-10.0, -4.0)), FaderRow("bass", -5.0, None)])
    root = parsed(picture)
    assert not marked(root, "plot-after")
    assert "level" in words(root)
    assert "after" not in words(root)
    assert picture.title == "No fader moves; everything with a usual range lies inside it"


def test_loudness_needs_no_momentary_curve() -> None:
    curve = loudness_curve()
    root = parsed(draw_loudness(LoudnessCurve(60.0, 0.1, curve.short_term_lufs, -17.5)))
    assert marked(root, "plot-short-term")
    assert not marked(root, "plot-momentary")
    assert not [word for word in words(root) if "momentary" in word]


def test_a_fader_far_down_stays_on_the_edge_with_its_level() -> None:
    root = parsed(draw_faders([FaderRow("loud", -1.0, -1.0), FaderRow("ghost", -80.0, -80.0)]))
    fit = axis(root, "plot-level", "x")
    dots = [float(dot.attrib["x"]) for group in marked(root, "plot-after") for dot in group.iter(f"{SVG}use")]
    assert dots[0] == pytest.approx(np.polyval(fit, -1.0), abs=0.05)
    assert 0 < dots[1] < dots[0]
    round_one, triangle = (next(group.iter(f"{SVG}path")).attrib["d"] for group in marked(root, "plot-after"))
    assert len(triangle.split()) < len(round_one.split())
    assert "−80.0 LU" in words(root)


def test_the_spectrum_is_where_its_axes_say() -> None:
    root = parsed(draw_spectrum(SpectrumLines(CENTRES_HZ, MIX_DB, REFERENCE_DB, (LOW_DB, HIGH_DB))))
    fit = axis(root, "plot-level", "y")
    for mark, levels in (("plot-mix", MIX_DB), ("plot-reference", REFERENCE_DB)):
        at = points(marked(root, mark)[0])
        np.testing.assert_allclose(at[:, 1], np.polyval(fit, levels), atol=0.05)
        # An octave is as wide everywhere.
        np.testing.assert_allclose(np.diff(at[:, 0], 2), 0, atol=0.05)
    upper = points(marked(root, "plot-usual")[0])[: len(HIGH_DB), 1]
    np.testing.assert_allclose(upper, np.polyval(fit, HIGH_DB), atol=0.05)
    named = ("sub", "low", "low-mid", "high-mid", "air")
    assert [word for word in words(root) if word in named] == list(named)


def test_the_difference_has_a_bar_where_there_is_one() -> None:
    against_reference = parsed(draw_spectrum(SpectrumLines(CENTRES_HZ, MIX_DB, REFERENCE_DB)))
    bars = [box(bar) for bar in marked(against_reference, "plot-difference")]
    assert len(bars) == 3
    above, below = (
        {path.get("fill") for bar in marked(parsed(draw_spectrum(lines)), "plot-difference") for path in bar}
        for lines in (
            SpectrumLines(CENTRES_HZ, MIX_DB, REFERENCE_DB),
            SpectrumLines(CENTRES_HZ, REFERENCE_DB, MIX_DB),
        )
    )
    assert not above & below
    assert np.ptp([bar[3] for bar in bars]) < 0.05  # all stand on the zero line
    assert np.ptp([bar[3] - bar[2] for bar in bars]) < 0.05  # and are 4 dB high
    inside = tuple(((np.array(LOW_DB) + HIGH_DB) / 2).tolist())
    assert not marked(
        parsed(draw_spectrum(SpectrumLines(CENTRES_HZ, inside, None, (LOW_DB, HIGH_DB)))), "plot-difference"
    )
    shrill = (*inside[:-1], HIGH_DB[-1] + 5)
    picture = draw_spectrum(SpectrumLines(CENTRES_HZ, shrill, None, (LOW_DB, HIGH_DB)))
    assert len(marked(parsed(picture), "plot-difference")) == 1
    assert "At 13 kHz the mix is 5.0 dB above" in picture.title


def test_what_a_codec_cut_off_is_not_called_the_largest_difference() -> None:
    cut = (*REFERENCE_DB[:-2], -80.0, -85.0)
    picture = draw_spectrum(SpectrumLines(CENTRES_HZ, MIX_DB, cut))
    assert "4.0 dB more" in picture.title
    near = draw_spectrum(SpectrumLines(CENTRES_HZ, MIX_DB, tuple(level + 0.3 for level in MIX_DB)))
    assert near.title == "The mix has the spectrum of the reference, within 0.3 dB"


def _cells(root: Element) -> list[np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]]:
    images = [image for group in marked(root, "plot-cells") for image in group.iter(f"{SVG}image")]
    images = images or [image for image in root.iter(f"{SVG}image") if image.get("class") == "plot-cells"]
    data = [base64.b64decode(image.attrib["href"].partition(",")[2]) for image in images]
    return [np.asarray(Image.open(io.BytesIO(each)).convert("RGBA")) for each in data]


def test_the_masking_map_shows_hidden_audible_and_silent_cells() -> None:
    root = parsed(draw_masking(masking_map()))
    first, second, _ = _cells(root)
    assert first.shape == (8, 40, 4)
    seen = first[..., 3] > 0
    assert seen[-1, :20].all()  # the lowest band is the lowest row
    assert seen.sum() == 20
    red, _, blue = first[-1, 0, :3].astype(int)
    assert red > blue + 100  # hidden is orange
    red, _, blue = second[0, 0, :3].astype(int)
    assert blue > red + 50  # audible is blue
    assert words(root, "plot-stem") == [HOSTILE, "stem 1", "stem 2"]


def test_what_is_soft_is_pale_and_what_is_a_thousand_times_softer_is_empty() -> None:
    loudness = np.ones((1, 8, 3), np.float32)
    loudness[:, :, 1], loudness[:, :, 2] = 0.1, 1e-4
    (cells,) = _cells(parsed(draw_masking(MaskingMap(("a",), np.ones_like(loudness), loudness, EDGES_HZ, 1.0))))
    assert cells[0, 0, 3] == 255 > cells[0, 1, 3] > 0 == cells[0, 2, 3]


def test_a_masked_spot_is_outlined_at_its_time_and_pitch() -> None:
    root = parsed(draw_masking(masking_map()))
    fit = axis(root, "plot-time", "x")
    left, right, upper, lower = box(marked(root, "plot-spot")[0])
    np.testing.assert_allclose([left, right], np.polyval(fit, [2, 8]), atol=0.05)
    strip = box(marked(root, "plot-strip")[0])
    # Every band is an octave: 100 Hz lies one of eight above the bottom, 3.2 kHz two below the top.
    height = strip[3] - strip[2]
    assert lower == pytest.approx(strip[3] - height / 8, abs=0.05)
    assert upper == pytest.approx(strip[2] + height / 4, abs=0.05)
    named = words(root, "plot-spot-name")
    assert len(named) == 1
    assert "0:02–0:08, 100 Hz to 3.2 kHz, hidden by stem 1 and stem 2" in named[0]


def test_a_masking_map_that_does_not_fit_together_is_refused() -> None:
    song = masking_map()
    with pytest.raises(ValueError, match="bands \\+ 1 edges"):
        draw_masking(MaskingMap(song.names, song.hidden_share, song.loudness, EDGES_HZ[1:], 0.5))
    with pytest.raises(ValueError, match="for 2 stems"):
        draw_masking(MaskingMap(song.names[1:], song.hidden_share, song.loudness, EDGES_HZ, 0.5))


def test_loudness_lines_are_where_the_axes_say() -> None:
    curve = loudness_curve(FINDINGS)
    root = parsed(draw_loudness(curve))
    level, time = axis(root, "plot-level", "y"), axis(root, "plot-time", "x")
    assert points(marked(root, "plot-integrated")[0])[:, 1] == pytest.approx(np.polyval(level, -17.5), abs=0.05)
    edges = loudness_range_edges_lufs(curve.short_term_lufs)
    assert edges is not None
    assert edges[1] - edges[0] == pytest.approx(loudness_range_lu(curve.short_term_lufs))
    np.testing.assert_allclose(box(marked(root, "plot-range")[0])[2:], np.polyval(level, edges[::-1]), atol=0.05)
    at = points(marked(root, "plot-short-term")[0])
    # The value of a window stands at its middle.
    expected = np.interp((at[:, 0] - time[1]) / time[0] - 1.5, 0.1 * np.arange(570), curve.short_term_lufs)
    np.testing.assert_allclose(at[:, 1], np.polyval(level, expected), atol=0.3)
    assert words(root, "plot-section-name") == ["A", "B & C"]


def test_every_timed_finding_has_a_bar_and_a_name_of_its_own_place() -> None:
    root = parsed(draw_loudness(loudness_curve(FINDINGS)))
    time = axis(root, "plot-time", "x")
    bars = marked(root, "plot-finding")
    assert [bar.get("class") for bar in bars] == [f"plot-finding plot-{name}" for name in ("major", "minor", "info")]
    expected = np.polyval(time, [[6, 30], [40, 41], [0, 60]])
    np.testing.assert_allclose([box(bar)[:2] for bar in bars], expected, atol=0.05)
    fills = [next(bar.iter(f"{SVG}path")).get("fill", "") for bar in bars]
    assert [fill.split(",")[0] for fill in fills] == ["var(--bad", "var(--warn", "var(--soft"]
    assert words(root, "plot-finding-name") == [f"▲ {HOSTILE} masked", "◆ clicks", "○ hum"]


@pytest.mark.parametrize("width_px", [WIDE_PX, NARROW_PX])
def test_many_findings_do_not_overlap_and_the_rest_is_counted(width_px: int) -> None:
    many = tuple(TimedFinding(f"finding {index}", index % 50, index % 50 + 9, "minor") for index in range(60))
    root = parsed(draw_loudness(loudness_curve(many), width_px))
    taken: dict[float, list[tuple[float, float]]] = {}
    for bar, label in zip(marked(root, "plot-finding"), marked(root, "plot-finding-name"), strict=True):
        text = next(label.iter(f"{SVG}text"))
        left = float(text.attrib["x"])
        ends = (min(left, box(bar)[0]), max(left + text_px(text.text or "", 11), box(bar)[1]))
        assert ends[0] >= 0
        assert ends[1] <= width_px
        taken.setdefault(box(bar)[2], []).append(ends)
    assert len(taken) == 8
    for row in taken.values():
        assert all(first[1] < second[0] for first, second in zip(sorted(row), sorted(row)[1:], strict=False))
    shown = sum(map(len, taken.values()))
    assert words(root, "plot-more")[0].startswith(f"and {60 - shown} more between ")


def test_waves_are_as_high_as_the_axis_says() -> None:
    root = parsed(draw_waveforms(WAVE, LOUD))
    before, after = (box(group) for group in marked(root, "plot-wave"))
    lines = sorted({points(group)[0, 1] for group in marked(root, "plot-ceiling")})
    # The ceilings lie 2 * 10^(-1/20) of full scale apart.
    full_px = (lines[1] - lines[0]) / (2 * 10 ** (-1 / 20))
    assert before[3] - before[2] == pytest.approx(full_px, abs=1.0)  # a sine of half of full scale
    assert after[3] - after[2] == pytest.approx(2 * full_px, abs=1.0)
    assert len(marked(root, "plot-clipped")) == 2
    time = axis(root, "plot-time", "x")
    clipped = box(marked(root, "plot-clipped")[0])
    np.testing.assert_allclose(clipped[:2], np.polyval(time, [0.25, 0.3]), atol=0.1)
    assert len(marked(root, "plot-over")) == 2  # above and below, in the second wave
    assert words(root, "plot-wave-facts") == ["true peak −6.0 dBTP", "true peak +0.4 dBTP, files clipped at 2 places"]
    assert words(parsed(draw_waveforms(WAVE, None)), "plot-side") == ["mix"]


def test_the_envelope_keeps_every_extreme_of_all_channels() -> None:
    audio = np.zeros((2, 100_003), np.float32)
    audio[0, 77_777], audio[1, 100_002] = 0.9, -0.8
    wave = wave_of(audio, 48_000, -0.9)
    assert wave.highest.max() == pytest.approx(0.9)
    assert wave.highest.argmax() / len(wave.highest) == pytest.approx(0.7777, abs=0.002)
    assert wave.lowest[-1] == pytest.approx(-0.8)
    assert wave.duration_s == pytest.approx(100_003 / 48_000)


def test_silence_is_told_in_the_picture() -> None:
    nothing = np.zeros((2, 8, 4), np.float32)
    gone = np.full(50, -np.inf)
    assert "silent: no spectrum" in words(
        parsed(draw_spectrum(SpectrumLines(CENTRES_HZ, None, None, (LOW_DB, HIGH_DB))))
    )
    assert "nothing sounds" in words(parsed(draw_masking(MaskingMap(("a", "b"), nothing, nothing, EDGES_HZ, 1.0))))
    assert "silent" in words(parsed(draw_loudness(LoudnessCurve(8.0, 0.1, gone, None))), "plot-note")
    short = LoudnessCurve(0.2, 0.1, np.zeros(0), None)
    assert "too short for loudness" in words(parsed(draw_loudness(short)), "plot-note")
    silent = wave_of(np.zeros((2, 500), np.float32), 48_000, None)
    assert words(parsed(draw_waveforms(silent, None)), "plot-wave-facts") == ["silent"]
    assert parsed(draw_waveforms(wave_of(np.zeros((1, 0), np.float32), 48_000, None), None)) is not None


def test_one_stem_and_one_column() -> None:
    one = MaskingMap(("a",), np.ones((1, 8, 1), np.float32), np.ones((1, 8, 1), np.float32), EDGES_HZ, 0.5)
    assert _cells(parsed(draw_masking(one)))[0].shape == (8, 1, 4)
    assert words(parsed(draw_faders([FaderRow("a", -1.0, -1.0)], NARROW_PX)), "plot-stem") == ["a"]


def test_64_stems_and_an_hour_stay_small() -> None:
    noise = np.random.default_rng(1)
    hidden, loudness = (noise.random((64, 36, 1300), np.float32) for _ in range(2))
    names = tuple(f"stem {index}" for index in range(64))
    song = MaskingMap(names, hidden, loudness, np.geomspace(35, 14_000, 37), 3600 / 1300)
    svg = to_svg(draw_masking(song))
    assert len(svg) < 300_000
    assert words(ElementTree.fromstring(svg), "plot-stem") == list(names)
    curve = LoudnessCurve(3600.0, 0.1, noise.normal(-14, 2, 35_971), -14.0, noise.normal(-14, 4, 35_997))
    assert len(to_svg(draw_loudness(curve))) < 100_000
    wave = wave_of(noise.normal(0, 0.4, (2, 200_000)).astype(np.float32), 55, 3.0)
    assert len(to_svg(draw_waveforms(wave, wave))) < 150_000
    rows = [FaderRow(name, -float(index), 1.0 - index, 1.0, (-20.0, -10.0)) for index, name in enumerate(names)]
    assert words(parsed(draw_faders(rows, NARROW_PX)), "plot-stem") == list(names)


def test_names_that_are_no_text_do_not_break_the_page() -> None:
    broken = "a\x00b\nc\ud800\u202ed\uffff"
    root = parsed(draw_faders([FaderRow(broken, -3.0, -2.0, 1.0)]))
    assert words(root, "plot-stem") == ["a b c� d�"]
    assert "a b c� d� +1.0 dB" in (root[1].text or "")


def test_pngs_are_for_light_and_dark_pages() -> None:
    picture = draw_faders(ROWS)
    light, dark = (np.asarray(Image.open(io.BytesIO(to_png(picture, dark))).convert("RGB")) for dark in (False, True))
    assert light.shape == dark.shape
    assert light.shape[1] == 2 * (WIDE_PX + 2 * 14)
    for image, palette in ((light, LIGHT), (dark, DARK)):
        assert "#" + bytes(image[0, 0]).hex() == palette.paper
        colours = {"#" + bytes(pixel).hex() for pixel in np.unique(image.reshape(-1, 3), axis=0)}
        assert {palette.ink, palette.mark} <= colours


def test_words_are_shortened_in_the_middle_until_they_fit() -> None:
    name = "Lead Vocal Double Left (comp 3) take 17"
    short = fitted(name, 100)
    assert text_px(short) <= 100 < text_px(name)
    assert short.startswith("Lead")
    assert short.endswith("17")
    assert "…" in short
    assert fitted(name, 1000) == name
    assert [number(-0.04), signed(0.04), signed(2.0), number(-3.14, 2)] == ["0.0", "0.0", "+2.0", "−3.14"]
    assert [clock(0), clock(59.6), clock(3600)] == ["0:00", "1:00", "60:00"]
