"""Small songs made from a seed, for tests."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE_HZ = 44100
Audio = NDArray[np.float32]


def tones(notes_hz: list[float], duration_s: float, rng: np.random.Generator, harmonics: int = 8) -> Audio:
    """A melody of plucked harmonic notes, float32 (samples,)."""
    parts = []
    for note_hz in notes_hz:
        t = np.arange(int(duration_s / len(notes_hz) * RATE_HZ)) / RATE_HZ
        note = sum(np.sin(2 * np.pi * note_hz * k * t + rng.uniform(0, 6)) / k for k in range(1, harmonics + 1))
        parts.append(note * np.exp(-2 * t))
    audio = np.concatenate(parts)
    return (0.2 * audio / np.abs(audio).max()).astype(np.float32)


def hits(per_s: float, duration_s: float, rng: np.random.Generator) -> Audio:
    """Short noise bursts at a steady beat, float32 (samples,)."""
    t = np.arange(int(duration_s * RATE_HZ)) / RATE_HZ
    audio = rng.standard_normal(len(t)) * np.exp(-30 * (t % (1 / per_s)))
    return (0.3 * audio / np.abs(audio).max()).astype(np.float32)


def make_stems(duration_s: float = 6.0, seed: int = 1) -> dict[str, Audio]:
    """Four stems that sound together like a small band, each float32 (2, samples)."""
    rng = np.random.default_rng(seed)
    stems = {
        "vocals": 1.3 * tones([440, 494, 523, 392, 440, 330], duration_s, rng),
        "drums": hits(4, duration_s, rng),
        "bass": 0.8 * tones([55, 55, 65.4, 49], duration_s, rng, harmonics=4),
        "guitar": 0.8 * tones([220, 277, 330, 247, 294, 370, 220, 165], duration_s, rng),
    }
    shortest = min(len(audio) for audio in stems.values())
    return {name: np.stack([audio[:shortest], audio[:shortest]]) for name, audio in stems.items()}


def write_song(folder: Path, stems: Mapping[str, Audio], rate_hz: int = RATE_HZ, subtype: str = "FLOAT") -> Path:
    """Write stems (channels, samples) as WAV files of these names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, audio in stems.items():
        soundfile.write(folder / f"{name}.wav", audio.T, rate_hz, subtype=subtype)
    return folder
