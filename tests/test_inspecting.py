from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import soundfile

from mixingbuddy.agent.critique import open_bench
from mixingbuddy.agent.inspecting import MOST_FINDINGS, inspection
from mixingbuddy.agent.results import Aspect
from mixingbuddy.agent.settings import read_settings


@pytest.mark.parametrize("aspect", get_args(Aspect))
def test_every_aspect_is_short_and_has_figures(song: Path, aspect: Aspect) -> None:
    told = inspection(open_bench(song, read_settings(), None, None).analysis, aspect)
    assert told.figures
    assert len(told.findings) <= MOST_FINDINGS
    assert len(told.model_dump_json()) < 4000


def test_findings_stand_under_their_aspect(song: Path) -> None:
    audio, rate_hz = soundfile.read(song / "bass.wav", dtype="float32")
    soundfile.write(song / "bass.wav", audio + np.float32(0.02), rate_hz, subtype="FLOAT")
    analysis = open_bench(song, read_settings(), None, None).analysis
    assert "dc_offset" in {finding.kind for finding in inspection(analysis, "hygiene").findings}
    assert "dc_offset" not in {finding.kind for finding in inspection(analysis, "stereo").findings}
