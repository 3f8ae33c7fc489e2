"""Whose recordings and data stand behind the model's weights and statistics, and on what terms.

`statistics/credits.json` is written by `python -m mixingbuddy.models.credits_fit --data DIR`.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import groupby
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

CREDITS_FILE = "credits.json"
WIDTH = 80
VALIDATION_MARK = "*"
_RESULT = ConfigDict(frozen=True, extra="forbid")


class Recording(BaseModel):
    """One song that something was learned or measured from."""

    model_config = _RESULT

    artist: str = Field(min_length=1)
    title: str = Field(min_length=1)
    used_for: Literal["train", "validation", "statistics"] = Field(
        description="train: weights were fitted to it; validation: held out to choose and calibrate; "
        "statistics: measured"
    )
    licence: str | None = Field(description="as the data set's list of tracks states it; None where none was found")

    @property
    def key(self) -> tuple[str, str]:
        return self.artist, self.title


class Credit(BaseModel):
    """One data set, what rests on it, and the recordings in it."""

    model_config = _RESULT

    what: str = Field(description="what was learned or measured")
    files: tuple[str, ...] = Field(
        min_length=1, description="files of the package that rest on it; a name that ends in / stands for all inside"
    )
    data_set: str
    authors: tuple[str, ...] = Field(min_length=1)
    year: int = Field(ge=1990)
    published: str = Field(description="doi, or where it was published")
    licence: str = Field(description="licence of the data set")
    follows: str = Field(description="what follows from the licence for this program and its users")
    names_from: str = Field(description="where the names of the recordings and their licences were read")
    recordings: tuple[Recording, ...] = Field(min_length=1)


class Credits(BaseModel):
    """Everything that the shipped weights and statistics rest on."""

    model_config = _RESULT

    weights: tuple[Credit, ...]
    statistics: tuple[Credit, ...]


@lru_cache(maxsize=1)
def load_credits() -> Credits:
    """The credits that ship with the package."""
    text = (files("mixingbuddy.models") / "statistics" / CREDITS_FILE).read_text(encoding="utf-8")
    return Credits.model_validate_json(text)


def credits_text(credits: Credits) -> str:
    """For people, at most 80 columns: each data set with its terms, then its artists in alphabetical order.

    Recordings that an earlier data set in the list has named already are counted, not named again.
    """
    lines: list[str] = []
    named: list[Credit] = []
    for heading, group in (("Weights", credits.weights), ("Statistics", credits.statistics)):
        lines += [heading, "=" * len(heading), ""] if group else []
        for credit in group:
            lines += [*_terms(credit), "", *_recordings(credit, named), ""]
            named.append(credit)
    return "\n".join(lines).rstrip() + "\n"


def _terms(credit: Credit) -> Iterator[str]:
    yield from textwrap.wrap(credit.what, WIDTH)
    facts = {
        "rests on it": ", ".join(credit.files),
        "data": f"{credit.data_set}, {credit.year}; {credit.published}",
        "by": ", ".join(credit.authors),
        "licence": credit.licence,
        "so": credit.follows,
        "names from": credit.names_from,
    }
    for name, value in facts.items():
        yield from _hanging(f"{name + ':':<13}{value}", indent=2, more=13)


def _recordings(credit: Credit, named: Sequence[Credit]) -> Iterator[str]:
    recordings = credit.recordings
    for earlier in named:
        known = {recording.key for recording in earlier.recordings}
        if known <= {recording.key for recording in recordings}:
            recordings = tuple(recording for recording in recordings if recording.key not in known)
            rest = f" and {len(recordings)} more:" if recordings else "."
            yield from _hanging(f"The {len(known)} recordings named above{rest}", indent=2)
            break
    for licence, group in _grouped(recordings):
        songs = list(group)
        yield from _hanging(f"{len(songs)} recordings, licence: {licence or 'not stated'}", indent=2)
        for artist, titles in groupby(songs, key=lambda recording: recording.artist):
            yield from _hanging(f"{artist}: {'; '.join(map(_title, titles))}", indent=4)
    if any(recording.used_for == "validation" for recording in recordings):
        yield from _hanging(f"{VALIDATION_MARK} held out for validation; the weights were not fitted to it", indent=2)


def _grouped(recordings: Iterable[Recording]) -> Iterator[tuple[str | None, Iterator[Recording]]]:
    ordered = sorted(recordings, key=lambda r: (r.licence or "~", r.artist.casefold(), r.title.casefold()))
    return groupby(ordered, key=lambda recording: recording.licence)


def _title(recording: Recording) -> str:
    return recording.title + (VALIDATION_MARK if recording.used_for == "validation" else "")


def _hanging(text: str, indent: int, more: int = 2) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + more),
        break_long_words=False,
        break_on_hyphens=False,
    )
