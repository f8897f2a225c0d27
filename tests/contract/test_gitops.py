"""What is slipped into a pull request of a site's repository is in the comment of examples/gitops, with its exit code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.contract.test_review import FILES, host_path, template, text
from tests.kits import write_kit

ROOT = Path(__file__).parents[2]
COMMENT = ROOT / "examples/gitops/comment.sh"
KIT = "sites/site-1/kit"
POLICY = ROOT / "examples/policy"
PARENT = {
    "helm_chart/Chart.yaml": {"apiVersion": "v2", "name": "site-1", "version": "1.0.0"},
    "helm_chart/templates/role.yaml": {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "site-1-launcher"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    },
    "local/custom/strategy.py": "rounds = 5\n",
}


def git(repository: Path, *words: str) -> str:
    options = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(repository), *options, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def programs(*folders: str) -> str:
    """Return a PATH with these folders, and with fljob."""
    return os.pathsep.join([*folders, str(Path(sys.executable).parent), os.environ["PATH"]])


@pytest.fixture
def repository(tmp_path):
    """Return a repository with one kit, committed on main."""
    made = tmp_path / "repository"
    write_kit(made / KIT, workspace="/mnt/ws", files=FILES | PARENT)
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(made))
    git(made, "add", "--all")
    git(made, "commit", "--quiet", "--message=base")
    return made


@pytest.fixture
def comment(repository, tmp_path):
    """Return a function that commits what is planted on a branch and comments it, as the workflow does."""

    def run(plant, policy: Path | None = None, path: str = ""):
        git(repository, "switch", "--quiet", "--create=change")
        plant(repository / KIT)
        git(repository, "add", "--all")
        git(repository, "commit", "--quiet", "--allow-empty", "--message=change")
        git(repository, "worktree", "add", "--quiet", str(tmp_path / "base"), "main")
        env = os.environ | {"PATH": programs(*filter(None, [path])), "POLICY": str(policy or "")}
        words = [COMMENT, tmp_path / "base", repository]
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=600)
        assert done.stderr == ""
        return done.returncode, done.stdout

    return run


PLANTED = {
    "a second GPU": (
        text("fljob/values/studies/heart.yaml.j2", '"1"', '"2"'),
        ['+spec.containers[<job>].resources.limits["nvidia.com/gpu"]: "2"'],
    ),
    "another claim": (
        text("local/study_runtime.yaml", "heart-scans", "liver-scans"),
        ['.persistentVolumeClaim.claimName: "liver-scans"'],
    ),
    "a hostPath": (template(host_path), ['+spec.volumes[host].hostPath.path: "/var/lib/kubelet"']),
    "a right of the parent": (
        text("helm_chart/templates/role.yaml", "- get", "- get\n  - deletecollection"),
        ["the parent changes", "    +  - deletecollection"],
    ),
    "code": (text("local/custom/strategy.py", "5", "6"), ["read their diff", "    local/custom/strategy.py"]),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_change_is_in_the_comment(comment, name):
    plant, seen = PLANTED[name]
    code, said = comment(plant)
    assert code == 1
    assert f"## `{KIT}`" in said
    for words in seen:
        assert words in said, said


def test_nothing_changes(comment):
    assert comment(lambda kit: None) == (
        0,
        f"## `{KIT}`\n\n### fljob diff: no difference\n\n3 studies compared.\n\n",
    )


def broken_file(kit: Path) -> None:
    (kit / "fljob/fljob.yaml").write_text("imagee: x\n")


def broken_study(kit: Path) -> None:
    (kit / "fljob/values/studies/heart.yaml.j2").write_text("resources: {{ job.nothing | emit }}\n")


def broken_chart(kit: Path) -> None:
    (kit / "helm_chart/templates/role.yaml").write_text("{{ .Values.no.such }}\n")


def key(kit: Path) -> None:
    (kit / "startup/client.key").write_text("a key\n")


BROKEN = {
    "a setting that is none": (broken_file, ["imagee"]),
    "a study that cannot be rendered": (broken_study, ["heart"]),
    "a study file": (text("local/study_runtime.yaml", "mode: ro", "mod: ro"), [f"\nafter: {KIT}/local/study_runtime.yaml: "]),
    "a parent that cannot be rendered": (broken_chart, ["Should not be merged: the chart of the parent", "no.such"]),
    "a private key": (key, ["a private key is added or changed", "    startup/client.key"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_kit_is_an_error_that_the_comment_names(comment, tmp_path, name):
    plant, seen = BROKEN[name]
    code, said = comment(plant)
    assert code == 2
    assert str(tmp_path) not in said
    for words in seen:
        assert words in said, said


def rendered(kit: Path) -> None:
    words = ["template", "--kit", str(kit), "--all-studies", "--split", str(kit.parent / "rendered")]
    subprocess.run([sys.executable, "-m", "launcher", *words], cwd=ROOT, check=True, capture_output=True)


def test_manifests_in_git_are_those_of_the_kit(repository, comment):
    rendered(repository / KIT)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message=rendered")
    code, said = comment(PLANTED["a second GPU"][0])
    assert code == 2
    assert "Should not be merged: `rendered` is not what the kit makes" in said
    assert "rendered/heart/Pod-" in said


def test_manifests_in_git_that_follow_the_kit_are_well(repository, comment):
    rendered(repository / KIT)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message=rendered")

    def plant(kit):
        PLANTED["a second GPU"][0](kit)
        rendered(kit)

    assert comment(plant)[0] == 1


def test_a_kit_that_is_new_and_one_that_is_gone(repository, comment):
    def plant(kit):
        shutil.copytree(kit, repository / "sites/site-2/kit")
        git(repository, "rm", "-r", "--quiet", KIT)

    code, said = comment(plant)
    assert code == 1
    assert f"## `{KIT}`: this kit is removed" in said
    assert "## `sites/site-2/kit`: this kit is new" in said
    assert "    kind: Pod" in said


# conftest is a program of its own; this one asks the same rules of the interpreter that tests/chart/test_policy.py uses.
CONFTEST = """#!{python}
import pathlib, sys
import yaml
sys.path.insert(0, {root!r})
from tests.chart.test_policy import findings
found = [f"FAIL - {{path}} - {{one}}" for path in sorted(pathlib.Path(sys.argv[-1]).rglob("*.yaml"))
         for one in findings("deny", list(yaml.safe_load_all(path.read_text())))]
print("\\n".join(found))
sys.exit(bool(found))
"""


def test_rules_are_asked_of_the_jobs_after_the_change(comment, tmp_path):
    program = tmp_path / "bin/conftest"
    program.parent.mkdir()
    program.write_text(CONFTEST.format(python=sys.executable, root=str(ROOT)))
    program.chmod(0o755)

    def plant(kit):
        host_path_of = PLANTED["a hostPath"][0]
        host_path_of(kit)

    code, said = comment(plant, policy=POLICY, path=str(program.parent))
    assert code == 2
    assert "Should not be merged: a rule is broken" in said
    assert "host-path: spec.volumes" in said


def test_rules_that_nobody_can_ask_are_told(comment):
    code, said = comment(lambda kit: None, policy=POLICY)
    assert code == 0
    assert "rules: not asked, conftest is not on PATH" in said


def test_what_others_wrote_stays_in_its_block(comment):
    chart = "helm_chart/templates/role.yaml"
    code, said = comment(text(chart, "site-1-launcher", '"x\\n```\\n# approved"'))
    assert code == 1
    assert not [line for line in said.splitlines() if line.startswith(("```\n", "# approved"))]


def test_a_kit_may_be_the_whole_repository(repository, comment):
    def plant(kit):
        shutil.copytree(kit, repository, dirs_exist_ok=True)
        git(repository, "rm", "-r", "--quiet", "sites")

    code, said = comment(plant)
    assert code == 1
    assert "## `.`: this kit is new" in said


def test_no_kit_at_all(tmp_path):
    done = subprocess.run([COMMENT, tmp_path, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no kit in either checkout" in done.stdout
    assert subprocess.run([COMMENT], capture_output=True, check=False).returncode == 2


def test_the_workflow_calls_it_and_nothing_that_moves():
    text_of = (ROOT / "examples/gitops/workflow.yaml").read_text()
    workflow = yaml.safe_load(text_of)
    on = workflow[True]  # YAML 1.1 reads `on` so
    assert set(on) == {"pull_request"}
    assert workflow["permissions"] == {}
    steps = {name: job["steps"] for name, job in workflow["jobs"].items()}
    uses = [step["uses"] for job in steps.values() for step in job if "uses" in step]
    assert [one for one in uses if len(one.partition("@")[2].split()[0]) != 40] == []
    assert "examples/gitops/comment.sh base head > comment.txt" in text_of
    # Whoever may write comments reads text only: no checkout, no fljob.
    assert workflow["jobs"]["review"]["permissions"] == {"contents": "read"}
    writes = [name for name, job in workflow["jobs"].items() if "write" in job["permissions"].values()]
    assert writes == ["comment"]
    assert [step for step in steps["comment"] if "checkout" in step.get("uses", "")] == []
