"""AWS Signature Version 4 with the access key of an IAM user, or with temporary credentials that were given elsewhere."""

from __future__ import annotations

from callout.core.protocol import Parameter, Token
from callout.core.sigv4 import SCOPE, AwsCredentials, SignsRequests


class AwsSigV4(SignsRequests):
    """Signs each request with an access key ("Create a signed AWS API request", IAM User Guide)."""

    name = "aws_sigv4"
    title = "AWS Signature Version 4"
    parameters = (
        *SCOPE,
        Parameter("access_key_id", "Access key id (AKIA…, or ASIA… with a session token)", secret=True),
        Parameter("secret_access_key", "Secret access key", secret=True),
        Parameter("session_token", "Session token, where the key is a temporary one", secret=True, required=False),
    )

    def credentials(self, token: Token | None) -> AwsCredentials:
        """Return the principal's own access key."""
        session_token = self.values.secrets.get("session_token")
        return AwsCredentials(
            self.values.secret("access_key_id"), self.values.secret("secret_access_key"), session_token or None
        )
