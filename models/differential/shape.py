"""Sizes of the compact model, and what it knows about balances before it hears anything."""

from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.models.differential.bands import layout
from mixingbuddy.models.differential.words import template_vocabulary

ROLES = ("vocals", "drums", "bass", "other")
FORMAT_VERSION = 1

Balance = tuple[float, float, float, float]
_SPREAD_DB = 4.0
_UNKNOWN: tuple[Balance, ...] = tuple(
    (_SPREAD_DB**2 * (i == 0), _SPREAD_DB**2 * (i == 1), _SPREAD_DB**2 * (i == 2), _SPREAD_DB**2 * (i == 3))
    for i in range(len(ROLES))
)


class Shape(BaseModel):
    """What `config.json` beside the weights holds; fields that belong to other libraries are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    bands: int = Field(default=layout().count, multiple_of=8, description="bands that the ear hears")
    channels: tuple[int, int, int] = Field(default=(32, 48, 128), description="of the ear's convolutions")
    width: int = Field(default=256, gt=0, description="of the ear's tokens, one every 93 ms")
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=4, ge=1)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    text_width: int = Field(default=128, gt=0, description="of the writer")
    text_layers: int = Field(default=2, ge=1)
    vocabulary: tuple[str, ...] = Field(default_factory=template_vocabulary, description="the writer's words")
    balance_mean_db: Balance = Field(
        default=(0.0, 0.0, 0.0, 0.0), description="levels of the roles in professional mixes, up to a common offset"
    )
    balance_covariance_db: tuple[Balance, ...] = Field(
        default=_UNKNOWN, min_length=len(ROLES), max_length=len(ROLES), description="and their covariance, dB^2"
    )
    hearing_scale: float = Field(
        default=1.0, gt=0, description="factor on the ear's own covariance that makes it true on songs it does not know"
    )
    format_version: int = Field(
        default=FORMAT_VERSION, description="changes whenever old weights no longer fit the code"
    )

    @property
    def vocab_size(self) -> int:
        return len(self.vocabulary)
