"""The credentials for a registry, and whose certificates it may have: where helm finds both.

Helm asks its own file first and docker's then; both have the form of docker's ``config.json``, with entries
or with the name of a program that has them (https://github.com/docker/docker-credential-helpers). Go trusts
what https://pkg.go.dev/crypto/x509#SystemCertPool says, which is not what Python's libraries trust.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from launcher.core.chart_reference import ChartReference
from launcher.core.plan.images import Login, Place, logins_for
from launcher.core.plan.logins import login_of, logins_in
from launcher.edges.helm.child import ChildFailed, HelmProcess
from launcher.logs import logger

__all__ = ["config_files", "known_of", "logins_of", "trusted_in"]

_LOG = logger(__name__)
_SECONDS = 30.0
# What docker calls Docker Hub, whatever name of it is asked.
_HUB, _HUB_HOSTS = (
    "https://index.docker.io/v1/",
    frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"}),
)
# A user of this name: the secret is an identity token.
_IDENTITY = "<token>"
# The files of Go's crypto/x509/root_linux.go, the first that is there counts.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def config_files(env: Mapping[str, str]) -> tuple[Path, Path]:
    """Return helm's file of credentials and docker's."""
    home = env.get("HOME", "")
    config = env.get("HELM_CONFIG_HOME") or f"{env.get('XDG_CONFIG_HOME') or home + '/.config'}/helm"
    own = env.get("HELM_REGISTRY_CONFIG") or f"{config}/registry/config.json"
    return Path(own), Path(env.get("DOCKER_CONFIG") or f"{home}/.docker", "config.json")


def known_of(file: Path) -> Mapping[str, Any]:
    """Return what a file of credentials says, an empty mapping for one that cannot be read."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}


def logins_of(chart: ChartReference, env: Mapping[str, str]) -> tuple[Login, ...]:
    """Return the logins for a chart, in the order in which helm looks for one.

    Args:
        chart: where it is.
        env: the environment of helm, which the programs that hold credentials get, too.
    """
    return tuple(one for file in config_files(env) for one in _logins(chart, known_of(file), env))


def _logins(chart: ChartReference, known: Mapping[str, Any], env: Mapping[str, str]) -> Iterator[Login]:
    helpers = known.get("credHelpers")
    server = _HUB if chart.host in _HUB_HOSTS else chart.host
    named = helpers.get(server) if isinstance(helpers, Mapping) else None
    if program := named or known.get("credsStore"):
        yield from _of_program(str(program), server, env)
    else:
        yield from logins_for(
            Place(chart.host, chart.repository, chart.digest), logins_in(known.get("auths"))
        )


def _of_program(name: str, server: str, env: Mapping[str, str]) -> Iterator[Login]:
    """Yield the login that a program has; none where it cannot be asked: the registry says the rest."""
    executable = shutil.which(f"docker-credential-{name}", path=env.get("PATH"))
    if executable is None:
        _LOG.warning(
            "there is no program docker-credential-%s on PATH: registry %s is asked without", name, server
        )
        return
    try:
        process = HelmProcess(executable=executable, env=env, deadline_seconds=_SECONDS)
        said = json.loads(process.run(["get"], server.encode()))
        user, secret = said["Username"], said["Secret"]
    except (ChildFailed, OSError, ValueError, TypeError, LookupError, RecursionError) as error:
        _LOG.debug("docker-credential-%s has nothing for %s: %s", name, server, type(error).__name__)
        return
    yield Login(server, "", str(secret)) if user == _IDENTITY else login_of(server, str(user), str(secret))


def trusted_in(env: Mapping[str, str], folder: Path) -> Path | None:
    """Return a file with the certificates that helm trusts; None where the machine has none.

    Args:
        env: the environment of helm: SSL_CERT_FILE names one file, SSL_CERT_DIR folders beside it.
        folder: for the file, if it is to be made.
    """
    named = env.get("SSL_CERT_FILE")
    bundle = next((path for path in map(Path, [named] if named else _BUNDLES) if path.is_file()), None)
    folders = [Path(one) for one in env.get("SSL_CERT_DIR", "").split(":") if one]
    if not folders:
        return bundle
    files = [*([bundle] if bundle else []), *(file for one in folders for file in sorted(one.glob("*")))]
    made = folder / "trusted.pem"
    made.write_bytes(b"\n".join(file.read_bytes() for file in files if file.is_file()))
    return made
