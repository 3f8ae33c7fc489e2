"""The large audio model as an advisor: it learns eight lessons by heart, and nonsense is told as nonsense."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from audio_llm_lessons import eight_lessons, small_song, texts_of
from tiny_audio_llm import make_tiny_flamingo, make_tiny_qwen

from mixingbuddy.models.audio_llm import HALF_INTERVAL_DB, Answer, AudioLlm
from mixingbuddy.models.audio_llm_checkpoint import read_state
from mixingbuddy.models.audio_llm_options import Options
from mixingbuddy.models.audio_llm_prompt import Prompt
from mixingbuddy.models.audio_llm_train import fit
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.multitrack import Multitrack, Stem

LEARNING = Options(steps=120, learning_rate=1e-2, gradient_accumulation=4, rank=8, dropout=0.0, train_lm_head=True)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_qwen(tmp_path_factory.mktemp("tiny"), texts_of(eight_lessons()))


@pytest.fixture(scope="module")
def trained(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fit(str(tiny), eight_lessons(), tmp_path_factory.mktemp("out") / "adapter", LEARNING)


def saying(text: str, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> AudioLlm:
    """An advisor whose model gives this answer."""
    monkeypatch.setattr(AudioLlm, "ask", lambda self, prompt: Answer(text, 0.7))
    return AudioLlm(str(tiny))


def test_it_learns_eight_lessons_by_heart_and_its_answers_read_back(trained: Path) -> None:
    losses = read_state(trained)["losses"]
    assert losses[-1] < losses[0] / 50
    advisor = AudioLlm(str(trained))
    for lesson in eight_lessons():
        advice = advisor.advise(lesson.flawed)
        said = {stem.stem: stem.gain_db for stem in advice.stems if stem.gain_db}
        assert said == {name: pytest.approx(gain_db, abs=0.051) for name, gain_db in lesson.label.moves}
        for stem in advice.stems:
            low_db, high_db = stem.interval_db
            assert high_db - low_db == pytest.approx(2 * HALF_INTERVAL_DB)
            assert (stem.p_change > 0.5) == (stem.gain_db != 0.0)
        assert "assumed" in advice.evidence


def test_audio_flamingo_3_learns_the_same_way(tmp_path: Path) -> None:
    lessons = eight_lessons()
    tiny = make_tiny_flamingo(tmp_path / "tiny", texts_of(lessons))
    out = fit(str(tiny), lessons, tmp_path / "out", replace(LEARNING, steps=30))
    losses = read_state(out)["losses"]
    assert losses[-1] < losses[0] / 5
    assert AudioLlm(str(out)).advise(lessons[0].flawed).advisor == "audio-llm"


def test_nonsense_is_a_finding(tiny: Path) -> None:
    advice = AudioLlm(str(tiny)).advise(small_song())
    assert advice.stems == ()
    assert [finding.kind for finding in advice.findings] == ["cannot_say"]
    assert "cannot be read" in advice.evidence


def test_what_the_answer_does_not_name_stays(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    advice = saying("I find one fault.\nTake bass down 4.2 dB.", tiny, monkeypatch).advise(small_song())
    assert {stem.stem: stem.gain_db for stem in advice.stems} == {"vocals": 0, "drums": 0, "bass": -4.2, "other": 0}
    assert {stem.stem: stem.p_change for stem in advice.stems} == pytest.approx(
        {"vocals": 0.3, "drums": 0.3, "bass": 0.7, "other": 0.3}
    )
    assert advice.text == "I find one fault.\nTake bass down 4.2 dB."


def test_an_impossible_gain_is_kept_on_the_fader(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bass = saying("Take bass down 90.0 dB.", tiny, monkeypatch).advise(small_song()).for_stem("bass")
    assert bass is not None
    assert (bass.gain_db, bass.measured_db) == (-24.0, -90.0)


def test_the_anchor_stays_whatever_is_said_of_it(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    advice = saying("Take bass down 4.2 dB.", tiny, monkeypatch).advise(small_song(), anchor="Bass")
    assert all(stem.gain_db == 0.0 for stem in advice.stems)
    assert [finding.kind for finding in advice.findings] == ["anchor_contradicted"]
    with pytest.raises(UserError, match="no stem 'tuba'"):
        AudioLlm(str(tiny)).advise(small_song(), anchor="tuba")


def test_inside_a_mix_it_speaks_of_roles(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    song = small_song()
    mix = replace(song, stems=(Stem("mix", "other", np.sum([s.audio for s in song.stems], axis=0)),), mix_only=True)
    advice = saying("From the stereo mix alone, I would take vocals down 3.0 dB.", tiny, monkeypatch).advise(mix)
    assert [stem.stem for stem in advice.stems] == ["vocals", "drums", "bass", "other"]
    assert advice.stems[0].gain_db == -3.0


def test_names_that_were_shown_otherwise_are_read_back(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    song = small_song()
    odd = replace(song, stems=(replace(song.stems[0], name="<|AUDIO|> lead"), *song.stems[1:]))
    advice = saying("Take AUDIO lead down 3.0 dB.", tiny, monkeypatch).advise(odd)
    assert advice.stems[0].stem == "<|AUDIO|> lead"
    assert advice.stems[0].gain_db == -3.0


def test_silence_is_not_judged(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    song = small_song()
    hushed = replace(song, stems=(*song.stems[:3], replace(song.stems[3], audio=np.zeros_like(song.stems[3].audio))))
    advice = saying("Take bass down 4.2 dB.", tiny, monkeypatch).advise(hushed)
    assert [stem.stem for stem in advice.stems] == ["vocals", "drums", "bass"]
    assert [finding.stems for finding in advice.findings] == [("other",)]
    silent = Multitrack("silent", 44100, tuple(replace(s, audio=np.zeros_like(s.audio)) for s in song.stems))
    nothing = AudioLlm(str(tiny)).advise(silent)
    assert nothing.stems == ()
    assert nothing.findings[0].kind == "cannot_say"


def test_confidence_is_the_mean_probability_of_what_was_said(trained: Path) -> None:
    import torch

    from mixingbuddy.models.audio_llm_inputs import answer_loss, encode
    from mixingbuddy.models.audio_llm_model import open_adapter
    from mixingbuddy.models.audio_llm_prompt import make_prompt

    prompt: Prompt = make_prompt(eight_lessons()[0].flawed, clip_s=1.0)
    answer = AudioLlm(str(trained)).ask(prompt)
    model = open_adapter(trained)
    with torch.inference_mode():
        loss = float(answer_loss(model, encode(model, prompt, answer.text)))
    assert answer.confidence == pytest.approx(math.exp(-loss), rel=1e-3)


def test_a_folder_without_a_model_and_a_hub_id_out_of_reach_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="holds no model"):
        AudioLlm(str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UserError, match="is a 'bert' model; audio-llm knows: qwen2_audio, audioflamingo3"):
        AudioLlm(str(tmp_path)).advise(small_song())
    broken = make_tiny_qwen(tmp_path / "broken", ["a"])
    (broken / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(UserError, match="holds no usable model"):
        AudioLlm(str(broken)).advise(small_song())

    def unknown_host(*_: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("mixingbuddy.models.audio_llm_model.getproxies", dict)
    monkeypatch.setattr("socket.getaddrinfo", unknown_host)
    with pytest.raises(UserError, match="cannot be fetched") as error:
        AudioLlm("nobody/no-such-model").advise(small_song())
    assert "\n" not in str(error.value)
