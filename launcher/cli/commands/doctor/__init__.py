"""`fljob doctor`: checks whether jobs can run here. One line per check, a cure for each failure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from launcher.cli import options
from launcher.cli.commands.doctor import kit as kits
from launcher.cli.commands.doctor.check import Check, run_checks
from launcher.cli.commands.doctor.image import Probe, image_checks
from launcher.cli.commands.doctor.site import site_checks
from launcher.cli.context import Cli
from launcher.core.releases import StorageDriver
from launcher.core.spec.site import SiteConfig

__all__ = ["doctor_command"]


@click.command("doctor")
@options.cluster_options
@click.option("--kit", "folder", type=click.Path(path_type=Path), help="A prepared kit to look at, too.")
@click.option(
    "--image", "images", multiple=True, help="Start a short job in this image and see whether FLARE can."
)
@options.driver_option(default=None, without="as the configuration and the kit say")
@click.pass_obj
def doctor_command(
    cli: Cli, /, folder: Path | None, images: tuple[str, ...], driver: StorageDriver | None, **given: Any
) -> None:
    """Check helm, cluster, namespace, rights, chart, images and kit; exits with 1 when something is wrong.

    Rights are those of whoever runs it: run it in the parent's pod to check the parent's, or with
    HELM_KUBEASUSER set to its account, system:serviceaccount:NAMESPACE:NAME. With --kit the images of its
    parent and studies are looked into, too, and its namespace is used unless -n names another.
    """
    site = options.site_from(**given)
    kit = kits.read(folder) if folder is not None else None
    if kit is not None:
        site = kit.site(site, namespace=given["namespace"] is None)
    site = replace(site, storage_driver=driver or site.storage_driver)
    if run_checks(_checks(cli, site, kit, images)):
        raise click.exceptions.Exit(1)


def _checks(cli: Cli, site: SiteConfig, kit: kits.Kit | None, images: tuple[str, ...]) -> Iterator[Check]:
    yield from site_checks(site)
    yield from image_checks(cli, site, _probes(site, kit, images))
    if kit is not None:
        yield from kits.kit_checks(site, kit)


def _probes(site: SiteConfig, kit: kits.Kit | None, images: tuple[str, ...]) -> list[Probe]:
    arguments = {} if kit is None else kit.arguments
    names = dict.fromkeys((*images, *(() if kit is None else kit.job_images)))
    probes = [Probe(image, site.default_python_path, arguments) for image in names]
    if kit is not None and kit.parent_image:
        python = kit.parent_python or site.default_python_path
        probes.append(Probe(kit.parent_image, python, arguments, wants_helm=True))
    return probes
