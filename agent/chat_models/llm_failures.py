"""Why a chat model failed, whatever provider's exception it was: is it worth another try, and one line about it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from mixingbuddy.agent.chat_models.keys import KEY_VARIABLES, without_keys
from mixingbuddy.tools.errors import printable

WAY_OUT = "or use --llm offline"
_BUSY = {408, 409, 425, 429}
# Providers bring their own exceptions; they are known by the names that all of them (and both httpx packages) use.
_TIMEOUTS = re.compile(r"Timeout|DeadlineExceeded")
_NOBODY_THERE = re.compile(r"ConnectError|ConnectionRefusedError")
_CUTS = re.compile(r"ConnectionError|ConnectError|RemoteProtocolError|ReadError|WriteError|IncompleteRead|NetworkError")


class NoAnswerInTime(Exception):
    """Nothing came from the model for as long as we wait, or its answer does not end: the text says which."""


class AnswerCut(Exception):
    """The model's answer broke off."""


def worth_another_try(error: BaseException) -> bool:
    """Whether the same question may be answered a little later."""
    status = _status(error)
    if status is not None:
        return (status in _BUSY or status >= 500) and not _quota_used_up(error)
    return _timed_out(error) or _cut(error)


def retry_after_s(error: BaseException) -> float | None:
    """How long the service asks to wait, seconds; None where it does not say."""
    headers = (getattr(getattr(one, "response", None), "headers", None) for one in _chain(error))
    told = next((found["retry-after"] for found in headers if found and "retry-after" in found), None)
    if told is None:
        return None
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        then = parsedate_to_datetime(told)
    except ValueError:
        return None
    return max(0.0, (then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def in_words(error: BaseException, name: str, tries: int, timeout_s: float) -> str:
    """One line for the user: which model, what happened, what to do. No key is ever in it."""
    return without_keys(f"the language model '{name}' {_what(error, name, tries, timeout_s)}, {WAY_OUT}")


def _what(error: BaseException, name: str, tries: int, timeout_s: float) -> str:
    status, said, tried = _status(error), _said(error), f", tried {tries} times" if tries > 1 else ""
    if status in {401, 403}:
        variables = KEY_VARIABLES.get(name.partition(":")[0], ())
        where = f" in {' or '.join(variables)}" if variables else ""
        return f"refused the key{where} ({status}); set the right key"
    if status == 404:
        return f"is not known there (404: {said}); check its name and the base URL"
    if status == 429 and _quota_used_up(error):
        return "says that the account's quota is used up (429); see to the account"
    if status == 429:
        wait_s = retry_after_s(error)
        asked = f", asks to wait {wait_s:.0f} s" if wait_s else ""
        return f"takes no more requests at the moment (429{asked}{tried}); try again later"
    if status is not None and status >= 500:
        return f"failed on its side ({status}: {said}{tried}); try again later"
    if status is not None:
        return f"refused the request ({status}: {said}); try another model"
    if _timed_out(error):
        late = str(error) if isinstance(error, NoAnswerInTime) else f"sent nothing for {timeout_s:g} s"
        return f"{late}{tried}; try again, give it longer with MIXINGBUDDY_LLM_TIMEOUT_S"
    if isinstance(error, AnswerCut):
        return f"broke off in the middle of its answer{tried}; try again"
    if _cut(error):
        cause = _said(list(_chain(error))[-1])
        if _named(error, _NOBODY_THERE):
            return f"cannot be reached{_where(error, 'at')} ({cause}{tried}); see that the server runs, try again"
        return f"lost the connection{_where(error, 'to')} ({cause}{tried}); try again"
    return f"failed ({type(error).__name__}: {said}); try again"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _status(error: BaseException) -> int | None:
    """The HTTP status, wherever this provider's exception keeps it."""
    for one in _chain(error):
        response = getattr(one, "response", None)
        for value in (
            getattr(one, "status_code", None),
            getattr(response, "status_code", None),
            getattr(one, "code", 0),
        ):
            if isinstance(value, int) and 400 <= value < 600:
                return value
    return None


def _named(error: BaseException, names: re.Pattern[str]) -> bool:
    return any(names.search(kind.__name__) for one in _chain(error) for kind in type(one).__mro__)


def _timed_out(error: BaseException) -> bool:
    return isinstance(error, NoAnswerInTime) or _named(error, _TIMEOUTS)


def _cut(error: BaseException) -> bool:
    return isinstance(error, AnswerCut) or _named(error, _CUTS)


def _body(error: BaseException) -> dict[str, Any]:
    body = getattr(error, "body", None)
    if not isinstance(body, dict):
        return {}
    inner = body.get("error")
    return inner if isinstance(inner, dict) else body


def _quota_used_up(error: BaseException) -> bool:
    return "insufficient_quota" in {str(_body(error).get(key)) for key in ("code", "type")}


def _said(error: BaseException) -> str:
    """What the service wrote about it, short."""
    words = printable(without_keys(str(_body(error).get("message") or error)), 200)
    return words.rstrip(". ") or type(error).__name__


def _where(error: BaseException, word: str) -> str:
    """' at http://host:port', if the exception knows; no more of the address, which may hold a key."""
    for one in _chain(error):
        try:
            address = urlsplit(str(one.request.url))  # type: ignore[attr-defined]
        except (AttributeError, RuntimeError, ValueError):
            continue
        return f" {word} {address.scheme}://{address.netloc.rpartition('@')[2]}"
    return ""
