"""Nobody whose recording stands behind a weight or a figure is left out of the credits."""

import gzip
import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from mixingbuddy.models.credits import Credit, Credits, credits_text, load_credits
from mixingbuddy.models.credits_fit import FROM_DSD100, FROM_MEDLEYDB, make_credits, read_names, recording
from mixingbuddy.models.data.songs import VALIDATION_SONGS
from mixingbuddy.tools.errors import UserError

ROOT = Path(__file__).resolve().parent.parent


def _all(credits: Credits) -> tuple[Credit, ...]:
    return (*credits.weights, *credits.statistics)


def _flat(text: str) -> str:
    """Without the line breaks of the wrapping."""
    return " ".join(text.split())


def test_every_preview_is_named_where_it_was_used(shared_data: Path) -> None:
    names = {path.name.removesuffix(".stem.mp4") for path in (shared_data / "musdb18-7s" / "train").glob("*.mp4")}
    assert len(names) == 94
    credits = load_credits()
    (weights,) = credits.weights
    assert {f"{r.artist} - {r.title}" for r in weights.recordings} == names
    assert {f"{r.artist} - {r.title}" for r in credits.statistics[0].recordings} == names


def test_every_song_of_mixparams_is_named(shared_data: Path) -> None:
    with gzip.open(shared_data / "mixparams" / "mixparams.json.gz", "rt", encoding="utf-8") as file:
        titles = {mix["song-name"] for mix in json.load(file)["mixes"]}
    (credit,) = (c for c in load_credits().statistics if "MixParams" in c.data_set)
    assert {r.title for r in credit.recordings} == titles
    assert "Filthybird" in {r.artist for r in credit.recordings}


def test_the_committed_credits_are_those_of_the_data(shared_data: Path) -> None:
    assert make_credits(*read_names(shared_data)) == load_credits()


def test_every_file_of_weights_and_statistics_is_mentioned() -> None:
    credited = [name for credit in _all(load_credits()) for name in credit.files]
    shipped = [*ROOT.glob("models/statistics/*"), *ROOT.glob("models/weights/**/*"), *ROOT.glob("tools/*.json")]
    names = [p.relative_to(ROOT).as_posix() for p in shipped if p.is_file() and p.suffix != ".py"]
    names.remove("models/statistics/credits.json")
    assert "models/statistics/balance_prior.json" in names
    for name in names:
        assert any(name == c or (c.endswith("/") and name.startswith(c)) for c in credited), name


def test_what_is_credited_exists() -> None:
    for credit in load_credits().statistics:
        for name in credit.files:
            assert (ROOT / name).is_file(), name


def test_the_validation_songs_are_marked_and_no_others() -> None:
    (weights,) = load_credits().weights
    held_out = {f"{r.artist} - {r.title}" for r in weights.recordings if r.used_for == "validation"}
    assert held_out == set(VALIDATION_SONGS)
    assert len(held_out) == 14
    assert {r.used_for for r in weights.recordings} == {"train", "validation"}
    text = credits_text(load_credits())
    for name in held_out:
        assert f"{name.split(' - ')[1]}*" in text
    assert text.count("*") == 14 + 1  # and once where it says what the mark means


def test_licences_are_those_of_the_published_list() -> None:
    # 46 songs of MUSDB18 come from MedleyDB and 54 of its training songs from DSD100: sigsep's page of the data set.
    (averages,) = (c for c in load_credits().statistics if "FxNorm" in c.data_set)
    licences = [r.licence for r in averages.recordings]
    assert (licences.count(FROM_MEDLEYDB), licences.count(FROM_DSD100), len(licences)) == (46, 54, 100)


def test_a_song_of_an_unknown_artist_gets_no_licence() -> None:
    assert recording("Nobody At All - Nothing", "train").licence is None


def test_a_name_without_an_artist_is_refused() -> None:
    with pytest.raises(UserError, match="'song' is not named 'Artist - Title'"):
        recording("song", "train")


def test_missing_data_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no musdb18-7s/train"):
        read_names(tmp_path)


def test_json_survives_the_round_trip() -> None:
    credits = load_credits()
    assert Credits.model_validate_json(credits.model_dump_json()) == credits


def test_unknown_fields_and_changes_are_refused() -> None:
    credits = load_credits()
    with pytest.raises(ValidationError, match="extra"):
        Credits.model_validate({**credits.model_dump(), "more": 1})
    with pytest.raises(ValidationError, match="frozen"):
        credits.weights[0].year = 2000  # type: ignore[misc]


def test_the_text_names_everybody_in_80_columns() -> None:
    credits = load_credits()
    text = credits_text(credits)
    assert max(map(len, text.splitlines())) <= 80
    flat = _flat(text)
    for credit in _all(credits):
        for words in (credit.what, credit.published, credit.licence, credit.follows, *credit.authors, *credit.files):
            assert words in flat
        for song in credit.recordings:
            assert re.search(rf"{re.escape(song.artist)}: [^:]*{re.escape(song.title)}", flat), song


def test_the_text_has_artists_in_order_each_once_a_licence() -> None:
    text = credits_text(load_credits())
    block = text.split(f"licence: {FROM_MEDLEYDB}\n")[1].split("recordings, licence")[0]
    artists = re.findall(r"^    (\S[^:]*): ", block, flags=re.MULTILINE)
    assert len(artists) == 30
    assert artists == sorted(set(artists), key=str.casefold)
    assert "The 94 recordings named above." in text
    assert "The 94 recordings named above and 6 more:" in text


def test_the_terms_are_said_before_the_names() -> None:
    text = credits_text(load_credits())
    assert text.startswith("Weights\n")
    assert text.index("CC BY-NC-SA 4.0 and are for academic") < text.index("A Classic Education")
