"""Render somebody's moves to a file."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.agent.commands.moves_file import read_moves
from mixingbuddy.tools.audio import Clip, write_clip
from mixingbuddy.tools.errors import ModelMistake, UserError
from mixingbuddy.tools.levels import k_weighted_hops
from mixingbuddy.tools.loudness import integrated_lufs
from mixingbuddy.tools.moves import GainMove
from mixingbuddy.tools.multitrack import load_song
from mixingbuddy.tools.render import render


class RenderedFile(BaseModel):
    """The document of `mixingbuddy render --json`; both figures are measured on what was written."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    file: str
    moves: tuple[GainMove, ...]
    headroom_gain_db: float = Field(le=0, description="how far all faders came down together")
    loudness_lufs: float | None
    true_peak_dbtp: float | None

    @property
    def text(self) -> str:
        """What was written, for a person."""
        loudness = "not measurable" if self.loudness_lufs is None else f"{self.loudness_lufs:.1f} LUFS"
        peak = "silent" if self.true_peak_dbtp is None else f"{self.true_peak_dbtp:+.1f} dBTP"
        trim = (
            f"; all faders came down {-self.headroom_gain_db:.1f} dB to keep the peak under -1 dBTP"
            if self.headroom_gain_db
            else ""
        )
        return f"{self.file}\n{loudness}, {peak}{trim}"


def render_moves(path: Path, moves_file: Path, target: Path, overwrite: bool = False) -> RenderedFile:
    """Render the moves of a file onto a song.

    Raises UserError for unusable input, a target among the stems, or one that exists already and may not be replaced.
    """
    song = load_song(path)
    song.found.keep_off(target)
    if target.exists() and not overwrite:
        raise UserError(f"'{target}' exists already; give another --out, or --overwrite if it may be replaced")
    moves = read_moves(moves_file, song.multitrack.names)
    try:
        rendered = render(song.multitrack, moves)
    except ModelMistake as error:
        raise UserError(str(error)) from error
    write_clip(Clip(rendered.audio, rendered.sample_rate_hz), target)
    return RenderedFile(
        file=str(target.resolve()),
        moves=tuple(moves),
        headroom_gain_db=rendered.headroom_gain_db,
        loudness_lufs=integrated_lufs(k_weighted_hops(rendered.audio, rendered.sample_rate_hz)),
        true_peak_dbtp=rendered.true_peak_dbtp,
    )
