from pathlib import Path

import numpy as np
import pytest
from songs import RATE_HZ, make_stems

from mixingbuddy.tools.analysis import Analysis, analyse, analyse_multitrack, in_the_songs_terms
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.listening import listen_to
from mixingbuddy.tools.measured_song import measure_heard
from mixingbuddy.tools.multitrack import Multitrack, Stem, load_song
from mixingbuddy.tools.song_time import measure_song_time


def analysis_of(song: Multitrack, reference: np.ndarray | None = None) -> Analysis:
    mix = None if reference is None else Multitrack("reference", RATE_HZ, (Stem("mix", "other", reference),))
    return analyse_multitrack(song, mix)


def band(duration_s: float = 6.0) -> dict[str, np.ndarray]:
    return make_stems(duration_s)


def repeated(stems: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Seven times the same 6 s."""
    return {name: np.tile(audio, (1, 7)) for name, audio in stems.items()}


def song_of(stems: dict[str, np.ndarray]) -> Multitrack:
    return Multitrack("song", RATE_HZ, tuple(Stem(name, _role(name), audio) for name, audio in stems.items()))


def _role(name: str) -> str:
    return name if name in {"vocals", "drums", "bass", "guitar"} else "other"


def kinds(of: Analysis) -> dict[str, tuple[str, ...]]:
    return {finding.kind: finding.stems for finding in of.findings}


def test_faults_of_one_stem_are_found_in_it() -> None:
    stems = band()
    hum = (10 ** (-50 / 20) * np.sin(2 * np.pi * 50 * np.arange(stems["guitar"].shape[1]) / RATE_HZ)).astype("f4")
    stems["guitar"] = np.concatenate([stems["guitar"][:, : RATE_HZ * 4], np.zeros((2, RATE_HZ * 2), "f4")], axis=1)
    stems["guitar"] = stems["guitar"] + hum[: stems["guitar"].shape[1]]
    stems["bass"] = stems["bass"] + np.float32(0.02)
    found = kinds(analysis_of(song_of(stems)))
    assert found["dc_offset"] == ("bass",)
    assert found["hum"] == ("guitar",)


def test_a_stem_that_is_there_twice_is_found() -> None:
    stems = band()
    late = np.pad(stems["guitar"], ((0, 0), (529, 0)))[:, : stems["guitar"].shape[1]]
    found = analysis_of(song_of({**stems, "guitar late": late}))
    copy = next(finding for finding in found.findings if finding.kind == "delayed_duplicate")
    assert set(copy.stems) == {"guitar", "guitar late"}
    assert copy.severity == "major"


def test_the_reference_is_compared_at_equal_loudness() -> None:
    from scipy.signal import sosfilt

    stems = band()
    mix = np.sum(list(stems.values()), axis=0)
    assert analysis_of(song_of(stems), 0.25 * mix).against_reference is not None
    bright = mix + 3 * sosfilt(_highpass(), mix).astype("f4")
    found = analysis_of(song_of(stems), bright)
    assert any(kind.startswith("reference_band_") for kind in kinds(found))
    assert not any(kind.startswith("reference_band_") for kind in kinds(analysis_of(song_of(stems), 0.25 * mix)))


def _highpass() -> np.ndarray:
    from scipy.signal import butter

    return np.asarray(butter(4, 2000, "high", fs=RATE_HZ, output="sos"))


@pytest.mark.parametrize("samples", [1, 1323, 20000])
def test_short_songs_are_analysed_or_say_why_not(samples: int) -> None:
    found = analysis_of(song_of({name: audio[:, :samples] for name, audio in band(1.0).items()}))
    assert found.model_dump_json()


@pytest.mark.parametrize("rate_hz", [8000, 192000])
def test_any_usual_rate_is_analysed(rate_hz: int) -> None:
    rng = np.random.default_rng(0)
    stems = tuple(
        Stem(name, _role(name), (0.05 * rng.standard_normal((1, rate_hz))).astype("f4")) for name in ("vocals", "bass")
    )
    assert analysis_of(Multitrack("noise", rate_hz, stems)).spectrum.tilt_db_per_octave == pytest.approx(3.0, abs=0.3)


def test_one_silent_stem_and_one_stem_alone() -> None:
    stems = band(2.0)
    assert analysis_of(song_of({"vocals": stems["vocals"]})).pairs == ()
    silent = analysis_of(song_of({**stems, "bass": 0 * stems["bass"]}))
    assert silent.stems[2].hygiene.unmeasured is not None or silent.stems[2].dynamics.unmeasured is not None


def test_no_false_alarm_on_clean_music(shared_data: Path) -> None:
    song = load_song(shared_data / "multitracks" / "trackswitch").multitrack
    alarms = {finding.kind for finding in analysis_of(song).findings if finding.severity == "major"}
    assert alarms == set()


def test_a_passage_in_which_the_voice_sinks_is_found_at_its_place() -> None:
    stems = repeated(band())
    sunk = stems["vocals"].copy()
    sunk[:, 14 * RATE_HZ : 22 * RATE_HZ] *= np.float32(10 ** (-16 / 20))
    found = [f for f in analysis_of(song_of({**stems, "vocals": sunk})).findings if f.kind == "buried_passage"]
    assert [f.stems for f in found] == [("vocals",)]
    assert found[0].where == pytest.approx((14.0, 22.0), abs=1.5)
    assert not [f for f in analysis_of(song_of(stems)).findings if f.kind == "buried_passage"]


def test_an_unsure_stem_is_not_judged_by_its_level() -> None:
    stems = repeated(band())
    stems["vocals"][:, 14 * RATE_HZ : 22 * RATE_HZ] *= np.float32(10 ** (-16 / 20))
    measured = measure_heard(listen_to(song_of(stems)))
    assert any(f.kind == "buried_passage" for f in analyse(measured).findings)
    assert not any(f.kind == "buried_passage" for f in analyse(measured, unsure=["vocals"]).findings)


def test_what_differs_from_the_reference_is_sorted_by_audibility() -> None:
    stems = band()
    mix = np.sum(list(stems.values()), axis=0)
    compared = analysis_of(song_of(stems), np.tanh(6 * mix)).reference
    assert compared is not None
    audibility = [difference.audibility for difference in compared.differences]
    assert audibility == sorted(audibility, reverse=True)
    assert {"loudness", "crest"} <= {difference.name for difference in compared.differences}
    same = analysis_of(song_of(stems), mix).reference
    assert same is not None
    assert same.differences == ()


def test_a_place_is_told_in_bars_where_they_are_sure_and_not_where_they_are_not() -> None:
    finding = Finding(kind="masked", where=(4.0, 8.0), source="test", text="'a' hides 'b'.")
    beats = tuple(float(beat) for beat in np.arange(0, 30, 0.5))
    silence = measure_song_time(np.zeros(RATE_HZ, np.float32), RATE_HZ)
    sure = silence.model_copy(update={"duration_s": 30.0, "beats_s": beats, "downbeats_s": beats[::4]})
    assert in_the_songs_terms(finding, sure).text == "'a' hides 'b' (bars 3 to 4)."
    assert in_the_songs_terms(finding, silence).text == finding.text
    everywhere = finding.model_copy(update={"where": (0.0, 29.0)})
    assert in_the_songs_terms(everywhere, sure).text == finding.text
