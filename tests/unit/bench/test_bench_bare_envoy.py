"""The baseline: the planner's own files, without what authorises."""

import json
from pathlib import Path

from bench import bare_envoy
from bench.bare_envoy import write_bare_envoy
from tests.instance import make_instance_home

from ostiary.applications.facade import App, Upstream
from ostiary.config.loader import load_instance
from ostiary.config.places import Instance
from ostiary.gateway.plan import GatewayInputs, contents, plan_gateway
from ostiary.policy.identifiers import AppId

ECHO = App(id=AppId("echo"), name="Echo", host="echo.example.test", upstream=Upstream(url="http://127.0.0.1:9"))


def make_gateway_files() -> Instance:
    instance = load_instance(make_instance_home())
    plan = plan_gateway(GatewayInputs(instance=instance, generation=1, apps=(ECHO,), key_set='{"keys":[]}'))
    for name, content in plan.files.items():
        file = instance.envoy / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return instance


def filters_of(folder: Path) -> list[str]:
    (listener,) = json.loads((folder / contents.LISTENERS_FILE).read_text())["resources"]
    manager = listener["filter_chains"][0]["filters"][-1]["typed_config"]
    return [entry["name"] for entry in manager["http_filters"]]


def test_the_names_are_the_planners() -> None:
    for name in ("BOOTSTRAP_FILE", "LISTENERS_FILE", "ROUTES_FILE", "FILTER_GRANTS", "FILTER_DECISION"):
        assert getattr(bare_envoy, name) == getattr(contents, name)


def test_only_the_authorisation_is_taken_out(tmp_path) -> None:
    instance = make_gateway_files()
    before = filters_with_everything(instance.envoy)
    write_bare_envoy(instance, tmp_path / "bare", port=12345)
    assert filters_of(tmp_path / "bare") == [name for name in before if name not in bare_envoy.AUTHORISATION]
    assert set(before) >= bare_envoy.AUTHORISATION


def filters_with_everything(folder: Path) -> list[str]:
    listeners = json.loads((folder / contents.LISTENERS_FILE).read_text())["resources"]
    secure = next(listener for listener in listeners if listener["name"] == "https")
    manager = secure["filter_chains"][0]["filters"][-1]["typed_config"]
    return [entry["name"] for entry in manager["http_filters"]]


def test_keeping_nothing_leaves_the_router(tmp_path) -> None:
    write_bare_envoy(make_gateway_files(), tmp_path / "bare", port=12345, keep=())
    assert filters_of(tmp_path / "bare") == [bare_envoy.ROUTER]


def test_the_copy_touches_nothing_of_the_instance(tmp_path) -> None:
    instance = make_gateway_files()
    folder = tmp_path / "bare"
    bootstrap = write_bare_envoy(instance, folder, port=12345)
    assert bootstrap == folder / contents.BOOTSTRAP_FILE
    listeners = (folder / contents.LISTENERS_FILE).read_text()
    assert '"port_value": 12345' in listeners
    for text in (bootstrap.read_text(), listeners, (folder / contents.ROUTES_FILE).read_text()):
        for place in (instance.envoy, instance.logs, instance.envoy_admin_socket):
            assert str(place) not in text
    for name in bare_envoy.AUTHORISATION:
        assert name not in (folder / contents.ROUTES_FILE).read_text()
