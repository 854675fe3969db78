"""Signing in to Setup: with a password, a key, an invitation, or at a trusted issuer.

`signing_in` begins and ends sessions, `choosing` invites and sets passwords, `single_sign_on` goes to an issuer;
`password_rules` and `attempts` decide, `refusals` words what is refused.
"""

from callout.engine.sign_in.refusals import SIGN_IN_REASONS, SignInRefused
from callout.engine.sign_in.signing_in import Browser, SignedIn, SigningIn
from callout.engine.sign_in.single_sign_on import SingleSignOn

__all__ = ["SIGN_IN_REASONS", "Browser", "SignInRefused", "SignedIn", "SigningIn", "SingleSignOn"]
