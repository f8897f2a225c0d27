"""The files of rendered manifests: their names, and which earlier ones are out of date."""

from __future__ import annotations

import pytest

from launcher.core.manifest_files import files_of, index_text, names_of, outdated, without_secrets
from launcher.errors import InvalidInput


def made(kind, name, **more):
    return {"kind": kind, "metadata": {"name": name}, **more}


def test_one_file_for_each_object_in_order():
    found = files_of("heart", [made("Pod", "b"), made("NetworkPolicy", "b"), made("Pod", "a")])
    assert list(found) == ["heart/NetworkPolicy-b.yaml", "heart/Pod-a.yaml", "heart/Pod-b.yaml"]
    assert list(files_of("", [made("Pod", "a")])) == ["_/Pod-a.yaml"]


@pytest.mark.parametrize(
    ("study", "objects", "words"),
    [
        ("../x", [], "must be the name of a study"),
        ("a/b", [], "must be the name of a study"),
        ("s", [made("Pod", "../x")], "objects must have a kind and a name"),
        ("s", [made("Pod", None)], "objects must have a kind and a name"),
        ("s", [made("a/b", "x")], "objects must have a kind and a name"),
        ("s", [{"kind": "Pod", "metadata": []}], "objects must have a kind and a name"),
        ("s", [made("Pod", "a"), made("Pod", "a")], "two objects are Pod a"),
        (
            "s",
            [made("Role", "a"), made("Role", "A")],
            "s/Role-A.yaml: two objects are Role A\n  cure: .*capital",
        ),
        ("s", [made("Pod", "a"), made("pod", "a")], "two objects are pod a"),
        ("s", [made("ConfigMap", "a" * 253)], "the name of ConfigMap a.* is too long for a file"),
        ("s", [made("Role", "a%3Ab")], "objects must have a kind and a name"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(study, objects, words):
    with pytest.raises(InvalidInput, match=words):
        files_of(study, objects)


def test_the_name_of_a_role_may_have_a_colon():
    assert list(files_of("s", [made("Role", "fljob:job")])) == ["s/Role-fljob%3Ajob.yaml"]
    assert names_of(index_text(["s/Role-fljob%3Ajob.yaml"]), "x") == {"s/Role-fljob%3Ajob.yaml"}


def test_a_secret_is_hidden_wherever_it_stands():
    """In a list, in what `kubectl apply` keeps of it, and in the wrong form."""
    last = {"kubectl.kubernetes.io/last-applied-configuration": '{"data":{"a":"Yg=="}}'}
    secret = {
        "kind": "Secret",
        "metadata": {"name": "s", "annotations": {**last, "b": "c"}},
        "data": ["Yg=="],
    }
    listed = {
        "kind": "List",
        "items": [secret, 1, {"kind": "SecretList", "items": [made("Secret", "t", data="Yg==")]}],
    }
    shown = without_secrets(listed)
    assert "Yg==" not in str(shown)
    assert shown["items"][0]["metadata"]["annotations"] == {next(iter(last)): "***", "b": "c"}
    assert without_secrets(made("Secret", "s", metadata=None)) == made("Secret", "s", metadata=None)


def test_the_values_of_a_secret_are_hidden():
    secret = made("Secret", "s", data={"a": "Yg=="}, stringData={"b": "c"}, type="Opaque")
    assert without_secrets(secret) == {**secret, "data": {"a": "***"}, "stringData": {"b": "***"}}
    assert without_secrets(made("ConfigMap", "s", data={"a": "b"})) == made("ConfigMap", "s", data={"a": "b"})


def test_an_index_is_read_as_it_was_written():
    paths = {"b/Pod-a.yaml", "_/Pod-a.b.yaml"}
    assert names_of(index_text(paths), "x") == paths
    assert index_text(paths) == index_text(sorted(paths, reverse=True))


@pytest.mark.parametrize(
    "line", ["../a/b.yaml", "/etc/passwd", "a/../b.yaml", "a.yaml", "a/b/c.yaml", "a/b.txt"]
)
def test_an_index_that_leads_out_of_its_folder_is_refused(line):
    with pytest.raises(InvalidInput, match="must list files such as STUDY/KIND-NAME"):
        names_of(f"# x\n{line}\n", "index")


def test_only_files_of_the_studies_that_were_rendered_are_out_of_date():
    before = {"a/Pod-x.yaml", "a/Pod-y.yaml", "b/Pod-x.yaml", "_/Pod-x.yaml"}
    assert outdated(before, {"a/Pod-x.yaml"}, None) == ["_/Pod-x.yaml", "a/Pod-y.yaml", "b/Pod-x.yaml"]
    assert outdated(before, {"a/Pod-x.yaml"}, ("a",)) == ["a/Pod-y.yaml"]
    assert outdated(before, {}, ("",)) == ["_/Pod-x.yaml"]
