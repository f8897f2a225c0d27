"""A registry of the OCI distribution API, on loopback: what is asked of it, with which login, and what its answers mean."""

from __future__ import annotations

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from launcher.core.plan.images import Login, place_of
from launcher.core.plan.logins import logins_in
from launcher.edges.registry import HttpRegistries
from launcher.errors import Denied, NotFound, Unavailable

INDEX = {
    "manifests": [
        {"platform": {"os": "linux", "architecture": "arm64"}},
        {"platform": {"os": "unknown", "architecture": "unknown"}},
        {"platform": None},
        7,
    ]
}
CANARY = base64.b64encode(b"user:canary-pass").decode()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append((self.path, self.headers.get("Authorization", "")))
        status, body, headers = self.server.answer(self)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def registry():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # who has read enough hangs up
    server.seen, server.answer = [], lambda _: (200, json.dumps(INDEX).encode(), {})
    server.host = f"127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def held(registry, *logins, image="team/tool:1"):
    return HttpRegistries().held(place_of(f"{registry.host}/{image}"), logins)


def says(status, body=b"", **headers):
    return lambda _: (status, body, {key.replace("_", "-"): value for key, value in headers.items()})


def test_an_index_names_its_platforms(registry):
    registry.answer = says(200, json.dumps(INDEX).encode(), Docker_Content_Digest="sha256:1")
    found = held(registry)
    assert (found.digest, found.platforms) == ("sha256:1", {"linux/arm64"})
    assert registry.seen == [("/v2/team/tool/manifests/1", "")]


def test_what_is_not_there(registry):
    error = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown\x1b[2J"}]}
    registry.answer = says(404, json.dumps(error).encode())
    with pytest.raises(
        NotFound, match="has no team/tool 1: HTTP 404 MANIFEST_UNKNOWN manifest unknown"
    ) as none:
        held(registry)
    assert "\x1b" not in none.value.message


def with_tokens(registry, good):
    """Answer as a registry with a token service of its own, which takes the login ``good`` only."""

    def answer(handler):
        sent = handler.headers.get("Authorization", "")
        if handler.path.startswith("/token"):
            return (200, json.dumps({"token": "t" if sent == f"Basic {good}" else "anonymous"}).encode(), {})
        if sent == "Bearer t":
            return 200, json.dumps(INDEX).encode(), {}
        realm = f'Bearer realm="http://{registry.host}/token",service="s",scope="repository:team/tool:pull"'
        return 401, b"{}", {"WWW-Authenticate": realm}

    registry.answer = answer


def test_the_logins_are_tried_in_turn(registry):
    with_tokens(registry, CANARY)
    assert held(registry, Login(registry.host, "wrong"), Login(registry.host, CANARY)).platforms
    tokens = [path for path, sent in registry.seen if sent == f"Basic {CANARY}"]
    assert tokens == ["/token?service=s&scope=repository%3Ateam%2Ftool%3Apull"]


def test_credentials_are_in_no_message(registry):
    with_tokens(registry, "other")
    with pytest.raises(Denied) as refused:
        held(registry, Login(registry.host, CANARY))
    said = repr(refused.value) + str(refused.value.__cause__)
    assert CANARY not in said
    assert "canary-pass" not in said
    assert f"the login for {registry.host}" in refused.value.message


def test_a_registry_with_basic_logins(registry):
    def answer(handler):
        is_known = handler.headers.get("Authorization") == f"Basic {CANARY}"
        return (200 if is_known else 401), b"{}", {} if is_known else {"WWW-Authenticate": 'Basic realm="r"'}

    registry.answer = answer
    held(registry, Login(registry.host, CANARY))
    with pytest.raises(Denied, match="nobody's login"):
        held(registry)


@pytest.mark.parametrize(
    "challenge", ["", "Bearer", 'Bearer realm="file:///etc/passwd"', "Negotiate", "Bearer =,,="]
)
def test_a_challenge_that_nobody_understands(registry, challenge):
    registry.answer = says(401, b"no json", WWW_Authenticate=challenge)
    with pytest.raises(Denied):
        held(registry, Login(registry.host, CANARY))
    assert {sent for _, sent in registry.seen} == {""}


@pytest.mark.parametrize("body", [b"", b"[]", b"[" * 100_000, b"\xff", b'{"manifests": 3}'])
def test_an_answer_that_is_no_manifest_has_no_platforms(registry, body):
    registry.answer = says(200, body)
    assert held(registry).platforms == frozenset()


def test_an_answer_without_end_is_not_read_to_it(registry):
    registry.answer = says(200, b" " * 8 * 1024 * 1024)
    start = time.monotonic()
    assert held(registry).platforms == frozenset()
    assert time.monotonic() - start < 30


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_registry_in_trouble_is_not_the_job_s_fault(registry, status):
    registry.answer = says(status, b"busy")
    with pytest.raises(Unavailable, match=f"HTTP {status}"):
        held(registry)


def test_an_identity_token_is_exchanged_for_one_that_the_registry_takes(registry):
    with_tokens(registry, "nobody")
    forms = []

    class WithPost(Handler):
        def do_POST(self):
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            forms.append((self.path, self.headers.get("Authorization"), form))
            body = json.dumps({"access_token": "t"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    registry.RequestHandlerClass = WithPost
    login = Login(registry.host, "", "canary-identity")
    assert held(registry, login).platforms
    scope = "service=s&scope=repository%3Ateam%2Ftool%3Apull"
    said = f"grant_type=refresh_token&refresh_token=canary-identity&client_id=fljob&{scope}"
    assert forms == [("/token", None, said)]
    assert "canary" not in repr(login)


def test_a_token_for_the_registry_itself_is_not_exchanged(registry):
    def answer(handler):
        is_known = handler.headers.get("Authorization") == "Bearer canary-bearer"
        challenge = {"WWW-Authenticate": 'Bearer realm="https://127.0.0.1:1/token",service="s"'}
        return (200 if is_known else 401), b"{}", {} if is_known else challenge

    registry.answer = answer
    login = Login(registry.host, "", bearer="canary-bearer")
    held(registry, login)
    assert [sent for _, sent in registry.seen] == ["", "Bearer canary-bearer"]
    assert "canary" not in repr(login)


def test_a_registry_of_the_basic_scheme_gets_user_and_password_whatever_tokens_there_are(registry):
    def answer(handler):
        is_known = handler.headers.get("Authorization") == "Basic dTpw"
        return (200 if is_known else 401), b"{}", {} if is_known else {"WWW-Authenticate": 'Basic realm="r"'}

    registry.answer = answer
    (login,) = logins_in({registry.host: {"auth": "dTpw", "identitytoken": "i", "registrytoken": "r"}})
    held(registry, login)
    assert [sent for _, sent in registry.seen] == ["", "Basic dTpw"]


def test_the_bytes_of_a_manifest_and_no_more_than_it_may_have(registry):
    place = place_of(f"{registry.host}/team/tool@sha256:1")
    registry.answer = says(200, b' {"b": 1,\n"a": 2}')
    assert HttpRegistries().manifest(place, ()) == b' {"b": 1,\n"a": 2}'
    assert registry.seen == [("/v2/team/tool/manifests/sha256:1", "")]
    registry.answer = says(200, b" " * (4 * 1024 * 1024 + 1))
    with pytest.raises(Unavailable, match="more than 4194304 bytes"):
        HttpRegistries().manifest(place, ())


def test_a_registry_that_is_not_there():
    with pytest.raises(Unavailable, match="could not be asked"):
        HttpRegistries().held(place_of("127.0.0.1:1/a"), ())
