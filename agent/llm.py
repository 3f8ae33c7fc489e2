"""The chat model by name: our offline planner, or any chat model that LangChain can open."""

from langchain_core.language_models import BaseChatModel

from mixingbuddy.agent.planner import OfflinePlanner
from mixingbuddy.tools.errors import UserError


def open_llm(spec: str) -> BaseChatModel:
    """'offline', or 'provider:model' as LangChain's `init_chat_model` takes it; keys come from the environment only.

    Raises UserError for an unknown provider, a missing package or a missing key.
    """
    if spec == "offline":
        return OfflinePlanner()
    if ":" not in spec:
        raise UserError(
            f"language model '{spec}': expected 'offline' or 'provider:model', for instance 'ollama:llama3.1'"
        )
    from langchain.chat_models import init_chat_model

    try:
        return init_chat_model(spec)
    except ImportError as error:
        raise UserError(f"language model '{spec}' needs a package that is not installed: {error}") from error
    except (ValueError, TypeError) as error:
        raise UserError(f"language model '{spec}' cannot be used: {error}") from error
