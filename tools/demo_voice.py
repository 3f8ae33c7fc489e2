"""The singer of the demo song: a glottal source, the formants of five vowels, and noise for consonants and breaths."""

from collections.abc import Sequence

import numpy as np

from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.demo_instruments import RATE_HZ, Signal, band, place, read, seconds, through, wave
from mixingbuddy.tools.demo_score import Note, SungNote

STEP = 64  # samples between two values of a control curve
CONTROL_HZ = RATE_HZ / STEP
# Frequency in Hz, bandwidth in Hz and level in dB: a mezzo-soprano.
FORMANTS = {
    "a": ((800, 90, 0), (1180, 110, -3), (2850, 150, -7), (3700, 200, -11), (4950, 280, -18)),
    "e": ((480, 90, 0), (1850, 120, -7), (2750, 150, -8), (3600, 200, -12), (4950, 280, -20)),
    "i": ((380, 100, 0), (2150, 120, -9), (2900, 150, -9), (3700, 200, -12), (4950, 280, -20)),
    "o": ((500, 90, 0), (900, 100, -4), (2830, 150, -10), (3500, 200, -15), (4950, 280, -24)),
    "u": ((380, 100, 0), (780, 100, -6), (2700, 150, -13), (3500, 200, -19), (4950, 280, -28)),
}  # fmt: skip
# Of unvoiced consonants: length, lowest and highest frequency, level.
NOISES = {
    "s": (0.09, 5200.0, 11_000.0, 0.06),
    "t": (0.025, 3000.0, 9000.0, 0.07),
    "k": (0.03, 1500.0, 4500.0, 0.07),
    "h": (0.08, 900.0, 5000.0, 0.03),
}
MURMURS = {"n": 0.35, "l": 0.5, "m": 0.3, "d": 0.1, "w": 0.5}  # what is left of the voice in a voiced consonant
CONSONANT_S = 0.06
BREATH_AFTER_S = 0.45


def lead_voice(notes: Sequence[SungNote], samples: int, rng: np.random.Generator) -> Audio:
    """A sung line, float32 (1, samples), compressed and with a touch of room."""
    from pedalboard import Compressor, HighpassFilter, HighShelfFilter, PeakFilter, Reverb

    steps = samples // STEP + 2
    hz = 440 * 2 ** ((_pitch_curve(notes, steps, rng) - 69) / 12)
    level = _upsampled(_level_curve(notes, steps), samples)
    phase = np.cumsum(_upsampled(hz, samples)) / RATE_HZ
    source = level * (read(wave(32, 1.0), phase) + 0.03 * rng.standard_normal(samples))
    sung = 0.06 * source
    for vowel, weight in _vowel_curves(notes, steps).items():
        sung += _upsampled(weight, samples) * _resonated(source, vowel)
    track = (sung / np.abs(sung).max())[None]
    _add_consonants(track, notes, rng)
    room = Reverb(room_size=0.35, damping=0.5, wet_level=0.09, dry_level=0.95, width=0.0)
    tone = HighpassFilter(110), PeakFilter(350, -2, 1), PeakFilter(3000, 3, 0.7), HighShelfFilter(7000, 3)
    return through(track, *tone, Compressor(-20, 2.5, 12, 140), room)


def _resonated(source: Signal, vowel: str) -> Signal:
    """The formants in parallel, with alternating signs so that no notch falls between two (Klatt 1980)."""
    from scipy.signal import iirpeak, lfilter

    total = np.zeros_like(source)
    for number, (centre_hz, width_hz, level_db) in enumerate(FORMANTS[vowel]):
        b, a = iirpeak(centre_hz, centre_hz / width_hz, fs=RATE_HZ)
        total += (-1) ** number * 10 ** (level_db / 20) * lfilter(b, a, source)
    return total


def _pitch_curve(notes: Sequence[SungNote], steps: int, rng: np.random.Generator) -> Signal:
    """MIDI pitch per control step: glides between notes, a scoop into each phrase, vibrato on long notes, drift."""
    time_s = np.arange(steps) / CONTROL_HZ
    target, depth = np.full(steps, float(notes[0].pitch)), np.zeros(steps)
    for before, note in zip((None, *notes), notes, strict=False):
        start, end = _span(note)
        target[start:] = note.pitch
        if before is None or note.start_s - _end_s(before) > 0.1:
            target[start : start + int(0.05 * CONTROL_HZ)] -= 0.9
        if note.length_s > 0.5:
            depth[start:end] = 0.34 * np.clip((time_s[start:end] - note.start_s - 0.22) / 0.4, 0, 1)
    rate_hz = 5.4 + 4 * _smooth(rng.standard_normal(steps), 0.3)
    vibrato = _smooth(depth, 0.03) * np.sin(2 * np.pi * np.cumsum(rate_hz) / CONTROL_HZ)
    drift = 0.9 * _smooth(rng.standard_normal(steps), 0.08) + 0.05 * _smooth(rng.standard_normal(steps), 0.004)
    return _smooth(target, 0.018) + vibrato + drift


def _level_curve(notes: Sequence[SungNote], steps: int) -> Signal:
    """How loud the voice sounds per control step, with dips for the consonants."""
    level = np.zeros(steps)
    for note in notes:
        start, end = _span(note)
        level[start:end] = note.velocity * np.interp(np.arange(end - start), [0, 70, end - start], [0.7, 1.0, 0.55])
    for note in notes:
        consonant, start = note.syllable[:-1], _span(note)[0]
        if consonant:
            level[start - int(CONSONANT_S * CONTROL_HZ) : start] *= MURMURS.get(consonant, 0.0)
    return _smooth(level, 0.016)


def _vowel_curves(notes: Sequence[SungNote], steps: int) -> dict[str, Signal]:
    """Weight of each vowel per control step; they add up to 1."""
    weights = {vowel: np.zeros(steps) for vowel in FORMANTS}
    for note in notes:
        start = _span(note)[0] - int(CONSONANT_S * CONTROL_HZ)
        for vowel, weight in weights.items():
            weight[start:] = float(vowel == note.syllable[-1])
    return {vowel: _smooth(weight, 0.025) for vowel, weight in weights.items()}


def _add_consonants(track: Signal, notes: Sequence[SungNote], rng: np.random.Generator) -> None:
    """Noise before the notes that begin with one, and a breath before each phrase."""
    for before, note in zip((None, *notes), notes, strict=False):
        consonant = note.syllable[:-1]
        if consonant in NOISES:
            length_s, low_hz, high_hz, level = NOISES[consonant]
            _add_noise(track, Note(note.start_s - length_s, length_s, 0, level * note.velocity), low_hz, high_hz, rng)
        if before is not None and note.start_s - _end_s(before) > BREATH_AFTER_S:
            _add_noise(track, Note(note.start_s - 0.42, 0.3, 0, 0.006), 1400, 7000, rng)


def _add_noise(track: Signal, note: Note, low_hz: float, high_hz: float, rng: np.random.Generator) -> None:
    noise = band(rng.standard_normal(len(seconds(note.length_s))), low_hz, high_hz)
    place(track, note, noise / noise.std() * np.hanning(len(noise)))


def _span(note: Note) -> tuple[int, int]:
    return round(note.start_s * CONTROL_HZ), round(_end_s(note) * CONTROL_HZ)


def _end_s(note: Note) -> float:
    return note.start_s + note.length_s


def _smooth(curve: Signal, width_s: float) -> Signal:
    from scipy.ndimage import gaussian_filter1d

    return np.asarray(gaussian_filter1d(curve, width_s * CONTROL_HZ))


def _upsampled(curve: Signal, samples: int) -> Signal:
    return np.asarray(np.interp(np.arange(samples) / STEP, np.arange(len(curve)), curve))
