"""The advisor's own words are told only about its own moves, and only as far as its figures bear them out."""

from collections.abc import Callable
from pathlib import Path

from mixingbuddy.agent.explaining import advisors_words, levels_lu
from mixingbuddy.agent.nodes import draft_objections
from mixingbuddy.agent.session import MixingSession, memory_checkpoints
from mixingbuddy.agent.speech.planner import OfflinePlanner
from mixingbuddy.agent.state import ProposedMove
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.models.advisor import GainAdvice, StemAdvice
from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.multitrack import load_song

TRUE = "Bring vox 2 and choir up by 4.0 dB (between 2.5 and 6.0 dB): they stand at -9.1 LU, and -5.1 LU is usual."


def advice(text: str | None) -> GainAdvice:
    stems = tuple(
        StemAdvice(stem=stem, gain_db=gain, measured_db=gain, interval_db=interval, p_change=0.9, reason="")
        for stem, gain, interval in (
            ("vox 2", 4.0, (2.5, 6.0)),
            ("choir", 4.0, (2.5, 6.0)),
            ("bass", 0.0, (-1.3, 1.7)),
        )
    )
    level = Finding(
        kind="group_balance", stems=("vox 2", "choir"), value=-9.12, unit="LU", source="ear", text="Vocals at -9.1 LU."
    )
    return GainAdvice(advisor="ear", stems=stems, evidence="", text=text, findings=(level,))


def moves(**gains_db: float) -> tuple[ProposedMove, ...]:
    return tuple(ProposedMove(stem=stem.replace("_", " "), gain_db=gain_db) for stem, gain_db in gains_db.items())


def test_words_about_the_same_moves_are_told_as_they_are() -> None:
    text = f"Two faders are off.\n{TRUE}"
    assert advisors_words(advice(text), moves(vox_2=4.0, choir=4.0)) == text


def test_levels_lead_from_where_the_group_stands_to_where_its_move_takes_it() -> None:
    assert levels_lu(advice(None)) == {"vox 2": (-9.12, -5.12), "choir": (-9.12, -5.12)}


def test_sentences_with_another_figure_are_dropped() -> None:
    for wrong in (TRUE.replace("4.0", "4.5"), TRUE.replace("-9.1", "-8.1"), TRUE.replace("6.0", "1.7"), "It is 'off'."):
        assert advisors_words(advice(f"{TRUE}\n{wrong}"), moves(vox_2=4.0, choir=4.0)) == TRUE
        assert advisors_words(advice(wrong), moves(vox_2=4.0, choir=4.0)) is None


def test_words_about_other_moves_are_not_told() -> None:
    for changed in (moves(), moves(vox_2=4.0), moves(vox_2=4.0, choir=3.0), moves(vox_2=4.0, choir=4.0, bass=1.0)):
        assert advisors_words(advice(TRUE), changed) is None
    assert advisors_words(advice(None), moves(vox_2=4.0, choir=4.0)) is None


def test_the_default_advisors_words_pass_the_reply_guard(falcon: Callable[..., Path], other_mix: Path) -> None:
    bench = Workbench(load_song(falcon(vocals=-14.0), other_mix), open_advisor("differential"))
    talk = MixingSession(bench, OfflinePlanner(), memory_checkpoints())
    told = []
    for line in ("critique", "why?", "a bit less", "why?"):
        reply = talk.ask(line, lambda moves: False).reply
        assert draft_objections(reply, talk.state, bench) == ()
        told.append("The advisor says:" in reply)
    # Words about the first proposal are no words about a smaller one.
    assert told == [False, True, False, False]
