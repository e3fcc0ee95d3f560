"""The rule of the how-to on sign-in hygiene does what the page says of it."""

import re
from pathlib import Path

from tests.policy_material import NOON, allowed, ask, engine, proof, refused

from ostiary.policy.decision import ReasonCode, RemedyKind

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "sign-in-hygiene.md"
OPEN = "- {name: finance-opens-the-ledger, allow: 'group:finance', to: 'app:ledger', do: [view]}\n"


def test_whoever_has_no_passkey_is_kept_out_and_led_to_setting_one_up() -> None:
    (rule,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    text = "version: 1\nrules:\n" + "".join(f"  {line}\n" for line in (OPEN + rule).splitlines())
    decider = engine(text, apps={"ledger": []})
    finance = {"groups": ("finance",)}
    assert allowed(decider.decide(ask("ledger", proofs=(proof("webauthn"),), **finance), NOON))
    kept_out = refused(decider.decide(ask("ledger", proofs=(proof("totp"),), **finance), NOON))
    assert kept_out.reason in {ReasonCode.CONDITIONS_UNMET, ReasonCode.DENIED_BY_RULE}
    assert RemedyKind.STEP_UP in {one.remedy.kind for one in kept_out.unmet if one.remedy is not None}
