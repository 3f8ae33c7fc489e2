import io
import time
from typing import Any

import pytest
from rich.console import Console

from mixingbuddy.agent.commands.live import Live
from mixingbuddy.agent.events import Event


class Screen:
    """A terminal for both streams, and what was written to it in order."""

    def __init__(self, llm: str = "offline", width: int = 60, terminal: bool = True) -> None:
        self.written = io.StringIO()
        self.out = Console(file=self.written, width=width, force_terminal=False)
        self.progress = io.StringIO()
        self.err = Console(file=self.progress, width=width, force_terminal=terminal, highlight=False)
        self.live = Live(llm, self.out, self.err)

    def hear(self, kind: Any, **data: Any) -> None:
        self.live(Event(kind=kind, data=data))

    def says(self, *sentences: str) -> None:
        for sentence in sentences:
            self.hear("sentence", text=sentence, begins_line=False)

    @property
    def text(self) -> str:
        return self.written.getvalue()


@pytest.fixture
def screen() -> Screen:
    return Screen()


def test_sentences_are_printed_as_they_come_and_the_reply_only_once(screen: Screen) -> None:
    screen.hear("turn", text="critique")
    screen.says("Bring the vocals up 7.0 dB.")
    assert screen.text == "buddy> Bring the vocals up 7.0 dB."
    screen.says("Measured.")
    screen.hear("model", tool_calls=[])
    screen.hear("guard", decision="sent")
    screen.hear("reply", text="Bring the vocals up 7.0 dB. Measured.")
    assert screen.text == "buddy> Bring the vocals up 7.0 dB. Measured.\n"
    assert screen.live.told("Bring the vocals up 7.0 dB. Measured.")
    assert not screen.live.told("Something else.")


def test_a_reply_without_sentences_is_printed_whole(screen: Screen) -> None:
    screen.hear("turn", text="critique")
    screen.hear("reply", text="Nothing to move.\nThere is no reference.")
    assert screen.text == "buddy> Nothing to move.\nThere is no reference.\n"


def test_a_draft_that_was_sent_back_is_marked(screen: Screen) -> None:
    screen.hear("turn", text="critique")
    screen.says("I tried it.")
    screen.hear("guard", decision="returned")
    screen.says("I tried it.", "Up 7 dB.")
    screen.hear("reply", text="I tried it. Up 7 dB.")
    assert screen.text == "buddy> I tried it.\n(put differently)\nbuddy> I tried it. Up 7 dB.\n"


def test_a_reply_that_differs_from_what_was_printed_is_printed_whole(screen: Screen) -> None:
    screen.hear("turn", text="critique")
    screen.says("I tried it.")
    screen.hear("guard", decision="replaced")
    screen.hear("reply", text="Vocals up 7.0 dB.")
    assert screen.text.endswith("(put differently)\nbuddy> Vocals up 7.0 dB.\n")
    assert screen.live.told("Vocals up 7.0 dB.")


def test_a_remark_before_a_tool_is_no_part_of_the_reply(screen: Screen) -> None:
    screen.hear("turn", text="critique")
    screen.says("Let me listen.")
    screen.hear("model", tool_calls=["ask_advisor"])
    screen.hear("tool_call", name="ask_advisor", args={})
    screen.says("All is well.")
    screen.hear("reply", text="All is well.")
    assert screen.text == "buddy> Let me listen.\nbuddy> All is well.\n"


def test_lines_break_between_words() -> None:
    screen = Screen(width=24)
    screen.hear("turn", text="x")
    screen.says("one two three four five", "six seven eight")
    screen.hear("reply", text="one two three four five six seven eight")
    lines = screen.text.splitlines()
    assert all(len(line) <= 24 for line in lines)
    assert " ".join(line.strip() for line in lines) == "buddy> one two three four five six seven eight"


def test_a_new_line_of_the_reply_is_a_new_line_on_the_screen(screen: Screen) -> None:
    screen.hear("turn", text="x")
    screen.hear("sentence", text="One.", begins_line=False)
    screen.hear("sentence", text="Two.", begins_line=True)
    screen.hear("reply", text="One.\nTwo.")
    assert screen.text == "buddy> One.\nTwo.\n"


@pytest.mark.parametrize(
    ("llm", "tool", "args", "words"),
    [
        ("offline", "ask_advisor", {}, "listening"),
        ("offline", "try_moves", {"moves": [{}, {}]}, "rendering and measuring 2 moves"),
        ("offline", "try_moves", {"moves": [{}]}, "rendering and measuring 1 move"),
        ("offline", "try_moves", {"moves": 3}, "rendering and measuring the moves"),
        ("offline", "nothing_we_know", {}, "working"),
        ("openai:tiny", "levels", {}, "asking openai:tiny"),
    ],
)
def test_the_spinner_says_what_is_being_done(llm: str, tool: str, args: dict[str, Any], words: str) -> None:
    screen = Screen(llm)
    screen.hear("turn", text="x")
    screen.hear("tool_call", name=tool, args=args)
    time.sleep(0.2)  # the spinner turns some twelve times a second
    screen.hear("tool_result", name=tool, status="success", seconds=0.1)
    time.sleep(0.2)
    screen.live.pause()
    assert words in screen.progress.getvalue()
    assert screen.text == ""


def test_no_spinner_where_nobody_looks() -> None:
    screen = Screen(terminal=False)
    with screen.live:
        screen.hear("turn", text="x")
        screen.hear("tool_call", name="ask_advisor", args={})
    assert screen.progress.getvalue() == ""


def test_the_user_is_told_why_the_planner_takes_over(screen: Screen) -> None:
    screen.hear("turn", text="x")
    screen.says("I think.")
    screen.hear("fallback", error="the language model 'openai:tiny' failed [red]badly[/red]")
    screen.hear("reply", text="Nothing to move.")
    assert "failed [red]badly[/red]" in screen.progress.getvalue()
    assert screen.text == "buddy> I think.\nbuddy> Nothing to move.\n"


def test_markup_and_control_characters_in_a_reply_stay_text(screen: Screen) -> None:
    screen.hear("turn", text="x")
    screen.says("[red]guitar[/red] up.")
    screen.hear("reply", text="[red]guitar[/red] up.")
    assert screen.text == "buddy> [red]guitar[/red] up.\n"


def test_the_next_turn_begins_anew(screen: Screen) -> None:
    for _ in range(2):
        screen.hear("turn", text="x")
        assert not screen.live.told("Hello.")
        screen.says("Hello.")
        screen.hear("reply", text="Hello.")
    assert screen.text == "buddy> Hello.\n" * 2
