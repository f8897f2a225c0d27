"""Where a parent writes the diagnosis of a job: below the site's own folder, whatever the site is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher.core.spec.site import SiteConfig
from launcher.errors import InvalidInput
from launcher.flare.diagnosis import write_refused
from tests.jobs import make_spec

ERROR = InvalidInput("no image", where="meta.json")


@pytest.mark.parametrize(
    "site", ["site-1", "/etc", "/", "..", ".", "../../x", "a/b", "a\0b", "Ж", "x" * 5000]
)
def test_no_name_of_a_site_leads_out_of_the_workspace(tmp_path, site):
    workspace = tmp_path / "ws"
    workspace.mkdir()
    write_refused(make_spec(site=site), SiteConfig(), ERROR, str(workspace), ())
    (written,) = tmp_path.rglob("cause.txt")
    root = workspace / "fljob/diagnosis" / make_spec().job_id
    assert written.parent.parent == root
    assert site != "site-1" or written.parent == root / Path(site)
