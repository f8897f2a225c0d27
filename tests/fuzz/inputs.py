"""Hostile metas, site, study and template files: what a site or a submitter may write."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from launcher.cli.commands.render import shown
from launcher.core.flare.meta import parse_meta
from launcher.core.spec.assemble import Request, all_warnings, build_jobspec
from launcher.core.spec.jobspec import Role
from launcher.core.spec.site import SiteConfig
from launcher.core.values.build import build_values
from launcher.edges.disk.config import load_config
from launcher.edges.disk.documents import parse_json
from launcher.edges.disk.site_files import load_study, values_templates
from tests.fuzz.samples import KINDS, META, POD_TEMPLATE, SITE, STUDY_DATA, STUDY_RUNTIME
from tests.fuzz.templates import template
from tests.fuzz.texts import grafted, mutated, text, wounded

__all__ = ["SITE_NAME", "STUDY", "hostile_meta", "hostile_study", "one_input"]

SITE_NAME, STUDY = "site-1", "s"


def written(rng: random.Random, tree: Any) -> str:
    """Return JSON, which is YAML, with a wound now and then."""
    hurt = grafted(rng, tree) if rng.random() < 0.7 else mutated(rng, tree, 0.04)
    return wounded(rng, json.dumps(hurt, ensure_ascii=rng.random() < 0.5))


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8", errors="surrogatepass")


def hostile_meta(rng: random.Random) -> Any:
    """Return the meta of a job as its parent reads it; refused as a file when it is none."""
    return parse_json(written(rng, META), "meta.json")


def _runtime(rng: random.Random, folder: Path) -> dict[str, Any]:
    path, study = folder / "study_runtime.yaml", STUDY_RUNTIME
    if rng.random() < 0.5:
        entry = {**study["studies"][STUDY], "pod_template": "pod.yaml"}
        study = {**study, "studies": {STUDY: entry}}
        _write(folder / "pod.yaml", written(rng, POD_TEMPLATE))
    _write(path, written(rng, study))
    return {"study_runtime_file": str(path)}


def _data(rng: random.Random, folder: Path) -> dict[str, Any]:
    path = folder / "study_data.yaml"
    _write(path, written(rng, STUDY_DATA))
    return {"study_data_file": str(path)}


def _manifest(rng: random.Random, folder: Path) -> dict[str, Any]:
    path = folder / "study_job_spec.yaml"
    _write(path, written(rng, {STUDY: "manifest.yaml"}) if rng.random() < 0.1 else f"{STUDY}: manifest.yaml")
    _write(folder / "manifest.yaml", written(rng, POD_TEMPLATE))
    return {"study_job_spec_file": str(path)}


_STUDIES: tuple[Callable[[random.Random, Path], dict[str, Any]], ...] = (_runtime, _data, _manifest)


def hostile_study(rng: random.Random, folder: Path) -> dict[str, Any]:
    """Write the files of a study in one of the formats, and return the settings that name them."""
    for old in folder.glob("*.yaml"):
        old.unlink()
    return rng.choice(_STUDIES)(rng, folder)


def hostile_site(rng: random.Random, folder: Path) -> SiteConfig:
    """Return what a hostile ``fljob.yaml`` says; refused when it is none."""
    path = folder / "fljob.yaml"
    _write(path, written(rng, SITE))
    return load_config(path)


def one_input(rng: random.Random, folder: Path) -> Iterator[str]:
    """Yield what a user would read of a job with one hostile file; raises what the product raises."""
    kind = rng.choice(KINDS)
    site, study = SiteConfig(image="img:0", site=SITE_NAME, command=("run",)), ""
    if kind == "site":
        site = hostile_site(rng, folder)
    if kind == "study":
        site, study = replace(site, **hostile_study(rng, folder)), STUDY
    meta = hostile_meta(rng) if kind == "meta" else META
    role = rng.choice(list(Role))
    name = "server" if role is Role.SERVER else SITE_NAME
    asked = parse_meta(meta, name)
    loaded = load_study(site, study)
    request = Request(job_id=rng.choice(("a1", text(rng))), site=name, role=role, study=study)
    spec = build_jobspec(request, asked, loaded, site)
    yield from all_warnings(asked, loaded, spec)
    templates = values_templates(SiteConfig())
    if kind == "template":
        templates["site.yaml.j2"] = template(rng)
    values = build_values(spec, site, templates)
    yield shown(values, "yaml")
    yield shown(values, "json")
