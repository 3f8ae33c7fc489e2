"""The band of the demo song: one function per instrument, notes in, audio out, everything synthesised.

Every function takes notes, the length of the track and a seeded generator, and gives float32 (channels, samples).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.demo_score import Note

RATE_HZ = 44_100
_SNARE_MODES = ((186.0, 1.0, 20.0), (331.0, 0.5, 28.0))  # Hz, level, decay per second
_HAT_MODES_HZ = (2105.0, 2717.0, 3313.0, 4219.0, 5407.0, 6143.0)
Signal = NDArray[np.float64]


# --- drums


def kick(notes: Sequence[Note], samples: int, rng: np.random.Generator) -> Audio:
    """A sine that falls from 190 to 52 Hz, with a click of the beater."""
    from pedalboard import Compressor, HighpassFilter, PeakFilter

    time_s = seconds(0.32)
    body = np.sin(2 * np.pi * (52 * time_s + 138 / 38 * (1 - np.exp(-38 * time_s)))) * np.exp(-9 * time_s)
    body *= 1 - time_s / time_s[-1]
    track = np.zeros((1, samples))
    for note in notes:
        click = band(rng.standard_normal(len(time_s)), 1200, 6000) * np.exp(-260 * time_s)
        place(track, note, np.tanh(1.6 * body) + 0.5 * note.velocity * click)
    tone = HighpassFilter(32), PeakFilter(280, -4, 0.9), PeakFilter(3500, 3, 1)
    return through(track, *tone, Compressor(-14, 2.5, 15, 80))


def snare(notes: Sequence[Note], samples: int, rng: np.random.Generator) -> Audio:
    """Two modes of the skin and the rattle of the wires, in a small room."""
    from pedalboard import Compressor, HighpassFilter, PeakFilter, Reverb

    time_s = seconds(0.34)
    modes = [level * np.sin(2 * np.pi * hertz * time_s) * np.exp(-rate * time_s) for hertz, level, rate in _SNARE_MODES]
    skin = np.sum(modes, axis=0)
    track = np.zeros((1, samples))
    for note in notes:
        ring = np.exp(-(29 - 14 * note.velocity) * time_s) * (1 - time_s / time_s[-1])
        wires = band(rng.standard_normal(len(time_s)), 1400, 11_000) * ring
        place(track, note, skin + (0.35 + 0.35 * note.velocity) * wires)
    room = Reverb(room_size=0.3, damping=0.4, wet_level=0.14, dry_level=0.9, width=0.0)
    return through(track, HighpassFilter(110), PeakFilter(4500, 2, 0.8), Compressor(-14, 2.5, 8, 90), room)


def hats(notes: Sequence[Note], samples: int, rng: np.random.Generator) -> Audio:
    """Inharmonic partials under bright noise, a little to the right as the audience sees it."""
    from pedalboard import HighpassFilter, HighShelfFilter

    time_s = seconds(0.9)
    metal = np.sum([np.sign(np.sin(2 * np.pi * hertz * time_s)) for hertz in _HAT_MODES_HZ], axis=0)
    track = np.zeros((2, samples))
    for note in notes:
        decay = 5.0 if note.pitch else float(rng.uniform(48, 70))
        noise = rng.standard_normal(len(time_s)) + 0.3 * metal
        ring = np.exp(-decay * time_s) * (1 - time_s / time_s[-1])
        place(track, note, panned(band(noise, 6500, 15_500) * ring, 0.25))
    return through(track, HighpassFilter(5000), HighShelfFilter(9000, -2))


# --- bass, guitars, keys


def bass(notes: Sequence[Note], samples: int, rng: np.random.Generator) -> Audio:
    """A finger bass: a low-passed saw that grows darker as it rings, through a warm amplifier."""
    from pedalboard import Compressor, HighpassFilter, LowpassFilter, PeakFilter

    track = np.zeros((1, samples))
    dark, bright = wave(9, 1.9), wave(24, 1.0)
    for note in notes:
        time_s = seconds(note.length_s + 0.06)
        phase = hz(note.pitch + rng.normal(0, 0.02)) * time_s
        tone = read(dark, phase) + 0.8 * np.exp(-7 * time_s) * note.velocity * read(bright, phase)
        place(track, note, tone * np.exp(-0.9 * time_s) * gate(time_s, 0.006, note.length_s, 0.05))
    warm = np.tanh(1.4 * track / np.abs(track).max())
    amplifier = LowpassFilter(3200), PeakFilter(90, 2, 0.8), PeakFilter(750, 3, 0.9)
    return through(warm, *amplifier, Compressor(-16, 4, 10, 120), HighpassFilter(36))


def guitar(notes: Sequence[Note], samples: int, rng: np.random.Generator, pan: float) -> Audio:
    """Plucked steel strings on a wooden body, `pan` from -1 (left) to 1 (right)."""
    from pedalboard import Compressor, HighpassFilter, HighShelfFilter, PeakFilter, Reverb

    track = np.zeros((2, samples))
    for note in notes:
        place(track, note, panned(_plucked(note, rng), pan))
    body = HighpassFilter(95), PeakFilter(210, 3, 1.2), PeakFilter(420, -2, 1), HighShelfFilter(5000, 3)
    room = Reverb(room_size=0.45, damping=0.5, wet_level=0.10, dry_level=0.9, width=0.8)
    return through(track, *body, Compressor(-18, 2.5, 12, 140), room)


def _plucked(note: Note, rng: np.random.Generator) -> Signal:
    """A Karplus-Strong string (1983), its loop filter raised to the number of periods instead of run."""
    period = round(RATE_HZ / hz(note.pitch))
    periods = int((note.length_s + 0.25) * RATE_HZ / period) + 2
    harmonic = np.arange(period // 2 + 1)
    pick = np.fft.rfft(rng.uniform(-1, 1, period)) * (harmonic > 0)
    pick *= np.sin(0.17 * np.pi * harmonic)  # plucked at a sixth of the string
    pick /= 1 + (harmonic * hz(note.pitch) / (1500 + 4500 * note.velocity)) ** 2
    loop = 0.9965 * np.cos(np.pi * harmonic / period) ** 1.4
    ring = np.fft.irfft(pick * loop ** np.arange(periods)[:, None], period).reshape(-1)
    # Periods are whole samples; reading at another speed brings the exact pitch.
    at = np.arange(0, len(ring) - 1, period * hz(note.pitch) / RATE_HZ)
    tuned = np.interp(at, np.arange(len(ring)), ring)
    return np.asarray(tuned * gate(np.arange(len(tuned)) / RATE_HZ, 0.001, note.length_s, 0.12))


def electric_piano(notes: Sequence[Note], samples: int, rng: np.random.Generator) -> Audio:
    """Two-operator FM with a tine on the attack, through a stereo chorus and tremolo."""
    from pedalboard import Chorus, Compressor, HighpassFilter, Reverb

    track = np.zeros((2, samples))
    for note in notes:
        time_s = seconds(note.length_s + 0.3)
        turn = 2 * np.pi * hz(note.pitch) * time_s
        tine = 0.18 * note.velocity * np.sin(14 * turn) * np.exp(-18 * time_s)
        index = (0.4 + 1.3 * note.velocity) * np.exp(-2.5 * time_s)
        tone = (np.sin(turn + index * np.sin(turn)) + tine) * np.exp(-1.1 * time_s)
        place(track, note, panned(tone * gate(time_s, 0.003, note.length_s, 0.2), (note.pitch - 64) / 24))
    tremolo = 0.16 * np.sin(2 * np.pi * 4.6 * np.arange(samples) / RATE_HZ)
    track *= np.stack([1 + tremolo, 1 - tremolo])
    hall = Reverb(room_size=0.55, damping=0.4, wet_level=0.12, dry_level=0.85, width=1.0)
    return through(track, HighpassFilter(130), Chorus(0.7, 0.15, 7, 0, 0.35), Compressor(-16, 2, 15, 150), hall)


def pad(notes: Sequence[Note], samples: int, rng: np.random.Generator) -> Audio:
    """Detuned saws behind a soft filter, wide and slow."""
    from pedalboard import HighpassFilter, LowpassFilter, Reverb

    track = np.zeros((2, samples))
    saw = wave(20, 1.6)
    for note in notes:
        time_s = seconds(note.length_s + 0.7)
        cents = rng.permutation([-9.0, -4.0, 4.0, 9.0])
        voices = [read(saw, hz(note.pitch + c / 100) * time_s + rng.random()) for c in cents]
        swell = gate(time_s, 0.3, note.length_s, 0.6)
        place(track, note, swell * np.stack([voices[0] + voices[1], voices[2] + voices[3]]))
    hall = Reverb(room_size=0.7, damping=0.5, wet_level=0.2, dry_level=0.7, width=1.0)
    return through(track, HighpassFilter(180), LowpassFilter(3000), hall)


# --- shared


def through(track: Signal, *effects: Any) -> Audio:
    """The track at a peak of -3 dBFS through a chain of pedalboard effects."""
    return chained((0.7 * track / np.abs(track).max()).astype(np.float32), *effects)


def chained(audio: Audio, *effects: Any) -> Audio:
    """Float32 (channels, samples) through a chain of pedalboard effects."""
    from pedalboard import Pedalboard  # type: ignore[attr-defined]

    return np.asarray(Pedalboard(list(effects))(np.ascontiguousarray(audio), RATE_HZ), dtype=np.float32)


def place(track: Signal, note: Note, sound: Signal) -> None:
    """Add `sound` (samples,) or (channels, samples) to the track where the note starts, as loud as it is struck."""
    start = round(note.start_s * RATE_HZ)
    part = track[:, start : start + sound.shape[-1]]
    part += note.velocity * sound[..., : part.shape[1]]


def panned(sound: Signal, pan: float) -> Signal:
    """Constant-power panning, -1 left to 1 right, of (samples,) to (2, samples)."""
    angle = (pan + 1) * np.pi / 4
    return np.stack([np.cos(angle) * sound, np.sin(angle) * sound])


def hz(pitch: float) -> float:
    """Frequency of a MIDI pitch, equal temperament."""
    return float(440 * 2 ** ((pitch - 69) / 12))


def seconds(length_s: float) -> Signal:
    """The time of every sample of a sound that long."""
    return np.arange(round(length_s * RATE_HZ)) / RATE_HZ


def gate(time_s: Signal, attack_s: float, length_s: float, release_s: float) -> Signal:
    """0 to 1 in the attack, back to 0 after `length_s`."""
    return np.asarray(np.interp(time_s, [0, attack_s, length_s, length_s + release_s], [0, 1, 1, 0]))


def band(noise: Signal, low_hz: float, high_hz: float) -> Signal:
    """Second-order band-pass along the samples."""
    from scipy.signal import sosfilt

    return np.asarray(sosfilt(_band_pass(low_hz, high_hz), noise))


@lru_cache(maxsize=32)
def _band_pass(low_hz: float, high_hz: float) -> Signal:
    from scipy.signal import butter

    return np.asarray(butter(2, [low_hz, high_hz], "bandpass", fs=RATE_HZ, output="sos"))


def wave(harmonics: int, slope: float) -> Signal:
    """One period whose harmonics fall as h to the power of -slope, fine enough to be read without interpolation."""
    spectrum = np.zeros(2**15 + 1, dtype=np.complex128)
    spectrum[1 : harmonics + 1] = -1j * np.arange(1, harmonics + 1) ** -float(slope)
    return np.fft.irfft(spectrum) * 2**15


def read(period: Signal, phase: Signal) -> Signal:
    """Values of a period at phases counted in turns."""
    return np.asarray(period[(phase * len(period)).astype(np.int64) % len(period)])
