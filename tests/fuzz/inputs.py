"""Hostile metas, site, study and template files: what a site or a submitter may write."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
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
from tests.fuzz.texts import mutated, text

__all__ = ["one_input"]

META = {
    "name": "job",
    "launcher_spec": {
        "default": {
            "k8s": {"image": "img:1", "cpu": "1", "memory": "1Gi", "python_path": "/usr/bin/python3"}
        },
        "site-1": {"k8s": {"num_of_gpus": 1, "pending_timeout": 10, "ephemeral_storage": "1Gi"}},
    },
    "resource_spec": {"site-1": {"num_of_cpus": 1, "k8s": {"memory_request": "1Gi"}}},
}
SITE = {
    "namespace": "fl",
    "image": "img:1",
    "pending_timeout": 10,
    "image_pull_secrets": ["a"],
    "security_context": {"runAsUser": 1000},
    "values": {"pod": {"annotations": {"a": "b"}}},
    "timeouts": {"start": 5},
    "command": ["python3"],
}
STUDY = {
    "format_version": 1,
    "studies": {
        "s": {
            "container": {"image": "img:2"},
            "env": {"A": "b"},
            "secret_env": {"T": {"source": "sec", "key": "t"}},
            "datasets": {"d": {"source": "claim", "mode": "ro"}},
        }
    },
}
TEMPLATES = (
    "labels: {{ job.site | emit }}\n", "pod:\n  annotations:\n    a: {{ job.image | emit }}\n", "{% for a in job.args %}",
    "{% endfor %}", "{{ 'a' * 10**9 | emit }}", "{{ ('ab' * 99999999) | emit }}", "{{ 9**9**9 | emit }}", "{{ site }}",
    "x: &a [1]\n", "y: [*a, *a, *a]\n", "a: *a\n", "? [1]\n: 2\n", "!!python/object:x\n", "!!int ''\n", "k: 2026-99-99\n",
    "{{ job.nosuch | emit }}", "{{ '%99999999d' % 1 | emit }}", "env: [{name: A, value: b}]\n", "- 1\n", "a: 1\na: 2\n",
    "{{ job.__class__.__mro__ | emit }}", "{{ [1] * 10**8 | emit }}", "pod: {spec: {a: " + "[" * 300 + "]" * 300 + "}}\n",
)  # fmt: skip


def _file(rng: random.Random, tree: Any) -> str:
    """Return JSON, which is YAML, with a wound now and then."""
    written = json.dumps(mutated(rng, tree, 0.04), ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.15:
        at = rng.randrange(len(written) + 1)
        written = written[:at] + text(rng) + written[at + rng.randrange(3) :]
    return written


def one_input(rng: random.Random, folder: Path) -> Iterator[str]:
    """Yield what a user would read of a job with one hostile file; raises what the product raises."""
    kind = rng.choice(("meta", "site", "study", "template"))
    site, study = SiteConfig(image="img:0", site="site-1", command=("run",)), ""
    if kind == "site":
        path = folder / "fljob.yaml"
        path.write_text(_file(rng, SITE), encoding="utf-8", errors="surrogatepass")
        site = load_config(path)
    if kind == "study":
        path = folder / "study_runtime.yaml"
        path.write_text(_file(rng, STUDY), encoding="utf-8", errors="surrogatepass")
        site, study = SiteConfig(image="img:0", study_runtime_file=str(path), command=("run",)), "s"
    meta = parse_json(_file(rng, META), "meta.json") if kind == "meta" else META
    role = rng.choice(list(Role))
    name = "server" if role is Role.SERVER else "site-1"
    asked = parse_meta(meta, name)
    loaded = load_study(site, study)
    request = Request(job_id="a1", site=name, role=role, study=study)
    spec = build_jobspec(request, asked, loaded, site)
    yield from all_warnings(asked, loaded, spec)
    templates = values_templates(SiteConfig())
    if kind == "template":
        parts = [rng.choice((text(rng), *TEMPLATES)) for _ in range(rng.randrange(1, 4))]
        templates["site.yaml.j2"] = "".join(parts)
    values = build_values(spec, site, templates)
    yield shown(values, "yaml")
    yield shown(values, "json")
