"""A device whose key lies in a TPM, without an agent: what its TPM really says, sent to the sign-in host in this process."""

import base64
from typing import Any

import msgspec

from ostiary.agent.tpm_key import TpmKey, TpmKeys, claim_of, make_tpm_keys, open_challenge, quote_of
from ostiary.devices.domain.answers import Started
from ostiary.devices.domain.messages import Prove, Quote, Quoted, TpmClaim, sign_message
from tests.device_asking import Laptop
from tests.tpm_emulator import Chip


class TpmLaptop(Laptop):
    """One computer with a TPM, which says what it is told to."""

    def __init__(self, chip: Chip, *, key_in_file: bool = False, **more: Any) -> None:
        super().__init__(**more)
        self.chip = chip
        self.keys: TpmKeys = make_tpm_keys(chip.address, device_too=not key_in_file)
        if not key_in_file:
            self.key = TpmKey(self.keys)

    def start_again(self) -> None:
        """Switch the computer off and on."""
        self.chip.start_again()
        self.keys = msgspec.structs.replace(self.keys, address=self.chip.address)
        self.key = TpmKey(self.keys)

    def nonce(self) -> str:
        return str(self.post("nonce", {}).json()["nonce"])

    def ask(self, claim: TpmClaim | None = None, **more: Any) -> Any:
        """Ask to be enrolled, with whatever is given in place of what its TPM says."""
        nonce = self.nonce()
        told = claim or msgspec.structs.replace(claim_of(self.keys, nonce), **more)
        where = "file" if self.keys.device is None else "tpm"
        return Laptop.start(self, key_protection=where, tpm=told, nonce=nonce)

    def secret(self) -> bytes:
        challenge = msgspec.convert(self.started, Started, strict=False).challenge
        assert challenge is not None
        return open_challenge(self.keys, challenge)

    def prove(self, **more: Any) -> Any:
        if "secret" not in more:
            more["secret"] = self.secret()
        answer = self.send("prove", self.said(Prove, device_code=self.started["device_code"], **more))
        if answer.status_code == 200:
            self.started = answer.json()
        return answer

    def start(self, **more: Any) -> Any:
        answer = self.ask(**more)
        return self.prove() if answer.status_code == 200 else answer

    def quoted(self, nonce: str) -> Quoted:
        return quote_of(self.keys, nonce, device=self.device)

    def quote(self, log: bytes = b"", *, quoted: Quoted | None = None, nonce: str = "", **more: Any) -> Any:
        """Tell how it started, with whatever is given in place of what its TPM says."""
        nonce = nonce or self.nonce()
        told = quoted or msgspec.structs.replace(self.quoted(nonce), **more)
        message = self.said(Quote, nonce=nonce, device=self.device, quoted=told)
        body = {"message": sign_message(message, self.key), "log": base64.b64encode(log).decode()}
        return self.post("quote", body)
