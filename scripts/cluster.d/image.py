#!/usr/bin/env python3
"""Container images without a daemon: write an archive, push an archive to a registry.

    image.py pack OUT.tar --name NAME:TAG [--layer LAYER.tar]... [--file SOURCE:PATH]... [--link TARGET:PATH]...
                  [--entrypoint WORD]... [--cmd WORD]... [--env NAME=VALUE]...
    image.py push ARCHIVE.tar HOST:PORT NAME:TAG

The archive is in the format of `docker save`, which docker, podman, containerd and kind load. SOURCE may be a
folder. `--layer` files are layers as they are; all `--file` and `--link` make one more layer on top of them.
The same input gives the same bytes (no times, no owners), so a push of what is there already moves nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import io
import json
import os
import platform
import sys
import tarfile
import tempfile
import urllib.parse
from pathlib import Path, PurePosixPath

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
CHUNK = 1 << 20
OCI = "application/vnd.oci.image."


class Failure(Exception):
    """Said to the user in one line."""


# ---- layers ----


class Layer:
    """A tar file under construction: parents are made once, times and owners are dropped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tar = tarfile.open(path, "w", format=tarfile.GNU_FORMAT)
        self.folders: set[str] = set()

    def folder(self, name: str, mode: int = 0o755) -> None:
        if name in ("", ".") or name in self.folders:
            return
        self.folder(str(PurePosixPath(name).parent))
        self.folders.add(name)
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, mode
        self.tar.addfile(entry)

    def file(self, source: Path, name: str) -> None:
        if source.is_dir():
            self.folder(name)
            for child in sorted(source.iterdir()):
                if child.is_symlink():
                    self.link(os.readlink(child), f"{name}/{child.name}")
                else:
                    self.file(child, f"{name}/{child.name}")
            return
        self.folder(str(PurePosixPath(name).parent))
        entry = tarfile.TarInfo(name)
        entry.size = source.stat().st_size
        entry.mode = 0o755 if source.stat().st_mode & 0o111 else 0o644
        with source.open("rb") as stream:
            self.tar.addfile(entry, stream)

    def link(self, target: str, name: str) -> None:
        self.folder(str(PurePosixPath(name).parent))
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, target, 0o777
        self.tar.addfile(entry)


def top_layer(args: argparse.Namespace, path: Path) -> None:
    layer = Layer(path)
    if not args.layer:
        layer.folder("tmp", 0o1777)  # nothing below brings one, and most programs want it
    for pair in args.file:
        source, name = split_pair(pair)
        if not Path(source).exists():
            raise Failure(f"{source}: no such file; --file and --copy want SOURCE:PATH-IN-THE-IMAGE")
        layer.file(Path(source), name)
    for pair in args.link:
        target, name = split_pair(pair)
        layer.link(target, name)
    layer.tar.close()


def split_pair(text: str) -> tuple[str, str]:
    left, colon, right = text.rpartition(":")
    if not colon or not left or not right:
        raise Failure(f"{text!r}: two paths with a colon between them are needed, SOURCE:PATH-IN-THE-IMAGE")
    return left, right.strip("/")


def sha256(stream: io.BufferedIOBase) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


# ---- archives ----


def pack(args: argparse.Namespace) -> None:
    out = Path(args.archive)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as work:
        layers = [Path(name) for name in args.layer]
        if args.file or args.link or not layers:
            top_layer(args, Path(work, "top.tar"))
            layers.append(Path(work, "top.tar"))
        write_archive(Path(work, "image.tar"), args, layers)
        Path(work, "image.tar").replace(out)


def write_archive(path: Path, args: argparse.Namespace, layers: list[Path]) -> None:
    sums = []
    for layer in layers:
        with layer.open("rb") as stream:
            sums.append(sha256(stream))
    config = json.dumps(image_config(args, sums), sort_keys=True).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    names = [f"{digest}.tar" for digest in sums]
    manifest = [{"Config": config_name, "RepoTags": [args.name], "Layers": names}]
    with tarfile.open(path, "w") as tar:
        for layer, name in zip(layers, names, strict=True):
            entry = tarfile.TarInfo(name)
            entry.size = layer.stat().st_size
            with layer.open("rb") as stream:
                tar.addfile(entry, stream)
        for name, data in ((config_name, config), ("manifest.json", json.dumps(manifest).encode())):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


def image_config(args: argparse.Namespace, sums: list[str]) -> dict[str, object]:
    run: dict[str, object] = {"Env": [DEFAULT_PATH, *args.env]}
    if args.entrypoint:
        run["Entrypoint"] = args.entrypoint
    if args.cmd:
        run["Cmd"] = args.cmd
    return {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in sums]},
    }


class Archive:
    """An image archive to read: `docker save` (manifest.json) or an OCI layout (index.json), the first image of it."""

    def __init__(self, path: str) -> None:
        try:
            self.tar = tarfile.open(path)
        except (OSError, tarfile.TarError) as error:
            raise Failure(f"{path}: not an image archive ({error})") from None
        self.members = {member.name.removeprefix("./"): member for member in self.tar.getmembers()}
        if "manifest.json" in self.members:
            first = json.loads(self.read("manifest.json"))[0]
            self.config, self.layers = first["Config"], first["Layers"]
        elif "index.json" in self.members:
            self.config, self.layers = self.from_layout(json.loads(self.read("index.json")))
        else:
            raise Failure(
                f"{path}: neither manifest.json nor index.json in it, so it is not an image archive"
            )

    def from_layout(self, index: dict[str, list[dict[str, str]]]) -> tuple[str, list[str]]:
        manifest = json.loads(self.read(blob_path(index["manifests"][0]["digest"])))
        if "manifests" in manifest:
            return self.from_layout(manifest)
        return blob_path(manifest["config"]["digest"]), [
            blob_path(item["digest"]) for item in manifest["layers"]
        ]

    def open(self, name: str) -> io.BufferedIOBase:
        member = self.members[name]
        while member.issym():  # docker save links equal layers to each other
            member = self.members[
                os.path.normpath(os.path.join(os.path.dirname(member.name), member.linkname))
            ]
        stream = self.tar.extractfile(member)
        if stream is None:
            raise Failure(f"{name} in the archive is not a file")
        return stream  # type: ignore[return-value]

    def read(self, name: str) -> bytes:
        return self.open(name).read()


def blob_path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


# ---- push ----


class Registry:
    """The four requests of the distribution protocol that a push needs."""

    def __init__(self, host: str, repository: str) -> None:
        self.host, self.base = host, f"/v2/{repository}"

    def request(
        self, method: str, path: str, want: int, body: object = None, **headers: str
    ) -> dict[str, str]:
        connection = http.client.HTTPConnection(self.host, timeout=120)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)  # type: ignore[arg-type]
            response = connection.getresponse()
            text = response.read()
        except OSError as error:
            raise Failure(
                f"registry {self.host} does not answer ({error}); run: scripts/cluster up"
            ) from None
        finally:
            connection.close()
        if response.status != want:
            raise Failure(f"{method} {path}: HTTP {response.status} {text[:200].decode(errors='replace')}")
        return {name.lower(): value for name, value in response.getheaders()}

    def has(self, digest: str) -> bool:
        try:
            self.request("HEAD", f"{self.base}/blobs/{digest}", 200)
        except Failure as error:
            if "HTTP 404" in str(error):
                return False
            raise
        return True

    def blob(self, archive: Archive, name: str, media_type: str) -> dict[str, object]:
        digest = "sha256:" + sha256(archive.open(name))
        size = archive.open(name).seek(0, io.SEEK_END)
        if not self.has(digest):
            place = urllib.parse.urlsplit(
                self.request("POST", f"{self.base}/blobs/uploads/", 202)["location"]
            )
            query = urllib.parse.urlencode([*urllib.parse.parse_qsl(place.query), ("digest", digest)])
            length = {"Content_Length": str(size), "Content_Type": "application/octet-stream"}
            self.request("PUT", f"{place.path}?{query}", 201, archive.open(name), **length)
        return {"mediaType": media_type, "digest": digest, "size": size}


def push(args: argparse.Namespace) -> None:
    archive = Archive(args.archive)
    repository, _, tag = args.name.partition(":")
    registry = Registry(args.registry, repository)
    layers = []
    for name in archive.layers:
        packed = "+gzip" if archive.open(name).read(2) == b"\x1f\x8b" else ""
        layers.append(registry.blob(archive, name, f"{OCI}layer.v1.tar{packed}"))
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}manifest.v1+json",
        "config": registry.blob(archive, archive.config, f"{OCI}config.v1+json"),
        "layers": layers,
    }
    body = json.dumps(manifest, sort_keys=True).encode()
    where = f"{registry.base}/manifests/{tag or 'latest'}"
    headers = registry.request("PUT", where, 201, body, Content_Type=str(manifest["mediaType"]))
    print(f"{args.registry}/{repository}:{tag or 'latest'}@{headers['docker-content-digest']}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("archive")
    packing.add_argument("--name", required=True)
    for option in ("layer", "file", "link", "entrypoint", "cmd", "env"):
        packing.add_argument(f"--{option}", action="append", default=[])
    packing.set_defaults(run=pack)
    pushing = commands.add_parser("push")
    for word in ("archive", "registry", "name"):
        pushing.add_argument(word)
    pushing.set_defaults(run=push)
    args = parser.parse_args()
    try:
        args.run(args)
    except Failure as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
