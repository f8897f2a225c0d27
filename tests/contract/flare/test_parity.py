"""The pod that the chart prints is the pod that FLARE's own launcher sends, but for the named differences."""

from __future__ import annotations

import base64
import copy
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from launcher.core.names import container_name, credential_secret_name, startup_secret_name
from launcher.flare.context import TRANSFER_TOKEN
from tests.contract.flare import flare_side, our_side
from tests.contract.flare.case import Case, write_workspace
from tests.contract.flare.compare import differences
from tests.contract.flare.strategies import ARGUMENTS, KINDS, cases

EXAMPLES = 100  # of each kind
# How many of the generated launches must show a feature; fewer would mean a weak generator.
LEAST = 15
EXPECTED = (
    *("image", "python_path", "ephemeral_storage", "pending_timeout", "num_of_gpus", "cpu", "cpu_request"),
    *("memory", "memory_request", "launcher_spec", "resource_spec", "@default", "legacy", "server"),
    *("template", "sidecars", "leading-digit", "unicode-site", "long-site"),
    *(f"file:{name}" for name in ("pvc/study_data.yaml", "local/study_runtime.yaml", "local/pods/a.yaml")),
    *(f"argument:{name}" for name in ARGUMENTS),
)


@dataclass(frozen=True)
class Pair:
    case: Case
    flare: flare_side.FlareLaunch
    ours: our_side.OurLaunch

    @property
    def values(self):
        return self.ours.values


def generated(kind, count):
    found: list[Case] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(kind))
    def collect(case):
        found.append(case)

    collect()
    return found


def both(case, root):
    """Return the launches of a case by both, or None when both refuse it."""
    root = write_workspace(root, case)
    try:
        flare, refusal = flare_side.launch(case, root), None
    except (RuntimeError, ValueError) as error:
        flare, refusal = None, error
    try:
        ours = our_side.launch(case, root)
    except (RuntimeError, ValueError) as error:
        # The only mistake that is generated.
        if type(error) is type(refusal) and "no image" in str(error) and "no job image" in str(refusal):
            return None
        pytest.fail(f"only ours refuses: {error}\n{case}")
    if flare is None:
        pytest.fail(f"only FLARE refuses: {refusal}\n{case}")
    return Pair(case, flare, ours)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    root = tmp_path_factory.mktemp("generated") / "workspace"
    made = [both(case, root) for kind in KINDS for case in generated(kind, EXAMPLES)]
    return [pair for pair in made if pair is not None]


@pytest.fixture(scope="module")
def pods(pairs, tmp_path_factory):
    return our_side.render([pair.values for pair in pairs], tmp_path_factory.mktemp("charts"))


def test_generated_pods_are_equal(pairs, pods):
    assert len(pairs) >= 500
    wrong = {}
    for pair, pod in zip(pairs, pods, strict=True):
        found = differences(pair.flare.pod, pod, container_name(pair.case.job_id))
        if found:
            wrong["\n".join(found)] = pair.case
    shortest = min(wrong.items(), key=lambda item: len(str(item[1])), default=None)
    assert not wrong, f"{len(wrong)} pods differ; the smallest: {shortest[0]}\n{shortest[1]}"


def test_generated_launches_have_the_same_pending_timeout(pairs):
    for pair in pairs:
        assert pair.ours.pending_timeout == pair.flare.pending_timeout, str(pair.case)
        assert pair.ours.namespace == pair.flare.namespace


def content(secret):
    """Return name -> bytes of a Secret as FLARE sends it."""
    data = {name: base64.b64decode(value) for name, value in secret.get("data", {}).items()}
    return data | {name: value.encode() for name, value in secret.get("stringData", {}).items()}


def test_generated_launches_use_the_same_secrets(pairs):
    for pair in pairs:
        names = {startup_secret_name(pair.case.site), credential_secret_name(pair.values["pod"]["name"])}
        assert pair.flare.secrets.keys() == pair.ours.secrets.keys() == names
        for name in names:
            theirs, ours = content(pair.flare.secrets[name]), dict(pair.ours.secrets[name])
            # The transfer token is made at random for every launch.
            assert len(theirs.pop(TRANSFER_TOKEN, "")) == len(ours.pop(TRANSFER_TOKEN, b""))
            assert theirs == ours


def test_generated_launches_cover_all_features(pairs):
    seen: Counter[str] = Counter()
    for pair in pairs:
        meta, spec = pair.case.meta, pair.flare.pod["spec"]
        blocks = [b.get("k8s") or {} for b in (meta.get("launcher_spec") or {}).values() if b]
        seen.update(key for block in blocks for key in block)
        seen.update(f"file:{name}" for name in pair.case.files)
        seen.update(f"argument:{name}" for name in pair.case.arguments)
        seen.update(key for key in ("launcher_spec", "resource_spec") if meta.get(key))
        seen["sidecars"] += len(spec["containers"]) > 1
        seen["template"] += bool(spec.keys() - {"containers", "volumes", "restartPolicy"})
        seen["@default"] += "@default" in (meta["resource_spec"] or {})
        seen["legacy"] += pair.case.site in (meta["resource_spec"] or {})
        seen["leading-digit"] += pair.case.job_id[0].isdigit()
        seen["unicode-site"] += not pair.case.site.isascii()
        seen["long-site"] += len(pair.case.site) > 60
        seen["server"] += pair.case.role.value == "server"
    assert {key: seen[key] for key in EXPECTED if seen[key] < LEAST} == {}


def test_pod_is_independent_of_the_way_of_rendering(pairs, pods):
    for index in range(0, len(pairs), len(pairs) // 5):
        alone, aliased = our_side.render_one(pairs[index].values), copy.deepcopy(pods[index])
        for pod in (alone, aliased):
            # The alias is the chart's name, which only these two labels show.
            del (
                pod["metadata"]["labels"]["app.kubernetes.io/name"],
                pod["metadata"]["labels"]["helm.sh/chart"],
            )
        assert alone == aliased
