"""Both FLARE launchers with hostile metas, site and study files, templates and contexts; needs nvflare."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from launcher.core.spec.jobspec import Role
from launcher.edges.kube.translate import pod_view
from tests.contract.flare import flare_side, our_side
from tests.contract.flare.case import JOB, V1, V2, Case, write_workspace
from tests.fuzz.commands import recorded
from tests.fuzz.inputs import written
from tests.fuzz.objects import hostile_pod
from tests.fuzz.samples import META, SITE, STUDY_DATA, STUDY_RUNTIME
from tests.fuzz.templates import template
from tests.fuzz.texts import grafted, mutated, text

__all__ = ["one_parent"]

SITE_PATH = "local/fljob.yaml"  # the old place, which still works
_FILES = ("meta", "meta", "site", "study", "template", "context")


def _case(rng: random.Random, kind: str) -> Case:
    role = rng.choice(list(Role))
    meta: Any = {**META, "job_id": JOB, "study": "s" if kind == "study" else ""}
    if kind == "meta":
        wound = grafted if rng.random() < 0.5 else mutated
        found = wound(rng, meta)
        meta = {**(found if isinstance(found, dict) else meta), "job_id": rng.choice((JOB, text(rng)))}
    files: dict[str, Any] = {}
    arguments: dict[str, Any] = {"namespace": "fl"}
    if kind == "site":
        files[SITE_PATH] = written(rng, SITE)
    if kind == "study":
        path, tree = rng.choice(((V1, STUDY_DATA), (V2, STUDY_RUNTIME)))
        files[path] = written(rng, tree)
        arguments |= {"study_data_pvc_file_path": V1} if path == V1 else {}
    if kind == "template":
        files["local/values/site.yaml.j2"] = template(rng)
        files[SITE_PATH] = json.dumps({"namespace": "fl", "values_dir": "values"})
    site = "server" if role is Role.SERVER else "site-1"
    case = Case(meta=meta, role=role, site=site, files=files, arguments=arguments)
    if kind == "context":
        case = replace(
            case,
            site=rng.choice((site, text(rng))),
            flags={"-c": text(rng), "--port": rng.choice((8002, text(rng)))},
            options=rng.choice((None, (text(rng), text(rng)))),
            credentials=("canary-5309-token", text(rng), text(rng)),
        )
    return case


def one_parent(rng: random.Random, folder: Path) -> Iterator[str]:
    """Yield what FLARE and its log are told of one launch, and of a job's end."""
    case = _case(rng, rng.choice(_FILES))
    root = folder / "workspace"
    wounds = {
        name: text.encode("utf-8", "surrogatepass")
        for name, text in case.files.items()
        if isinstance(text, str)
    }
    write_workspace(root, replace(case, files={}))
    for name, content in wounds.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    with recorded() as said:
        try:
            launcher = our_side.make_launcher(case, root)
            handle = launcher.launch_job(dict(case.meta), flare_side.context(case, root))
            pods = launcher.fake.pods
            for name in list(pods.items):
                pods.show(replace(pod_view(hostile_pod(rng), "fl"), name=name), name)
            yield str(handle.poll())
            handle.terminate()
        except (RuntimeError, ValueError) as error:  # what FLARE's own launcher raises
            yield str(error)
    assert not any("canary-5309" in line for line in said)
    yield from said
