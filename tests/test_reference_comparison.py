"""Filters, gains, limiters and widening that were put in come back as the differences that they are."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import scipy.signal

from mixingbuddy.tools.audio import read_clip
from mixingbuddy.tools.listening import listen_to
from mixingbuddy.tools.measured_song import measure_heard
from mixingbuddy.tools.multitrack import Multitrack, Stem
from mixingbuddy.tools.reference_comparison import (
    Difference,
    ReferenceComparison,
    WholeMix,
    compare_with_reference,
    reference_findings,
)
from mixingbuddy.tools.spectral_comparison import spectrum_findings

RATE_HZ = 44100


@cache
def music(duration_s: float = 8.0) -> np.ndarray:
    """Noise that beats four times a second and swells, its side 10 dB under its mid, (2, samples).

    Like most mixes it is a little darker than pink.
    """
    samples = int(duration_s * RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal((2, samples)))
    spectrum /= np.maximum(np.fft.rfftfreq(samples, 1 / RATE_HZ), 40.0) ** 0.75
    mid, side = np.fft.irfft(spectrum, samples)
    t = np.arange(samples) / RATE_HZ
    envelope = (0.2 + np.exp(-12 * (t % 0.25))) * (0.7 + 0.3 * np.sin(2 * np.pi * t / 4))
    left_right = np.stack([mid + 10**-0.5 * side, mid - 10**-0.5 * side]) * envelope
    return np.asarray(0.05 * left_right / left_right.std(), np.float32)


def measured(audio: np.ndarray, rate_hz: int = RATE_HZ) -> WholeMix:
    mix = Multitrack("mix", rate_hz, (Stem("mix", "other", np.ascontiguousarray(audio, np.float32)),))
    figures = measure_heard(listen_to(mix)).figures
    return WholeMix(figures.levels, figures.spectrum, figures.stereo, figures.dynamics)


def compared(mix: np.ndarray, reference: np.ndarray) -> ReferenceComparison:
    return compare_with_reference(measured(mix), measured(reference))


def high_shelf(audio: np.ndarray, gain_db: float, corner_hz: float = 6000.0) -> np.ndarray:
    """Everything plus what a high pass leaves, so that high frequencies come out by `gain_db`."""
    sos = scipy.signal.butter(2, corner_hz, "high", fs=RATE_HZ, output="sos")
    return np.asarray(audio + (10 ** (gain_db / 20) - 1) * scipy.signal.sosfiltfilt(sos, audio))


def side_times(audio: np.ndarray, gain_db: float) -> np.ndarray:
    mid, side = (audio[0] + audio[1]) / 2, (audio[0] - audio[1]) / 2 * 10 ** (gain_db / 20)
    return np.stack([mid + side, mid - side])


def limited(audio: np.ndarray, share_of_peak: float = 0.25) -> np.ndarray:
    """A limiter without time: what lies beyond is bent back."""
    ceiling = share_of_peak * np.abs(audio).max()
    return np.asarray(ceiling * np.tanh(audio / ceiling))


def by_name(comparison: ReferenceComparison) -> dict[str, Difference]:
    return {difference.name: difference for difference in (*comparison.differences, *comparison.alike)}


def test_a_mix_does_not_differ_from_itself() -> None:
    comparison = compared(music(), music())
    assert comparison.differences == ()
    assert comparison.offset_db == 0
    assert {difference.aspect for difference in comparison.alike} == {"level", "dynamics", "spectrum", "width"}
    assert all(difference.difference == 0 for difference in comparison.alike)
    assert comparison.unmeasured is None
    assert reference_findings(comparison) == ()


@pytest.mark.parametrize("gain_db", [6.0, -9.0])
def test_a_gain_is_a_difference_of_loudness_alone(gain_db: float) -> None:
    comparison = compared(music() * 10 ** (gain_db / 20), music())
    (difference,) = comparison.differences
    assert (difference.aspect, difference.name, difference.unit) == ("level", "loudness", "LUFS")
    assert difference.difference == pytest.approx(gain_db, abs=0.01)
    assert difference.audibility == pytest.approx(abs(gain_db), abs=0.01)
    assert comparison.offset_db == pytest.approx(-gain_db, abs=0.01)
    louder = "The mix is 6.0 LU louder" if gain_db > 0 else "The reference is 9.0 LU louder"
    assert difference.text.startswith(louder)


def test_a_quieter_mix_than_its_master_is_no_fault() -> None:
    (finding,) = reference_findings(compared(0.3 * music(), music()))
    assert (finding.kind, finding.severity) == ("reference_loudness", "info")
    assert finding.value is not None
    master_lufs = finding.value - 20 * np.log10(0.3)
    assert finding.expected == pytest.approx((master_lufs - 1, master_lufs + 1), abs=0.02)


@pytest.mark.parametrize(("gain_db", "word"), [(3.0, "more"), (-3.0, "less")])
def test_a_shelf_is_heard_in_its_band_first(gain_db: float, word: str) -> None:
    comparison = compared(high_shelf(music(), gain_db), music())
    first = comparison.differences[0]
    assert (first.aspect, first.name) == ("spectrum", "air")
    # The band lies above the corner, and the whole is turned by what the shelf added to the loudness.
    assert comparison.offset_db is not None
    assert first.difference - comparison.offset_db == pytest.approx(gain_db, abs=0.8)
    assert f"{word} air" in first.text
    assert {difference.aspect for difference in comparison.differences} == {"spectrum"}


def test_widening_is_heard_as_width_first() -> None:
    wide = side_times(music(), 6)
    comparison = compared(wide, music())
    assert {difference.aspect for difference in comparison.differences[:6]} == {"width"}
    assert {"side_mid", "side_mid_low_mid", "correlation"} <= {difference.name for difference in comparison.of("width")}
    everything = by_name(comparison)
    assert everything["side_mid"].difference == pytest.approx(6, abs=0.05)
    assert everything["side_mid"].reference == pytest.approx(-10, abs=0.3)
    assert everything["side_mid_air"].difference == pytest.approx(6, abs=0.05)
    assert everything["balance"].audibility < 1
    assert not comparison.of("dynamics")
    finding = next(f for f in reference_findings(comparison) if f.kind == "reference_width")
    assert finding.value == pytest.approx(-4, abs=0.4)
    assert "wider" in finding.text


def test_the_steps_of_correlation_are_those_of_pollack_and_trittipoe() -> None:
    """Squared correlation: 0.4 is just told from 0 and 0.96 from 1."""
    from mixingbuddy.tools.reference_comparison import _correlation_step, _signed_square

    assert _correlation_step(0.0, 0.0) == pytest.approx(0.4)
    assert _correlation_step(1.0, 1.0) == pytest.approx(0.04)
    assert abs(_signed_square(-1.0) - _signed_square(1.0)) == 2


def test_sides_too_faint_to_be_heard_are_alike() -> None:
    """Side 25 and 40 dB under the mid: both sound like mono."""
    difference = by_name(compared(side_times(music(), -15), side_times(music(), -30)))["side_mid"]
    assert difference.difference == pytest.approx(15, abs=0.1)
    assert difference.audibility == 0


def test_a_limited_reference_has_less_crest_and_that_is_no_fault_of_the_mix() -> None:
    comparison = compared(music(), limited(music()))
    assert {"crest", "psr"} <= {difference.name for difference in comparison.of("dynamics")}
    limiting = by_name(comparison)
    assert min(limiting[name].difference for name in ("crest", "psr", "plr")) > 3
    assert limiting["crest"].audibility > limiting["plr"].audibility
    finding = next(f for f in reference_findings(comparison) if f.kind == "reference_dynamics")
    assert finding.severity == "info"
    assert "usual where the reference is mastered" in finding.text


def test_a_mix_flattened_more_than_its_reference_is_told_so() -> None:
    comparison = compared(limited(music(), 0.1), music())
    finding = next(f for f in reference_findings(comparison) if f.kind == "reference_dynamics")
    assert finding.severity == "minor"
    assert "less" in finding.text


def test_a_quiet_half_is_a_loudness_range() -> None:
    quiet_half = music(16.0).copy()
    quiet_half[:, : quiet_half.shape[1] // 2] *= 10 ** (-12 / 20)
    difference = by_name(compared(quiet_half, music(16.0)))["loudness_range"]
    assert difference.difference == pytest.approx(12, abs=2)
    assert difference.audibility > 3


def test_swapping_the_sides_turns_every_sign_and_nothing_else() -> None:
    one = measured(music())
    other = measured(high_shelf(side_times(limited(music()), 4), -4) * np.array([[0.4], [0.5]]))
    there, back = compare_with_reference(one, other), compare_with_reference(other, one)
    assert there.offset_db == pytest.approx(-(back.offset_db or 0.0))
    mine, theirs = by_name(there), by_name(back)
    assert mine.keys() == theirs.keys()
    for name, difference in mine.items():
        assert difference.difference == pytest.approx(-theirs[name].difference, abs=1e-6), name
        assert difference.audibility == pytest.approx(theirs[name].audibility, abs=1e-6), name
    assert len(there.differences) > 5


def test_the_most_audible_comes_first() -> None:
    comparison = compared(high_shelf(side_times(0.5 * music(), 4), -4), music())
    audibilities = [difference.audibility for difference in comparison.differences]
    assert len(audibilities) > 4
    assert audibilities == sorted(audibilities, reverse=True)
    assert min(audibilities) >= 1
    assert all(difference.audibility < 1 for difference in comparison.alike)


def test_a_mono_mix_is_narrower_than_a_wide_reference() -> None:
    comparison = compared(music()[:1], side_times(music(), 6))
    width = comparison.of("width")[0]
    assert width.difference < -40
    assert "narrower" in width.text
    assert "-60 or less" in width.text
    finding = next(f for f in reference_findings(comparison) if f.kind == "reference_width")
    assert finding.severity == "minor"
    assert not compared(music()[:1], 0.5 * music()[:1]).of("width")


def test_a_mix_that_leans_to_one_side_says_which() -> None:
    comparison = compared(music() * np.array([[1.0], [10 ** (4 / 20)]]), music())
    balance = by_name(comparison)["balance"]
    assert balance.difference == pytest.approx(4, abs=0.05)
    assert "4.0 dB further right" in balance.text
    assert "reference_balance" in {finding.kind for finding in reference_findings(comparison)}


@pytest.mark.parametrize("swap", [False, True])
def test_silence_compares_with_nothing_and_says_whose_it_is(swap: bool) -> None:
    sides = [np.zeros((2, 5 * RATE_HZ)), music()]
    comparison = compared(*(sides[::-1] if swap else sides))
    assert (comparison.offset_db, comparison.differences, comparison.alike) == (None, (), ())
    assert str(comparison.unmeasured).startswith("reference: silent" if swap else "mix: silent")
    assert reference_findings(comparison) == ()


def test_too_short_a_mix_says_so() -> None:
    comparison = compared(music()[:, : RATE_HZ // 4], music())
    assert comparison.offset_db is None
    assert not comparison.of("level")
    assert not comparison.of("spectrum")
    assert "mix: shorter than" in str(comparison.unmeasured)
    two_seconds = compared(music()[:, : 2 * RATE_HZ], music()[:, : 2 * RATE_HZ])
    assert "loudness_range" not in by_name(two_seconds)
    assert "loudness" in by_name(two_seconds)
    assert "3 s" in str(two_seconds.unmeasured)


def test_findings_do_not_repeat_those_of_the_spectrum() -> None:
    mix, reference = measured(high_shelf(music(), 9)), measured(music())
    comparison = compare_with_reference(mix, reference)
    assert comparison.of("spectrum")
    kinds = {finding.kind for finding in reference_findings(comparison)}
    assert not kinds & {finding.kind for finding in spectrum_findings(mix.spectrum)}
    assert not any("band" in kind or "tilt" in kind for kind in kinds)


def test_a_real_master_is_louder_and_flatter_than_the_sum_of_its_stems(shared_data: Path) -> None:
    """The data's own note: trackswitch's master is about 9 dB hotter than the plain sum of its stems."""
    folder = shared_data / "multitracks" / "trackswitch"
    clips = [read_clip(path) for path in sorted(folder.iterdir()) if path.is_file() and path.suffix == ".mp3"]
    (master_path,) = (folder / "reference").iterdir()
    master = read_clip(master_path)
    window = slice(60 * master.sample_rate_hz, 80 * master.sample_rate_hz)
    mix = np.sum([clip.audio[:, window] for clip in clips], axis=0)
    comparison = compare_with_reference(
        measured(mix, master.sample_rate_hz), measured(master.audio[:, window], master.sample_rate_hz)
    )
    assert comparison.differences[0].name == "loudness"
    assert comparison.offset_db == pytest.approx(9, abs=2)
    assert by_name(comparison)["plr"].difference > 0
    assert all(finding.severity == "info" for finding in reference_findings(comparison) if "loud" in finding.kind)
