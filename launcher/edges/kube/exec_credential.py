"""Runs the credential program of a kubeconfig (``exec``) in the environment that helm would give it."""

from __future__ import annotations

import base64
import datetime as dt
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from launcher.core import foreign
from launcher.core.catalogue.reasons import cure_of
from launcher.core.redaction import by_shape
from launcher.edges.kubeconfig import ClientConfig
from launcher.errors import Denied, Reason

__all__ = ["ExecCredential", "run"]

_SECONDS = 30.0
_LONGEST = 300
_SKEW = dt.timedelta(seconds=10)
_CONFIG = "client.authentication.k8s.io/exec"
_CLUSTER = ("server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url")


@dataclass(frozen=True)
class ExecCredential:
    """What a credential program answered.

    Attributes:
        token: empty = none.
        certificate_data: PEM.
        key_data: PEM.
        until: when a new one is needed; None = after the next 401.
    """

    token: str = field(default="", repr=False)
    certificate_data: str = ""
    key_data: str = field(default="", repr=False)
    until: dt.datetime | None = None

    def has_expired(self) -> bool:
        """Return whether it expires within seconds."""
        return self.until is not None and dt.datetime.now(dt.timezone.utc) + _SKEW >= self.until

    def certificate(self) -> Mapping[str, str]:
        """Return the certificate as fields of a kubeconfig user."""
        pem = {"client-certificate-data": self.certificate_data, "client-key-data": self.key_data}
        return {name: base64.b64encode(text.encode()).decode() for name, text in pem.items() if text}


def run(config: ClientConfig, environ: Mapping[str, str]) -> ExecCredential:
    """Return what the credential program answers.

    Raises:
        Denied: it is not there, failed, did not end, or answered something else.
    """
    program: Mapping[str, Any] = config.user["exec"]
    env = {**environ, **{item["name"]: item["value"] for item in program.get("env") or ()}}
    env["KUBERNETES_EXEC_INFO"] = json.dumps(_info(program, config.cluster))
    command = [program["command"], *(program.get("args") or ())]
    try:
        # S603: the program that the kubeconfig names, without a shell.
        done = subprocess.run(  # noqa: S603
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except FileNotFoundError as error:
        raise _failed(config, f"executable {command[0]} not found") from error
    except subprocess.TimeoutExpired as error:
        raise _failed(config, f"{command[0]} did not end within {_SECONDS:g} s") from error
    except (OSError, ValueError) as error:
        raise _failed(config, f"{command[0]} cannot be run") from error
    if done.returncode != 0:
        said = _shown(done.stderr.decode(errors="replace"))
        tail = f": {said}" if said else " and said nothing"
        raise _failed(config, f"{command[0]} ended with exit code {done.returncode}{tail}")
    try:
        return _parsed(done.stdout, program["apiVersion"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _failed(config, f"{command[0]} printed no ExecCredential of its apiVersion") from error


def _info(program: Mapping[str, Any], cluster: Mapping[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = {"interactive": False}
    if program.get("provideClusterInfo"):
        spec["cluster"] = {name: cluster[name] for name in _CLUSTER if name in cluster}
        authority = cluster.get("certificate-authority-data")
        if "certificate-authority" in cluster:
            authority = base64.b64encode(Path(cluster["certificate-authority"]).read_bytes()).decode()
        if authority:
            spec["cluster"]["certificate-authority-data"] = authority
        for item in cluster.get("extensions", ()):
            if isinstance(item, Mapping) and item.get("name") == _CONFIG:
                spec["cluster"]["config"] = item.get("extension")
    return {"apiVersion": program["apiVersion"], "kind": "ExecCredential", "spec": spec}


def _parsed(stdout: bytes, api_version: str) -> ExecCredential:
    answer = json.loads(stdout)
    if answer["apiVersion"] != api_version or answer["kind"] != "ExecCredential":
        raise ValueError("another kind or version")
    status = answer["status"]
    token = str(status.get("token") or "").strip(" \t")
    certificate, key = (str(status.get(f"client{name}Data") or "") for name in ("Certificate", "Key"))
    if (not token and not certificate) or bool(certificate) != bool(key) or "\n" in token:
        raise ValueError("neither a token nor a certificate with its key")
    expires = status.get("expirationTimestamp")
    until = None if not expires else dt.datetime.fromisoformat(expires.replace("Z", "+00:00"))
    if until is not None and until.tzinfo is None:
        raise ValueError("a time without zone")
    return ExecCredential(token, certificate, key, until)


def _failed(config: ClientConfig, why: str) -> Denied:
    reason = Reason.CREDENTIAL_PLUGIN
    return Denied(
        f"the credential program of kubeconfig {config.source} failed: {why}",
        cure=cure_of(reason),
        reason=reason,
    )


def _shown(text: str) -> str:
    """Return what a program wrote: in one line, bounded, escaped, without credentials."""
    line = foreign.line(by_shape(" ".join(text[: 4 * _LONGEST].split())))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."
