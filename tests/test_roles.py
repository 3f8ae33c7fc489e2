"""Roles from names: the field's abbreviations, honest doubt, and a published data set's labels."""

import importlib.util
import subprocess
import sys
import time
import tomllib
from collections import Counter
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mixingbuddy.tools.roles import ROLES, RoleGuess, group_of, guess_role

ROOT = Path(__file__).resolve().parent.parent

VOCABULARY = tomllib.loads((files("mixingbuddy.tools") / "role_vocabulary.toml").read_text(encoding="utf-8"))
NAMED = [
    (text, role)
    for weight in ("strong", "weak", "returns")
    for role, texts in VOCABULARY[weight].items()
    for text in texts
]

SURE = {
    "vocals": [
        "LeadVox_03",
        "Vocals30",
        "vocals",
        "VOXB",
        "LDVocChDbl1",
        "bass vocal",
        "Leslie Vox",
        "Tom Vox",
        "vox.wav",
    ],
    "backing_vocals": ["BGV", "bgvox_1", "BackingVox3", "BG vox 4", "Oohs", "AHHHH!", "Choir", "Harm 1"],
    "drums": ["drumz", "KickSnare", "Drum Bus", "01 - Drums (Stereo)", "DrumsPerc", "KIT", "batería"],
    "kick": ["Kick In", "Bass Drum", "bassdrum", "KIn", "K Out", "KickSub", "808 Kick", "02_KickOut"],
    "snare": ["snaretop", "SN_BTM", "Snare-T", "SNR TOP 2", "Side Stick"],
    "hats": ["hihat", "HH", "Hat", "Hi Hats", "04_HiHat", "DrRmHH_07"],
    "toms": ["tomThree", "Floor tom", "FlTom", "Tom 2", "Hi Tom", "Rack 1"],
    "overheads": ["OH L", "OHR", "Overheads_Left", "Cym L", "Room", "Drum Room", "DrumsAmbience1"],
    "percussion": ["tambo", "Shkr", "Conga", "Cajon", "Cowbell", "Stomp Clap", "Steel Drum"],
    "bass": ["Bass Gtr", "bassdi", "Bass Amp DI", "SubBass", "BassSynth", "Double Bass", "Slap Bass"],
    "guitar": ["08_ElecGtr1", "guitTwo", "gtr_L", "Gtr Amp", "AG", "GtrRoom", "E. Gtr", "Rev Gtr", "gitarre"],
    "keys": [
        "E_PNO",
        "Rhds",
        "Wurli",
        "B3",
        "PianoSynth30",
        "Acoustic Piano",
        "Lead Synth",
        "Vox Continental",
    ],
    "strings": ["violins", "Vln", "Cello", "12_Strings", "String Quartet"],
    "brass": ["Tbn", "Tpt 1", "TenorSax", "French Horn", "Bass Trombone"],
    "fx": ["Snare Verb", "RVB Plate", "Vox Reverb", "fx_return", "SFX", "Delay"],
    "other": ["Flute", "Bass Clarinet", "Click", "other"],
}
UNSURE = {
    "John Hi L": "'hi' could be hi-hat, or high",
    "DI": "'di' could be any instrument's direct signal",
    "Lead 1": "'lead' could be a lead vocal, guitar or synth",
    "808": "'808' could be a kick or a bass",
    "T1": "'t' could be tom, top, take or track",
    "12_String": "'12 string' could be a twelve-string guitar, or track 12, strings",
    "Rough Mix": "'mix' could be a whole mix",
    "BassDrums30": "two instruments in one name: 'bass' (bass) and 'drums' (drums)",
    "bassdrums": "two instruments in one name: 'bass' (bass) and 'drums' (drums)",
    "Vox Pad": "two instruments in one name: 'vox' (vocals) and 'pad' (keys)",
    "Gtr Delay": "two instruments in one name: 'gtr' (guitar) and 'delay' (fx)",
    "Oh Darling": "'oh' often means overheads, but 'darling' is not a known word",
    "Tom Petty": "'tom' often means toms, but 'petty' is not a known word",
    "Coles_07": "no known instrument word in 'Coles_07'",
    "": "the name has no readable letters",
    "\ud800": "the name has no readable letters",
    "🥁": "no known instrument word in '🥁'",
}


@pytest.mark.parametrize(("role", "name"), [(role, name) for role, names in SURE.items() for name in names])
def test_engineers_names(role: str, name: str) -> None:
    guess = guess_role(name)
    assert (guess.role, guess.sure) == (role, True), guess.evidence


@pytest.mark.parametrize(("name", "evidence"), UNSURE.items())
def test_doubt_is_said_and_explained(name: str, evidence: str) -> None:
    assert guess_role(name) == RoleGuess(role="other", sure=False, evidence=evidence)


@pytest.mark.parametrize(
    "name", ["Tomb", "Padre", "Snout", "Hatch", "Begin", "hatred", "Kitchen", "Bassinet", "cellist"]
)
def test_ordinary_words_that_contain_an_instrument_are_not_one(name: str) -> None:
    assert not guess_role(name).sure


def test_evidence_quotes_the_words_that_decided() -> None:
    assert guess_role("Snare Verb").evidence == "'verb': an effect return"
    assert guess_role("KickSnare").evidence == "'kick' + 'snare': several drums"
    assert guess_role("08_GTR amp").evidence == "'gtr': guitar"


def test_groups() -> None:
    drums = {role for role in ROLES if group_of(role) == "drums"}
    assert drums == {"drums", "kick", "snare", "hats", "toms", "overheads", "percussion"}
    assert group_of("backing_vocals") == "vocals"
    assert all(group_of(role) == role for role in ROLES if role not in drums | {"backing_vocals"})


def test_an_unsure_guess_with_a_role_cannot_be_made() -> None:
    with pytest.raises(ValidationError, match="an unsure guess has the role 'other', not 'kick'"):
        RoleGuess(role="kick", sure=False, evidence="")


@given(st.text(max_size=300))
def test_any_text_gets_a_valid_guess(name: str) -> None:
    guess = guess_role(name)
    assert guess.role in ROLES
    assert guess.sure or guess.role == "other"
    assert guess.evidence
    assert "\n" not in guess.evidence
    assert guess == guess_role(name)


@given(st.lists(st.sampled_from([text for text, _ in NAMED]), min_size=1, max_size=4).map(" ".join))
def test_words_of_one_name_never_raise_and_evidence_stays_short(name: str) -> None:
    assert 0 < len(guess_role(name).evidence) < 160


@given(
    st.sampled_from(NAMED),
    st.sampled_from(["", "03_", "07 - ", "(", "\n"]),
    st.sampled_from(["", "_05", " 2", ".01_03", " L", " (Stereo)", " 🎸"]),
    st.sampled_from([str.lower, str.upper, str.title]),
)
def test_every_vocabulary_phrase_means_its_role_in_any_dress(named, before, after, in_case) -> None:
    text, role = named
    guess = guess_role(f"{before}{in_case(text)}{after}")
    assert (guess.role, guess.sure) == (role, True), guess.evidence


def test_no_phrase_is_listed_twice() -> None:
    listed = Counter([text for text, _ in NAMED] + list(VOCABULARY["ambiguous"]))
    listed.update(text for texts in VOCABULARY["qualifiers"].values() for text in texts)
    assert [text for text, times in listed.items() if times > 1] == []
    assert set(VOCABULARY["strong"]) | set(VOCABULARY["weak"]) <= set(ROLES)


@pytest.mark.parametrize("name", ["LDVocChDbl1 CONS", "a" * 10_000, "snaretop" * 1_250, "aB" * 5_000, "Kick\n" * 2_000])
def test_a_name_takes_less_than_a_millisecond(name: str) -> None:
    guess_role(name)
    times_s = []
    for _ in range(20):
        start_s = time.perf_counter()
        guess_role(name)
        times_s.append(time.perf_counter() - start_s)
    assert min(times_s) < 1e-3


def test_importing_brings_no_numerical_library() -> None:
    heavy = "{'numpy', 'scipy', 'librosa', 'torch'}"
    code = f"import sys, mixingbuddy.tools.roles; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def _benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_roles", ROOT / "benchmarks" / "roles.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_split_is_by_song_in_turn() -> None:
    benchmark = _benchmark()
    tracks = [benchmark.Track(song, "Kick", "drums") for song in "dacbe"]
    development, held_out = benchmark.split(tracks)
    assert {track.song for track in development} == {"a", "c", "e"}
    assert {track.song for track in held_out} == {"b", "d"}


def test_the_score_counts_right_wrong_and_unsure() -> None:
    benchmark = _benchmark()
    tracks = [
        benchmark.Track("s", name, group)
        for name, group in [("Kick", "drums"), ("Bass", "bass"), ("Gtr", "keys"), ("xyz", "keys")]
    ]
    assert benchmark.score(tracks) == (4, 50.0, 25.0, 25.0)


def test_missing_data_is_one_line_and_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _benchmark().main(["--data", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"no mixparams.json.gz in '{tmp_path}'; name its folder with --data\n"


def test_held_out_songs_of_mixparams(shared_data: Path) -> None:
    benchmark = _benchmark()
    tracks = benchmark.read_tracks(shared_data / "mixparams")
    _, held_out = benchmark.split(tracks)
    assert (len(tracks), len(held_out)) == (2341, 1080)
    figures = benchmark.score(held_out)
    assert figures.right_pct >= 85
    assert figures.wrong_pct <= 4
