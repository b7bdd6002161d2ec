"""A source's policy on signatures: what a signature that is missing, unverified or forged does to a message."""

from __future__ import annotations

from dataclasses import dataclass, replace

from warnd.errors import Fault, InvalidAlert
from warnd.intake.encoding import decode
from warnd.intake.pinned_key import PinnedKey
from warnd.intake.read import MAX_BYTES
from warnd.intake.xmldsig import Check, Standing, verify
from warnd.model.alert import Parsed

_PATH = "alert/Signature"


@dataclass(frozen=True, slots=True)
class SignaturePolicy:
    """
    The keys that a source's messages are signed with.

    ``required``: what is not verified waits for a person; otherwise it is only remarked. ``sha1``: signatures over
    SHA-1 count.
    """

    keys: tuple[PinnedKey, ...]
    required: bool
    sha1: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """``body`` is what is to be read from now on: of a verified message, what was signed and nothing else."""

    body: bytes
    warnings: tuple[Fault, ...] = ()
    doubts: tuple[Fault, ...] = ()

    def judge(self, parsed: Parsed) -> Parsed:
        """A message read from ``body``, with what its signature adds to what was found in it."""
        said = {one.code for one in (*self.warnings, *self.doubts)}
        found = tuple(one for one in parsed.warnings if one.code not in said)
        return replace(parsed, warnings=(*self.warnings, *found), doubts=(*self.doubts, *parsed.doubts))


def check_signature(body: bytes, policy: SignaturePolicy) -> Checked:
    """
    Check a message before it is read. Raises InvalidAlert when its signature is forged, or no text can be made of it.

    Forged is refused and not quarantined: its identity must stay free for the message that it imitates.
    """
    check = _check(body, policy)
    match check.standing:
        case Standing.VERIFIED:
            return Checked(check.signed)
        case Standing.FORGED:
            fault = Fault(_PATH, "signature_forged", f"the signature {check.why}", check.wrong)
            raise InvalidAlert([fault])
        case Standing.MISSING:
            fault = Fault(_PATH, "signature_missing", "there is no signature")
        case Standing.UNVERIFIED:
            fault = Fault(_PATH, "signature_unverified", f"the signature {check.why}")
    return Checked(body, doubts=(fault,)) if policy.required else Checked(body, warnings=(fault,))


def _check(body: bytes, policy: SignaturePolicy) -> Check:
    if len(body) > MAX_BYTES:
        return Check(Standing.UNVERIFIED, "stands in a body that is too large")
    text = decode(body)
    return verify(text, policy.keys, sha1=policy.sha1) if text.startswith("<") else Check(Standing.MISSING)
