"""Certificates of a startup kit: what `doctor` says of each, and that no file whatever makes it raise."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from cryptography.x509.oid import NameOID

from launcher.cli.commands.doctor import kit
from launcher.cli.commands.doctor.check import run_checks
from launcher.core.flare.certificates import Certificate, faults

NOW = datetime.now(timezone.utc).replace(microsecond=0)
DAY = timedelta(days=1)
BOTH = (Usage.CLIENT_AUTH, Usage.SERVER_AUTH)
KEYS = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "own", "other")}


def certificate(subject, key, signer, *, usages=None, signs=None, begins=-DAY, ends=400 * DAY):
    """Return a certificate in PEM form, signed by the key of that name."""
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (subject, "authority")]
    made = (
        x509.CertificateBuilder()
        .subject_name(names[0])
        .issuer_name(names[1])
        .public_key(KEYS[key].public_key())
        .serial_number(1)
        .not_valid_before(NOW + begins)
        .not_valid_after(NOW + ends)
    )
    if usages is not None:
        made = made.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if signs is not None:
        usage = dict.fromkeys(
            (
                "content_commitment",
                "data_encipherment",
                "key_agreement",
                "key_cert_sign",
                "crl_sign",
                "encipher_only",
                "decipher_only",
            ),
            False,
        )
        made = made.add_extension(
            x509.KeyUsage(digital_signature=signs, key_encipherment=True, **usage), critical=True
        )
    return made.sign(KEYS[signer], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def private(name):
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return KEYS[name].private_bytes(*form)


@pytest.fixture
def startup(tmp_path):
    """A function that writes the startup kit of a client, with these changes to it."""

    def write(*, key="own", root=None, name="client", **more):
        folder = tmp_path / "startup"
        folder.mkdir(exist_ok=True)
        root = root or certificate("authority", "root", "root", ends=more.pop("root_ends", 4000 * DAY))
        (folder / "rootCA.pem").write_bytes(root)
        (folder / f"{name}.crt").write_bytes(certificate("site-1", "own", more.pop("signer", "root"), **more))
        (folder / f"{name}.key").write_bytes(private(key))
        return folder

    return write


@pytest.fixture
def said(capsys):
    """A function that runs the checks of a startup kit and returns how many failed and what was printed."""

    def look(folder):
        failed = run_checks(kit._certificates(folder))
        return failed, capsys.readouterr().out.splitlines()

    return look


@pytest.mark.parametrize("name", ["client", "server"])
@pytest.mark.parametrize("usages", [None, BOTH, (Usage.ANY_EXTENDED_KEY_USAGE,)])
def test_a_certificate_for_both_usages_is_fine(startup, said, name, usages):
    assert said(startup(name=name, usages=usages, signs=True)) == (
        0,
        [f"ok    certificate startup/{name}.crt: for client and server until {NOW + 400 * DAY:%Y-%m-%d}"],
    )


@pytest.mark.parametrize(
    ("given", "failed", "words", "cure"),
    [
        ({"usages": (Usage.CLIENT_AUTH,)}, 1, "is not for a server", "provision the project again"),
        ({"usages": (Usage.SERVER_AUTH,)}, 1, "is not for a client", "provision the project again"),
        ({"usages": (Usage.CODE_SIGNING,)}, 1, "is not for a client and a server", "provision"),
        ({"signs": False}, 1, "does not allow digital signatures", "provision the project again"),
        ({"begins": -9 * DAY, "ends": -DAY}, 1, f"expired on {NOW - DAY:%Y-%m-%d}", "provision"),
        ({"begins": DAY}, 1, f"is not valid before {NOW + DAY:%Y-%m-%d}", "wait until then"),
        ({"ends": 29 * DAY}, 0, f"expires on {NOW + 29 * DAY:%Y-%m-%d}", "provision the project again"),
        ({"key": "other"}, 1, "client.key is not its key", "from the same kit"),
        ({"signer": "other"}, 1, "rootCA.pem did not sign it", "all of startup/"),
        ({"root": certificate("other", "other", "other")}, 1, "rootCA.pem did not sign it", "all of startup/"),
        ({"root_ends": timedelta(0)}, 1, "rootCA.pem expired on", "provision the project again"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_a_line_with_its_cure(startup, said, given, failed, words, cure):
    found, lines = said(startup(**given))
    assert found == failed
    assert len(lines) == 2
    assert lines[0].startswith(f"{'FAIL' if failed else 'warn'}  certificate startup/client.crt: ")
    assert words in lines[0]
    assert cure in lines[1]


def test_several_faults_are_lines_of_their_own(startup, said):
    failed, lines = said(startup(usages=(Usage.CLIENT_AUTH,), key="other", begins=-2 * DAY, ends=-DAY))
    assert failed == 3
    assert sum(line.startswith("FAIL") for line in lines) == 3


@pytest.mark.parametrize("days", [-1, 0, 1, 29, 30, 31])
def test_thirty_days_are_soon(days):
    one = Certificate("client.crt", NOW - DAY, NOW + days * DAY)
    expected = [] if days >= 30 else [days > 0]
    assert [fault.is_warning for fault in faults(one, NOW)] == expected


GARBAGE = {
    "nothing": b"",
    "text": b"a certificate",
    "cut": certificate("site-1", "own", "root")[:200],
    "binary": bytes(range(256)) * 10,
    "hollow": b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
    "huge": b"-----BEGIN CERTIFICATE-----\n" + b"A" * 5_000_000,
    "locked": KEYS["own"].private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"x"),
    ),
    "other kind": private("own"),
}


@pytest.mark.parametrize("content", GARBAGE)
@pytest.mark.parametrize("file", ["client.crt", "client.key", "rootCA.pem"])
def test_garbage_is_named_and_nothing_raises(startup, said, file, content):
    folder = startup()
    (folder / file).write_bytes(GARBAGE[content])
    failed, lines = said(folder)
    if (file, content) == ("client.key", "other kind"):
        assert failed == 0
        return
    assert failed == 1
    assert f"{folder / file}: is not a " in lines[0]
    assert "PRIVATE KEY" not in "".join(lines)


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo", "loop", "zero", "unreadable"])
@pytest.mark.parametrize("file", ["client.crt", "client.key", "rootCA.pem"])
def test_what_is_no_file_is_named_and_nothing_hangs(startup, said, file, kind):
    folder = startup()
    path = folder / file
    path.unlink()
    {
        "missing": lambda: None,
        "folder": path.mkdir,
        "fifo": lambda: os.mkfifo(path),
        "loop": lambda: path.symlink_to(file),
        "zero": lambda: path.symlink_to("/dev/zero"),
        "unreadable": lambda: path.symlink_to("/proc/self/mem"),
    }[kind]()
    failed, lines = said(folder)
    assert failed == 1
    assert str(path) in lines[0]


def test_a_kit_without_certificates_has_no_line(said, tmp_path):
    assert said(tmp_path) == said(tmp_path / "nowhere") == (0, [])


def test_without_the_package_the_kit_is_not_blamed(startup, said, monkeypatch):
    folder = startup()
    monkeypatch.setitem(sys.modules, "cryptography", None)
    failed, lines = said(folder)
    assert failed == 0
    assert lines[0].startswith("warn  certificate startup/client.crt: cannot be read without")
    assert "pip install cryptography" in lines[1]
