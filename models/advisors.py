"""Advisors by name. What an advisor needs is loaded when it is opened."""

from collections.abc import Callable

from mixingbuddy.models.advisor import Advisor
from mixingbuddy.tools.errors import UserError

LARGE_MODEL = "audio-llm:"


def open_advisor(name: str) -> Advisor:
    """The advisor of that name; "audio-llm:PATH" is a large audio-language model, a folder or a hub's name.

    Raises UserError with the names there are for any other.
    """
    if name.startswith(LARGE_MODEL) and len(name) > len(LARGE_MODEL):
        from mixingbuddy.models.audio_llm import AudioLlm

        return AudioLlm(name.removeprefix(LARGE_MODEL))
    opener = _OPENERS.get(name)
    if opener is None:
        raise UserError(f"no advisor '{name}'; there are: {', '.join(advisor_names())}")
    return opener()


def advisor_names() -> tuple[str, ...]:
    """The names that `open_advisor` takes."""
    return (*_OPENERS, f"{LARGE_MODEL}PATH")


def _prior() -> Advisor:
    from mixingbuddy.models.prior import Prior

    return Prior()


def _level_difference() -> Advisor:
    from mixingbuddy.models.level_difference import LevelDifference

    return LevelDifference()


def _differential() -> Advisor:
    from mixingbuddy.models.differential.advisor import Differential

    return Differential()


def _single_mix() -> Advisor:
    from mixingbuddy.models.single_mix import SingleMix

    return SingleMix()


_OPENERS: dict[str, Callable[[], Advisor]] = {
    "prior": _prior,
    "level-difference": _level_difference,
    "differential": _differential,
    "single-mix": _single_mix,
}
