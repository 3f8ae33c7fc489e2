"""MixingBuddy: a mixing assistant that proves its advice by measurement before it speaks.

What other programs use is here; each name is loaded when it is first asked for, so that importing costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mixingbuddy.agent.serving.embedding import create_mixing_agent, critique, load_multitrack
    from mixingbuddy.agent.serving.toolkit import MixingToolkit

    __version__: str

__all__ = ["MixingToolkit", "__version__", "create_mixing_agent", "critique", "load_multitrack"]

_PLACES = {
    "MixingToolkit": "mixingbuddy.agent.serving.toolkit",
    "create_mixing_agent": "mixingbuddy.agent.serving.embedding",
    "critique": "mixingbuddy.agent.serving.embedding",
    "load_multitrack": "mixingbuddy.agent.serving.embedding",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("mixingbuddy")
    elif name in _PLACES:
        value = getattr(import_module(_PLACES[name]), name)
    else:
        raise AttributeError(f"module 'mixingbuddy' has no attribute '{name}'")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
