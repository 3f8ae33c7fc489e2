"""The one protocol of everything that turns a multitrack (and a reference) into gain advice."""

from collections.abc import Collection
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.multitrack import Multitrack, Reference

_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class StemAdvice(BaseModel):
    """What one stem's fader should do, and how sure that is."""

    model_config = _RESULT

    stem: str = Field(description="name of the stem")
    gain_db: float = Field(description="gain that leads to the balance aimed at, dB; 0 where nothing is to do")
    measured_db: float = Field(description="the same before deciding whether it is worth a move, dB")
    interval_db: tuple[float, float] = Field(description="80 % credible interval of the gain, dB")
    p_change: float = Field(ge=0, le=1, description="probability that this stem needs a change")
    reason: str = Field(description="why, in one clause with the figure it rests on")


class ReferenceFit(BaseModel):
    """How the reference relates to the stems."""

    model_config = _RESULT

    kind: Literal["mix", "stems"] = Field(description="one stereo mix, or a set of stems")
    same_song: bool = Field(description="whether the reference is a mix of this very song")
    explained: float | None = Field(
        ge=0, le=1, description="share of the reference's energy that the stems explain; null for unlike stems"
    )
    delay_s: float | None = Field(description="how much later the reference starts than the stems, seconds")
    inverted: bool = Field(description="whether the reference has the opposite polarity")
    level_offset_db: float = Field(description="overall level of the reference above the wanted mix, dB")


class GroupAim(BaseModel):
    """Where a group's level in the mix is expected to lie."""

    model_config = _RESULT

    group: str
    stems: tuple[str, ...]
    range_lu: tuple[float, float] = Field(description="lowest and highest usual level re the mix, LU")


class GainAdvice(BaseModel):
    """One advisor's answer for every stem."""

    model_config = _RESULT

    advisor: str
    stems: tuple[StemAdvice, ...]
    evidence: str = Field(description="what the advice rests on, one sentence")
    fit: ReferenceFit | None = None
    aims: tuple[GroupAim, ...] = Field(default=(), description="ranges that the advice leads into")
    findings: tuple[Finding, ...] = ()
    text: str | None = Field(default=None, description="the moves in the advisor's own words; null if it writes none")

    def for_stem(self, name: str) -> StemAdvice | None:
        """The advice for one stem, or None where the advisor cannot say."""
        return next((advice for advice in self.stems if advice.stem == name), None)

    def judged_with(self, name: str) -> tuple[str, ...]:
        """The stems that were judged as one with this stem, itself among them."""
        return next((aim.stems for aim in self.aims if name in aim.stems), (name,))


class Advisor(Protocol):
    """Anything that proposes gains. `locks` are names of stems that must stay as they are."""

    name: str

    def advise(
        self,
        multitrack: Multitrack,
        reference: Reference | None = None,
        anchor: str | None = None,
        locks: Collection[str] = (),
    ) -> GainAdvice: ...
