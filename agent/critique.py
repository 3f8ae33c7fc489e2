"""The whole job, unattended: open a song, critique it, prove the advice, write the files."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.agent.commands.measure import SongSummary, summarise
from mixingbuddy.agent.explaining import advisors_words
from mixingbuddy.agent.memory import open_memory
from mixingbuddy.agent.opening import open_model, open_session
from mixingbuddy.agent.outputs import MatchedMixes, write_mixes, write_recall
from mixingbuddy.agent.results import Proposed
from mixingbuddy.agent.session import MixingSession, memory_checkpoints
from mixingbuddy.agent.settings import Settings
from mixingbuddy.agent.state import ProposedMove
from mixingbuddy.agent.workbench import Workbench, total_faders
from mixingbuddy.agent.workspace import open_cache, open_workspace
from mixingbuddy.models.advisor import Advisor, ReferenceFit
from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.tools.analysis import known_sections
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.files import make_folder
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.levels import mixdown
from mixingbuddy.tools.multitrack import Song, load_song
from mixingbuddy.tools.render import CEILING_DBTP
from mixingbuddy.tools.verify import CheckedClaim

_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
DEFAULT_ASK = "critique this"
WRITTEN_FILES = ("mix_before.wav", "mix_after.wav", "recall.csv", "report.html")
Progress = Callable[[str], None]


class ReferenceSummary(BaseModel):
    """What the balance was compared with."""

    model_config = _RESULT

    kind: Literal["none", "mix", "stems"]
    same_song: bool | None
    name: str | None = None
    fit: ReferenceFit | None = None


class Verification(BaseModel):
    """What was promised and what was measured."""

    model_config = _RESULT

    status: Literal["proved", "partly", "nothing_to_do", "withdrawn"]
    attempts: int
    claims: tuple[CheckedClaim, ...]
    levels_lu: dict[str, float] = Field(
        default_factory=dict, description="stem to its level in the render, LU re mix; empty without moves"
    )
    headroom_gain_db: float = Field(le=0)


class Files(BaseModel):
    """Absolute paths of what was written; null where there was nothing to write."""

    model_config = _RESULT

    mix_before: str | None
    mix_after: str | None
    report: str | None
    recall: str | None


class CritiqueResult(BaseModel):
    """The document of `mixingbuddy critique --json`."""

    model_config = _RESULT

    song: SongSummary
    reference: ReferenceSummary
    advisor: str
    llm: str
    findings: tuple[Finding, ...]
    moves: tuple[ProposedMove, ...]
    verification: Verification
    reply: str
    files: Files


def open_bench(
    path: Path,
    settings: Settings,
    reference: Path | Literal["none"] | None,
    anchor: str | None,
    advisor: Advisor | None = None,
) -> Workbench:
    """Load a song and ask its advisor, `advisor` or the one that the settings name.

    Raises UserError for anything unusable: files, an advisor that cannot be loaded or cannot do with this song.
    """
    return bench_for(load_song(path, reference), settings, anchor, advisor)


def bench_for(song: Song, settings: Settings, anchor: str | None = None, advisor: Advisor | None = None) -> Workbench:
    """A workbench for a song in memory, its advisor asked. Raises UserError as `open_bench` does."""
    song.found.keep_off(settings.workspace_root)
    if anchor is not None and not song.multitrack.mix_only:  # inside a mix the advisor knows what can be one
        named = song.multitrack.stem(anchor)
        if named is None:
            raise UserError(f"no stem '{anchor}' to anchor to; this song has: {', '.join(song.multitrack.names)}")
        anchor = named.name
    bench = Workbench(
        song,
        advisor or open_advisor(settings.advisor_name),
        anchor,
        cache=open_cache(settings),
        apply_limit_db=settings.apply_limit_db,
    )
    bench.advice({})
    return bench


def critique(
    path: Path,
    settings: Settings,
    reference: Path | Literal["none"] | None = None,
    ask: str = DEFAULT_ASK,
    anchor: str | None = None,
    out: Path | None = None,
    progress: Progress = lambda step: None,
    advisor: Advisor | None = None,
) -> CritiqueResult:
    """Critique one song and write its files to `out` (the song's workspace by default).

    Raises UserError with one line for anything that cannot be used. The song's own files are only read.
    """
    progress("reading the stems and asking the advisor")
    model = open_model(settings)
    bench = open_bench(path, settings, reference, anchor, advisor)
    folder = out.expanduser() if out else open_workspace(bench.song, settings).renders
    for target in (folder, *(folder / name for name in WRITTEN_FILES)):
        bench.song.found.keep_off(target)
    make_folder(folder)
    progress("measuring and proving the advice")
    with open_memory(settings.workspace_root) as store:
        session = open_session(bench, settings, model, memory_checkpoints(), store, interactive=False)
        reply, proposed = _judged(session, ask)
    progress("writing the mixes and the report")
    return write_result(bench, settings.llm, proposed, reply, folder)


def _judged(session: MixingSession, ask: str) -> tuple[str, Proposed]:
    """The reply to what was asked, and the proposal: whatever was asked, a critique judges the balance."""
    turn = session.ask(ask, approver=lambda moves: False)
    reply, proposed = turn.reply, turn.proposed
    if proposed is None:
        # "Nothing to do" must rest on having looked.
        judged = session.ask(DEFAULT_ASK, approver=lambda moves: False)
        proposed = judged.proposed or Proposed(origin="advisor", moves=(), status="withdrawn")
        reply = f"{reply}\n{judged.reply}"
    if proposed.status in {"broken", "unverified"}:
        proposed = proposed.model_copy(update={"moves": (), "status": "withdrawn"})
    return reply, proposed


def write_result(bench: Workbench, llm: str, proposed: Proposed, reply: str, folder: Path) -> CritiqueResult:
    """Write the mixes, the recall sheet and the report of moves on the song as imported; gives what they say."""
    from mixingbuddy.agent.pictures import draw_pictures
    from mixingbuddy.agent.report import write_report

    after = total_faders({}, [move.plain() for move in proposed.moves])
    multitrack = bench.song.multitrack
    mixes = write_mixes(bench, {}, after, folder)
    recall = write_recall(after, multitrack.names, folder / "recall.csv")
    result = _result(bench, llm, proposed, reply, mixes).model_copy(
        update={
            "files": Files(
                mix_before=str((folder / "mix_before.wav").resolve()),
                mix_after=str((folder / "mix_after.wav").resolve()),
                report=str((folder / "report.html").resolve()),
                recall=str(recall.resolve()),
            )
        }
    )
    sections = known_sections(bench.measured.figures)
    pictures = draw_pictures(result, mixes, bench.measured, bench.measured_reference, sections)
    words = advisors_words(bench.advice({}), proposed.moves) if proposed.origin == "advisor" else None
    write_report(result, mixes, folder / "report.html", pictures, words)
    return result


def _result(bench: Workbench, llm: str, proposed: Proposed, reply: str, mixes: MatchedMixes) -> CritiqueResult:
    advice = bench.advice({})
    reference = bench.reference
    return CritiqueResult(
        song=summarise(bench.song.multitrack.name, bench.levels({})),
        reference=ReferenceSummary(
            kind=reference.kind if reference else "none",
            same_song=advice.fit.same_song if advice.fit else None,
            name=reference.name if reference else None,
            fit=advice.fit,
        ),
        advisor=advice.advisor,
        llm=llm,
        findings=(
            *bench.song.findings,
            *advice.findings,
            *bench.analysis.findings,
            *_peak_findings(bench),
            *_match_findings(mixes),
        ),
        moves=proposed.moves,
        verification=_verification(proposed),
        reply=reply,
        files=Files(mix_before=None, mix_after=None, report=None, recall=None),
    )


def _verification(proposed: Proposed) -> Verification:
    verdict = proposed.verdict
    claims = {(c.metric, c.stem): c for c in (*proposed.broken, *(verdict.claims if verdict else ()))}
    assert proposed.status not in {"broken", "unverified"}  # critique() has withdrawn those
    return Verification(
        status=proposed.status,
        attempts=proposed.attempts,
        claims=tuple(claims.values()),
        levels_lu=verdict.levels_lu if verdict else {},
        headroom_gain_db=verdict.headroom_gain_db if verdict else 0.0,
    )


def _peak_findings(bench: Workbench) -> list[Finding]:
    """Where the plain sum of the stems is too hot for the ceiling, if it is."""
    levels = bench.levels({})
    if levels.true_peak_dbtp is None or levels.true_peak_dbtp <= CEILING_DBTP:
        return []
    multitrack = bench.song.multitrack
    peak_s = int(np.abs(mixdown(multitrack, {})).max(axis=0).argmax()) / multitrack.sample_rate_hz
    return [
        Finding(
            kind="peak_over_ceiling",
            value=round(levels.true_peak_dbtp, 2),
            unit="dBTP",
            expected=(-120.0, CEILING_DBTP),
            where=(round(max(0.0, peak_s - 0.05), 2), round(min(peak_s + 0.05, multitrack.duration_s), 2)),
            severity="minor",
            source="true peak of the plain sum",
            text=f"The plain sum of the stems peaks at {levels.true_peak_dbtp:+.1f} dBTP, at {peak_s:.2f} s.",
        )
    ]


def _match_findings(mixes: MatchedMixes) -> list[Finding]:
    """What listening to the two written mixes needs to know."""
    target = f"{mixes.loudness_lufs:.1f} LUFS" if mixes.loudness_lufs is not None else "their own level"
    return [
        Finding(
            kind="loudness_match",
            value=round(gain_db, 2),
            unit="dB",
            severity="info",
            source="gain from the plain sum of the stems to the written file",
            text=f"{name}.wav is the sum of the stems at {gain_db:+.1f} dB; both files play at {target}.",
        )
        for name, gain_db in (("mix_before", mixes.before_gain_db), ("mix_after", mixes.after_gain_db))
    ]
