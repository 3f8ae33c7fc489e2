from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import soundfile
from planning import hidden_voice, muddy_band, open_song

from mixingbuddy.agent.critique import open_bench
from mixingbuddy.agent.inspecting import MOST_FINDINGS, inspect_song, inspection
from mixingbuddy.agent.results import Aspect
from mixingbuddy.agent.settings import read_settings


@pytest.mark.parametrize("aspect", get_args(Aspect))
def test_every_aspect_is_short_and_has_figures(song: Path, aspect: Aspect) -> None:
    told = inspect_song(open_bench(song, read_settings(), None, None), aspect)
    assert told.figures
    assert len(told.findings) <= MOST_FINDINGS
    assert len(told.model_dump_json()) < 4000


def test_findings_stand_under_their_aspect(song: Path) -> None:
    audio, rate_hz = soundfile.read(song / "bass.wav", dtype="float32")
    soundfile.write(song / "bass.wav", audio + np.float32(0.02), rate_hz, subtype="FLOAT")
    analysis = open_bench(song, read_settings(), None, None).analysis
    assert "dc_offset" in {finding.kind for finding in inspection(analysis, "hygiene").findings}
    assert "dc_offset" not in {finding.kind for finding in inspection(analysis, "stereo").findings}


def test_who_fills_a_part_of_the_spectrum(song: Path) -> None:
    figures = inspect_song(open_bench(song, read_settings(), None, None), "spectrum").figures
    assert figures["bass"]["low_share"] == max(own.get("low_share") or 0.0 for own in figures.values())
    assert "high_share" not in figures["bass"]
    assert sum(own.get("high_share") or 0.0 for own in figures.values()) == pytest.approx(1.0, abs=0.06)


def test_a_stem_named_is_what_it_is_about(tmp_path: Path) -> None:
    bench = open_song(tmp_path, hidden_voice())
    told = inspect_song(bench, "masking", ["LeadVox"])
    assert told.findings[0].stems == ("LeadVox", "GtrL")
    assert told.findings[0].where == pytest.approx((3.0, 14.0), abs=0.6)
    assert set(told.figures) == {"LeadVox"}
    assert inspect_song(bench, "masking", ["Bass"]).findings == ()
    assert set(inspect_song(bench, "dynamics", ["Bass"]).figures) == {"mix", "Bass"}


def test_masking_that_is_usual_is_told_when_asked_about(tmp_path: Path) -> None:
    bench = open_song(tmp_path, muddy_band())
    assert inspect_song(bench, "masking").findings == ()
    (asked,) = inspect_song(bench, "masking", ["LeadVox"]).findings
    assert (asked.stems, asked.severity) == (("LeadVox", "Keys"), "info")
