"""Write the credits from the data themselves: `python -m mixingbuddy.models.credits_fit --data DIR`.

DIR holds `musdb18-7s/train/*.stem.mp4` (MUSDB18's previews, named `Artist - Title`) and `mixparams/mixparams.json.gz`.

The licence of each song of MUSDB18 is that of the list of tracks which its authors publish
(github.com/sigsep/website, content/datasets/assets/tracklist.csv; the version of the Creative Commons licence is on the
data set's page there). It depends on where they had the song from, and no artist is in both places, so the artists are
listed here.
"""

import argparse
import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from mixingbuddy.models.credits import CREDITS_FILE, Credit, Credits, Recording
from mixingbuddy.models.data.songs import VALIDATION_SONGS
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.files import write_text

PREVIEWS = Path("musdb18-7s") / "train"
MIXPARAMS = Path("mixparams") / "mixparams.json.gz"
SUFFIX = ".stem.mp4"

FROM_MEDLEYDB = "CC BY-NC-SA 4.0, via MedleyDB"
FROM_DSD100 = "restricted, via DSD100 ('Mixing Secrets' library)"
# fmt: off
MEDLEYDB_ARTISTS = frozenset({
    "A Classic Education", "Aimee Norwich", "Alexander Ross", "Auctioneer", "AvaLuna", "BigTroubles",
    "Celestial Shore", "Clara Berry And Wooldog", "Creepoid", "Dreamers Of The Ghetto", "Faces On Film", "Grants",
    "Helado Negro", "Hezekiah Jones", "Hop Along", "Invisible Familiars", "Lushlife", "Matthew Entwistle", "Meaxic",
    "Music Delta", "Night Panther", "Port St Willow", "Secret Mountains", "Snowmine", "Steven Clark",
    "Strand Of Oaks", "Sweet Lights", "The Districts", "The Scarlet Brand", "The So So Glos",
})
DSD100_ARTISTS = frozenset({
    "ANiMAL", "Actions", "Angela Thomas Wade", "Atlantis Bound", "Bill Chudziak", "Black Bloc", "Chris Durban",
    "Cnoc An Tursa", "Dark Ride", "Drumtracks", "Fergessen", "Flags", "Giselle", "Hollow Ground", "James May",
    "Jay Menon", "Johnny Lokke", "Jokers, Jacks & Kings", "Leaf", "North To Alaska", "Patrick Talbot",
    "Phre The Eon", "Remember December", "Skelpolu", "Spike Mullings", "St Vitus", "Swinging Steaks",
    "The Long Wait", "The Wrong'Uns", "Tim Taler", "Titanium", "Traffic Experiment", "Triviul", "Voelund",
    "Wall Of Death", "Young Griffo",
})
# fmt: on
# In MUSDB18's training part, but not among its previews.
WITHOUT_PREVIEW = tuple(
    f"Music Delta - {title}" for title in ("Country2", "Hendrix", "Punk", "Reggae", "Rock", "Rockabilly")
)
MISSPELT = {"Flithybird": "Filthybird"}

MUSDB18_AUTHORS = (
    "Zafar Rafii",
    "Antoine Liutkus",
    "Fabian-Robert Stöter",
    "Stylianos Ioannis Mimilakis",
    "Rachel Bittner",
)
MUSDB18_LICENCE = (
    "academic, non-commercial use only; title by title either CC BY-NC-SA (from MedleyDB) or restricted (from DSD100)"
)
MUSDB18_NAMES = (
    "file names of the data set; licences: the data set's page and list of tracks, github.com/sigsep/website, "
    "content/datasets: musdb.md and assets/tracklist.csv"
)


def recording(name: str, used_for: Literal["train", "validation", "statistics"]) -> Recording:
    """MUSDB18's `Artist - Title` with the licence of its list of tracks, None for an artist that is not in it."""
    artist, found, title = name.partition(" - ")
    if not found:
        raise UserError(f"'{name}' is not named 'Artist - Title'; give the file the name that MUSDB18 gave it")
    via_medleydb, via_dsd100 = artist in MEDLEYDB_ARTISTS, artist in DSD100_ARTISTS
    licence = FROM_MEDLEYDB if via_medleydb else FROM_DSD100 if via_dsd100 else None
    return Recording(artist=artist, title=title, used_for=used_for, licence=licence)


def make_credits(songs: Iterable[str], mixparams_songs: Iterable[tuple[str, str]]) -> Credits:
    """From MUSDB18's song names and MixParams' (artist, title) pairs."""
    songs = sorted(songs, key=str.casefold)
    return Credits(
        weights=(_weights(songs),),
        statistics=(_levels_and_spectra(songs), _published_averages(songs), _mixparams(mixparams_songs)),
    )


def _weights(songs: list[str]) -> Credit:
    return Credit(
        what="Weights of the differential model and of the single-mix model, learned from 7-second previews.",
        files=("models/weights/",),
        data_set="MUSDB18, training part, 7-second previews",
        authors=MUSDB18_AUTHORS,
        year=2017,
        published="doi 10.5281/zenodo.1117372",
        licence=MUSDB18_LICENCE,
        follows="The weights carry CC BY-NC-SA 4.0 and are for academic, non-commercial use; who passes them on names "
        "every artist below. The code stays Apache-2.0, and no audio is part of the package.",
        names_from=MUSDB18_NAMES,
        recordings=tuple(recording(name, "validation" if name in VALIDATION_SONGS else "train") for name in songs),
    )


def _levels_and_spectra(songs: list[str]) -> Credit:
    return Credit(
        what="Levels and spectra of professional mixes, and the thresholds that were set on them.",
        files=(
            "models/statistics/balance_prior.json",
            "tools/professional_levels.json",
            "tools/spectral_curves.json",
            "tools/masking_findings.py",
            "tools/passage_findings.py",
            "tools/spectral_comparison.py",
            "tools/stereo.py",
        ),
        data_set="MUSDB18, training part, 7-second previews",
        authors=MUSDB18_AUTHORS,
        year=2017,
        published="doi 10.5281/zenodo.1117372",
        licence=MUSDB18_LICENCE,
        follows="Only figures over many songs are in the package: no audio, and nothing that a song could be rebuilt "
        "from. The source is named.",
        names_from=MUSDB18_NAMES,
        recordings=tuple(recording(name, "statistics") for name in songs),
    )


def _published_averages(songs: list[str]) -> Credit:
    return Credit(
        what="Published average spectra of vocals, drums, bass and other, from which target curves were derived.",
        files=("tools/spectral_curves.json",),
        data_set="FxNorm-automix, average features of MUSDB18",
        authors=(
            "Marco A. Martínez-Ramírez",
            "Wei-Hsiang Liao",
            "Giorgio Fabbro",
            "Stefan Uhlich",
            "Chihiro Nagashima",
            "Yuki Mitsufuji",
        ),
        year=2022,
        published="github.com/sony/FxNorm-automix; arXiv:2208.11428 (ISMIR 2022)",
        licence="MIT, Copyright (c) 2022 Sony Group Corporation; the songs behind the averages: MUSDB18's terms",
        follows="Curves derived from the averages may be passed on with the source named.",
        names_from="the authors say that they averaged MUSDB18's training songs, without a list: at most these 100",
        recordings=tuple(
            recording(name, "statistics") for name in sorted({*songs, *WITHOUT_PREVIEW}, key=str.casefold)
        ),
    )


def _mixparams(songs: Iterable[tuple[str, str]]) -> Credit:
    return Credit(
        what="How far engineers of one song differ, levels of single instruments, and what engineers call their "
        "tracks: from fader gains, loudness figures and track names of 90 mixes.",
        files=("tools/professional_levels.json", "tools/role_vocabulary.toml"),
        data_set="MixologyDB / MixParams, on songs of The Mix Evaluation Dataset (Brecht De Man, Joshua D. Reiss)",
        authors=("Michael Clemens",),
        year=2023,
        published="github.com/mclemcrew/MixologyDB; The Mix Evaluation Dataset: DAFx-17, Edinburgh, 2017",
        licence="MIT, Copyright (c) 2023 Michael Clemens",
        follows="Facts and statistics may be passed on with the source named. No audio was used, and no listener's "
        "comment is in the package.",
        names_from="the data set itself, which states no licence per song",
        recordings=tuple(
            Recording(artist=MISSPELT.get(artist, artist), title=title, used_for="statistics", licence=None)
            for artist, title in sorted(set(songs), key=lambda pair: (pair[0].casefold(), pair[1].casefold()))
        ),
    )


def read_names(data: Path) -> tuple[list[str], set[tuple[str, str]]]:
    """(MUSDB18's song names, MixParams' artist and title pairs). Raises UserError where either is missing."""
    songs = [path.name.removesuffix(SUFFIX) for path in (data / PREVIEWS).glob(f"*{SUFFIX}")]
    for what, missing in ((PREVIEWS / f"*{SUFFIX}", not songs), (MIXPARAMS, not (data / MIXPARAMS).is_file())):
        if missing:
            raise UserError(f"no {what.as_posix()} in '{data}'; name the folder that holds it with --data")
    with gzip.open(data / MIXPARAMS, "rt", encoding="utf-8") as file:
        mixes = json.load(file)["mixes"]
    return songs, {(mix["artist-name"], mix["song-name"]) for mix in mixes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with musdb18-7s and mixparams")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("statistics") / CREDITS_FILE)
    arguments = parser.parse_args()
    try:
        credits = make_credits(*read_names(arguments.data))
        write_text(arguments.out, credits.model_dump_json(indent=1) + "\n")
    except UserError as problem:
        parser.exit(2, f"{problem}\n")
    print(f"{sum(len(c.recordings) for c in (*credits.weights, *credits.statistics))} entries -> {arguments.out}")


if __name__ == "__main__":
    main()
