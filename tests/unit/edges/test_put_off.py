"""A package whose body is put off is the same package for everybody who imports it."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

BODY = """
    import sys
    from . import heavy
    from .light import ONE
    TWO = 2
    sys.modules[__name__].ran = getattr(sys.modules[__name__], "ran", 0) + 1 if "ran" in globals() else 1
"""
LAZY = BODY + "\n    def __getattr__(name):\n        return name.upper() if name == 'late' else _no(name)\n"
LAZY += "\n    def _no(name):\n        raise AttributeError(name)\n"


@pytest.fixture
def run(tmp_path):
    """Return what a program prints that has put off the package ``big``."""

    def run(program, body=BODY):
        folder = tmp_path / "big"
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").write_text(textwrap.dedent(body))
        (folder / "heavy.py").write_text("print('heavy')\n")
        (folder / "light.py").write_text("ONE = 1\n")
        start = (
            f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nfrom launcher.edges.put_off import put_off\n"
        )
        program = start + "put_off('big')\n" + textwrap.dedent(program)
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout.split() if done.returncode == 0 else done.stderr.strip().splitlines()[-1]

    return run


@pytest.mark.parametrize(
    ("program", "printed"),
    [
        ("from big.light import ONE; print(ONE)", ["1"]),
        ("from big import light; print(light.ONE)", ["1"]),
        ("import big.light; print(big.light.ONE)", ["1"]),
        ("import big; print(big.light.ONE)", ["1"]),
        ("import big; print(big.TWO, big.ONE, big.ran)", ["heavy", "2", "1", "1"]),
        ("from big import TWO; import big; print(TWO, big.ran)", ["heavy", "2", "1"]),
        ("import big; print(hasattr(big, 'no'), big.TWO, big.ran)", ["heavy", "False", "2", "1"]),
        ("from big import heavy", ["heavy"]),
        ("import big; print(big.__name__, big.__spec__.name)", ["big", "big"]),
    ],
)
def test_a_name_runs_the_body_only_when_the_body_defines_it(run, program, printed):
    assert run(program) == printed


def test_a_body_with_a_getattr_of_its_own_keeps_it(run):
    program = "import big; print(big.late, big.TWO, hasattr(big, 'no'), big.late)"
    assert run(program, LAZY) == ["heavy", "LATE", "2", "False", "LATE"]


def test_a_name_that_is_nowhere_is_told_as_ever(run):
    assert run("import big; big.no") == "AttributeError: module 'big' has no attribute 'no'"


def test_threads_that_ask_at_once_run_it_once(run):
    program = """
    import threading, big
    found = []
    threads = [threading.Thread(target=lambda: found.append(big.TWO)) for _ in range(8)]
    [thread.start() for thread in threads]; [thread.join() for thread in threads]
    print(*found, big.ran)
    """
    assert run(program) == ["heavy", *"22222222", "1"]


@pytest.mark.parametrize(
    "program",
    [
        "from kubernetes import client, config, watch; client.V1Pod, config.load_kube_config, watch.Watch",
        "import kubernetes; kubernetes.client.CoreV1Api, kubernetes.stream.stream, kubernetes.__version__",
        "from kubernetes.client import ApiClient, CoreV1Api, V1Pod; CoreV1Api(ApiClient())",
        "import pyhelm3; pyhelm3.Client, pyhelm3.errors.Error",
    ],
)
def test_the_libraries_stay_whole_for_others(program):
    """FLARE imports ``kubernetes`` in the same process."""
    ours = "import launcher.edges.kube, launcher.edges.helm.command\n"
    done = subprocess.run(
        [sys.executable, "-c", ours + program], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
