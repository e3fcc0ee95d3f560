"""What a plan says, whatever the apps are: who is asked about what, and that nothing slips by."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.applications.domain import App, Upstream
from ostiary.config.places import Instance
from ostiary.config.schema import Authzen, Configuration, Gateway, Scim
from ostiary.gateway.grant_keys import key_set, new_grant_key
from ostiary.gateway.plan import (
    GRANTS_FILE,
    WRITE_ORDER,
    GatewayInputs,
    GatewayPlan,
    contents,
    plan_gateway,
    render_grants,
    render_standalone,
    rotate_grants,
)
from ostiary.gateway.plan.cookies import APP_SIDE_OURS, OURS, strip_pattern
from ostiary.gateway.plan.routes import AMBIGUOUS_PATH
from ostiary.policy.identifiers import AppId
from ostiary.policy.request import ActionClass

KEYS = key_set(new_grant_key())
CONSOLE = App(id=AppId("console"), name="Console", host="admin.example.test", upstream=Upstream(), builtin=True)
WIKI = App(id=AppId("wiki"), name="Wiki", host="wiki.example.test", upstream=Upstream(url="http://10.0.0.5"))

_UPSTREAMS = st.builds(
    Upstream,
    url=st.sampled_from(
        ["http://10.0.0.5", "https://wiki.internal:8443", "http://[2001:db8::1]:80", "https://10.0.0.9"]
    ),
    verify_tls=st.booleans(),
    ca_file=st.sampled_from(["", "/there.pem", "/gone.pem"]),
    host_header=st.sampled_from(["", "inner.local"]),
    health_path=st.sampled_from(["", "/healthz"]),
)
_APPS = st.lists(
    st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True).filter(lambda name: name not in {"id", "admin", "console"}),
    unique=True,
    max_size=6,
).flatmap(
    lambda names: st.tuples(
        *(
            st.builds(
                App,
                id=st.just(AppId(name)),
                name=st.just(name),
                host=st.just(f"{name}.example.test"),
                upstream=_UPSTREAMS,
                streams=st.booleans(),
                methods=st.sampled_from(
                    [{}, {"GET": ActionClass.EDIT}, {"HEAD": ActionClass.DELETE, "POST": ActionClass.VIEW}]
                ),
                identity_headers=st.sampled_from([{}, {"remote-user": "email", "x-groups": "groups"}]),
            )
            for name in names
        )
    )
)


def instance(**gateway: Any) -> Instance:
    return Instance(
        home=Path("/srv/ostiary"), configuration=Configuration(domain="example.test", gateway=Gateway(**gateway))
    )


def inputs(*apps: App, devices: bool = False, **gateway: Any) -> GatewayInputs:
    return GatewayInputs(
        instance=instance(**gateway),
        generation=7,
        apps=(CONSOLE, *apps),
        key_set=KEYS,
        authorities={"/there.pem": "PEM"},
        system_authorities="/etc/ssl/certs/ca-certificates.crt",
        devices=devices,
    )


def resources(plan: GatewayPlan, file: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(plan.files[file])["resources"]
    return found


def hosts(plan: GatewayPlan) -> dict[str, dict[str, Any]]:
    return {host["name"]: host for host in resources(plan, contents.ROUTES_FILE)[0]["virtual_hosts"]}


def settings_of(host: dict[str, Any], route: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a filter's settings on a route: the route's own, else its host's."""
    for place in (route, host):
        if name in place.get("typed_per_filter_config", {}):
            found: dict[str, Any] = place["typed_per_filter_config"][name]
            return found
    return {}


def is_asked(host: dict[str, Any], route: dict[str, Any]) -> dict[str, bool]:
    """Return which of the two ways to the decision service a route takes."""
    usual = not settings_of(host, route, contents.FILTER_DECISION).get("disabled")
    on_device = contents.FILTER_DEVICE_DECISION in route.get("typed_per_filter_config", {})
    return {"usual": usual, "on_device": on_device}


@given(_APPS, st.booleans())
@settings(deadline=None, max_examples=25)
def test_every_way_to_an_app_is_decided_or_granted_for_that_very_app(apps: tuple[App, ...], devices: bool) -> None:
    plan = plan_gateway(inputs(*apps, devices=devices))
    found = hosts(plan)
    for app in (CONSOLE, *apps):
        host = found[app.id]
        own = {contents.CONTROL_CLUSTER} if app.builtin else {f"app-{app.id}", f"app-{app.id}-streams"}
        for route in host["routes"]:
            cluster = route.get("route", {}).get("cluster")
            asked = is_asked(host, route)
            grant = settings_of(host, route, contents.FILTER_GRANTS)
            stripped = not settings_of(host, route, contents.FILTER_COOKIES).get("disabled")
            assert grant, "no route is left to the filter's default"
            if cluster is None or cluster == contents.DECIDER_CLUSTER:
                assert grant.get("disabled")
                assert not asked["on_device"]
                continue
            assert cluster in own
            assert asked["usual"] is not asked["on_device"]
            assert stripped
            presented = route["match"].get("tls_context", {}).get("presented")
            assert asked["on_device"] is (presented is True)
            compared = contents.FILTER_GRANTED_HERE in route.get("typed_per_filter_config", {})
            assert compared is asked["on_device"]
            audience = f"{app.id}@device" if presented else app.id
            assert grant.get("disabled") or grant.get("requirement_name") == audience
            assert grant.get("disabled") or (presented is not None) is devices, "a grant is of one kind only"
            if not grant.get("disabled"):
                methods = route["match"]["headers"][0]["string_match"]["safe_regex"]["regex"].split("|")
                assert all(app.methods.get(method, ActionClass.VIEW) is ActionClass.VIEW for method in methods)


@given(_APPS)
@settings(deadline=None, max_examples=25)
def test_only_our_own_pages_and_the_sign_in_host_are_not_decided(apps: tuple[App, ...]) -> None:
    undecided = {
        (name, route["name"].partition("/")[2], route.get("route", {}).get("cluster"))
        for name, host in hosts(plan_gateway(inputs(*apps, devices=True))).items()
        for route in host["routes"]
        if not any(is_asked(host, route).values())
    }

    allowed = {("own", "decider"), ("ambiguous", None), ("misdirected", None)}
    for name, way, cluster in undecided:
        assert (way, cluster) in allowed or (
            name == "id" and cluster == "control" and way in {"proof", "page", "openid", "agent"}
        )


@given(_APPS)
@settings(deadline=None, max_examples=25)
def test_the_same_apps_give_the_same_bytes_in_any_order(apps: tuple[App, ...]) -> None:
    assert plan_gateway(inputs(*apps)) == plan_gateway(inputs(*reversed(apps)))


@given(_APPS)
@settings(deadline=None, max_examples=25)
def test_a_grant_is_for_one_app_and_needs_an_end(apps: tuple[App, ...]) -> None:
    (resource,) = resources(plan_gateway(inputs(*apps)), GRANTS_FILE)
    config = resource["typed_config"]

    assert config["providers"].keys() == config["requirement_map"].keys() == {"console", *(app.id for app in apps)}
    for name, provider in config["providers"].items():
        assert provider["audiences"] == [name]
        assert provider["require_expiration"] is True
        assert provider["from_cookies"] == ["__Host-ostiary-grant"]
        assert provider["local_jwks"] == {"inline_string": KEYS}


def test_every_file_has_its_turn() -> None:
    plan = plan_gateway(inputs(WIKI))

    assert sorted(WRITE_ORDER) == sorted(plan.files)
    assert WRITE_ORDER.index(GRANTS_FILE) < WRITE_ORDER.index(contents.ROUTES_FILE)
    assert WRITE_ORDER.index(contents.CLUSTERS_FILE) < WRITE_ORDER.index(contents.ROUTES_FILE)


def test_a_grant_for_a_device_is_none_elsewhere_and_names_its_certificate() -> None:
    (resource,) = resources(plan_gateway(inputs(WIKI, devices=True)), GRANTS_FILE)
    providers = resource["typed_config"]["providers"]

    assert providers.keys() == {"console", "wiki", "console@device", "wiki@device"}
    assert providers.keys() == resource["typed_config"]["requirement_map"].keys()
    for name, provider in providers.items():
        claims = {one["header_name"]: one["claim_name"] for one in provider["claim_to_headers"]}
        assert provider["audiences"] == [name]
        assert claims.get("x-ostiary-granted-device") == ("dev" if name.endswith("@device") else None)


def test_devices_are_asked_for_and_never_demanded() -> None:
    (secure, _) = resources(plan_gateway(inputs(WIKI, devices=True)), contents.LISTENERS_FILE)
    chain = secure["filter_chains"][0]
    tls = chain["transport_socket"]["typed_config"]
    filters = {one["name"]: one for one in chain["filters"][-1]["typed_config"]["http_filters"]}
    names = list(filters)

    assert "require_client_certificate" not in tls
    assert tls["common_tls_context"]["validation_context_sds_secret_config"]["name"] == "devices"
    assert names.index(contents.FILTER_GRANTS) < names.index(contents.FILTER_GRANTED_HERE)
    assert names.index(contents.FILTER_GRANTED_HERE) < names.index(contents.FILTER_DEVICE_DECISION)
    assert (
        filters[contents.FILTER_GRANTED_HERE]["disabled"]
        is filters[contents.FILTER_DEVICE_DECISION]["disabled"]
        is True
    )
    usual = dict(filters[contents.FILTER_DECISION]["typed_config"])
    other = dict(filters[contents.FILTER_DEVICE_DECISION]["typed_config"])
    assert usual.pop("filter_enabled_metadata") != other.pop("filter_enabled_metadata")
    assert usual == other


def test_filters_stand_in_the_order_that_protects() -> None:
    (secure, _) = resources(plan_gateway(inputs(WIKI)), contents.LISTENERS_FILE)
    manager = secure["filter_chains"][0]["filters"][-1]["typed_config"]

    assert [entry["name"] for entry in manager["http_filters"]] == [
        contents.FILTER_HEADERS_IN,
        contents.FILTER_SIGN_IN_LIMIT,
        contents.FILTER_BODY_SIZE,
        contents.FILTER_OWN_BODY_SIZE,
        contents.FILTER_GRANTS,
        contents.FILTER_GRANT_NOTE,
        contents.FILTER_DECISION,
        contents.FILTER_COOKIES,
        contents.FILTER_HEADERS_OUT,
        "envoy.filters.http.router",
    ]
    decision = manager["http_filters"][6]["typed_config"]
    assert decision["failure_mode_allow"] is False
    assert decision["status_on_error"] == {"code": "ServiceUnavailable"}
    assert "with_request_body" not in decision


@given(_APPS)
@settings(deadline=None, max_examples=25)
def test_what_an_app_answers_passes_the_filter_of_planted_cookies_and_what_we_answer_does_not(
    apps: tuple[App, ...],
) -> None:
    for cluster in resources(plan_gateway(inputs(*apps)), contents.CLUSTERS_FILE):
        (options,) = cluster["typed_extension_protocol_options"].values()
        names = [entry["name"] for entry in options.get("http_filters", [])]
        ours = cluster["name"] in {contents.CONTROL_CLUSTER, contents.DECIDER_CLUSTER}
        judged = [contents.FILTER_DESTINATION] if cluster["type"] == "STRICT_DNS" else []
        every = [*judged, contents.FILTER_PLANTED_COOKIES, "envoy.filters.http.upstream_codec"]
        assert names == ([] if ours else every)


def test_an_app_whose_name_leads_where_none_may_live_is_out_of_reach() -> None:
    metadata = App(id=AppId("meta"), name="Meta", host="meta.example.test", upstream=Upstream(url="https://a.internal"))
    given = dataclasses.replace(inputs(WIKI, metadata), forbidden={"meta": "a.internal leads to 169.254.169.254, no"})
    plan = plan_gateway(given)
    endpoints = {one["name"]: one["load_assignment"]["endpoints"] for one in resources(plan, contents.CLUSTERS_FILE)}
    assert plan.problems == ("App 'meta' is out of reach: a.internal leads to 169.254.169.254, no.",)
    assert endpoints["app-meta"] == endpoints["app-meta-streams"] == []
    assert endpoints["app-wiki"]


def test_administration_is_on_a_private_socket_only() -> None:
    bootstrap = json.loads(plan_gateway(inputs(WIKI)).files[contents.BOOTSTRAP_FILE])

    address = bootstrap["admin"]["address"]
    assert address == {"pipe": {"path": "/srv/ostiary/run/envoy-admin.sock", "mode": 0o600}}


def test_without_a_plain_port_there_is_one_listener() -> None:
    assert len(resources(plan_gateway(inputs(WIKI, http_port=0)), contents.LISTENERS_FILE)) == 1


def test_behind_proxies_connections_may_serve_several_hosts() -> None:
    behind = hosts(plan_gateway(inputs(WIKI, trusted_proxies=1)))["wiki"]
    direct = hosts(plan_gateway(inputs(WIKI)))["wiki"]

    assert not any("filter_state" in route["match"] for route in behind["routes"])
    reaching = [route for route in direct["routes"] if "route" in route]
    assert all(route["match"]["filter_state"][0]["string_match"]["exact"] == "wiki.example.test" for route in reaching)


def test_an_unusable_authority_takes_one_app_away_and_says_so() -> None:
    upstream = Upstream(url="https://10.0.0.9", ca_file="/gone.pem")
    plan = plan_gateway(inputs(WIKI, App(id=AppId("pay"), name="Pay", host="pay.example.test", upstream=upstream)))
    found = {cluster["name"]: cluster for cluster in resources(plan, contents.CLUSTERS_FILE)}

    assert plan.problems == ("App 'pay' is out of reach: its file of authorities /gone.pem cannot be used.",)
    for name in ("app-pay", "app-pay-streams"):
        assert found[name]["load_assignment"]["endpoints"] == []
    assert found["app-wiki"]["load_assignment"]["endpoints"]


def test_an_https_upstream_is_verified_by_name() -> None:
    for url, kind, name in (
        ("https://a.internal", "DNS", "a.internal"),
        ("https://10.0.0.9", "IP_ADDRESS", "10.0.0.9"),
    ):
        app = msgspec.structs.replace(WIKI, upstream=Upstream(url=url))
        for cluster in resources(plan_gateway(inputs(app)), contents.CLUSTERS_FILE)[2:]:
            validation = cluster["transport_socket"]["typed_config"]["common_tls_context"]["validation_context"]
            assert validation["match_typed_subject_alt_names"] == [{"san_type": kind, "matcher": {"exact": name}}]
            assert validation["trusted_ca"] == {"filename": "/etc/ssl/certs/ca-certificates.crt"}


class TestRotation:
    def test_only_the_keys_change(self) -> None:
        other = key_set(new_grant_key())

        assert rotate_grants(render_grants((WIKI,), KEYS), other) == render_grants((WIKI,), other)
        assert rotate_grants(render_grants((), KEYS), other) == render_grants((), other)

    @pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"resources": []}', b'{"resources": [{}]}', b"\xff"])
    def test_anything_else_is_refused(self, content: bytes) -> None:
        with pytest.raises(ValueError):
            rotate_grants(content, KEYS)


def test_the_trial_holds_everything_and_refers_to_nothing() -> None:
    plan = plan_gateway(inputs(WIKI))
    whole = json.loads(
        render_standalone(plan, certificate={"certificate_chain": {"inline_string": "PEM"}}, devices=None)
    )
    text = json.dumps(whole)

    assert "path_config_source" not in text
    assert "config_discovery" not in text
    assert "/srv/ostiary/log" not in text
    assert {cluster["name"] for cluster in whole["static_resources"]["clusters"]} == {"decider", "control", "app-wiki"}
    assert '"providers"' in text
    assert '"virtual_hosts"' in text


class TestPatterns:
    """The expressions hold in RE2 as in `re`: they use only what both have."""

    @given(
        st.lists(
            st.sampled_from(["a=1", "b=", "c", "__Host-ostiary-grant=x.y-z", "__host-OSTIARY-begin", "__Host-a=1"])
        )
    )
    def test_none_of_ours_is_left_and_none_of_theirs_is_lost(self, cookies: list[str]) -> None:
        import re

        for separator in ("; ", ";", " ; ", ", "):
            left = re.sub(strip_pattern(OURS), "", separator.join(cookies))
            names = [part.strip() for part in re.split("[;,]", left) if part.strip()]
            assert names == [cookie for cookie in cookies if not cookie.lower().startswith("__host-ostiary-")]

    def test_the_console_keeps_its_own(self) -> None:
        import re

        sent = "__Host-ostiary-session=s; __Host-ostiary-id=i; __Host-ostiary-grant=g; __Host-ostiary-csrf=c"
        assert re.sub(strip_pattern(APP_SIDE_OURS), "", sent) == "__Host-ostiary-id=i; __Host-ostiary-csrf=c"

    @pytest.mark.parametrize("path", ["/", "/a/b.html", "/%C3%A9", "/100%25", "/a%20b", "/~u/@x:y,z!$&'()*+="])
    def test_ordinary_paths_are_clear(self, path: str) -> None:
        import re

        assert re.fullmatch(AMBIGUOUS_PATH, path) is None


@pytest.mark.parametrize("wanted", [False, True])
def test_programs_ask_at_the_sign_in_host_only_where_that_is_wanted(wanted: bool) -> None:
    configuration = Configuration(domain="example.test", authzen=Authzen(enabled=True, on_gateway=wanted))
    given_ = dataclasses.replace(
        inputs(WIKI), instance=Instance(home=Path("/srv/ostiary"), configuration=configuration)
    )
    found = hosts(plan_gateway(given_))
    theirs = {"/access/v1/", "/.well-known/authzen-configuration"}
    for name, host in found.items():
        ways = {
            route["match"].get("prefix", route["match"].get("path")): route
            for route in host["routes"]
            if route.get("route", {}).get("cluster") == contents.DECIDER_CLUSTER
        }
        assert theirs & ways.keys() == (theirs if wanted and name == "id" else set())
        for place in theirs & ways.keys():
            assert not settings_of(host, ways[place], contents.FILTER_OWN_BODY_SIZE).get("disabled")
            assert "filter_state" in ways[place]["match"], "only on a connection opened for this host"


@pytest.mark.parametrize("wanted", [False, True])
def test_directories_are_answered_at_the_sign_in_host_only_where_that_is_wanted(wanted: bool) -> None:
    configuration = Configuration(domain="example.test", scim=Scim(enabled=wanted))
    given_ = dataclasses.replace(
        inputs(WIKI), instance=Instance(home=Path("/srv/ostiary"), configuration=configuration)
    )
    for name, host in hosts(plan_gateway(given_)).items():
        found = [one for one in host["routes"] if one["match"].get("path_separated_prefix") == "/scim/v2"]
        assert len(found) == int(wanted and name == "id")
        for one in found:
            assert one["route"]["cluster"] == contents.CONTROL_CLUSTER
            assert "filter_state" in one["match"], "only on a connection opened for this host"
            assert not settings_of(host, one, contents.FILTER_OWN_BODY_SIZE).get("disabled")
            assert settings_of(host, one, contents.FILTER_SIGN_IN_LIMIT)["stat_prefix"] == "scim"
            assert host["routes"].index(one) < next(
                place for place, other in enumerate(host["routes"]) if other["name"] == "id/proof"
            ), "before the limit on sign-ins"
