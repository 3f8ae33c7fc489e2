"""How exactly `level-difference` finds planted gains: MUSDB18 excerpts, protocol `multi`, three settings.

python benchmarks/level_difference.py [--data DIR] [--seed 0] [--songs N] [--write]

Per song: one to three of vocals, drums and bass get gains from U(-12, -3) or U(3, 12) dB, one song in five none.
The reference is the song's own clean mix (`stems+mix`), that mix mastered (`stems+master`), or its clean stems, each
delayed and equalised (`stems+stems`). Beside it the plain method: non-negative least squares on the samples.
"""

import argparse
import io
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.models.level_difference import LevelDifference
from mixingbuddy.tools.multitrack import Multitrack, Reference, Stem, load_song, with_gains

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "level-difference.md"
START, END = "<!-- benchmark: start -->", "<!-- benchmark: end -->"
SETTINGS = ("stems+mix", "stems+master", "stems+stems")
TARGETS = ("vocals", "drums", "bass")
FRAME_S = 0.05
Audio = NDArray[np.float32]
Real = NDArray[np.float64]


@dataclass
class Tally:
    """What is collected over all samples of one setting and method."""

    errors_db: list[float] = field(default_factory=list)
    at_most_two_db: list[float] = field(default_factory=list)
    joint: list[bool] = field(default_factory=list)
    joint_at_most_two: list[bool] = field(default_factory=list)
    clean_alarms: list[int] = field(default_factory=list)
    covered: list[bool] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def sounds(song: Multitrack) -> bool:
    """Vocals, drums and bass each sound in a fifth of the 50 ms frames (stem over -45 dBFS, mix over -35)."""
    frame = int(FRAME_S * song.sample_rate_hz)
    frames = song.samples // frame

    def rms_db(audio: Audio) -> Real:
        parts = audio[:, : frames * frame].reshape(audio.shape[0], frames, frame).astype(np.float64)
        return np.asarray(10 * np.log10((parts**2).mean(axis=(0, 2)) + 1e-12))

    loud = rms_db(mix_of(song)) > -35
    stems = [song.stem(name) for name in TARGETS]
    return all(stem is not None and ((rms_db(stem.audio) > -45) & loud).mean() >= 0.2 for stem in stems)


def mix_of(song: Multitrack) -> Audio:
    return np.asarray(sum(stem.audio for stem in song.stems), dtype=np.float32)


def flaws_db(rng: np.random.Generator) -> dict[str, float]:
    """Gains that were put on the targets; empty for a clean sample."""
    if rng.random() < 0.2:
        return {}
    targets = rng.permutation(TARGETS)[: rng.integers(1, 4)]
    return {str(name): float(rng.uniform(3, 12) * rng.choice([-1, 1])) for name in targets}


def mastered(mix: Audio, rate_hz: int, rng: np.random.Generator) -> Audio:
    """Tilt EQ +-3 dB, bus compression 2:1 to 4:1, up to 9 dB into a limiter, a lossy codec half of the time."""
    import pedalboard

    tilt_db, ratio, drive_db = rng.uniform(-3, 3), rng.uniform(2, 4), rng.uniform(0, 9)
    rms_db = 10 * np.log10(float((mix.astype(np.float64) ** 2).mean()) + 1e-12)
    bus = pedalboard.Pedalboard(  # type: ignore[attr-defined]
        [
            pedalboard.LowShelfFilter(cutoff_frequency_hz=rng.uniform(100, 400), gain_db=-tilt_db),
            pedalboard.HighShelfFilter(cutoff_frequency_hz=rng.uniform(2000, 6000), gain_db=tilt_db),
            pedalboard.Compressor(
                threshold_db=rms_db + rng.uniform(-6, 6),
                ratio=ratio,
                attack_ms=rng.uniform(5, 30),
                release_ms=rng.uniform(50, 250),
            ),
        ]
    )
    # All pedalboard effects want contiguous float32; its own Limiter adds make-up gain, so the brick wall is used.
    compressed = bus(np.ascontiguousarray(mix), rate_hz)
    hot = compressed * np.float32(10 ** ((drive_db - 1) / 20) / float(np.abs(compressed).max()))
    limiter = pedalboard.BrickwallLimiter(ceiling_db=-1.0, release_ms=rng.uniform(30, 200))
    limited = limiter(np.ascontiguousarray(hot, dtype=np.float32), rate_hz)
    return coded(limited, rate_hz, str(rng.choice(["MP3", "OGG"]))) if rng.random() < 0.5 else limited


def coded(audio: Audio, rate_hz: int, file_format: str) -> Audio:
    """Once through mp3 or Ogg Vorbis, in memory."""
    import soundfile

    file = io.BytesIO()
    peak = max(float(np.abs(audio).max()), 1.0)
    subtype = {"MP3": "MPEG_LAYER_III", "OGG": "VORBIS"}[file_format]
    soundfile.write(file, audio.T / peak, rate_hz, format=file_format, subtype=subtype)
    file.seek(0)
    return np.ascontiguousarray(soundfile.read(file, dtype="float32")[0].T * np.float32(peak))


def reference_stem(stem: Stem, rate_hz: int, rng: np.random.Generator) -> Stem:
    """Delayed by 0 to 20 ms, a low and a high shelf of up to +-2 dB."""
    import pedalboard

    shelves = pedalboard.Pedalboard(  # type: ignore[attr-defined]
        [
            pedalboard.LowShelfFilter(cutoff_frequency_hz=rng.uniform(80, 250), gain_db=rng.uniform(-2, 2)),
            pedalboard.HighShelfFilter(cutoff_frequency_hz=rng.uniform(4000, 9000), gain_db=rng.uniform(-2, 2)),
        ]
    )
    delay = int(rng.uniform(0, 0.02) * rate_hz)
    return Stem(stem.name, stem.role, shelves(np.pad(stem.audio, ((0, 0), (delay, 0))), rate_hz))


def reference_for(setting: str, song: Multitrack, rng: np.random.Generator) -> Reference:
    level = np.float32(10 ** (rng.uniform(-6, 6) / 20))
    if setting == "stems+stems":
        stems = [reference_stem(stem, song.sample_rate_hz, rng) for stem in song.stems]
        return Reference("stems", song.name, tuple(Stem(s.name, s.role, s.audio * level) for s in stems))
    mix = mix_of(song)
    audio = mastered(mix, song.sample_rate_hz, rng) if setting == "stems+master" else mix
    return Reference("mix", song.name, (Stem("mix", "other", audio * level),))


def plain_gains_db(song: Multitrack, reference: Reference) -> Real:
    """Non-negative least squares on the samples (of every stem onto its own where the reference has stems), dB."""
    from scipy.optimize import nnls

    samples = song.samples
    columns = [stem.audio.reshape(-1).astype(np.float64) for stem in song.stems]
    goals = [s.audio[:, :samples] for s in reference.stems]
    goals = [np.pad(goal, ((0, 0), (0, samples - goal.shape[1]))).reshape(-1).astype(np.float64) for goal in goals]
    if reference.kind == "stems":
        gains = np.array([abs(own @ goal) / (own @ own) for own, goal in zip(columns, goals, strict=True)])
    else:
        cross = np.array([[a @ b for b in columns] for a in columns])
        factor = np.linalg.cholesky(cross + 1e-9 * np.trace(cross) * np.eye(len(columns)))
        gains = nnls(factor.T, np.linalg.solve(factor, np.array([a @ goals[0] for a in columns])))[0]
    return np.asarray(20 * np.log10(np.maximum(gains, 1e-4)))


def run_sample(setting: str, song: Multitrack, seed: int, tallies: dict[tuple[str, str], Tally]) -> None:
    rng = np.random.default_rng([seed, zlib.crc32(song.name.encode()), SETTINGS.index(setting)])
    flaws = flaws_db(rng)
    reference = reference_for(setting, song, rng)
    flawed = with_gains(song, [10 ** (flaws.get(name, 0.0) / 20) for name in song.names])
    truth = {name: -flaws.get(name, 0.0) for name in song.names}
    for method, anchor in (("level-difference", None), ("level-difference, anchor named", "other")):
        began = time.perf_counter()
        advice = LevelDifference().advise(flawed, reference, anchor=anchor)
        tally = tallies[setting, method]
        tally.seconds.append(time.perf_counter() - began)
        found = {stem.stem: stem for stem in advice.stems}
        moves = {name: stem.gain_db for name, stem in found.items()}
        measured = {name: stem.measured_db for name, stem in found.items()}
        count(tally, truth, measured, moves, len(flaws))
        relative = measured.get("other", 0.0)
        tally.covered += [
            found[n].interval_db[0] - relative <= truth[n] <= found[n].interval_db[1] - relative
            for n in TARGETS
            if n in found
        ]
    gains = plain_gains_db(flawed, reference)
    measured = dict(zip(song.names, gains - gains[song.names.index("other")], strict=True))
    moves = {name: gain if abs(gain) > 0.5 else 0.0 for name, gain in measured.items()}
    count(tallies[setting, "plain least squares, anchor named"], truth, measured, moves, len(flaws))


def count(
    tally: Tally, truth: dict[str, float], measured: dict[str, float], moves: dict[str, float], flaws: int
) -> None:
    errors = [abs(measured.get(name, 0.0) - truth[name]) for name in TARGETS]
    tally.errors_db += errors
    if flaws <= 2:
        tally.at_most_two_db += errors
    largest = max(moves, key=lambda name: abs(moves[name]))
    worst = max(truth, key=lambda name: abs(truth[name]))
    right = largest == worst and moves[largest] * truth[worst] > 0
    if flaws == 0:
        tally.clean_alarms.append(sum(gain != 0 for gain in moves.values()))
        right = not any(moves.values())
    tally.joint.append(right)
    if flaws <= 2:
        tally.joint_at_most_two.append(right)


def table(tallies: dict[tuple[str, str], Tally], seed: int, songs: int) -> str:
    columns: tuple[str, ...] = (
        "setting",
        "method",
        "median",
        "p90",
        "p99",
        "joint",
        "p90, at most 2 flaws",
        "joint, at most 2 flaws",
    )
    columns += ("clean songs with an alarm", "80 % interval holds", "s per fit")
    lines = [
        f"`python benchmarks/level_difference.py --seed {seed}`, {songs} songs, errors in dB over vocals, drums, bass.",
        "",
        f"| {' | '.join(columns)} |",
        f"|{'---|' * len(columns)}",
    ]
    for (setting, method), tally in tallies.items():
        median, p90, p99 = np.quantile(tally.errors_db, [0.5, 0.9, 0.99])
        cells = [setting, method, f"{median:.2f}", f"{p90:.2f}", f"{p99:.2f}", f"{np.mean(tally.joint):.1%}"]
        cells += [f"{np.quantile(tally.at_most_two_db, 0.9):.2f}", f"{np.mean(tally.joint_at_most_two):.1%}"]
        cells += [f"{sum(alarms > 0 for alarms in tally.clean_alarms)} of {len(tally.clean_alarms)}"]
        cells += [f"{np.mean(tally.covered):.0%}" if tally.covered else "-"]
        cells += [f"{np.median(tally.seconds):.2f}" if tally.seconds else "-"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def write_page(text: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(START)
    PAGE.write_text(f"{before}{START}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "musdb18-7s" / "train")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--songs", type=int, default=None, help="only the first N songs")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.relative_to(ROOT)}")
    arguments = parser.parse_args()
    methods = ("level-difference", "level-difference, anchor named", "plain least squares, anchor named")
    tallies = {(setting, method): Tally() for setting in SETTINGS for method in methods}
    songs = 0
    for path in sorted(arguments.data.glob("*.stem.mp4"))[: arguments.songs]:
        song = load_song(path).multitrack
        if sounds(song):
            songs += 1
            for setting in SETTINGS:
                run_sample(setting, song, arguments.seed, tallies)
    text = table(tallies, arguments.seed, songs)
    print(text)
    if arguments.write:
        write_page(text)


if __name__ == "__main__":
    main()
