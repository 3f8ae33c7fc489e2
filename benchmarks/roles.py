"""How often is the role guessed from a track's name right? Measured on the labelled tracks of MixParams.

    python benchmarks/roles.py [--data PATH] [--show-dev-errors] [--write]

What is counted, and the split into a half to write rules on and a half to judge them on: `docs/roles.md`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mixingbuddy.tools.roles import Group, group_of, guess_role

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_DATA = ROOT.parent / "shared" / "data" / "mixparams"
PAGE = ROOT / "docs" / "roles.md"
START, END = "<!-- figures: start -->", "<!-- figures: end -->"

# The data's `track-instrument-type` and our group. Its MISC, and none at all (auxiliaries), do not count.
GROUP_OF_LABEL: dict[str, Group] = {
    "VOCALS": "vocals",
    "DRUMS": "drums",
    "BASS": "bass",
    "GUITARS": "guitar",
    "KEYS": "keys",
}


class Track(NamedTuple):
    song: str
    name: str
    group: Group


class Score(NamedTuple):
    """Shares of `n` names, in percent."""

    n: int
    right_pct: float
    wrong_pct: float
    unsure_pct: float


def read_tracks(data: Path) -> list[Track]:
    """Every track with a group label, one row per mix it occurs in. Raises FileNotFoundError."""
    with gzip.open(data / "mixparams.json.gz", "rt", encoding="utf-8") as file:
        mixes = json.load(file)["mixes"]
    return [
        Track(mix["song-name"], track["track-name"], GROUP_OF_LABEL[label])
        for mix in mixes
        for track in mix["tracks"]
        if (label := track.get("track-instrument-type")) in GROUP_OF_LABEL
    ]


def split(tracks: Sequence[Track]) -> tuple[list[Track], list[Track]]:
    """(development, held out): songs sorted by name, in turn, the first to development."""
    songs = sorted({track.song for track in tracks})
    development = set(songs[0::2])
    return (
        [track for track in tracks if track.song in development],
        [track for track in tracks if track.song not in development],
    )


def unique(tracks: Sequence[Track]) -> list[Track]:
    """Each name of a song once; where two mixes label it differently, once per label."""
    return list(dict.fromkeys(tracks))


def outcome(track: Track) -> str:
    guess = guess_role(track.name)
    if not guess.sure:
        return "unsure"
    return "right" if group_of(guess.role) == track.group else "wrong"


def score(tracks: Sequence[Track]) -> Score:
    count = Counter(outcome(track) for track in tracks)
    shares = (100 * count[kind] / len(tracks) for kind in ("right", "wrong", "unsure"))
    return Score(len(tracks), *shares)


def table(tracks: Sequence[Track]) -> str:
    development, held_out = split(tracks)
    rows = {
        "development, all tracks": development,
        "development, unique names": unique(development),
        "held out, all tracks": held_out,
        "held out, unique names": unique(held_out),
    }
    lines = ["| half | n | right % | wrong % | unsure % |", "|---|---|---|---|---|"]
    for title, part in rows.items():
        n, right, wrong, unsure = score(part)
        lines.append(f"| {title} | {n} | {right:.1f} | {wrong:.1f} | {unsure:.1f} |")
    return "\n".join(lines)


def development_errors(tracks: Sequence[Track]) -> list[str]:
    """One line per development name that is not right; the held-out names are never listed."""
    missed = Counter(track for track in split(tracks)[0] if outcome(track) != "right")
    return [
        f"{count:3} {outcome(track):6} {track.name!r} is {track.group}; {guess_role(track.name).evidence}"
        for track, count in sorted(missed.items())
    ]


def write_figures(figures: str, page: Path = PAGE) -> None:
    """Replace the table between the two markers of the page."""
    before, rest = page.read_text(encoding="utf-8").split(START)
    after = rest.split(END)[1]
    page.write_text(f"{before}{START}\n{figures}\n{END}{after}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="How often is the role guessed from a track's name right?")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder with mixparams.json.gz")
    parser.add_argument("--show-dev-errors", action="store_true", help="list its errors")
    parser.add_argument("--write", action="store_true", help="put the table into docs/roles.md")
    options = parser.parse_args(arguments)
    if not (options.data / "mixparams.json.gz").is_file():
        print(f"no mixparams.json.gz in '{options.data}'; name its folder with --data", file=sys.stderr)
        return 2
    tracks = read_tracks(options.data)
    figures = table(tracks)
    print(figures)
    if options.show_dev_errors:
        print("\n".join(development_errors(tracks)))
    if options.write:
        write_figures(figures)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
