"""The balance benchmark as a Markdown table: one row per advisor and setting."""

from collections.abc import Sequence

from mixingbuddy.models.evaluate import EvaluationResult

COLUMNS = (
    "advisor",
    "protocol",
    "setting",
    "joint [95 %]",
    "stem",
    "direction",
    "magnitude",
    "no_error right",
    "gain error median / p90, dB",
    "ece",
    "text agrees",
    "s/sample",
    "n",
    "unanswered",
)
LEFT = 3  # so many columns of words


def markdown_table(results: Sequence[EvaluationResult]) -> str:
    """Markdown, a line per result, shares in percent."""
    lines = [COLUMNS, *(_row(result) for result in results)]
    widths = [max(2, *(len(line[column]) for line in lines)) for column in range(len(COLUMNS))]
    rule = ["-" * width if column < LEFT else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    padded = [
        [cell.ljust(width) if column < LEFT else cell.rjust(width) for column, (cell, width) in enumerate(cells)]
        for cells in (list(zip(line, widths, strict=True)) for line in lines)
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (padded[0], rule, *padded[1:]))


def _row(result: EvaluationResult) -> tuple[str, ...]:
    overall, errors = result.overall, result.gain_error_db
    interval = "" if overall.joint_ci95 is None else f" [{overall.joint_ci95[0]:.1%}, {overall.joint_ci95[1]:.1%}]"
    clean = result.by_direction.get("none")
    return (
        result.advisor.replace("|", "\\|"),
        result.protocol,
        result.setting,
        f"{overall.joint:.1%}{interval}",
        f"{overall.stem:.1%}",
        f"{overall.direction:.1%}",
        _percent(overall.magnitude),
        _percent(None if clean is None else clean.joint),
        f"{errors.median:.2f} / {errors.p90:.2f}",
        "-" if overall.ece is None else f"{overall.ece:.3f}",
        _percent(overall.text_agrees),
        f"{result.seconds_per_sample:.3f}",
        str(result.n),
        str(result.unanswered),
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
