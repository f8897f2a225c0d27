"""The port ``Releases`` on helm: install, verified uninstall, status, list, template.

Every install gets a label of its own, so that undoing a failed one never removes a release of the same name
that another process installed before or at the same moment.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from launcher.core.names import LABEL_JOB_ID, PREFIX
from launcher.core.releases import StorageDriver
from launcher.core.views import Presence, ReleaseView, Seen
from launcher.edges.helm import parsing
from launcher.edges.helm.child import ChildFailed, Ended
from launcher.edges.helm.failures.explain import (
    Call,
    changed_nothing,
    explain,
    is_release_missing,
    with_leftover,
)
from launcher.edges.helm.program import HelmProgram
from launcher.edges.kubeconfig import ClientConfigLoader
from launcher.errors import LauncherError, Reason, Rejected, ToolMissing, Unavailable
from launcher.logs import logger

__all__ = ["HelmReleases"]

_LOG = logger(__name__)

_MARK = PREFIX + "install"
# The chart reads no version. Given so that every helm renders alike: a helm 3 that was built without version
# stamps claims Kubernetes 1.20, and the chart's kubeVersion would refuse that.
_RENDER_AS_KUBERNETES = "1.36.0"
# The API server may still be executing the last request of a helm that was killed.
_SETTLE_SECONDS = 0.2
_RETRY_PAUSES_SECONDS = (0.5, 2.0)
# What parsing helm's output raises: no JSON (ValueError), or other JSON than expected.
_UNREADABLE = (ValueError, TypeError, AttributeError)


class HelmReleases:
    """Releases of one chart; safe to use from any number of threads.

    Args:
        chart: folder of the chart.
        helm: name or path of the program.
        kubeconfig: path; empty = KUBECONFIG, then ``~/.kube/config``, then in-cluster.
        context: kubeconfig context; empty = the current one.
        loader: resolves the cluster, shared with the client; None = one of the other arguments.
        storage_driver: where helm stores releases; only those of the same driver are found.
        timeout_seconds: a run of helm is stopped after that.
        environ: the child's environment is a part of this; None = ``os.environ`` at the time of the call.
        pass_env: names of further variables that helm gets (a credential plugin may need ``AWS_PROFILE``).
        sleep: waits the given seconds; tests give their own.
    """

    def __init__(
        self,
        *,
        chart: Path,
        helm: str = "helm",
        kubeconfig: str = "",
        context: str = "",
        loader: ClientConfigLoader | None = None,
        storage_driver: StorageDriver = "secret",
        timeout_seconds: float = 45.0,
        environ: Mapping[str, str] | None = None,
        pass_env: tuple[str, ...] = (),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._chart = chart
        self._program = HelmProgram(
            helm=helm,
            loader=loader or ClientConfigLoader(kubeconfig, context, environ=environ, pass_env=pass_env),
            driver=storage_driver,
            timeout_seconds=timeout_seconds,
        )
        self._sleep = sleep

    def install(
        self,
        name: str,
        namespace: str,
        values: Mapping[str, Any],
        labels: Mapping[str, str],
        cancel: threading.Event | None = None,
    ) -> None:
        """Install once; see :class:`launcher.usecases.ports.Releases`.

        Raises:
            Conflict: the name or an object of the job is taken; nothing was changed.
            Cancelled: ``cancel`` was set; helm has ended and nothing is left.
            InvalidInput, NotFound, Denied, Rejected, Unavailable, ToolMissing: nothing is left.
            LeftBehind: one of these, and the release may be left.
        """
        parsing.check_names(name, namespace)
        mark = uuid.uuid4().hex
        labels = {**labels, _MARK: mark}
        parsing.check_labels(labels)
        stdin = parsing.values_json(values)
        call = self._call("install", name, namespace)
        _LOG.debug("release=%s namespace=%s helm install", name, namespace)
        try:
            self._program.run(
                lambda helm: helm.install(name, str(self._chart), stdin, namespace=namespace, labels=labels),
                cancel=cancel,
            )
        except ChildFailed as failed:
            error = explain(failed, call)
            if not changed_nothing(failed):
                left = self._undo(call, mark, stopped=failed.ended is not Ended.EXITED)
                error = with_leftover(error, left, call) if left else error
            raise error from failed
        except KeyboardInterrupt:
            if left := self._undo(call, mark, stopped=True):
                _LOG.warning("release=%s may be left behind an interrupted install: %s", name, left)
            raise

    def uninstall(self, name: str, namespace: str) -> bool:
        """Remove a release in any status, verify that it is gone, and return whether there was one.

        Raises:
            Denied: a right is missing.
            Unavailable: the cluster could not be reached, before or after the removal.
            Rejected: helm could not delete all objects, twice; the release stays, try again later.
        """
        parsing.check_names(name, namespace)
        # Not `--ignore-not-found`: it treats every failure to read, a missing right included, as "not found".
        try:
            if not self._uninstall_once(name, namespace, debug=False):
                return False
        except Rejected as first:
            _LOG.info("release=%s uninstall again: %s", name, first.message)
            # Helm prints why a delete was refused only with `--debug`.
            self._uninstall_once(name, namespace, debug=True)
        seen = self.status(name, namespace)
        if seen.presence is Presence.ABSENT:
            return True
        call = self._call("uninstall", name, namespace)
        if seen.presence is Presence.UNAVAILABLE:
            raise Unavailable(f"{call.subject}: uninstalled, but not whether it is gone: {seen.why}")
        raise Rejected(f"{call.subject}: still there after helm uninstall", reason=Reason.DELETE_FAILED)

    def status(self, name: str, namespace: str) -> Seen[ReleaseView]:
        """Return the release with its values; UNAVAILABLE with the reason when the cluster cannot be read.

        Raises:
            Denied, InvalidInput, ToolMissing: retrying cannot help.
        """
        parsing.check_names(name, namespace)
        call = self._call("status", name, namespace)
        try:
            found = self._program.run(lambda helm: helm.status(name, namespace=namespace))
            return Seen.found(parsing.release_of_status(found))
        except ChildFailed as failed:
            if is_release_missing(failed):
                return Seen.absent()
            error = explain(failed, call)
            if isinstance(error, (Unavailable, Rejected)):
                return Seen.unavailable(error.message)
            raise error from failed
        except _UNREADABLE as unreadable:
            return Seen.unavailable(f"{call.subject}: helm printed something unreadable: {unreadable}")

    def record(self, name: str, namespace: str) -> Seen[ReleaseView]:
        """Return what Helm has recorded of a release: its values, and of its list label and chart.

        Raises:
            Denied, InvalidInput, ToolMissing: asking again cannot help.
        """
        parsing.check_names(name, namespace)
        try:
            listed = next(iter(self._find(LABEL_JOB_ID, namespace, only=name)), None)
        except (Unavailable, Rejected) as error:
            return Seen.unavailable(error.message)
        # Last, so that one that has come meanwhile is not taken for none.
        seen = self.status(name, namespace)
        if seen.value is None or listed is None:
            return seen
        return Seen.found(replace(seen.value, chart=listed.chart, labelled=listed.labelled))

    def list(self, namespace: str) -> tuple[ReleaseView, ...]:
        """Return the releases that carry our job-id label, in every status, by name.

        Raises:
            Denied, InvalidInput, Rejected, ToolMissing, Unavailable: they could not be listed.
        """
        return self._find(LABEL_JOB_ID, namespace)

    def template(self, name: str, namespace: str, values: Mapping[str, Any]) -> str:
        """Return the manifests as YAML text; the same for the same arguments, chart and helm.

        Raises:
            InvalidInput: the values or the chart are wrong, with the key path or the file.
            ToolMissing: there is no helm.
        """
        parsing.check_names(name, namespace)
        args = ["template", name, str(self._chart), "--namespace", namespace]
        args += ["--kube-version", _RENDER_AS_KUBERNETES, "--values", "-"]
        # Not through pyhelm3: importing it takes longer than helm takes to render.
        stdin = parsing.values_json(values)
        try:
            return self._program.run_offline(args, stdin)
        except ChildFailed as failed:
            raise explain(failed, self._call("template", name, namespace)) from failed

    def version(self) -> str:
        """Return what ``helm version`` says, such as ``v4.3.0``.

        Raises:
            ToolMissing: there is no helm.
        """
        try:
            return self._program.run_offline(["version", "--template", "{{ .Version }}"]).strip()
        except ChildFailed as failed:
            raise ToolMissing(
                f"{self._program.helm} does not tell its version: {failed.text.strip()}",
                cure="install helm 4.3",
            ) from failed

    def _uninstall_once(self, name: str, namespace: str, *, debug: bool) -> bool:
        """Return False when there was no release for certain; True when the removal has to be verified."""
        try:
            # An uninstall may outlive a killed launcher: it finishes what was wanted.
            self._program.run(
                lambda helm: helm.uninstall(name, namespace=namespace, debug=debug), die_with_parent=False
            )
        except ChildFailed as failed:
            if is_release_missing(failed, certain=True):
                return False
            if not is_release_missing(failed):
                raise explain(failed, self._call("uninstall", name, namespace)) from failed
        return True

    def _find(self, selector: str, namespace: str, only: str = "") -> tuple[ReleaseView, ...]:
        parsing.check_names("any", namespace)
        call = self._call("list", "", namespace)
        try:
            rows = self._program.run(
                lambda helm: helm.list_by_label(selector, namespace=namespace, only=only)
            )
            return tuple(sorted(map(parsing.release_of_list, rows), key=lambda view: view.name))
        except ChildFailed as failed:
            raise explain(failed, call) from failed
        except _UNREADABLE as unreadable:
            raise Unavailable(
                f"{call.subject}: helm printed something unreadable: {unreadable}"
            ) from unreadable

    def _undo(self, call: Call, mark: str, *, stopped: bool) -> LauncherError | None:
        """Remove what a failed install made; return why that failed, or None."""
        if stopped:
            self._sleep(_SETTLE_SECONDS)
        for pause in (*_RETRY_PAUSES_SECONDS, None):
            try:
                if self._find(f"{_MARK}={mark}", call.namespace):
                    self.uninstall(call.name, call.namespace)
            except LauncherError as left:
                if pause is None or not isinstance(left, Unavailable):
                    return left
                self._sleep(pause)
            else:
                break
        return None

    def _call(self, verb: str, name: str, namespace: str) -> Call:
        return Call(
            verb=verb,
            name=name,
            namespace=namespace,
            helm=self._program.helm,
            kubeconfig=self._program.kubeconfig_text,
            seconds=self._program.timeout_seconds,
        )
