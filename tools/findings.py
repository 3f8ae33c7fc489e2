"""A finding: one measured fact that is worth saying."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Severity = Literal["info", "minor", "major"]


class Finding(BaseModel):
    """One measured fact, with its unit, what was expected, and where the expectation comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: str = Field(description="short snake_case name of the fact, stable between releases")
    stems: tuple[str, ...] = Field(default=(), description="names of the stems concerned")
    value: float | None = Field(default=None, description="the measured value, in `unit`")
    unit: str | None = Field(default=None, description="unit of `value` and `expected`")
    expected: tuple[float, float] | None = Field(default=None, description="lowest and highest usual value")
    where: tuple[float, float] | None = Field(default=None, description="start and end in the song, seconds")
    severity: Severity = Field(default="info", description="info: good to know; minor: audible; major: act on it")
    source: str = Field(description="what measured it, or whose range it is compared with")
    text: str = Field(description="the fact as one sentence")
