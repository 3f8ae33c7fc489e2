"""Settings: every one has an environment variable with the prefix MIXINGBUDDY_; the command line comes first."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

AdvisorName = Literal["auto", "level-difference", "prior"]


class Settings(BaseSettings):
    """What holds for all commands."""

    model_config = SettingsConfigDict(env_prefix="MIXINGBUDDY_", frozen=True, extra="ignore")

    workspace: Path | None = Field(default=None, description="folder for everything that is written")
    advisor: AdvisorName = "auto"
    llm: str = Field(default="offline", description="'offline', or 'provider:model' for a LangChain chat model")

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
        raise UserError(f"setting '{first['loc'][0]}': got {first['input']!r}; {first['msg'].lower()}") from error
