"""The song of `mixingbuddy demo`: eight synthesised bars of pop, two faders wrong, and the finished mix."""

from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools import demo_instruments as play
from mixingbuddy.tools import demo_score as score
from mixingbuddy.tools.audio import Audio, Clip, write_clip
from mixingbuddy.tools.cross_energies import CrossEnergies
from mixingbuddy.tools.demo_instruments import RATE_HZ, chained
from mixingbuddy.tools.demo_voice import lead_voice
from mixingbuddy.tools.files import write_text
from mixingbuddy.tools.levels import cross_energies, k_weighted_hops, mixdown
from mixingbuddy.tools.loudness import integrated_lufs, true_peak_dbtp
from mixingbuddy.tools.moves import gain_of
from mixingbuddy.tools.multitrack import Multitrack, Stem, with_gains
from mixingbuddy.tools.roles import guess_role

TITLE = "Paper Lanterns"
# Level of each stem re the mix while it sounds, LU. The groups come near the medians of published professional mixes.
BALANCE_LU = {
    "Kick": -12.1, "Snare": -11.4, "Hats": -18.5, "Bass": -8.4, "Gtr_L": -11.3, "Gtr_R": -11.3, "Keys": -9.3,
    "LeadVox": -4.1,
}  # fmt: skip
FAULT_DB = {"LeadVox": -6.0, "Bass": 4.0}
MIX_LUFS = -20.0
REFERENCE_LUFS = -12.5
REFERENCE_PEAK_DBTP = -1.1


class DemoFault(BaseModel):
    """What is wrong with the demo song on disk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    right_moves_db: dict[str, float] = Field(description="stem name to the fader move that undoes the fault, dB")
    text: str = Field(description="one sentence that says what was planted")


def write_demo_song(folder: Path, seed: int = 7) -> DemoFault:
    """Write the demo song to `folder`: stems with the fault, `reference/mix.wav` without it, `song.toml`.

    Files of the same names are replaced, nothing else is touched. The same seed gives the same bytes.
    Raises UserError where the folder cannot be written.
    """
    balanced = balanced_song(seed)
    faulty = with_gains(balanced, [gain_of(FAULT_DB, name) for name in balanced.names])
    for stem in faulty.stems:
        write_clip(Clip(stem.audio, RATE_HZ), folder / f"{stem.name}.wav")
    write_clip(Clip(mastered(mixdown(balanced, {})), RATE_HZ), folder / "reference" / "mix.wav")
    write_text(folder / "song.toml", f'title = "{TITLE}"\ngenre = "pop"\n')
    return DemoFault(
        right_moves_db={stem: -gain_db for stem, gain_db in FAULT_DB.items()},
        text="LeadVox was turned down by 6 dB and Bass was turned up by 4 dB.",
    )


def balanced_song(seed: int) -> Multitrack:
    """The demo song before the fault, its stems at the levels of `BALANCE_LU`."""
    samples = round(score.DURATION_S * RATE_HZ)
    tracks = _perform(samples, [np.random.default_rng([seed, part]) for part in range(len(BALANCE_LU) + 1)])
    stems = tuple(Stem(name, guess_role(name).role, _faded(audio)) for name, audio in tracks.items())
    song = Multitrack(TITLE, RATE_HZ, stems)
    faders = _balance(cross_energies(song))
    return with_gains(song, [gain_of(faders, name) for name in song.names])


def _balance(energies: CrossEnergies) -> dict[str, float]:
    """Faders (dB) that bring every stem to its level, found by moving all of them a few times."""
    faders = dict.fromkeys(energies.names, 0.0)
    for _ in range(12):
        levels = [energies.level_rel_mix_lu([index], faders) or 0.0 for index in range(len(energies.names))]
        faders = {
            name: faders[name] + BALANCE_LU[name] - level for name, level in zip(energies.names, levels, strict=True)
        }
        loudness_lufs = integrated_lufs(energies.mix(faders)) or MIX_LUFS
        faders = {name: fader + MIX_LUFS - loudness_lufs for name, fader in faders.items()}
    return faders


def mastered(mix: Audio) -> Audio:
    """A finished mix: gentle bus compression, 1 dB of tilt towards the treble, a limiter."""
    from pedalboard import BrickwallLimiter, Compressor, Gain, HighShelfFilter, LowShelfFilter

    loudness_lufs = integrated_lufs(k_weighted_hops(mix, RATE_HZ)) or MIX_LUFS
    tilt = LowShelfFilter(200, -0.5), HighShelfFilter(3500, 0.5)
    bus = Compressor(threshold_db=loudness_lufs, ratio=2.0, attack_ms=25, release_ms=180)
    loud = Gain(REFERENCE_LUFS - loudness_lufs + 0.8)  # what the bus compressor takes
    limiter = BrickwallLimiter(ceiling_db=REFERENCE_PEAK_DBTP - 0.3, release_ms=80)
    audio = chained(mix, bus, *tilt, loud, limiter)
    excess_db = (true_peak_dbtp(audio) or REFERENCE_PEAK_DBTP) - REFERENCE_PEAK_DBTP
    return audio * np.float32(10 ** (-max(excess_db, 0.0) / 20))


def _faded(audio: Audio) -> Audio:
    """Silent at both ends, so that nothing clicks."""
    time_s, end_s = np.arange(audio.shape[1]) / RATE_HZ, score.DURATION_S
    return audio * np.interp(time_s, [0, 0.01, end_s - 0.8, end_s], [0, 1, 1, 0]).astype(np.float32)


def _perform(samples: int, rngs: list[np.random.Generator]) -> dict[str, Audio]:
    """Every stem as its instrument plays it, not yet balanced."""
    kick, snare, hats, bass, left, right, keys, voice, pad = rngs
    piano = play.electric_piano(score.piano_notes(keys), samples, keys)
    return {
        "Kick": play.kick(score.kick_notes(kick), samples, kick),
        "Snare": play.snare(score.snare_notes(snare), samples, snare),
        "Hats": play.hats(score.hat_notes(hats), samples, hats),
        "Bass": play.bass(score.bass_notes(bass), samples, bass),
        "Gtr_L": play.guitar(score.guitar_notes("low", left), samples, left, pan=-0.7),
        "Gtr_R": play.guitar(score.guitar_notes("high", right), samples, right, pan=0.7),
        "Keys": piano + np.float32(0.35) * play.pad(score.pad_notes(), samples, pad),
        "LeadVox": lead_voice(score.melody_notes(voice), samples, voice),
    }
