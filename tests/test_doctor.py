from pathlib import Path

from mixingbuddy.agent.doctor import examine
from mixingbuddy.agent.settings import read_settings


def test_this_machine_decodes_every_format() -> None:
    checks = {check.name: check for check in examine(read_settings())}
    for suffix in ("wav", "flac", "ogg", "mp3", "m4a"):
        assert checks[f"decode {suffix}"].status == "ok", checks[f"decode {suffix}"].detail
    assert checks["workspace"].status == "ok"


def test_an_unusable_workspace_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    checks = {check.name: check for check in examine(read_settings(workspace=tmp_path / "file"))}
    assert checks["workspace"].status == "problem"
