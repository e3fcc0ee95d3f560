"""What Cedar policies may speak about: entities, actions and the context of a request.

`holds` is the set of named conditions that hold at the moment of the request: those that need a clock (hours, the age
of a proof) or posture facts by name. Everything else is in the context as a value.
"""

from functools import lru_cache
from typing import Final

from cedarpy import Schema

SCHEMA_TEXT: Final = """\
entity Group;
entity Label;
entity Email;
entity Person in [Group, Email];
entity Service in [Group];
entity App in [Label];

type Device = { managed?: Bool, compliant?: Bool };
type Context = {
  path?: String,
  mfa: Long,
  holds: Set<String>,
  address?: ipaddr,
  country?: String,
  risk?: Long,
  device?: Device,
};

action "view", "edit", "delete", "connect", "unknown" appliesTo {
  principal: [Person, Service],
  resource: [App],
  context: Context,
};
"""


@lru_cache(maxsize=1)
def schema() -> Schema:
    """Return the schema, parsed."""
    return Schema.from_str(SCHEMA_TEXT)
