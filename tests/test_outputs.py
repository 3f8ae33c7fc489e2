import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from songs import RATE_HZ

from mixingbuddy.agent.commands.moves_file import read_moves
from mixingbuddy.agent.critique import open_bench
from mixingbuddy.agent.outputs import loudness_matched, write_mixes, write_recall
from mixingbuddy.agent.settings import read_settings
from mixingbuddy.tools.audio import read_clip
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.levels import k_weighted_hops
from mixingbuddy.tools.loudness import integrated_lufs, true_peak_dbtp
from mixingbuddy.tools.render import Render


def test_both_mixes_play_equally_loud_and_never_clip(quiet_vocals: Path, tmp_path: Path) -> None:
    bench = open_bench(quiet_vocals, read_settings(), None, None)
    matched = write_mixes(bench, {}, {"vocals": 7.0, "bass": -2.0}, tmp_path)
    measured = []
    for name in ("mix_before.wav", "mix_after.wav"):
        assert soundfile.info(tmp_path / name).subtype == "PCM_24"
        clip = read_clip(tmp_path / name)
        peak = true_peak_dbtp(clip.audio)
        assert peak is not None
        assert peak <= -1.0
        measured.append(integrated_lufs(k_weighted_hops(clip.audio, clip.sample_rate_hz)))
    assert measured[0] == pytest.approx(measured[1], abs=0.01)
    assert measured[0] == pytest.approx(matched.loudness_lufs, abs=0.01)


def test_the_stated_gain_leads_from_the_plain_sum_to_the_file(quiet_vocals: Path, tmp_path: Path) -> None:
    bench = open_bench(quiet_vocals, read_settings(), None, None)
    matched = write_mixes(bench, {}, {"vocals": 7.0}, tmp_path)
    plain = sum(stem.audio for stem in bench.song.multitrack.stems)
    written = read_clip(tmp_path / "mix_before.wav").audio
    assert np.abs(plain * 10 ** (matched.before_gain_db / 20) - written).max() < 1e-6


def test_what_cannot_be_measured_is_left_at_its_level() -> None:
    short = Render(np.full((2, 100), 0.1, np.float32), RATE_HZ, {}, 0.0, -20.0)
    matched = loudness_matched(short, short)
    assert (matched.before_gain_db, matched.after_gain_db, matched.loudness_lufs) == (0.0, 0.0, None)


def test_the_recall_sheet_reads_back(tmp_path: Path) -> None:
    stems = ("vocals", '=HYPERLINK("x")', 'a "quoted", name', "bass")
    path = write_recall({"vocals": 7.0, '=HYPERLINK("x")': -1.5}, stems, tmp_path / "recall.csv")
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert [row["gain_db"] for row in rows] == ["7.0", "-1.5", "0.0", "0.0"]
    assert not any(row["stem"].startswith("=") for row in rows)
    assert {m.stem: m.gain_db for m in read_moves(path, stems)} == dict(zip(stems, [7.0, -1.5, 0.0, 0.0], strict=True))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("m.json", '[{"stem": "vocals", "gain_db": 40}]', "move 0.gain_db: got 40"),
        ("m.json", '{"no": 1}', "no list of moves"),
        ("m.json", "what?", "neither JSON nor a .csv"),
        ("m.json", "[3]", "move 0"),
        ("m.csv", "stem,gain_db\nvocals,loud\n", "move 0.gain_db: got 'loud'"),
        ("m.csv", "a,b\n1,2\n", "columns stem and gain_db"),
    ],
)
def test_wrong_moves_are_named(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=says):
        read_moves(tmp_path / name, ("vocals",))


def test_a_critique_document_can_be_rendered_again(tmp_path: Path) -> None:
    document = '{"moves": [{"kind": "gain", "stem": "vocals", "gain_db": 7.0, "reason": "r", "confidence": 0.9}]}'
    (tmp_path / "result.json").write_text(document)
    assert [m.gain_db for m in read_moves(tmp_path / "result.json", ("vocals",))] == [7.0]
