"""A federation of FLARE on loopback: a server and two sites, whose parents can be killed and started again."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tests.contract.flare.loopback.processes import read_all

__all__ = ["ADMIN", "SERVER", "SITES", "Federation"]

REPOSITORY = Path(__file__).parents[4]
ADMIN = "admin@acme.com"
SERVER, SITES = "localhost", ("localhost", "site-1", "site-2")
_BUILDERS = {
    "workspace.WorkspaceBuilder": {"template_file": ["master_template.yml"]},
    "static_file.StaticFileBuilder": {"config_folder": "config", "scheme": "grpc"},
    "cert.CertBuilder": {},
    "signature.SignatureBuilder": {},
}
# What a site of FLARE has beside the launcher, and a loopback does not need.
_UNUSED = {"process_launcher", "resource_manager", "resource_consumer", "site_log_streamer", "log_receiver"}
_MANAGER = "nvflare.app_common.resource_managers.passthrough_resource_manager.PassthroughResourceManager"
_CONNECT_WITHIN, _RUNS_WITHIN = 60.0, 90.0
ROUNDS = 5


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Federation:
    """Kits below ``root``, and the processes that run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cluster = root / "cluster"
        self._starts = 0
        self.parents: dict[str, subprocess.Popen[bytes]] = {}
        self.port, *self.internal = free_ports(4)
        self._provision()
        for site, port in zip(SITES, self.internal, strict=True):
            self._prepare(site, port)

    def _provision(self) -> None:
        people: list[dict[str, Any]] = [{"name": site, "type": "client", "org": "acme"} for site in SITES[1:]]
        people.append({"name": SERVER, "type": "server", "org": "acme", "fed_learn_port": self.port})
        people[-1]["admin_port"] = self.port
        people.append({"name": ADMIN, "type": "admin", "org": "acme", "role": "project_admin"})
        project = {"api_version": 3, "name": "loop", "description": "loopback", "participants": people}
        project["builders"] = [
            {"path": f"nvflare.lighter.impl.{path}", "args": args} for path, args in _BUILDERS.items()
        ]
        (self.root / "project.yml").write_text(yaml.safe_dump(project))
        words = [sys.executable, "-m", "nvflare.cli", "provision", "-p", "project.yml", "-w", "ws", "--force"]
        subprocess.run(words, cwd=self.root, check=True, capture_output=True, input=b"")
        shutil.copytree(self.root / "ws/loop/prod_00", self.root / "kits", symlinks=True)

    def _prepare(self, site: str, port: int) -> None:
        kit = self.root / "kits" / site
        resources = kit / "local/resources.json.default"
        given = json.loads(resources.read_text())
        given["components"] = [one for one in given["components"] if one["id"] not in _UNUSED]
        kind = "Server" if site == SERVER else "Client"
        path = f"tests.contract.flare.loopback.launchers.{kind}OnProcesses"
        given["components"].append({"id": "k8s_launcher", "path": path, "args": {"namespace": "fl"}})
        if site != SERVER:
            given["components"].append({"id": "resource_manager", "path": _MANAGER, "args": {}})
        store = str(self.root / "store")
        resources.write_text(json.dumps(given).replace("/tmp/nvflare", store))
        secured = {"connection_security": "mtls", "host": "localhost", "port": port}
        communication = {
            "allow_adhoc_conns": False,
            "backbone_conn_gen": 2,
            "internal": {"scheme": "tcp", "resources": secured},
        }
        (kit / "local/comm_config.json").write_text(json.dumps(communication))

    def configure(self, site: str, **settings: Any) -> None:
        folder = self.root / "kits" / site / "fljob"
        folder.mkdir(exist_ok=True)
        (folder / "fljob.yaml").write_text(yaml.safe_dump({"image": "any:1", **settings}))

    def start(self, *sites: str) -> None:
        """Start the parents of these sites."""
        for site in sites:
            kit = self.root / "kits" / site
            kind = "server" if site == SERVER else "client"
            words = [
                sys.executable,
                "-u",
                "-m",
                f"nvflare.private.fed.app.{kind}.{kind}_train",
                "-m",
                str(kit),
            ]
            words += [
                "-s",
                f"fed_{kind}.json",
                "--set",
                "secure_train=true",
                "config_folder=config",
                "org=acme",
            ]
            words += [] if site == SERVER else [f"uid={site}"]
            own = {"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
            own |= {"FLJOB_LOOPBACK": str(self.cluster), "FLJOB_LOOPBACK_WORKSPACE": str(kit)}
            with (self.root / f"{site}.log").open("ab") as log:
                self.parents[site] = subprocess.Popen(
                    words,
                    env={**os.environ, **own},
                    cwd=kit,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            if site == SERVER:
                self._wait_for_server()

    def _wait_for_server(self) -> None:
        """Wait until the server has its key: a site that registers before that gives up ("Login failed")."""
        self._starts += 1
        deadline = time.monotonic() + _RUNS_WITHIN
        while self.log(SERVER).count("Server started") < self._starts:
            assert time.monotonic() < deadline, self.log(SERVER)[-5000:]
            time.sleep(0.2)
        time.sleep(0.5)

    def kill(self, *sites: str) -> None:
        """End parents as a node does that goes down."""
        for site in sites:
            self.parents[site].kill()
            self.parents[site].wait()

    def stop(self) -> None:
        """End everything that was started."""
        self.kill(*self.parents)
        for pid in self.cluster.glob("*/*/pid"):
            with contextlib.suppress(ProcessLookupError, ValueError):
                os.killpg(int(pid.read_text()), signal.SIGKILL)

    def log(self, site: str) -> str:
        return (self.root / f"{site}.log").read_text(errors="replace")

    def ask(self, what: str, word: str) -> str:
        """Let the admin submit a folder or abort a job; return the answer. A server that is starting refuses."""
        words = [sys.executable, "-W", "ignore", "-m", "tests.contract.flare.loopback.admin"]
        words += [str(self.root / "kits" / ADMIN), what, word]
        deadline = time.monotonic() + _CONNECT_WITHIN
        while True:
            done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return done.stdout.partition("answer: ")[2].strip()
            assert time.monotonic() < deadline, done.stdout + done.stderr

    def status(self, job: str) -> str:
        """Return what the server's job store says."""
        (meta,) = self.root.glob(f"store/**/{job}/meta")
        return str(json.loads(meta.read_bytes())["status"])

    def ends(self, job: str, within: float = 360.0) -> str:
        """Return the status of a job that has ended.

        Most do within half a minute. But what FLARE has asked of a parent that was killed meanwhile, or of a
        process that got no time, it waits for up to five minutes (communication_timeout) before it asks again.
        """
        deadline = time.monotonic() + within
        while not (status := self.status(job)).startswith("FINISHED") and time.monotonic() < deadline:
            time.sleep(0.5)
        return status

    def submit(self, seconds: float = 1.5) -> str:
        """Submit a job of five rounds, each so long, once both sites are there; return its id."""
        return self.ask("submit", str(self._job(seconds)))

    def _job(self, seconds: float) -> Path:
        folder = self.root / "job"
        shutil.copytree(Path(__file__).parent / "job", folder, dirs_exist_ok=True)
        client = folder / "app/config/config_fed_client.json"
        client.write_text(client.read_text().replace('"SECONDS"', str(seconds)))
        return folder

    def pods(self) -> dict[str, int]:
        """Return the processes of job pods that have not been removed, site -> process id."""
        found = {}
        for site, pod in self._jobs():
            with contextlib.suppress(FileNotFoundError, ValueError):
                found[site] = int((pod / "pid").read_text())
        return found

    def _jobs(self) -> list[tuple[str, Path]]:
        """Return site and folder of each job pod that has not been removed."""
        all_values = [record["values"] for record in read_all(self.cluster / "releases").values()]
        return [(one["job"]["site"], self.cluster / "pods" / one["pod"]["name"]) for one in all_values]

    def hold(self, *sites: str) -> None:
        """Let job pods of these sites stay pending from now on; of no others."""
        self._mark("hold", sites)

    def refuse(self, *sites: str) -> None:
        """Refuse the job pods of these sites from now on, as a quota does; of no others."""
        self._mark("refuse", sites)

    def _mark(self, what: str, sites: Iterable[str]) -> None:
        self.cluster.mkdir(exist_ok=True)
        for path in self.cluster.glob(f"{what}-*"):
            path.unlink()
        for site in sites:
            (self.cluster / f"{what}-{site}").touch()

    def notes(self, site: str) -> list[Path]:
        """Return the notes of refused jobs that the parent of a site has written."""
        return [*(self.root / "kits" / site / "fljob/refused").glob("*")]

    def pod_log(self, site: str) -> str:
        """Return what the job process of a site has written."""
        for name, pod in self._jobs():
            with contextlib.suppress(FileNotFoundError):
                if name == site:
                    return (pod / "log").read_text(errors="replace")
        return ""

    def end_pod(self, site: str) -> None:
        """End the job process of a site, as the kernel would."""
        os.killpg(self.pods()[site], signal.SIGKILL)
        for name, pod in self._jobs():
            if name == site:
                (pod / "rc").write_text("137")

    def took_over(self, job: str, *sites: str) -> None:
        """Wait until the parents of these sites have taken a job over."""
        deadline = time.monotonic() + _RUNS_WITHIN
        for site in sites:
            while f"job {job} taken over" not in self.log(site):
                assert time.monotonic() < deadline, self.log(site)[-5000:]
                time.sleep(0.3)

    def round(self, number: int) -> dict[str, int]:
        """Wait until a round has begun and return the processes of the job then."""
        deadline = time.monotonic() + _RUNS_WITHIN
        while not any(
            re.search(rf"Round {number} started", self.pod_log(site)) for site in ("server", *SITES)
        ):
            assert time.monotonic() < deadline, self.log(SERVER)[-5000:]
            time.sleep(0.2)
        return self.pods()

    def is_clean(self, within: float = 30.0) -> bool:
        """Tell whether no release and no credentials are left, soon."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            left = [*(self.cluster / "releases").glob("*.json"), *(self.cluster / "secrets").glob("*-cred-*")]
            if not left:
                return True
            time.sleep(0.3)
        return False
