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
    (folder / "kit/helm_chart/values.yaml").write_text("name: site-1\n")
    return folder / "kit"


@pytest.mark.usefixtures("prepared")
def test_adopting_a_kit_says_what_makes_it_take_effect(fljob):
    code, out, _ = fljob("kit", "adopt", "--kit", "kit")
    assert code == 0
    assert "  kubectl rollout restart deployment/site-1 -n of-kit" in out.splitlines()
    assert "next" not in fljob("kit", "adopt", "--kit", "kit", "--undo", "--dry-run")[1]


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
