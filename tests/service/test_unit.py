"""The home as a service of the machine, and whether it is well, told over HTTP."""

import http.client
from pathlib import Path

from tests.service.homes import Service


def get(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    told = answer.status, answer.read().decode().strip()
    connection.close()
    return told


def test_health_is_told_on_loopback(service: Service) -> None:
    (service.home / "anima.toml").write_text("[web]\nport = 0\n")
    service.start()
    port = service.status["runtime"]["port"]
    assert get(port, "/healthz") == (200, "ok")
    assert get(port, "/readyz") == (200, "ready")
    assert get(port, "/anything")[0] == 404
    assert get(port, "/healthz", "POST")[0] == 405


def test_a_home_without_room_is_alive_and_not_ready(service: Service) -> None:
    (service.home / "anima.toml").write_text('[web]\nport = 0\n[store]\nlow_water = "1000000GB"\n')
    service.start()
    port = service.status["runtime"]["port"]
    assert (get(port, "/healthz")[0], get(port, "/readyz")[0]) == (200, 503)
    assert service.run("tell", "arya", "Hello", "--json").document["error"]["type"] == "store_full"


def test_a_port_that_is_taken_keeps_no_home_closed(service: Service, tmp_path: Path) -> None:
    (service.home / "anima.toml").write_text(f"[web]\nport = {service.provider.url.split(':')[2].split('/')[0]}\n")
    service.start()
    assert service.status["runtime"]["port"] is None


def test_the_unit_is_shown_first_written_on_request_and_removed(service: Service, tmp_path: Path) -> None:
    unit = tmp_path / ".config" / "systemd" / "user" / "anima.service"
    assert service.run("service", "install").status == 2
    assert not unit.exists()
    shown = service.run("service", "install", "--yes")
    assert shown.status == 0
    text = unit.read_text()
    assert text in shown.out
    for line in ("Type=notify", "WatchdogSec=60", "Restart=on-failure", "TimeoutStopSec=30", "NoNewPrivileges=yes"):
        assert line in text
    assert f'"--home" "{service.home}"' in text
    assert service.run("service", "status").status == 0
    assert service.run("service", "uninstall").status == 0
    assert not unit.exists()
    assert service.run("service", "status").status == 1
