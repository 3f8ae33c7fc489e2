"""The one pass gives what the single meters give on whole signals, whatever the blocks."""

from pathlib import Path

import numpy as np
import pytest
import soxr
from songs import RATE_HZ, make_stems, write_song

from mixingbuddy.tools import levels, listening
from mixingbuddy.tools.band_spectra import measure_band_spectra
from mixingbuddy.tools.dynamics import hops_of
from mixingbuddy.tools.found_song import find_song, open_stems
from mixingbuddy.tools.hygiene import measure_hygiene
from mixingbuddy.tools.levels import mixdown
from mixingbuddy.tools.listening import CONTEXT_RATE_HZ, Heard, listen, listen_to
from mixingbuddy.tools.loudness_meter import measure_loudness
from mixingbuddy.tools.multitrack import Multitrack, Stem, load_song

NAMES = ("bass", "drums", "guitar", "vocals")


def listened(folder: Path, keep_mono: bool = False) -> Heard:
    found = find_song(folder, "none")
    with open_stems(found.stems, found.sample_rate_hz) as sources:
        roles = [stem.role for stem in found.stems]
        return listen(found.names, roles, sources, found.sample_rate_hz, keep_mono)


def as_dict(meter: object, *leave_out: str) -> dict[str, object]:
    fields = type(meter).model_fields  # type: ignore[attr-defined]
    return {name: getattr(meter, name) for name in fields if name not in leave_out}


@pytest.mark.parametrize("block", [4410, 10007, 1 << 17])
def test_blocks_of_any_size_give_the_meters_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(listening, "SAMPLES_AT_ONCE", block)
    folder = write_song(tmp_path / "song", make_stems(6.0))
    song, heard = load_song(folder).multitrack, listened(folder)
    for stem, level, of_stem in zip(song.stems, heard.levels.stems, heard.stems, strict=True):
        alone = measure_loudness(stem.audio, RATE_HZ, 2)
        assert as_dict(level, "name", "role", "level_rel_mix_lu", "sounding_share") == pytest.approx(as_dict(alone))
        alone_hygiene = measure_hygiene(stem.audio, RATE_HZ)
        assert of_stem.hygiene.clipping == alone_hygiene.clipping
        for name in ("dc_offset", "noise_floor_dbfs", "loudest_dbfs", "silent_share", "trailing_silence_s"):
            assert getattr(of_stem.hygiene, name) == pytest.approx(getattr(alone_hygiene, name), abs=1e-4), name
    mix = measure_loudness(mixdown(song, {}), RATE_HZ)
    assert heard.levels.loudness_lufs == pytest.approx(mix.loudness_lufs, abs=1e-4)
    assert heard.levels.psr_lu == pytest.approx(mix.psr_lu, abs=1e-3)
    in_memory = levels.measure_song(song)
    np.testing.assert_allclose(heard.energies.per_hop, in_memory[0].per_hop, rtol=1e-4, atol=1e-12)


def test_a_group_is_metered_as_the_sum_of_its_stems() -> None:
    stems = make_stems(4.0)
    half = np.float32(0.5)
    parts = {"kick": "kick", "snare": "snare", "bass": "bass"}
    audio = {"kick": half * stems["drums"], "snare": half * stems["drums"], "bass": stems["bass"]}
    song = Multitrack("drums in two", RATE_HZ, tuple(Stem(n, parts[n], audio[n]) for n in parts))  # type: ignore[arg-type]
    groups = {group.group: group for group in listen_to(song).levels.groups}
    whole = measure_loudness(stems["drums"], RATE_HZ)
    measured = as_dict(groups["drums"], "group", "stems", "level_rel_mix_lu")
    assert measured == pytest.approx(as_dict(whole), abs=1e-3)
    assert groups["bass"].true_peak_dbtp == pytest.approx(measure_loudness(stems["bass"], RATE_HZ).true_peak_dbtp)


def test_stems_of_other_lengths_and_rates_are_heard_at_their_place(tmp_path: Path) -> None:
    import soundfile

    stems = make_stems(6.0)
    folder = write_song(tmp_path / "song", stems)
    slow = soxr.resample(stems["vocals"][:, : 4 * RATE_HZ].T, RATE_HZ, 48000)
    soundfile.write(folder / "vocals.wav", slow, 48000, subtype="FLOAT")
    heard = listened(folder)
    vocals = heard.levels.stem("vocals")
    assert vocals is not None
    assert heard.levels.duration_s == pytest.approx(6.0, abs=0.001)
    assert vocals.sounding_share == pytest.approx(4 / 6, abs=0.06)
    cut = np.pad(stems["vocals"][:, : 4 * RATE_HZ], ((0, 0), (0, 2 * RATE_HZ)))
    assert vocals.loudness_lufs == pytest.approx(measure_loudness(cut, RATE_HZ).loudness_lufs, abs=0.02)


def test_the_mono_mix_is_kept_where_it_is_wanted(tmp_path: Path) -> None:
    folder = write_song(tmp_path / "song", make_stems(3.0))
    mono = listened(folder, keep_mono=True).mono
    assert mono is not None
    mix = mixdown(load_song(folder).multitrack, {}).mean(axis=0)
    whole = soxr.resample(mix, RATE_HZ, CONTEXT_RATE_HZ, quality="MQ")
    np.testing.assert_allclose(mono, whole[: len(mono)], atol=1e-4)
    assert listened(folder).mono is None


def test_progress_ends_at_one(tmp_path: Path) -> None:
    found = find_song(write_song(tmp_path / "song", make_stems(8.0)))
    told: list[float] = []
    with open_stems(found.stems, found.sample_rate_hz) as sources:
        listen(found.names, [stem.role for stem in found.stems], sources, found.sample_rate_hz, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 1


def test_mono_files_are_summed_as_they_are_and_not_as_what_is_read_after_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "SAMPLES_AT_ONCE", 4410)
    folder = write_song(tmp_path / "song", {name: audio[:1] for name, audio in make_stems(6.0).items()})
    heard = listened(folder)
    mix = mixdown(load_song(folder).multitrack, {})
    np.testing.assert_allclose(heard.mix_hops.highest[0], hops_of(mix, RATE_HZ).highest[0], atol=1e-6)
    spectrum = measure_band_spectra(mix, RATE_HZ)
    np.testing.assert_allclose(heard.mix_spectra.power, spectrum.power, rtol=1e-3, atol=1e-12)
