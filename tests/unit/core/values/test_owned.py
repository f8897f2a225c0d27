"""What belongs to the launcher: no layer can take it, and none is needed for it."""

from __future__ import annotations

import json

import pytest
import yaml

from launcher.core import names
from launcher.core.spec.podtemplate import prepare_template
from launcher.core.spec.site import SiteConfig
from launcher.core.values.build import build_values
from launcher.errors import InvalidInput
from tests.unit.core.values.sample import EMPTY, SHIPPED, SITE, SPEC, spec_with, values


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("job: {id: other}", 'job.id: belongs to the launcher \\("abc"\\) and cannot be "other"'),
        (
            "labels: {team: a}",
            r'labels.team: belongs to the launcher and cannot be "a"\n  cure: set it in `pod.labels`',
        ),
        ("workspace: {sizeLimit: 9Gi}", "`ephemeral_storage` of fljob.yaml decide"),
        ("labels: {fljob.internal/role: server}", "labels.fljob.internal/role"),
        ("image: {reference: x}", "image.reference"),
        ("command: [sh]", "command"),
        ("args: []", "args"),
        ("workspace: {mountPath: /other}", "workspace.mountPath"),
        ("startupKit: {secretName: x}", "startupKit.secretName"),
        ("pod: {name: x}", "pod.name"),
        ("container: {name: x}", "container.name"),
        ("pod: {annotations: {fljob.internal/site: x}}", "pod.annotations: fljob.internal/site belongs"),
        ("pod: {annotations: {fljob.internal/pending-timeout: none}}", "pod.annotations"),
        ("pod: {labels: {fljob.internal/x: y}}", "pod.labels"),
        ("pod: {spec: {restartPolicy: Always}}", "pod.spec: restartPolicy belongs"),
        ("pod: {spec: {containers: []}}", "pod.spec: containers belongs"),
        ("container: {spec: {image: x}}", "container.spec: image belongs"),
        ("env: [{name: PYTHONPATH, value: x}]", "env: PYTHONPATH belongs"),
        ("nodeSelector: {a: b}", 'unknown key "nodeSelector"'),
        ("pod: x", "pod: must be a mapping"),
        ("job: 7", "job: belongs to the launcher"),
        ("image: acme/job:1", "image: must be a mapping"),
        ("image: true", "image: must be a mapping"),
        ("container: 7", "container: must be a mapping"),
        ("pod: {spec: x}", "pod.spec: must be a mapping"),
        ("env: {A: b}", "env: must be a list"),
    ],
)
@pytest.mark.parametrize("source", ["studies/cancer.yaml.j2", "site.yaml.j2", "site configuration"])
def test_no_layer_can_take_it(source, text, where):
    site = SiteConfig(values=yaml.safe_load(text)) if source == "site configuration" else SITE
    files = {} if source == "site configuration" else {source: text}
    with pytest.raises(InvalidInput, match=where) as error:
        build_values(SPEC, site, {**SHIPPED, **files})
    assert error.value.where.startswith(source)
    assert error.value.cure


def test_saying_the_same_as_the_launcher_is_fine():
    assert values(study_file="job: {id: abc}\nimage: {reference: 'acme/job:1'}") == values()


def test_a_template_that_leaves_the_job_out_changes_nothing_that_is_owned():
    result = build_values(SPEC, SITE, EMPTY)
    for key in ("job", "labels", "image", "command", "args", "env", "workspace", "startupKit", "container"):
        assert result[key] == values()[key]


def test_a_site_template_that_repeats_the_launchers_changes_nothing():
    """Such as a copy that a site made when job.yaml.j2 and mounts.yaml.j2 still wrote some of it."""
    files = {name: SHIPPED[name] + SHIPPED["launcher.yaml.j2"] for name in ("mounts.yaml.j2", "job.yaml.j2")}
    assert json.dumps(build_values(SPEC, SITE, {**SHIPPED, **files})) == json.dumps(values())


# --- the launcher's own layer -----------------------------------------------------------------------------


def leaves(layer, *path):
    """Yield the key path of everything in a layer that is no mapping."""
    for key, value in layer.items():
        if isinstance(value, dict):
            yield from leaves(value, *path, key)
        else:
            yield (*path, key)


SHARED = {("env",), ("imagePullSecrets",)}
OWN = [path for path in leaves(build_values(SPEC, SITE, EMPTY)) if path not in SHARED]


@pytest.mark.parametrize("path", OWN, ids=".".join)
def test_whatever_the_launchers_template_writes_is_refused_elsewhere(path):
    other = "other"
    for key in reversed(path):
        other = {key: other}
    with pytest.raises(InvalidInput, match="belongs to the launcher") as error:
        build_values(SPEC, SiteConfig(values=other), SHIPPED)
    assert error.value.where.startswith("site configuration: values.")


def test_the_launchers_template_writes_the_labels_that_are_looked_for():
    result = values(spec_with(federation="0123456789abcdef"))
    assert result["labels"].keys() == {
        names.LABEL_JOB_ID,
        names.LABEL_SITE,
        names.LABEL_ROLE,
        names.LABEL_ATTEMPT,
        names.LABEL_FEDERATION,
    }
    assert result["pod"]["annotations"].keys() == {names.ANNOTATION_PENDING_TIMEOUT}


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        (["job"], "job"),
        (["image"], "image.reference"),
        (["image", "reference"], "image.reference"),
        (["startupKit"], "startupKit"),
        (["pod", "name"], "pod.name"),
        (["pod", "annotations"], "pod.annotations"),
        (["env"], "env"),
        (["imagePullSecrets"], "imagePullSecrets"),
    ],
)
def test_a_launchers_template_that_is_not_whole_is_refused(path, missing):
    """What it left out, any other layer could set."""
    layer = build_values(SPEC, SITE, EMPTY)
    below = layer
    for key in path[:-1]:
        below = below[key]
    del below[path[-1]]
    with pytest.raises(InvalidInput, match=f"^launcher.yaml.j2: {missing}: is missing") as error:
        build_values(SPEC, SITE, {**EMPTY, "launcher.yaml.j2": yaml.safe_dump(layer)})
    assert "install fljob-launcher again" in error.value.cure


def test_an_empty_launchers_template_is_refused():
    with pytest.raises(InvalidInput, match=r"^launcher\.yaml\.j2: job: is missing"):
        build_values(SPEC, SITE, {**SHIPPED, "launcher.yaml.j2": ""})


HELMS = ["helm.sh/hook", "helm.sh/resource-policy", "meta.helm.sh/release-name", "x.helm.sh/y"]


@pytest.mark.parametrize("key", HELMS)
def test_annotations_of_helm_are_refused_from_a_site_and_from_a_template(key):
    pod = {"annotations": {key: "test"}}
    with pytest.raises(InvalidInput, match=f"{key} belongs to Helm") as error:
        build_values(SPEC, SiteConfig(values={"pod": pod}), SHIPPED)
    assert error.value.where == "site configuration: values.pod.annotations"
    template = prepare_template({"metadata": pod, "spec": {"containers": [{"name": "x"}]}}, "pod.yaml", "x")
    spec = spec_with(pod_template=template, container_name="x")
    with pytest.raises(InvalidInput, match=f"{key} belongs to Helm") as error:
        build_values(spec, SITE, SHIPPED)
    assert error.value.where == "pod template: pod.annotations"


def test_other_annotations_pass():
    pod = {"annotations": {"example.com/helm.sh": "x", "nothelm.sh/y": "x"}}
    assert (
        build_values(SPEC, SiteConfig(values={"pod": pod}), SHIPPED)["pod"]["annotations"].items()
        >= pod["annotations"].items()
    )
