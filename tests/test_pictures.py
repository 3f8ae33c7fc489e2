"""The report's pictures: what was measured on a song is what they show, and they fit the page's policy."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from songs import RATE_HZ, make_stems
from test_report import MOVE, Page, a_result, finding

from mixingbuddy.agent.critique import CritiqueResult, critique
from mixingbuddy.agent.outputs import MatchedMixes, loudness_matched
from mixingbuddy.agent.pictures import (
    MOST_STEMS,
    clipped_places,
    draw_pictures,
    group_rows,
    masked_spots,
    masking_map,
    spectrum_lines,
    timed_findings,
    waves,
)
from mixingbuddy.agent.report import render_report
from mixingbuddy.agent.settings import read_settings
from mixingbuddy.tools.analysis import analyse
from mixingbuddy.tools.listening import listen_to
from mixingbuddy.tools.loudness import true_peak_dbtp
from mixingbuddy.tools.masking import HiddenMap
from mixingbuddy.tools.measured_song import MeasuredSong, measure_heard
from mixingbuddy.tools.moves import GainMove
from mixingbuddy.tools.multitrack import Multitrack, Stem
from mixingbuddy.tools.render import render
from mixingbuddy.tools.roles import Role
from mixingbuddy.tools.spectral_comparison import spectral_difference

NAMES = ["faders", "waveforms", "spectrum", "masking", "loudness"]
HOSTILE = "</title></svg><script>alert(1)</script>"
ROLES: dict[str, Role] = {"vocals": "vocals", "drums": "drums", "bass": "bass", "guitar": "guitar"}
Audio = NDArray[np.float32]


def measured(stems: Mapping[str, Audio]) -> tuple[Multitrack, MeasuredSong]:
    """A song in memory, and what is measured on it."""
    made = tuple(Stem(name, ROLES.get(name, "other"), audio) for name, audio in stems.items())
    song = Multitrack("Night Bus", RATE_HZ, made)
    return song, measure_heard(listen_to(song))


def mixes_of(song: Multitrack, *moves: GainMove) -> MatchedMixes:
    return loudness_matched(render(song, ()), render(song, moves))


def result_of(song: MeasuredSong, **changes: Any) -> CritiqueResult:
    """A critique of the song; nothing moves unless `moves` say so."""
    levels = {f"song__{key}": value for key, value in song.figures.levels.model_dump().items()}
    still = {
        "moves": [],
        "verification": {"status": "nothing_to_do", "attempts": 0, "claims": [], "headroom_gain_db": 0},
    }
    return a_result(**levels, **(still | changes))


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<both>{svg}</both>")


def test_the_real_report_shows_five_pictures_and_keeps_its_policy(quiet_vocals: Path, tmp_path: Path) -> None:
    critique(quiet_vocals, read_settings(), out=tmp_path / "out")
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    figures = [attrs for attrs in page.all("figure") if "picture" in attrs.get("class", "")]
    assert [attrs["aria-labelledby"] for attrs in figures] == [f"picture-{name}" for name in NAMES]
    plots = [attrs["class"].split() for attrs in page.all("svg") if "plot" in attrs.get("class", "").split()]
    assert [name.removeprefix("plot-") for _, name, _ in plots] == [name for name in NAMES for _ in range(2)]
    assert {width for *_, width in plots} == {"plot-wide", "plot-narrow"}
    assert not any("style" in attrs for _, attrs in page.tags)
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert not page.inside  # every element is closed
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|url\((?!#)", html)
    assert {attrs["href"].split(",")[0] for attrs in page.all("image")} == {"data:image/png;base64"}
    assert "faders move" in page.text
    headings = [html.index(f'id="{name}"') for name in ("faders", "listen", "pictures", "proof", "findings", "levels")]
    assert headings == sorted(headings)
    assert html.index('id="picture-faders"') < html.index('id="listen"') < html.index('id="picture-waveforms"')
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "mix_after.wav", "mix_before.wav", "recall.csv", "report.html",
    ]  # fmt: skip


def test_the_same_song_gives_the_same_page() -> None:
    song, figures = measured(make_stems(3.5))
    mixes, result = mixes_of(song), result_of(figures)
    first, second = (render_report(result, mixes, draw_pictures(result, mixes, figures)) for _ in range(2))
    assert first == second


def test_names_of_stems_are_only_ever_text() -> None:
    def page(name: str) -> Page:
        stems = make_stems(3.5)
        song, figures = measured({name: stems["guitar"], "drums": stems["drums"]})
        found = [finding("x", kind="hum", stems=[name], where=(1.0, 2.0), severity="minor")]
        result, mixes = result_of(figures, findings=found), mixes_of(song)
        return Page(render_report(result, mixes, draw_pictures(result, mixes, figures, None, [(0, 3, name)])))

    hostile = page(HOSTILE)
    assert len(hostile.all("script")) == 1
    # Paths are as many as the picture's lines; the name alone must not add an element of another kind.
    assert {tag for tag, _ in hostile.tags} == {tag for tag, _ in page("harmless").tags}
    assert not hostile.inside


@pytest.mark.parametrize("count", [1, 2])
def test_a_mix_alone_says_what_cannot_be_drawn(count: int) -> None:
    song, figures = measured(dict(list(make_stems(3.5).items())[:count]))
    pictures = draw_pictures(result_of(figures), mixes_of(song), figures)
    assert [picture.name for picture in pictures] == NAMES
    without = [picture.name for picture in pictures if not picture.svg]
    assert without == (["faders", "masking"] if count == 1 else [])
    assert all(picture.caption.endswith(".") for picture in pictures)
    if count == 1:
        html = render_report(result_of(figures), mixes_of(song), pictures)
        assert "One file has no balance between stems to show." in Page(html).text


@pytest.mark.parametrize("seconds", [0.02, 1.0, 2.9])
def test_short_songs_say_what_cannot_be_drawn(seconds: float) -> None:
    song, figures = measured({n: a[:, : round(seconds * RATE_HZ)] for n, a in make_stems().items()})
    pictures = {p.name: p for p in draw_pictures(result_of(figures), mixes_of(song), figures)}
    assert pictures["loudness"].caption == "The song is too short for a curve of its 3 s loudness."
    assert not pictures["loudness"].svg
    assert bool(pictures["spectrum"].svg) == (seconds > 0.4)
    for picture in pictures.values():
        parsed(picture.svg)


def test_silence_in_parts_breaks_nothing() -> None:
    stems = make_stems(8.0)
    for name, audio in stems.items():
        audio[:, : RATE_HZ * 4] = 0
        audio[:, :] *= name != "bass"
    song, figures = measured(stems)
    pictures = draw_pictures(result_of(figures), mixes_of(song), figures)
    assert all(picture.svg for picture in pictures)
    assert ">silent<" in pictures[0].svg


def test_many_stems_are_cut_to_those_that_matter() -> None:
    noise = np.random.default_rng(1)
    stems = {
        f"track {i:02d}": (noise.normal(0, 0.001 * (i + 1), (1, RATE_HZ * 4))).astype(np.float32) for i in range(64)
    }
    song, figures = measured(stems)
    move = MOVE | {"stem": "track 00"}
    result = result_of(figures, moves=[move], verification=a_result().verification.model_dump())
    pictures = draw_pictures(result, mixes_of(song, GainMove(stem="track 00", gain_db=6.0)), figures)
    shown = [text.text for text in parsed(pictures[0].svg).iter("{http://www.w3.org/2000/svg}text")]
    assert {"track 00", "track 63"} <= set(shown)
    assert "track 01" not in shown
    assert "The 24 of 64 stems" in pictures[0].note
    assert "The 24 of 64 stems" in pictures[3].note
    assert sum(len(picture.svg) for picture in pictures) < 1_500_000


def test_groups_hold_the_levels_of_their_stems_together_and_the_range_that_the_findings_quote() -> None:
    _, figures = measured(make_stems())
    rows = {row.name: row for row in group_rows(figures.energies, {"vocals": 6.0}, set()).values()}
    assert list(rows) == ["all vocals", "all drums", "all bass", "all instruments"]
    for group in rows.values():
        stem = group.name.removeprefix("all ").replace("instruments", "guitar")
        level = figures.figures.levels.stem(stem)
        assert level is not None
        assert group.before_lu == pytest.approx(level.level_rel_mix_lu)
        assert group.range_lu is not None
    vocals = rows["all vocals"]
    assert vocals.after_lu is not None
    assert vocals.before_lu is not None
    assert vocals.after_lu > vocals.before_lu + 1
    # The advisor's own range of vocals among four groups.
    assert vocals.range_lu == pytest.approx((-6.4, -3.0), abs=0.05)
    unsure = group_rows(figures.energies, {}, {"guitar"})
    assert [row.name for row in unsure.values()] == ["all vocals", "all drums", "all bass"]
    assert group_rows(figures.energies, {}, {"guitar", "bass", "drums"}) == {}


def test_the_range_of_a_group_is_given_to_a_stem_only_if_it_is_the_whole_group() -> None:
    stems = make_stems(3.5)
    parts = [Stem("kick", "kick", stems["drums"]), Stem("snare", "snare", stems["drums"][:, ::-1].copy())]
    song = Multitrack("drums", RATE_HZ, (*parts, Stem("vocals", "vocals", stems["vocals"])))
    figures = measure_heard(listen_to(song))
    svg = draw_pictures(result_of(figures), mixes_of(song), figures)[0].svg
    wide = parsed(svg)[0]
    groups = [g.get("class") for g in wide if g.get("class") in ("plot-group", "plot-stem", "plot-usual")]
    assert groups == ["plot-group", "plot-usual", "plot-stem", "plot-stem", "plot-stem", "plot-usual"]


def test_waves_stand_at_the_levels_that_the_faders_give() -> None:
    song, figures = measured({name: 2 * audio for name, audio in make_stems().items()})
    mixes = mixes_of(song, GainMove(stem="vocals", gain_db=6.0))
    before, after = waves(
        result_of(figures, moves=[MOVE], verification=a_result().verification.model_dump()), mixes, ()
    )
    plain = np.sum([stem.audio for stem in song.stems], axis=0)
    assert before.highest.max() == pytest.approx(plain.max(), rel=1e-4)
    assert before.true_peak_dbtp == pytest.approx(true_peak_dbtp(plain), abs=0.01)
    made = render(song, [GainMove(stem="vocals", gain_db=6.0)])
    assert made.headroom_gain_db < 0
    assert after is not None
    assert after.lowest.min() == pytest.approx(made.audio.min(), rel=1e-4)
    assert after.true_peak_dbtp == pytest.approx(made.true_peak_dbtp, abs=0.01)
    assert waves(result_of(figures), mixes, ())[1] is None


def test_clipped_places_of_all_files_are_joined() -> None:
    stems = make_stems()
    for start_s, name in ((1.0, "vocals"), (1.3, "guitar"), (4.0, "guitar")):
        part = stems[name][:, round(start_s * RATE_HZ) : round((start_s + 0.4) * RATE_HZ)]
        np.clip(part * 30, -0.9, 0.9, out=part)
    places = clipped_places(measured(stems)[1])
    assert [round(start_s) for start_s, _ in places] == [1, 4]
    assert places[0][1] == pytest.approx(1.7, abs=0.1)


def test_the_spectrum_is_compared_as_the_findings_compare_it() -> None:
    stems = make_stems()
    mix, other = (measured(each)[1].figures.spectrum for each in (stems, stems | {"bass": 3 * stems["bass"]}))
    lines = spectrum_lines(mix, other)
    assert lines.mix_db is not None
    assert lines.reference_db is not None
    assert lines.usual_db is None
    expected = spectral_difference(mix, other).third_octaves_db
    np.testing.assert_allclose(np.subtract(lines.mix_db, lines.reference_db), expected or ())
    assert spectrum_lines(mix, None).usual_db is not None


def test_masked_findings_are_outlined_with_the_bands_of_their_events(shared_data: Path) -> None:
    from mixingbuddy.tools.multitrack import load_song

    song = load_song(shared_data / "multitracks" / "falcon69", "none").multitrack
    figures = measure_heard(listen_to(song))
    findings = analyse(figures).findings
    masking, hidden = figures.figures.masking, figures.hidden
    assert masking is not None
    assert hidden is not None
    masked = [each for each in findings if each.kind == "masked"]
    spots = masked_spots(findings, masking)
    assert [(s.stem, s.maskers, (s.start_s, s.end_s)) for s in spots] == [
        (m.stems[0], m.stems[1:], m.where) for m in masked
    ]
    assert spots
    assert f"{spots[0].low_hz:.2g}" in f"{180:.2g}"
    drawn = masking_map(song.names, hidden, spots)
    np.testing.assert_array_equal(drawn.loudness[1], hidden.loudness[1].T)


def test_of_many_strips_the_most_hidden_and_those_with_findings_stay() -> None:
    share = np.ones((40, 3, 4), np.float32)
    loudness = np.arange(40, dtype=np.float32)[:, None, None] * np.ones((1, 3, 4), np.float32)
    drawn = masking_map([f"s{i}" for i in range(40)], HiddenMap(share, loudness, np.geomspace(50, 9000, 5), 0.5), ())
    assert drawn.names == tuple(f"s{i}" for i in range(40 - MOST_STEMS, 40))


def test_only_findings_with_a_place_in_time_get_a_bar() -> None:
    findings = a_result(
        findings=[
            finding("hum", kind="hum", stems=["bass", "keys"], where=(1.0, 3.0), severity="major"),
            finding("masked", kind="masked", stems=["vox", "gtr", "keys"], where=(4.0, 6.0)),
            finding("noise throughout", kind="noise_floor", where=(0.0, 60.0)),
            finding("no place"),
        ]
    ).findings
    timed = timed_findings(findings, 60.0)
    assert [(each.label, each.start_s, each.end_s, each.severity) for each in timed] == [
        ("hum: bass +1", 1.0, 3.0, "major"),
        ("masked: vox", 4.0, 6.0, "info"),
    ]


def test_commands_that_draw_nothing_do_not_load_matplotlib(song: Path) -> None:
    program = (
        "import sys\n"
        "import mixingbuddy.agent.report, mixingbuddy.agent.pictures\n"
        "from mixingbuddy.agent.commands.measure import measure_song\n"
        "from pathlib import Path\n"
        f"measure_song(Path({str(song)!r}))\n"
        "assert 'matplotlib' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_pyplot_is_never_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # importing it would raise
    song, figures = measured(make_stems(3.5))
    assert all(picture.svg for picture in draw_pictures(result_of(figures), mixes_of(song), figures))
