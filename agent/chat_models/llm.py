"""The chat model by name: our offline planner, or any chat model that LangChain can open."""

import os
from importlib.util import find_spec
from typing import Any

from langchain_core.language_models import BaseChatModel

from mixingbuddy.agent.chat_models.keys import KEY_VARIABLES, has_key, without_keys
from mixingbuddy.agent.speech.planner import OfflinePlanner
from mixingbuddy.tools.errors import UserError

TIMEOUT_S = 60.0
# What we offer by name. LangChain opens more; they are tried with what LangChain itself says about them.
PACKAGES = {
    "openai": "langchain-openai",
    "anthropic": "langchain-anthropic",
    "google_genai": "langchain-google-genai",
    "ollama": "langchain-ollama",
}
OTHER_NAMES = {"google": "google_genai", "gemini": "google_genai", "claude": "anthropic"}
# A server at a base URL that needs no key still wants to be sent one.
NO_KEY = "none"
_BASE_URL_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_BASE")


def open_llm(spec: str, base_url: str | None = None, timeout_s: float = TIMEOUT_S) -> BaseChatModel:
    """'offline', or 'provider:model' as LangChain's `init_chat_model` takes it; keys come from the environment only.

    `base_url` is the address of an OpenAI-compatible server ('http://localhost:8000/v1') or of the provider's own kind.
    Nothing is asked of the model here. Its `name` is 'provider:model'. The provider's own retries are off: `asking.py`
    asks again.
    Raises UserError for an unknown provider, a missing package, a missing key or an address that is none.
    """
    if spec == "offline":
        return OfflinePlanner()
    provider, _, model = spec.partition(":")
    provider = OTHER_NAMES.get(provider, provider).replace("-", "_").lower()
    if not provider or not model.strip():
        raise UserError(
            f"language model '{spec}': expected 'offline' or 'provider:model', for instance 'ollama:llama3.1'"
        )
    package = PACKAGES.get(provider)
    if package is not None and find_spec(package.replace("-", "_")) is None:
        raise UserError(
            f"language model '{spec}' needs the package {package}: "
            f"pip install 'mixingbuddy[llm]', or pip install {package}"
        )
    if base_url and not base_url.startswith(("http://", "https://")):
        raise UserError(f"base URL '{base_url}': expected one that begins with http:// or https://")
    arguments = _arguments(provider, base_url, timeout_s)
    if provider in KEY_VARIABLES and "api_key" not in arguments and not has_key(provider):
        named = " or ".join(KEY_VARIABLES[provider])
        raise UserError(f"language model '{spec}' needs a key: set the environment variable {named}")
    return _open(spec, provider, model, arguments)


def _arguments(provider: str, base_url: str | None, timeout_s: float) -> dict[str, Any]:
    """What the provider's class calls its address, its timeout and its own retries."""
    arguments: dict[str, Any] = {"base_url": base_url} if base_url else {}
    if provider == "openai":
        elsewhere = bool(base_url) or any(os.environ.get(name) for name in _BASE_URL_VARIABLES)
        if elsewhere and not has_key(provider):
            arguments["api_key"] = NO_KEY
        return arguments | {"timeout": timeout_s, "max_retries": 0}
    if provider == "anthropic":
        return arguments | {"timeout": timeout_s, "max_retries": 0}
    if provider == "google_genai":
        # Here 1 means a single try, and 0 the service's own number of retries.
        return arguments | {"timeout": timeout_s, "max_retries": 1}
    if provider == "ollama":
        return arguments | {"client_kwargs": {"timeout": timeout_s}}
    return arguments


def _open(spec: str, provider: str, model: str, arguments: dict[str, Any]) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    try:
        llm: BaseChatModel = init_chat_model(model, model_provider=provider, **arguments)
    except ImportError as error:
        raise UserError(f"language model '{spec}' needs a package that is not installed: {error}") from error
    except ValueError as error:
        if str(error).startswith("Unsupported"):
            known = ", ".join(("offline", *PACKAGES))
            raise UserError(
                f"language model '{spec}': there is no provider '{provider}'; "
                f"there are: {known}, and what LangChain names"
            ) from error
        raise UserError(f"language model '{spec}' cannot be used: {without_keys(str(error))}") from error
    except Exception as error:
        # Each provider's class has errors of its own for what it cannot be opened with.
        raise UserError(
            f"language model '{spec}' cannot be used ({type(error).__name__}: {without_keys(str(error))})"
        ) from error
    llm.name = f"{provider}:{model}"
    return llm
