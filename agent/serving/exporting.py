"""The files of a mix version for whoever works without our conversation: mixes, recall sheet and report."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.agent.critique import WRITTEN_FILES, Files, write_result
from mixingbuddy.agent.results import Proposed
from mixingbuddy.agent.speech import wording
from mixingbuddy.agent.state import ProposedMove, Version
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.tools.files import make_folder
from mixingbuddy.tools.roles import group_of


class Exported(BaseModel):
    """What was written about one version, and how far it was proved from the song as imported."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    tool: Literal["export"] = "export"
    version: int
    faders_db: dict[str, float] = Field(description="stem to dB; a stem that is absent stands at 0")
    proved: bool = Field(description="whether every promise held when the version was rendered and measured again")
    headroom_gain_db: float = Field(le=0, description="how far all faders came down together to stay under -1 dBTP")
    files: Files


def export_version(bench: Workbench, version: Version, folder: Path) -> Exported:
    """Write a version against the song as imported. Raises UserError where `folder` cannot be written to."""
    for target in (folder, *(folder / name for name in WRITTEN_FILES)):
        bench.song.found.keep_off(target)
    make_folder(folder)
    moves = tuple(ProposedMove(stem=stem, gain_db=gain_db) for stem, gain_db in version.faders.items() if gain_db)
    verdict = bench.try_moves({}, moves, advised=False) if moves else None
    proved = verdict is None or verdict.kept
    proposed = Proposed(
        origin="user",
        moves=moves,
        broken=verdict.broken if verdict else (),
        status="nothing_to_do" if verdict is None else "proved" if proved else "partly",
        attempts=1 if verdict else 0,
        verdict=verdict,
    )
    groups = {stem.name: group_of(stem.role) for stem in bench.song.multitrack.stems}
    reply = wording.own_words([proposed], groups, bench.reference is not None)
    written = write_result(bench, "none", proposed, reply, folder)
    return Exported(
        version=version.id,
        faders_db=version.faders,
        proved=proved,
        headroom_gain_db=verdict.headroom_gain_db if verdict else 0.0,
        files=written.files,
    )
