"""Why a container's process could not be started: its command is wrong, or the container runtime failed.

runc reports both in the same form. Only the text after "exec:" is about the command: a hook of the GPU
runtime that lacks a library says "no such file or directory", too, and so does a node without that runtime.
"""

from __future__ import annotations

import re

from launcher.core.catalogue import Code

__all__ = ["start_code"]

# 'error running prestart hook #0: ... nvidia-container-cli: initialization error: load library failed:
# libnvidia-ml.so.1: cannot open shared object file: no such file or directory'; crun: 'error executing hook
# `/x`'; shim: 'unable to retrieve OCI runtime error (open log.json: no such file or directory): exec:
# "nvidia-container-runtime": executable file not found in $PATH'. Not a bare "nvidia": a command may be
# /opt/nvidia/nvidia_entrypoint.sh. containerd, before there is a process: 'failed to create containerd
# container: get apparmor_parser version: exec: "apparmor_parser": executable file not found in $PATH'
_RUNTIME = re.compile(
    r"\b(?:running|executing) (?:\w+ )?hook\b|nvidia-container-(?:cli|runtime)|"
    r"unable to retrieve OCI runtime error|error gathering device information|"
    r"failed to create containerd container: |failed to start shim: ",
    re.IGNORECASE,
)
# 'exec: "/none": stat /none: no such file or directory', 'exec: "none": executable file not found in $PATH',
# 'exec: "/etc/hosts": permission denied', 'exec /x: exec format error'; and on a workingDir that is a file:
# 'error during container init: mkdir /etc/hosts: not a directory', 'chdir to cwd ("/x") ... failed'; crun:
# 'executable file `none` not found in $PATH', 'open executable: Permission denied',
# 'exec container process `/x`'
_COMMAND = re.compile(
    r"executable file (?:`[^`]*` )?not found|open executable|exec container process|"
    r"exec format error|no command specified|mkdir (?:(?!mkdir )[^:])*: not a directory|chdir to cwd",
    re.IGNORECASE,
)


# One expression for both, `exec: ".*no such file`, tries every end for every mark: an image whose volumes had
# names of 60,000 characters made of `exec "` held all threads of a parent for minutes.
_EXEC = re.compile(r"exec:? [\"/]", re.IGNORECASE)
_OF_ITS_FILE = re.compile(r"no such file or directory|permission denied|is a directory", re.IGNORECASE)


def start_code(message: str) -> Code:
    """Return BAD_COMMAND for a fault of the job and RUNTIME_ERROR for one of the node."""
    if _RUNTIME.search(message):
        return Code.RUNTIME_ERROR
    if _COMMAND.search(message) or any(map(_is_about_a_file, message.splitlines())):
        return Code.BAD_COMMAND
    return Code.RUNTIME_ERROR


def _is_about_a_file(line: str) -> bool:
    mark = _EXEC.search(line)
    return mark is not None and _OF_ITS_FILE.search(line, mark.end()) is not None
