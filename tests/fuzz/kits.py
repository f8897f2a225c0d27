"""Malformed kits: what `nvflare deploy prepare` would never write."""

from __future__ import annotations

import contextlib
import io
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

import launcher.cli
from launcher.cli.commands.doctor.kit import kit_checks, read
from launcher.core.flare.kit import RESOURCES, ROLE, SITE, VALUES
from launcher.core.spec.site import SiteConfig
from launcher.errors import LauncherError
from tests.fakes import FakeWorld
from tests.fuzz.inputs import SITE as SITE_FILE
from tests.fuzz.inputs import STUDY
from tests.fuzz.texts import mutated, text

__all__ = ["one_kit"]

LAUNCHER = "nvflare.app_opt.job_launcher.k8s_launcher.ClientK8sJobLauncher"
TREES = {
    RESOURCES: {"format_version": 2, "components": [{"id": "other", "path": "x"}, {"id": "k8s_launcher", "path": LAUNCHER, "args": {"namespace": "fl", "pending_timeout": 30}}]},
    VALUES: {"name": "parent", "image": {"repository": "r", "tag": "t"}, "command": ["python3"], "persistence": {"workspace": {"claimName": "c", "mountPath": "/w"}}, "workspaceConfig": {"local": {"configMapName": "m", "items": [{"key": "k", "path": "resources.json.default"}]}}},
    SITE: SITE_FILE,
    "local/study_runtime.yaml": STUDY,
}  # fmt: skip
ROLE_TEXT = 'metadata:\n  name: {{ include "site-1.name" . }}\nrules: []\n'


def _write(rng: random.Random, folder: Path) -> None:
    for name in (*TREES, ROLE):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if rng.random() < 0.05:
            continue
        written = json.dumps(mutated(rng, TREES[name], 0.05)) if name in TREES else ROLE_TEXT
        if rng.random() < 0.1:
            at = rng.randrange(len(written))
            written = written[:at] + text(rng) + written[at:]
        path.write_text(written, encoding="utf-8", errors="surrogatepass")


def one_kit(rng: random.Random, folder: Path) -> Iterator[str]:
    """Yield what `kit adopt` and `doctor --kit` say of a malformed kit."""
    _write(rng, folder)
    for options in (["--dry-run"], ["--undo", "--dry-run"], [], ["--undo"]):
        printed = io.StringIO()
        with (
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
            pytest.raises(SystemExit),
        ):
            launcher.cli.main(["kit", "adopt", "--kit", str(folder), *options], FakeWorld().world)
        yield printed.getvalue()
    kit = read(folder)
    yield from kit.site(SiteConfig(), namespace=True).image_pull_secrets and ()
    for names in (kit.job_images, kit.claims, kit.secrets, [kit.parent_image, kit.parent_python]):
        assert all(isinstance(name, str) for name in names)
    with contextlib.suppress(LauncherError):
        yield next(iter(kit_checks(SiteConfig(), kit))).run()
