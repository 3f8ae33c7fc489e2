"""Open a conversation as the settings say: model, fallback, patience and help level."""

from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.store.base import BaseStore

from mixingbuddy.agent.chat_models.asking import Patience
from mixingbuddy.agent.chat_models.llm import open_llm
from mixingbuddy.agent.session import MixingSession
from mixingbuddy.agent.settings import Settings
from mixingbuddy.agent.speech.planner import OfflinePlanner
from mixingbuddy.agent.workbench import Workbench


def open_model(settings: Settings) -> BaseChatModel:
    """The chat model that the settings name. Raises UserError with one line where it cannot be used."""
    return open_llm(settings.llm, settings.llm_base_url, settings.llm_timeout_s)


def open_session(
    bench: Workbench,
    settings: Settings,
    model: BaseChatModel,
    checkpoints: BaseCheckpointSaver[Any],
    store: BaseStore,
    name: str = "default",
    interactive: bool = True,
) -> MixingSession:
    """A conversation about the song on the bench."""
    return MixingSession(
        bench,
        model,
        checkpoints,
        name,
        interactive,
        store=store,
        fallback=OfflinePlanner() if settings.fallback == "offline" else None,
        help_level=settings.help_level,
        patience=Patience(timeout_s=settings.llm_timeout_s),
    )
