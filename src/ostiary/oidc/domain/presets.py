"""Products whose settings are known: where they want their codes, and what to type into them. Data; nothing here decides.

`{url}` is the product's address without the last slash, `{issuer}` and `{client}` are ours, SECRET is what `add` printed.
A product is `pkce=False` where its present version is known not to send PKCE, or not known to; one that does send it is
held to it all the same. Each says what its facts were read from; where that is another provider's guide, no account of the
product's own was at hand.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.oidc.domain.client import ClientKind, UnusableClient, parse_redirect_uris


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """One product.

    Args:
        name: as it calls itself.
        redirects: patterns of its redirect URIs.
        after_logout: patterns of where it wants people after signing out.
        backchannel: the pattern of its back-channel logout URI; empty where it has none.
        pkce: whether it is known to use PKCE.
        claims: what it wants besides the usual claims.
        roles: roles that it knows, by group.
        guide: what to type, line by line.
        source: what these facts were read from.
        public: whether it can keep no secret, and proves itself by PKCE alone.
    """

    name: str
    redirects: tuple[str, ...]
    guide: tuple[str, ...]
    source: str
    public: bool = False
    after_logout: tuple[str, ...] = ()
    backchannel: str = ""
    pkce: bool = True
    claims: Mapping[str, str] = {}
    roles: Mapping[str, str] = {}

    def fill(self, url: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return a client's values for a product at an address; what is given outweighs what is known.

        Args:
            url: where people open it.
            given: what was said besides.

        Raises:
            UnusableClient: when the address is none.
        """
        if not url:
            raise UnusableClient(f"Where is your {self.name}?", hint="Say so: --url https://…")
        (address,) = parse_redirect_uris([url], what="address")
        base = address.rstrip("/")
        known = {
            "redirect_uris": [one.format(url=base) for one in self.redirects],
            "post_logout_redirect_uris": [one.format(url=base) for one in self.after_logout],
            "backchannel_logout_uri": self.backchannel.format(url=base),
            "claims": dict(self.claims),
            "roles": dict(self.roles),
        }
        kind = ClientKind.PUBLIC if self.public else ClientKind.SECRET
        return {"pkce": self.pkce, "kind": kind, **known, **{name: value for name, value in given.items() if value}}

    def steps(self, issuer: str, client: str) -> tuple[str, ...]:
        """Return what to type into the product, line by line."""
        return tuple(line.replace("{issuer}", issuer).replace("{client}", client) for line in self.guide)


def find_preset(name: str) -> Preset:
    """Return a product's settings.

    Raises:
        UnusableClient: when they are not known.
    """
    found = PRESETS.get(name)
    if found is None:
        raise UnusableClient(
            f"The settings of {name[:40]!r} are not known.",
            hint="See: ostiary app oidc presets, or give --redirect-uri.",
        )
    return found


_ENDPOINTS: Final = (
    "Authorization URL:   {issuer}/oidc/authorize",
    "Token URL:           {issuer}/oidc/token",
    "User info URL:       {issuer}/oidc/userinfo",
)

PRESETS: Final[Mapping[str, Preset]] = {
    "bookstack": Preset(
        name="BookStack",
        source="https://github.com/BookStackApp/BookStack (app/Access/Oidc/OidcService.php, app/Access/LoginService.php)",
        redirects=("{url}/oidc/callback",),
        after_logout=("{url}", "{url}/", "{url}/login?prevent_auto_init=true"),
        guide=(
            "In BookStack's .env:",
            "AUTH_METHOD=oidc",
            "OIDC_NAME=Ostiary",
            "OIDC_CLIENT_ID={client}",
            "OIDC_CLIENT_SECRET=SECRET",
            "OIDC_ISSUER={issuer}",
            "OIDC_ISSUER_DISCOVER=true",
            "OIDC_END_SESSION_ENDPOINT=true",
            "OIDC_ADDITIONAL_SCOPES=groups",
            "OIDC_USER_TO_GROUPS=true",
            "OIDC_GROUPS_CLAIM=groups",
        ),
    ),
    "forgejo": Preset(
        name="Forgejo",
        source="a fork of Gitea: as there, not looked at by itself",
        redirects=("{url}/user/oauth2/ostiary/callback",),
        pkce=False,
        guide=(
            "Site administration, Identity & access, Authentication sources, Add:",
            "Authentication type: OAuth2, provider: OpenID Connect",
            "Authentication name: ostiary (it is part of the redirect URI)",
            "Client ID: {client}   Client secret: SECRET",
            "OpenID Connect auto discovery URL: {issuer}/.well-known/openid-configuration",
            "Additional scopes: profile email groups   Claim name providing group names: groups",
        ),
    ),
    "gitea": Preset(
        name="Gitea",
        source="https://github.com/go-gitea/gitea/pull/38202 (no PKCE), https://github.com/kanidm/kanidm/pull/3351 (redirect URI)",
        redirects=("{url}/user/oauth2/ostiary/callback",),
        pkce=False,
        guide=(
            "Site administration, Identity & access, Authentication sources, Add:",
            "Authentication type: OAuth2, provider: OpenID Connect",
            "Authentication name: ostiary (it is part of the redirect URI)",
            "Client ID: {client}   Client secret: SECRET",
            "OpenID Connect auto discovery URL: {issuer}/.well-known/openid-configuration",
            "Additional scopes: profile email groups   Claim name providing group names: groups",
        ),
    ),
    "gitlab": Preset(
        name="GitLab",
        source="https://docs.gitlab.com/administration/auth/oidc",
        redirects=("{url}/users/auth/openid_connect/callback",),
        guide=(
            "In /etc/gitlab/gitlab.rb, then gitlab-ctl reconfigure:",
            "gitlab_rails['omniauth_providers'] = [{",
            '  name: "openid_connect", label: "Ostiary",',
            '  args: { name: "openid_connect", scope: ["openid","profile","email"], response_type: "code",',
            '    issuer: "{issuer}", discovery: true, client_auth_method: "query", uid_field: "sub", pkce: true,',
            '    client_options: { identifier: "{client}", secret: "SECRET",',
            '      redirect_uri: "https://YOUR-GITLAB/users/auth/openid_connect/callback" } } }]',
        ),
    ),
    "grafana": Preset(
        name="Grafana",
        source="https://grafana.com/docs/grafana/latest/setup-grafana/configure-access/configure-authentication/generic-oauth/",
        redirects=("{url}/login/generic_oauth",),
        after_logout=("{url}/login",),
        claims={"role": "role"},
        roles={"administrators": "Admin", "*": "Viewer"},
        guide=(
            "In grafana.ini:",
            "[auth.generic_oauth]",
            "enabled = true",
            "name = Ostiary",
            "client_id = {client}",
            "client_secret = SECRET",
            "scopes = openid profile email groups offline_access",
            "auth_url = {issuer}/oidc/authorize",
            "token_url = {issuer}/oidc/token",
            "api_url = {issuer}/oidc/userinfo",
            "use_pkce = true",
            "use_refresh_token = true",
            "role_attribute_path = role",
        ),
    ),
    "immich": Preset(
        name="Immich",
        source="https://docs.immich.app/administration/oauth",
        redirects=("{url}/auth/login", "{url}/user-settings", "app.immich:///oauth-callback"),
        guide=(
            "Administration, Settings, OAuth authentication:",
            "Issuer URL: {issuer}/.well-known/openid-configuration",
            "Client ID: {client}   Client secret: SECRET",
            "Scope: openid email profile   Signing algorithm: RS256",
        ),
    ),
    "mattermost": Preset(
        name="Mattermost",
        source="https://github.com/mattermost/docs (OpenID Connect single sign-on)",
        redirects=("{url}/signup/openid/complete",),
        pkce=False,
        guide=(
            "System console, Authentication, OpenID Connect (needs a licence of Mattermost), OpenID Connect (Other):",
            "Discovery endpoint: {issuer}/.well-known/openid-configuration",
            "Client ID: {client}   Client secret: SECRET",
        ),
    ),
    "nextcloud": Preset(
        name="Nextcloud",
        source="https://github.com/nextcloud/user_oidc (appinfo/routes.php, lib/Command/UpsertProvider.php)",
        redirects=("{url}/apps/user_oidc/code", "{url}/index.php/apps/user_oidc/code"),
        after_logout=("{url}", "{url}/", "{url}/index.php/login"),
        backchannel="{url}/index.php/apps/user_oidc/backchannel-logout/Ostiary",
        guide=(
            "Install the app OpenID Connect user backend, then on the server:",
            "php occ user_oidc:provider Ostiary --clientid={client} --clientsecret=SECRET \\",
            "  --discoveryuri={issuer}/.well-known/openid-configuration \\",
            '  --scope="openid email profile groups" --unique-uid=0 --mapping-uid=sub \\',
            "  --mapping-groups=groups --group-provisioning=1 --send-id-token-hint=1",
        ),
    ),
    "outline": Preset(
        name="Outline",
        source="https://github.com/outline/outline (plugins/oidc/server/auth/oidcRouter.ts, env.ts)",
        redirects=("{url}/auth/oidc.callback",),
        after_logout=("{url}", "{url}/"),
        pkce=False,
        guide=(
            "In Outline's environment:",
            "OIDC_CLIENT_ID={client}",
            "OIDC_CLIENT_SECRET=SECRET",
            "OIDC_AUTH_URI={issuer}/oidc/authorize",
            "OIDC_TOKEN_URI={issuer}/oidc/token",
            "OIDC_USERINFO_URI={issuer}/oidc/userinfo",
            "OIDC_LOGOUT_URI={issuer}/oidc/end-session",
            "OIDC_USERNAME_CLAIM=preferred_username",
            "OIDC_DISPLAY_NAME=Ostiary",
            "OIDC_SCOPES=openid profile email",
        ),
    ),
    "paperless-ngx": Preset(
        name="Paperless-ngx",
        source="https://www.authelia.com/integration/openid-connect/clients/paperless/",
        redirects=("{url}/accounts/oidc/ostiary/login/callback/",),
        guide=(
            "In Paperless' environment, the second on one line:",
            "PAPERLESS_APPS=allauth.socialaccount.providers.openid_connect",
            'PAPERLESS_SOCIALACCOUNT_PROVIDERS={"openid_connect": {"OAUTH_PKCE_ENABLED": true, "APPS": [',
            '  {"provider_id": "ostiary", "name": "Ostiary", "client_id": "{client}", "secret": "SECRET",',
            '   "settings": {"server_url": "{issuer}/.well-known/openid-configuration"}}]}}',
        ),
    ),
    "portainer": Preset(
        name="Portainer",
        source="https://github.com/portainer/portainer (api/oauth/oauth.go)",
        redirects=("{url}", "{url}/"),
        after_logout=("{url}", "{url}/"),
        pkce=False,
        guide=(
            "Settings, Authentication, OAuth, Custom:",
            "Client ID: {client}   Client secret: SECRET",
            *_ENDPOINTS,
            "Logout URL:          {issuer}/oidc/end-session",
            "User identifier: email   Scopes: openid profile email",
            "Redirect URL: as Portainer shows it; the same as registered here",
        ),
    ),
    "proxmox": Preset(
        name="Proxmox VE",
        source="https://integrations.goauthentik.io/hypervisors-orchestrators/proxmox-ve/",
        redirects=("{url}",),
        pkce=False,
        guide=(
            "On the Proxmox host (the address given here holds the port 8006):",
            "pveum realm add ostiary --type openid --issuer-url {issuer} --client-id {client} \\",
            "  --client-key SECRET --username-claim email --autocreate 1",
        ),
    ),
    "vaultwarden": Preset(
        name="Vaultwarden",
        source="https://github.com/dani-garcia/vaultwarden (.env.template), https://integrations.goauthentik.io/security/vaultwarden/",
        redirects=("{url}/identity/connect/oidc-signin",),
        guide=(
            "In Vaultwarden's environment (1.35 or newer):",
            "SSO_ENABLED=true",
            "SSO_AUTHORITY={issuer}",
            "SSO_CLIENT_ID={client}",
            "SSO_CLIENT_SECRET=SECRET",
            "SSO_PKCE=true",
            'SSO_SCOPES="email profile offline_access"',
        ),
    ),
    "zammad": Preset(
        name="Zammad",
        source="https://admin-docs.zammad.org/en/latest/settings/security/third-party/openid-connect.html",
        redirects=("{url}/auth/openid_connect/callback",),
        backchannel="{url}/auth/openid_connect/backchannel_logout",
        public=True,
        guide=(
            "Admin, Security, Third-party applications, Authentication via OpenID Connect:",
            "Identifier: {client}   Issuer: {issuer}   Scopes: openid email profile",
            "PKCE: yes. Zammad takes no secret, so it proves itself by PKCE alone.",
        ),
    ),
}
