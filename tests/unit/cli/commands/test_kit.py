"""``fljob kit adopt``: what it says, and where the storage driver comes from."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def prepared(folder):
    """A prepared kit, in the folder ``kit``."""
    for name in ("local", "helm_chart/templates"):
        (folder / "kit" / name).mkdir(parents=True)
    path = "nvflare.app_opt.job_launcher.k8s_launcher.ClientK8sJobLauncher"
    component = {"id": "k8s_launcher", "path": path, "args": {"namespace": "of-kit"}}
    (folder / "kit/local/resources.json.default").write_text(json.dumps({"components": [component]}))
    (folder / "kit/helm_chart/templates/role.yaml").write_text('{{ include "nvflare-client.name" . }}')
    (folder / "kit/helm_chart/values.yaml").write_text("name: site-1\npodAnnotations: {}\n")
    connections = {"internal": {"scheme": "tcp", "resources": {"host": "site-1", "port": 8102}}}
    (folder / "kit/local/comm_config.json").write_text(json.dumps(connections))
    return folder / "kit"


@pytest.mark.usefixtures("prepared")
def test_adopting_a_kit_says_what_makes_it_take_effect(fljob):
    code, out, _ = fljob("kit", "adopt", "--kit", "kit")
    assert code == 0
    assert "  kubectl rollout restart deployment/site-1 -n of-kit" in out.splitlines()
    assert "next" not in fljob("kit", "adopt", "--kit", "kit", "--undo", "--dry-run")[1]
    assert "fljob kit secrets" not in out
    assert "  fljob kit secrets -n of-kit" in fljob("kit", "adopt", "--kit", "kit", "--undo")[1].splitlines()


@pytest.mark.usefixtures("prepared")
def test_what_is_to_be_pasted_stays_in_one_line_where_sentences_are_folded(fljob, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    lines = fljob("kit", "adopt", "--kit", "kit")[1].splitlines()
    assert "  kubectl rollout restart deployment/site-1 -n of-kit" in lines
    long = [line for line in lines if len(line) > 50 and " " in line]
    assert [line for line in long if not line.startswith(("  helm ", "  kubectl ", "  tar "))] == []


def test_the_driver_of_a_kit_may_stand_in_its_site_file(fljob, prepared):
    (prepared / "local/fljob.yaml").write_text("storage_driver: configmap\n")
    assert fljob("kit", "adopt", "--kit", "kit")[0] == 0
    rights = prepared / "helm_chart/templates/fljob-rights.yaml"
    resources = prepared / "local/resources.json.default"
    assert "configmaps" in rights.read_text()
    assert "storage_driver" not in resources.read_text()
    assert fljob("kit", "adopt", "--kit", "kit", "--driver", "secret")[0] == 0
    assert "configmaps" not in rights.read_text()
    assert '"storage_driver": "secret"' in resources.read_text()
    assert "nothing to change" in fljob("kit", "adopt", "--kit", "kit")[1]


def test_an_unknown_driver_is_refused(fljob):
    code, _, err = fljob("kit", "adopt", "--kit", "kit", "--driver", "sql")
    assert code == 2
    assert "'secret', 'configmap'" in err


@pytest.mark.parametrize("where", ["file", "arguments"])
def test_a_kit_whose_values_enable_network_policies_gets_the_rights_for_them(fljob, prepared, where):
    values = {"networkPolicy": {"enabled": True}}
    if where == "file":
        (prepared / "local/fljob.yaml").write_text(json.dumps({"values": values}))
    else:
        path = prepared / "local/resources.json.default"
        tree = json.loads(path.read_text())
        tree["components"][0]["args"]["values"] = values
        path.write_text(json.dumps(tree))
    assert fljob("kit", "adopt", "--kit", "kit")[0] == 0
    rights = (prepared / "helm_chart/templates/fljob-rights.yaml").read_text()
    assert 'resources: ["networkpolicies"]\n  verbs: ["create", "delete", "get", "patch"]' in rights
    assert "nothing to change" in fljob("kit", "adopt", "--kit", "kit")[1]


@pytest.mark.parametrize("where", ["file", "arguments"])
def test_a_kit_whose_jobs_have_budgets_gets_the_rights_for_them(fljob, prepared, where):
    if where == "file":
        (prepared / "local/fljob.yaml").write_text("protect: budget\n")
    else:
        path = prepared / "local/resources.json.default"
        tree = json.loads(path.read_text())
        tree["components"][0]["args"]["protect"] = "budget"
        path.write_text(json.dumps(tree))
    assert fljob("kit", "adopt", "--kit", "kit")[0] == 0
    rights = (prepared / "helm_chart/templates/fljob-rights.yaml").read_text()
    assert 'resources: ["poddisruptionbudgets"]\n  verbs: ["create", "delete", "get", "patch"]' in rights


def test_a_chart_of_the_parents_pod_alone_is_told(fljob, prepared):
    (prepared / "local/fljob.yaml").write_text("chart: /opt/charts/own\n")
    code, _, err = fljob("kit", "adopt", "--kit", "kit")
    assert code == 0
    assert "rights for what the chart makes beside the pod are not included: chart: /opt/charts/own" in err


def test_adopting_moves_the_files_of_the_site_out_of_local(fljob, prepared):
    (prepared / "local/fljob.yaml").write_text("values_dir: values\n")
    (prepared / "local/values").mkdir()
    (prepared / "local/values/site.yaml.j2").write_text("a: 1")
    (prepared / "startup").mkdir()
    out = fljob("kit", "adopt", "--kit", "kit", "--dry-run")[1]
    assert "move local/fljob.yaml to fljob/fljob.yaml\n" in out
    assert not (prepared / "fljob").exists()
    code, out, _ = fljob("kit", "adopt", "--kit", "kit")
    assert code == 0
    lines = out.splitlines()
    assert "kit/local/values/site.yaml.j2: moved to fljob/values/site.yaml.j2" in lines
    assert (
        "  tar -C kit -cf - local startup fljob | kubectl exec -i -n of-kit deployment/site-1 -- tar -C MOUNT_PATH -xf -"
        in lines
    )
    assert (
        "  kubectl exec -n of-kit deployment/site-1 -- rm -f MOUNT_PATH/local/fljob.yaml MOUNT_PATH/local/values/site.yaml.j2"
        in lines
    )
    assert "nothing to change" in fljob("kit", "adopt", "--kit", "kit")[1]
    assert (prepared / "fljob/fljob.yaml").read_text() == "values_dir: values\n"


def test_two_files_of_one_name_are_named(fljob, prepared):
    fljob("kit", "adopt", "--kit", "kit")
    (prepared / "fljob").mkdir()
    for place in ("fljob", "local"):
        (prepared / place / "fljob.yaml").write_text(f"site: {place}\n")
    code, out, _ = fljob("kit", "adopt", "--kit", "kit")
    assert code == 0
    assert out == "kit/local/fljob.yaml: is not fljob/fljob.yaml, which counts: remove one of the two\n"


def test_a_staged_kit_has_its_own_folder_put_into_the_claim(fljob, prepared):
    (prepared / "helm_chart/values.yaml").write_text(
        "name: site-1\npersistence: {workspace: {mountPath: /w}}\n"
        "workspaceConfig: {local: {configMapName: m, items: [{key: k, path: resources.json.default}]}}\n"
    )
    (prepared / "fljob").mkdir()
    (prepared / "fljob/fljob.yaml").write_text("site: a\n")
    out = fljob("kit", "adopt", "--kit", "kit")[1]
    assert "  tar -C kit -cf - fljob | kubectl exec -i -n of-kit deployment/site-1 -- tar -C /w -xf -" in out


def test_undoing_leaves_the_files_of_the_site(fljob, prepared):
    (prepared / "local/fljob.yaml").write_text("site: [\n")
    assert fljob("kit", "adopt", "--kit", "kit", "--undo")[0] == 0
    assert (prepared / "local/fljob.yaml").is_file()


def test_protecting_a_parent_is_its_own_step(fljob, prepared):
    fljob("kit", "adopt", "--kit", "kit")
    values, budget = (
        prepared / "helm_chart" / name for name in ("values.yaml", "templates/fljob-budget.yaml")
    )
    before = values.read_bytes()
    out = fljob("kit", "adopt", "--kit", "kit", "--protect", "--dry-run")[1]
    assert "+  karpenter.sh/do-not-disrupt: 'true'" in out
    assert "+kind: PodDisruptionBudget" in out
    assert not budget.exists()
    out = fljob("kit", "adopt", "--kit", "kit", "--protect")[1].splitlines()
    # Helm rolls the parent out, whose pod is another one now: nothing else has changed.
    assert out[-1] == "  helm upgrade --install site-1 kit/helm_chart -n of-kit"
    assert out[-2].startswith("next")
    for options in ((), ("--protect",)):
        assert "nothing to change" in fljob("kit", "adopt", "--kit", "kit", *options)[1]
    assert budget.exists()
    assert fljob("kit", "adopt", "--kit", "kit", "--no-protect")[0] == 0
    assert (values.read_bytes(), budget.exists()) == (before, False)


@pytest.mark.usefixtures("prepared")
def test_adopting_and_protecting_at_once_puts_the_kit_first(fljob):
    out = fljob("kit", "adopt", "--kit", "kit", "--protect")[1].splitlines()
    commands = [
        line.split()[0] for line in out[out.index("next, so that the parent sees it (docs/flare.md):") + 1 :]
    ]
    assert commands == ["tar", "helm"]


def test_undoing_takes_the_protection_as_well(fljob, prepared):
    everything = {path: path.read_bytes() for path in prepared.rglob("*") if path.is_file()}
    fljob("kit", "adopt", "--kit", "kit", "--protect")
    fljob("kit", "adopt", "--kit", "kit", "--undo")
    assert {path: path.read_bytes() for path in prepared.rglob("*") if path.is_file()} == everything


def test_what_costs_running_jobs_is_said_and_hinders_nothing(fljob, prepared):
    (prepared / "local/comm_config.json").unlink()
    code, _, err = fljob("kit", "adopt", "--kit", "kit")
    assert code == 0
    assert (
        "warning: local/comm_config.json: internal.resources.port is not set: each parent takes a random"
        in err
    )
    assert "\n  cure: set `parent_port` for `nvflare deploy prepare` and prepare the kit again\n" in err
    (prepared / "local/comm_config.json.default").write_text(
        json.dumps({"internal": {"resources": {"host": "site-1", "port": 1}}})
    )
    assert fljob("kit", "adopt", "--kit", "kit")[2] == ""
