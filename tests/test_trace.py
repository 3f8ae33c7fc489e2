import json
import math
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixingbuddy.agent.commands.trace import LONGEST_STRING, Tracer
from mixingbuddy.agent.events import Event
from mixingbuddy.agent.session import MixingSession, memory_checkpoints
from mixingbuddy.agent.speech.planner import OfflinePlanner
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.multitrack import load_song


def never(moves: Any) -> bool:
    raise AssertionError("nothing should be asked")


def lines(path: Path) -> list[dict[str, Any]]:
    def refuse(constant: str) -> float:
        raise AssertionError(f"{constant} is no JSON")

    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n")
    return [json.loads(line, parse_constant=refuse) for line in text.splitlines()]


@pytest.fixture
def bench(quiet_vocals: Path) -> Workbench:
    return Workbench(load_song(quiet_vocals), open_advisor("level-difference"))


def test_a_turn_as_lines(bench: Workbench, tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    session = MixingSession(bench, OfflinePlanner(), memory_checkpoints())
    with Tracer(path, "tuesday") as tracer:
        first = session.ask("critique this", never, tracer)
        second = session.ask("how loud is the bass?", never, tracer)
    told = lines(path)
    assert {line["session"] for line in told} == {"tuesday"}
    assert [line["turn"] for line in told] == sorted(line["turn"] for line in told)
    assert [line["text"] for line in told if line["kind"] == "turn"] == ["critique this", "how loud is the bass?"]
    assert [line["text"] for line in told if line["kind"] == "reply"] == [first.reply, second.reply]
    assert [line["decision"] for line in told if line["kind"] == "guard"] == ["sent", "sent"]
    calls = [line for line in told if line["kind"] == "tool_call" and line["turn"] == 1]
    assert calls[0]["name"] == "ask_advisor"
    assert calls[0]["args"] == {}
    done = next(line for line in told if line["kind"] == "tool_result")
    assert (done["name"], done["status"]) == ("ask_advisor", "success")
    assert done["seconds"] >= 0
    claims = [line for line in told if line["kind"] == "claim"]
    assert first.proposed is not None
    assert first.proposed.verdict is not None
    assert len(claims) == len(first.proposed.verdict.claims)
    promised = next(line for line in claims if line["metric"] == "level_rel_mix_lu" and line["stem"] == "vocals")
    assert promised["kept"] is True
    assert abs(promised["after"] - promised["predicted"]) <= promised["tolerance"]


def test_a_trace_is_added_to_and_written_at_once(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    for number in range(2):
        with Tracer(path) as tracer:
            tracer(Event(kind="reply", data={"text": f"reply {number}"}))
            assert len(lines(path)) == number + 1
    assert [line["text"] for line in lines(path)] == ["reply 0", "reply 1"]


def test_what_is_no_json_becomes_json(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    deep: Any = "bottom"
    for _ in range(200):
        deep = [deep]
    data = {"after": math.nan, "before": math.inf, "kind": "gain", "path": tmp_path, "lone": "\ud800", "deep": deep}
    with Tracer(path) as tracer:
        tracer(Event(kind="claim", data=data))
    line = lines(path)[0]
    assert (line["after"], line["before"]) == (None, None)
    assert (line["kind"], line["kind_"]) == ("claim", "gain")
    assert line["path"] == str(tmp_path)


def test_strings_are_bounded(tmp_path: Path) -> None:
    with Tracer(tmp_path / "trace.jsonl") as tracer:
        tracer(Event(kind="tool_call", data={"name": "x", "args": {"y" * 9000: ["z" * 9000]}}))
    ((key, (value,)),) = lines(tmp_path / "trace.jsonl")[0]["args"].items()
    assert (len(key), len(value)) == (LONGEST_STRING, LONGEST_STRING)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_every_event_is_one_line_of_strict_json(tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("trace") / "trace.jsonl"
    with Tracer(path) as tracer:
        tracer(Event(kind="heard", data=data))
    assert len(lines(path)) == 1


def test_no_key_of_the_environment_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SERVICE_TOKEN", "correct-horse-battery")
    with Tracer(tmp_path / "trace.jsonl") as tracer:
        tracer(Event(kind="turn", data={"text": "my token is correct-horse-battery, and sk-abcdefgh12345678"}))
    assert lines(tmp_path / "trace.jsonl")[0]["text"] == "my token is [key], and [key]"


@pytest.mark.parametrize("where", ["no/such/folder/trace.jsonl", "."])
def test_a_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path, where: str) -> None:
    with pytest.raises(UserError, match="the trace cannot be written to .*give another file"), Tracer(tmp_path / where):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_at_the_end_and_stops_nothing() -> None:
    heard = []
    with pytest.raises(UserError, match="the trace '/dev/full' is not complete"), Tracer(Path("/dev/full")) as tracer:
        for number in range(3):
            tracer(Event(kind="reply", data={"text": str(number)}))
            heard.append(number)
    assert heard == [0, 1, 2]


def test_a_turn_opens_no_connection(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, address: object) -> None:
        tried.append(address)
        raise OSError("no network here")

    tried: list[object] = []
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "LANGSMITH_API_KEY", "LANGCHAIN_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    session = MixingSession(bench, OfflinePlanner(), memory_checkpoints())
    assert session.ask("critique this", never).proposed is not None
    assert session.ask("apply", never).version.id == 2
    assert tried == []
