"""The files under deploy/: well formed, hardened, and in step with the command they run.

What a machine lacks (systemd, nginx) is checked by hand-written rules alone; where it is there, by the tool itself.
"""

import base64
import configparser
import http.client
import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import threading
import time
import types
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from orchestration.commands.main import aigap
from orchestration.commands.shape import State

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = ("daemon", "webserver")
_HARDENED = {
    "ProtectSystem": "strict",
    "ProtectHome": "true",
    "PrivateTmp": "true",
    "NoNewPrivileges": "true",
    "CapabilityBoundingSet": "",
    "RestrictNamespaces": "true",
}


def unit(name: str) -> dict[str, dict[str, list[str]]]:
    """Section -> key -> values: systemd allows a key more than once."""

    class Many(dict):
        def __setitem__(self, key, value):
            super().__setitem__(key, [*self[key], *value] if key in self and isinstance(value, list) else value)

    parser = configparser.RawConfigParser(strict=False, dict_type=Many, delimiters="=", comment_prefixes="#")
    parser.optionxform = str
    parser.read(DEPLOY / f"ai-revenue-gap-{name}.service", "utf-8")
    return {s: {k: v.splitlines() for k, v in parser.items(s)} for s in parser.sections()}


def accepted(arguments: list[str]) -> object:
    """The arguments as `aigap` reads them; fails where it would not."""
    name, command, rest = aigap.resolve_command(aigap.make_context("aigap", [], resilient_parsing=True), arguments)
    return types.SimpleNamespace(**command.make_context(name, rest, obj=State()).params)


# --- systemd ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_runs_its_half_of_the_pair_as_a_user_of_its_own_that_can_write_to_one_folder(name):
    found = unit(name)
    assert set(found) == {"Unit", "Service", "Install"}
    service = found["Service"]
    program, *arguments = shlex.split(service["ExecStart"][0])
    assert program.endswith("/.venv/bin/aigap")
    args = accepted(arguments)
    assert (args.only, args.writable) == (name, False)
    assert args.host == "127.0.0.1"
    assert service["User"] == service["Group"] == ["aigap"]
    assert "AIGAP_HOME=/var/lib/ai-revenue-gap" in service["Environment"][0]
    assert service["StateDirectory"] == ["ai-revenue-gap"]
    assert service["EnvironmentFile"] == ["-/etc/ai-revenue-gap.env"]
    assert {key: "".join(service[key]) for key in _HARDENED} == _HARDENED
    assert not {"ReadWritePaths", "BindPaths", "PermissionsStartOnly"} & set(service)


def test_the_webserver_can_reach_and_be_reached_from_this_machine_alone():
    service = unit("webserver")["Service"]
    assert service["IPAddressDeny"] == ["any"]
    assert service["IPAddressAllow"] == ["localhost"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_accepts_the_unit_and_calls_it_safe(name, tmp_path):
    # As installed: the program is there.
    program = tmp_path / "aigap"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    file = tmp_path / f"ai-revenue-gap-{name}.service"
    text = (DEPLOY / file.name).read_text("utf-8")
    file.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={program}", text), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(file)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, [line for line in done.stderr.splitlines() if file.name in line]) == (
        0,
        "",
        [],
    )
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unrecognized option" not in done.stderr:
        assert done.returncode == 0, done.stdout[-400:] + done.stderr


# --- containers -----------------------------------------------------------------------------------------

_SERVICE_KEYS = {
    "image", "build", "env_file", "environment", "volumes", "tmpfs", "init", "read_only", "cap_drop", "security_opt",
    "mem_limit", "pids_limit", "stop_grace_period", "restart", "command", "ports", "healthcheck",
}  # fmt: skip


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))


def test_compose_is_the_same_pair_hardened(compose):
    assert set(compose) == {"name", "x-service", "services", "volumes"}
    assert set(compose["services"]) == set(UNITS)
    for name, service in compose["services"].items():
        assert set(service) <= _SERVICE_KEYS
        args = accepted(service["command"])
        assert (args.only, args.writable) == (name, False)
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["volumes"] == ["data:/data"], "nothing of the host is mounted"
        assert not {"privileged", "network_mode", "user", "pid"} & set(service)
    assert "data" in compose["volumes"]


def test_compose_publishes_the_ui_on_loopback_and_nothing_else(compose):
    ports = {name: service.get("ports", []) for name, service in compose["services"].items()}
    assert ports == {"daemon": [], "webserver": ["127.0.0.1:3000:3000"]}


def test_compose_builds_from_the_checkout(compose):
    build = compose["services"]["daemon"]["build"]
    assert (DEPLOY / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()


def test_the_image_is_installed_by_hash_and_runs_without_root():
    lines = [line for line in (DEPLOY / "Dockerfile").read_text("utf-8").splitlines() if line and line[0] != "#"]
    text = "\n".join(lines)
    words = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert set(words) <= {
        *("FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "HEALTHCHECK", "ENTRYPOINT", "CMD")
    }
    assert words[0] == "FROM"
    assert "--require-hashes --only-binary :all: -r requirements.lock" in text
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert re.search(r'HEALTHCHECK .*CMD \["aigap", "doctor"\]', text)
    assert not re.search(r"index-url|https?://|ADD |curl|wget", text)


def test_only_what_runs_enters_the_image():
    rules = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    rules = [rule for rule in rules if rule and rule[0] != "#"]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    assert let_in == {
        "aigap", "ingest", "warehouse", "orchestration", "dbt_project",
        "pyproject.toml", "setup.py", "MANIFEST.in", "requirements.lock", "README.md", "LICENSE",
    }  # fmt: skip
    assert all((ROOT / name).exists() for name in let_in)


def test_no_file_names_a_registry_a_secret_or_a_path_of_one_machine():
    for path in DEPLOY.iterdir():
        text = path.read_text("utf-8")
        assert not re.search(r"pypi|simple/|/work/|/tmp/w|hooks\.slack", text), path.name
        addresses = set(re.findall(r"[\w.+-]+@[\w-]+\.[\w.]+", text))
        assert addresses <= {"jane@example.org"}, path.name


# --- nginx ------------------------------------------------------------------------------------------------


def test_the_proxy_asks_for_a_password_refuses_foreign_pages_and_speaks_to_loopback_alone():
    text = re.sub(r"#.*", "", (DEPLOY / "nginx.conf").read_text("utf-8"))
    assert text.count("{") == text.count("}")
    assert all(line.rstrip().endswith((";", "{", "}")) for line in text.splitlines() if line.strip())
    assert set(re.findall(r"proxy_pass\s+(\S+);", text)) == {"http://127.0.0.1:3000"}
    for directive in ("auth_basic ", "auth_basic_user_file", "ssl_reject_handshake on", "return 403"):
        assert directive in text
    assert not re.search(r"listen\s+80\b", text)


class Behind(BaseHTTPRequestHandler):
    """What the proxy protects: answers everything, remembers the headers."""

    def do_GET(self):
        self.server.seen.append(dict(self.headers))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ui")

    do_POST = do_GET

    def log_message(self, *_):
        pass


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """nginx with the documented configuration (other ports, a throw-away certificate): port, server behind it."""
    nginx, openssl = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin"), shutil.which("openssl")
    if not nginx or not openssl:
        pytest.skip("nginx or openssl is not installed")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    folder.parent.chmod(0o755)
    os.chmod(folder, 0o755)
    behind = ThreadingHTTPServer(("127.0.0.1", 0), Behind)
    behind.seen = []
    threading.Thread(target=behind.serve_forever, daemon=True).start()
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=gap.example.org",
         "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    hashed = subprocess.run([openssl, "passwd", "-apr1", "secret"], check=True, capture_output=True, text=True).stdout
    (folder / "users").write_text(f"jane:{hashed}")
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    for old, new in {
        "/etc/ssl/certs/gap.example.org.pem": folder / "cert.pem",
        "/etc/ssl/private/gap.example.org.key": folder / "key.pem",
        "/etc/nginx/ai-revenue-gap.htpasswd": folder / "users",
        "listen 443": f"listen 127.0.0.1:{port}",
        "127.0.0.1:3000": f"127.0.0.1:{behind.server_address[1]}",
    }.items():
        assert old in text
        text = text.replace(old, str(new))
    temporary = "\n".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("proxy", "client_body", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"{'user root;' if os.geteuid() == 0 else ''}\npid {folder}/pid;\nerror_log {folder}/error.log;\ndaemon off;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}\n{text}\n}}\n"
    )
    command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield port, behind
    server.terminate()
    server.wait(10)
    behind.shutdown()
    behind.server_close()


def ask(port: int, method: str = "GET", name: str = "gap.example.org", **headers: str) -> int:
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(name, timeout=10)
    plain = socket.create_connection(("127.0.0.1", port), 10)
    connection.sock = context.wrap_socket(plain, server_hostname=name)
    try:
        connection.request(method, "/graphql", headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


PASSWORD = {"Authorization": "Basic " + base64.b64encode(b"jane:secret").decode()}


def test_nobody_gets_past_nginx_without_the_password(proxy):
    port, behind = proxy
    wrong = {"Authorization": "Basic " + base64.b64encode(b"jane:guess").decode()}
    assert [ask(port), ask(port, **wrong)] == [401, 401]
    assert behind.seen == []
    assert ask(port, **PASSWORD) == 200
    assert "Authorization" not in behind.seen.pop(), "the password stays with the proxy"


def test_nginx_refuses_a_foreign_page_even_with_the_password(proxy):
    port, behind = proxy
    for origin in ("https://evil.example", "null", "http://gap.example.org", "https://gap.example.org.evil.example"):
        for method in ("GET", "POST"):
            assert ask(port, method, **PASSWORD, Origin=origin) == 403, origin
    assert behind.seen == []
    assert ask(port, "POST", **PASSWORD, Origin="https://gap.example.org") == 200
    behind.seen.clear()


def test_nginx_gives_a_rebound_name_no_answer(proxy):
    port, behind = proxy
    with pytest.raises(ssl.SSLError):
        ask(port, name="evil.example", **PASSWORD)
    assert behind.seen == []


# --- the README beside them -----------------------------------------------------------------------------------


def test_the_readme_names_every_file_and_only_commands_that_exist():
    text = (DEPLOY / "README.md").read_text("utf-8")
    for path in DEPLOY.iterdir():
        assert path.name == "README.md" or f"`{path.name}`" in text, path.name
    commands = set(re.findall(r"(?:bin/aigap|rm daemon|`aigap) ([a-z]+)", text))
    assert commands >= {"refresh", "show", "export", "import", "doctor"}
    for command in commands:
        assert aigap.get_command(None, command) is not None, command
