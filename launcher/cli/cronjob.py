"""``fljob gc --cronjob``: what cleans up by itself, for ``kubectl apply -f -``."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

import click

from launcher.core import rights
from launcher.core.checks import invalid
from launcher.core.janitor import Janitor, manifests
from launcher.core.spec.site import SiteConfig
from launcher.core.syntax import is_image_name

__all__ = ["print_cronjob"]

# The API server knows more of cron than this; what is none it refuses when it is applied.
_SCHEDULE = re.compile(r"@[a-z]{4,10}|[0-9A-Za-z*/,-]{1,100}(?: [0-9A-Za-z*/,-]{1,100}){4}")
# By these a job is judged that is not watched; the rest of a site's settings concerns launches.
_JUDGES = ("pending_timeout", "policy", "timeouts", "autoscaler", "storage_driver")


def print_cronjob(site: SiteConfig, image: str, schedule: str, older_than: str, *, everywhere: bool) -> None:
    """Print the CronJob, its account, its rights, and the settings of the site by which it judges.

    Raises:
        InvalidInput: there is no image, or no schedule.
    """
    from launcher.cli.site_rights import rights_of_chart_or_warning  # noqa: PLC0415 - jinja2 costs 0.1 s
    from launcher.core.yaml_text import written_all  # noqa: PLC0415 - only where it is asked for

    if not is_image_name(image):
        cure = "name an image that has fljob and helm, such as what images/Dockerfile makes for parents"
        raise invalid("--image", image, "must be the name of an image", cure=cure)
    if _SCHEDULE.fullmatch(schedule) is None:
        cure = "write five words, such as `17 * * * *`, or `@daily`"
        raise invalid("--schedule", schedule, "must be a schedule as cron has it", cure=cure)
    where = ["--all-namespaces"] if everywhere else ["--namespace", site.namespace]
    janitor = Janitor(
        namespace=site.namespace,
        image=image,
        schedule=schedule,
        arguments=(*where, "--older-than", older_than),
        rights=rights.cleaning(site.storage_driver, rights_of_chart_or_warning(site)),
        settings=_settings(site),
        everywhere=everywhere,
        pull_secrets=site.image_pull_secrets,
    )
    click.echo(written_all(manifests(janitor), unicode=False), nl=False)


def _settings(site: SiteConfig) -> dict[str, Any]:
    """Return those settings of the site by which jobs are judged and that are not the defaults."""
    given, default = asdict(site), asdict(SiteConfig())
    found: dict[str, Any] = {}
    for name in _JUDGES:
        value = given[name]
        if isinstance(value, dict):
            value = {key: one for key, one in value.items() if one != default[name][key]}
        if value not in (default[name], {}):
            found[name] = getattr(value, "value", value)
    return found
