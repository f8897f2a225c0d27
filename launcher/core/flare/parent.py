"""What a parent of FLARE 2.9 hands to its job processes, from the files that it starts with: its kit.

Each rule is FLARE's (2.9.0, `ServerEngine._start_runner_process`, `JobExecutor.start_app`, and what these ask
its cell for); the contract test compares it with what real parents have sent.
"""

from __future__ import annotations

import ipaddress
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from launcher.core.checks import invalid, require_mapping, require_text
from launcher.core.flare.process import CREDENTIALS, PROCESS, TRANSFER_TOKEN, JobProcess
from launcher.core.spec.jobspec import Role
from launcher.errors import InvalidInput

__all__ = ["DEFAULT_STUDY", "START", "KitFiles", "Parent", "parent_of"]

# FLARE's server puts a job of a session without a study into this one (`nvflare.apis.job_def.DEFAULT_STUDY`).
DEFAULT_STUDY = "default"
START = {Role.CLIENT: "fed_client.json", Role.SERVER: "fed_server.json"}
_COMM = "local/comm_config.json"
_VALUES = "helm_chart/values.yaml"
_SERVER = "server"  # its identity name, whatever the participant is called
# Schemes that FLARE's drivers replace when the connection is to be secure; a secure one stays.
_SECURE = {"tcp": "stcp", "atcp": "stcp", "grpc": "grpcs", "agrpc": "grpcs", "http": "https"}
_CLEAR = "clear"
_AGAIN = "prepare the kit again with `nvflare deploy prepare`"


@dataclass(frozen=True, kw_only=True)
class KitFiles:
    """The parsed files of a kit or workspace from which its parent starts; an empty mapping = no such file.

    Attributes:
        role: client or server, by the file that is there.
        start: ``fed_client.json`` or ``fed_server.json``.
        resources: ``local/resources.json``, which has what the first one has not.
        communication: ``local/comm_config.json``.
        values: of the parent's chart.
        relay: the ``relay_config`` of a client that reaches the server through a relay.
        organization: from the certificate, for a workspace without a chart; asked for only then.
        mounted: where the workspace lies, for one without a chart.
        federation: federation mark of the startup kit.
    """

    role: Role
    start: Mapping[str, Any]
    resources: Mapping[str, Any] = field(default_factory=dict)
    communication: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    relay: Mapping[str, Any] = field(default_factory=dict)
    organization: Callable[[], str] = str
    mounted: str = ""
    federation: str = ""


@dataclass(frozen=True, kw_only=True)
class Parent:
    """A parent: the same for all its jobs.

    Attributes:
        role: client or server.
        site: identity name of the site.
        workspace: root of its workspace, as its command line names it.
        owner: name of its CellNet cell.
        flags: (flag, value) of a job process in FLARE's order; of a value that the job decides a function.
        options: values of ``--set``.
        federation: federation mark.
    """

    role: Role
    site: str
    workspace: str
    owner: str
    flags: tuple[tuple[str, str | Callable[[str], str]], ...]
    options: tuple[str, ...]
    federation: str

    def process(self, job_id: str, study: str) -> JobProcess:
        """Return the process of a job; the parent's credentials are names, since a kit has none of them."""
        flags = ((flag, value if isinstance(value, str) else value(job_id)) for flag, value in self.flags)
        return JobProcess(
            job_id=job_id,
            site=self.site,
            study=study,
            custom=f"{job_id}/app_{self.site}/custom",
            owner=self.owner,
            module=PROCESS[self.role],
            flags=tuple(flags),
            options=self.options,
            secrets=(*CREDENTIALS, TRANSFER_TOKEN),
            federation=self.federation,
        )


def parent_of(files: KitFiles) -> Parent:
    """Return the parent that starts from these files.

    Raises:
        InvalidInput: a file lacks what a job process is told, with its key path.
    """
    workspace, options = _command_line(files)
    site = _SERVER if files.role is Role.SERVER else _client_name(files, options)
    flags = _server_flags if files.role is Role.SERVER else _client_flags
    relay = files.relay.get("fqcn") if files.role is Role.CLIENT else None
    return Parent(
        role=files.role,
        site=site,
        workspace=workspace,
        owner=f"{relay}.{site}" if relay else site,
        flags=tuple(flags(files, workspace, site, options)),
        options=options,
        federation=files.federation,
    )


def _command_line(files: KitFiles) -> tuple[str, tuple[str, ...]]:
    """Return workspace and ``--set`` options of the parent's command line."""
    if not files.values:
        plain = ("secure_train=true", "config_folder=config", f"org={files.organization()}")
        named = () if files.role is Role.SERVER else (f"uid={_name_in_start(files)}",)
        return files.mounted, (*plain, *named)
    where = f"{_VALUES}: args"
    words = files.values.get("args")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise invalid(where, words, "must be a list of texts", cure=_AGAIN)
    # The first -m is Python's: `-u -m nvflare...client_train -m WORKSPACE -s fed_client.json --set ...`
    modules = [at for at, word in enumerate(words[:-1]) if word == "-m"]
    if len(modules) != 2 or "--set" not in words:  # noqa: PLR2004
        raise invalid(where, words, "must name a module, a workspace and --set", cure=_AGAIN)
    options = _until_flag(words[words.index("--set") + 1 :])
    # The chart's template adds this one: `uid={{ default .Values.name .Values.siteName }}`.
    named = () if files.role is Role.SERVER else (f"uid={_name_in_values(files)}",)
    return words[modules[1] + 1], (*options, *named)


def _until_flag(words: Sequence[str]) -> tuple[str, ...]:
    end = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
    return tuple(words[:end])


def _name_in_values(files: KitFiles) -> str:
    value = files.values.get("siteName") or files.values.get("name")
    return require_text(value, f"{_VALUES}: siteName", cure=_AGAIN)


def _name_in_start(files: KitFiles) -> str:
    where = f"startup/{START[Role.CLIENT]}: client.fqsn"
    client = require_mapping(files.start.get("client") or {}, f"startup/{START[Role.CLIENT]}: client")
    return require_text(client.get("fqsn"), where, cure=_AGAIN).rpartition(".")[2]


def _client_name(files: KitFiles, options: Sequence[str]) -> str:
    named = [word.partition("=")[2] for word in options if word.startswith("uid=")]
    return named[-1] if named else _name_in_values(files)


def _client_flags(
    files: KitFiles, workspace: str, site: str, options: Sequence[str]
) -> Iterator[tuple[str, str | Callable[[str], str]]]:
    """Yield the flags in the order of `get_client_job_args`."""
    del options
    service, where = _service(files)
    address, security = _listener(files)
    yield "-m", workspace
    yield "-w", posixpath.join(workspace, "startup")
    yield "-n", str
    yield "-c", site
    yield "-p", address
    yield "--parent_conn_sec", security
    yield "-g", require_text(service.get("target"), f"{where}.target", cure=_AGAIN)
    yield "-scheme", str(service.get("scheme", "grpc"))
    yield "-s", START[Role.CLIENT]


def _server_flags(
    files: KitFiles, workspace: str, site: str, options: Sequence[str]
) -> Iterator[tuple[str, str | Callable[[str], str]]]:
    """Yield the flags in the order of `get_server_job_args`."""
    service, where = _service(files)
    host, port = _target(service, where, options)
    address, security = _listener(files)
    yield "-m", workspace
    yield "-s", START[Role.SERVER]
    yield "-r", lambda job_id: posixpath.join(workspace, job_id, f"app_{site}")
    yield "-n", str
    yield "-p", address
    yield "--parent_conn_sec", security
    yield "-u", _root(files, str(service.get("scheme", "grpc")), host, port)
    yield "--host", host
    yield "--port", port


def _first_server(files: KitFiles) -> tuple[Mapping[str, Any], str]:
    """Return the server's entry and its place; FLARE adds what only the resources file has."""
    name = f"startup/{START[files.role]}: servers"
    found: dict[str, Any] = {}
    for source in (files.resources, files.start):
        servers = source.get("servers")
        first = servers[0] if isinstance(servers, list) and servers else {}
        found |= require_mapping(first, f"{name}[0]")
    return found, f"{name}[0]"


def _service(files: KitFiles) -> tuple[Mapping[str, Any], str]:
    server, where = _first_server(files)
    return require_mapping(server.get("service") or {}, f"{where}.service"), f"{where}.service"


def _target(service: Mapping[str, Any], where: str, options: Sequence[str]) -> tuple[str, str]:
    """Return host and port of the server's target; an option ``host`` replaces the host."""
    target = require_text(service.get("target"), f"{where}.target", cure=_AGAIN)
    host, colon, port = target.partition(":")
    if not colon or not port.isdecimal():
        raise invalid(f"{where}.target", target, "must be HOST:PORT", cure=_AGAIN)
    given = [word.partition("=")[2] for word in options if word.startswith("host=")]
    return (given[-1] if given and given[-1] else host), port


def _root(files: KitFiles, scheme: str, host: str, port: str) -> str:
    """Return the address at which the server listens, with the mark of one that admins use, too."""
    listens = _loopback(host) or "0"
    server, where = _first_server(files)
    admin_port = str(server.get("admin_port", port))
    if admin_port != port:
        return f"{scheme}://{listens}:{port}"
    admin = server.get("admin_host")
    if admin is not None:
        admin = require_text(admin, f"{where}.admin_host").strip()
    return f"{scheme}://{listens if admin is None else _loopback(admin) or admin}:{port}?admin_listener=true"


def _loopback(host: str) -> str:
    """Return the address of a loopback host as FLARE binds it; empty for any other."""
    if host.rstrip(".").lower() == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    address = getattr(address, "ipv4_mapped", None) or address
    if not address.is_loopback:
        return ""
    return str(address) if isinstance(address, ipaddress.IPv4Address) else "127.0.0.1"


def _listener(files: KitFiles) -> tuple[str, str]:
    """Return the address at which job processes reach their parent, and its connection security."""
    internal = require_mapping(files.communication.get("internal") or {}, f"{_COMM}: internal")
    resources = require_mapping(internal.get("resources") or {}, f"{_COMM}: internal.resources")
    where = f"{_COMM}: internal.resources.port"
    port = resources.get("port")
    if isinstance(port, bool) or not isinstance(port, (int, str)) or not str(port):
        # Without one the parent takes any free port, another one at each start.
        raise InvalidInput("the parent has no fixed port", where=where, cure=_AGAIN)
    security = str(resources.get("connection_security") or _CLEAR)
    scheme = require_text(internal.get("scheme"), f"{_COMM}: internal.scheme", cure=_AGAIN)
    scheme = scheme if security == _CLEAR else _SECURE.get(scheme, scheme)
    return f"{scheme}://{resources.get('host') or 'localhost'}:{port}", security
