"""How exactly `level-difference` finds planted gains: MUSDB18 excerpts, protocol `multi`, three settings.

python benchmarks/level_difference.py [--data DIR] [--seed 0] [--songs N] [--write]

Per song: one to three of vocals, drums and bass get gains from U(-12, -3) or U(3, 12) dB, one song in five none.
The reference is the song's own clean mix (`stems+mix`), that mix mastered (`stems+master`), or its clean stems, each
delayed and equalised (`stems+stems`). Beside it the plain method: non-negative least squares on the samples.
"""

import argparse
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.models.data.chunks import sounds
from mixingbuddy.models.data.nuisance import SameSongSetting, draw_treatment, treated_reference
from mixingbuddy.models.data.triplets import TARGETS, draw_flaws_db
from mixingbuddy.models.level_difference import LevelDifference
from mixingbuddy.tools.multitrack import Multitrack, Reference, load_song, with_gains

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "level-difference.md"
START, END = "<!-- benchmark: start -->", "<!-- benchmark: end -->"
SETTINGS: tuple[SameSongSetting, ...] = ("stems+mix", "stems+master", "stems+stems")
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


def run_sample(setting: SameSongSetting, song: Multitrack, seed: int, tallies: dict[tuple[str, str], Tally]) -> None:
    rng = np.random.default_rng([seed, zlib.crc32(song.name.encode()), SETTINGS.index(setting)])
    flaws = draw_flaws_db(rng)
    reference = treated_reference(song, draw_treatment(setting, len(song.stems), rng))
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
    tallies: dict[tuple[str, str], Tally] = {(setting, method): Tally() for setting in SETTINGS for method in methods}
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
