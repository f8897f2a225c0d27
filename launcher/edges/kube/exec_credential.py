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

from yaml import YAMLError

from launcher.core import foreign
from launcher.core.catalogue.reasons import cure_of
from launcher.edges.disk.go_yaml import first_document
from launcher.edges.kubeconfig import ClientConfig
from launcher.errors import Denied, Reason
from launcher.logs import logger

__all__ = ["ExecCredential", "run"]

# kubectl waits for ever, such as for somebody who logs in with a browser; whoever waits here learns for what.
_NOTICE, _SECONDS = 10.0, 300.0
_LOG = logger(__name__)
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
        code, stdout, stderr = _output(command, env, config.source)
    except FileNotFoundError as error:
        raise _failed(config, f"executable {command[0]} not found") from error
    except subprocess.TimeoutExpired as error:
        raise _failed(config, f"{command[0]} did not end within {_SECONDS:g} s") from error
    except (OSError, ValueError) as error:
        raise _failed(config, f"{command[0]} cannot be run") from error
    if code != 0:
        said = foreign.said(stderr.decode(errors="replace"), _LONGEST)
        tail = f": {said}" if said else " and said nothing"
        raise _failed(config, f"{command[0]} ended with exit code {code}{tail}")
    try:
        return _parsed(stdout.decode(), program["apiVersion"])
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, YAMLError) as error:
        raise _failed(config, f"{command[0]} printed no ExecCredential of its apiVersion") from error


def _output(command: list[str], env: Mapping[str, str], source: str) -> tuple[int, bytes, bytes]:
    """Return exit code, stdout and stderr of a program; one that does not end is killed."""
    # S603: the program that the kubeconfig names, without a shell.
    process = subprocess.Popen(  # noqa: S603
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        try:
            try:
                stdout, stderr = process.communicate(timeout=_NOTICE)
            except subprocess.TimeoutExpired:
                _LOG.warning("waiting for the credential program %s of kubeconfig %s", command[0], source)
                stdout, stderr = process.communicate(timeout=_SECONDS - _NOTICE)
        except BaseException:  # such as Ctrl-C
            process.kill()
            raise
    return process.returncode, stdout, stderr


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


def _parsed(stdout: str, api_version: str) -> ExecCredential:
    try:
        answer = json.loads(stdout)
    except json.JSONDecodeError:
        answer = first_document(stdout)  # client-go takes YAML, too
    if answer["apiVersion"] != api_version or answer["kind"] != "ExecCredential":
        raise ValueError("another kind or version")
    status = answer["status"]
    names = ("token", "clientCertificateData", "clientKeyData")
    token, certificate, key = (status.get(name) or "" for name in names)
    if not all(isinstance(text, str) for text in (token, certificate, key)):
        raise TypeError("a number or a list where a text must be")
    token = token.rstrip(" \t")
    if (not token and not certificate) or bool(certificate) != bool(key) or not _is_token(token):
        raise ValueError("neither a token nor a certificate with its key")
    expires = status.get("expirationTimestamp")
    until = None if not expires else dt.datetime.fromisoformat(expires.replace("Z", "+00:00"))
    if until is not None and until.tzinfo is None:
        raise ValueError("a time without zone")
    return ExecCredential(token, certificate, key, until)


def _is_token(text: str) -> bool:
    return all(char.isprintable() and not char.isspace() for char in text)


def _failed(config: ClientConfig, why: str) -> Denied:
    reason = Reason.CREDENTIAL_PLUGIN
    return Denied(
        f"the credential program of kubeconfig {config.source} failed: {why}",
        cure=cure_of(reason),
        reason=reason,
    )
