"""Malformed kits: what `nvflare deploy prepare` would never write."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import launcher.cli
from launcher.cli.commands.doctor.kit import kit_checks, read
from launcher.core.flare.kit import RESOURCES, ROLE, VALUES
from launcher.core.flare.site_folder import LOCAL, OLD_SITE, SITE
from launcher.core.spec.site import SiteConfig
from launcher.errors import LauncherError
from tests.fakes import FakeWorld
from tests.fuzz.samples import SITE as SITE_FILE
from tests.fuzz.samples import STUDY_RUNTIME
from tests.fuzz.texts import mutated, text

__all__ = ["one_kit"]

LAUNCHER = "nvflare.app_opt.job_launcher.k8s_launcher.ClientK8sJobLauncher"
TREES = {
    RESOURCES: {"format_version": 2, "components": [{"id": "other", "path": "x"}, {"id": "k8s_launcher", "path": LAUNCHER, "args": {"namespace": "fl", "pending_timeout": 30}}]},
    VALUES: {"name": "parent", "image": {"repository": "r", "tag": "t"}, "command": ["python3"], "persistence": {"workspace": {"claimName": "c", "mountPath": "/w"}}, "workspaceConfig": {"local": {"configMapName": "m", "items": [{"key": "k", "path": "resources.json.default"}]}}},
    SITE: SITE_FILE,
    "local/study_runtime.yaml": STUDY_RUNTIME,
}  # fmt: skip
# What stands beside them: files that the site's configuration names, and the startup kit.
TEXTS = {
    ROLE: 'metadata:\n  name: {{ include "site-1.name" . }}\nrules: []\n',
    "local/values/site.yaml.j2": "a: 1\n",
    "local/specs.yaml": "s: pods/a.yaml\nt: ../../x\nu: [1]\n",
    "local/pods/a.yaml": "kind: Pod\n",
    **{f"startup/{name}": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" for name in ("client.crt", "client.key", "server.crt", "rootCA.pem")},
}  # fmt: skip
NAMED = {"values_dir": "values", "study_job_spec_file": "specs.yaml", "kubeconfig": "./pods"}


def _link(path: Path, rng: random.Random) -> None:
    path.symlink_to(rng.choice(["/dev/zero", "/etc", "nowhere", path.name, "..", "resources.json.default"]))


# What somebody finds in place of a file; each gets the path, which is free.
SHAPES: tuple[Callable[[Path, random.Random], object], ...] = (
    _link,
    lambda path, _: os.mkfifo(path),
    lambda path, _: path.mkdir(),
    lambda path, rng: path.write_bytes(rng.randbytes(300)),
    lambda path, _: path.write_bytes(b"a: " * (5 << 20)),
    lambda path, _: path.write_text("a: &a [*a]\n"),
    lambda path, _: path.write_text("a: &a [x, x]\nb: &b [*a, *a]\n" + "".join(f"{chr(99 + n)}: &{chr(99 + n)} [*{chr(98 + n)}, *{chr(98 + n)}]\n" for n in range(20))),
    lambda path, _: path.write_text("[" * 5000),
)  # fmt: skip


def _texts(rng: random.Random) -> Iterator[tuple[str, str]]:
    """Yield the name of each file and what is written into it."""
    site = rng.choice((SITE, OLD_SITE))
    for name, tree in TREES.items():
        grown = {**tree, **NAMED} if name == SITE and rng.random() < 0.7 else tree
        yield (site if name == SITE else name), json.dumps(mutated(rng, grown, 0.05))
    yield from TEXTS.items()


def _write(rng: random.Random, folder: Path) -> None:
    for left in folder.iterdir():
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
    for name, whole in _texts(rng):
        path = folder / name
        if rng.random() < 0.05 or not _is_plain(folder, path.parent):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if rng.random() < 0.06:
            rng.choice(SHAPES)(path, rng)
            continue
        written, at = whole, rng.randrange(len(whole))
        if rng.random() < 0.1:
            written = whole[:at] + text(rng) + whole[at:]
        path.write_text(written, encoding="utf-8", errors="surrogatepass")
    local = folder / LOCAL
    if rng.random() < 0.03 and local.is_dir():
        local.rename(folder / "elsewhere")
        local.symlink_to("elsewhere")


def _is_plain(folder: Path, above: Path) -> bool:
    """Return whether there is nothing but folders, or nothing yet, on the way to a file."""
    ways = [above, *above.parents]
    return not any(
        one.is_symlink() or (one.exists() and not one.is_dir()) for one in ways[: ways.index(folder)]
    )


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
    for check in kit_checks(SiteConfig(), kit):
        if check.what.startswith(("kit", "files", "certificate")):  # the others ask a cluster
            with contextlib.suppress(LauncherError):
                yield check.what
                yield check.run()
