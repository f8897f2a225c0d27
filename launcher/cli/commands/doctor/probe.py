"""Runs in the container that `fljob doctor --image` starts: checks that the package is there, and fits.

The source of this file is passed to the image's own Python, which may have neither this package nor FLARE: so
only the standard library is imported at the top. It does what a job process does first - import the launcher
class and construct it with the site's arguments - and writes one line as the termination message.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

MESSAGE = "/dev/termination-log"
# FLARE's own formats and calls, which the launcher follows, are those of this release (pyproject.toml).
FLARE = ("2", "9")


def found(arguments: dict[str, object], *, wants_helm: bool) -> str:
    """Return the versions in the image; raises what importing or constructing raises."""
    import_module("launcher.flare").ClientHelmJobLauncher(**arguments)
    flare = of("nvflare")
    if flare[:1].isdigit() and tuple(flare.split(".")[:2]) != FLARE:
        raise RuntimeError(f"nvflare {flare} is not {'.'.join(FLARE)}")
    have = [
        f"fljob {of('fljob-launcher')}",
        f"nvflare {flare}",
        f"Python {platform.python_version()}",
    ]
    if wants_helm:
        if shutil.which("helm") is None:
            raise FileNotFoundError("helm is not on PATH")
        command = ["helm", "version", "--template", "{{ .Version }}"]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - fixed words
        have.append(f"helm {answer.stdout}")
        if find_spec("prometheus_client") is None:
            have.append("no prometheus-client: with metrics_port nothing is served")
    return ", ".join(have)


def of(name: str) -> str:
    """Return the version of a distribution; a package that was only copied has none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "(no version)"


def main(arguments: str, wants_helm: str) -> int:
    """Write the message and return the exit code."""
    try:
        line, code = found(json.loads(arguments), wants_helm=bool(wants_helm)), 0
    except Exception as error:  # noqa: BLE001 - any error is the message
        line, code = f"{type(error).__name__}: {error}", 1
    with open(MESSAGE, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(line)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
