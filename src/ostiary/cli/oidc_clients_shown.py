"""How clients of the OpenID Connect provider are shown by commands: a new one with its secret, one as a record, its proof."""

from typing import TYPE_CHECKING, Any

from ostiary.cli.output import print_done, print_json, print_note, print_text

if TYPE_CHECKING:
    from ostiary.oidc.facade import Added, Client


def show_added(added: "Added", *, as_json: bool) -> None:
    """Print a client that was registered or got a new secret, and what to type into the application."""
    from ostiary.oidc.facade import find_preset, issuer

    client = added.client
    if as_json:
        print_json({"secret": added.secret or None, "issuer": issuer(), **entry_of(client)})
        return
    print_text(f"Issuer         {issuer()}\nClient ID      {client.id}")
    if added.secret:
        print_text(f"Client secret  {added.secret}")
    if client.preset:
        print_text("\n" + "\n".join(find_preset(client.preset).steps(issuer(), client.id)))
    if added.secret:
        print_note("Keep the secret now: it is shown this once.")
    print_done(f"{client.name} may ask who somebody is. Nobody may enter yet: name app:{client.id} in a rule.")


def entry_of(client: "Client") -> dict[str, Any]:
    """Return a client as a record; its secret is not part of it."""
    import msgspec

    entry: dict[str, Any] = msgspec.to_builtins(client)
    return entry


def proof_of(client: "Client") -> str:
    """Return in words by what a client proves itself."""
    return {"secret": "a secret", "key": "its key", "public": "PKCE alone"}[client.kind.value]
