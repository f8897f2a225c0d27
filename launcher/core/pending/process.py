"""Why a container's process could not be started: its command is wrong, or the runtime could not help it.

Both come from runc in the same sentence. Only what follows "exec:" speaks of the command: a hook of the GPU
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
# /opt/nvidia/nvidia_entrypoint.sh.
_RUNTIME = re.compile(
    r"\b(?:running|executing) (?:\w+ )?hook\b|nvidia-container-(?:cli|runtime)|"
    r"unable to retrieve OCI runtime error|error gathering device information",
    re.IGNORECASE,
)
# 'exec: "/none": stat /none: no such file or directory', 'exec: "none": executable file not found in $PATH',
# 'exec: "/etc/hosts": permission denied', 'exec /x: exec format error'; and on a workingDir that is a file:
# 'error during container init: mkdir /etc/hosts: not a directory', 'chdir to cwd ("/x") ... failed'; crun:
# 'executable file `none` not found in $PATH', 'open executable: Permission denied',
# 'exec container process `/x`'
_COMMAND = re.compile(
    r"exec:? [\"/].*(?:no such file or directory|permission denied|is a directory)|"
    r"executable file (?:`[^`]*` )?not found|open executable|exec container process|"
    r"exec format error|no command specified|mkdir [^:]*: not a directory|chdir to cwd",
    re.IGNORECASE,
)


def start_code(message: str) -> Code:
    """Return BAD_COMMAND for the job's fault and RUNTIME_ERROR for the node's."""
    if _RUNTIME.search(message):
        return Code.RUNTIME_ERROR
    return Code.BAD_COMMAND if _COMMAND.search(message) else Code.RUNTIME_ERROR
