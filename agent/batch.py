"""A folder of songs, one after the other: a bad song never stops the rest."""

import json
import logging
import time
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.agent.critique import CritiqueResult, critique
from mixingbuddy.agent.settings import Settings
from mixingbuddy.models.advisor import Advisor
from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.tools.audio import AUDIO_SUFFIXES
from mixingbuddy.tools.errors import MixingBuddyError, UserError, printable
from mixingbuddy.tools.files import make_folder, write_text
from mixingbuddy.tools.found_song import REFERENCE_FOLDER
from mixingbuddy.tools.moves import GainMove
from mixingbuddy.tools.roles import guess_role

_LOG = logging.getLogger(__name__)
_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SongOutcome(BaseModel):
    """One line of `results.jsonl`."""

    model_config = _RESULT

    song: str
    path: str
    status: Literal["done", "failed"]
    error: str | None = Field(description="what was wrong with the song, where it failed")
    verification: Literal["proved", "partly", "nothing_to_do", "withdrawn"] | None
    moves: tuple[GainMove, ...]
    reply: str | None
    result: str | None = Field(description="the full document, relative to the output folder")
    seconds: float


class BatchSummary(BaseModel):
    """`summary.json`: how the whole folder went."""

    model_config = _RESULT

    songs: int
    done: int
    failed: int
    with_moves: int
    by_verification: dict[str, int]
    failures: dict[str, str] = Field(description="song to what was wrong")
    seconds: float
    results: str


def songs_in(folder: Path, out: Path) -> list[Path]:
    """The songs of a folder: its folders that are not the output, its stem files and its audio files.

    Raises UserError where there is none.
    """
    if not folder.is_dir():
        raise UserError(f"no folder '{folder}'; give a folder of songs")
    inside = (
        out.resolve().relative_to(folder.resolve()).parts if out.resolve().is_relative_to(folder.resolve()) else None
    )
    if inside == () or (inside and _holds_audio(folder / inside[0])):
        raise UserError(f"'{out}' lies among the songs; name another folder with --out")
    children = [child for child in sorted(folder.iterdir()) if not child.name.startswith(".")]
    songs = [
        child
        for child in children
        if child.is_dir() and child.resolve() != out.resolve() and child.name != REFERENCE_FOLDER
    ]
    files = [child for child in children if child.is_file() and child.suffix.lower() in AUDIO_SUFFIXES]
    if not songs and are_stems(files):
        raise UserError(
            f"'{folder}' looks like one song, with its stems in it; use 'critique', or name the folder above"
        )
    songs += files
    if not songs:
        raise UserError(f"no songs in '{folder}'; expected folders of stems, .stem.mp4 files or audio files")
    return sorted(songs)


def run_batch(folder: Path, out: Path, settings: Settings, ask: str, progress: "BatchProgress") -> BatchSummary:
    """Critique every song into `out`: `<song>/result.json` and its files, `results.jsonl` and `summary.json`."""
    songs = songs_in(folder, out)
    make_folder(out)
    # Loaded once; one that cannot be loaded would fail every song.
    advisor = open_advisor(settings.advisor_name)
    started = time.monotonic()
    outcomes: list[SongOutcome] = []
    progress.total(len(songs))
    for song in songs:
        progress.begin(printable(song.name))
        outcomes.append(_one(song, out, settings, ask, advisor))
        # Written anew and whole after every song, so that an interruption keeps what is done.
        write_text(out / "results.jsonl", "".join(outcome.model_dump_json() + "\n" for outcome in outcomes))
        progress.end(outcomes[-1])
    summary = _summary(outcomes, time.monotonic() - started, out)
    write_text(out / "summary.json", summary.model_dump_json(indent=2) + "\n")
    return summary


def _holds_audio(folder: Path) -> bool:
    return folder.is_dir() and any(child.suffix.lower() in AUDIO_SUFFIXES for child in folder.iterdir())


def are_stems(files: list[Path]) -> bool:
    """Whether audio files are the stems of one song, going by instruments in their names, rather than mixes."""
    named = [guess_role(file.stem) for file in files]
    sure = [guess for guess in named if guess.sure and guess.role != "other"]
    return len(files) > 1 and 2 * len(sure) > len(files) and len({guess.role for guess in sure}) > 1


class BatchProgress(Protocol):
    """What is told while a batch runs; the command line shows it as a bar."""

    def total(self, songs: int) -> None:
        """How many songs there are."""

    def begin(self, song: str) -> None:
        """A song begins."""

    def end(self, outcome: SongOutcome) -> None:
        """A song is done or has failed."""


def _one(song: Path, out: Path, settings: Settings, ask: str, advisor: Advisor) -> SongOutcome:
    started = time.monotonic()
    folder = out / song.name
    try:
        result: CritiqueResult | None = critique(song, settings, ask=ask, out=folder, advisor=advisor)
        error = None
    except MixingBuddyError as failure:
        result, error = None, str(failure)
    except Exception as failure:  # noqa: BLE001 - a song that trips over a defect of ours must not stop the others
        _LOG.exception("'%s' failed", printable(song.name))
        result, error = None, f"defect of the program ({type(failure).__name__}: {printable(str(failure))})"
    if result is not None:
        document = json.dumps(result.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False)
        write_text(folder / "result.json", document + "\n")
    return SongOutcome(
        song=printable(song.name),
        path=str(song),
        status="failed" if result is None else "done",
        error=error,
        verification=result.verification.status if result else None,
        moves=tuple(move.plain() for move in result.moves) if result else (),
        reply=result.reply if result else None,
        result=str((folder / "result.json").relative_to(out)) if result else None,
        seconds=round(time.monotonic() - started, 3),
    )


def _summary(outcomes: list[SongOutcome], seconds: float, out: Path) -> BatchSummary:
    kinds = [outcome.verification for outcome in outcomes if outcome.verification]
    return BatchSummary(
        songs=len(outcomes),
        done=sum(outcome.status == "done" for outcome in outcomes),
        failed=sum(outcome.status == "failed" for outcome in outcomes),
        with_moves=sum(bool(outcome.moves) for outcome in outcomes),
        by_verification={kind: kinds.count(kind) for kind in sorted(set(kinds))},
        failures={outcome.song: outcome.error for outcome in outcomes if outcome.error},
        seconds=round(seconds, 3),
        results=str((out / "results.jsonl").resolve()),
    )
