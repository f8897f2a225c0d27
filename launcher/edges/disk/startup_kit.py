"""The files of a startup kit: those that a job process reads, and what tells its federation."""

from __future__ import annotations

import hashlib
from pathlib import Path

from launcher.errors import InvalidInput

__all__ = ["federation", "startup_kit"]

# The files of startup/ that a job process reads; others would only make the Secret bigger.
_KIT_SUFFIXES = (".crt", ".key", ".pem", ".json")
# Signs the certificate of any job (per-job certificates, FLARE after 2.9.1): no job process may have it.
_JOB_AUTHORITY = "job_ca.key"
# The certificate of a federation's own authority, which `nvflare provision` puts into every kit of a project.
_ROOT_CERTIFICATE = "rootCA.pem"
# What else tells a kit from those of other federations: with whom it is registered, at which address.
_IDENTITIES = ("fed_client.json", "fed_server.json", "client.crt", "server.crt")
_MARK_LENGTH = 16


def federation(startup: Path) -> str:
    """Return the federation mark of a startup kit: a label value, the same in all kits of a federation.

    A kit without a certificate authority, which FLARE allows for unencrypted connections, has a mark of its
    own: what is asked is whether a job or a Secret is of the same site and the same federation, so no other
    kit need have it.

    Args:
        startup: folder of the startup kit.

    Raises:
        InvalidInput: a file cannot be read, or nothing in the kit tells its federation.
    """
    root = _bytes_of(startup / _ROOT_CERTIFICATE)
    if root is not None:
        return hashlib.sha256(root).hexdigest()[:_MARK_LENGTH]
    found = {name: content for name in _IDENTITIES if (content := _bytes_of(startup / name))}
    if not found:
        raise InvalidInput(
            f"{startup} has neither {_ROOT_CERTIFICATE} nor {', '.join(_IDENTITIES)}: nothing tells its jobs "
            f"and its Secret from those of another federation",
            cure="copy startup/ of the kit there",
        )
    hashed = hashlib.sha256()
    for name, content in found.items():
        hashed.update(b"%s %d\n%s" % (name.encode(), len(content), content))
    return hashed.hexdigest()[:_MARK_LENGTH]


def _bytes_of(path: Path) -> bytes | None:
    """Return the content of a file of the startup kit; None when there is none.

    Raises:
        InvalidInput: it cannot be read.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        cure = "make it a file that this user can read"
        raise InvalidInput(f"cannot read {error.filename}: {error.strerror}", cure=cure) from error


def startup_kit(folder: str) -> dict[str, bytes]:
    """Return the files of a startup kit that a job process reads, name -> content.

    Raises:
        OSError: a file cannot be read.
    """
    kit = Path(folder)
    if not kit.is_dir():
        return {}
    return {
        path.name: path.read_bytes()
        for path in sorted(kit.iterdir())
        if path.suffix in _KIT_SUFFIXES and path.name != _JOB_AUTHORITY and path.is_file()
    }
