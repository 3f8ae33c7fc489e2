"""Any chat model over real sockets: whatever the service does, the user gets a true reply or one clear line."""

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from openai_server import (
    Call,
    Line,
    Server,
    babble,
    cut_after,
    cut_before,
    cut_in_call,
    drip,
    echo_key,
    fail,
    openai_server,
    say,
    silence,
)
from songs import make_stems, write_song

from mixingbuddy.agent.chat_models.asking import Asking, Patience
from mixingbuddy.agent.chat_models.llm import open_llm
from mixingbuddy.agent.commands.trace import Tracer
from mixingbuddy.agent.events import Event
from mixingbuddy.agent.nodes import draft_objections
from mixingbuddy.agent.session import MixingSession, Turn, memory_checkpoints, sqlite_checkpoints
from mixingbuddy.agent.speech.planner import OfflinePlanner
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.agent.workspace import Workspace
from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.tools.errors import UserError, printable
from mixingbuddy.tools.multitrack import load_song

QUICK = Patience(timeout_s=0.5, tries=3, backoff_s=0.02, longest_wait_s=0.3)
KEY = "sk-test-0123456789abcdef"
VOCALS_UP = Call.of("try_moves", moves=[{"stem": "vocals", "gain_db": 7.0}])
NO_MODEL = "The language model does not answer, so the offline planner takes over."


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    stems = make_stems()
    quiet = stems | {"vocals": stems["vocals"] * np.float32(10 ** (-7 / 20))}
    folder = write_song(tmp_path_factory.mktemp("songs") / "song", quiet)
    write_song(folder / "reference", {"mix": np.sum(list(stems.values()), axis=0)})
    return Workbench(load_song(folder), open_advisor("level-difference"))


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)


def never(moves: Any) -> bool:
    raise AssertionError("nothing should be asked")


class Talk:
    """A conversation with the scripted service, and everything that was told about it."""

    def __init__(self, bench: Workbench, server: Server, fallback: bool) -> None:
        self.server = server
        self.events: list[Event] = []
        llm = open_llm("openai:tiny", server.url, QUICK.timeout_s)
        other = OfflinePlanner() if fallback else None
        self.session = MixingSession(bench, llm, memory_checkpoints(), fallback=other, patience=QUICK)

    def ask(self, text: str, approver: Any = never) -> Turn:
        return self.session.ask(text, approver, self.events.append)

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [event.data for event in self.events if event.kind == kind]

    def sentences(self) -> str:
        return " ".join(data["text"] for data in self.told("sentence"))

    def tools(self) -> list[str]:
        return [data["name"] for data in self.told("tool_call")]


@contextmanager
def talking(bench: Workbench, *script: Line, fallback: bool = False) -> Iterator[Talk]:
    with openai_server(*script) as server:
        yield Talk(bench, server, fallback)


def test_a_defect_of_ours_is_no_failure_of_the_model(bench: Workbench) -> None:
    class Defect(Exception):
        pass

    def broken(text: str) -> None:
        raise Defect

    with openai_server(say("Hello.")) as server:
        asking = Asking(open_llm("openai:tiny", server.url), QUICK)
        with pytest.raises(Defect):
            asking.ask([HumanMessage("hello")], broken, lambda: None)
        assert asking.failure is None
        assert len(server.requests) == 1


def test_a_whole_turn(bench: Workbench) -> None:
    with talking(bench, say("", VOCALS_UP), say("Vocals up 7.0 dB. Proved on the render.")) as talk:
        turn = talk.ask("vocals up 7 dB")
    assert turn.reply == "Vocals up 7.0 dB. Proved on the render."
    assert turn.proposed is not None
    assert turn.proposed.status == "proved"
    assert talk.sentences() == turn.reply
    first, second = talk.told("model")
    assert (first["name"], first["tool_calls"], first["tries"]) == ("openai:tiny", ["try_moves"], 1)
    assert (second["input_tokens"], second["output_tokens"]) == (100, 7)
    assert '"status":"proved"' in talk.server.tool_answers(1)[0]
    assert talk.server.headers[0]["authorization"] == f"Bearer {KEY}"


def test_a_service_that_does_not_stream(bench: Workbench) -> None:
    with openai_server(say("", Call.of("levels", stems=["bass"])), say("That is the bass.")) as server:
        llm = open_llm("openai:tiny", server.url)
        llm.disable_streaming = True
        turn = MixingSession(bench, llm, memory_checkpoints(), patience=QUICK).ask("how loud is the bass?", never)
        assert turn.reply == "That is the bass."
        assert not any(request.get("stream") for request in server.requests)


def test_no_figure_is_spoken_before_it_was_measured(bench: Workbench) -> None:
    script = [say("", VOCALS_UP), say("I tried it. Up 9.9 dB it goes. And so on."), say("I tried it. Up 7 dB it goes.")]
    with talking(bench, *script) as talk:
        turn = talk.ask("vocals up 7 dB")
    assert turn.reply == "I tried it. Up 7 dB it goes."
    assert talk.sentences() == "I tried it. I tried it. Up 7 dB it goes."
    assert [data["decision"] for data in talk.told("guard")] == ["returned", "sent"]


def test_nothing_is_said_of_moves_that_broke_their_claims(bench: Workbench) -> None:
    both = [{"stem": "vocals", "gain_db": -24.0}, {"stem": "drums", "gain_db": -24.0}]
    with talking(bench, say("", Call.of("try_moves", moves=both)), say("All is well.")) as talk:
        talk.ask("fix it")
        broken = [data for data in talk.told("claim") if not data["kept"]]
    assert not broken or "All is well." not in talk.sentences()


STUMBLES = {
    "429": fail(429, "slow down", {"Retry-After": "0.1"}),
    "500": fail(500, "oops"),
    "503": fail(503),
    "529": fail(529, "overloaded"),
    "cut before": cut_before(),
    "cut in the middle": cut_after("All is"),
    "cut as if it were the end": cut_after("All is", politely=True),
    "cut in a call": cut_in_call("try_moves", '{"moves": [{"stem": "vocals", "gain_db": 7'),
    "kept alive without an answer": drip(),
    "silence": silence(),
}


@pytest.mark.parametrize("stumble", STUMBLES.values(), ids=STUMBLES.keys())
def test_a_stumble_is_not_noticed(bench: Workbench, stumble: Line) -> None:
    with talking(bench, stumble, say("All is well.")) as talk:
        turn = talk.ask("hello")
        assert turn.reply == "All is well."
        assert len(talk.server.requests) == 2
    assert talk.told("model")[0]["tries"] == 2
    assert talk.tools() == []
    assert talk.sentences() == "All is well."


def test_a_draft_that_broke_off_is_not_told_twice(bench: Workbench) -> None:
    with talking(bench, cut_after("One. Two. Thr"), say("One. Two. Three.")) as talk:
        talk.ask("hello")
    assert talk.sentences() == "One. Two. Three."


FAILURES = {
    "401": (
        fail(401, f"Incorrect API key provided: {KEY}"),
        1,
        "refused the key in OPENAI_API_KEY .401.; set the right",
    ),
    "403": (fail(403, "no"), 1, "refused the key in OPENAI_API_KEY .403."),
    "404": (fail(404, "no model tiny"), 1, "not known there .404: no model tiny.; check its name"),
    "400": (fail(400, "tools are not supported"), 1, "refused the request .400: tools are not supported."),
    "quota": (fail(429, "pay", code="insufficient_quota"), 1, "quota is used up"),
    "long wait": (fail(429, "later", {"Retry-After": "600"}), 1, "asks to wait 600 s"),
    "429": (fail(429, "later"), 3, "takes no more requests at the moment .429, tried 3 times."),
    "500": (fail(500, "oops"), 3, "failed on its side .500: oops, tried 3 times."),
    "cut": (cut_before(), 3, "lost the connection to http://127.0.0.1:.*tried 3 times"),
    "broken off": (cut_after("All", politely=True), 3, "broke off in the middle of its answer, tried 3 times"),
    "silence": (silence(), 3, "sent nothing for 0.5 s, tried 3 times; .*MIXINGBUDDY_LLM_TIMEOUT_S"),
    "kept alive": (drip(), 3, "sent nothing for 0.5 s"),
    "endless": (say("on and on " * 100, piece=1, pause_s=0.1), 1, "did not finish its answer within 2.5 s"),
}


@pytest.mark.parametrize(("line", "tries", "words"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_is_one_clear_line(bench: Workbench, line: Line, tries: int, words: str) -> None:
    with talking(bench, line) as talk:
        with pytest.raises(UserError, match=words) as failure:
            talk.ask("hello")
        assert len(talk.server.requests) == tries
    assert str(failure.value).startswith("the language model 'openai:tiny' ")
    assert str(failure.value).endswith("or use --llm offline")
    assert KEY not in str(failure.value)


def test_nobody_listens_at_the_address(bench: Workbench) -> None:
    with openai_server(say("Hello.")) as server:
        url = server.url
    session = MixingSession(bench, open_llm("openai:tiny", url), memory_checkpoints(), patience=QUICK)
    with pytest.raises(UserError, match="cannot be reached at http://127.0.0.1:.*refused.*see that the server runs"):
        session.ask("hello", never)


def test_a_turn_goes_on_from_where_the_service_failed(bench: Workbench) -> None:
    with talking(bench, say("", VOCALS_UP), fail(400), say("Vocals up 7.0 dB.")) as talk:
        with pytest.raises(UserError):
            talk.ask("vocals up 7 dB")
        assert talk.session.unanswered == "vocals up 7 dB"
        turn = talk.session.go_on(never, talk.events.append)
        assert '"status":"proved"' in talk.server.tool_answers(2)[0]
    assert turn.reply == "Vocals up 7.0 dB."
    assert talk.tools() == ["try_moves"]


@pytest.mark.parametrize(
    "arguments", ['{"moves": [{"stem": "vocals", "gain_db": 7', "[1, 2]", "vocals up", '"{}"', "7"]
)
def test_malformed_arguments_go_back_to_the_model(bench: Workbench, arguments: str) -> None:
    script = [say("", Call("try_moves", arguments)), say("", VOCALS_UP), say("Vocals up 7.0 dB.")]
    with talking(bench, *script) as talk:
        turn = talk.ask("vocals up 7 dB")
        assert "the arguments of try_moves are not a JSON object" in talk.server.tool_answers(1)[0]
    assert turn.reply == "Vocals up 7.0 dB."
    assert [data["status"] for data in talk.told("tool_result")] == ["error", "success"]


def test_malformed_arguments_of_a_service_that_does_not_stream(bench: Workbench) -> None:
    with talking(bench, say("", Call("try_moves", "{")), say("", VOCALS_UP), say("Vocals up 7.0 dB.")) as talk:
        llm = open_llm("openai:tiny", talk.server.url)
        llm.disable_streaming = True
        turn = MixingSession(bench, llm, memory_checkpoints(), patience=QUICK).ask("vocals up 7 dB", never)
        assert "not a JSON object" in talk.server.tool_answers(1)[0]
    assert turn.reply == "Vocals up 7.0 dB."


def test_arguments_as_deep_as_a_well_are_refused(bench: Workbench) -> None:
    deep = Call("levels", '{"stems": ' + "[" * 10_000 + "]" * 10_000 + "}")
    with talking(bench, say("", deep), say("Good.")) as talk:
        assert talk.ask("how loud is the bass?").reply == "Good."
    assert [data["status"] for data in talk.told("tool_result")] == ["error"]


def test_half_characters_do_not_break_the_conversation(bench: Workbench, tmp_path: Path) -> None:
    place = Workspace(tmp_path, None)
    half = Call("levels", '{"stems": ["bass\\ud83d"]}')
    with openai_server(say("", half), say("Good \ud83d\ude00 \ud83d.", piece=1)) as server:
        llm = open_llm("openai:tiny", server.url)
        with sqlite_checkpoints(place) as checkpoints:
            turn = MixingSession(bench, llm, checkpoints, patience=QUICK).ask("how loud is the bass?", never)
        assert "no stem" in server.tool_answers(1)[0]
    assert turn.reply == "Good 😀 �."


def test_what_cannot_be_read_does_not_stop_what_can(bench: Workbench) -> None:
    calls = [Call("levels", "{", "a"), Call.of("overview"), Call("tuba", "{}", ""), Call("", "{}", "")]
    with talking(bench, say("", *calls), say("Good.")) as talk:
        assert talk.ask("how is it?").reply == "Good."
        answers = talk.server.tool_answers(1)
    assert "not a JSON object" in answers[0]
    assert '"tool":"overview"' in answers[1]
    assert "tuba is not a valid tool" in answers[2]
    assert "not a valid tool" in answers[3]


def test_a_model_that_never_writes_json_ends(bench: Workbench) -> None:
    with talking(bench, say("", Call("try_moves", "{"))) as talk:
        assert talk.ask("vocals up").reply
        assert len(talk.server.requests) <= 10


@pytest.mark.parametrize("identity", ["", "same"])
def test_every_call_gets_its_own_answer_whatever_the_ids(bench: Workbench, identity: str) -> None:
    pair = [Call("levels", '{"stems": ["bass"]}', identity), Call("levels", '{"stems": ["drums"]}', identity)]
    with talking(bench, say("", *pair), say("Good."), say("", *pair), say("Good.")) as talk:
        for _ in range(2):
            assert talk.ask("how loud are bass and drums?").reply == "Good."
        bass, drums = talk.server.tool_answers(3)[-2:]
        asked = [call["id"] for m in talk.server.requests[3]["messages"] for call in m.get("tool_calls", ())]
        answered = [m["tool_call_id"] for m in talk.server.requests[3]["messages"] if m["role"] == "tool"]
    assert asked == answered
    assert len(set(asked)) == 4
    assert '"stem":"bass"' in bass.replace("name", "stem")
    assert '"stem":"drums"' in drums.replace("name", "stem")


def test_two_turns_with_the_same_id_for_a_proposal(bench: Workbench) -> None:
    def up(gain_db: float) -> Call:
        return Call("try_moves", f'{{"moves": [{{"stem": "vocals", "gain_db": {gain_db}}}]}}', "call_0")

    script = [say("", up(2)), say("Vocals up 2.0 dB."), say("", up(3)), say("Vocals up 3.0 dB.")]
    with talking(bench, *script) as talk:
        talk.ask("vocals up 2 dB")
        turn = talk.ask("vocals up 3 dB")
    assert turn.proposed is not None
    assert [move.gain_db for move in turn.proposed.moves] == [3.0]
    assert turn.reply == "Vocals up 3.0 dB."


def test_endless_text_is_cut(bench: Workbench) -> None:
    with talking(bench, babble(), say("Hello.")) as talk:
        assert talk.ask("hello").reply == "Hello."
        model = talk.told("model")[0]
    assert model["dropped_characters"] > 0
    assert len(talk.sentences()) < 9000


def test_too_many_calls_are_dropped_and_told(bench: Workbench) -> None:
    calls = [Call.of("levels", stems=["bass"]) for _ in range(40)]
    with talking(bench, say("", *calls), say("Good.")) as talk:
        assert talk.ask("how loud is the bass?").reply == "Good."
        assert len(talk.server.tool_answers(1)) == 32
    assert talk.told("model")[0]["dropped_calls"] == 8


def test_an_empty_answer_becomes_a_useful_reply(bench: Workbench) -> None:
    with talking(bench, say("")) as talk:
        assert talk.ask("hello").reply
    assert [data["decision"] for data in talk.told("guard")] == ["returned", "replaced"]


def test_the_offline_planner_goes_on_and_nothing_is_lost(bench: Workbench) -> None:
    script = [say("", VOCALS_UP), say("Vocals up 7.0 dB."), fail(400, "gone"), fail(400, "gone"), say("I am back.")]
    with talking(bench, *script, fallback=True) as talk:
        talk.ask("vocals up 7 dB")
        applied = talk.ask("apply")
        assert applied.reply.startswith(NO_MODEL)
        assert applied.version.faders == {"vocals": 7.0}
        locked = talk.ask("keep the drums as they are")
        assert locked.reply.startswith(NO_MODEL)
        assert [lock.stems for lock in talk.session.locks] == [("drums",)]
        assert talk.session.version.faders == {"vocals": 7.0}
    assert [data["error"] for data in talk.told("fallback")] == 2 * [
        "the language model 'openai:tiny' refused the request (400: gone); try another model, or use --llm offline"
    ]
    assert [data["decision"] for data in talk.told("guard")] == ["sent", "sent", "sent"]


def test_the_model_is_tried_again_in_the_next_turn(bench: Workbench) -> None:
    with talking(bench, fail(400), say("I am back."), fallback=True) as talk:
        assert talk.ask("hello").reply.startswith(NO_MODEL)
        assert talk.ask("hello").reply == "I am back."


def test_a_model_that_keeps_failing_is_left_alone_for_some_turns(bench: Workbench) -> None:
    with talking(bench, fail(400), fail(400), say("I am back."), fallback=True) as talk:
        replies = [talk.ask("hello").reply for _ in range(7)]
        assert len(talk.server.requests) == 3
    assert all(reply.startswith(NO_MODEL) for reply in replies[:6])
    assert replies[6] == "I am back."
    assert "still does not answer" in talk.told("fallback")[-1]["error"]


def test_the_planner_takes_over_in_the_middle_of_a_turn(bench: Workbench) -> None:
    with talking(bench, say("I listen first. ", Call.of("ask_advisor")), fail(400), fallback=True) as talk:
        turn = talk.ask("critique this")
        assert len(talk.server.requests) == 2
    assert talk.tools() == ["ask_advisor"]
    assert turn.reply.startswith(NO_MODEL)
    assert turn.proposed is not None
    assert turn.proposed.status == "proved"
    assert [move.stem for move in turn.proposed.moves] == ["vocals"]
    assert talk.session.waiting
    assert talk.ask("apply").version.faders.keys() == {"vocals"}


def test_a_mistake_of_the_model_is_not_the_planners(bench: Workbench) -> None:
    tuba = Call.of("try_moves", moves=[{"stem": "tuba", "gain_db": 2.0}])
    with talking(bench, say("", tuba), fail(400), fallback=True) as talk:
        turn = talk.ask("vocals up 2 dB")
    assert "tuba" not in turn.reply
    assert turn.proposed is not None
    assert [(move.stem, move.gain_db) for move in turn.proposed.moves] == [("vocals", 2.0)]


def test_what_the_fallback_says_is_told_as_sentences(bench: Workbench) -> None:
    with talking(bench, fail(400), fallback=True) as talk:
        turn = talk.ask("vocals up 2 dB")
    assert talk.sentences().split() == turn.reply.split()


def any_line(chance: random.Random) -> Line:
    moves = [{"stem": chance.choice(["vocals", "bass", "tuba"]), "gain_db": chance.choice([2.0, 7.0, -40.0])}]
    calls = [
        Call.of("try_moves", moves=moves),
        Call.of("ask_advisor"),
        Call.of("levels", stems=[chance.choice(["bass", "tuba"])]),
        Call("try_moves", '{"moves": [', chance.choice(["", "same"])),
        Call.of("apply_moves"),
        Call("nothing", "{}", ""),
    ]
    texts = [
        "",
        "All is well.",
        "Vocals up 7.0 dB. Bass down 3.3 dB.",
        "Bring it up 2.0 dB. Say 'apply'.",
        "\x1b[31mred",
    ]
    lines = [fail(400), fail(500), fail(429, "slow", {"Retry-After": "0.01"}), cut_before(), cut_after("All is")]
    lines += [say(chance.choice(texts), *chance.sample(calls, chance.randrange(3)), piece=3) for _ in range(12)]
    return chance.choice(lines)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_service_does_the_reply_is_true(bench: Workbench, seed: int) -> None:
    chance = random.Random(seed)
    with talking(bench, *[any_line(chance) for _ in range(30)], fallback=True) as talk:
        for text in ("critique this", "vocals up 2 dB", "how loud is the bass?", "apply"):
            before = talk.session.version
            turn = talk.ask(text, lambda moves: False)
            assert turn.reply == "\n".join(printable(line, 2000) for line in turn.reply.splitlines())
            if talk.told("guard")[-1]["decision"] == "sent":
                assert draft_objections(turn.reply, talk.session.state, bench) == ()
            assert turn.version == before or text == "apply"
        assert not any(KEY in event.model_dump_json() for event in talk.events)


def test_no_key_is_told_logged_or_traced(
    bench: Workbench, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    script = [echo_key(400), echo_key(500), echo_key(500), echo_key(500), say(f"My key is {KEY}."), say("Hello.")]
    with talking(bench, *script, fallback=True) as talk, Tracer(tmp_path / "trace.jsonl") as tracer:
        for _ in range(2):
            talk.session.ask("hello", never, lambda event: (talk.events.append(event), tracer(event))[0])
        with pytest.raises(UserError) as failure:
            llm = open_llm("openai:tiny", talk.server.url)
            talk.server.script.insert(0, echo_key(400))
            MixingSession(bench, llm, memory_checkpoints(), patience=QUICK).ask("hello", never)
        assert KEY in talk.server.headers[0]["authorization"]
    assert len(talk.told("fallback")) == 2
    assert all("[key]" in data["error"] for data in talk.told("fallback"))
    everything = [*(event.model_dump_json() for event in talk.events), (tmp_path / "trace.jsonl").read_text()]
    everything += [str(failure.value), caplog.text, *capfd.readouterr(), repr(llm)]
    assert not any(KEY in text for text in everything)


def test_a_server_without_keys_gets_none(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with talking(bench, say("Hello.")) as talk:
        assert talk.ask("hello").reply == "Hello."
        assert talk.server.headers[0]["authorization"] == "Bearer none"


def test_the_model_sees_no_requests_of_the_parser(bench: Workbench) -> None:
    with talking(bench, say("Hello.")) as talk:
        talk.ask("vocals up 2 dB")
        assert '"requests"' not in talk.server.requests[0]["messages"][0]["content"]


def test_the_state_stays_plain_messages(bench: Workbench) -> None:
    with talking(bench, say("", VOCALS_UP), say("Vocals up 7.0 dB.")) as talk:
        talk.ask("vocals up 7 dB")
        messages = talk.session.state["messages"]
    assert [type(message) for message in messages[1:]] == [AIMessage, ToolMessage, AIMessage]


@pytest.mark.parametrize("spec", ["openai", "openai:", ":gpt", "gpt-4o"])
def test_a_model_needs_provider_and_name(spec: str) -> None:
    with pytest.raises(UserError, match="expected 'offline' or 'provider:model'"):
        open_llm(spec)


def test_an_unknown_provider_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        UserError, match="no provider 'nobody'; there are: offline, openai, anthropic, google_genai, oll"
    ):
        open_llm("nobody:model")


def test_an_address_needs_its_protocol() -> None:
    with pytest.raises(
        UserError, match="base URL 'localhost:8000/v1': expected one that begins with http:// or https://"
    ):
        open_llm("openai:tiny", "localhost:8000/v1")


def test_a_missing_key_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(UserError, match="'openai:gpt-4o' needs a key: set the environment variable OPENAI_API_KEY"):
        open_llm("openai:gpt-4o")


def test_a_missing_package_is_named() -> None:
    import importlib.util

    missing = [
        (provider, package)
        for provider, package in {"ollama": "langchain-ollama", "google": "langchain-google-genai"}.items()
        if importlib.util.find_spec(package.replace("-", "_")) is None
    ]
    if not missing:
        pytest.skip("all packages are installed")
    for provider, package in missing:
        with pytest.raises(UserError, match=f"needs the package {package}: pip install 'mixingbuddy"):
            open_llm(f"{provider}:model")
