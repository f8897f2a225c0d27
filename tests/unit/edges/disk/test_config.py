"""fljob.yaml: every key, and every mistake with its place, its value and a cure."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from launcher.core.spec.jobspec import Role
from launcher.core.spec.settings import LONGEST_SECONDS
from launcher.core.spec.site import PendingPolicy, Retention, SiteConfig, Timeouts
from launcher.edges.disk.config import load_config
from launcher.errors import InvalidInput

FULL = """
site: hôpital
role: server
namespace: fl
image: reg.example:5000/job:1
default_python_path: /opt/python
command: [python3, train.py]
pending_timeout: 60
max_pending_timeout: 600
max_resources: {cpu: "8", nvidia.com/gpu: "2"}
timeout: 900.5
grace_period: 30
max_grace_period: 90
retention: {succeeded: 60, failed: 3600, keep: 5, studies: {heart: {failed: null, keep: 0}}}
workspace_mount_path: /fl
ephemeral_storage: 2Gi
image_pull_secrets: [registry]
security_context: {runAsUser: 1000}
pod_security: restricted
policy: strict
timeouts:
  {heal: 1, bind: 9, pull: 2, pull_permanent: 3, config: 4, create: 5, detach: 6, start: null, queue: 7, api: 8}
autoscaler: none
study_data_file: study_data.yaml
study_job_spec_file: ../pods.yaml
study_runtime_file: /etc/fl/study_runtime.yaml
values_dir: values
values: {networkPolicy: {enabled: true}}
chart: chart
chart_key: cosign.pub
chart_cache: cache
cosign: bin/cosign
helm: bin/helm
helm_installs: 2
helm_removals: 3
pass_env: [AWS_PROFILE, _X1]
kubeconfig: kube
context: site-1
adopt: false
tell_server: false
protect: budget
events: false
history_submitter: false
metrics_port: 9464
metrics_address: 0.0.0.0
storage_driver: configmap
"""


NULLABLE = (
    "pending_timeout",
    "max_pending_timeout",
    "timeout",
    "grace_period",
    "pod_security",
    "metrics_port",
)


@pytest.fixture
def config(tmp_path):
    """Write fljob.yaml and load it."""

    def load(text):
        (tmp_path / "fljob.yaml").write_text(text, encoding="utf-8")
        return load_config(tmp_path / "fljob.yaml")

    return load


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}"])
def test_an_empty_file_is_the_defaults(config, text):
    assert config(text) == SiteConfig()


def test_no_file_is_the_defaults():
    assert load_config(None) == SiteConfig()


def test_every_key(config, tmp_path):
    loaded = config(FULL)
    assert loaded == SiteConfig(
        site="hôpital",
        role=Role.SERVER,
        namespace="fl",
        image="reg.example:5000/job:1",
        default_python_path="/opt/python",
        command=("python3", "train.py"),
        pending_timeout=60,
        max_pending_timeout=600,
        max_resources={"cpu": "8", "nvidia.com/gpu": "2"},
        timeout=900.5,
        grace_period=30,
        max_grace_period=90,
        retention=Retention(
            succeeded=60, failed=3600, keep=5, studies={"heart": {"failed": None, "keep": 0}}
        ),
        workspace_mount_path="/fl",
        ephemeral_storage="2Gi",
        image_pull_secrets=("registry",),
        security_context={"runAsUser": 1000},
        pod_security="restricted",
        policy=PendingPolicy.STRICT,
        timeouts=Timeouts(
            heal=1, bind=9, pull=2, pull_permanent=3, config=4, create=5, detach=6, start=None, queue=7, api=8
        ),
        autoscaler="none",
        study_data_file=str(tmp_path / "study_data.yaml"),
        study_job_spec_file=str(tmp_path / "../pods.yaml"),
        study_runtime_file="/etc/fl/study_runtime.yaml",
        values_dir=str(tmp_path / "values"),
        values={"networkPolicy": {"enabled": True}},
        chart=str(tmp_path / "chart"),
        chart_key=str(tmp_path / "cosign.pub"),
        chart_cache=str(tmp_path / "cache"),
        cosign=str(tmp_path / "bin/cosign"),
        helm=str(tmp_path / "bin/helm"),
        helm_installs=2,
        helm_removals=3,
        pass_env=("AWS_PROFILE", "_X1"),
        kubeconfig=str(tmp_path / "kube"),
        context="site-1",
        adopt=False,
        tell_server=False,
        protect="budget",
        events=False,
        history_submitter=False,
        metrics_port=9464,
        metrics_address="0.0.0.0",
        storage_driver="configmap",
    )


def test_the_example_above_sets_every_attribute(config):
    loaded = config(FULL)
    same = [
        f.name
        for f in dataclasses.fields(SiteConfig)
        if getattr(loaded, f.name) == getattr(SiteConfig(), f.name)
    ]
    assert same == []


def test_a_chart_in_a_registry_is_no_path_and_needs_a_digest(config, tmp_path):
    chart = f"oci://reg/charts/fljob:0.1.0@sha256:{'0' * 64}"
    assert config(f"chart: {chart}").chart == chart
    with pytest.raises(
        InvalidInput, match=r"fljob\.yaml: chart: must end in a digest .*\n  cure: write `oci://reg/x@sha"
    ):
        config("chart: oci://reg/x")


def test_a_relative_file_name_gives_absolute_paths(tmp_path, monkeypatch):
    (tmp_path / "fljob.yaml").write_text("values_dir: v\nhelm: helm-4\n")
    monkeypatch.chdir(tmp_path)
    loaded = load_config(Path("fljob.yaml"))
    assert (loaded.values_dir, loaded.helm) == (str(tmp_path / "v"), "helm-4")


@pytest.mark.parametrize("key", ["pending_timeout", "timeout", "timeouts.heal", "timeouts.start"])
def test_more_than_a_hundred_years_is_a_hundred_years(config, key):
    parent, _, leaf = key.rpartition(".")
    loaded = config(f"{parent}: {{{leaf}: 1.0e+300}}" if parent else f"{leaf}: 1.0e+300")
    assert getattr(loaded.timeouts if parent else loaded, leaf) == LONGEST_SECONDS


def test_home_is_expanded(config, monkeypatch):
    monkeypatch.setenv("HOME", "/home/op")
    assert config("kubeconfig: ~/.kube/fl").kubeconfig == "/home/op/.kube/fl"


@pytest.mark.parametrize(
    "key",
    [
        "pending_timeout",
        "max_pending_timeout",
        "timeout",
        "timeouts.start",
        "timeouts.queue",
        "timeouts.bind",
    ],
)
def test_null_is_no_limit_where_that_means_something(config, key):
    parent, _, leaf = key.rpartition(".")
    loaded = config(f"{parent}: {{{leaf}: null}}" if parent else f"{leaf}: null")
    assert getattr(loaded.timeouts if parent else loaded, leaf) is None


@pytest.mark.parametrize(
    "key",
    [f.name for f in dataclasses.fields(SiteConfig) if f.name not in NULLABLE],
)
def test_null_is_refused_everywhere_else(config, key):
    with pytest.raises(InvalidInput, match=rf"fljob\.yaml: {key}: must be .*, not null\n  cure: \w"):
        config(f"{key}: null")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "namspace: fl",
            r"fljob\.yaml: namspace: is no known key\n  cure: did you mean namespace\?",
        ),
        ("timeouts.heal: 5", r"timeouts\.heal: is no known key\n  cure: write `timeouts: \{heal: 5\}`"),
        ("timeouts: {pul: 3}", r"timeouts\.pul: is no known key\n  cure: did you mean pull\?"),
        ("zzz: 1", r"zzz: is no known key\n  cure: remove it; known keys: adopt, autoscaler, chart"),
        ("study_data_pvc_file_path: x", r"did you mean study_data_file\?"),
        ("config_file_path: x", r"did you mean kubeconfig\?"),
        ("1: x", r"fljob\.yaml: must have text as keys, not 1\n  cure: put the key in quotes"),
        ("[a, b]", r"fljob\.yaml: must be a mapping, not \[\"a\", \"b\"\]"),
        ("site: 7", r"site: must be non-empty text, not 7"),
        ("site: ' '", r"site: must be non-empty text, not \" \""),
        ("role: clint", r"role: must be client or server, not \"clint\"\n  cure: write `role: client`"),
        ("namespace: FL", r"namespace: must be the name of a namespace, not \"FL\""),
        *(
            (
                f"image: {value}",
                rf"image: must be the name of an image, not {shown}\n  cure: write `image: reg",
            )
            for value, shown in (("job 1", r"\"job 1\""), ("7", "7"), ("''", r"\"\""))
        ),
        ("command: python3 train.py", r"command: must be a list of words, not \"python3 train.py\""),
        ("command: [python3, 7]", r"command\[1\]: must be a list of words, not 7"),
        ("command: [python3, '']", r"command\[1\]: must be a list of words, not \"\""),
        ("pending_timeout: -1", r"pending_timeout: must be .*seconds, 0 or more, or null, not -1"),
        ("pending_timeout: '1'", r"pending_timeout: must be .*, not \"1\""),
        ("pending_timeout: true", r"pending_timeout: must be .*, not true"),
        ("pending_timeout: .inf", r"pending_timeout: must be .*, not Infinity"),
        ("timeout: .nan", r"timeout: must be .*, not NaN"),
        ("timeouts: {heal: -0.5}", r"timeouts\.heal: must be a number of seconds, 0 or more, not -0.5"),
        ("timeouts: {api: null}", r"timeouts\.api: must be a number of seconds, 0 or more, not null"),
        ("timeouts: 300", r"timeouts: must be a mapping, not 300"),
        *(
            (
                f"workspace_mount_path: {path}",
                rf"workspace_mount_path: must be an absolute .*, not \"{path}\"",
            )
            for path in ("work", "/a:b")
        ),
        ("ephemeral_storage: 1GB", r"ephemeral_storage: must be a quantity in quotes, not \"1GB\""),
        ("ephemeral_storage: 1", r"ephemeral_storage: must be a quantity in quotes, not 1"),
        ("ephemeral_storage: '-1Gi'", r"ephemeral_storage: must be a quantity in quotes, not \"-1Gi\""),
        ("image_pull_secrets: registry", r"image_pull_secrets: must be a list of Secret names"),
        (
            "image_pull_secrets: ['  ']",
            r"image_pull_secrets\[0\]: must be a list of Secret names, not \"  \"",
        ),
        *(
            (f"image_pull_secrets: [a, {name}]", r"image_pull_secrets\[1\]: .*\n  cure: .*, names of a-z")
            for name in ("A_B", "-a", "a..b", "b" * 254)
        ),
        ("security_context: [1]", r"security_context: must be a mapping, not \[1\]"),
        ("pod_security: privileged", r"pod_security: must be baseline, restricted or null"),
        ("policy: lenient", r"policy: must be graceful or strict, not \"lenient\""),
        (
            "storage_driver: sql",
            r"storage_driver: must be secret or configmap, not \"sql\"\n  cure: write `storage_driver: secret`",
        ),
        *(
            (
                f"pass_env: ['{name}']",
                rf"pass_env\[0\]: must be a list of names of .*, not \"{name}\"\n  cure: ",
            )
            for name in ("A B", "1A", "", "A=b", "É", "KUBECONFIG", "HELM_DRIVER", "HELM_KUBETOKEN")
        ),
        ("pass_env: AWS_PROFILE", r"pass_env: must be a list of names of environment variables"),
        *(
            (
                f"{name}: {value}",
                rf"{name}: must be a whole number, 1 or more, not {value}\n  cure: write `{name}: 4`",
            )
            for name in ("helm_installs", "helm_removals")
            for value in ("0", "-1", "2.5", "true")
        ),
        *(
            (f"retention: {{{name}: {value}}}", rf"retention\.{name}: {rule}, not .*\n  cure: write a number")
            for names, rule in (
                (("succeeded", "failed"), "must be a number of seconds, 0 or more, or null"),
                (("keep",), "must be a whole number, 0 to 1000000, or null"),
            )
            for name in names
            for value in ("-1", "'1h'", "true", ".inf", "[1]")
        ),
        (
            "retention: {keep: 1.5}",
            r"retention\.keep: must be a whole number, 0 to 1000000, or null, not 1\.5",
        ),
        ("retention: 60", r"retention: must be a mapping, not 60\n  cure: write `retention:` and the keys"),
        ("retention: {fialed: 60}", r"retention\.fialed: is no known key\n  cure: did you mean failed"),
        ("retention: {studies: heart}", r"retention\.studies: must be a mapping of names of studies"),
        ("retention: {studies: {heart: 60}}", r"yaml: retention\.studies\.heart: must be a mapping, not 60"),
        ("retention: {studies: {Heart: {}}}", r"retention\.studies\.Heart: must be a name, not \"Heart\""),
        (
            "retention: {studies: {heart: {failed: -1}}}",
            r"retention\.studies\.heart\.failed: must be a number of seconds, 0 or more, or null, not -1",
        ),
        ("retention: {studies: {heart: {kept: 1}}}", r"retention\.studies\.heart: unknown key \"kept\""),
        ("storage_driver: [secret]", r"storage_driver: must be secret or configmap, not \[\"secret\"\]"),
        ("values: x", r"values: must be a mapping, not \"x\""),
        ("values: {on: x}", r"fljob\.yaml: values: must have text as keys, not true"),
        ("kubeconfig: ~no-such-user/x", r"kubeconfig: must begin with the home of a user .*, not \"~no-such"),
        ("study_data_file: ''", r"study_data_file: must be non-empty text, not \"\""),
        ("site: a\nsite: b", r"fljob\.yaml:2:1: key 'site' occurs twice\n  cure: \w"),
        ("site: [a", r"fljob\.yaml:\d+:\d+: \w.*\n  cure: \w"),
    ],
)
def test_a_mistake_names_key_value_and_cure(config, text, error):
    with pytest.raises(InvalidInput, match=error) as raised:
        config(text)
    assert raised.value.cure
    assert "fljob.yaml" in raised.value.where


def test_what_only_pyyaml_takes_for_a_number_or_a_date_is_text(config):
    """As for Helm and kubectl: none is 750 s, a date of Python, or an error."""
    texts = ["12:30", "1:30.5", "-1:30", "2026-01-01", "2026-01-01T10:00:00Z", "="]
    said = ", ".join(f"k{number}: {text}" for number, text in enumerate(texts))
    found = config(f"namespace: 2026-01-01\nvalues: {{pod: {{annotations: {{{said}}}}}}}")
    assert found.namespace == "2026-01-01"
    assert list(found.values["pod"]["annotations"].values()) == texts
    with pytest.raises(InvalidInput, match=r'pending_timeout: must be .*, not "12:30"'):
        config("pending_timeout: 12:30")
    assert config("pending_timeout: 12\ngrace_period: 010").grace_period == 8


def test_a_missing_file(tmp_path):
    with pytest.raises(InvalidInput, match=r"fljob\.yaml: there is no such file"):
        load_config(tmp_path / "fljob.yaml")
