from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from mixingbuddy.agent.chat_models.llm_failures import (
    AnswerCut,
    NoAnswerInTime,
    in_words,
    retry_after_s,
    worth_another_try,
)


class Response:
    def __init__(self, status_code: int, headers: dict[str, str] | None = None) -> None:
        self.status_code = status_code
        self.headers = headers or {}


class ServiceError(Exception):
    """What a provider's client raises."""

    def __init__(self, status: int, headers: dict[str, str] | None = None, body: Any = None) -> None:
        super().__init__(f"error {status}")
        self.response = Response(status, headers)
        self.body = body


class ReadTimeout(Exception):
    """What an HTTP client calls it."""


def wrapped(inside: Exception) -> Exception:
    """As LangChain's classes pass it on."""
    try:
        try:
            raise inside
        except Exception as error:
            raise RuntimeError("calling the model failed") from error
    except RuntimeError as outside:
        return outside


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
def test_what_passes_is_tried_again_however_it_is_wrapped(status: int) -> None:
    assert worth_another_try(ServiceError(status))
    assert worth_another_try(wrapped(ServiceError(status)))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_what_stays_wrong_is_not_tried_again(status: int) -> None:
    assert not worth_another_try(wrapped(ServiceError(status)))


@pytest.mark.parametrize("error", [ReadTimeout(), ConnectionResetError(), TimeoutError()])
def test_lost_connections_are_tried_again(error: Exception) -> None:
    assert worth_another_try(error)
    assert worth_another_try(wrapped(error))


@pytest.mark.parametrize("error", [NoAnswerInTime(), AnswerCut()])
def test_answers_without_an_end_are_tried_again(error: Exception) -> None:
    assert worth_another_try(error)


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), RuntimeError("x")])
def test_a_defect_is_not_tried_again(error: Exception) -> None:
    assert not worth_another_try(error)


def test_a_used_up_quota_does_not_come_back() -> None:
    assert not worth_another_try(ServiceError(429, body={"error": {"code": "insufficient_quota"}}))
    assert worth_another_try(ServiceError(429, body={"error": {"code": "rate_limit_exceeded"}}))


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("3", 3.0), ("0.25", 0.25), ("-5", 0.0), ("nan", 0.0), ("soon", None), ("", None), (None, None)],
)
def test_how_long_a_service_asks_to_wait(told: str | None, seconds: float | None) -> None:
    headers = {} if told is None else {"retry-after": told}
    assert retry_after_s(wrapped(ServiceError(429, headers))) == seconds


def test_a_date_to_wait_for() -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert retry_after_s(ServiceError(503, {"retry-after": then})) == pytest.approx(30, abs=2)
    before = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
    assert retry_after_s(ServiceError(503, {"retry-after": before})) == 0.0


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ServiceError(401), "refused the key in OPENAI_API_KEY (401); set the right key"),
        (
            ServiceError(500, body={"error": {"message": "on\nfire."}}),
            "failed on its side (500: on fire, tried 2 times)",
        ),
        (ReadTimeout(), "sent nothing for 7 s, tried 2 times"),
        (ValueError("a secret sk-abcdefgh12345678"), "failed (ValueError: a secret [key])"),
        (ValueError(), "failed (ValueError: ValueError)"),
    ],
)
def test_one_line_whatever_happened(error: Exception, words: str) -> None:
    line = in_words(error, "openai:tiny", 2, 7.0)
    assert line.startswith("the language model 'openai:tiny' ")
    assert words in line
    assert line.endswith(", or use --llm offline")
    assert "\n" not in line


def test_a_provider_without_a_key_is_not_told_of_one() -> None:
    assert "refused the key (401)" in in_words(ServiceError(401), "ollama:llama", 1, 7.0)
