import json
from typing import Any

import pytest
import typer
from langchain.tools import ToolRuntime
from langchain_core.messages import HumanMessage, ToolMessage
from typer.testing import CliRunner

from mixingbuddy.agent.commands.teaching_commands import explain as explain_command
from mixingbuddy.agent.guarding.guard import objections
from mixingbuddy.agent.requests import MOST_WORDS_ASKED
from mixingbuddy.agent.results import TermExplained, read_results
from mixingbuddy.agent.teaching.glossary import Entry, entries, look_up
from mixingbuddy.agent.tool_calls.teaching_tools import explain, explained
from mixingbuddy.tools.errors import ModelMistake, UserError
from mixingbuddy.tools.roles import Role

ROLES: dict[str, Role] = {
    **{
        "LeadVox": "vocals",
        "BGV": "backing_vocals",
        "Bass": "bass",
        "Kick": "kick",
        "Snare": "snare",
        "OH": "overheads",
    },
    **{"GtrL": "guitar", "GtrR": "guitar", "Keys": "keys", "Pad": "keys", "Strings": "strings", "Tamb": "percussion"},
}

app = typer.Typer()
app.command()(explain_command)


def ask(term: str) -> ToolMessage:
    runtime: ToolRuntime[Any, Any] = ToolRuntime(
        state={}, context=None, config={}, stream_writer=lambda chunk: None, tool_call_id="call-1", store=None
    )
    command = explain.func(runtime, term)  # type: ignore[attr-defined]
    (message,) = command.update["messages"]
    assert isinstance(message, ToolMessage)
    return message


def test_the_tool_answers_with_the_entry_and_its_source() -> None:
    message = ask("what is masking?")
    (result,), errors = read_results([message])
    assert not errors
    assert isinstance(result, TermExplained)
    assert (result.slug, result.guessed, message.tool_call_id) == ("masking", False, "call-1")
    assert "Moore" in result.source
    assert "Frequency masking" in result.also


def test_the_tool_says_when_it_guessed_and_what_else_it_may_be() -> None:
    result = TermExplained.model_validate_json(str(ask("it gets harsh when she sings loud").text))
    assert result.guessed
    assert {result.title, *result.also} >= {"Harshness", "Dynamic EQ"}


def test_the_model_is_told_the_nearest_terms() -> None:
    with pytest.raises(ModelMistake, match="nothing on 'sbustractive'; the nearest terms are"):
        ask("sbustractive")


@pytest.mark.parametrize("entry", list(entries().values()), ids=lambda entry: entry.slug)
def test_an_explanation_passes_the_reply_guard(entry: Entry) -> None:
    result = explained(look_up(entry.title))
    asked = [
        HumanMessage(f"explain {entry.title}"),
        ToolMessage(result.model_dump_json(), tool_call_id="call-1"),
    ]
    told = (result.what_it_is, result.how_it_sounds, result.what_to_try, result.typical_values, result.source)
    reply = " ".join(told)
    assert objections(reply, asked, ROLES, max_words=MOST_WORDS_ASKED) == ()


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "80"})


def test_the_command_prints_every_section_with_source_and_related() -> None:
    shown = run("sidechain")
    assert shown.exit_code == 0
    for heading in ("What it is", "When to use it", "How it sounds", "What to try", "Typical values", "Related"):
        assert f"\n{heading}\n" in shown.output
    assert "Giannoulis" in shown.output
    assert all(len(line) <= 80 and line == line.rstrip() for line in shown.output.splitlines())
    assert run("what", "is", "a", "sidechain?").output == shown.output


def test_the_command_takes_a_problem_in_the_users_words() -> None:
    shown = run("it gets harsh when she sings loud").output
    assert shown.startswith("That sounds like ")
    assert "It could also be:" in shown
    found = json.loads(run("it gets harsh when she sings loud", "--json").output)
    assert found["guessed"] is True
    assert len(found["others"]) <= 2


def test_the_list_holds_every_term_once() -> None:
    shown = " ".join(run("--list").output.split())
    for entry in entries().values():
        assert entry.title in shown
    listed = json.loads(run("--list", "--json").output)
    assert sorted(item["slug"] for item in listed) == sorted(entries())


@pytest.mark.parametrize("words", [(), ("masking", "--list"), ("sbustractive",)])
def test_what_cannot_be_explained_is_the_users_error(words: tuple[str, ...]) -> None:
    assert isinstance(run(*words).exception, UserError)
