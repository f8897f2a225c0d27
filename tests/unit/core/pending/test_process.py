"""Why a process could not be started: the job's command or the node's container runtime."""

from __future__ import annotations

import time

import pytest

from launcher.core.catalogue import Code
from launcher.core.pending.process import start_code
from launcher.core.views import ContainerState
from tests.recorded import recordings

COMMAND = [
    'exec: "/none": stat /none: no such file or directory: unknown',
    'exec: "none": executable file not found in $PATH: unknown',
    'exec: "/etc/hosts": permission denied: unknown',
    'exec: "/etc": is a directory: unknown',
    "exec /usr/bin/x: exec format error",
    "no command specified",
    "error during container init: mkdir /etc/hosts: not a directory",
    'chdir to cwd ("/x") set in config.json failed: permission denied',
    "executable file `none` not found in $PATH: No such file or directory",
    "open executable: Permission denied",
    "exec container process `/x`: Exec format error",
    # a command in a folder of that name
    'exec: "/opt/nvidia/nvidia_entrypoint.sh": stat /opt/nvidia/nvidia_entrypoint.sh: no such file or directory',
]
RUNTIME = [
    "",
    "something new",
    "open /run/x: no such file or directory",
    'error running prestart hook #0: exit status 1, stderr: exec: "/x": no such file or directory',
    "error executing hook `/usr/bin/x` (exit code: 1)",
    "nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1: no such file or directory",
    'unable to retrieve OCI runtime error (open log.json: no such file or directory): exec: "x": executable file not found',
    "error gathering device information while adding custom device: no such file or directory",
]
# The memory limit and the mount are looked for by others, before or after.
NOT_OF_A_COMMAND = {
    "gpu-hook-ended",
    "memory-below-a-process",
    "init-memory-below-a-process",
    "mount-over-a-file",
}
RECORDED = [
    (recording.name, container.message)
    for recording in recordings()
    if recording.error is None
    for container in recording.pod.containers
    if container.state is ContainerState.TERMINATED and container.reason == "StartError"
]


@pytest.mark.parametrize("message", COMMAND)
def test_fault_of_the_command(message):
    assert start_code(message) is Code.BAD_COMMAND
    assert start_code(message.upper()) is Code.BAD_COMMAND


def test_a_message_made_to_cost_time_costs_none():
    start = time.thread_time()
    assert start_code('failed to mkdir: "' + 'exec "' * 60_000) is Code.RUNTIME_ERROR
    assert time.thread_time() - start < 3  # ms; 10 s where each quote looks at all after it


@pytest.mark.parametrize("message", RUNTIME)
def test_fault_of_the_runtime(message):
    assert start_code(message) is Code.RUNTIME_ERROR
    assert start_code(message.upper()) is Code.RUNTIME_ERROR


@pytest.mark.parametrize(("name", "message"), RECORDED, ids=[row[0] for row in RECORDED])
def test_start_code_of_recorded_containers(name, message):
    assert start_code(message) is (Code.RUNTIME_ERROR if name in NOT_OF_A_COMMAND else Code.BAD_COMMAND)
