"""Two servers that verify AWS Signature Version 4 with code of their own: OpenStack Swift (S3) and ministack (AWS's APIs).

Between them and botocore there is nothing in common, so what both take is signed as AWS would have it. Swift hashes the
body itself; ministack trusts `x-amz-content-sha256`, and judges keys, sessions and external ids as IAM and STS do.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from botocore.config import Config
from botocore.session import Session

from tests.counterparties.installed import program
from tests.journeys.processes import PATIENCE, LongProcess


@dataclass(frozen=True)
class Key:
    """An access key; `session_token` where it is that of a session."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""


class Swift(LongProcess):
    """A running Swift with its S3 interface: `endpoint`, `region`, and the `key` of its one user.

    The bucket `orders` is there, and empty.
    """

    def __init__(self, folder: Path) -> None:
        self.key = Key("tests:orders", secrets.token_urlsafe(24))
        script = Path(__file__).with_name("swift_process.py")
        store = folder / "swift"
        store.mkdir()
        command = [program("python"), "-W", "ignore", script, store, self.key.access_key_id, self.key.secret_access_key]
        super().__init__("swift", command, folder / "swift.log")
        self.endpoint, self.region = str(self.ready["endpoint"]), str(self.ready["region"])
        aws_client("s3", self.endpoint, self.region, self.key).create_bucket(Bucket="orders")


#: The external id that the role asks for.
EXTERNAL_ID = "callout-tests-external-id"
#: With this key ministack lets everything pass, so it serves to set things up and for nothing else.
_ROOT = Key("test", "test")


class Ministack(LongProcess):
    """A running ministack: `endpoint` for every API, the `key` of an IAM user, and a `role` (ARN) that the user may
    assume with EXTERNAL_ID.

    The user may do everything; what the role may do is to read S3. The bucket `orders` holds one object, `7`.
    """

    region = "us-east-1"

    def __init__(self, folder: Path) -> None:
        store = folder / "ministack"
        store.mkdir()
        command = [program("python"), Path(__file__).with_name("ministack_process.py"), store]
        super().__init__("ministack", command, folder / "ministack.log")
        self.endpoint = str(self.ready["endpoint"])
        iam = aws_client("iam", self.endpoint, self.region, _ROOT)
        user = iam.create_user(UserName="orders")["User"]
        self._allow(iam.put_user_policy, "*", UserName="orders")
        made = iam.create_access_key(UserName="orders")["AccessKey"]
        self.key = Key(made["AccessKeyId"], made["SecretAccessKey"])
        trust = _policy("sts:AssumeRole", Principal={"AWS": user["Arn"]})
        trust["Statement"][0]["Condition"] = {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}
        made = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(trust))
        self.role = str(made["Role"]["Arn"])
        self._allow(iam.put_role_policy, "s3:Get*", RoleName="reader")
        s3 = aws_client("s3", self.endpoint, self.region, self.key)
        s3.create_bucket(Bucket="orders")
        s3.put_object(Bucket="orders", Key="7", Body=b"order 7")

    @staticmethod
    def _allow(put, action: str, **of: str) -> None:
        put(PolicyName="orders", PolicyDocument=json.dumps(_policy(action, Resource="*")), **of)


def _policy(action: str, **more: object) -> dict:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, **more}]}


def aws_client(name: str, endpoint: str, region: str, key: Key):
    """Return botocore's own client of an AWS API, which neither retries nor reads the environment."""
    return Session().create_client(
        name,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
        aws_session_token=key.session_token or None,
        config=Config(
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 1},
            connect_timeout=PATIENCE,
            read_timeout=PATIENCE,
            proxies={},
        ),
    )
