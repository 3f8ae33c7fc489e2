"""Sounds of any length, rate and number of channels come to the ear at their own level; words keep their numbers."""

from pathlib import Path

import numpy as np
import pytest
from differential_inputs import noise
from scipy.signal import resample_poly

from mixingbuddy.models.data.label_templates import all_templates
from mixingbuddy.models.differential.bands import HOP, RATE_HZ, SHORTEST_FRAMES, band_powers, ear_powers, layout
from mixingbuddy.models.differential.processing import (
    BandExtractor,
    DifferentialProcessor,
    make_tokenizer,
)
from mixingbuddy.models.differential.words import Words, template_vocabulary

WORDS = Words(template_vocabulary())


def level_db(powers: np.ndarray) -> float:
    return float(10 * np.log10(powers.sum((0, 1)).mean()))


@pytest.mark.parametrize("samples", [1, 100, HOP, 5000, 16 * HOP, 20 * HOP + 17])
def test_every_sound_is_long_enough_and_a_whole_number_of_tokens(samples: int) -> None:
    powers = ear_powers(noise(1, 1.0)[:, :samples], RATE_HZ)
    frames = powers.shape[2]
    assert powers.shape[:2] == (2, layout().count)
    assert frames >= SHORTEST_FRAMES
    assert frames % 4 == 0
    assert powers.flags.c_contiguous
    assert np.isfinite(powers).all()


def test_a_short_sound_is_repeated_at_its_level() -> None:
    short = noise(1, 1.0)[:, : 7 * HOP]  # eight frames, twice
    powers = ear_powers(short, RATE_HZ)
    np.testing.assert_array_equal(powers, np.tile(band_powers(short), 2))


def test_nothing_is_normalised() -> None:
    sound = noise(1, 1.0)
    np.testing.assert_allclose(ear_powers(0.5 * sound, RATE_HZ), 0.25 * ear_powers(sound, RATE_HZ), rtol=1e-5)


@pytest.mark.parametrize(("up", "down", "rate_hz"), [(160, 147, 48_000), (1, 2, 22_050), (2, 1, 88_200)])
def test_a_sound_has_the_same_powers_at_other_sample_rates(up: int, down: int, rate_hz: int) -> None:
    sound = noise(2, 1.5)
    spectrum = np.fft.rfft(sound)
    spectrum[:, np.fft.rfftfreq(sound.shape[1], 1 / RATE_HZ) > 9000] = 0  # what all rates can carry
    sound = np.fft.irfft(spectrum, sound.shape[1]).astype(np.float32)
    other = resample_poly(sound, up, down, axis=1).astype(np.float32)
    at_home, anew = ear_powers(sound, RATE_HZ)[..., 4:-4], ear_powers(other, rate_hz)
    anew = anew[..., 4 : 4 + at_home.shape[2]]
    assert level_db(anew) == pytest.approx(level_db(at_home), abs=0.02)
    loud = at_home.mean(-1) > 1e-4 * at_home.mean(-1).max()
    per_band_db = 10 * np.log10(anew.mean(-1)[loud] / at_home.mean(-1)[loud])
    np.testing.assert_allclose(per_band_db, 0, atol=0.3)


def test_mono_is_heard_as_the_same_sound_on_both_sides() -> None:
    mono = noise(3, 1.0, channels=1)
    np.testing.assert_array_equal(ear_powers(mono, RATE_HZ), ear_powers(np.repeat(mono, 2, axis=0), RATE_HZ))


def test_the_extractor_stacks_sounds() -> None:
    sounds = [noise(seed, 1.0) for seed in (1, 2)]
    powers = BandExtractor()(sounds, RATE_HZ)["powers"]
    np.testing.assert_array_equal(powers[1], ear_powers(sounds[1], RATE_HZ))


@pytest.mark.parametrize("changed", [{"bands": 10}, {"hop": 512}, {"sampling_rate": 48_000}])
def test_settings_that_this_code_cannot_hear_with_are_refused(changed: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="other code is needed"):
        BandExtractor(**changed)


def test_a_processor_is_the_same_after_saving_and_loading(tmp_path: Path) -> None:
    processor = DifferentialProcessor.of(WORDS)
    processor.save_pretrained(tmp_path)
    loaded = DifferentialProcessor.from_pretrained(tmp_path)
    assert loaded.words.vocabulary == WORDS.vocabulary
    assert loaded.feature_extractor.to_dict() == processor.feature_extractor.to_dict()
    sound = noise(1, 0.5)
    np.testing.assert_array_equal(
        loaded.feature_extractor([sound], RATE_HZ)["powers"], processor.feature_extractor([sound], RATE_HZ)["powers"]
    )
    sentence = "Lower {stem} by {gain}."
    assert loaded.decode(loaded.words.encode(sentence)) == sentence


def test_weights_whose_settings_no_longer_fit_are_refused_on_loading(tmp_path: Path) -> None:
    DifferentialProcessor.of(WORDS).save_pretrained(tmp_path)
    settings = tmp_path / "preprocessor_config.json"
    settings.write_text(settings.read_text().replace(f'"bands": {layout().count}', '"bands": 12'))
    with pytest.raises(ValueError, match="12 bands"):
        DifferentialProcessor.from_pretrained(tmp_path)


def test_the_tokenizer_numbers_every_template_as_the_model_does() -> None:
    tokenizer = make_tokenizer(WORDS)
    for _, _, template in all_templates():
        assert tokenizer(template)["input_ids"] == WORDS.encode(template)[1:-1]
    assert (tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id) == (0, 1, 2)


def test_a_model_with_an_older_vocabulary_keeps_its_own_numbers(tmp_path: Path) -> None:
    older = Words([*reversed(template_vocabulary()[3:40]), *template_vocabulary()[:3]])
    DifferentialProcessor.of(older).save_pretrained(tmp_path)
    loaded = DifferentialProcessor.from_pretrained(tmp_path)
    assert loaded.words.vocabulary == older.vocabulary
    assert loaded.words.numbers["<pad>"] == loaded.tokenizer.pad_token_id == 37
