"""What `fljob template` prints of every example, byte for byte with Helm 4; with Helm 3 the same objects.

``pytest tests/chart --update-goldens`` writes it anew. The tier helm3 runs this with Helm 3, so both make the same.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import helms
from tests.chart.conftest import CHART

ROOT = CHART.parents[1]
PRINTED = Path(__file__).parent / "examples"
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/meta.json"))
STUDIES = ("", "penguins")


def printed(example: str, study: str) -> str:
    words = ["template", f"examples/{example}", "--config", "examples/fljob.yaml", "--study", study]
    command = [sys.executable, "-m", "launcher", *(words if study else words[:-2])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_prints_its_golden(example, study, request, check_golden):
    text, golden = printed(example, study), PRINTED / f"{'-'.join(filter(None, (example, study)))}.yaml"
    if helms.major() == 4:
        check_golden(text, golden)
        return
    assert not request.config.getoption("--update-goldens"), "the goldens are what Helm 4 prints"
    assert list(yaml.safe_load_all(text)) == list(yaml.safe_load_all(golden.read_text()))


def test_every_golden_has_an_example():
    names = {"-".join(filter(None, (example, study))) for example in EXAMPLES for study in STUDIES}
    assert {path.stem for path in PRINTED.iterdir()} == names
