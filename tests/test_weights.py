"""Weights come from a folder, safetensors only and without a network; what is wrong with them is said in one line."""

import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_differential import tiny_model, tiny_single_mix

from mixingbuddy.models.differential import weights
from mixingbuddy.models.differential.advisor import Differential
from mixingbuddy.models.differential.weights import (
    BASE,
    load_model,
    load_single_mix,
    merge_adapter,
    save_calibration,
    weights_folder,
)
from mixingbuddy.tools.errors import UserError

SCALE = 1.75
ADAPTED = r".*(query_key_value|attended|feed_up|feed_down|into_tokens|shares)"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder of weights as training writes it."""
    from mixingbuddy.models.differential.recipes import save_model

    return save_model(tiny_model(), tmp_path / "base")


@pytest.fixture(scope="module")
def trained_adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter on the tiny model as peft saves it, with all its weights away from zero."""
    import torch
    from peft import LoraConfig, get_peft_model
    from tiny_differential import tiny

    from mixingbuddy.models.differential.compact import CompactModel

    folder = tmp_path_factory.mktemp("adapter")
    model = get_peft_model(tiny(CompactModel), LoraConfig(r=3, lora_alpha=8, target_modules=ADAPTED))
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(4)
        for name, weight in model.named_parameters():
            if "lora_" in name:
                weight.normal_(0, 0.3)
    model.save_pretrained(str(folder), safe_serialization=True)
    save_calibration(folder, SCALE)
    return folder


@pytest.fixture
def adapter(trained_adapter: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained_adapter, tmp_path / "adapter"))


def refusal(load: Callable[[], object]) -> str:
    """The one line that refuses."""
    with pytest.raises(UserError) as refused:
        load()
    line = str(refused.value)
    assert len(line.splitlines()) == 1
    assert "install the package again, or make the weights with `mixingbuddy train`" in line
    return line


def edit(path: Path, **values: Any) -> None:
    settings = json.loads(path.read_text())
    path.write_text(json.dumps(settings | values))


def rewritten(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    from safetensors.torch import load_file, save_file

    save_file(change(load_file(path)), path, metadata={"format": "pt"})


# Base weights


def test_what_training_saved_is_loaded_as_it_was_to_float16(base: Path) -> None:
    import torch

    saved, loaded = tiny_model().state_dict(), load_model(base)
    assert not loaded.training
    for name, value in loaded.state_dict().items():
        assert value.dtype in (torch.float32, torch.int64)
        torch.testing.assert_close(value, saved[name], rtol=1e-3, atol=1e-6)
    assert loaded.config == tiny_model().config


def test_a_missing_folder(tmp_path: Path) -> None:
    assert refusal(lambda: load_model(tmp_path / "nowhere")).startswith(f"no 'config.json' in '{tmp_path}/nowhere'")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file(base: Path, name: str) -> None:
    (base / name).unlink()
    assert f"no '{name}' in '{base}'" in refusal(lambda: load_model(base))


@pytest.mark.parametrize("kept", [0, 4, 100, 20_000])
def test_truncated_weights(base: Path, kept: int) -> None:
    file = base / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    assert f"the weights in '{base}' cannot be read" in refusal(lambda: load_model(base))


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe\x00", b"[1, 2]", b"null", b"7", b'"text"', b'{"format_version": 1, "channels": 3}'],
)
def test_a_damaged_configuration(base: Path, content: bytes) -> None:
    (base / "config.json").write_bytes(content)
    assert f"'{base}/config.json' is damaged" in refusal(lambda: load_model(base))


@pytest.mark.parametrize(
    "values",
    [
        {"channels": "many"},
        {"width": -4},
        {"heads": 0},
        {"hearing_scale": 0},
        {"hearing_scale": "NaN"},
        {"vocabulary": 5},
        {"vocabulary": ["a", "b"]},
        {"balance_mean_db": [0, 0, 0]},
        {"balance_covariance_db": [[1, 0], [0, 1]]},
        {"balance_covariance_db": [[1, 0, 0, 0]]},
        {"width": 18, "heads": 4},
    ],
)
def test_a_configuration_with_values_that_cannot_be(base: Path, values: dict[str, Any]) -> None:
    edit(base / "config.json", **values)
    assert str(base) in refusal(lambda: load_model(base))


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_weights_of_another_version(base: Path, version: object) -> None:
    edit(base / "config.json", format_version=version)
    line = refusal(lambda: load_model(base))
    assert line.startswith(f"'{base}' holds weights of format {version}, this version reads 1")


@pytest.mark.parametrize("values", [{"width": 32}, {"text_layers": 2}, {"channels": [4, 4, 16]}])
def test_weights_that_do_not_fit_their_configuration(base: Path, values: dict[str, Any]) -> None:
    edit(base / "config.json", **values)
    assert f"the weights in '{base}' do not fit" in refusal(lambda: load_model(base))


def test_weights_with_one_missing_and_with_one_too_many(base: Path) -> None:
    import torch

    rewritten(base / "model.safetensors", lambda state: state | {"ear.extra": torch.ones(2)})
    assert "'ear.extra'" in refusal(lambda: load_model(base))
    rewritten(
        base / "model.safetensors", lambda s: {k: v for k, v in s.items() if k not in ("ear.extra", "ear.queries")}
    )
    assert "'ear.queries'" in refusal(lambda: load_model(base))


def test_weights_of_the_baseline_are_no_weights_of_the_model(tmp_path: Path) -> None:
    from mixingbuddy.models.differential.recipes import save_model

    folder = save_model(tiny_single_mix(), tmp_path / "single")
    assert load_single_mix(folder).config == tiny_single_mix().config
    refusal(lambda: load_model(folder))
    refusal(lambda: load_single_mix(save_model(tiny_model(), tmp_path / "base")))


class Bomb:
    """Unpickling this leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self._mark,))


@pytest.mark.parametrize("beside", [True, False])
def test_a_pickle_is_never_opened(base: Path, adapter: Path, tmp_path: Path, beside: bool) -> None:
    mark = tmp_path / "opened"
    for folder, name in ((base, "model"), (adapter, "adapter_model")):
        for pickled in ("pytorch_model.bin", "adapter_model.bin", "model.pt", "training_args.bin"):
            (folder / pickled).write_bytes(pickle.dumps(Bomb(mark)))
        if not beside:
            (folder / f"{name}.safetensors").unlink()
    if beside:
        load_model(base, adapter)
    else:
        refusal(lambda: load_model(base))
        refusal(lambda: merge_adapter(tiny_model(), adapter))
    assert not mark.exists()
    pickle.loads((base / "pytorch_model.bin").read_bytes())
    assert mark.exists()


# The adapter


def test_a_merged_adapter_says_what_peft_says(base: Path, adapter: Path) -> None:
    """The same levels and the same scores of words as `PeftModel` gives, which keeps the adapter apart."""
    import torch
    from peft import PeftModel
    from safetensors.torch import save_file

    from mixingbuddy.models.differential.writer import FIGURES, GROUP_FIGURES, About

    save_file({n: v.contiguous() for n, v in tiny_model().state_dict().items()}, base / "model.safetensors")
    plain, merged = load_model(base), load_model(base, adapter)
    apart = PeftModel.from_pretrained(load_model(base), str(adapter)).eval()
    torch.manual_seed(0)
    powers = torch.rand(3, 2, plain.config.bands, 32).square()
    facts = About(
        torch.tensor([0, 1, 2]), torch.tensor([3, 4, 5]), torch.tensor([0, 2, 4]), torch.randn(3, FIGURES),
        torch.randn(3, 4, GROUP_FIGURES), torch.randn(3, 4, GROUP_FIGURES), torch.randn(3, 4, plain.config.width),
    )  # fmt: skip
    words = torch.randint(0, plain.config.vocab_size, (3, 12))
    with torch.inference_mode():
        for one, other in zip(merged.hear(powers), apart.base_model.model.hear(powers), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
        said, told = merged.writer(words, facts), apart.base_model.model.writer(words, facts)
        torch.testing.assert_close(said, told, rtol=1e-4, atol=1e-4)
        assert (merged.hear(powers).levels - plain.hear(powers).levels).abs().max() > 0.01
        assert (said - plain.writer(words, facts)).abs().max() > 0.01


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_an_adapter_with_a_missing_file(base: Path, adapter: Path, name: str) -> None:
    (adapter / name).unlink()
    line = refusal(lambda: load_model(base, adapter))
    assert f"the adapter in '{adapter}'" in line
    assert name in line


def test_an_adapter_that_is_not_there(base: Path, tmp_path: Path) -> None:
    assert "the adapter in" in refusal(lambda: load_model(base, tmp_path / "no adapter"))


@pytest.mark.parametrize(
    "settings", [b"", b"{", b"[]", b"null", b"{}", b'{"r": 0, "lora_alpha": 8}', b'{"r": "a", "lora_alpha": 8}']
)
def test_an_adapter_with_damaged_settings(base: Path, adapter: Path, settings: bytes) -> None:
    (adapter / "adapter_config.json").write_bytes(settings)
    assert f"the adapter in '{adapter}'" in refusal(lambda: load_model(base, adapter))


@pytest.mark.parametrize(
    "content", [None, b"", b"[]", b"{}", b'{"hearing_scale": "a"}', b'{"hearing_scale": -1}', b'{"hearing_scale": NaN}']
)
def test_an_adapter_that_does_not_say_how_sure_the_ear_may_be(base: Path, adapter: Path, content: bytes | None) -> None:
    assert load_model(base, adapter).config.hearing_scale == SCALE
    assert load_model(base).config.hearing_scale == tiny_model().config.hearing_scale
    (adapter / "hearing.json").unlink()
    if content is not None:
        (adapter / "hearing.json").write_bytes(content)
    assert f"'{adapter}/hearing.json'" in refusal(lambda: load_model(base, adapter))


def test_a_truncated_adapter(base: Path, adapter: Path) -> None:
    file = adapter / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-40])
    assert f"the adapter in '{adapter}' cannot be read" in refusal(lambda: load_model(base, adapter))


def without(part: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Without one tensor, the first of that part."""

    def change(state: dict[str, Any]) -> dict[str, Any]:
        gone = next(name for name in sorted(state) if f".{part}." in name)
        return {name: value for name, value in state.items() if name != gone}

    return change


def first_of(part: str, shape: Callable[[Any], Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """With the first tensor of that part in another shape."""

    def change(state: dict[str, Any]) -> dict[str, Any]:
        name = next(name for name in sorted(state) if f".{part}." in name)
        return state | {name: shape(state[name]).contiguous()}

    return change


CHANGES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "no lora_B": without("lora_B"),
    "no lora_A": without("lora_A"),
    "lora_A too narrow": first_of("lora_A", lambda value: value[:, 1:]),
    "lora_B too short": first_of("lora_B", lambda value: value[1:]),
    "lora_B of another rank": first_of("lora_B", lambda value: value[:, 1:]),
    "a vector": first_of("lora_A", lambda value: value[0]),
    "of another model": lambda state: {name.replace("ear", "nose"): value for name, value in state.items()},
    "empty": lambda state: {},
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_adapter_that_does_not_fit(base: Path, adapter: Path, name: str) -> None:
    rewritten(adapter / "adapter_model.safetensors", CHANGES[name])
    assert f"the adapter in '{adapter}' does not fit" in refusal(lambda: load_model(base, adapter))


# The package's own weights


def test_the_shipped_base_is_not_used_without_its_adapter(
    base: Path, adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "weights_folder", lambda: tmp_path / "shipped")
    shutil.copytree(base, tmp_path / "shipped" / weights.BASE)
    assert f"shipped/{weights.ADAPTER}'" in refusal(load_model)
    shutil.copytree(adapter, tmp_path / "shipped" / weights.ADAPTER)
    assert load_model().config.hearing_scale == SCALE


def test_the_shipped_weights_are_there_and_small() -> None:
    folder = weights_folder() / BASE
    size = sum(file.stat().st_size for file in weights_folder().rglob("*") if file.is_file())
    assert size < 40e6
    assert not [file for file in folder.rglob("*") if file.suffix in {".bin", ".pt", ".pkl", ".pth"}]
    assert load_model().config.format_version == 1


def test_shipped_weights_load_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a network was asked for")

    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    assert Differential(load_model()).name == "differential"


def test_opening_the_advisor_imports_neither_peft_nor_transformers() -> None:
    code = (
        "import sys\n"
        "from mixingbuddy.models.advisors import open_advisor\n"
        "open_advisor('differential')\n"
        "print(sorted({'peft', 'transformers', 'accelerate', 'bitsandbytes'} & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ))
    assert ran.stdout.strip() == "[]"
    assert ran.stderr == ""
