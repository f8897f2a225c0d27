"""``fljob template``: a file that is not there is an input error."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("name", ["chart", "values_dir", "study_data_file: x\nstudy_runtime_file"])
def test_a_missing_file_is_an_input_error(fljob, folder, name):
    (folder / "fljob.yaml").write_text(f"{name}: nowhere\n")
    code, out, err = fljob("template", "meta.json", "--site", "a", "--study", "s")
    assert (code, out) == (2, "")
    assert "nowhere" in err
