"""The port ``Releases`` on helm: install, verified uninstall, status, list.

Every install gets a label of its own, so that undoing a failed one never removes a release of the same name
that another process installed before or at the same moment.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from launcher.core.measured import Instruments, NoInstruments
from launcher.core.names import LABEL_JOB_ID, PREFIX
from launcher.core.releases import StorageDriver
from launcher.core.spec.site import INSTALLS, REMOVALS
from launcher.core.views import ObjectRef, Presence, ReleaseView, Seen
from launcher.edges.helm import parsing
from launcher.edges.helm.agreed import agreed
from launcher.edges.helm.child import ChildFailed, Ended
from launcher.edges.helm.failures.explain import (
    Call,
    changed_nothing,
    explain,
    is_release_missing,
    with_leftover,
)
from launcher.edges.helm.offline import HelmOffline
from launcher.edges.helm.program import HelmProgram
from launcher.edges.helm.records import Recorded, Records, with_revisions
from launcher.edges.helm.slots import Slots
from launcher.edges.helm.undo import Undone, undo
from launcher.edges.kubeconfig import ClientConfigLoader
from launcher.errors import LauncherError, Reason, Rejected, Unavailable
from launcher.logs import logger

__all__ = ["HelmReleases"]

_LOG = logger(__name__)
_MARK = PREFIX + "install"


class HelmReleases(Recorded, HelmOffline):
    """Releases of one chart; safe to use from any number of threads.

    Args:
        chart: its folder or archive, or what returns that when it is needed.
        helm: name or path of the program.
        kubeconfig: path; empty = KUBECONFIG, then ``~/.kube/config``, then in-cluster.
        context: kubeconfig context; empty = the current one.
        loader: resolves the cluster, shared with the client; None = one of the other arguments.
        storage_driver: where helm stores releases; only those of the same driver are found.
        timeout_seconds: a run of helm is stopped after that.
        environ: the child's environment is a part of this; None = ``os.environ`` at the time of the call.
        installs: helm processes at once that install.
        removals: helm processes at once that do anything else.
        records: tells by one request what else needs a run of helm.
        pass_env: names of further variables that helm gets (a credential plugin may need ``AWS_PROFILE``).
        instruments: count the runs of helm; None = nothing does.
        sleep: waits the given seconds; tests give their own.
    """

    def __init__(
        self,
        *,
        chart: Path | Callable[[], Path],
        helm: str = "helm",
        kubeconfig: str = "",
        context: str = "",
        loader: ClientConfigLoader | None = None,
        storage_driver: StorageDriver = "secret",
        timeout_seconds: float = 45.0,
        installs: int = INSTALLS,
        removals: int = REMOVALS,
        records: Records | None = None,
        environ: Mapping[str, str] | None = None,
        pass_env: tuple[str, ...] = (),
        instruments: Instruments | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        program = HelmProgram(
            helm=helm,
            loader=loader or ClientConfigLoader(kubeconfig, context, environ=environ, pass_env=pass_env),
            driver=storage_driver,
            timeout_seconds=timeout_seconds,
            installs=Slots(installs),
            removals=Slots(removals),
            instruments=instruments or NoInstruments(),
        )
        super().__init__(chart, program)
        self._records = records or Records()
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
                lambda helm: helm.install(name, self._chart_at(), stdin, namespace=namespace, labels=labels),
                slots=self._program.installs,
                cancel=cancel,
            )
        except ChildFailed as failed:
            error = self._after(failed, call, mark)
            if error is not None:
                raise error from failed
        except KeyboardInterrupt:
            if left := self._undo(call, mark, stopped=True).left:
                _LOG.warning("release=%s may be left behind an interrupted install: %s", name, left)
            raise

    def uninstall(self, name: str, namespace: str, before: Callable[[], object] = lambda: None) -> bool:
        """Remove a release in any status, verify that it is gone, and return whether there was one.

        Raises:
            whatever ``before`` raises, which is called when it is this removal's turn; nothing was removed.
            Denied: a right is missing.
            Unavailable: the cluster could not be reached, before or after the removal.
            Rejected: helm could not delete all objects, twice; the release stays, try again later.
        """
        parsing.check_names(name, namespace)
        # Not `--ignore-not-found`: it treats every failure to read, a missing right included, as "not found".
        try:
            if not self._uninstall_once(name, namespace, debug=False, before=before):
                return False
        except Rejected as first:
            _LOG.info("release=%s uninstall again: %s", name, first.message)
            # Helm prints why a delete was refused only with `--debug`.
            self._uninstall_once(name, namespace, debug=True, before=before)
        seen = Seen.absent() if self._records.is_gone(name, namespace) else self.status(name, namespace)
        if seen.presence is Presence.ABSENT:
            return True
        call = self._call("uninstall", name, namespace)
        if seen.presence is Presence.UNAVAILABLE:
            words = f"{call.subject}: uninstalled, but not whether it is gone: {seen.why}"
            raise Unavailable(words, cure=seen.cure)
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
                return Seen.unavailable(error.message, error.cure)
            raise error from failed
        except parsing.UNREADABLE as unreadable:
            return Seen.unavailable(f"{call.subject}: helm printed something unreadable: {unreadable}")

    def record(self, name: str, namespace: str) -> Seen[ReleaseView]:
        """Return what Helm has recorded of a release: its values, and of its list label and chart.

        Raises:
            Denied, InvalidInput, ToolMissing: asking again cannot help.
        """
        parsing.check_names(name, namespace)
        try:
            seen = agreed(
                lambda cancel: self._listed(name, namespace, cancel), lambda: self.status(name, namespace)
            )
            if seen.value is None or not seen.value.labelled:
                return seen
            return Seen.found(*with_revisions((seen.value,), self._records, namespace, name))
        except (Unavailable, Rejected) as error:
            return Seen.unavailable(error.message, error.cure)

    def _listed(self, name: str, namespace: str, cancel: threading.Event | None = None) -> ReleaseView | None:
        return next(iter(self._find(LABEL_JOB_ID, namespace, only=name, cancel=cancel)), None)

    def list(self, namespace: str) -> tuple[ReleaseView, ...]:
        """Return the releases with our job-id label, in every status, by name; no namespace = of all.

        Raises:
            Denied, InvalidInput, Rejected, ToolMissing, Unavailable: they could not be listed.
        """
        return with_revisions(self._find(LABEL_JOB_ID, namespace), self._records, namespace)

    def objects(self, name: str, namespace: str) -> tuple[ObjectRef, ...]:
        """Return what Helm's record of a release names, nothing without one; raises a LauncherError."""
        return tuple(ref for ref, _ in self.manifests(name, namespace))

    def manifests(self, name: str, namespace: str) -> tuple[tuple[ObjectRef, Mapping[str, Any]], ...]:
        """Return the manifests in Helm's record of a release, and what each names; see :meth:`objects`."""
        parsing.check_names(name, namespace)
        call = self._call("get manifest", name, namespace)
        try:
            text = self._records.manifest(name, namespace)
            if text is None:
                text = self._program.run(lambda helm: helm.manifest(name, namespace=namespace))
            return parsing.manifests_of(text, namespace)
        except ChildFailed as failed:
            if is_release_missing(failed):
                return ()
            raise explain(failed, call) from failed
        except parsing.UNREADABLE as unreadable:
            raise Unavailable(f"{call.subject}: its manifests are unreadable: {unreadable}") from unreadable

    def is_whole(self, name: str, namespace: str) -> bool:
        """Return whether a release has a record, and all that it names is there; False if nobody can tell."""
        refs = self.objects(name, namespace)
        return bool(refs) and self._records.are_there(refs, name, namespace)

    def _uninstall_once(
        self, name: str, namespace: str, *, debug: bool, before: Callable[[], object]
    ) -> bool:
        """Return False when there was no release for certain; True when the removal has to be verified."""
        try:
            # An uninstall may outlive a killed launcher: it finishes what was wanted.
            self._program.run(
                lambda helm: helm.uninstall(name, namespace=namespace, debug=debug),
                before=before,
                die_with_parent=False,
            )
        except ChildFailed as failed:
            if is_release_missing(failed, certain=True):
                return False
            if not is_release_missing(failed):
                raise explain(failed, self._call("uninstall", name, namespace)) from failed
        return True

    def _find(
        self, selector: str, namespace: str, only: str = "", cancel: threading.Event | None = None
    ) -> tuple[ReleaseView, ...]:
        if namespace:
            parsing.check_names("any", namespace)
        call = self._call("list", "", namespace)
        try:
            rows = self._program.run(
                lambda helm: helm.list_by_label(selector, namespace=namespace, only=only), cancel=cancel
            )
            return tuple(sorted(map(parsing.release_of_list, rows), key=lambda view: view.name))
        except ChildFailed as failed:
            raise explain(failed, call) from failed
        except parsing.UNREADABLE as unreadable:
            words = f"{call.subject}: helm printed something unreadable: {unreadable}"
            raise Unavailable(words) from unreadable

    def _after(self, failed: ChildFailed, call: Call, mark: str) -> LauncherError | None:
        """Undo a failed install and return its error; None when it was accepted, and only the answer lost."""
        error = explain(failed, call)
        if changed_nothing(failed):
            return error
        stopped, may_stay = failed.ended is not Ended.EXITED, isinstance(error, Unavailable)
        undone = self._undo(call, mark, stopped=stopped, may_stay=may_stay)
        if undone.is_whole:
            _LOG.info("release=%s was accepted, only the answer was lost: %s", call.name, error.message)
            return None
        return with_leftover(error, undone.left, call) if undone.left else error

    def _undo(self, call: Call, mark: str, *, stopped: bool, may_stay: bool = False) -> Undone:
        """Remove what a failed install made, unless it may stay and is whole."""
        return undo(
            lambda: bool(self._find(f"{_MARK}={mark}", call.namespace)),
            lambda: may_stay and self.is_whole(call.name, call.namespace),
            lambda: self.uninstall(call.name, call.namespace),
            self._sleep,
            stopped=stopped,
        )
