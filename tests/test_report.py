"""The report: one page that holds everything, fetches nothing, and takes no orders from the names inside a song."""

import base64
import hashlib
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyloudnorm
import pytest
import soundfile
from scipy.signal import lfilter

from mixingbuddy.agent import report
from mixingbuddy.agent.critique import CritiqueResult
from mixingbuddy.agent.outputs import MatchedMixes
from mixingbuddy.agent.report import fader_y, percent, plain, render_report, signed, time_range, write_report
from mixingbuddy.tools.audio import Clip

RATE_HZ = 44_100
HOSTILE = "</script><img src=x onerror=alert(1)>"
MOVE = {
    "stem": "vocals",
    "gain_db": 6.0,
    "interval_db": (4.5, 7.5),
    "confidence": 0.9,
    "reason": "7 LU under the usual",
}
CLAIM = {
    "metric": "level_rel_mix_lu",
    "stem": "vocals",
    "unit": "LU",
    "before": -12.86,
    "predicted": -6.7,
    "tolerance": 0.2,
}
VOID = {"meta", "link", "input", "line", "rect", "path", "img", "br"}


class Page(HTMLParser):
    """Tags with their attributes, the text that is shown, and the code that is not."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.code: dict[str, str] = {}
        self.inside: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self.words).replace("\u00a0", " ").split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert not self.inside or tag in VOID or self.inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.inside and self.inside[-1] in {"script", "style"}:
            self.code[self.inside[-1]] = self.code.get(self.inside[-1], "") + data
        else:
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


def stem(name: str, **changes: Any) -> dict[str, Any]:
    level = {"loudness_lufs": -20.0, "level_rel_mix_lu": -5.0, "sounding_share": 1.0, "true_peak_dbtp": -3.0}
    return {"name": name, "role": "other", **level, **changes}


def finding(text: str, **changes: Any) -> dict[str, Any]:
    return {"kind": "test", "source": "the meter", "text": text, **changes}


def a_result(**changes: Any) -> CritiqueResult:
    """A critique of four stems with one proved move; `changes` replace whole fields, `song__x` fields of the song."""
    song = {
        "name": "Night Bus", "duration_s": 75.0, "sample_rate_hz": RATE_HZ, "loudness_lufs": -14.1,
        "true_peak_dbtp": 0.6, "unmeasured": None, "groups": [],
        "stems": [stem("vocals"), stem("drums"), stem("bass"), stem("keys")],
    }  # fmt: skip
    song |= {key.removeprefix("song__"): changes.pop(key) for key in list(changes) if key.startswith("song__")}
    data: dict[str, Any] = {
        "song": song,
        "reference": {"kind": "mix", "same_song": True, "name": "rough mix"},
        "advisor": "level-difference", "llm": "offline", "moves": [MOVE], "reply": "Bring vocals up 6.0 dB.",
        "findings": [],
        "verification": {
            "status": "proved", "attempts": 1, "headroom_gain_db": -2.5,
            "claims": [{**CLAIM, "after": -6.72, "kept": True}],
        },
        "files": {
            "mix_before": "/home/me/out/mix_before.wav", "mix_after": "/home/me/out/mix_after.wav",
            "report": "/home/me/out/report.html", "recall": "/home/me/out/recall.csv",
        },
    }  # fmt: skip
    return CritiqueResult.model_validate(data | changes)


def noise(seconds: float, rate_hz: int = RATE_HZ, channels: int = 2, seed: int = 1) -> Clip:
    """Noise that falls off above 1 kHz, as music does; MP3 cuts what lies above 17 kHz."""
    white = np.random.default_rng(seed).standard_normal((channels, round(seconds * rate_hz)))
    pole = np.exp(-2 * np.pi * min(1_000 / rate_hz, 0.25))
    return Clip((0.3 * lfilter([1 - pole], [1, -pole], white)).astype(np.float32), rate_hz)


def mixes(seconds: float = 2.0, rate_hz: int = RATE_HZ, channels: int = 2) -> MatchedMixes:
    sides = (noise(seconds, rate_hz, channels, seed) for seed in (1, 2))
    return MatchedMixes(*sides, before_gain_db=-1.5, after_gain_db=-4.0, loudness_lufs=-21.3)


def page(result: CritiqueResult | None = None, heard: MatchedMixes | None = None) -> Page:
    return Page(render_report(result or a_result(), heard or mixes()))


def decoded(source: str) -> tuple[np.ndarray, int]:
    kind, _, data = source.partition(";base64,")
    assert kind == "data:audio/mpeg"
    return soundfile.read(io.BytesIO(base64.b64decode(data)), always_2d=True)


def everywhere(text: str) -> CritiqueResult:
    """A critique with `text` in every place that a song, a reference or a model fills."""
    return a_result(
        song__name=text, song__stems=[stem(text), stem(text + "2", loudness_lufs=None, unmeasured=text)],
        song__loudness_lufs=None, song__unmeasured=text, reference={"kind": "stems", "same_song": None, "name": text},
        advisor=text, llm=text, reply=text, moves=[MOVE | {"stem": text, "reason": text}],
        findings=[finding(text, stems=[text], value=1.0, unit=text, source=text)],
        verification={
            "status": "partly", "attempts": 3, "headroom_gain_db": 0,
            "claims": [{**CLAIM, "stem": text, "unit": text, "after": None, "kept": False}],
        },
    )  # fmt: skip


@pytest.mark.parametrize("text", [HOSTILE, '"><svg onload=alert(1)>', "' onfocus='alert(1)", "{{ 7 * 7 }}", "]]>-->"])
def test_names_from_a_song_are_only_ever_text(text: str) -> None:
    harmless, hostile = page(everywhere("harmless")), page(everywhere(text))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in harmless.tags]
    assert [sorted(attrs) for _, attrs in hostile.tags] == [sorted(attrs) for _, attrs in harmless.tags]
    assert hostile.code == harmless.code
    assert hostile.text.count(text) == harmless.text.count("harmless") >= 12


def test_the_advisors_own_words_stand_by_the_faders_as_text() -> None:
    html = render_report(a_result(), mixes(), explanation=f"Bring vocals up.\n{HOSTILE}")
    assert "In the advisor's own words Bring vocals up. </script><img" in Page(html).text
    assert HOSTILE not in html
    assert "own words" not in page().text


def test_a_mix_without_stems_has_no_fader_to_move() -> None:
    heard = {"kind": "mix_without_stems", "source": "files", "text": "One mix without stems."}
    verification = {"status": "nothing_to_do", "attempts": 0, "claims": [], "headroom_gain_db": 0.0}
    text = page(a_result(moves=[], findings=[heard], verification=verification)).text
    assert "No stems One mix without stems: it was listened to" in text
    assert "nothing was found that calls for a fader move" not in text


def test_security_policy_allows_exactly_the_inline_code_and_no_network() -> None:
    shown = page()
    policy = next(meta["content"] for meta in shown.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(shown.code[tag].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
        assert len(shown.all(tag)) == 1
    assert not any("style" in attrs for _, attrs in shown.tags)


def test_page_refers_to_nothing_but_itself_and_the_files_beside_it() -> None:
    html = render_report(a_result(), mixes())
    assert not re.search(r"https?://|@import|url\(|srcset", html)
    places = [attrs[key] for _, attrs in Page(html).tags for key in ("src", "href") if key in attrs]
    assert len(places) > 5
    assert all(place.startswith(("data:", "./")) for place in places)
    assert "/home/me" not in html


def test_both_players_hold_the_mixes_at_equal_loudness() -> None:
    heard = mixes(seconds=4.0)
    meter = pyloudnorm.Meter(RATE_HZ)
    loudness = []
    for audio, clip in zip(page(heard=heard).all("audio"), (heard.before, heard.after), strict=True):
        samples, rate_hz = decoded(audio["src"])
        assert rate_hz == RATE_HZ
        assert samples.shape == clip.audio.T.shape
        assert 150_000 < len(audio["src"]) * 3 / 4 * 8 / clip.duration_s < 200_000  # bit/s
        loudness.append(meter.integrated_loudness(samples))
        assert loudness[-1] == pytest.approx(meter.integrated_loudness(clip.audio.T.astype(float)), abs=0.5)
    assert loudness[0] == pytest.approx(loudness[1], abs=0.5)


def test_player_says_which_side_is_which() -> None:
    sides = {"before": mixes().before, "after": mixes().after}
    for audio in page().all("audio"):
        samples, _ = decoded(audio["src"])
        likeness = {side: np.corrcoef(samples[:, 0], clip.audio[0])[0, 1] for side, clip in sides.items()}
        assert max(likeness, key=likeness.__getitem__) == audio["data-name"]


@pytest.mark.parametrize(
    ("rate_hz", "expected_hz"),
    [(8_000, 48_000), (22_050, 44_100), (48_000, 48_000), (88_200, 44_100), (96_000, 48_000), (192_000, 48_000)],
)
@pytest.mark.parametrize(("channels", "seconds"), [(1, 0.1), (2, 0.5)])
def test_any_rate_and_a_tenth_of_a_second_can_be_played(
    rate_hz: int, expected_hz: int, channels: int, seconds: float
) -> None:
    for audio in page(heard=mixes(seconds, rate_hz, channels)).all("audio"):
        samples, got_hz = decoded(audio["src"])
        assert got_hz == expected_hz
        assert samples.shape[1] == channels
        assert len(samples) / got_hz == pytest.approx(seconds, abs=0.002)


def test_one_sample_of_silence_breaks_nothing() -> None:
    silence = Clip(np.zeros((1, 1), np.float32), RATE_HZ)
    shown = page(heard=MatchedMixes(silence, silence, 0.0, 0.0, None))
    assert len(shown.all("audio")) == 2
    assert "so the two are not matched" in shown.text


def test_long_songs_are_played_from_the_files_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "LONGEST_EMBEDDED_S", 1.9)
    html = render_report(a_result(), mixes(2.0))
    assert [audio["src"] for audio in Page(html).all("audio")] == ["./mix_before.wav", "./mix_after.wav"]
    assert "data:audio" not in html
    assert "too long to put its audio into this page" in Page(html).text
    assert "media-src data: 'self'" in html


def test_head_states_the_song_the_reference_and_the_advice() -> None:
    shown = page()
    for words in ("Night Bus", "1:15", "44.1 kHz", "loudness −14.1 LUFS", "true peak 0.6 dBTP", "4 stems"):
        assert words in shown.text
    assert "advisor level-difference" in shown.text
    assert "reference rough mix (a stereo mix of this song)" in shown.text
    assert "Bring vocals up 6.0 dB." in shown.text
    assert "no reference" in page(a_result(reference={"kind": "none", "same_song": None})).text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("proved", "✓ Proved Every move was rendered and measured again"),
        ("partly", "◐ Partly proved The moves shown here held"),
        ("nothing_to_do", "○ Nothing to do The balance was measured"),
        ("withdrawn", "✕ Withdrawn What was tried did not hold"),
    ],
)
def test_verdict_is_said_in_words(status: str, words: str) -> None:
    verification = {"status": status, "attempts": 1, "claims": [], "headroom_gain_db": 0}
    assert words in page(a_result(verification=verification)).text


def test_a_move_shows_its_gain_interval_levels_and_reason() -> None:
    text = page().text
    assert "vocals other +6.0 dB ▲ up Level in the mix −12.9 LU → −6.7 LU 80 % interval +4.5 to +7.5 dB" in text
    assert "Confidence 90 % 7 LU under the usual" in text
    assert "All faders also come down 2.5 dB together" in text
    assert "▼ down" in page(a_result(moves=[MOVE | {"gain_db": -3.0}])).text


def test_moves_that_were_withdrawn_are_never_shown_as_advice() -> None:
    verification = {"status": "withdrawn", "attempts": 1, "claims": [], "headroom_gain_db": 0}
    text = page(a_result(verification=verification)).text
    assert "These moves were tried and are withdrawn" in text
    assert "▲ up, withdrawn" in text
    assert "After (withdrawn)" in text


@pytest.mark.parametrize("count", [1, 64])
def test_every_stem_has_a_fader_and_the_moved_ones_come_first(count: int) -> None:
    names = [f"track {index}" for index in range(count)]
    result = a_result(song__stems=[stem(name) for name in names], moves=[MOVE | {"stem": names[-1]}])
    faders = [svg["aria-label"] for svg in page(result).all("svg") if "aria-label" in svg]
    assert faders[0] == f"Fader of {names[-1]}: before at 0 dB, after at +6.0 dB"
    assert faders[1:] == [f"Fader of {name}: stays at 0 dB" for name in names[:-1]]


def test_caps_stand_where_the_scale_says() -> None:
    shown = page()
    before, after = (
        next(float(rect["y"]) for rect in shown.all("rect") if rect.get("class") == kind) for kind in ("was", "cap")
    )
    marks = [float(line["y1"]) for line in shown.all("line") if line.get("class") in {"tick", "zero"}]
    zero, plus_6 = marks[2], marks[1]
    assert before + 7 == zero
    assert after + 7 == plus_6
    assert fader_y(20.0, 5) == fader_y(12.0, 5) == 0.0
    assert fader_y(-60.0, 5) == fader_y(-24.0, 5) == 180.0


def test_without_moves_one_player_is_enough() -> None:
    verification = {"status": "nothing_to_do", "attempts": 0, "claims": [], "headroom_gain_db": 0}
    shown = page(a_result(moves=[], verification=verification))
    assert [audio["data-name"] for audio in shown.all("audio")] == ["before"]
    assert not [button for button in shown.all("button") if "data-side" in button]
    assert "No fader moves." in shown.text
    assert "Nothing was promised" in shown.text


def test_matching_is_stated_with_its_gains() -> None:
    assert (
        "Both play at −21.3 LUFS, so that louder does not pass for better: "
        "before at −1.5 dB, after at −4.0 dB from the plain sum of the stems."
    ) in page().text


def test_every_claim_is_in_the_proof() -> None:
    claims = [
        {**CLAIM, "after": -6.72, "kept": True},
        {**CLAIM, "stem": "bass", "after": None, "kept": False},
        {**CLAIM, "metric": "gain_to_reference_db", "unit": "dB", "before": 7.04, "predicted": 0.04,
         "after": 0.05, "kept": True},
        {**CLAIM, "metric": "loudness_lufs", "stem": None, "unit": "LUFS", "after": -6.71, "kept": True},
        {**CLAIM, "metric": "true_peak_dbtp", "stem": None, "unit": "dBTP", "predicted": -1.0, "after": -1.05,
         "kept": True},
    ]  # fmt: skip
    verification = {"status": "partly", "attempts": 3, "claims": claims, "headroom_gain_db": 0}
    text = page(a_result(verification=verification)).text
    assert "4 of 5 promises kept, after 3 attempts." in text
    assert "Level in the mix vocals −12.86 LU −6.70 LU −6.72 LU ± 0.20 ✓ yes" in text
    assert "Level in the mix bass −12.86 LU −6.70 LU — not measured ± 0.20 ✕ no" in text
    assert "Distance from the reference vocals 7.04 dB 0.04 dB 0.05 dB" in text
    assert "Loudness of the mix whole mix −12.86 LUFS" in text
    assert "at most −1.00 dBTP −1.05 dBTP +0.20 ✓ yes" in text


def test_findings_come_gravest_first_with_all_they_say() -> None:
    findings = [
        finding("Good to know."),
        finding("Clipped.", severity="major", value=12, unit="samples", where=(65.0, 80.2), stems=["bass", "keys"]),
        finding("Dull.", severity="minor", value=-8.94, unit="LU", expected=(-6.41, -2.98)),
    ]
    shown = page(a_result(findings=findings))
    assert shown.text.index("Clipped.") < shown.text.index("Dull.") < shown.text.index("Good to know.")
    assert "▲ major Clipped. stems bass , keys measured 12 samples at 1:05–1:20 source: the meter" in shown.text
    assert "◆ minor Dull. measured −8.94 LU expected −6.41 to −2.98 LU source: the meter" in shown.text
    assert [span["data-jump"] for span in shown.all("span") if "data-jump" in span] == ["65.0"]


def test_what_could_not_be_measured_is_shown_with_its_reason() -> None:
    silent = stem("fx", loudness_lufs=None, level_rel_mix_lu=None, true_peak_dbtp=None, sounding_share=0.0)
    result = a_result(
        song__stems=[stem("vocals"), silent | {"unmeasured": "silent"}],
        song__loudness_lufs=None,
        song__unmeasured="shorter than one 400 ms block",
    )
    text = page(result).text
    assert "loudness — shorter than one 400 ms block" in text
    assert "fx other — silent — silent — silent 0 %" in text
    assert "None" not in text


def test_foot_names_the_files_the_version_and_where_the_audio_stayed() -> None:
    from importlib.metadata import version

    text = page().text
    assert f"MixingBuddy {version('mixingbuddy')}" in text
    assert "The audio never left this machine" in text
    for name in ("mix_before.wav", "mix_after.wav", "report.html", "recall.csv"):
        assert name in text


def test_louder_slices_are_drawn_taller() -> None:
    ramp = Clip(np.vstack([np.linspace(0, 0.5, 60_000, dtype=np.float32)] * 2), RATE_HZ)
    levels = report.slice_levels(ramp.audio)
    assert len(levels) == report.WAVE_BARS
    assert levels[-1] == pytest.approx(0.5, abs=0.002)
    drawn = re.findall(r"M[\d.]+ ([\d.]+)V([\d.]+)", report.wave_path(levels, float(levels.max())))
    heights = [float(low) - float(high) for high, low in drawn]
    assert heights == sorted(heights)
    assert heights[-1] == pytest.approx(report.WAVE_HEIGHT - 4, abs=0.2)
    assert heights[0] < 1


def test_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out" / "report.html"
    assert write_report(a_result(), mixes(), target) == target
    written = target.read_text(encoding="utf-8")
    assert written == render_report(a_result(), mixes())
    assert written.startswith("<!doctype html>")
    assert written.rstrip().endswith("</html>")

    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_report(a_result(song__name="another"), mixes(), target)
    assert target.read_text(encoding="utf-8") == written
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (signed(-0.04), "0.0"),
        (signed(0.05, 2), "+0.05"),
        (signed(-7.0), "−7.0"),
        (plain(-0.001), "−0.001"),
        (plain(44.1), "44.1"),
        (plain(12.0), "12"),
        (percent(0.9999), "over 99\u00a0%"),
        (percent(1.0), "100\u00a0%"),
        (percent(0.001), "under 1\u00a0%"),
        (time_range((59.96, 60.2)), "0:59.9–1:00.2"),
        (time_range((12.0, 3605.0)), "0:12–60:05"),
        (report.duration(0.1), "0.1\u00a0s"),
        (report.duration(3725.0), "62:05"),
    ],
)
def test_figures_are_written_as_people_read_them(got: str, expected: str) -> None:
    assert got == expected
