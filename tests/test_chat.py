import io
from pathlib import Path

import pytest
from rich.console import Console

from mixingbuddy.agent.commands import chat as talk
from mixingbuddy.agent.critique import open_bench
from mixingbuddy.agent.session import MixingSession, memory_checkpoints
from mixingbuddy.agent.settings import read_settings
from mixingbuddy.agent.speech.planner import OfflinePlanner


@pytest.fixture
def session(quiet_vocals: Path) -> MixingSession:
    return MixingSession(open_bench(quiet_vocals, read_settings(), None, None), OfflinePlanner(), memory_checkpoints())


def said(session: MixingSession, monkeypatch: pytest.MonkeyPatch, *lines: str) -> str:
    printed = io.StringIO()
    monkeypatch.setattr(talk, "out", Console(file=printed, width=200))
    waiting = list(lines)

    def read() -> str:
        if not waiting:
            raise EOFError
        return waiting.pop(0)

    talk.chat(session, talk.Lines(read))
    return printed.getvalue()


def test_quit_ends_and_says_what_is_kept(session: MixingSession, monkeypatch: pytest.MonkeyPatch) -> None:
    text = said(session, monkeypatch, "critique", "", "quit", "bass down 3 dB")
    assert "not applied yet: vocals +7" in text
    assert session.waiting[0].stem == "vocals"


def test_the_end_of_the_input_ends_the_chat(session: MixingSession, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Kept: version 1" in said(session, monkeypatch)


@pytest.mark.parametrize(("answer", "version"), [("yes", 2), ("y", 2), ("no", 1), ("", 1)])
def test_what_was_not_shown_is_asked_for(
    session: MixingSession, monkeypatch: pytest.MonkeyPatch, answer: str, version: int
) -> None:
    text = said(session, monkeypatch, "bass down 2 dB and apply", answer, "quit")
    assert "Apply bass -2.0 dB?" in text
    assert session.version.id == version


def test_another_request_is_no_approval_and_is_not_lost(
    session: MixingSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = said(session, monkeypatch, "bass down 2 dB and apply", "how loud is the bass?", "quit")
    assert session.version.id == 1
    assert "LUFS alone" in text


def test_names_cannot_colour_the_terminal(quiet_vocals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (quiet_vocals / "guitar.wav").rename(quiet_vocals / "[red]guitar.wav")
    session = MixingSession(
        open_bench(quiet_vocals, read_settings(), None, None), OfflinePlanner(), memory_checkpoints()
    )
    assert "[red]guitar" in said(session, monkeypatch, "guitar up 1 dB", "quit")
