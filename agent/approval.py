"""The human's answer before anything is applied: approve, edit the amounts, or reject with a reason."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mixingbuddy.agent.state import ProposedMove
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.moves import GainMove, clamped_db


class Decision(BaseModel):
    """What `Command(resume=...)` may hold; a plain true or false serves as well."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    type: Literal["approve", "edit", "reject"]
    moves: tuple[GainMove, ...] = Field(default=(), description="the amounts to apply instead, in an edit")
    scale: float | None = Field(default=None, ge=0, le=4, description="or a multiple of all amounts, in an edit")
    reason: str = Field(default="", max_length=500, description="why it is rejected; kept in mind for this song")

    def edited(self, moves: tuple[ProposedMove, ...]) -> tuple[ProposedMove, ...]:
        """The proposed moves with the human's amounts; moves that an edit leaves out are dropped."""
        if self.scale is not None:
            scaled = [move.model_copy(update={"gain_db": clamped_db(move.gain_db * self.scale)}) for move in moves]
            return tuple(move for move in scaled if move.gain_db != 0.0)
        known = {move.stem: move for move in moves}
        new = [ProposedMove(stem=move.stem, gain_db=clamped_db(move.gain_db)) for move in self.moves]
        kept = [known[m.stem].model_copy(update={"gain_db": m.gain_db}) if m.stem in known else m for m in new]
        return tuple(move for move in kept if move.gain_db != 0.0)


def read_decision(answer: Any) -> Decision:
    """A decision from what was given to resume. Raises UserError for anything else."""
    if isinstance(answer, Decision):
        return answer
    if isinstance(answer, bool):
        return Decision(type="approve" if answer else "reject")
    try:
        return Decision.model_validate(answer)
    except ValidationError as error:
        raise UserError(
            "the answer to an approval is true, false, or {'type': 'approve' | 'edit' | 'reject', 'moves': "
            f"[{{'stem', 'gain_db'}}], 'reason'}}; got {str(answer)[:200]}: {error.errors()[0]['msg']}"
        ) from error
