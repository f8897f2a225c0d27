"""A stand-in for cluster and helm in processes of their own: the parent's own cost, on any machine, without a cluster.

benchmarks/standin.py FOLDER

Writes FOLDER/kubeconfig and FOLDER/helm, prints "ready" and serves until it is killed. The API server knows pods,
Secrets, ConfigMaps, events and nodes, labels, resource versions and watches; a pod runs at once and goes as soon as it
is deleted. The helm makes the pod of a job and a record of its release. Nothing else is like a real one: use it for
profiles and for what changes with the number of jobs, and a cluster for every figure that is quoted.
"""

from __future__ import annotations

import json
import queue
import stat
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Item = dict[str, Any]
LISTS = {"pods": "PodList", "secrets": "SecretList", "configmaps": "ConfigMapList", "events": "EventList"}
START_AFTER, GONE_AFTER = 0.05, 0.05

HELM = """#!{python} -IS
import base64, gzip, http.client, json, os, sys, urllib.parse
verb, name = sys.argv[1], sys.argv[2]
option = lambda key: sys.argv[sys.argv.index(key) + 1]
server = json.load(open(os.environ["KUBECONFIG"]))["clusters"][0]["cluster"]["server"]
api = http.client.HTTPConnection(urllib.parse.urlsplit(server).netloc)
def ask(method, path, body=None):
    api.request(method, "/api/v1/namespaces/" + option("--namespace") + path, body and json.dumps(body))
    answer = api.getresponse()
    return answer.status, json.loads(answer.read())
def fail(text):
    sys.stderr.write("Error: " + text + "\\n")
    sys.exit(1)
record = "sh.helm.release.v1." + name + ".v1"
if verb == "install":
    values = json.load(sys.stdin)
    labels = dict(pair.split("=", 1) for pair in option("--labels").split(","))
    metadata = {{"name": record, "labels": {{**labels, "owner": "helm", "name": name}}}}
    made = "apiVersion: v1\\nkind: Pod\\nmetadata: {{name: " + values["pod"]["name"] + "}}\\n"
    packed = base64.b64encode(gzip.compress(json.dumps({{"manifest": made, "config": values}}).encode()))
    data = {{"release": base64.b64encode(packed).decode()}}
    if ask("POST", "/secrets", {{"metadata": metadata, "pod": values["pod"]["name"], "data": data}})[0] == 409:
        fail("INSTALLATION FAILED: cannot reuse a name that is still in use")
    annotations = {{**values["pod"].get("annotations", {{}}), "meta.helm.sh/release-name": name}}
    metadata = {{"name": values["pod"]["name"], "labels": values["labels"], "annotations": annotations}}
    container = {{"name": values["container"]["name"], "image": values["image"]["reference"]}}
    ask("POST", "/pods", {{"metadata": metadata, "spec": {{"containers": [container]}}}})
elif verb == "uninstall":
    status, found = ask("GET", "/secrets/" + record)
    if status == 404:
        fail("uninstall: Release not loaded: " + name + ": release: not found")
    ask("DELETE", "/pods/" + found["pod"])
    ask("DELETE", "/secrets/" + record)
elif verb == "list":
    print("[]")
else:
    fail("release: not found")
"""


class Api:
    """The objects, and who watches them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.items: dict[tuple[str, str, str], Item] = {}
        self.version = 1
        self.history: list[tuple[int, str, str, bytes, Item]] = []
        self.watchers: dict[queue.SimpleQueue[Any], tuple[str, str, list[str]]] = {}

    def note(self, change: str, kind: str, namespace: str, item: Item) -> None:
        """Give the object its version and tell who watches; the lock is held."""
        self.version += 1
        item["metadata"]["resourceVersion"] = str(self.version)
        line = json.dumps({"type": change, "object": item}).encode() + b"\n"
        labels = dict(item["metadata"].get("labels") or {})
        self.history.append((self.version, kind, namespace, line, labels))
        for told, (one, where, selector) in self.watchers.items():
            if (one, where) == (kind, namespace) and matches(labels, selector):
                told.put(line)

    def create(self, kind: str, namespace: str, item: Item) -> tuple[int, Item]:
        metadata = item["metadata"]
        key = (kind, namespace, metadata["name"])
        with self.lock:
            if key in self.items:
                return 409, status(409, f'{kind} "{key[2]}" already exists', "AlreadyExists")
            metadata |= {"namespace": namespace, "uid": str(uuid.uuid4()), "creationTimestamp": now()}
            if kind == "pods":
                item["spec"]["nodeName"] = "node"
                item["status"] = {
                    "phase": "Pending",
                    "conditions": [{"type": "PodScheduled", "status": "True"}],
                }
                threading.Timer(START_AFTER, self.run, key).start()
            self.items[key] = item
            self.note("ADDED", kind, namespace, item)
            return 201, item

    def run(self, kind: str, namespace: str, name: str) -> None:
        with self.lock:
            item = self.items.get((kind, namespace, name))
            if item is not None and item["status"]["phase"] == "Pending":
                states = [
                    {"name": one["name"], "state": {"running": {"startedAt": now()}}}
                    for one in item["spec"]["containers"]
                ]
                item["status"] |= {"phase": "Running", "containerStatuses": states}
                self.note("MODIFIED", kind, namespace, item)

    def delete(self, kind: str, namespace: str, name: str) -> tuple[int, Item]:
        with self.lock:
            item = self.items.get((kind, namespace, name))
            if item is None:
                return 404, status(404, f'{kind} "{name}" not found', "NotFound")
            if kind == "pods":
                item["metadata"] |= {"deletionTimestamp": now(), "deletionGracePeriodSeconds": 1}
                self.note("MODIFIED", kind, namespace, item)
                threading.Timer(GONE_AFTER, self.drop, (kind, namespace, name)).start()
            else:
                del self.items[kind, namespace, name]
            return 200, status(200, "", "")

    def drop(self, kind: str, namespace: str, name: str) -> None:
        with self.lock:
            item = self.items.pop((kind, namespace, name), None)
            if item is not None:
                self.note("DELETED", kind, namespace, item)

    def merge(self, kind: str, namespace: str, name: str, change: Item | None) -> tuple[int, Item]:
        with self.lock:
            item = self.items.get((kind, namespace, name))
            if item is None:
                return 404, status(404, f'{kind} "{name}" not found', "NotFound")
            for key, value in (change or {}).items():
                item[key] = {**item.get(key, {}), **value} if isinstance(value, dict) else value
            if change:
                self.note("MODIFIED", kind, namespace, item)
            return 200, item

    def listed(self, kind: str, namespace: str, selector: list[str]) -> Item:
        with self.lock:
            found = [
                item
                for (one, where, _), item in self.items.items()
                if (one, where) == (kind, namespace)
                and matches(item["metadata"].get("labels") or {}, selector)
            ]
            return {"kind": LISTS[kind], "metadata": {"resourceVersion": str(self.version)}, "items": found}

    def watch(self, kind: str, namespace: str, selector: list[str], since: int) -> queue.SimpleQueue[Any]:
        told: queue.SimpleQueue[Any] = queue.SimpleQueue()
        with self.lock:
            for version, one, where, line, labels in self.history:
                if version > since and (one, where) == (kind, namespace) and matches(labels, selector):
                    told.put(line)
            self.watchers[told] = (kind, namespace, selector)
        return told


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def status(code: int, message: str, reason: str) -> Item:
    return {"kind": "Status", "code": code, "message": message, "reason": reason}


def matches(labels: Item, selector: list[str]) -> bool:
    for one in selector:
        key, is_not, value = one.partition("!=")
        if is_not:
            if labels.get(key) == value:
                return False
        elif "=" in one:
            key, _, value = one.partition("=")
            if labels.get(key) != value:
                return False
        elif one not in labels:
            return False
    return True


class Handler(BaseHTTPRequestHandler):
    """Answers what launcher, helm and benchmark ask."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536
    api: Api

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def serve(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        if url.path == "/api/v1/nodes":
            self.answer(200, {"kind": "NodeList", "metadata": {}, "items": []})
            return
        _, _, _, _, namespace, kind, *rest = url.path.split("/")
        if rest:
            self.answer(*self.of_one(kind, namespace, rest[0], body))
        elif self.command == "POST":
            self.answer(*self.api.create(kind, namespace, body))
        elif query.get("watch"):
            self.follow(kind, namespace, query)
        else:
            self.answer(200, self.api.listed(kind, namespace, selector_of(query)))

    def of_one(self, kind: str, namespace: str, name: str, body: Item) -> tuple[int, Item]:
        if self.command == "DELETE":
            return self.api.delete(kind, namespace, name)
        if self.command == "GET":
            return self.api.merge(kind, namespace, name, None)
        return self.api.merge(kind, namespace, name, body)

    def answer(self, code: int, body: Item) -> None:
        with self.api.lock:
            text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def follow(self, kind: str, namespace: str, query: Item) -> None:
        end = time.monotonic() + float(query.get("timeoutSeconds", 60))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        since = int(query.get("resourceVersion") or 0)
        told = self.api.watch(kind, namespace, selector_of(query), since)
        try:
            while (left := end - time.monotonic()) > 0:
                try:
                    line = told.get(timeout=left)
                except queue.Empty:
                    break
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True
        finally:
            with self.api.lock:
                self.api.watchers.pop(told, None)


for verb in ("GET", "POST", "PUT", "PATCH", "DELETE"):
    setattr(Handler, f"do_{verb}", Handler.serve)


def selector_of(query: Item) -> list[str]:
    return [one for one in query.get("labelSelector", "").split(",") if one]


def main(folder: Path) -> None:
    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 1024

    Handler.api = Api()
    server = Server(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    config = {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "clusters": [{"name": "x", "cluster": {"server": url}}],
        "users": [{"name": "x", "user": {}}],
    }
    (folder / "kubeconfig").write_text(json.dumps(config))
    helm = folder / "helm"
    helm.write_text(HELM.format(python=sys.executable))
    helm.chmod(helm.stat().st_mode | stat.S_IXUSR)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
