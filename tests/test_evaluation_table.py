"""The benchmark's table in Markdown."""

from mixingbuddy.models.evaluate import EvaluationResult
from mixingbuddy.models.evaluation_table import COLUMNS, markdown_table
from mixingbuddy.models.metrics import ErrorDetection, GainErrors, GroupScores, OverallScores


def made(advisor: str, joint: float, joint_ci95: tuple[float, float] | None) -> EvaluationResult:
    clean = GroupScores(n=4, joint=0.25, joint_ci95=None, stem=0.25, direction=0.25, magnitude=None)
    return EvaluationResult(
        data="musdb", split="valid", protocol="single", setting="stems+mix", advisor=advisor, seed=0, n=20, songs=2,
        unanswered=1,
        overall=OverallScores(
            joint=joint, joint_ci95=joint_ci95, stem=0.75, direction=0.5, magnitude=None, ece=0.0321, text_agrees=None
        ),
        error_detection=ErrorDetection(precision=None, recall=None, f1=None),
        gain_error_db=GainErrors(median=0.5, p90=1.25, p99=3.0),
        by_category={"no_error": clean}, by_stem={}, by_direction={"none": clean}, seconds_per_sample=0.0123,
    )  # fmt: skip


def test_a_line_for_every_result() -> None:
    lines = markdown_table([made("prior", 0.653, (0.6, 0.7051)), made("audio-llm:a|b", 1.0, None)]).splitlines()
    assert len(lines) == 4
    assert [cell.strip() for cell in lines[0].strip("|").split("|")] == list(COLUMNS)
    assert [cell.strip() for cell in lines[2].strip("|").split("|")] == [
        "prior", "single", "stems+mix", "65.3% [60.0%, 70.5%]", "75.0%", "50.0%", "-", "25.0%", "0.50 / 1.25",
        "0.032", "-", "0.012", "20", "1",
    ]  # fmt: skip
    assert "audio-llm:a\\|b" in lines[3]
    assert len({len(line) for line in lines}) == 1
    assert all(set(cell.strip()) <= {"-", ":"} and "-" in cell for cell in lines[1].strip("|").split("|"))
