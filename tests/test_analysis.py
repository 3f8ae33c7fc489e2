from pathlib import Path

import numpy as np
import pytest
from songs import RATE_HZ, make_stems

from mixingbuddy.tools.analysis import Analysis, analyse_multitrack
from mixingbuddy.tools.multitrack import Multitrack, Stem, load_song


def analysis_of(song: Multitrack, reference: np.ndarray | None = None) -> Analysis:
    mix = None if reference is None else Multitrack("reference", RATE_HZ, (Stem("mix", "other", reference),))
    return analyse_multitrack(song, mix)


def band(duration_s: float = 6.0) -> dict[str, np.ndarray]:
    return make_stems(duration_s)


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
