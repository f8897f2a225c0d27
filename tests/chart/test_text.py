"""Text is kept as given, also where YAML, Go templates or Kubernetes could read it as something else."""

from __future__ import annotations

import pytest

from launcher.core.names import label_value
from launcher.core.yaml_text import documents, readable
from tests.chart.conftest import CHART, at, container, helm, minimal, pod, refusal, rendered

TEXTS = [
    *("on", "Off", "yes", "n", "true", "null", "~", "Null", ""),
    *("2.10", "1e3", "0x1F", "0o17", "017", "1_000", "12:30:45", "2024-01-01", ".inf", ".NaN", "+1", "-0"),
    *(
        "a: b",
        "a:",
        ": a",
        "- a",
        "-",
        "?",
        "? a",
        "# c",
        "a # c",
        "*a",
        "&a",
        "!a",
        "!!int 1",
        "|",
        ">",
        "%a",
    ),
    *("@a", "`a`", "{a}", "[a]", "{", "]", ",", "=", "<<", "---", "...", "--- a", "\\", "a\\nb", "\\u00e9"),
    *("'", '"', "it's", 'q"uote', "'quoted'", '"quoted"'),
    *(" x", "x ", " x ", "\tx", "x\t", " ", "\t", "a\tb"),
    *(
        "line\nline",
        "line\n",
        "line\n\n",
        "\nline",
        "\n",
        "\n\n\n",
        "  two\nline",
        "a\n\n  b\n",
        "a \n b ",
        "a\r\nb",
    ),
    *(
        "{{ .Values }}",
        "{{",
        "}}",
        '{{- fail "x" -}}',
        "{{ include `fljob.volumes` . }}",
        "${X}",
        "$(HOME)",
        "$$(A)",
    ),
    *(
        "ünïcode 病院 ☃ 🏥",
        "\u202eabc",
        "e\u0301",
        "\ufeffx",
        "\u00a0",
        "\u2028",
        "\u0085",
        "\x7f",
        "\x1b[31m",
    ),
    *("<a>&b</a>", "a" * 5000, "word " * 100, "key: value\nother: [1, 2]\n# end", "a\n---\nb", "- a\n- b\n"),
]
# Where Kubernetes' own objects are passed on, YAML decides: a next-line character becomes a space.
PASSED_ON = [text for text in TEXTS if text not in {"\u0085", "\x7f"}]


def test_text_of_environment_arguments_and_command():
    env = [{"name": f"X{i}", "value": text} for i, text in enumerate(TEXTS)]
    made = container({"env": env, "args": TEXTS, "command": TEXTS})
    assert made["env"] == env
    assert made["args"] == TEXTS
    assert made["command"] == TEXTS


def test_text_of_annotations_and_pass_through():
    annotations = {f"example.com/x{i}": text for i, text in enumerate(TEXTS)}
    layer = {
        "pod": {"annotations": annotations, "spec": {"hostAliases": [{"ip": "::1", "hostnames": PASSED_ON}]}},
        "container": {"spec": {"lifecycle": {"preStop": {"exec": {"command": PASSED_ON}}}}},
        "extra": {"containers": [{"name": "s", "image": "i", "args": PASSED_ON}]},
    }
    made = pod(layer)
    assert annotations.items() <= made["metadata"]["annotations"].items()
    assert made["spec"]["hostAliases"][0]["hostnames"] == PASSED_ON
    assert made["spec"]["containers"][0]["lifecycle"]["preStop"]["exec"]["command"] == PASSED_ON
    assert made["spec"]["containers"][1]["args"] == PASSED_ON


@pytest.mark.parametrize("where", ["pod.spec.hostname", "container.spec.terminationMessagePath"])
def test_text_yaml_cannot_hold_is_an_error(where):
    """Helm's toYaml would print nothing at all, hardening included."""
    assert "holds a character that YAML has no place for" in refusal(at(where, "\x7f"))


def test_text_that_becomes_a_key():
    annotations = {"on": "a", "null": "b", "1.5": "c", "y": "d", "2024-01-01": "e"}
    assert (
        annotations.items() <= pod({"pod": {"annotations": annotations}})["metadata"]["annotations"].items()
    )


@pytest.mark.parametrize("text", [text for text in PASSED_ON if "\n" in text or text in {"on", "2.10", "{{"}])
def test_text_at_the_end_of_a_block(text):
    """The last line of a block is where the newlines of a text meet those of the template."""
    layer = {
        "job": {"id": text, "site": text, "study": text},
        "labels": {f"fljob.internal/{key}": label_value(text) for key in ("job-id", "site")},
        "env": [{"name": "X", "value": text}],
        "args": [text],
        "extra": {"volumes": [{"name": "z", "csi": {"driver": "d", "volumeAttributes": {"z": text}}}]},
    }
    made = pod(layer, {"pod": {"annotations": {"zz": text}}})
    annotations = made["metadata"]["annotations"]
    assert {annotations[f"fljob.internal/{key}"] for key in ("job-id", "site", "study")} == {text}
    assert annotations["zz"] == text
    assert made["spec"]["containers"][0]["env"][0]["value"] == text
    assert made["spec"]["containers"][0]["args"] == [text]
    assert made["spec"]["volumes"][-1]["csi"]["volumeAttributes"]["z"] == text


@pytest.mark.parametrize(
    "text", ["on", "2.10", "null", "1e3", "/{{ x }}", "/a b", "/病院", '/q"uote', "/back\\slash"]
)
def test_text_of_paths_and_names(text):
    path = text if text.startswith("/") else f"/{text}"
    layer = {
        "image": {"reference": text.replace(" ", "")},
        "workspace": {"mountPath": path, "sizeLimit": "1e3"},
        "secretMounts": {"on": {"secretName": "2.10", "mountPath": "/s", "items": {text: text}}},
        "datasets": {"null": {"claimName": "1e3", "mountPath": f"/d{path}", "readOnly": True}},
    }
    made = pod(layer)
    main = made["spec"]["containers"][0]
    assert (main["image"], main["workingDir"]) == (text.replace(" ", ""), path)
    assert [mount["mountPath"] for mount in main["volumeMounts"]] == [path, f"/d{path}", "/s"]
    assert made["spec"]["volumes"][0]["emptyDir"] == {"sizeLimit": "1e3"}
    assert made["spec"]["volumes"][1]["persistentVolumeClaim"] == {"claimName": "1e3"}
    assert made["spec"]["volumes"][2] == {
        "name": "on",
        "secret": {"secretName": "2.10", "items": [{"key": text, "path": text}]},
    }


def test_values_that_a_person_installs_are_the_launchers(tmp_path):
    """`fljob render > values.yaml`, then helm, which sees other types in plain text than PyYAML does."""
    sidecar = {"name": "check", "image": "c:1", "command": PASSED_ON}
    values = minimal({"args": TEXTS, "extra": {"initContainers": [sidecar]}})
    (tmp_path / "values.yaml").write_text(readable(values))
    done = helm("template", "fj-test", str(CHART), "-n", "fl", "--values", str(tmp_path / "values.yaml"))
    assert (done.returncode, done.stdout) == (0, rendered(values).stdout), done.stderr
    for quick in (False, True):
        (made,) = documents(done.stdout, quick=quick)
        assert made["spec"]["containers"][0]["args"] == TEXTS
        assert made["spec"]["initContainers"][0]["command"] == PASSED_ON
        assert documents(readable(made), quick=quick) == [made]
