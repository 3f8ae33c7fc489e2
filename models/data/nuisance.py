"""What stands between a song and a reference of the same song: level, mastering, delay, equalising, codecs.

Decide, then do: `draw_treatment` draws plain numbers, `treated_reference` applies them and draws nothing.
"""

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mixingbuddy.models.data.chunks import mix_of
from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.multitrack import Multitrack, Reference, Stem

SameSongSetting = Literal["stems+mix", "stems+master", "stems+stems"]
Codec = Literal["MP3", "OGG"]

LEVEL_DB = 6.0
TILT_DB = 3.0
DRIVE_DB = 9.0
DELAY_S = 0.02
STEM_SHELF_DB = 2.0
CEILING_DBFS = -1.0
_CODECS: tuple[Codec, ...] = ("MP3", "OGG")
_MP3_RATES_HZ = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000}


@dataclass(frozen=True)
class Shelves:
    """A low and a high shelf: corner frequencies in Hz, gains in dB."""

    low_hz: float
    low_db: float
    high_hz: float
    high_db: float


@dataclass(frozen=True)
class Mastering:
    """A mastering chain. The threshold is relative to the mix's RMS; `drive_db` is how far peaks exceed the limiter."""

    shelves: Shelves
    threshold_rel_rms_db: float
    ratio: float
    attack_ms: float
    release_ms: float
    drive_db: float
    limiter_release_ms: float
    codec: Codec | None


@dataclass(frozen=True)
class StemTreatment:
    """What one reference stem goes through."""

    shelves: Shelves
    delay_s: float


@dataclass(frozen=True)
class Treatment:
    """What a whole reference goes through: a mix (`mastering` or not), or one entry of `stems` for each stem."""

    level_db: float
    mastering: Mastering | None = None
    stems: tuple[StemTreatment, ...] = ()


def draw_treatment(setting: SameSongSetting, stems: int, rng: np.random.Generator) -> Treatment:
    """A random treatment for the reference of a song with so many stems; the level is +-6 dB."""
    level_db = rng.uniform(-LEVEL_DB, LEVEL_DB)
    if setting == "stems+master":
        return Treatment(level_db, mastering=draw_mastering(rng))
    if setting == "stems+stems":
        return Treatment(level_db, stems=tuple(draw_stem_treatment(rng) for _ in range(stems)))
    return Treatment(level_db)


def draw_mastering(rng: np.random.Generator) -> Mastering:
    """Tilt EQ +-3 dB, bus compression 2:1 to 4:1, up to 9 dB into a limiter, a lossy codec half of the time."""
    tilt_db, ratio, drive_db = rng.uniform(-TILT_DB, TILT_DB), rng.uniform(2, 4), rng.uniform(0, DRIVE_DB)
    return Mastering(
        shelves=Shelves(
            low_hz=rng.uniform(100, 400), low_db=-tilt_db, high_hz=rng.uniform(2000, 6000), high_db=tilt_db
        ),
        threshold_rel_rms_db=rng.uniform(-6, 6),
        ratio=ratio,
        attack_ms=rng.uniform(5, 30),
        release_ms=rng.uniform(50, 250),
        drive_db=drive_db,
        limiter_release_ms=rng.uniform(30, 200),
        codec=_CODECS[rng.integers(len(_CODECS))] if rng.random() < 0.5 else None,
    )


def draw_stem_treatment(rng: np.random.Generator) -> StemTreatment:
    """A low and a high shelf of up to +-2 dB and a delay of 0 to 20 ms."""
    shelves = Shelves(
        low_hz=rng.uniform(80, 250),
        low_db=rng.uniform(-STEM_SHELF_DB, STEM_SHELF_DB),
        high_hz=rng.uniform(4000, 9000),
        high_db=rng.uniform(-STEM_SHELF_DB, STEM_SHELF_DB),
    )
    return StemTreatment(shelves, delay_s=rng.uniform(0, DELAY_S))


def treated_reference(song: Multitrack, treatment: Treatment) -> Reference:
    """The song's own stems or its own mix under a treatment. Whether it is the same song is left open (None).

    A delayed stem is longer than the song by its delay.
    """
    level = np.float32(10 ** (treatment.level_db / 20))
    rate_hz = song.sample_rate_hz
    if treatment.stems:
        pairs = zip(song.stems, treatment.stems, strict=True)
        stems = (Stem(s.name, s.role, treated_stem(s.audio, rate_hz, own) * level) for s, own in pairs)
        return Reference("stems", song.name, tuple(stems))
    mix = mix_of(song.stems)
    audio = mix if treatment.mastering is None else mastered(mix, rate_hz, treatment.mastering)
    return Reference("mix", song.name, (Stem("mix", "other", audio * level),))


def treated_stem(audio: Audio, sample_rate_hz: int, treatment: StemTreatment) -> Audio:
    """Delayed and equalised, float32 (channels, samples + delay)."""
    delay = int(treatment.delay_s * sample_rate_hz)
    return shelved(np.pad(audio, ((0, 0), (delay, 0))), sample_rate_hz, treatment.shelves)


def shelved(audio: Audio, sample_rate_hz: int, shelves: Shelves) -> Audio:
    """`audio` through two shelving filters, float32 (channels, samples)."""
    import pedalboard

    chain = pedalboard.Pedalboard(  # type: ignore[attr-defined]
        [
            pedalboard.LowShelfFilter(cutoff_frequency_hz=shelves.low_hz, gain_db=shelves.low_db),
            pedalboard.HighShelfFilter(cutoff_frequency_hz=shelves.high_hz, gain_db=shelves.high_db),
        ]
    )
    return np.asarray(chain(np.ascontiguousarray(audio), sample_rate_hz))


def mastered(mix: Audio, sample_rate_hz: int, mastering: Mastering) -> Audio:
    """`mix` through a mastering chain, float32 (channels, samples); before the codec it peaks at -1 dBFS or below."""
    import pedalboard

    rms_db = 10 * np.log10(float((mix.astype(np.float64) ** 2).mean()) + 1e-12)
    compressor = pedalboard.Compressor(
        threshold_db=rms_db + mastering.threshold_rel_rms_db,
        ratio=mastering.ratio,
        attack_ms=mastering.attack_ms,
        release_ms=mastering.release_ms,
    )
    compressed = compressor(shelved(mix, sample_rate_hz, mastering.shelves), sample_rate_hz)
    peak = max(float(np.abs(compressed).max()), 1e-9)
    hot = compressed * np.float32(10 ** ((mastering.drive_db + CEILING_DBFS) / 20) / peak)
    # pedalboard's own Limiter adds make-up gain, so the brick wall is used.
    limiter = pedalboard.BrickwallLimiter(ceiling_db=CEILING_DBFS, release_ms=mastering.limiter_release_ms)
    limited: Audio = limiter(np.ascontiguousarray(hot, dtype=np.float32), sample_rate_hz)
    return limited if mastering.codec is None else coded(limited, sample_rate_hz, mastering.codec)


def coded(audio: Audio, sample_rate_hz: int, codec: Codec) -> Audio:
    """Once through mp3 or Ogg Vorbis, in memory; Ogg Vorbis at sample rates that mp3 does not have."""
    import soundfile

    file = io.BytesIO()
    peak = max(float(np.abs(audio).max()), 1.0)
    codec = codec if sample_rate_hz in _MP3_RATES_HZ else "OGG"
    subtype = {"MP3": "MPEG_LAYER_III", "OGG": "VORBIS"}[codec]
    soundfile.write(file, audio.T / peak, sample_rate_hz, format=codec, subtype=subtype)
    file.seek(0)
    decoded = soundfile.read(file, dtype="float32", always_2d=True)[0]
    return np.ascontiguousarray(decoded.T * np.float32(peak))
