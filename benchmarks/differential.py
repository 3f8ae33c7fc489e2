"""How fast the differential advisor is: `python benchmarks/differential.py [--data DIR] [--minutes 4] [--write]`

Loading (in processes of its own, after torch), advice for 8 stereo stems against every kind of reference, and samples
of the balance benchmark a second, beside `level-difference` in the same run. The song is made of real stems, repeated.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mixingbuddy.benchmarks.level_difference import ROOT
from mixingbuddy.models.advisor import Advisor
from mixingbuddy.models.data.chunks import Chunk, chunks_of
from mixingbuddy.models.data.songs import find_songs
from mixingbuddy.models.data.triplets import Setting, TripletMaker, single_specs
from mixingbuddy.models.differential.own_balance import mix_of
from mixingbuddy.models.level_difference import LevelDifference
from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.multitrack import Multitrack, Reference, Stem

if TYPE_CHECKING:
    from mixingbuddy.models.differential.compact import CompactModel

PAGE = ROOT / "docs" / "differential.md"
START, END = "<!-- speed: start -->", "<!-- speed: end -->"
REPEATS = 5
SAMPLES = 96
SETTINGS: tuple[Setting, ...] = ("mix", "stems", "stems+mix", "stems+other", "stems+other-mix")
LOADING = (
    "import time, torch; began = time.perf_counter(); "
    "from mixingbuddy.models.differential.advisor import Differential; Differential(); "
    "print(time.perf_counter() - began)"
)
Row = tuple[str, str]


def long_song(chunks: list[Chunk], minutes: float) -> Multitrack:
    """Eight stems: those of two songs (the second one's 12 dB lower), repeated up to the length."""
    stems = []
    for number, chunk in enumerate(chunks[:2]):
        rate_hz = chunk.stems.sample_rate_hz
        for stem in chunk.stems.stems:
            audio = stem.audio * np.float32(1.0 if number == 0 else 0.25)
            stems.append(Stem(f"{stem.name} {number + 1}", stem.role, _repeated(audio, round(minutes * 60 * rate_hz))))
    return Multitrack("long song", rate_hz, tuple(stems))


def _repeated(audio: Audio, samples: int) -> Audio:
    return np.tile(audio, (1, -(-samples // audio.shape[1])))[:, :samples].copy()


def loading_s() -> float:
    """Seconds from an imported torch to a loaded advisor, in a process of its own; the median of several."""
    command = [sys.executable, "-c", LOADING]
    return statistics.median(float(subprocess.check_output(command, text=True)) for _ in range(REPEATS))


def median_s(work: Callable[[], object]) -> float:
    """The median of several runs."""
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def advice_rows(song: Multitrack, other: Multitrack) -> list[Row]:
    """Seconds for advice on a long song, the advisor loaded and nothing remembered."""
    from mixingbuddy.models.differential.weights import load_model

    model = load_model()
    own = Reference("mix", "own mix", (Stem("mix", "other", mix_of(song)),))
    foreign = Reference("mix", "another song", (Stem("mix", "other", mix_of(other)),), same_song=False)
    unnamed = Reference("mix", "another song", foreign.stems)
    cases: list[tuple[str, Reference | None]] = [
        ("no reference", None),
        ("another song's mix", foreign),
        ("another song's mix, not said to be one", unnamed),
        ("the song's own mix", own),
    ]
    rows = [(name, _advice_s(partial(_anew, model), song, given)) for name, given in cases]
    return [*rows, ("`level-difference`, the song's own mix", _advice_s(LevelDifference, song, own))]


def _anew(model: "CompactModel") -> Advisor:
    """An advisor that remembers nothing."""
    from mixingbuddy.models.differential.advisor import Differential

    return Differential(model)


def _advice_s(advisor: Callable[[], Advisor], song: Multitrack, reference: Reference | None) -> str:
    return f"{median_s(lambda: advisor().advise(song, reference)):.2f} s"


def sample_rows(chunks: list[Chunk]) -> list[Row]:
    """Samples of the balance benchmark a second, advice alone."""
    from mixingbuddy.models.differential.advisor import Differential

    advisor, maker, rows = Differential(), TripletMaker(chunks), []
    for setting in SETTINGS:
        triplets = [maker.make(spec) for spec in single_specs(chunks, setting, 0)[:SAMPLES]]
        began = time.perf_counter()
        for first in range(0, len(triplets), 32):
            batch = triplets[first : first + 32]
            advisor.advise_many([(one.flawed, one.reference, one.anchor) for one in batch])
        rows.append((f"`{setting}`", f"{len(triplets) / (time.perf_counter() - began):.0f} samples a second"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "musdb18-7s")
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.relative_to(ROOT)}")
    arguments = parser.parse_args()
    chunks = [chunk for source in find_songs(arguments.data, "valid") for chunk in chunks_of(source.load())]
    rows = [("loading the advisor, after torch", f"{loading_s():.2f} s")]
    rows += advice_rows(long_song(chunks, arguments.minutes), long_song(chunks[2:], arguments.minutes))
    rows += sample_rows(chunks)
    text = "\n".join(
        [f"`python benchmarks/differential.py`, 8 stems x {arguments.minutes:g} min, medians of {REPEATS}.", ""]
        + ["| what | measured |", "|---|---|"]
        + [f"| {name} | {value} |" for name, value in rows]
    )
    print(text)
    if arguments.write:
        page = PAGE.read_text(encoding="utf-8")
        before, rest = page.split(START)
        PAGE.write_text(f"{before}{START}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
