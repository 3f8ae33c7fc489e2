"""The song's own terms: tempo, bars, key and sections of a mix, and the name of a stretch of time in them."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools import key, tempo
from mixingbuddy.tools.bars import Bars, measure_bars
from mixingbuddy.tools.key import Key, Mode, measure_chroma, measure_key
from mixingbuddy.tools.sections import Section, measure_sections
from mixingbuddy.tools.tempo import Tempo, measure_tempo, onset_strength

Mono = NDArray[np.float32]

LONGEST_S = 1200.0
TOO_LONG = f"not estimated: longer than {LONGEST_S / 60:.0f} minutes"
NOT_FINITE = "samples that are no numbers"


class SongTime(BaseModel):
    """Tempo, bars, key and sections of a song. What is not sure enough is null, with a reason beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    duration_s: float = Field(ge=0)
    tempo_bpm: float | None = Field(ge=20, le=400, description="beats per minute over the whole song")
    tempo_confidence: float = Field(ge=0, le=1)
    other_tempi_bpm: tuple[float, ...] = Field(description="other plausible tempi, likeliest first, beats per minute")
    tempo_spread_pct: float | None = Field(
        ge=0, description="how far the tempo over 8 beats moves (5th to 95th percentile), % of the tempo"
    )
    beats_s: tuple[float, ...] | None = Field(description="time of every beat, s")
    tempo_unsure: str | None = Field(description="why a value of the tempo or the beats is null")
    beats_per_bar: int | None = Field(ge=2, le=12)
    bar_confidence: float = Field(ge=0, le=1, description="of both the length of bars and where they begin")
    downbeats_s: tuple[float, ...] | None = Field(
        description="time of the first beat of every bar, s; bar 1 is the first"
    )
    bars_unsure: str | None = Field(description="why bars are null")
    tonic: str | None = Field(description="C, C#, D, Eb, E, F, F#, G, Ab, A, Bb or B")
    mode: Mode | None
    key_confidence: float = Field(ge=0, le=1)
    other_keys: tuple[str, ...] = Field(description="other plausible keys, likeliest first, such as 'C major'")
    tuning_cents: float | None = Field(ge=-50, le=50, description="how far the notes lie above A4 = 440 Hz, cents")
    key_unsure: str | None = Field(description="why the key is null")
    sections: tuple[Section, ...] | None
    sections_unsure: str | None = Field(description="why sections are null")

    @property
    def key(self) -> str | None:
        """'A minor'."""
        return None if self.tonic is None else f"{self.tonic} {self.mode}"


def measure_song_time(mix_mono: Mono, sample_rate_hz: int) -> SongTime:
    """Tempo, beats, bars, key and sections of a mono mix, float32 (samples,) at any sample rate; best at 22050 Hz."""
    duration_s = len(mix_mono) / sample_rate_hz
    if duration_s > LONGEST_S:
        return _nothing(duration_s, TOO_LONG)
    if not np.isfinite(mix_mono).all():
        return _nothing(duration_s, NOT_FINITE)
    mono = _at_rate(mix_mono, sample_rate_hz, tempo.RATE_HZ)
    chroma = measure_chroma(_at_rate(mono, tempo.RATE_HZ, key.RATE_HZ))
    onsets = onset_strength(mono)
    pulse = measure_tempo(onsets, chroma)
    bars = measure_bars(pulse.beats_s, onsets, chroma)
    sections, sections_unsure = measure_sections(onsets, chroma, bars.downbeats_s)
    return _joined(duration_s, pulse, bars, measure_key(chroma), sections, sections_unsure)


def spoken(where: tuple[float, float], song_time: SongTime) -> str | None:
    """A stretch (start, end in s) in the song's own terms: 'bars 17 to 24, section B'; None where nothing is sure.

    Bars count from the first downbeat that was found. A bar or section counts where more than a fifth of it, or of the
    stretch, is inside.
    """
    start_s, end_s = where
    parts = [_spoken_bars(start_s, end_s, song_time.downbeats_s), _spoken_sections(start_s, end_s, song_time.sections)]
    return ", ".join(part for part in parts if part) or None


def clock(time_s: float) -> str:
    """'1:02'."""
    return f"{int(time_s) // 60}:{int(time_s) % 60:02d}"


def _spoken_bars(start_s: float, end_s: float, downbeats_s: tuple[float, ...] | None) -> str | None:
    if downbeats_s is None or len(downbeats_s) < 2:
        return None
    edges = (*downbeats_s, 2 * downbeats_s[-1] - downbeats_s[-2])
    if start_s < edges[0] - 0.2 * (edges[1] - edges[0]) or end_s > edges[-1] + 0.2 * (edges[-1] - edges[-2]):
        return None
    inside = _inside(start_s, end_s, list(pairwise(edges)))
    if not inside:
        return None
    first, last = inside[0] + 1, inside[-1] + 1
    return f"bar {first}" if first == last else f"bars {first} to {last}"


def _spoken_sections(start_s: float, end_s: float, sections: tuple[Section, ...] | None) -> str | None:
    if not sections:
        return None
    inside = _inside(start_s, end_s, [(section.start_s, section.end_s) for section in sections])
    labels = [sections[k].label for k in inside]
    if not labels or len(labels) > 3:
        return None
    if len(labels) == 1:
        return f"section {labels[0]}"
    return f"sections {', '.join(labels[:-1])} and {labels[-1]}"


def _inside(start_s: float, end_s: float, spans: list[tuple[float, float]]) -> list[int]:
    """Which spans the stretch fills by a fifth of the span or of itself; for a moment, the span it falls in."""
    if end_s <= start_s:
        return [k for k, (first, last) in enumerate(spans) if first <= start_s < last]
    return [
        k
        for k, (first, last) in enumerate(spans)
        if min(end_s, last) - max(start_s, first) > 0.2 * min(end_s - start_s, last - first)
    ]


def _at_rate(mono: Mono, rate_hz: int, target_hz: int) -> Mono:
    if rate_hz == target_hz or not len(mono):
        return mono.astype(np.float32, copy=False)
    import soxr

    return np.asarray(soxr.resample(mono.astype(np.float32, copy=False), rate_hz, target_hz), np.float32)


def _joined(
    duration_s: float,
    pulse: Tempo,
    bars: Bars,
    of_song: Key,
    sections: tuple[Section, ...] | None,
    sections_unsure: str | None,
) -> SongTime:
    return SongTime(
        duration_s=duration_s,
        tempo_bpm=pulse.tempo_bpm,
        tempo_confidence=pulse.confidence,
        other_tempi_bpm=pulse.other_tempi_bpm,
        tempo_spread_pct=pulse.spread_pct,
        beats_s=pulse.beats_s,
        tempo_unsure=pulse.unmeasured,
        beats_per_bar=bars.beats_per_bar,
        bar_confidence=bars.confidence,
        downbeats_s=bars.downbeats_s,
        bars_unsure=bars.unmeasured,
        tonic=of_song.tonic,
        mode=of_song.mode,
        key_confidence=of_song.confidence,
        other_keys=of_song.other_keys,
        tuning_cents=of_song.tuning_cents,
        key_unsure=of_song.unmeasured,
        sections=sections,
        sections_unsure=sections_unsure,
    )


def _nothing(duration_s: float, reason: str) -> SongTime:
    pulse = Tempo(
        tempo_bpm=None, confidence=0, other_tempi_bpm=(), beats_s=None, spread_pct=None, unmeasured=reason
    )  # fmt: skip
    bars = Bars(beats_per_bar=None, confidence=0, downbeats_s=None, unmeasured=reason)
    of_song = Key(tonic=None, mode=None, confidence=0, other_keys=(), tuning_cents=None, unmeasured=reason)
    return _joined(duration_s, pulse, bars, of_song, None, reason)
