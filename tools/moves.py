"""Moves: frozen, bounded changes of the mix. Deciding is one thing, rendering them another."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.errors import ModelMistake

GAIN_MIN_DB = -24.0
GAIN_MAX_DB = 12.0
GAIN_STEP_DB = 0.1

GainDb = Annotated[float, Field(ge=GAIN_MIN_DB, le=GAIN_MAX_DB, allow_inf_nan=False, description="fader move, dB")]


class GainMove(BaseModel):
    """Move one stem's fader by `gain_db`, between -24 and +12 dB."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["gain"] = "gain"
    stem: str = Field(description="name of the stem, as the song has it")
    gain_db: GainDb


def faders_db(moves: Iterable[GainMove]) -> dict[str, float]:
    """Sum of all moves per stem, dB; a stem without a move is absent.

    Raises ModelMistake where the sum of several moves leaves the bounds of a single one.
    """
    faders: dict[str, float] = {}
    for move in moves:
        faders[move.stem] = round(faders.get(move.stem, 0.0) + move.gain_db, 4)
    for stem, gain_db in faders.items():
        if not GAIN_MIN_DB <= gain_db <= GAIN_MAX_DB:
            raise ModelMistake(
                f"the fader of '{stem}' would stand at {gain_db:+.1f} dB; it goes from "
                f"{GAIN_MIN_DB:+.0f} to {GAIN_MAX_DB:+.0f} dB"
            )
    return {stem: gain_db for stem, gain_db in faders.items() if gain_db != 0.0}


def gain_of(faders: Mapping[str, float], stem: str) -> float:
    """Linear gain of a stem under these faders."""
    return float(10.0 ** (faders.get(stem, 0.0) / 20.0))


def clamped_db(gain_db: float) -> float:
    """`gain_db` on the fader's 0.1 dB steps and within its bounds."""
    stepped = round(round(gain_db / GAIN_STEP_DB) * GAIN_STEP_DB, 1)
    return min(max(stepped, GAIN_MIN_DB), GAIN_MAX_DB) + 0.0
