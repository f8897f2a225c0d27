"""The clocks of a site: how long each kind of cause may last; rows of its settings below ``timeouts``."""

from __future__ import annotations

from dataclasses import dataclass, replace

from launcher.core.spec.settings import LIMIT, SECONDS, setting

__all__ = ["Timeouts"]

# Longer than the scheduler waits (600 seconds for volumes, and for devices): it then begins anew, and what
# has become ready meanwhile is bound at its second try.
_BIND = 900.0
_AS_HEAL = replace(
    SECONDS,
    rule=f"{SECONDS.rule}, or null",
    cure="write a number such as 900, or remove the key",
    nullable=True,
)


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long each kind of cause may last, in seconds, from its first sight; None = for ever."""

    heal: float = setting(SECONDS, 300.0, "seconds for causes that heal by themselves")
    bind: float | None = setting(
        _AS_HEAL,
        None,
        "while a volume is made and bound, or devices are, for which the scheduler itself waits 600 seconds; "
        f"null = {_BIND:g}, or `timeouts.heal` where that is set to another time than its default",
    )
    pull: float = setting(SECONDS, 300.0, "for pulls that may work later")
    pull_permanent: float = setting(SECONDS, 30.0, "for images that are not there (and two sightings)")
    config: float = setting(SECONDS, 60.0, "for missing Secrets, ConfigMaps, claims, nodes")
    create: float = setting(SECONDS, 180.0, "for troubles of the container runtime")
    detach: float = setting(
        SECONDS,
        480.0,
        "for volumes that another node still holds (Kubernetes forces them off after six minutes)",
    )
    start: float | None = setting(
        LIMIT, 900.0, "from scheduled to running, all causes together; null = no limit"
    )
    queue: float | None = setting(LIMIT, None, "for pods behind a scheduling gate; null = no limit")
    impossible: float = setting(
        SECONDS,
        30.0,
        "for requests larger than every node where no larger one will be added: the autoscaler says so for "
        "a minute, or `autoscaler: none` (needs the right to list nodes, `fljob rbac --nodes`)",
    )
    scale_up: float = setting(SECONDS, 900.0, "while the autoscaler adds a node for the pod")
    no_scale_up: float = setting(
        SECONDS, 60.0, "when the autoscaler has said three times that a new node would not help"
    )
    victims: float = setting(
        SECONDS, 60.0, "while preempted pods leave the chosen node; then `pending_timeout` runs"
    )
    api: float = setting(
        SECONDS,
        600.0,
        "how long the API server may be away: then jobs show UNKNOWN, and a job that is still being "
        "created, or whose node no longer reports, fails",
    )

    @property
    def binding(self) -> float:
        """Seconds of ``bind``: a site that only shortens ``heal`` means these causes, too."""
        if self.bind is not None:
            return self.bind
        return _BIND if self.heal == Timeouts.heal else self.heal
