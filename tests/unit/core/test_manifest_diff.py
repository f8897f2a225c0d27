"""In what two sides differ: study by study, object by object, line by line."""

from __future__ import annotations

import time

from launcher.core.manifest_diff import Side, State, compare


def pod(name="a", **spec):
    return {"kind": "Pod", "metadata": {"name": name}, "spec": spec}


def side(failed=None, **studies):
    return Side(studies, failed or {})


def lines(one):
    return [change.shown for change in one.changes]


def test_equal_sides_have_no_difference():
    found = compare(side(heart=[pod(a=1, b=2)], liver=[]), side(heart=[pod(b=2, a=1)], liver=[]))
    assert (found.studies, found.same, found.has_failed) == ((), ("heart", "liver"), False)


def test_a_value_that_changes():
    found = compare(side(heart=[pod(a=1, b=2)]), side(heart=[pod(a=1, b=3, c=4)]))
    ((change,), same) = (found.studies, found.same)
    assert (change.studies, change.state, change.size, same) == (("heart",), State.CHANGED, 3, ())
    (thing,) = change.objects
    assert (thing.kind, thing.name, thing.state) == ("Pod", "a", State.CHANGED)
    assert lines(thing) == ["-spec.b: 2", "+spec.b: 3", "+spec.c: 4"]


def test_an_argument_in_the_middle_is_one_line():
    (change,) = compare(side(s=[pod(args=["a", "b", "c"])]), side(s=[pod(args=["a", "x", "b", "c"])])).studies
    assert lines(change.objects[0]) == ['+spec.args[]: "x"']


def test_another_order_of_a_list_is_a_difference():
    one, two = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}], []
    two = one[::-1]
    (change,) = compare(side(s=[pod(env=one)]), side(s=[pod(env=two)])).studies
    assert change.size == 4


def test_another_credential_is_a_difference_that_can_be_seen():
    def env(value):
        return pod(env=[{"name": "API_TOKEN", "value": value}])

    (change,) = compare(side(s=[env("secret-1")]), side(s=[env("secret-2")])).studies
    assert lines(change.objects[0]) == [
        '-spec.env[API_TOKEN].value: "***"',
        '+spec.env[API_TOKEN].value: "***" (another value)',
    ]


def test_what_only_moved_is_no_other_value():
    args = [str(number % 7) for number in range(2000)]
    (change,) = compare(side(s=[pod(args=args)]), side(s=[pod(args=args[::-1])])).studies
    assert "another value" not in "".join(lines(change.objects[0]))


def test_a_huge_difference_is_told_soon():
    """Ten thousand variables of which each has another value took difflib 84 seconds."""
    one, two = ([{"name": f"V{number}", "value": value} for number in range(10_000)] for value in "12")
    start = time.process_time()
    (change,) = compare(side(s=[pod(env=one)]), side(s=[pod(env=two)])).studies
    assert time.process_time() - start < 20
    assert change.size == 20_000


def test_objects_and_studies_that_come_and_go():
    before = side(a=[pod("x")], b=[pod("x"), {"kind": "NetworkPolicy", "metadata": {"name": "n"}}])
    after = side(b=[pod("x"), {"kind": "ConfigMap", "metadata": {"name": "n"}}], c=[pod("x")])
    found = {one.studies: one for one in compare(before, after).studies}
    assert {names: one.state for names, one in found.items()} == {
        ("a",): State.REMOVED,
        ("b",): State.CHANGED,
        ("c",): State.ADDED,
    }
    assert [(one.kind, one.state) for one in found["b",].objects] == [
        ("ConfigMap", State.ADDED),
        ("NetworkPolicy", State.REMOVED),
    ]
    assert lines(found["c",].objects[0]) == ['+kind: "Pod"', '+metadata.name: "x"', "+spec: {}"]


def test_an_object_that_has_another_name_is_compared():
    (change,) = compare(side(s=[pod("x", a=1)]), side(s=[pod("y", a=1)])).studies
    assert lines(change.objects[0]) == ['-metadata.name: "x"', '+metadata.name: "y"']


def test_of_several_with_other_names_none_is_taken_for_another():
    (change,) = compare(side(s=[pod("x"), pod("y")]), side(s=[pod("v"), pod("w")])).studies
    assert [one.state for one in change.objects].count(State.ADDED) == 2


def test_two_objects_of_one_name_are_two():
    (change,) = compare(
        side(s=[pod("x", a=1), pod("x", a=2)]), side(s=[pod("x", a=1), pod("x", a=3)])
    ).studies
    assert [one.name for one in change.objects] == ["x (2)"]


def test_studies_with_the_same_difference_are_one_entry():
    before = side(**{name: [pod(a=1)] for name in ("a", "b", "c")})
    after = side(a=[pod(a=2)], b=[pod(a=3)], c=[pod(a=2)])
    assert [one.studies for one in compare(before, after).studies] == [("a", "c"), ("b",)]


def test_a_study_that_cannot_be_rendered_is_told():
    found = compare(side(a=[pod()]), side(failed={"a": "no image"}))
    (change,) = found.studies
    assert (change.state, change.errors, found.has_failed) == (State.FAILED, ("", "no image"), True)
