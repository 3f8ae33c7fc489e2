"""A conversation with the offline planner whose requests are given instead of parsed; the tools are the real ones."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.store.memory import InMemoryStore
from songs import RATE_HZ, Audio, make_stems, write_song

from mixingbuddy.agent.conversation import system_message
from mixingbuddy.agent.critique import open_bench
from mixingbuddy.agent.guarding.guard import objections
from mixingbuddy.agent.guarding.ledger import turn_of
from mixingbuddy.agent.requests import Request, most_words
from mixingbuddy.agent.results import TurnContext
from mixingbuddy.agent.serving.desk import MixingDesk
from mixingbuddy.agent.settings import read_settings
from mixingbuddy.agent.speech.planner import next_step
from mixingbuddy.agent.speech.turn import Turn
from mixingbuddy.agent.state import Proposal, State, proposal_of, shown_proposal
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.tools.errors import ModelMistake

MOST_STEPS = 8


@dataclass(frozen=True)
class Said:
    """A reply, the tools that were called for it, in the steps in which they were called, and all of the turn."""

    text: str
    steps: tuple[tuple[str, ...], ...]
    messages: tuple[BaseMessage, ...]

    @property
    def tools(self) -> tuple[str, ...]:
        return tuple(tool for step in self.steps for tool in step)

    @property
    def words(self) -> int:
        return len(self.text.split())


class Conversation:
    """Asks the planner turn by turn and runs what it calls."""

    def __init__(self, bench: Workbench, help_level: Any = "suggest", approves: bool = True) -> None:
        self.bench = bench
        bench.interactive = True
        store = InMemoryStore()
        self.memory = bench.memory(store)
        self.desk = MixingDesk(bench, approver=lambda question: approves, store=store, help_level=help_level)
        self.messages: list[BaseMessage] = []
        self.told = True

    @property
    def waiting(self) -> Proposal | None:
        """The proved proposal that consent would apply."""
        shown = shown_proposal(self.desk.state)
        return shown if shown is not None and shown.proved else None

    def say(self, text: str, *requests: Request, **state: Any) -> Said:
        """One turn; `state` goes before what the desk knows (help_level, heard)."""
        self.messages.append(HumanMessage(text))
        steps: list[tuple[str, ...]] = []
        shown = self.desk.state.get("shown")
        given = [request.model_copy(update={"said": request.said or text}) for request in requests]
        level = state.get("help_level", self.desk.state.get("help_level", "suggest"))
        plain = [request.model_dump(mode="json", exclude_defaults=True) for request in given]
        self.desk.state = {**self.desk.state, "help_level": level, "requests": plain}
        for _ in range(MOST_STEPS):
            # Until the reply, the graph still offers what was shown before; applying and undoing change that at once.
            if steps and {"apply_moves", "history"} & set(steps[-1]):
                shown = self.desk.state.get("shown")
            context = self._context({"shown": shown, **state})
            answer = next_step(Turn([context, *self.messages]))
            self.messages.append(answer)
            if not answer.tool_calls:
                self._remember(answer.text)
                return Said(str(answer.text), tuple(steps), (context, *turn_of(self.messages)))
            steps.append(tuple(call["name"] for call in answer.tool_calls))
            self.messages += [self._run(dict(call)) for call in answer.tool_calls]
        raise AssertionError(f"no reply to {text!r} in {MOST_STEPS} steps: {steps}")

    def _context(self, state: dict[str, Any]) -> BaseMessage:
        known: State = {
            **self.desk.state,
            "locks": [lock.model_dump(mode="json") for lock in self.desk.locks],
            "told": self.told,
            **state,  # type: ignore[typeddict-item]
        }
        return system_message(known, self.bench, for_planner=True)

    def _run(self, call: dict[str, Any]) -> ToolMessage:
        try:
            text = self.desk.run(call["name"], call["args"]).model_dump_json()
        except ModelMistake as mistake:
            return ToolMessage(f"Error: {mistake}", tool_call_id=call["id"], status="error")
        return ToolMessage(text, tool_call_id=call["id"], name=call["name"])

    def _remember(self, reply: str) -> None:
        """As the graph's last node does: whether the reply named what was proposed in this turn."""
        proposing = {"ask_advisor", "try_moves"}
        turn = turn_of(self.messages)
        called = {c["name"] for m in turn if isinstance(m, AIMessage) for c in m.tool_calls}
        shown = proposal_of({"proposal": self.desk.state.get("shown")})
        if shown is not None and called & proposing:
            self.told = all(m.stem in reply and f"{abs(m.gain_db):.1f}" in reply for m in shown.moves)


def noise(low_hz: float, high_hz: float, level_db: float, duration_s: float, seed: int) -> Audio:
    """A band of noise, stereo and the same on both sides, float32 (2, samples)."""
    rng = np.random.default_rng(seed)
    samples = round(duration_s * RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequencies_hz = np.fft.rfftfreq(samples, 1 / RATE_HZ)
    band = np.fft.irfft(spectrum * ((frequencies_hz >= low_hz) & (frequencies_hz < high_hz)), samples)
    mono = (band * 10 ** (level_db / 20) / np.sqrt(np.square(band).mean())).astype(np.float32)
    return np.stack([mono, mono])


def muddy_band(duration_s: float = 12.0) -> dict[str, Audio]:
    """A band whose keys fill the low mids."""
    stems = make_stems(duration_s)
    names = {"LeadVox": "vocals", "Kick": "drums", "Bass": "bass", "GtrL": "guitar"}
    return {name: 0.4 * stems[old] for name, old in names.items()} | {"Keys": noise(200, 450, -17, duration_s, 3)}


def hidden_voice(duration_s: float = 14.0) -> dict[str, Audio]:
    """A voice that a guitar hides between 1 and 5 kHz, for most of the song."""
    voice = (
        noise(150, 700, -26, duration_s, 1)
        + noise(700, 2000, -32, duration_s, 2)
        + noise(2000, 4000, -36, duration_s, 4)
    )
    guitar = noise(1000, 5000, -22, duration_s, 5)
    guitar[:, : 3 * RATE_HZ] = 0
    return {"LeadVox": voice, "GtrL": guitar, "Bass": noise(50, 120, -24, duration_s, 6)}


def open_song(folder: Path, stems: dict[str, Audio], reference: bool = False) -> Workbench:
    """A song of these stems on the workbench, with its own sum as reference where one is wanted."""
    write_song(folder / "song", stems)
    if reference:
        write_song(folder / "song" / "reference", {"mix": np.sum(list(stems.values()), axis=0)})
    return open_bench(folder / "song", read_settings(), None, None)


def quiet_singer(duration_s: float = 8.0) -> dict[str, Audio]:
    """A band with a singer that is too quiet, whose names are not those of their roles."""
    stems = make_stems(duration_s)
    names = {"LeadVox": "vocals", "Kick": "drums", "Bass": "bass", "GtrL": "guitar"}
    band = {name: stems[old] for name, old in names.items()}
    later = np.roll(stems["guitar"], 20000, axis=1)[:, ::-1].copy()
    return band | {"LeadVox": 0.45 * stems["vocals"], "Keys": later}


def guarded(talk: Conversation, said: Said, text: str = "") -> tuple[str, ...]:
    """What the guard has against a reply, as it is asked in the graph."""
    context = TurnContext.model_validate_json(str(said.messages[0].text).rsplit("\n", 1)[-1])
    sayings = (context.reference,) if context.reference else ()
    most = most_words(context.requests)
    roles = {stem.name: stem.role for stem in talk.bench.song.multitrack.stems}
    return objections(text or said.text, said.messages, roles, sayings, context=context, max_words=most)
