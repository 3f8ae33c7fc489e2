"""The speed benchmark of the large audio model says what it needs where there is no GPU."""

import pytest
import torch

from mixingbuddy.benchmarks.audio_llm_speed import main


@pytest.mark.skipif(torch.cuda.is_available(), reason="about machines without a GPU")
def test_without_a_gpu_it_refuses_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "needs an NVIDIA GPU" in printed.err
