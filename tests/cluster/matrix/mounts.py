"""Rows of pods on a real node whose volumes cannot be mounted: only events name the cause."""

from __future__ import annotations

from functools import partial

from launcher.core.catalogue import Code
from launcher.core.pending.clocks import Action
from tests.cluster.matrix.row import Row
from tests.cluster.matrix.starting import CONFIG_MAP, SECRET

__all__ = ["MOUNTS"]

missing = partial(Row, code=Code.MISSING_REF, action=Action.WAIT, return_code=101)
failing = partial(Row, code=Code.MOUNT, action=Action.WAIT, return_code=104)


def _mount(volume: str) -> str:
    return f"extra: {{volumes: [{{name: x, {volume}}}], volumeMounts: [{{name: x, mountPath: /x}}]}}"


def create_config(scene):
    """Create the ConfigMap that was missing."""
    scene.kubectl("create", "configmap", "none", "--from-literal=x=y")


MOUNTS: tuple[Row, ...] = (
    missing(
        name="mount-secret-missing",
        how="a volume of a Secret that does not exist",
        values="secretMounts: {secret-x: {secretName: none, mountPath: /x}}",
    ),
    missing(
        name="mount-secret-key-missing",
        how="a volume of a key that the Secret does not have",
        objects=SECRET,
        values="secretMounts: {secret-x: {secretName: there, mountPath: /x, items: {x: x}}}",
    ),
    missing(
        name="mount-config-missing",
        how="a volume of a ConfigMap that does not exist",
        values=_mount("configMap: {name: none}"),
    ),
    missing(
        name="mount-config-key-missing",
        how="a volume of a key that the ConfigMap does not have",
        objects=CONFIG_MAP,
        values=_mount("configMap: {name: there, items: [{key: x, path: x}]}"),
    ),
    missing(
        name="mount-config-heals",
        how="a volume of a ConfigMap that comes later",
        values=_mount("configMap: {name: none}"),
        graces={"config": 60},
        heal=create_config,
        fixture=False,
    ),
    failing(
        name="mount-driver-missing",
        how="an inline volume of a CSI driver that is not registered",
        values=_mount("csi: {driver: none.example.com}"),
    ),
    failing(
        name="mount-host-path",
        how="a hostPath that is not there",
        values=_mount("hostPath: {path: /none, type: Directory}"),
    ),
)
