"""The blind test: its figures are exact, its page holds everything, and nothing in it tells what X is."""

import base64
import hashlib
import html
import io
import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from scipy.stats import binomtest
from songs import RATE_HZ, make_stems, write_song

from mixingbuddy.agent.listening.blind_test import write_blind_test
from mixingbuddy.agent.listening.listening_clips import heard_pair, loudness_lufs
from mixingbuddy.agent.listening.listening_sides import Sides, stem_sides, version_sides
from mixingbuddy.agent.state import FIRST_VERSION, Version
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.tools.multitrack import load_song

HOSTILE = "</script><img src=x onerror=alert(1)>{{ 7 * 7 }}"
LOUDER = Version(id=2, parent=1, faders={"vocals": 4.0}, label="", name=HOSTILE)
# A random source that gives what it is told to, and a page that listens to nothing.
SCRIPTED = "const source = (bits) => ({ getRandomValues: (array) => { array[0] = bits.shift(); return array; } });"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    folder = write_song(tmp_path_factory.mktemp("song") / "<b>night & day", make_stems())
    return Workbench(load_song(folder, "none"), open_advisor("level-difference"))


@pytest.fixture(scope="module")
def sides() -> Sides:
    return version_sides(FIRST_VERSION, LOUDER)


@pytest.fixture(scope="module")
def page(bench: Workbench, sides: Sides, tmp_path_factory: pytest.TempPathFactory) -> str:
    told = write_blind_test(bench, sides, tmp_path_factory.mktemp("out"))
    assert told.page is not None
    return Path(told.page).read_text(encoding="utf-8")


def blocks(page: str, kind: str) -> list[str]:
    """What stands inside the `<script>` elements with these attributes."""
    return re.findall(rf"<script{kind}>(.*?)</script>", page, re.DOTALL)


def run_in_node(program: str) -> Any:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    done = subprocess.run([node, "-e", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def statistics(page: str) -> str:
    """The part of the page that needs no browser."""
    return blocks(page, "")[0]


def test_the_p_value_is_the_exact_binomial_one(statistics: str) -> None:
    cases = [(right, trials) for trials in range(5, 26) for right in range(trials + 1)]
    program = f"{statistics}; console.log(JSON.stringify({json.dumps(cases)}.map(([k, n]) => abx.pValue(k, n))))"
    for (right, trials), p_value in zip(cases, run_in_node(program), strict=True):
        assert p_value == pytest.approx(binomtest(right, trials, 0.5, "greater").pvalue, rel=1e-12)


@pytest.mark.parametrize(
    ("right", "trials", "words"),
    [
        (
            8,
            10,
            "8 of 10 right: by guessing you would get this or better in 5.5 % of tests. That may be more than luck",
        ),
        (10, 10, "in fewer than 0.1 % of tests. That is no luck: you hear the difference."),
        (25, 25, "in fewer than 0.1 % of tests."),
        (9, 10, "in 1.1 % of tests. That is hardly luck"),
        (5, 10, "in 62.3 % of tests. That can well be luck. It does not prove that there is nothing to hear"),
        (0, 10, "in 100 % of tests."),
    ],
)
def test_a_result_is_told_in_plain_words(statistics: str, right: int, trials: int, words: str) -> None:
    told = run_in_node(f"{statistics}; console.log(JSON.stringify(abx.verdict({right}, {trials})))")
    assert words in told


def test_x_plays_what_it_is_and_answers_are_held_against_it(statistics: str) -> None:
    # First bit: which mix is A. Then one for X in every trial: A, B, B, A, B, and one that is never used.
    program = f"""{statistics}; {SCRIPTED}
    const test = new abx.Test(5, source([1, 0, 1, 1, 0, 1, 0]));
    const heard = [];
    for (const said of ["A", "A", "B", "A", "A"]) {{
      heard.push(["A", "B", "X"].map((side) => test.source(side)));
      test.answer(said, 1.5);
    }}
    test.answer("A", 1);
    console.log(JSON.stringify({{ heard, result: test.result(), done: test.done }}));"""
    told = run_in_node(program)
    assert [sources[:2] for sources in told["heard"]] == [[1, 0]] * 5
    assert [sources[2] for sources in told["heard"]] == [1, 0, 0, 1, 0]
    assert [trial["x"] for trial in told["result"]["trials"]] == list("ABBAB")
    assert [trial["right"] for trial in told["result"]["trials"]] == [True, False, True, True, False]
    assert (told["result"]["right"], told["result"]["count"], told["done"]) == (3, 5, True)
    assert told["result"]["p_value"] == pytest.approx(binomtest(3, 5, 0.5, "greater").pvalue)


def test_before_the_last_answer_nothing_tells_what_x_is(statistics: str) -> None:
    program = f"""{statistics}; {SCRIPTED}
    const shown = [0, 1].map((x) => {{
      const test = new abx.Test(5, source([0, x, 1, 1, 1, 1, 1]));
      const visible = [JSON.stringify(test), Object.getOwnPropertyNames(test), test.result(), test.number, test.right];
      test.answer("A", 1);
      return JSON.stringify([visible, JSON.stringify(test), test.result(), test.number]);
    }});
    console.log(JSON.stringify(shown));"""
    first, second = run_in_node(program)
    assert first == second


def test_the_browsers_own_random_source_is_fair(statistics: str) -> None:
    program = f"""{statistics}
    const x = [], order = [];
    for (let i = 0; i < 400; i += 1) {{
      const test = new abx.Test(5, require("node:crypto").webcrypto);
      order.push(test.source("A"));
      while (!test.done) test.answer("A", 1);
      x.push(...test.result().trials.map((trial) => trial.x));
    }}
    console.log(JSON.stringify({{ x, order }}));"""
    told = run_in_node(program)
    for drawn, first in ((told["x"], "A"), (told["order"], 0)):
        assert binomtest(Counter(drawn)[first], len(drawn), 0.5).pvalue > 1e-6


@pytest.mark.parametrize(("asked", "given"), [(10, 10), (1, 5), (99, 25), ("NaN", 5), (7.4, 7)])
def test_the_number_of_trials_is_bounded(statistics: str, asked: object, given: int) -> None:
    program = f"{statistics}; {SCRIPTED} console.log(new abx.Test({asked}, source([0, 0])).count)"
    assert run_in_node(program) == given


def test_both_scripts_are_sound(page: str) -> None:
    for script in blocks(page, ""):
        assert run_in_node(f"new Function({json.dumps(script)}); console.log(1)") == 1


def test_the_page_holds_its_audio_equally_loud(page: str, bench: Workbench, sides: Sides) -> None:
    heard = heard_pair(bench, sides)
    facts = json.loads(blocks(page, ' type="application/json" data-facts')[0])
    loudness = []
    for coded, side in zip(blocks(page, ' type="text/plain" data-audio'), (heard.a, heard.b), strict=True):
        audio, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(coded)), dtype="float32")
        assert rate_hz == RATE_HZ
        assert np.abs(audio.T - side.clip.audio).max() < 2**-15
        loudness.append(loudness_lufs(audio.T, rate_hz))
    assert loudness == [pytest.approx(facts["loudness_lufs"], abs=0.1)] * 2
    text = html.unescape(re.sub(r"<[^>]+>", "", page.split("<body>")[1].split("<script")[0])).replace("\u00a0", " ")
    assert f"Both play at −{-facts['loudness_lufs']:.1f} LUFS" in text
    assert "version 1 at 0.0 dB" in text
    assert f"at −{-heard.b.gain_db:.1f} dB" in text


def test_the_page_fetches_nothing_and_runs_no_other_code(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    allowed = html.unescape(policy[1])
    assert allowed.startswith("default-src 'none'")
    code = [*blocks(page, ""), *re.findall(r"<style>(.*?)</style>", page, re.DOTALL)]
    digests = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in code]
    assert len(digests) == 3
    assert all(f"'sha256-{digest}'" in allowed for digest in digests)
    assert not re.search(r"https?:|@import|url\(|<[a-z]+[^>]*\ssrc=", re.sub(r"data-audio>[^<]*", "", page))


def test_names_in_a_song_are_text(page: str) -> None:
    assert "<img" not in page
    assert "&lt;b&gt;night &amp; day" in page
    assert "{{ 7 * 7 }}" in html.unescape(page)
    facts = json.loads(blocks(page, ' type="application/json" data-facts')[0])
    assert HOSTILE in facts["sides"][1]["what"]


def test_a_page_says_where_both_are_the_same_and_keeps_names_as_they_are(bench: Workbench, tmp_path: Path) -> None:
    told = write_blind_test(bench, version_sides(FIRST_VERSION, FIRST_VERSION), tmp_path)
    assert told.same
    assert "there is nothing to hear" in Path(told.page or "").read_text(encoding="utf-8")
    stem = write_blind_test(bench, stem_sides(bench.song.multitrack, FIRST_VERSION, "guitar"), tmp_path)
    assert "version 1 without guitar" in Path(stem.page or "").read_text(encoding="utf-8")


def test_every_control_has_a_name_and_the_keys_are_told(page: str) -> None:
    body = page.split("<body>")[1]
    for control in re.findall(r"<(?:select|textarea|input)[^>]*>", body):
        named = re.search(r'aria-label="[^"]+"|id="(\w+)"', control)
        assert 'type="radio"' in control or named is not None
        assert named is None or named[1] is None or f'<label for="{named[1]}">' in body
    assert re.findall(r"<kbd>([^<]+)</kbd>", body) == ["A", "B", "X", "←", "→", "space", "1", "2"]
    assert [int(count) for count in re.findall(r"<option[^>]*>(\d+)", body)] == list(range(5, 26))
    assert "<option selected>10</option>" in body
