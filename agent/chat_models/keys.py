"""The providers' keys: where they are looked for, and how they are kept out of everything that is shown or written."""

import os
import re

KEY_VARIABLES = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "google_genai": ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    "mistralai": ("MISTRAL_API_KEY",),
    "groq": ("GROQ_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "xai": ("XAI_API_KEY",),
    "cohere": ("COHERE_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY",),
    "together": ("TOGETHER_API_KEY",),
    "fireworks": ("FIREWORKS_API_KEY",),
}
SHORTEST_KEY = 8
_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
_LOOKS_LIKE_A_KEY = re.compile(r"\b(sk|pk|rk|gsk|xai|AIza)[-_A-Za-z0-9*]{8,}|(?i:bearer)\s+[^\s'\"]{8,}")


def has_key(provider: str) -> bool:
    """Whether the environment holds a key for a provider of `KEY_VARIABLES`."""
    return any(os.environ.get(name, "").strip() for name in KEY_VARIABLES[provider])


def without_keys(text: str) -> str:
    """`text` with every key of the environment, and whatever looks like one, replaced by '[key]'."""
    values = {value.strip() for name, value in os.environ.items() if _SECRET_NAME.search(name)}
    for value in sorted((v for v in values if len(v) >= SHORTEST_KEY), key=len, reverse=True):
        text = text.replace(value, "[key]")
    return _LOOKS_LIKE_A_KEY.sub("[key]", text)
