"""Settings: every one has an environment variable with the prefix MIXINGBUDDY_; the command line comes first."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

HelpLevel = Literal["teach", "suggest", "apply"]
APPLY_LIMIT_DB = 3.0
AUTO, DEFAULT_ADVISOR = "auto", "differential"


class Settings(BaseSettings):
    """What holds for all commands."""

    model_config = SettingsConfigDict(env_prefix="MIXINGBUDDY_", frozen=True, extra="ignore")

    workspace: Path | None = Field(default=None, description="folder for everything that is written")
    advisor: str = Field(default=AUTO, description="who proposes the moves; 'auto' is the default advisor")
    llm: str = Field(default="offline", description="'offline', or 'provider:model' for a LangChain chat model")
    llm_base_url: str | None = Field(default=None, description="address of an OpenAI-compatible server")
    llm_timeout_s: float = Field(default=60.0, gt=0, le=3600, description="how long to wait for the language model, s")
    fallback: Literal["none", "offline"] = Field(default="none", description="who goes on where the model fails")
    help_level: HelpLevel | None = Field(default=None, description="teach, suggest or apply")
    apply_limit_db: float = Field(
        default=APPLY_LIMIT_DB, gt=0, le=12, description="what help level 'apply' may move without asking, dB"
    )

    @field_validator("advisor")
    @classmethod
    def _known(cls, name: str) -> str:
        from mixingbuddy.models.advisors import LARGE_MODEL, advisor_names

        if name.startswith(LARGE_MODEL):
            if not name.removeprefix(LARGE_MODEL).strip():
                raise ValueError(f"{LARGE_MODEL} needs the path of a model behind the colon")
        elif name not in {AUTO, *advisor_names()}:
            raise ValueError(f"there are: {', '.join((AUTO, *advisor_names()))}")
        return name

    @property
    def advisor_name(self) -> str:
        """The advisor to open."""
        return DEFAULT_ADVISOR if self.advisor == AUTO else self.advisor

    @property
    def workspace_root(self) -> Path:
        """The folder for everything that is written; the platform's user-data folder by default."""
        if self.workspace is not None:
            return self.workspace.expanduser()
        import platformdirs

        return Path(platformdirs.user_data_dir("mixingbuddy", appauthor=False))


def read_settings(**given: object) -> Settings:
    """Settings from the environment, overridden by what is given and not None. Raises UserError for a wrong value."""
    from pydantic import ValidationError

    from mixingbuddy.tools.errors import UserError

    try:
        return Settings(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        problem = first["msg"].removeprefix("Value error, ")
        raise UserError(
            f"setting '{first['loc'][0]}': got {first['input']!r}; {problem[:1].lower()}{problem[1:]}"
        ) from error
