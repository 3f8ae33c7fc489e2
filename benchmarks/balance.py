"""The figures of the model card: `python benchmarks/balance.py [--data DIR] [--split valid|test] [--write]`

Every advisor in every setting that it can do, both protocols of the balance benchmark. The same as
`mixingbuddy evaluate` with all of them named; `--write` puts the tables into docs/differential.md and
models/MODEL_CARD.md, `--json FILE` keeps the whole documents.
"""

import argparse
import json
from pathlib import Path

from mixingbuddy.benchmarks.level_difference import ROOT
from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.models.data.triplets import SETTINGS
from mixingbuddy.models.evaluate import EvaluationResult, Material, evaluate, load_material
from mixingbuddy.models.evaluation_table import markdown_table
from mixingbuddy.models.protocols import Protocol
from mixingbuddy.tools.files import write_text

ADVISORS = ("differential", "single-mix", "level-difference", "prior")
# What an advisor that hears no reference says is the same in every setting with stems.
BLIND = {"single-mix": ("mix", "stems"), "prior": ("stems",)}
MEASURED = ("stems+mix", "stems+master", "stems+stems", "stems+other")
PAGES = (ROOT / "docs" / "differential.md", ROOT / "models" / "MODEL_CARD.md")
START, END = "<!-- figures: start -->", "<!-- figures: end -->"


def results(material: Material, data: Path, split: str, protocol: Protocol, seed: int) -> list[EvaluationResult]:
    """Results of all advisors, setting by setting."""
    found = []
    for setting in SETTINGS:
        for name in ADVISORS:
            possible = {**BLIND, "level-difference": MEASURED}.get(name, SETTINGS)
            if setting not in possible:
                continue
            advisor = open_advisor(name)
            result = evaluate(advisor, data, split, protocol, setting, seed, material=material, name=name)  # type: ignore[arg-type]
            print(f"{name}, {setting}, {protocol}: joint {result.overall.joint:.1%}", flush=True)
            found.append(result)
    return found


def write_pages(text: str) -> None:
    for page in PAGES:
        before, rest = page.read_text(encoding="utf-8").split(START)
        write_text(page, f"{before}{START}\n{text}\n{END}{rest.split(END)[1]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "musdb18-7s")
    parser.add_argument("--split", choices=("valid", "test"), default="valid")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="put the tables into the pages")
    parser.add_argument("--json", type=Path, help="file for the whole results")
    arguments = parser.parse_args()
    material = load_material(arguments.data, arguments.split, None, lambda done, of: None)
    protocols: tuple[Protocol, ...] = ("single", "multi")
    tables, documents = [], []
    for protocol in protocols:
        found = results(material, arguments.data, arguments.split, protocol, arguments.seed)
        tables.append(markdown_table(found))
        documents += [result.model_dump(mode="json") for result in found]
    command = f"python benchmarks/balance.py --split {arguments.split} --seed {arguments.seed}"
    text = f"`{command}`, {documents[0]['songs']} songs, {documents[0]['n']} samples in `single`.\n\n" + "\n\n".join(
        tables
    )
    print(text)
    if arguments.json:
        write_text(arguments.json, json.dumps(documents, indent=1, allow_nan=False) + "\n")
    if arguments.write:
        write_pages(text)


if __name__ == "__main__":
    main()
