"""The packaged curves: sane, named sources, and in agreement with the published averages."""

import importlib.util
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from mixingbuddy.tools.band_spectra import measure_band_spectra
from mixingbuddy.tools.spectral_curves import CurveGroup, curve_group, load_curves, shape_difference
from mixingbuddy.tools.spectrum import BAND_NAMES, measure_spectrum, third_octaves_hz

ROOT = Path(__file__).resolve().parent.parent


def test_the_curves_name_their_sources_and_cover_every_group() -> None:
    curves = load_curves()
    assert set(curves.groups) == set(get_args(CurveGroup))
    assert "FxNorm" in " ".join(curves.sources.values())
    assert "10.5281/zenodo.1117372" in " ".join(curves.sources.values())
    np.testing.assert_allclose(curves.third_octaves_hz, third_octaves_hz(44100)[0][:28])
    for group, curve in curves.groups.items():
        assert len(curve.mean_db) == len(curve.sd_db) == 28, group
        assert set(curve.bands_db) == set(BAND_NAMES)
        for spread in (curve.tilt_db_per_octave, *curve.bands_db.values()):
            assert spread.p1 <= spread.p10 <= spread.p50 <= spread.p90 <= spread.p99


@pytest.mark.parametrize("group", ["vocals", "drums", "bass", "other"])
def test_previews_and_published_averages_agree_where_the_group_plays(group: CurveGroup) -> None:
    curve = load_curves().groups[group]
    assert curve.published_average_db is not None
    mean, sd, published = (np.array(x) for x in (curve.mean_db, curve.sd_db, curve.published_average_db))
    plays = mean > mean.max() - 15
    # An average of magnitudes lies above the mean of decibels by about 0.06 times the variance.
    np.testing.assert_allclose(published[plays], mean[plays] + 0.0576 * sd[plays] ** 2, atol=4)
    assert np.corrcoef(mean, published)[0, 1] > 0.85  # the published ones are smeared below 60 Hz


def test_roles_have_the_curve_of_their_group() -> None:
    assert [curve_group(role) for role in ("backing_vocals", "kick", "bass", "guitar", "fx")] == [
        "vocals", "drums", "bass", "other", "other",
    ]  # fmt: skip


def test_a_boost_shows_as_a_difference_in_decibels_and_deviations() -> None:
    curves = load_curves()
    curve = curves.groups["vocals"]
    rng = np.random.default_rng(0)
    samples = 20 * 44100
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequencies = np.maximum(np.fft.rfftfreq(samples, 1 / 44100), 1.0)
    # Noise of the group's mean shape: the level of a third octave is spread over its width.
    target = np.interp(np.log(frequencies), np.log(curves.third_octaves_hz), curve.mean_db) - 10 * np.log10(frequencies)
    target += 6.0 * (np.abs(np.log2(frequencies / 3162)) < 0.5)
    audio = np.fft.irfft(spectrum * 10 ** (target / 20), samples)[None]
    audio = (0.1 * audio / audio.std()).astype(np.float32)
    shape = shape_difference(measure_spectrum(measure_band_spectra(audio, 44100)), "vocals")
    assert shape.difference_db is not None
    assert shape.deviations is not None
    boosted = int(np.argmin(np.abs(np.array(shape.third_octaves_hz) - 3162)))
    others = np.delete(np.array(shape.difference_db), range(boosted - 2, boosted + 3))[8:-2]
    assert shape.difference_db[boosted] - np.median(others) == pytest.approx(6, abs=0.7)
    assert np.ptp(others) < 3
    assert shape.deviations[boosted] == pytest.approx(shape.difference_db[boosted] / curve.sd_db[boosted])


def test_no_sound_has_no_shape() -> None:
    shape = shape_difference(measure_spectrum(measure_band_spectra(np.zeros((1, 44100), np.float32), 44100)), "mix")
    assert shape.difference_db is None
    assert "silent" in str(shape.unmeasured)


def test_the_script_reproduces_the_published_averages(shared_data: Path) -> None:
    path = ROOT / "benchmarks" / "spectral_curves.py"
    spec = importlib.util.spec_from_file_location("spectral_curves_script", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    _, edges = third_octaves_hz(44100)
    averages = shared_data / script.AVERAGES
    for group in ("vocals", "drums", "bass", "other"):
        packaged = load_curves().groups[group].published_average_db
        np.testing.assert_allclose(script._published(averages, group, edges, 28), packaged, atol=0.011)
