"""Sounds and sentences made from a seed for the compact model to hear and write, for tests."""

import numpy as np
import torch

from mixingbuddy.models.differential.bands import RATE_HZ, Powers, band_powers
from mixingbuddy.models.differential.configuration import DifferentialConfig
from mixingbuddy.models.differential.shape import ROLES
from mixingbuddy.models.differential.writer import FIGURES, GROUP_FIGURES
from mixingbuddy.tools.audio import Audio


def noise(seed: int, duration_s: float = 2.0, channels: int = 2, rate_hz: int = RATE_HZ) -> Audio:
    """Noise that falls by 3 dB per octave between 30 Hz and 15 kHz, RMS 0.05, float32 (channels, samples)."""
    rng = np.random.default_rng(seed)
    samples = round(duration_s * rate_hz)
    # A transform of a power of two is made and cut: others can take a hundred times as long.
    longer = 1 << (samples - 1).bit_length()
    spectrum = np.fft.rfft(rng.standard_normal((channels, longer)))
    hz = np.fft.rfftfreq(longer, 1 / rate_hz)
    inside = (hz > 30) & (hz < min(15_000, 0.45 * rate_hz))
    sound = np.fft.irfft(spectrum * np.where(inside, 1 / np.sqrt(np.maximum(hz, 1)), 0), longer)[:, :samples]
    return (0.05 * sound / sound.std()).astype(np.float32)


def noise_powers(seeds: range, duration_s: float = 1.0) -> Powers:
    """Band powers (B, 2, bands, frames) of noises, a whole number of tokens long."""
    powers = np.stack([band_powers(noise(seed, duration_s)) for seed in seeds])
    return np.ascontiguousarray(powers[..., : powers.shape[-1] // 4 * 4])


def sentence_inputs(
    config: DifferentialConfig, seed: int = 0, size: int = 2, words: int = 7
) -> dict[str, torch.Tensor]:
    """What `DifferentialModel.forward` takes, at random: `size` sentences of `words` words."""
    rng = torch.Generator().manual_seed(seed)
    return {
        "input_ids": torch.randint(3, config.vocab_size, (size, words), generator=rng),
        "kind": torch.randint(0, 5, (size,), generator=rng),
        "evidence": torch.randint(0, 6, (size,), generator=rng),
        "role": torch.randint(0, len(ROLES), (size,), generator=rng),
        "figures": torch.randn(size, FIGURES, generator=rng),
        "own": torch.randn(size, len(ROLES), GROUP_FIGURES, generator=rng),
        "reference": torch.randn(size, len(ROLES), GROUP_FIGURES, generator=rng),
        "heard": torch.randn(size, len(ROLES), config.width, generator=rng),
    }
